"""The layers of a network as a table: what can be named, and what each gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch

from diffspec.machine.memory import within_memory
from diffspec.results.lines import columns, one_line
from diffspec.training.network.batches import as_batches, copied
from diffspec.training.network.hooks import answered, plainly
from diffspec.training.network.layers import Module, modules_of, unwrapped
from diffspec.training.network.untouched import untouched

__all__ = ["LayerTable", "layers"]


@dataclass(frozen=True, slots=True)
class Row:
    """One module."""

    name: str
    kind: str
    shape: tuple[int, ...] | None
    """Of its output, or of the first tensor in it; None where it gave none or did not run."""
    runs: int
    """How often it ran in one pass; only a layer that runs once can be looked at."""


@dataclass(frozen=True, slots=True, repr=False)
class LayerTable:
    """Rows in the order of `model.named_modules()`; shown as a table."""

    rows: tuple[Row, ...]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        rows = [("name", "type", "output"), *((one_line(row.name), row.kind, _words(row)) for row in self.rows)]
        return "\n".join(columns(rows))


@within_memory
def layers(model: Module, example: Any) -> LayerTable:
    """Every layer that `Monitor` and `collect` can be given, with its type and the shape of its output.

    Parameters
    ----------
    model : torch.nn.Module
        As for `collect`.
    example : tensor, mapping, or a batch of a loader
        Inputs that the network takes; a few are enough.

    Returns
    -------
    LayerTable
        Rows with ``name``, ``kind``, ``shape`` and ``runs``; printed as a table.

    Raises
    ------
    InputError
        A network that does not take the example.

    Notes
    -----
    One forward pass in evaluation mode; the network stays as it was.

    Examples
    --------
    >>> import torch
    >>> from diffspec.training import layers
    >>> layers(torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.ReLU()), torch.zeros(2, 8))
    name  type    output
    0     Linear  (2, 4)
    1     ReLU    (2, 4)
    """
    network = unwrapped(model)
    modules = {name: module for name, module in modules_of(network).items() if name}
    seen: dict[str, list[Any]] = {name: [] for name in modules}
    batch = next(as_batches([example] if isinstance(example, tuple | list) else example))
    with untouched(network), torch.no_grad(), plainly(), ExitStack() as hooks:
        for name, module in modules.items():
            if not isinstance(module, torch.jit.ScriptModule):
                note = lambda _m, _i, output, name=name: seen[name].append(_shape(output))  # noqa: E731
                hooks.callback(module.register_forward_hook(note).remove)
        answered(network, copied(batch, network))
    rows = [
        Row(name, type(module).__name__, seen[name][0] if seen[name] else None, len(seen[name]))
        for name, module in modules.items()
    ]
    return LayerTable(tuple(rows))


def _shape(output: Any) -> tuple[int, ...] | None:
    if hasattr(output, "last_hidden_state"):
        output = output.last_hidden_state
    elif isinstance(output, tuple | list) and output:
        output = output[0]
    return tuple(output.shape) if isinstance(output, torch.Tensor) else None


def _words(row: Row) -> str:
    if not row.runs:
        return "does not run by itself"
    shape = "no tensor" if row.shape is None else str(row.shape)
    return shape if row.runs == 1 else f"{shape}, ran {row.runs} times"
