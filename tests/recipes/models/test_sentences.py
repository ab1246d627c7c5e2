"""Tasks of SentEval and encoders of sentences."""

import numpy as np
import pytest

from diffspec import InputError
from diffspec.errors import MissingExtraError
from recipes.lab.data import folder
from recipes.lab.images import MissingDataError
from recipes.models import encoders, sentences, texts

needs_data = pytest.mark.skipif(not (folder() / "senteval").exists(), reason="the files of SentEval are not here")


@needs_data
@pytest.mark.parametrize(
    ("task", "size", "classes", "largest"),
    [
        ("MR", 10_662, 2, 0.5),
        ("CR", 3771, 2, 0.638),
        ("MPQA", 10_603, 2, 0.688),
        ("SUBJ", 10_000, 2, 0.5),
        ("TREC", 5952, 6, 0.225),
    ],
)
def test_tasks_are_those_of_senteval(task, size, classes, largest):
    """Of CR 4 lines are empty, of MPQA 3; they are left out."""
    lines, labels = texts.load(task, 10**6)
    assert (len(lines), len(set(labels.tolist()))) == (size, classes)
    assert np.bincount(labels).max() / size == pytest.approx(largest, abs=2e-3)


@needs_data
def test_questions_lose_their_labels():
    lines, labels = texts.load("TREC", 10**6)
    at = lines.index("how far is it from denver to aspen ?")
    assert "NUM" not in lines[at]
    assert labels[at] == labels[lines.index("when was ozzy osbourne born ?")]  # both ask for numbers


@needs_data
def test_a_bag_is_the_mean_of_the_vectors_of_known_words():
    with np.load(folder() / "senteval" / "glove100_top20000.npz") as stored:
        words = stored["words"].tolist()
        vectors = stored["vectors"].astype(float)
    found = encoders.encode(encoders.BAG, ["the film", "the xqzzy film", "xqzzy"])
    expected = (vectors[words.index("the")] + vectors[words.index("film")]) / 2
    assert found[0] == pytest.approx(expected)
    assert np.array_equal(found[0], found[1])
    assert not found[2].any()


def test_without_the_files_one_line_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("DIFFSPEC_DATA", str(tmp_path))
    with pytest.raises(MissingDataError, match=r"no file .*rt-polarity.neg; put the task's files of SentEval there"):
        texts.load("MR", 10)


@pytest.mark.parametrize("encoder", encoders.RANDOM)
def test_a_random_transformer_is_the_same_again_and_padding_does_not_count(encoder):
    lines = ["a good film", "a very long and rather bad film about rain"]
    both = encoders.encode(encoder, lines)
    assert np.array_equal(both, encoders.encode(encoder, lines))
    assert both.shape == (2, encoders.SHAPES[encoder][0])
    model_of_one = encoders.encode(encoder, [lines[1], lines[1]])
    assert not np.allclose(both[0], model_of_one[0], atol=1e-3)


def saved(folder):
    """A tiny BERT with a vocabulary, as Hugging Face saves one."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "film"]))
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=8, **sizes)).save_pretrained(folder)
    return str(folder)


def test_a_model_of_hugging_face_is_taken_by_its_folder(tmp_path):
    name = saved(tmp_path)
    found = encoders.encode(name, ["good film", "bad film bad film"])
    assert found.shape == (2, 16)
    assert found[0] == pytest.approx(encoders.encode(name, ["good film"])[0], abs=1e-5)


def test_a_model_that_cannot_be_had_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"the model .*nothing cannot be had \(.*\); give its folder, or load it once"):
        encoders.encode(str(tmp_path / "nothing"), ["a"])


def test_sentence_transformers_are_asked_for_by_their_prefix(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sentence_transformers", None)
    with pytest.raises(MissingExtraError, match="an encoder of sentence-transformers"):
        encoders.encode("sentence-transformers/all-MiniLM-L6-v2", ["a"])


def test_the_regression_learns_what_is_there_and_nothing_else(rng):
    labels = np.arange(200) % 2
    assert sentences.regression(labels[:, None] + 0.1 * rng.normal(size=(200, 3)), labels) == 1.0
    assert sentences.regression(rng.normal(size=(200, 3)), labels) < 0.65
