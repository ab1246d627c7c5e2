"""Many measurements at once: each is a task on a worker, and a failing one is a record."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from diffspec.cluster.session import LostWorkError, Session
from diffspec.files.reading import load
from diffspec.measures.entropy import dse
from diffspec.results.estimate import Estimate

__all__ = ["Failure", "measure_many"]


@dataclass(frozen=True, slots=True)
class Failure:
    """An item that could not be measured."""

    item: str
    """Which: its path, the name of its function, or the shape of its array."""
    error: str
    """Type and text of the error."""
    trace: str
    """Where it happened, over several lines."""


def measure_many(
    client: Any,
    items: Sequence[Any],
    measure: Callable[[Any], Estimate] = dse,
    *,
    patience: float = 60.0,
) -> list[Estimate | Failure]:
    """`measure` of every item, on the workers of a cluster, in the order of the items.

    Parameters
    ----------
    client : distributed.Client
        Where the measurements run.
    items : sequence
        Each an array (n, d), the path of a file that every worker can read, or a function without arguments that gives
        the points on the worker. An array travels through the scheduler: for more than a few MB give a path.
    measure : callable
        Points to Estimate, default `diffspec.dse`; with settings ``functools.partial(dse, alpha=0.0, t=2.0)``.
    patience : float
        Seconds without a single worker after which the cluster counts as dead.

    Returns
    -------
    list
        An `Estimate` per item, without its spectrum, or a `Failure`: one bad item does not stop the others.

    Raises
    ------
    ClusterError
        The cluster died.
    """
    session = Session(client, patience)
    run = uuid4().hex
    sent = [_packed(item, measure) for item in items]
    futures = [
        client.submit(_measured, one, _name(item), key=f"diffspec-measure-{k}-{run}")
        for k, (one, item) in enumerate(zip(sent, items, strict=True))
    ]
    return [_found(session, future, _name(item)) for future, item in zip(futures, items, strict=True)]


def _packed(item: Any, measure: Callable[[Any], Estimate]) -> bytes | Failure:
    """What a worker is sent, as bytes: a worker that met an unknown module while it unpacks a message would die."""
    import cloudpickle

    try:
        packed: bytes = cloudpickle.dumps((item, measure))
    except Exception as error:  # an item that cannot travel is one that cannot be measured
        return _failed(_name(item), error)
    return packed


def _measured(packed: bytes | Failure, name: str) -> Estimate | Failure:
    if isinstance(packed, Failure):
        return packed
    try:
        item, measure = pickle.loads(packed)
        found: Estimate = measure(_points(item))
        return replace(found, spectrum=None)
    except Exception as error:  # whatever is wrong with one item must not stop the others
        return _failed(name, error)


def _failed(name: str, error: Exception) -> Failure:
    return Failure(name, f"{type(error).__name__}: {error}", "".join(traceback.format_exception(error)))


def _points(item: Any) -> Any:
    if isinstance(item, str | Path):
        return load(item)
    return item() if callable(item) else item


def _found(session: Session, future: Any, name: str) -> Estimate | Failure:
    try:
        found: Estimate | Failure = session.result(future)
    except LostWorkError as error:
        return _failed(name, error)
    return found


def _name(item: Any) -> str:
    if isinstance(item, str | Path):
        return str(item)
    shape = getattr(item, "shape", None)
    return repr(item) if shape is None else f"{type(item).__name__} of shape {tuple(shape)}"
