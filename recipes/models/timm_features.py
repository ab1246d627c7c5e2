"""What a network of timm makes of images: the input of its classifier and its logits, kept by weights and images."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch

from diffspec.training.network.penultimate import first_of, penultimate
from recipes.lab.data import folder
from recipes.lab.images import MissingDataError
from recipes.training.networks.families import device

__all__ = ["Images", "SkippedError", "features", "forward", "images", "network_of", "tensors"]

Points: TypeAlias = np.ndarray[Any, Any]

KEPT = Path(__file__).resolve().parents[2] / "build" / "imagenet-models"
BATCH = 16
AREA = (0.6, 1.6)
"""Of a random crop, as the paper's; more than the whole never fits, and torchvision then takes the middle."""

HOW = "put the validation images there, a folder per class, and classes.csv that names them"


class SkippedError(RuntimeError):
    """A model that cannot be looked at, and why."""


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Pictures, their classes as ImageNet numbers them, and what tells these pictures from others."""

    pictures: Sequence[Any]
    labels: Points
    digest: str


def images(count: int | None, *, made: bool = False) -> Images:
    """The images of the 20 classes, of all classes by turns, the first `count`; or as many that are made here.

    Raises
    ------
    MissingDataError
        The folder is not there.
    """
    if made:
        rng = np.random.default_rng(0)
        labels = np.arange(count or 40) % 4
        noise = [rng.integers(60, size=(80, 80, 3)) + 40 * label for label in labels]
        return Images([_picture(pixels.astype(np.uint8)) for pixels in noise], labels, f"made{len(labels)}")
    root = folder() / "imagenet20-val"
    if not (root / "classes.csv").is_file():
        raise MissingDataError(f"no file {root / 'classes.csv'}; {HOW}, or give another folder by --data DIR")
    rows = list(csv.DictReader((root / "classes.csv").read_text().splitlines()))
    files = {int(row["imagenet_index"]): sorted((root / row["wnid"]).glob("*.JPEG")) for row in rows}
    turns = [(found[k], label) for k in range(min(map(len, files.values()))) for label, found in files.items()][:count]
    digest = hashlib.sha256("".join(path.name for path, _label in turns).encode()).hexdigest()[:12]
    return Images(_Opened([path for path, _label in turns]), np.array([label for _path, label in turns]), digest)


class _Opened(Sequence[Any]):
    """Pictures that are read when they are looked at."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, at: Any) -> Any:
        from PIL import Image

        with Image.open(self.paths[at]) as image:
            return image.convert("RGB")


def _picture(pixels: Points) -> Any:
    from PIL import Image

    return Image.fromarray(pixels)


def network_of(name: str, *, pretrained: bool) -> Any:
    """The network `name` of timm with its 1,000 classes, in evaluation mode.

    Raises
    ------
    ConnectionError
        Its weights cannot be had, now.
    """
    import timm

    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return timm.create_model(name, pretrained=pretrained, num_classes=1000).eval()
    except Exception as error:
        if not pretrained:
            raise SkippedError(f"timm makes no {name}: {error}") from error
        raise ConnectionError(f"the weights of {name} cannot be had: {' '.join(str(error).split())[:120]}") from error


def tensors(network: Any, some: Images, size: int, repeats: int) -> Any:
    """Batches of normalised pixels (b, 3, size, size), every picture `repeats` times.

    Once: the middle, by the crop the network was tested with. More often: random crops, the same for all networks.
    """
    import timm
    from torchvision import transforms

    config = timm.data.resolve_model_data_config(network)
    if repeats == 1:
        transform = timm.data.create_transform(**{**config, "input_size": (3, size, size)})
    else:
        normal = transforms.Normalize(config["mean"], config["std"])
        crop = transforms.RandomResizedCrop(size, scale=AREA)
        transform = transforms.Compose([crop, transforms.ToTensor(), normal])
    order = [at for _ in range(repeats) for at in range(len(some.pictures))]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for start in range(0, len(order), BATCH):
            yield torch.stack([transform(some.pictures[at]) for at in order[start : start + BATCH]])


def features(name: str, some: Images, size: int, *, repeats: int, pretrained: bool) -> dict[str, Any]:
    """``points`` and ``logits`` as float16, kept on disk, and ``head``: what the classifier is called.

    On the accelerator where there is one, and once more on the CPU where its memory is too small.

    Raises
    ------
    ConnectionError
        The weights cannot be had.
    SkippedError
        The network does not take the images, or has no classifier that can be found.
    """
    network = network_of(name, pretrained=pretrained)
    path = KEPT / f"{name}-{_digest(network)}-{some.digest}-{size}-{repeats}.npz"
    if not path.exists():
        try:
            found = forward(network.to(device()), tensors(network, some, size, repeats))
        except torch.OutOfMemoryError:
            found = forward(network.cpu(), tensors(network, some, size, repeats))
        KEPT.mkdir(parents=True, exist_ok=True)
        np.savez(path, **found)
    with np.load(path) as stored:
        return {**{name: stored[name] for name in ("points", "logits")}, "head": str(stored["head"])}


def forward(network: Any, batches: Any) -> dict[str, Any]:
    """The input of the classifier and the logits of every batch, in one pass each, as float16.

    Raises
    ------
    SkippedError
        As `features`.
    """
    try:
        with torch.inference_mode():
            return _passed(network, batches)
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError, TypeError, AssertionError) as error:
        raise SkippedError(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}") from error


def _passed(network: Any, batches: Any) -> dict[str, Any]:
    at = next(network.parameters()).device
    rest = iter(batches)
    some = next(rest).to(at)
    head, reduction = penultimate(network, lambda: network(some[:1]), some[:1])
    points: list[Any] = []
    logits: list[Any] = []

    def note(_module: Any, args: Any, kwargs: Any) -> None:
        points.append(_reduced(first_of(args, kwargs), reduction))

    with network.get_submodule(head).register_forward_pre_hook(note, with_kwargs=True):
        for pixels in chain([some], rest):
            answer = network(pixels.to(at))
            logits.append((answer[0] if isinstance(answer, tuple) else answer).half().cpu())
    return {"points": torch.cat(points).numpy(), "logits": torch.cat(logits).numpy(), "head": head}


def _reduced(given: Any, reduction: str) -> Any:
    if reduction == "last":
        given = given[:, -1]
    elif reduction == "gap_first":
        given = given.flatten(2).mean(2)
    return given.half().cpu()


def _digest(network: Any) -> str:
    """Of all weights."""
    found = hashlib.sha256()
    for tensor in network.state_dict().values():
        found.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()[:12]
