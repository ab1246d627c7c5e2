"""What is done once where several processes train one network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch

from diffspec.errors import DiffspecError

__all__ = ["from_the_first"]

Found = TypeVar("Found")


def from_the_first(function: Callable[[], Found]) -> Found:
    """What `function` gives in the first process, in every one of them; the others wait and do not call it.

    Raises
    ------
    Exception
        What `function` raises in the first process; in the others a DiffspecError of the same words, so that none waits
        for one that has stopped.
    """
    shared = torch.distributed
    if not (shared.is_available() and shared.is_initialized() and shared.get_world_size() > 1):
        return function()
    outcome: list[Any] = [None, None]
    raised: Exception | None = None
    if shared.get_rank() == 0:
        try:
            outcome[0] = function()
        except Exception as error:
            raised, outcome[1] = error, f"{type(error).__name__}: {error}"
    shared.broadcast_object_list(outcome, src=0)
    if raised is not None:
        raise raised
    if outcome[1] is not None:
        raise DiffspecError(f"the first process stopped: {outcome[1]}")
    found: Found = outcome[0]
    return found
