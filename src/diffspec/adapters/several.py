"""Several monitors of one trainer, which files the numbers of all of them under their keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import takewhile
from typing import Any

from diffspec.training.sinks.keys import of_run

__all__ = ["kept_apart"]


def kept_apart(numbers: Mapping[str, float], callback: Any, callbacks: Iterable[Any]) -> dict[str, float]:
    """`numbers` by their keys, with the run in these where a callback before has a layer of the same name.

    The first of `callbacks` keeps the plain keys: what goes by them goes on to do so when others are added.
    """
    before = [one for one in takewhile(lambda one: one is not callback, callbacks) if isinstance(one, type(callback))]
    labels = {layer.label for layer in callback.monitor.layers}
    shared = any(labels & {layer.label for layer in one.monitor.layers} for one in before)
    return of_run(numbers, callback.monitor.run) if shared else dict(numbers)
