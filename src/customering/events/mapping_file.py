"""Reading a mapping from TOML: what is misspelt or contradicts itself is named with its place."""

import codecs
import re
import tomllib
from typing import Any

import msgspec

from customering.events.mapping import SECTIONS, Field, Layout, Mapping, Scalar
from customering.kernel.clock import parse_instant
from customering.kernel.errors import InvalidDefinition

_RELATIVE_TIME = re.compile(r"\bdays_(since|until)\b")


def read_mapping(text: str) -> Mapping:
    """Read a mapping from TOML and check all that can be checked without the file.

    Raises
    ------
    InvalidDefinition
        When it is not TOML, misses or misspells a key, or contradicts itself; names the place.

    Examples
    --------
    >>> mapping = read_mapping('''
    ... name = "crm"
    ... event = "Visit Booked"
    ... id = ["booking"]
    ... occurred_at = "booked_on"
    ... identifiers.email = "mail"
    ... ''')
    >>> mapping.source, mapping.columns()["booked_on"]
    ('import:crm', 'occurred_at')
    """
    try:
        document = tomllib.loads(text)
        mapping = msgspec.convert(_with_short_fields(document), Mapping)
    except tomllib.TOMLDecodeError as error:
        raise InvalidDefinition(
            f"The mapping is not TOML: {error}", hint="Mend the line it names."
        ) from error
    except msgspec.ValidationError as error:
        raise InvalidDefinition(
            f"The mapping cannot be understood: {error}",
            hint="Compare it with docs/how-to/import-your-data.md.",
        ) from error
    _check(mapping)
    return mapping


def _with_short_fields(document: dict[str, Any]) -> dict[str, Any]:
    """Write out the fields that are given as the bare name of a column."""

    def written_out(field: Any) -> Any:
        return {"column": field} if isinstance(field, str) else field

    expanded = dict(document)
    if "occurred_at" in expanded:
        expanded["occurred_at"] = written_out(expanded["occurred_at"])
    for section in SECTIONS:
        if isinstance(expanded.get(section), dict):
            expanded[section] = {
                target: written_out(field) for target, field in expanded[section].items()
            }
    return expanded


def _check(mapping: Mapping) -> None:
    """Refuse what contradicts itself."""
    for path, field in mapping.fields():
        _check_field(mapping, path, field)
    _require(bool(mapping.key), "id", "names no column", "Name the columns that tell rows apart.")
    is_named = mapping.kind != "track" or bool(mapping.event)
    _require(
        is_named, "event", "is missing", 'A track event has a name: event = "Order Completed".'
    )
    has_right_section = not (mapping.properties if mapping.kind == "identify" else mapping.traits)
    _require(
        has_right_section,
        "properties" if mapping.kind == "identify" else "traits",
        f"does not belong to {mapping.kind}",
        "identify has traits; track, page and screen have properties.",
    )
    _require(
        mapping.occurred_at.value is None or _is_instant(mapping.occurred_at.value),
        "occurred_at",
        "is not an instant",
        'Write it as ISO 8601: {value = "2017-01-01"}.',
    )
    _require(
        not (mapping.occurred_at.columns or mapping.occurred_at.sum),
        "occurred_at",
        "is more than one column",
        'Write occurred_at = "column", or {column = ..., format = ..., unit = ...}.',
    )
    _check_layout(mapping.file)
    _require(
        not (mapping.products and mapping.kind == "identify"),
        "products",
        "does not belong to identify",
        "Lines are part of what happened: use track.",
    )
    mapping.condition()
    _require(
        _RELATIVE_TIME.search(mapping.where) is None,
        "where",
        "depends on the present, so the same file would give other events tomorrow",
        'Compare with a date: day >= "2017-06-01".',
    )


def _check_field(mapping: Mapping, path: str, field: Field) -> None:
    """Refuse a field whose parts do not fit together."""
    sources = (bool(field.column), bool(field.columns), field.value is not None, bool(field.sum))
    _require(
        sum(sources) == 1,
        path,
        "needs exactly one of column, columns, value and sum",
        f'Write {path.rpartition(".")[2]} = "column", or {{column = "column", type = "integer"}}.',
    )
    if field.sum:
        is_total = path.startswith("properties.") and field.sum in mapping.products
        _require(is_total, path, "adds up a field that [products] has not", "Name a line's field.")
    if path == "event":
        _require(bool(field.column), path, "is no column", 'Write {column = "action"}, or a text.')
    if field.columns:
        is_summable = field.is_money or field.type in ("integer", "number")
        _require(is_summable, path, "adds up columns of no number", "Give a type or a unit.")
    if field.is_money:
        _require(
            path.endswith("_minor") and field.type in ("", "integer"),
            path,
            "is money, so its name ends in _minor and it needs no type",
            "Write revenue_minor = {column = ..., unit = ...}.",
        )
        _require(
            bool(mapping.currency),
            path,
            "is money without a currency",
            'Add currency = "EUR" to the mapping.',
        )
    elif field.unit:
        _require(field.type in ("", "instant"), path, "has a unit of time", "Leave out the type.")
    if field.format:
        is_time = path == "occurred_at" or field.type in ("instant", "day")
        _require(is_time, path, "has a format but is no time", 'Add type = "instant" or "day".')
        _require(not field.unit, path, "has both format and unit", "Leave one out.")


def _require(holds: bool, path: str, problem: str, hint: str) -> None:
    """Raise unless something holds."""
    if not holds:
        raise InvalidDefinition(f"In the mapping, {path} {problem}", hint=hint, path=path)


def _is_instant(value: Scalar) -> bool:
    """Tell whether a constant is an ISO 8601 text."""
    try:
        parse_instant(str(value))
    except ValueError:
        return False
    return isinstance(value, str)


def _check_layout(layout: Layout) -> None:
    """Refuse encodings that Python does not have, and those where a line end is not one byte."""
    try:
        codec = codecs.lookup(layout.encoding)
        is_one_byte = "\n".encode(codec.name) == b"\n"
    except LookupError:
        is_one_byte = False
    _require(
        is_one_byte,
        "file.encoding",
        "is unknown or cannot be read line by line",
        "Use utf-8, cp1252 or another extension of ASCII; convert UTF-16 files first.",
    )
