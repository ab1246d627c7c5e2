"""Files written whole or not at all, never over what they were made from, and through links, pipes and devices."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

from diffspec.errors import InputError

__all__ = ["is_plain", "replace"]


def replace(path: Path, content: bytes, *, inputs: Iterable[Path] = ()) -> None:
    """Write `content` to `path`.

    A plain file is replaced in one step, so that a reader never sees half of it, and keeps its permissions; missing
    folders are made. A symbolic link stays and its target is written. A pipe or device is written to.

    Parameters
    ----------
    path : Path
    content : bytes
    inputs : iterable of Path
        Files that `content` was made from: `path` must be none of them, by whatever name.

    Raises
    ------
    InputError
        `path` is one of `inputs`, a folder, or cannot be written; a plain file is then as it was.
    """
    try:
        _refuse_own_input(path, inputs)
        if path.is_dir():
            raise InputError(f"output must be a file, got the folder {path}; name a file in it")
        if is_plain(path):
            _exchange(_target(path), content)
        else:
            _send(path, content)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror or error}); choose another") from error


def _refuse_own_input(path: Path, inputs: Iterable[Path]) -> None:
    """Raise InputError where `path` is one of `inputs`, also through symbolic and hard links."""
    for source in inputs:
        if path.exists() and source.exists() and path.samefile(source):
            raise InputError(f"{path} is what is read ({source}) and would be lost; choose another file to write")


def is_plain(path: Path) -> bool:
    """Whether writing to `path` makes or replaces a file: no pipe, no device, not the standard output."""
    if not path.exists():
        return True
    found = path.stat()
    return stat.S_ISREG(found.st_mode) and not _is_standard_output(found)


def _is_standard_output(found: os.stat_result) -> bool:
    """Where the standard output goes to a file, that file is open already, and replacing it would lose what follows."""
    try:
        return os.path.samestat(found, os.fstat(1))
    except OSError:  # closed
        return False


def _target(path: Path) -> Path:
    """The file that `path` leads to, which need not be there."""
    target = Path(os.path.realpath(path))
    if target.is_symlink():  # a loop: the error of the system says so
        target.stat()
    return target


def _send(path: Path, content: bytes) -> None:
    with open(os.dup(1) if _is_standard_output(path.stat()) else path, "wb") as stream:
        stream.write(content)


def _exchange(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".diffspec-{secrets.token_hex(8)}")
    try:
        with beside.open("xb") as stream:
            stream.write(content)
        if path.exists():
            beside.chmod(stat.S_IMODE(path.stat().st_mode))
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
