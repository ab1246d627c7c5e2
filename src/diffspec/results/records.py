"""Results of plain numbers that go to JSON and back, whatever their fields."""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, asdict, fields, is_dataclass
from typing import Any, ClassVar, Self, TypeVar, get_args, get_origin, get_type_hints

from diffspec._checks import integer, real, shown
from diffspec.errors import InputError

__all__ = ["Record", "Told", "parsed", "restored"]

Result = TypeVar("Result")


class Told:
    """A result that notebooks and IPython show by its `str`, in place of all fields; `repr` keeps those."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        # IPython takes the first class of the line that has a `__repr__` or this of its own, and heirs have the former.
        cls._repr_pretty_ = _printed  # type: ignore[attr-defined]


def _printed(result: Told, printer: Any, cycle: bool) -> None:
    lines = str(result).split("\n")
    for k, line in enumerate(lines):
        if k or (len(lines) > 1 and printer.indentation):  # in a list or dictionary a table begins a line of its own
            printer.break_()
        printer.text(line)


class Record(Told):
    """What a frozen dataclass of numbers, strings, and further dataclasses or tuples of them gains: JSON both ways."""

    __slots__ = ()
    KIND: ClassVar[str] = ""
    """What its dictionary says that it is, under "measure", where no field does."""

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, strings, lists and dictionaries, ready for JSON; `from_dict` reads it back."""
        plain = asdict(self)  # type: ignore[call-overload]  # every heir is a dataclass
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}
        return plain | ({"measure": self.KIND} if self.KIND else {})

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """The result that `to_dict` wrote.

        Raises
        ------
        InputError
            Fields are missing, unknown or of another type.
        """
        if cls.KIND and isinstance(plain, dict):
            plain = {name: value for name, value in plain.items() if name != "measure"}
        return restored(cls, plain)

    def to_json(self) -> str:
        """`to_dict` as one line of strict JSON."""
        return json.dumps(self.to_dict(), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The result that `to_json` wrote."""
        return cls.from_dict(parsed(text, cls))


def parsed(text: str, kind: type) -> Any:
    """What stands in JSON; InputError where it is none."""
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {error}; expected what {kind.__name__}.to_json gives") from None


def restored(kind: type[Result], plain: Any) -> Result:
    """The dataclass `kind` from the dictionary of its fields, every value of the type that the field has."""
    try:
        found: Result = _built(kind, plain, kind.__name__)
    except InputError as error:
        name = kind.__name__
        raise InputError(f"not the dictionary of {name}: {error}; expected what {name}.to_dict gives") from None
    return found


def _built(hint: Any, value: Any, name: str) -> Any:
    """`value` from JSON as its type `hint` has it; numbers are finite."""
    inner = get_args(hint)
    if type(None) in inner:
        return None if value is None else _built(next(arg for arg in inner if arg is not type(None)), value, name)
    if get_origin(hint) is tuple:
        return _tuple(inner, value, name)
    if is_dataclass(hint):
        return _dataclass(hint, value, name)
    if hint is float:
        if not math.isfinite(real(value)):
            raise InputError(f"{name} must be a finite number, got {shown(value)}")
        return float(value)
    if hint is int:
        return integer(value, name)
    if hint in (str, bool) and not isinstance(value, hint):
        raise InputError(f"{name} must be {'text' if hint is str else 'true or false'}, got {shown(value)}")
    return value


def _tuple(inner: tuple[Any, ...], value: Any, name: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise InputError(f"{name} must be a list, got {shown(value)}")
    hints = [inner[0]] * len(value) if inner[-1] is Ellipsis else list(inner)
    if len(hints) != len(value):
        raise InputError(f"{name} must hold {len(hints)} entries, got {len(value)}")
    return tuple(_built(hint, each, name) for hint, each in zip(hints, value, strict=True))


def _dataclass(kind: Any, value: Any, name: str) -> Any:
    if not isinstance(value, dict):
        raise InputError(f"{name} must be a dictionary, got {shown(value)}")
    hints, known = get_type_hints(kind), {field.name for field in fields(kind)}
    wanted = {field.name for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING}
    for text, names in (("unknown", set(value) - known), ("missing", wanted - set(value))):
        if names:
            raise InputError(f"{text} fields {', '.join(sorted(map(str, names)))}")
    return kind(**{field: _built(hints[field], each, field) for field, each in value.items()})
