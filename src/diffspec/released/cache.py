"""A file of eigenvalues that knows what it was computed from, and is used for nothing else."""

from __future__ import annotations

import hashlib
import os
import secrets
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from diffspec.errors import InputError
from diffspec.released.measures import Floats, Matrix

__all__ = ["EigenvalueFile"]

VALUES, EXACT, DATA, MATRIX = "eigvals", "exact", "data", "matrix"


@dataclass(frozen=True, slots=True)
class EigenvalueFile:
    """Eigenvalues on disk, as .npz, with a SHA-256 of the points and the matrix they belong to.

    Parameters
    ----------
    path : Path
        A bare file name is taken in the working directory; missing folders are made.
    precision : numpy.dtype
        A float type for the array ``eigvals`` that other programs may read. The values are also kept in float64 as
        ``exact``, and only those are computed with, so the first and every later run return the same number.
    """

    path: Path
    precision: DTypeLike = np.float16

    def __post_init__(self) -> None:
        if np.dtype(self.precision).kind != "f":
            raise InputError(
                f"eigval_save_precision must be a float type such as numpy.float32, got {self.precision!r}"
            )

    def eigenvalues(self, points: Floats | None, matrix: Matrix) -> Floats:
        """The absolute eigenvalues of `matrix` for `points`: from the file where it holds them, else computed and kept.

        Without points the file must exist and hold this matrix of some points.

        Raises
        ------
        InputError
            The file is none of eigenvalues, and so is not overwritten; or it is needed and absent or of another matrix.
        """
        kept = self._read()
        if points is None:
            return self._only_from_file(kept, matrix)
        data = _digest(points)
        if kept.get(DATA) == data and kept.get(MATRIX) == repr(matrix):
            return np.asarray(kept[EXACT])
        found = matrix(points)
        self._replace({VALUES: found.astype(self.precision), EXACT: found, DATA: data, MATRIX: repr(matrix)})
        return found

    def _only_from_file(self, kept: dict[str, Any], matrix: Matrix) -> Floats:
        if EXACT not in kept:
            state = "was not written by diffspec" if kept else "does not exist"
            raise InputError(f"embedding_vectors is None and {self.path} {state}; give the points once to make it")
        if kept[MATRIX] != repr(matrix):
            raise InputError(f"{self.path} holds eigenvalues of {kept[MATRIX]}, asked for {matrix!r}; give the points")
        return np.asarray(kept[EXACT])

    def _read(self) -> dict[str, Any]:
        """What the file holds, empty where there is none."""
        try:
            with self.path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
                kept = {name: archive[name] for name in archive.files}
        except FileNotFoundError:
            return {}
        except (ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile, OSError) as error:
            raise self._foreign(str(error) or type(error).__name__) from None
        if VALUES not in kept:
            raise self._foreign("no eigenvalues in it")
        return {name: value.item() if value.ndim == 0 else value for name, value in kept.items()}

    def _foreign(self, why: str) -> InputError:
        return InputError(
            f"{self.path} is no file of eigenvalues ({why}); choose another eigval_save_path or remove it"
        )

    def _replace(self, arrays: dict[str, Any]) -> None:
        """Write beside the file and rename, so that a reader never sees half of it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        try:
            with beside.open("xb") as stream:
                np.savez(stream, **arrays)
            os.replace(beside, self.path)
        finally:
            beside.unlink(missing_ok=True)


def _digest(points: Floats) -> str:
    content = hashlib.sha256(f"diffspec eigenvalues 1 {points.shape}".encode())
    content.update(points.astype("<f8").tobytes())
    return content.hexdigest()
