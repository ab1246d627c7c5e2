"""Inputs and labels from a loader of batches: the first of all, or of each class as many as its share is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from diffspec._checks import shown
from diffspec.errors import InputError
from diffspec.points.labels import host
from diffspec.training.network.batches import LABELS, joined, part_of, size_of, split
from diffspec.training.network.untouched import same_draws

__all__ = ["first", "is_loader", "stratum"]


def first(loader: Iterable[Any], n: int) -> tuple[Any, Any]:
    """The first `n` inputs and their labels, None where there are none."""
    found: list[tuple[Any, Any]] = []
    with same_draws(generators=_generators(loader)):
        for inputs, labels in _read(loader):
            found.append((inputs, labels))
            if sum(size_of(inputs) for inputs, _labels in found) >= n:
                break
    inputs = part_of(joined([inputs for inputs, _labels in found]), slice(n))
    without = [labels is None for _inputs, labels in found]
    if all(without):
        return inputs, None
    if any(without):
        raise InputError(
            f"batch {without.index(True)} of the loader has no labels and others have; give all of them some"
        )
    return inputs, np.concatenate([labels for _inputs, labels in found])[:n]


def is_loader(inputs: Any) -> bool:
    """Whether `inputs` give batches, or single points, in place of being points."""
    points = isinstance(inputs, list | np.ndarray)
    return hasattr(inputs, "dataset") or (hasattr(inputs, "__getitem__") and not points)


def stratum(loader: Iterable[Any], n: int) -> tuple[Any, Any]:
    """`n` inputs and labels in which every class has its share of the whole `loader`, as they come.

    Of every class as many are held as its share of what was read so far allows: about `n` inputs and a batch at a time.
    A class can only need more later if more of it come then.
    """
    kept: dict[Any, list[tuple[int, Any]]] = {}
    counts: Counter[Any] = Counter()
    with same_draws(generators=_generators(loader)):
        for place, (inputs, labels) in enumerate(_read(loader)):
            if labels is None:
                raise InputError(f"stratified=True needs labels, and batch {place} of the loader has none")
            for row, label in enumerate(_classes(labels)):
                kept.setdefault(label, []).append((counts.total(), part_of(inputs, slice(row, row + 1))))
                counts[label] += 1
            for label, some in kept.items():
                del some[math.ceil(n * counts[label] / counts.total()) :]
    chosen = sorted(
        (place, label, one) for label, share in _shares(counts, n).items() for place, one in kept[label][:share]
    )
    return joined([one for _place, _label, one in chosen]), np.array([label for _place, label, _one in chosen])


def _shares(counts: Counter[Any], n: int) -> dict[Any, int]:
    """`n` shared out by `counts`, the largest remainders rounded up; all of them where there are no more than `n`."""
    if counts.total() <= n:
        return dict(counts)
    exact = {label: n * count / counts.total() for label, count in counts.items()}
    shares = {label: int(share) for label, share in exact.items()}
    rest = sorted(exact, key=lambda label: shares[label] - exact[label])[: n - sum(shares.values())]
    return {label: share + (label in rest) for label, share in shares.items()}


def _read(loader: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Inputs and labels (an array, or None) batch by batch."""
    place = -1
    for place, batch in enumerate(loader):
        inputs, labels = _labelled(*split(batch))
        yield inputs, None if labels is None else _one_each(host(labels, "labels"), size_of(inputs), place)
    if place < 0:
        raise InputError("the loader gives no batches; give one with data in it")


def _one_each(labels: Any, n: int, place: int) -> Any:
    """`labels`, where there is one for each of `n` inputs."""
    where = f"batch {place} of the loader has {n} inputs and"
    if not labels.ndim:
        one = shown(labels.item())
        raise InputError(f"{where} the single label {one}; give batches with a label per input, as a DataLoader does")
    if len(labels) != n:
        raise InputError(f"{where} {len(labels)} labels; give one per input")
    return labels


def _classes(labels: Any) -> list[Any]:
    """Labels of a batch, of shape (b,) or (b, 1), as what can be counted."""
    column = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    classes: list[Any] = column.tolist()
    if column.ndim != 1 or not all(isinstance(label, Hashable) for label in classes):
        raise InputError(f"stratified=True needs one class per input, got {shown(classes[0])} for one; leave it out")
    return classes


def _labelled(inputs: Any, labels: Any) -> tuple[Any, Any]:
    if labels is not None or not isinstance(inputs, Mapping):
        return inputs, labels
    key = next((name for name in LABELS if name in inputs), None)
    if key is None:
        return inputs, None
    return {name: value for name, value in inputs.items() if name != key}, inputs[key]


def _generators(loader: Any) -> list[Any]:
    sampler = getattr(loader, "sampler", None)
    return [getattr(holder, "generator", None) for holder in (loader, sampler)]
