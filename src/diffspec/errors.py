"""Everything that diffspec raises or warns of: each text says what was got, what was expected and what to do."""

from __future__ import annotations

__all__ = [
    "DiffspecError",
    "InputError",
    "LayersWarning",
    "MissingExtraError",
    "RunLogWarning",
    "SinkWarning",
    "TooLargeError",
]


class DiffspecError(Exception):
    """Base of every error that diffspec raises on purpose."""


class InputError(DiffspecError, ValueError):
    """An argument, a file or an array that cannot be used as it is."""


class TooLargeError(DiffspecError, MemoryError):
    """A computation that would need more memory than there is."""


class MissingExtraError(DiffspecError, ImportError):
    """A feature whose optional packages are not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs packages that are not installed; run: pip install 'diffspec[{extra}]'")


class LayersWarning(UserWarning):
    """Some layers of a network were left out, or could not be looked at."""


class RunLogWarning(UserWarning):
    """A run log was readable only in part."""


class SinkWarning(UserWarning):
    """A logger beside the run log did not take the numbers of a monitor."""
