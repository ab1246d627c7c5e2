"""Several files, folders, or arrays of one file, as sources with short names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from diffspec.errors import InputError
from diffspec.files import archives
from diffspec.files.reading import SUFFIXES, Source
from diffspec.files.tables import listed
from diffspec.files.tensors import read_torch

__all__ = ["Named", "arrays_in", "same_file", "sources"]


@dataclass(frozen=True, slots=True)
class Named:
    """A source and what it is called: its file, its array, or both where either alone is no name."""

    name: str
    source: Source


def sources(
    paths: Sequence[Path],
    keys: Sequence[str] = (),
    *,
    without: Sequence[str] = (),
    every: bool = False,
    labels: Path | None = None,
) -> list[Named]:
    """What `paths` hold: files, and of folders the files of known types in them, by name.

    Parameters
    ----------
    paths : sequence of Path
    keys : sequence of str
        Names or patterns of arrays, for files that hold several.
    without : sequence of str
        Arrays that are something else, such as labels.
    every : bool
        Take all arrays of a file that holds several where no key is given; else there has to be one.
    labels : Path, optional
        A file that is nothing but labels, and none of the files of a folder therefore.

    Raises
    ------
    InputError
        A folder without such files, a file without such a key, a file that cannot be listed.
    """
    files = _files(paths, labels)
    found = [(path, key) for path in files for key in _chosen(path, keys, without=without, every=every)]
    called, of_file = _called(files), Counter(path for path, _key in found)
    of_one = len(of_file) == 1 and len(files) == 1

    def name(path: Path, key: str | None) -> str:
        if key is None or (of_file[path] == 1 and not of_one):
            return called[path]
        return key if of_one else f"{called[path]}:{key}"

    return [Named(name(path, key), Source(path, key)) for path, key in found]


def _called(files: Sequence[Path]) -> dict[Path, str]:
    """Names without endings, and of files that share one as much of their paths as tells them apart."""
    alike: dict[str, list[Path]] = {}
    for path in files:
        alike.setdefault(path.stem, []).append(path)
    return {path: path.stem if len(same) == 1 else _end(path, same) for same in alike.values() for path in same}


def _end(path: Path, among: Sequence[Path]) -> str:
    whole = {each.resolve().parts for each in among}
    parts = path.resolve().parts
    lengths = (k for k in range(1, len(parts)) if sum(other[-k:] == parts[-k:] for other in whole) == 1)
    return "/".join(parts[-next(lengths, len(parts)) :])


def arrays_in(path: Path) -> list[str]:
    """The names of the arrays in a file that holds several by name, none of one that holds a single array or a table.

    Raises
    ------
    InputError
        A torch file that must not be read.
    """
    kind = path.suffix.lower()
    try:
        if kind == ".npz":
            return archives.names(path)
        if kind == ".safetensors":
            from safetensors import safe_open

            with safe_open(path, framework="np") as file:
                return list(file.keys())
        if kind in (".pt", ".pth"):
            held = read_torch(path)
            return list(held) if isinstance(held, dict) else []
    except InputError:
        raise
    except Exception:  # whatever is wrong with the file, its reader has the words for it
        return []
    return []


def same_file(one: Path, other: Path) -> bool:
    """Whether both are one file that is there."""
    return one.exists() and other.exists() and one.samefile(other)


def _files(paths: Sequence[Path], labels: Path | None) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        known = sorted(each for each in path.iterdir() if each.suffix.lower() in SUFFIXES)
        inside = [each for each in known if labels is None or not same_file(each, labels)]
        if not inside:
            raise InputError(
                f"{path} is a directory without files of a known type ({', '.join(SUFFIXES)}); give another"
            )
        found += inside
    return found


def _chosen(path: Path, keys: Sequence[str], *, without: Sequence[str], every: bool) -> list[str | None]:
    """The arrays of one file that are wanted; None: the only one there is, or whatever the reader takes."""
    known = arrays_in(path) if keys or every else []
    if not known:
        return list(keys) or [None]
    left = [name for name in known if name not in without]
    if not keys:
        return list(left)
    found = [name for name in left if any(name == key or fnmatchcase(name, key) for key in keys)]
    if not found:
        raise InputError(f"{path} has no key {', '.join(map(repr, keys))}; it has {listed(known)}")
    return list(found)
