"""Reading one field of an event as the type its plan says, without losing what was sent."""

import math
from collections.abc import Callable
from types import NoneType
from typing import Any, NamedTuple

from customering.events.amounts import minor_units
from customering.events.plan_file import FieldDefinition
from customering.kernel.clock import parse_instant
from customering.kernel.records import Record

INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1
_DIGITS_MAX = 20
MILLISECONDS_MIN = 100_000_000_000
"""Numbers below this would be before 1973 in milliseconds: in all likelihood they are seconds."""


class Violation(Record, frozen=True):
    """One place where an event is not what the tracking plan says.

    Parameters
    ----------
    path
        Where, such as ``properties.products[2].price``.
    reason
        What is wrong, without the value.
    """

    path: str
    reason: str


MISFIT = object()
"""What a reader gives for a value that is not of its type."""

Reader = Callable[[Any, str, str, list[Violation]], Any]
"""Reads (value, currency, path, violations); gives the value, converted, or `MISFIT`."""

QuickReader = Callable[[list[Any], str], list[Any] | None]
"""Reads (list, currency) when it holds no surprise; gives None when it must be read fully."""


class FieldRule(NamedTuple):
    """How one field is read.

    Parameters
    ----------
    exact
        Types of value that are right as they are, so that most values cost one look-up.
    read
        Reads all other values.
    reason
        What is said of a value that does not fit.
    minor_name
        For money: the field that takes the minor units; else empty.
    is_strict
        Whether a value that does not fit is a violation; otherwise it is left alone.
    holds_money
        Whether it is an amount of money or has one inside.
    keeps_integers
        Whether a whole number of 64 bits is right as it is.
    quick_list
        For a list of records: reads one whose entries are of shapes met before; else None.
    """

    exact: frozenset[type]
    read: Reader
    reason: str
    minor_name: str = ""
    is_strict: bool = True
    holds_money: bool = False
    keeps_integers: bool = False
    quick_list: QuickReader | None = None


def field_rule(name: str, field: FieldDefinition, *, is_strict: bool) -> FieldRule:
    """Compile the definition of a field whose entries need no rule of their own."""
    exact, read, reason = _READERS[field.type]
    keeps_integers = read in (_integer, _number) and not field.allowed
    if field.allowed:
        exact, read = frozenset({NoneType}), _only(field.allowed, exact, read)
        reason = "is none of the values allowed"
    is_money = field.type == "money"
    minor_name = f"{name}_minor" if is_money else ""
    return FieldRule(exact, read, reason, minor_name, is_strict, is_money, keeps_integers)


def _only(allowed: tuple[Any, ...], exact: frozenset[type], read: Reader) -> Reader:
    """Narrow a reader to some values."""

    def read_allowed(value: Any, currency: str, path: str, violations: list[Violation]) -> Any:
        fits = value if type(value) in exact else read(value, currency, path, violations)
        return fits if fits in allowed else MISFIT

    return read_allowed


def _string(value: Any, _currency: str, _path: str, _violations: list[Violation]) -> Any:
    """Take a whole number for its digits: shops send ids both ways."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return MISFIT


def _integer(value: Any, _currency: str, _path: str, _violations: list[Violation]) -> Any:
    """Take whole numbers of 64 bits, also written as text or as 2.0."""
    number = value
    if isinstance(value, str):
        number = int(value) if len(value) <= _DIGITS_MAX and _is_whole(value) else MISFIT
    elif isinstance(value, float):
        number = int(value) if value.is_integer() else MISFIT
    if not isinstance(number, int) or isinstance(number, bool):
        return MISFIT
    return number if INTEGER_MIN <= number <= INTEGER_MAX else MISFIT


def _is_whole(text: str) -> bool:
    """Tell whether a text is plain digits with at most a minus before them."""
    return text.isascii() and text.removeprefix("-").isdigit()


def _number(value: Any, currency: str, path: str, violations: list[Violation]) -> Any:
    """Take finite numbers, also written as text; fractions that are whole become integers."""
    if type(value) is int and INTEGER_MIN <= value <= INTEGER_MAX:
        return value
    number = value
    if isinstance(value, str) and not _is_whole(value):
        try:
            number = float(value) if "_" not in value else MISFIT
        except ValueError:
            return MISFIT
    if isinstance(number, float) and not number.is_integer():
        return number if math.isfinite(number) else MISFIT
    return _integer(number, currency, path, violations)


def _boolean(value: Any, _currency: str, _path: str, _violations: list[Violation]) -> Any:
    """Take true and false, also written as text."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower(), MISFIT)
    return MISFIT


def _instant(value: Any, _currency: str, _path: str, _violations: list[Violation]) -> Any:
    """Take ISO 8601 or milliseconds since 1970; it stays as it was written."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if MILLISECONDS_MIN <= value <= INTEGER_MAX else MISFIT
    if not isinstance(value, str):
        return MISFIT
    try:
        parse_instant(value)
    except (ValueError, OverflowError):
        return MISFIT
    return value


def _money(value: Any, currency: str, _path: str, _violations: list[Violation]) -> Any:
    """Give the minor units of an amount; the amount itself stays as it was written."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return MISFIT
    minor = minor_units(value, currency)
    return MISFIT if minor is None else minor


def _misfit(_value: Any, _currency: str, _path: str, _violations: list[Violation]) -> Any:
    """Refuse what is not of an exact type."""
    return MISFIT


_READERS: dict[str, tuple[frozenset[type], Reader, str]] = {
    "string": (frozenset({NoneType, str}), _string, "is not a text"),
    "integer": (frozenset({NoneType}), _integer, "is not a whole number of 64 bits"),
    "number": (frozenset({NoneType}), _number, "is not a number"),
    "boolean": (frozenset({NoneType, bool}), _boolean, "is neither true nor false"),
    "instant": (frozenset({NoneType}), _instant, "is neither ISO 8601 nor milliseconds since 1970"),
    "money": (frozenset({NoneType}), _money, "is not an amount of money"),
    "list": (frozenset({NoneType, list}), _misfit, "is not a list"),
    "object": (frozenset({NoneType, dict}), _misfit, "is not an object"),
}

MINOR_RULE = FieldRule(
    frozenset({NoneType}),
    _integer,
    "is not a whole number of minor units of 64 bits",
    holds_money=True,
    keeps_integers=True,
)
"""How a field ending in ``_minor`` is read when the sender gives minor units itself."""
