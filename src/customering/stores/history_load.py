"""How events of the log become rows of the history, and rows become events again.

Events are written out as NDJSON, which DuckDB reads and types in one go.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from customering.events.model import PRODUCT_FIELDS, Event
from customering.kernel.ids import Identifier
from customering.kernel.records import from_json, to_json

_INTEGER_FIELDS = {"quantity", "amount_minor", "price_minor", "discount_minor"}
_PRODUCT_TYPES = {
    field: "BIGINT" if field in _INTEGER_FIELDS else "VARCHAR" for field in PRODUCT_FIELDS
}
_PRODUCT_STRUCT = "STRUCT(" + ", ".join(f"{n} {t}" for n, t in _PRODUCT_TYPES.items()) + ")"

COLUMNS: dict[str, str] = {
    "anchor": "VARCHAR",
    "event_id": "VARCHAR",
    "kind": "VARCHAR",
    "name": "VARCHAR",
    "occurred_at": "BIGINT",
    "recorded_at": "BIGINT",
    "day": "INTEGER",
    "source": "VARCHAR",
    "offset": "BIGINT",
    "revenue_minor": "BIGINT",
    "currency": "VARCHAR",
    "order_id": "VARCHAR",
    "store_id": "VARCHAR",
    "channel": "VARCHAR",
    "products": f"{_PRODUCT_STRUCT}[]",
    "identifiers": "VARCHAR",
    "properties": "VARCHAR",
    "context": "VARCHAR",
}
"""Columns of the history and their DuckDB types, in order."""

_RAW = {
    "anchor": "VARCHAR",
    "offset": "BIGINT",
    "event_id": "VARCHAR",
    "kind": "VARCHAR",
    "name": "VARCHAR",
    "identifiers": "JSON",
    "occurred_at": "BIGINT",
    "recorded_at": "BIGINT",
    "properties": "JSON",
    "context": "JSON",
    "source": "VARCHAR",
}
_PROPERTIES = ("revenue_minor", "currency", "order_id", "store_id", "channel")
ORDER = 'anchor, occurred_at, "offset"'
"""The order of the rows of a part."""

EVENT_COLUMNS = (
    "event_id, kind, name, identifiers, occurred_at, recorded_at, properties, context, source"
)
"""The columns an event is made of, for `event_of`."""

_LONGEST_LINE = 64 * 1024 * 1024

AnchorOf = Callable[[tuple[Identifier, ...]], Identifier | None]


class _Names(msgspec.Struct):
    """The part of an event that says where it is filed."""

    identifiers: tuple[Identifier, ...]


def write_lines(
    path: Path,
    blocks: Iterator[tuple[int, Iterable[bytes]]],
    anchor_of: AnchorOf,
    rows_most: int,
) -> tuple[int, int | None]:
    """Write lines with their anchor and offset.

    Parameters
    ----------
    path
        The scratch file.
    blocks
        Pairs of (offset of the first event, NDJSON lines); taken until `rows_most` are written.
    anchor_of
        Gives the identifier an event is filed under; lines of none are left out.

    Returns
    -------
    tuple
        How many were written, and the offset reached; None when there was no block.
    """
    decode = msgspec.json.Decoder(_Names).decode
    encode = msgspec.json.encode
    anchors: dict[tuple[Identifier, ...], bytes | None] = {}
    written = 0
    end = None
    with path.open("wb") as file:
        for first, lines in blocks:
            rows = []
            end = first
            for offset, line in enumerate(lines, first):
                end = offset + 1
                names = decode(line).identifiers
                if names not in anchors:
                    if len(anchors) > 500_000:  # bounds memory; an anchor is cheap to find again
                        anchors.clear()
                    found = anchor_of(names)
                    anchors[names] = None if found is None else encode(found)
                anchor = anchors[names]
                if anchor is not None:
                    rows.append(b'{"anchor":%b,"offset":%d,%b\n' % (anchor, offset, line[1:]))
            file.write(b"".join(rows))
            written += len(rows)
            if written >= rows_most:
                break
    return written, end


def load_sql(path: Path, buckets: int) -> str:
    """Give the SQL that reads the scratch lines into the typed table ``incoming``.

    It is in the order of the parts, so that cutting them out of it moves no row far.
    """
    raw = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in _RAW.items()) + "}"
    typed = ", ".join(
        f"{_typed_sql('held', field, COLUMNS[field])} AS {field}" for field in _PROPERTIES
    )

    return f"""
        CREATE OR REPLACE TEMP TABLE incoming AS
        SELECT anchor, event_id, kind, coalesce(name, '') AS name, occurred_at, recorded_at,
            (occurred_at // 86400000)::INTEGER AS day, coalesce(source, '') AS source, "offset",
            {typed},
            CASE WHEN held.products IS NOT NULL
                 THEN list_transform({_lines_sql()}, lambda line: {_line_sql("line")})
                 WHEN json_exists(properties, '$.product_id') THEN [{_line_sql("held")}]
                 ELSE [] END::{_PRODUCT_STRUCT}[] AS products,
            identifiers::VARCHAR AS identifiers,
            coalesce(properties::VARCHAR, '{{}}') AS properties,
            coalesce(context::VARCHAR, '{{}}') AS context,
            (md5_number_lower(anchor) % {buckets})::INTEGER AS bucket
        FROM (
            SELECT *, json_transform(properties, '{_shape()}') AS held
            FROM read_json('{path}', format = 'newline_delimited', columns = {raw},
                           maximum_object_size = {_LONGEST_LINE})
        )
        ORDER BY bucket, {ORDER}
    """


_LINE_SHAPE = dict.fromkeys(PRODUCT_FIELDS, "JSON")


def _shape() -> str:
    """Give the parts of the properties that have columns, for ``json_transform``.

    It takes a document apart in one pass, however many fields are wanted; they stay JSON, because
    it would convert them.
    """
    fields = dict.fromkeys(_PROPERTIES, "JSON") | _LINE_SHAPE
    return to_json({**fields, "products": [_LINE_SHAPE]}).decode()


def _lines_sql() -> str:
    """Give the SQL of the objects in the list of products.

    ``json_transform`` makes an empty struct of anything else in the list. So a list with a line
    that names no product, which is rare, is taken apart once more without what is no object.
    """
    return f"""
        CASE WHEN len(list_filter(held.products, lambda line: line.product_id IS NULL)) > 0
             THEN json_transform(
                 to_json(list_filter(
                     json_extract(properties, '$.products[*]'),
                     lambda line: json_type(line) = 'OBJECT')),
                 '{to_json([_LINE_SHAPE]).decode()}')
             ELSE held.products END"""


def _line_sql(record: str) -> str:
    """Give the SQL of one product line as a struct."""
    fields = ", ".join(
        f"{field} := {_typed_sql(record, field, kind)}" for field, kind in _PRODUCT_TYPES.items()
    )
    return f"struct_pack({fields})"


def _typed_sql(record: str, field: str, kind: str) -> str:
    """Give the SQL of a JSON field of a struct; NULL where it is of another type.

    The live path reads the same way: a number where a text belongs is missing, not converted.
    """
    value = f"{record}.{field}"
    text = f"json_extract_string({value}, '$')"
    if kind == "VARCHAR":
        return f"CASE WHEN starts_with({value}, '\"') THEN {text} END"
    is_whole = f"json_type({value}) IN ('UBIGINT', 'BIGINT')"
    return f"CASE WHEN {is_whole} THEN TRY_CAST({text} AS {kind}) END"


def event_of(row: tuple[Any, ...]) -> Event:
    """Make the event of a row of `EVENT_COLUMNS`."""
    event_id, kind, name, identifiers, occurred_at, recorded_at, properties, context, source = row
    return Event(
        event_id=event_id,
        kind=kind,
        name=name,
        identifiers=from_json(identifiers, tuple[Identifier, ...]),
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        properties=from_json(properties, dict[str, Any]),
        context=from_json(context, dict[str, Any]),
        source=source,
    )
