"""Results of plain numbers that go to JSON and back, whatever their fields."""

from __future__ import annotations

import json
from dataclasses import asdict, fields, is_dataclass
from typing import Any, Self, get_args, get_type_hints

from diffspec.errors import InputError

__all__ = ["Record"]


class Record:
    """What a frozen dataclass of numbers, strings, and further dataclasses or tuples of them gains: JSON both ways."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, strings, lists and dictionaries, ready for JSON; `from_dict` reads it back."""
        plain = asdict(self)  # type: ignore[call-overload]  # every heir is a dataclass
        return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """The result that `to_dict` wrote.

        Raises
        ------
        InputError
            Fields are missing or unknown.
        """
        try:
            hints = get_type_hints(cls)
            values = {name: _built(hints.get(name), value) for name, value in plain.items()}
            return cls(**values)
        except (AttributeError, TypeError) as error:
            name = cls.__name__
            raise InputError(f"not the dictionary of {name}: {error}; expected what {name}.to_dict gives") from None

    def to_json(self) -> str:
        """`to_dict` as one line of strict JSON."""
        return json.dumps(self.to_dict(), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The result that `to_json` wrote."""
        try:
            plain = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"not JSON: {error}; expected what {cls.__name__}.to_json gives") from None
        return cls.from_dict(plain)


def _built(hint: Any, value: Any) -> Any:
    """A field's `value` from JSON as its type `hint` has it: a dataclass, a tuple, or as it is."""
    inner = get_args(hint)
    if isinstance(value, list):
        return tuple(_built(inner[0] if inner else None, each) for each in value)
    if is_dataclass(hint) and isinstance(value, dict):
        names = {field.name for field in fields(hint)}
        if not set(value) <= names:
            raise TypeError(f"unknown fields {', '.join(sorted(set(value) - names))}")
        return hint(**value)  # type: ignore[operator]
    return value
