"""A file of eigenvalues that knows what it was computed from, and is used for nothing else."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from diffspec._checks import shown
from diffspec.errors import InputError
from diffspec.files import archives
from diffspec.files.writing import replace
from diffspec.released.measures import Floats, Matrix

__all__ = ["EigenvalueFile"]

VALUES, EXACT, DATA, MATRIX, SEAL = "eigvals", "exact", "data", "matrix", "seal"


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
                f"eigval_save_precision must be a float type such as numpy.float32, got {shown(self.precision)}"
            )

    def eigenvalues(self, points: Floats | None, matrix: Matrix) -> Floats:
        """The absolute eigenvalues of `matrix` for `points`: from the file where it holds them, else computed and kept.

        Without points the file must exist and hold this matrix of some points.

        Raises
        ------
        InputError
            The file is none of eigenvalues, and so is not overwritten; or cannot be written; or is needed and
            absent, of another matrix, or not as it was written.
        """
        kept = self._read()
        if points is None:
            return self._only_from_file(kept, matrix)
        data = _digest(points)
        if _sealed(kept) and kept[DATA] == data and kept[MATRIX] == repr(matrix):
            return np.asarray(kept[EXACT])
        found = matrix(points)
        fresh = {VALUES: found.astype(self.precision), EXACT: found, DATA: data, MATRIX: repr(matrix)}
        self._replace(fresh | {SEAL: _seal(fresh)})
        return found

    def _only_from_file(self, kept: dict[str, Any], matrix: Matrix) -> Floats:
        if not _sealed(kept):
            state = "was not written by diffspec" if kept else "does not exist"
            state = "was changed, or written by an older version" if EXACT in kept else state
            raise InputError(f"embedding_vectors is None and {self.path} {state}; give the points once to make it")
        if kept[MATRIX] != repr(matrix):
            raise InputError(f"{self.path} holds eigenvalues of {kept[MATRIX]}, asked for {matrix!r}; give the points")
        return np.asarray(kept[EXACT])

    def _read(self) -> dict[str, Any]:
        """What the file holds, empty where there is none."""
        try:
            if not self.path.exists():
                return {}
            if not self.path.is_file():  # a pipe would be waited for
                raise InputError("it is a folder, pipe or device")
            kept = {name: archives.read(self.path, name) for name in archives.names(self.path)}
        except Exception as error:  # a broken archive fails in as many ways as it has parts
            raise self._foreign(str(error) or type(error).__name__) from None
        if VALUES not in kept:
            raise self._foreign("no eigenvalues in it")
        return {name: value.item() if value.ndim == 0 else value for name, value in kept.items()}

    def _foreign(self, why: str) -> InputError:
        return InputError(
            f"{self.path} is no file of eigenvalues ({why}); choose another eigval_save_path or remove it"
        )

    def _replace(self, arrays: dict[str, Any]) -> None:
        content = io.BytesIO()
        np.savez(content, **arrays)
        replace(self.path, content.getvalue())


def _sealed(kept: dict[str, Any]) -> bool:
    """Whether the file holds what was written into it, so that nothing in it needs to be checked by itself."""
    if not kept.keys() >= {EXACT, DATA, MATRIX, SEAL}:
        return False
    exact = np.asarray(kept[EXACT])
    return exact.dtype == np.float64 and kept[SEAL] == _seal(kept)


def _seal(kept: dict[str, Any]) -> str:
    content = hashlib.sha256(f"diffspec seal 1 {kept[DATA]} {kept[MATRIX]} {np.shape(kept[EXACT])}".encode())
    content.update(np.asarray(kept[EXACT]).astype("<f8").tobytes())
    return content.hexdigest()


def _digest(points: Floats) -> str:
    content = hashlib.sha256(f"diffspec eigenvalues 1 {points.shape}".encode())
    content.update(points.astype("<f8").tobytes())
    return content.hexdigest()
