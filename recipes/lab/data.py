"""Where recipes find data sets that are not made here: ``--data DIR``, or shared/data beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["chosen", "folder", "use"]

VARIABLE = "DIFFSPEC_DATA"
BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"


def folder() -> Path:
    """The folder, which need not exist: what is made of its data is left out then."""
    return Path(os.environ.get(VARIABLE, BESIDE))


def chosen() -> Path | None:
    """The folder where one was given."""
    return folder() if VARIABLE in os.environ else None


def use(path: Path) -> None:
    """Look for data in `path`, in processes that this one starts too."""
    os.environ[VARIABLE] = str(path.resolve())
