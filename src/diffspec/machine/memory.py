"""How much memory there is: what the host, its containers and the process's own limit leave, and what a caller allows.

`memory=` of a public function holds for everything that happens inside it, so it is kept here and not handed from
function to function: every gate that asks before a large array, and every loop that chooses the size of its blocks,
looks at the same number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import psutil

from diffspec._checks import real
from diffspec.errors import TooLargeError

__all__ = ["allow", "allowed", "cgroup_memory", "host_memory", "in_words", "is_shortage", "within_memory"]

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

# Version 1 of cgroups writes the largest multiple of a page for no limit.
NO_LIMIT = 2**60

_allowed: ContextVar[float] = ContextVar("allowed", default=math.inf)

UNITS = {"bytes": 1.0, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40}  # in the texts of torch
LESS = "give a smaller memory=, or measure a random subset of the points"


def allowed() -> float:
    """The bytes that the public function that runs now, or this worker's share of it, may use; infinite unless told."""
    return _allowed.get()


def in_words(memory: float) -> str:
    """A number of bytes, for people too."""
    unit, size = ("GiB", 2.0**30) if memory >= 2.0**30 else ("MiB", 2.0**20)
    return f"{memory:.0f} bytes ({memory / size:.1f} {unit})"


def allow(memory: float) -> None:
    """Allow the calling thread so many bytes."""
    _allowed.set(memory)


def within_memory(door: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """The public function `door`, whose `memory=` holds inside it, and in which a MemoryError is a TooLargeError."""

    @wraps(door)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        with _within(kwargs.get("memory")):
            return door(*args, **kwargs)

    return run


@contextmanager
def _within(memory: Any) -> Iterator[None]:
    # What is no positive number is refused inside, by `memory_for`.
    number = real(memory) if real(memory) > 0 else math.inf
    before = _allowed.set(min(_allowed.get(), number))
    try:
        yield
    except TooLargeError:
        raise
    except (MemoryError, RuntimeError) as error:
        if (text := _shortage(error)) is None:
            raise
        raise TooLargeError(text) from error
    finally:
        _allowed.reset(before)


def _shortage(error: Exception) -> str | None:
    """One line about memory that could not be had, or None where `error` is something else."""
    if not is_shortage(error):
        return None
    free = f"{in_words(host_memory())} are free"
    if (wanted := _wanted(error)) is None:
        held = in_words(float(psutil.Process().memory_info().rss))
        return f"memory ran out: this process holds {held} and {free}; {LESS}"
    return f"an array of {in_words(wanted)} could not be had: {free}; {LESS}"


def is_shortage(error: Exception) -> bool:
    """Whether memory could not be had: by NumPy, by torch, or by Python for the stack of a thread."""
    text = str(error)
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "DefaultCPUAllocator" in text
        or "start new thread" in text
    )


def _wanted(error: Exception) -> float | None:
    """The bytes that NumPy or torch asked for."""
    if hasattr(error, "shape") and hasattr(error, "dtype"):
        return float(math.prod(error.shape)) * float(error.dtype.itemsize)
    found = re.search(r"allocate ([\d.]+) (bytes|[KMGT]iB)", str(error))
    return float(found[1]) * UNITS[found[2]] if found else None


def host_memory() -> float:
    """Bytes that this process can still get: of the host, of its containers (cgroups) and of its own limit."""
    return max(0.0, min(float(psutil.virtual_memory().available), cgroup_memory(), _limit_memory()))


def _limit_memory() -> float:
    """What the limit on the address space of this process (``ulimit -v``) leaves."""
    try:
        import resource
    except ImportError:  # Windows has none
        return math.inf
    limit, _hard = resource.getrlimit(resource.RLIMIT_AS)
    return math.inf if limit == resource.RLIM_INFINITY else float(limit - psutil.Process().memory_info().vms)


@dataclass(frozen=True, slots=True)
class _Group:
    """The files of one memory cgroup, and the word for pages of files that are not in use."""

    limit: str
    used: Path
    stat: Path
    idle: str

    def left(self) -> float:
        """Bytes that may still be used in it; infinite where it has no limit or cannot be read."""
        try:
            with open(self.limit) as file:  # asked for often, so not by the slower `read_text`
                limit = file.read().strip()
            if limit == "max" or int(limit) > NO_LIMIT:
                return math.inf
            stat = dict(line.split() for line in self.stat.read_text().splitlines())
            return float(limit) - float(self.used.read_text()) + float(stat.get(self.idle, 0))
        except (OSError, ValueError):
            return math.inf


# What the files are called in version 2, and in version 1.
FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def cgroup_memory(process: Path = Path("/proc/self")) -> float:
    """What the cgroups of `process` (version 1 or 2) and all above them leave; infinite where none has a limit.

    Pages of files that were read and are not in use count as free: the kernel gives them back first.
    """
    return min((group.left() for group in _groups(process)), default=math.inf)


@cache
def _groups(process: Path) -> tuple[_Group, ...]:
    """The memory cgroups that `process` is in, from its own up to where they are mounted."""
    try:
        folders = list(_folders((process / "cgroup").read_text(), (process / "mountinfo").read_text()))
    except OSError:
        return ()
    return tuple(
        _Group(str(folder / limit), folder / used, folder / "memory.stat", idle)
        for folder in folders
        for limit, used, idle in FILES
        if (folder / limit).exists()
    )


def _folders(groups: str, mounts: str) -> Iterator[Path]:
    # "4:memory:/path" in version 1, "0::/path" in version 2.
    paths = {kinds: path for _number, kinds, path in (line.split(":", 2) for line in groups.splitlines())}
    for fields in map(str.split, mounts.splitlines()):
        system, options = fields[fields.index("-") + 1], fields[-1].split(",")
        kinds = next((kinds for kinds in paths if _holds(kinds, system, options)), None)
        if kinds is not None:
            yield from _upwards(Path(fields[4]), fields[3], paths[kinds])


def _holds(kinds: str, system: str, options: list[str]) -> bool:
    """Whether a line of /proc/self/cgroup for `kinds` belongs to a mount of a file `system` with `options`."""
    if system == "cgroup2":
        return kinds == ""
    return system == "cgroup" and "memory" in options and "memory" in kinds.split(",")


def _upwards(mount: Path, root: str, path: str) -> Iterator[Path]:
    """The folders from `path` up to `mount`, which shows the hierarchy from `root` on."""
    inside = Path(path).relative_to(root) if Path(path).is_relative_to(root) else Path()
    yield from (mount / part for part in (inside, *inside.parents) if ".." not in part.parts)
