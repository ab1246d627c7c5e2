"""A client of a Dask cluster that never waits for a dead one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

from diffspec.errors import DiffspecError, InputError, MissingExtraError

__all__ = ["ClusterError", "LostWorkError", "Session"]

POLL = 2.0  # seconds between two looks whether the cluster is still there
DEFAULT_BYTES = 2.0**31  # of a worker that states no limit of its own


class ClusterError(DiffspecError, RuntimeError):
    """The cluster died."""


class LostWorkError(ClusterError):
    """Several workers died in the same piece of work, though the cluster lives."""


Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """A client, and for how long its cluster may be without any worker.

    Parameters
    ----------
    client : distributed.Client
        Connected, synchronous.
    patience : float
        Seconds without a single worker, or without an answer, after which the cluster counts as dead.

    Raises
    ------
    MissingExtraError
        dask.distributed is not installed.
    InputError
        No client, or one that is not connected.
    """

    client: Any
    patience: float = 60.0

    def __post_init__(self) -> None:
        try:
            import distributed
        except ImportError as error:
            raise MissingExtraError("measuring on a cluster", "cluster") from error
        if not isinstance(self.client, distributed.Client) or self.client.status != "running":
            raise InputError(f"client must be a connected dask.distributed.Client, got {self.client!r}")

    def put(self, value: Any, name: str) -> Any:
        """`value` on the cluster, as a task: unlike scattered data it comes back when the worker that has it dies."""
        return self.client.submit(_same, value, key=f"diffspec-{name}-{uuid4().hex}")

    def start(self, tasks: Sequence[Any]) -> list[Any]:
        """The futures of `tasks` (Delayed), under their own names."""
        futures: list[Any] = self.client.compute(list(tasks), optimize_graph=False)
        return futures

    def results(self, futures: Sequence[Any]) -> list[Any]:
        """The results of `futures`, in order.

        Raises
        ------
        ClusterError
            The cluster is dead; known after `patience` seconds.
        """
        return [self.result(future) for future in futures]

    def result(self, future: Any) -> Any:
        """The result of one future; errors as in `results`."""
        from distributed.comm import CommClosedError
        from distributed.scheduler import KilledWorker

        seen = time.monotonic()
        while True:
            try:
                return future.result(timeout=min(POLL, self.patience))
            except TimeoutError:
                seen = self._last_seen(seen)
            except (CancelledError, CommClosedError) as error:
                raise ClusterError("the connection to the cluster was lost; start it and measure again") from error
            except KilledWorker as error:
                raise LostWorkError(
                    f"workers died again and again in the same piece of work ({error.task}); give them more memory"
                ) from error

    def workers(self) -> tuple[int, float]:
        """How many tasks run at a time, and how many bytes each may use."""
        found = self.client.scheduler_info()["workers"].values()
        if not found:
            raise ClusterError("the cluster has no worker; start some and measure again")
        shares = [
            (worker["memory_limit"] or DEFAULT_BYTES * worker["nthreads"]) / worker["nthreads"] for worker in found
        ]
        return sum(worker["nthreads"] for worker in found), min(shares)

    def _last_seen(self, before: float) -> float:
        """When a worker was last seen, or ClusterError where that is too long ago."""
        try:
            if self.client.nthreads(callback_timeout=self.patience):
                return time.monotonic()
        except (OSError, TimeoutError, CancelledError):
            pass  # no answer counts as no worker
        if time.monotonic() - before > self.patience:
            raise ClusterError(f"the cluster has had no worker for {self.patience:g} s; start it and measure again")
        return before


def _same(value: Value) -> Value:
    return value
