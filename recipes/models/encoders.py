"""Sentences to points: bags of word vectors, transformers with random weights, and public models by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from diffspec.errors import InputError, MissingExtraError
from recipes.lab.data import folder

__all__ = ["BAG", "RANDOM", "encode"]

Points: TypeAlias = np.ndarray[Any, Any]

BAG = "bag of GloVe vectors"
SHAPES = {"BERT, random": (128, 2), "wide BERT, random": (256, 4)}
"""Width and layers of transformers whose weights nobody trained."""

RANDOM = tuple(SHAPES)
LONGEST, BATCH = 64, 64
WIDTH_OF_WORDS = 100
PREFIX = "sentence-transformers/"


def encode(encoder: str, texts: Sequence[str]) -> Points:
    """The points (n, d) of `texts`, float64.

    `encoder` is ``"bag of GloVe vectors"``, ``"bag of random vectors"``, a name of `RANDOM`, a model of Hugging Face by
    its name or folder (the mean of its last states over the words), or one of sentence-transformers after
    ``"sentence-transformers/"``.

    Raises
    ------
    InputError
        A public model that cannot be had.
    MissingExtraError
        Its library is not installed.
    """
    if encoder.startswith("bag of "):
        return _bag(texts, _glove() if encoder == BAG else _random_words(texts))
    if encoder in SHAPES:
        return _random(encoder, texts)
    return _sentence_transformer(encoder, texts) if encoder.startswith(PREFIX) else _public(encoder, texts)


def _bag(texts: Sequence[str], vectors: dict[str, Points]) -> Points:
    """The mean vector of the words that are known; 0 where none is."""
    width = len(next(iter(vectors.values())))
    known = [[vectors[word] for word in text.split() if word in vectors] for text in texts]
    return np.array([np.mean(words, axis=0) if words else np.zeros(width) for words in known], dtype=np.float64)


def _glove() -> dict[str, Points]:
    with np.load(folder() / "senteval" / "glove100_top20000.npz") as stored:
        return dict(zip(stored["words"].tolist(), stored["vectors"].astype(np.float64), strict=True))


def _random_words(texts: Sequence[str]) -> dict[str, Points]:
    words = sorted({word for text in texts for word in text.split()})
    return dict(zip(words, np.random.default_rng(0).normal(size=(len(words), WIDTH_OF_WORDS)), strict=True))


def _random(encoder: str, texts: Sequence[str]) -> Points:
    """The mean of the last states of a BERT that nobody trained, over its words by number."""
    import torch
    from transformers import BertConfig, BertModel

    width, layers = SHAPES[encoder]
    numbers = {word: k for k, word in enumerate(sorted({word for text in texts for word in text.split()}), start=1)}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=len(numbers) + 1,
            hidden_size=width,
            num_hidden_layers=layers,
            num_attention_heads=width // 64,
            intermediate_size=2 * width,
        )
        model = BertModel(config).eval()
    rows = [[numbers[word] for word in text.split()[:LONGEST]] or [0] for text in texts]

    def batch(some: Sequence[list[int]]) -> dict[str, Any]:
        longest = max(map(len, some))
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in some])
        lengths = torch.tensor([len(row) for row in some])
        return {"input_ids": ids, "attention_mask": (torch.arange(longest) < lengths[:, None]).long()}

    return _mean_states(model, [batch(rows[at : at + BATCH]) for at in range(0, len(rows), BATCH)])


def _public(name: str, texts: Sequence[str]) -> Points:
    """The same of a model of Hugging Face, by its own words."""
    transformers = _library("transformers", "transformers")
    tokenizer, model = (
        _had(kind.from_pretrained, name) for kind in (transformers.AutoTokenizer, transformers.AutoModel)
    )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    some = [list(texts[at : at + BATCH]) for at in range(0, len(texts), BATCH)]
    how = {"padding": True, "truncation": True, "max_length": LONGEST, "return_tensors": "pt"}
    return _mean_states(model.eval(), [dict(tokenizer(each, **how)) for each in some])


def _sentence_transformer(name: str, texts: Sequence[str]) -> Points:
    library = _library("sentence_transformers", "sentence-transformers")
    model = _had(library.SentenceTransformer, name.removeprefix(PREFIX))
    return np.asarray(model.encode(list(texts)), dtype=np.float64)


def _library(module: str, package: str) -> Any:
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(f"an encoder of {package}", package) from error


def _had(load: Callable[[str], Any], name: str) -> Any:
    try:
        return load(name)
    except Exception as error:  # the hub has its own ways to fail, and none is a bug here
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"the model {name} cannot be had ({reason}); give its folder, or load it once") from error


def _mean_states(model: Any, batches: Sequence[dict[str, Any]]) -> Points:
    import torch

    found = []
    with torch.inference_mode():
        for batch in batches:
            states = model(**batch).last_hidden_state
            mask = batch["attention_mask"][:, :, None].to(states.dtype)
            found.append((states * mask).sum(1) / mask.sum(1).clamp(min=1))
    return np.asarray(torch.cat(found).double())
