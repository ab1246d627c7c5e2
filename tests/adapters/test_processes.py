"""What the first of two processes does is known in both, and so is its failure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from diffspec.adapters.processes import from_the_first


def told(rank: int, folder: Path) -> None:
    """One of two processes: writes what it gets."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    calls: list[int] = []
    found: list[Any] = [from_the_first(lambda: calls.append(rank) or {"from": rank})]
    try:
        from_the_first(lambda: 1 / 0)
    except Exception as error:
        found.append(f"{type(error).__name__}: {error}")
    found.append(from_the_first(lambda: calls.append(rank) or "after"))
    torch.save([found, calls], folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.timeout(60)
def test_two_processes(tmp_path: Path) -> None:
    torch.multiprocessing.start_processes(told, (tmp_path,), nprocs=2, start_method="fork")
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    assert first == [[{"from": 0}, "ZeroDivisionError: division by zero", "after"], [0, 0]]
    stopped = "DiffspecError: the first process stopped: ZeroDivisionError: division by zero"
    assert second == [[{"from": 0}, stopped, "after"], []]  # and it called nothing itself


def test_one_process() -> None:
    found = object()
    assert from_the_first(lambda: found) is found
