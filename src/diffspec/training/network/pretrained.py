"""Pretrained networks of timm on a folder of images: what comes before their classifiers."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from diffspec._checks import integer
from diffspec.errors import InputError, MissingExtraError
from diffspec.files.writing import replace

__all__ = ["features", "images_in"]

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
BATCH = 50

Values = np.ndarray[Any, Any]


def features(
    patterns: Sequence[str],
    folder: Path,
    *,
    n: int = 2000,
    seed: int = 0,
    pretrained: bool = True,
    keep: Path | None = None,
    say: Callable[[str], None] = lambda _line: None,
) -> tuple[dict[str, Values], Values]:
    """What networks of timm see of images: by name the input of the classifier (n, d), and the labels (n,).

    Parameters
    ----------
    patterns : sequence of str
        Names or patterns of timm, such as ``"resnet18"`` and ``"convnext_*"``; those with weights to load.
    folder : Path
        One folder of images per class.
    n : int
        Images at most, drawn evenly from the classes; all networks see the same.
    seed : int
        Draws them.
    pretrained : bool
        Load the weights of timm, from its cache or from the network. Without them the networks are random.
    keep : Path, optional
        A folder for what each network sees, as float32: what it holds of these images is read and not computed again,
        so that a broken run goes on.
    say : callable
        Is told a line for each network.

    Raises
    ------
    InputError
        No such network or folder, images that cannot be read, weights that cannot be had.
    MissingExtraError
        timm is not installed.

    Notes
    -----
    Every network gets the images in the size and the normalisation it was trained with, on the CPU, in batches of 50.
    """
    try:
        import timm
        import torch
    except ImportError as error:
        raise MissingExtraError("--timm", "timm") from error
    names = _names(timm, patterns, pretrained=pretrained)
    paths, labels = images_in(folder, n=integer(n, "n", least=1), seed=seed)
    found = {}
    for at, name in enumerate(names, start=1):
        started = time.monotonic()
        place = None if keep is None else keep / f"{name}-{_digest(paths, pretrained=pretrained)}.npy"
        known = place is not None and place.exists()
        if known and place is not None:
            found[name] = _kept(place)
        else:
            network, transform = _network(timm, name, pretrained=pretrained)
            with torch.inference_mode():
                batches = [network(torch.stack([transform(image) for image in some])) for some in _batches(paths)]
            found[name] = torch.cat(batches).double().numpy()
            if place is not None:
                _keep(place, found[name])
        say(f"{at} of {len(names)}: {name}, {'kept' if known else f'{time.monotonic() - started:.0f} s'}")
    return found, labels


def images_in(folder: Path, *, n: int, seed: int) -> tuple[list[Path], Values]:
    """Up to `n` images, as evenly from the folders in `folder` as they have them, and the names of these folders."""
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; give one with a folder of images per class")
    classes = {
        each.name: sorted(p for p in each.iterdir() if p.suffix.lower() in ENDINGS)
        for each in sorted(folder.iterdir())
        if each.is_dir()
    }
    classes = {name: paths for name, paths in classes.items() if paths}
    if len(classes) < 2:
        raise InputError(
            f"{folder} must hold a folder of images ({', '.join(ENDINGS)}) for at least 2 classes, got {len(classes)}"
        )
    rng = np.random.default_rng(seed)
    each = max(1, n // len(classes))
    pairs = [
        (paths[at], name)
        for name, paths in classes.items()
        for at in np.sort(rng.choice(len(paths), size=min(each, len(paths)), replace=False))
    ]
    return [path for path, _name in pairs], np.array([name for _path, name in pairs])


def _digest(paths: Sequence[Path], *, pretrained: bool) -> str:
    """Of the images as they are now, by their names, sizes and times; random networks are others."""
    stamps = [f"{path.resolve()} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in paths]
    return blake2b("\n".join([str(pretrained), *stamps]).encode(), digest_size=8).hexdigest()


def _kept(place: Path) -> Values:
    try:
        return np.asarray(np.load(place, allow_pickle=False), dtype=np.float64)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{place} cannot be read ({error}); remove it, and it is made again") from error


def _keep(place: Path, points: Values) -> None:
    """Whole or not at all."""
    buffer = BytesIO()
    np.save(buffer, points.astype(np.float32))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{place.parent} cannot be a folder ({error}); give another one to keep features in"
        ) from error
    replace(place, buffer.getvalue())


def _names(timm: Any, patterns: Sequence[str], *, pretrained: bool) -> list[str]:
    known = timm.list_models(pretrained=pretrained)
    plain = {name: name.split(".")[0] for name in known}
    found = [
        name
        for name in known
        if any(fnmatch.fnmatchcase(part, one) for part in {name, plain[name]} for one in patterns)
    ]
    if not found:
        kind = "pretrained network" if pretrained else "network"
        raise InputError(f"timm has no {kind} {', '.join(map(repr, patterns))}; see timm.list_models()")
    return found


def _network(timm: Any, name: str, *, pretrained: bool) -> tuple[Any, Any]:
    """A network without its classifier, and what makes its inputs of an image."""
    try:
        network = timm.create_model(name, pretrained=pretrained, num_classes=0).eval()
    except Exception as error:  # the hub has its own ways to fail, and none is a bug here
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise InputError(
            f"the weights of {name} cannot be had ({reason}); load them once where there is a network"
        ) from error
    return network, timm.data.create_transform(**timm.data.resolve_model_data_config(network))


def _batches(paths: Sequence[Path]) -> Iterator[list[Any]]:
    from PIL import Image, UnidentifiedImageError

    for start in range(0, len(paths), BATCH):
        some = []
        for path in paths[start : start + BATCH]:
            try:
                with Image.open(path) as image:
                    some.append(image.convert("RGB"))
            except (OSError, UnidentifiedImageError) as error:
                raise InputError(f"{path} is no readable image ({error}); remove it") from error
        yield some
