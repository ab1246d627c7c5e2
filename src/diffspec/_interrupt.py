"""Ctrl-C while the command is still importing ends it with exit code 130, and no traceback of somebody's import."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

__all__ = ["guard", "release"]

CODE = 130


def guard() -> None:
    """Where this process is the `diffspec` command: end it at once when it is interrupted, until `release`.

    An exception would not do: imports catch and rename it. A program that imports diffspec keeps its own handling.
    """
    if _is_command() and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _end)


def release() -> None:
    """From now on an interrupt is a KeyboardInterrupt, which runs what has to be tidied up."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(*_arguments: object) -> None:
    os._exit(CODE)


def _is_command() -> bool:
    name = sys.argv[0] if sys.argv else ""
    if name == "-m":  # the package that is to be run is imported before its __main__
        return "diffspec" in sys.orig_argv[sys.orig_argv.index("-m") + 1 :][:1] if "-m" in sys.orig_argv else False
    return Path(name).name in ("diffspec", "diffspec.exe")


guard()
