"""What a number is called outside the run log, by names that every logger takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from diffspec.conventions import Walk, default

__all__ = ["PREFIX", "Keys", "of_run"]

PREFIX = "diffspec/"
"""What every measured number begins with; scalars of the caller keep the names that they have."""

# MLflow refuses all but these, the space and the slash, which parts a key here.
OTHER = re.compile(r"[^0-9A-Za-z_.-]+")


class Keys:
    """Keys of number records: ``diffspec/dse/<layer>``, under another rule ``diffspec/dse/<rule>/<layer>``.

    Parameters
    ----------
    rules : mapping of str to walk
        The one under which `diffspec.dse` measures where it is told nothing else goes without saying.
    """

    def __init__(self, rules: Mapping[str, Walk]) -> None:
        usual = [rule for rule, walk in rules.items() if dict(walk) == dict(default)]
        self._unnamed = [None, *usual[:1]]
        self._known: dict[tuple[Any, ...], str] = {}

    def of(self, record: Mapping[str, Any]) -> str:
        """The key of a record of kind "number", another for every name, rule and layer."""
        what = (record["name"], record["rule"], record["layer"])
        if what not in self._known:
            self._known[what] = self._apart(_key(*what, named=record["rule"] not in self._unnamed))
        return self._known[what]

    def _apart(self, key: str) -> str:
        """`key`, or with a number where it is taken: two names may differ in what no logger takes."""
        taken, several = set(self._known.values()), 2
        found = key
        while found in taken:
            found, several = f"{key}.{several}", several + 1
        return found


def of_run(numbers: Mapping[str, float], run: str) -> dict[str, float]:
    """`numbers` under keys that name their run: ``diffspec/<run>/dse/<layer>``."""
    return {f"{PREFIX}{_legal(run)}/{key.removeprefix(PREFIX)}": value for key, value in numbers.items()}


def _key(name: str, rule: str | None, layer: str, *, named: bool) -> str:
    return PREFIX + "/".join([_measure(name), *([_legal(str(rule))] if named else []), _legal(layer)])


def _measure(name: str) -> str:
    """``DSMI(Z;Y)`` is ``dsmi_y``, and ``DSE(Z) change by scale`` is ``dse_change_by_scale``."""
    short = name.lower().replace("(z;", "_").replace("(z)", "").replace(")", "")
    return _legal(short)


def _legal(text: str) -> str:
    return OTHER.sub("_", text) or "_"
