"""Many cells of one recipe, here or on the workers of a cluster, with a bar that says how long all of it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from diffspec.errors import InputError
from recipes.lab.data import chosen, use
from recipes.lab.log import Cell, Log, measured

__all__ = ["Bar", "measure_all"]

Key: TypeAlias = Mapping[str, Any]
Function: TypeAlias = Callable[..., Mapping[str, Any]]

WIDTH = 20


def measure_all(log: Log, function: Function, keys: Sequence[Key], price: Callable[[Key], float]) -> None:
    """Every cell of `keys` that `log` lacks, by ``function(**key)``.

    `price` is what a cell costs, in any unit that is the same for all. On a cluster (`Log.cluster`) each cell is a
    task; its workers need this checkout and its data at the same place.
    """
    wanted = [key for key in map(log.wanted, keys) if key is not None]
    bar = Bar([price(key) for key in wanted])
    cells = _elsewhere(log.cluster, function, wanted) if log.cluster else _here(function, wanted)
    for cell in cells:
        log.add(cell)
        log.say(bar.after(price(cell.key)))


class Bar:
    """How much is done, and how long the rest takes at the pace so far."""

    def __init__(self, prices: Sequence[float], clock: Callable[[], float] = time.monotonic) -> None:
        self.total, self.count = sum(prices), len(prices)
        self.done, self.finished = 0.0, 0
        self.clock, self.start = clock, clock()

    def after(self, price: float) -> str:
        """The bar when one more cell is done."""
        self.done, self.finished = self.done + price, self.finished + 1
        share = self.done / self.total if self.total else 1.0
        left = (self.clock() - self.start) * (1 - share) / share / 60
        filled = round(WIDTH * share)
        return f"[{'#' * filled}{'-' * (WIDTH - filled)}] {self.finished} of {self.count} cells, {left:.0f} min left"


def _here(function: Function, keys: Sequence[Key]) -> Iterator[Cell]:
    for key in keys:
        yield measured(function, dict(key))


def _elsewhere(address: str, function: Function, keys: Sequence[Key]) -> Iterator[Cell]:
    """As they are done; a cell whose worker died again and again is a failure."""
    from distributed import as_completed

    with _client(address) as client:
        futures = {client.submit(_there, chosen(), function, dict(key), pure=False): key for key in keys}
        for future in as_completed(futures):
            error = future.exception()
            yield future.result() if error is None else Cell(key=futures[future], error=f"lost: {error!r}")


def _client(address: str) -> Any:
    from distributed import Client

    try:
        return Client(address)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at {address!r} ({error}); start one by dask scheduler, or leave --cluster out"
        ) from error


def _there(data: Path | None, function: Function, key: dict[str, Any]) -> Cell:
    """On a worker, with the folder of data that was given here."""
    if data is not None:
        use(data)
    return measured(function, key)
