"""What a definition may read of an event: each field with its Python getter and its SQL column.

Both read by type and never convert: a number where a text is expected is missing, on both sides.

1. Columns of every event: ``event_id``, ``kind``, ``name``, ``source``, ``occurred_at``,
   ``recorded_at``, and the parts of the UTC instant ``day``, ``weekday`` (1 is Monday), ``hour``.
2. Fields the history keeps in typed columns: ``revenue_minor``, ``currency``, ``order_id``,
   ``store_id`` and ``channel``, read from the properties.
3. ``properties.<path>`` and ``context.<path>``: anything else, as JSON.
4. Over product lines: ``product_id``, ``name``, ``category``, ``department``, ``brand``,
   ``quantity``, ``amount_minor``, ``price_minor`` and ``discount_minor`` of the line.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, cast

from sqlglot import exp

from customering.events.model import PRODUCT_FIELDS
from customering.kernel.clock import MS_PER_DAY, MS_PER_HOUR
from customering.kernel.errors import InvalidDefinition
from customering.kernel.expression_nodes import number_of
from customering.profile.model import FieldType, Reading

Getter = Callable[[Any], Any]
LinesGetter = Callable[[Any, Sequence[dict[str, Any]]], list[Any]]
"""Reads a field of all product lines of an event at once: a call a field, not one a line."""

EVENT_FIELDS: dict[str, FieldType] = {
    "event_id": "text",
    "kind": "text",
    "name": "text",
    "source": "text",
    "occurred_at": "integer",
    "recorded_at": "integer",
    "day": "integer",
    "weekday": "integer",
    "hour": "integer",
}
PROPERTY_FIELDS: dict[str, FieldType] = {
    "revenue_minor": "integer",
    "currency": "text",
    "order_id": "text",
    "store_id": "text",
    "channel": "text",
}
_LINE_FIELDS: dict[str, FieldType] = {
    name: "integer" if name == "quantity" or name.endswith("_minor") else "text"
    for name in PRODUCT_FIELDS
}
_SQL_TYPES: dict[FieldType, str] = {"text": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE"}
_LARGEST = 2**63 - 1
LINE = "line"


@dataclass(frozen=True)
class Fields:
    """The fields that one source of inputs has: events, or product lines.

    Parameters
    ----------
    is_line
        Whether inputs are product lines. A row is then the pair (event, line), otherwise the event.
    """

    is_line: bool = False

    @property
    def names(self) -> frozenset[str]:
        """Names that expressions over this source may use."""
        lines = _LINE_FIELDS if self.is_line else {}
        return frozenset({*EVENT_FIELDS, *PROPERTY_FIELDS, *lines, "properties", "context"})

    def check(self, name: str) -> None:
        """Refuse a field that does not exist.

        Raises
        ------
        InvalidDefinition
            With a hint at the nearest name.
        """
        first, _, rest = name.partition(".")
        if (rest and first in ("properties", "context")) or (not rest and name in self._plain):
            return
        hint = f"Another field of the event is written properties.{name}."
        near = get_close_matches(name, self._plain, n=1)
        if name in _LINE_FIELDS:
            hint = 'A field of product lines needs each = "products".'
        elif near:
            hint = f"Did you mean {near[0]}? {hint}"
        raise InvalidDefinition(f"there is no field {name}", hint=hint)

    @property
    def _plain(self) -> frozenset[str]:
        return self.names - {"properties", "context"}

    def getter(self, name: str, kind: FieldType | None = None) -> Getter:
        """Give the function that reads a field of a row; None where it is missing.

        Parameters
        ----------
        kind
            Type to read ``properties.`` and ``context.`` as; None leaves the value as it is.
        """
        if self.is_line and name in _LINE_FIELDS:
            return _typed_key(name, _LINE_FIELDS[name])
        read = _event_getter(name, kind)
        if self.is_line:
            return lambda row: read(row[0])
        return read

    def reading(self, reading: Reading, kind: FieldType) -> Getter | None:
        """Give the function that reads the first field that is there; None where it is always 1."""
        parts = parts_of(reading)
        if not parts:
            return None
        getters = [
            self.getter(part, kind) if isinstance(part, str) else _constant(part) for part in parts
        ]
        if len(getters) == 1:
            return getters[0]

        def first(row: Any) -> Any:
            for get in getters:
                value = get(row)
                if value is not None:
                    return value
            return None

        return first

    def reading_of_lines(self, reading: Reading, kind: FieldType) -> LinesGetter:
        """Give the function that does for all lines of an event what `reading` does for a row."""
        first, *others = [self._part_of_lines(part, kind) for part in parts_of(reading) or (1,)]
        if not others:
            return first

        def read(event: Any, lines: Sequence[dict[str, Any]]) -> list[Any]:
            values = first(event, lines)
            for other in others:
                if None not in values:
                    break
                further = other(event, lines)
                values = [b if a is None else a for a, b in zip(values, further, strict=True)]
            return values

        return read

    def _part_of_lines(self, part: str | int, kind: FieldType) -> LinesGetter:
        if isinstance(part, int):
            return lambda event, lines: [part] * len(lines)
        if part in _LINE_FIELDS:
            return _line_column(part, _LINE_FIELDS[part])
        read = _event_getter(part, kind)
        return lambda event, lines: [read(event)] * len(lines)

    def column(self, name: str, kind: FieldType | None = None) -> exp.Expression:
        """Give the SQL of a field, with its type noted; NULL where it is missing."""
        if self.is_line and name in _LINE_FIELDS:
            line = exp.Dot(this=exp.column(LINE, quoted=True), expression=_word(name))
            return _as(line, _SQL_TYPES[_LINE_FIELDS[name]])
        if name == "weekday":
            # 1970-01-01 was a Thursday, the fourth day of the week.
            return _as(_parse("((day + 3) % 7 + 7) % 7 + 1"), "BIGINT")
        if name == "hour":
            return _as(
                _parse(f"(occurred_at - day * {MS_PER_DAY}::BIGINT) // {MS_PER_HOUR}"), "BIGINT"
            )
        known = EVENT_FIELDS.get(name) or PROPERTY_FIELDS.get(name)
        if known is not None:
            return _as(exp.Column(this=_word(name)), _SQL_TYPES[known])
        return _json_column(name, kind)

    def reading_sql(self, reading: Reading, kind: FieldType) -> exp.Expression:
        """Give the SQL of the first field that is there; 1 for an empty reading."""
        parts: list[exp.Expression] = [
            self.column(part, kind) if isinstance(part, str) else exp.Literal.number(part)
            for part in parts_of(reading)
        ]
        if not parts:
            return exp.Literal.number(1)
        if len(parts) == 1:
            return parts[0]
        first: Any = exp.func("coalesce", *parts)
        return cast("exp.Expression", first)


def parts_of(reading: Reading) -> tuple[str | int, ...]:
    """Give the fields of a reading in order; an empty text is none."""
    if isinstance(reading, tuple):
        return reading
    return () if reading == "" else (reading,)


def type_of(reading: Reading, otherwise: FieldType) -> FieldType:
    """Give the type a reading has: ``*_minor`` are whole numbers, other JSON fields `otherwise`."""
    names = [part for part in parts_of(reading) if isinstance(part, str)]
    if names and all(name.endswith("_minor") for name in names):
        return "integer"
    return otherwise


def _constant(value: int) -> Getter:
    return lambda row: value


def _event_getter(name: str, kind: FieldType | None) -> Getter:
    if name in _COMPUTED:
        return _COMPUTED[name]
    if name in EVENT_FIELDS:
        return _attribute(name)
    if name in PROPERTY_FIELDS:
        return _property(name, PROPERTY_FIELDS[name])
    first, *path = name.split(".")
    convert = None if kind is None else _CONVERTERS[kind]
    owner = _attribute(first)

    def read(event: Any) -> Any:
        value = owner(event)
        for key in path:
            if type(value) is not dict:
                return None
            value = value.get(key)
        return value if convert is None else convert(value)

    return read


def _attribute(name: str) -> Getter:
    def read(event: Any) -> Any:
        return getattr(event, name)

    return read


def _property(name: str, kind: FieldType) -> Getter:
    convert = _CONVERTERS[kind]

    def read(event: Any) -> Any:
        return convert(event.properties.get(name))

    return read


def _typed_key(name: str, kind: FieldType) -> Getter:
    if kind == "text":

        def read_text(row: Any) -> Any:
            value = row[1].get(name)
            return value if type(value) is str else None

        return read_text
    convert = _CONVERTERS[kind]

    def read(row: Any) -> Any:
        return convert(row[1].get(name))

    return read


def _line_column(name: str, kind: FieldType) -> LinesGetter:
    if kind == "text":
        return lambda event, lines: [
            value if type(value := line.get(name)) is str else None for line in lines
        ]
    # As `_integer` does, written out, to save a call for each line.
    return lambda event, lines: [
        value
        if type(value := line.get(name)) is int and -_LARGEST - 1 <= value <= _LARGEST
        else None
        for line in lines
    ]


def _text(value: Any) -> str | None:
    return value if type(value) is str else None


def _integer(value: Any) -> int | None:
    """Keep whole numbers that fit a BIGINT; a number written with a decimal point is none."""
    return value if type(value) is int and -_LARGEST - 1 <= value <= _LARGEST else None


_CONVERTERS: dict[FieldType, Callable[[Any], Any]] = {
    "text": _text,
    "integer": _integer,
    "number": number_of,
}
_COMPUTED: dict[str, Getter] = {
    "day": lambda event: event.occurred_at // MS_PER_DAY,
    "weekday": lambda event: (event.occurred_at // MS_PER_DAY + 3) % 7 + 1,
    "hour": lambda event: event.occurred_at % MS_PER_DAY // MS_PER_HOUR,
}


def _json_column(name: str, kind: FieldType | None) -> exp.Expression:
    first, *path = name.split(".")
    place = exp.Literal.string("$" + "".join(f'."{key}"' for key in path))
    value: Any = exp.func("json_extract", exp.column(first), place, dialect="duckdb")
    if kind is None:
        return _as(value, "JSON")
    json_type: Any = exp.func("json_type", exp.column(first), place.copy(), dialect="duckdb")
    types = {
        "text": ("VARCHAR",),
        "integer": ("BIGINT", "UBIGINT"),
        "number": ("BIGINT", "UBIGINT", "DOUBLE"),
    }[kind]
    read: Any = exp.func("json_extract_string", exp.column(first), place.copy(), dialect="duckdb")
    if kind != "text":
        read = exp.TryCast(this=read, to=exp.DataType.build(_SQL_TYPES[kind]), safe=True)
    fits = exp.In(this=json_type, expressions=[exp.Literal.string(each) for each in types])
    return _as(exp.Paren(this=exp.Case().when(fits, read)), _SQL_TYPES[kind])


def _parse(text: str) -> exp.Expression:
    parsed: Any = exp.maybe_parse(text, dialect="duckdb")
    return exp.Paren(this=parsed)


def _word(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)


def _as(expression: exp.Expression, kind: str) -> exp.Expression:
    expression.type = exp.DataType.build(kind, dialect="duckdb")
    return expression
