"""The gate for single arguments: integers, real numbers and seeds, by one rule each for every public door."""

from __future__ import annotations

import inspect
import math
import operator
import os
from collections.abc import Container, Iterable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from diffspec.errors import InputError

__all__ = [
    "Seed",
    "check_alpha",
    "generator_of",
    "integer",
    "is_word",
    "legacy_seed",
    "path_of",
    "paths_of",
    "plain_seed",
    "positive",
    "real",
    "recorded",
    "seed_of",
    "shown",
    "store",
    "takes",
]

Seed: TypeAlias = int | np.random.Generator | np.random.RandomState | np.random.SeedSequence | None
"""What decides random draws: a non-negative integer, a generator of NumPy old or new, or None for fresh ones."""


LARGEST = 2**62
"""Of integers that count: the sum of two is an int64 still."""


def shown(value: Any) -> str:
    """`value` as Python writes it, on one line of at most 80 characters, for an error."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # an integer of thousands of digits, or an object whose own repr fails
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."


def integer(value: Any, name: str, *, least: int | None = None, most: int | None = None, hint: str = "") -> int:
    """`value` as a plain int: all that Python takes for an index (NumPy's and torch's integers), but no boolean.

    Raises
    ------
    InputError
        No integer (5.0 is none), outside `least` to `most`, or of a size that no array and no loop can have; `hint`
        says what to do.
    """
    found = _index(value)
    if found is not None and abs(found) > LARGEST:
        raise InputError(f"{name} must be an integer of at most 2**62, got {shown(value)}")
    if found is None or (least is not None and found < least) or (most is not None and found > most):
        where = "" if least is None else f" of at least {least}"
        if most is not None:
            where = f" of at most {most}" if least is None else f" from {least} to {most}"
        raise InputError("; ".join(filter(None, [f"{name} must be an integer{where}, got {shown(value)}", hint])))
    return found


def path_of(value: Any, name: str) -> Path:
    """`value` as a Path.

    Raises
    ------
    InputError
        Neither text nor a path, or one that holds a zero byte, which no name of a file can.
    """
    try:
        found = Path(value)
    except TypeError:
        raise InputError(f"{name} must be a path, as a str or Path, got {shown(value)}") from None
    if "\0" in str(found):
        raise InputError(f"{name} must be a path without zero bytes, got {shown(str(found))}")
    return found


def paths_of(value: Any, name: str) -> list[Path]:
    """`value`, a path or several, as Paths; InputError as `path_of`."""
    one = isinstance(value, str | bytes | os.PathLike) or not isinstance(value, Iterable)
    return [path_of(value, name)] if one else [path_of(each, name) for each in value]


def real(value: Any) -> float:
    """`value` as a float, or NaN where it is no number of Python or NumPy (text, None, a boolean, an array, a tensor).

    NaN fails every comparison, so a check of the range refuses both: ``if not 0 < real(x) < 1``.
    """
    alone = isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "iuf"
    if not (alone or isinstance(value, int | float | np.integer | np.floating)) or isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def check_alpha(alpha: float) -> float:
    """`alpha` as a float, or InputError where it does not lie in [0, 1]."""
    if not 0.0 <= real(alpha) <= 1.0:
        raise InputError(f"alpha must lie in [0, 1], got {shown(alpha)}; the paper uses 0.5")
    return float(alpha)


def positive(value: Any, name: str, *, hint: str = "") -> float:
    """`value` as a float; InputError where it is no positive finite number."""
    number = real(value)
    if not 0.0 < number < math.inf:
        raise InputError("; ".join(filter(None, [f"{name} must be a positive number, got {shown(value)}", hint])))
    return number


def generator_of(rng: Seed, *, name: str = "rng") -> np.random.Generator:
    """The generator that `rng` stands for.

    A seed or a SeedSequence gives the same draws every time; a Generator or a RandomState goes on from where it is.
    """
    if isinstance(rng, np.random.Generator):
        # One from a bit generator of old (RandomState's) cannot spawn: it seeds one that can.
        sown = hasattr(rng.bit_generator.seed_seq, "spawn")
        return rng if sown else np.random.default_rng(rng.integers(2**32, size=4))
    if isinstance(rng, np.random.RandomState):
        return np.random.default_rng(rng.randint(2**32, size=4, dtype=np.uint64))
    if isinstance(rng, np.random.SeedSequence):
        # A copy: generators that spawn change their sequence, and the next call would draw something else.
        return np.random.default_rng(np.random.SeedSequence(rng.entropy, spawn_key=rng.spawn_key))
    return np.random.default_rng(None if rng is None else _seed(rng, name))


def seed_of(rng: Seed, *, name: str = "rng") -> int:
    """`rng` as a number that several measures can start from: a seed itself, else one that is drawn."""
    if _index(rng) is not None:
        return _seed(rng, name)
    return int(generator_of(rng, name=name).integers(2**63))


def plain_seed(value: Any, name: str) -> int:
    """`value` as a plain int of any size, for what keeps its seed; InputError where it is none or negative."""
    found = _index(value)
    if found is None or found < 0:
        raise InputError(f"{name} must be an integer of at least 0, got {shown(value)}")
    return found


def recorded(rng: Seed) -> int | None:
    """The seed to write into settings: None where no integer was given."""
    return _index(rng)


def legacy_seed(rng: Seed, *, name: str = "rng") -> int:
    """A seed for scikit-learn and torch, which take integers below 2**32: the integer itself, else one drawn by it."""
    found = _index(rng)
    if found is not None and 0 <= found < 2**32:
        return found
    return int(generator_of(rng, name=name).integers(2**32))


def is_word(value: Any, words: Container[str]) -> bool:
    """Whether `value` is one of the `words`; ``in`` alone compares the entries of an array, and hashes a list."""
    return isinstance(value, str) and value in words


def takes(value: Any, count: int) -> bool:
    """Whether `value` is no class and can be called with `count` arguments, as far as it says."""
    if isinstance(value, type) or not callable(value):
        return False
    try:
        inspect.signature(value).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # written in C, and says nothing
        return True
    return True


def store(instance: object, **values: Any) -> None:
    """Write checked `values` into a frozen dataclass while it is made: its repr then shows plain numbers."""
    for name, value in values.items():
        object.__setattr__(instance, name, value)


def _seed(value: Any, name: str) -> int:
    found = _index(value)
    if found is None or found < 0:
        raise InputError(
            f"{name} must be a seed (an integer of at least 0), a numpy.random.Generator, a RandomState or None, "
            f"got {shown(value)}"
        )
    return found


def _index(value: Any) -> int | None:
    """`value` as an int, None where it is no integer."""
    if isinstance(value, bool) or getattr(value, "ndim", False) or str(getattr(value, "dtype", "")).endswith("bool"):
        return None
    try:
        return operator.index(value)
    except (TypeError, ValueError, RuntimeError):
        return None
