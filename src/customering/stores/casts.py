"""Columns of files in the types a mapping wants, as SQL that gives NULL where that fails.

Nothing is guessed: ``1.5`` is no whole number, ``1_000`` and ``nan`` are no numbers, ``2`` is
neither yes nor no. Money is read from its decimal text, as `customering.kernel.money.to_minor`
reads it, so no amount is off by a cent because a float lies beside it.
"""

from collections.abc import Sequence

from customering.events.mapping import Field, Layout, Scalar
from customering.kernel.money import to_minor
from customering.kernel.records import to_json
from customering.stores.tables import Column

INTEGERS = frozenset(
    f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
)
FLOATS = frozenset({"FLOAT", "DOUBLE"})
TEXTS = frozenset({"VARCHAR", "JSON"})
_WHOLE = r"\s*[+-]?[0-9]+(\.0*)?\s*"
_NUMBER = r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*"
_ISO = r"^\s*[0-9]{4}-"
_MS_OF_UNIT = {"s": "round({} * 1000)", "ms": "floor({})", "us": "floor({} / 1000)"}
_FIRST_MS, _LAST_MS = (
    -62_135_596_800_000,
    253_402_300_799_999,
)  # years 1 to 9999, which ISO can write
_MONEY_DIGITS = 18  # of a DECIMAL that DuckDB keeps in 64 bits


def literal(value: str) -> str:
    """Write a text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def json_literal(value: Scalar) -> str:
    """Write a constant as SQL of type JSON."""
    return f"CAST({literal(to_json(value).decode())} AS JSON)"


def is_number(column: Column) -> bool:
    """Tell whether a column holds numbers by its type."""
    return column.type in INTEGERS | FLOATS or column.type.startswith("DECIMAL")


def text(column: Column) -> str:
    """Give a column as text; a whole number kept as a float is written without its ``.0``."""
    if column.type == "VARCHAR":
        return column.sql
    if column.type == "JSON":
        return f"(({column.sql}) ->> '$')"
    if column.type in FLOATS:
        return rf"regexp_replace(CAST({column.sql} AS VARCHAR), '\.0$', '')"
    return f"CAST({column.sql} AS VARCHAR)"


def without_missing(column: Column, layout: Layout) -> str:
    """Give a column with NULL for what the layout calls missing, and for NaN."""
    if column.type in FLOATS and layout.missing == Layout().missing:
        return f"CASE WHEN isnan({column.sql}) THEN NULL ELSE {column.sql} END"
    if column.type not in TEXTS and layout.missing == Layout().missing:
        return column.sql
    missing = ", ".join(literal(each) for each in (*layout.missing, "nan"))
    if column.type in TEXTS:
        missing = ", ".join(literal(each) for each in layout.missing) or "NULL"
    return f"CASE WHEN trim({text(column)}) IN ({missing}) THEN NULL ELSE {column.sql} END"


def converted(column: Column, field: Field, layout: Layout, currency: str) -> tuple[str, str]:
    """Convert a column as a field wants it.

    Returns
    -------
    tuple
        SQL that is NULL where the value does not fit, and what it should have been in words; these
        are empty where every value fits.
    """
    if field.unit == "major":
        return money(column, layout, currency), f"an amount of {currency}"
    if field.unit == "minor":
        return integer(column, layout), f"an amount in minor units of {currency}"
    if field.is_instant:
        return iso(instant_ms(column, field, layout)), "a date and time"
    match field.type:
        case "integer":
            return integer(column, layout), "a whole number"
        case "number":
            return number(column, layout), "a number"
        case "boolean":
            return boolean(column), "yes or no"
        case "day":
            return day(column, field), "a date"
        case "string":
            return text(column), ""
    if column.type in FLOATS:
        return number(column, layout), "a finite number"
    if column.type.startswith("TIMESTAMP"):
        return iso(instant_ms(column, field, layout)), "a date and time"
    return _as_it_is(column), ""


def result_type(field: Field, columns: Sequence[Column]) -> str:
    """Give the DuckDB type of what a field becomes."""
    if field.value is not None or field.default is not None:
        return "JSON"
    if field.is_money or field.type == "integer":
        return "BIGINT"
    if field.type in ("number", "boolean"):
        return "DOUBLE" if field.type == "number" else "BOOLEAN"
    if field.type or field.is_instant:
        return "VARCHAR"
    (column,) = columns
    if column.type in TEXTS | {"BOOLEAN"}:
        return column.type
    if is_number(column):
        return "BIGINT" if column.type in INTEGERS else "DOUBLE"
    return "JSON" if _is_nested(column) else "VARCHAR"


def number(column: Column, layout: Layout) -> str:
    """Give a finite DOUBLE."""
    cast = f"TRY_CAST({_digits(column, layout)} AS DOUBLE)"
    return f"CASE WHEN isfinite({cast}) THEN {cast} END"


def integer(column: Column, layout: Layout) -> str:
    """Give a BIGINT."""
    if column.type in INTEGERS:
        return f"TRY_CAST({column.sql} AS BIGINT)"
    digits = text(column) if column.type not in TEXTS else _digits(column, layout)
    return (
        f"CASE WHEN regexp_full_match({digits}, '{_WHOLE}') THEN TRY_CAST({digits} AS BIGINT) END"
    )


def money(column: Column, layout: Layout, currency: str) -> str:
    """Give minor units of an amount in major units, halves rounded away from zero."""
    amount = column.sql if column.type in INTEGERS else _digits(column, layout)
    if column.type in FLOATS:
        amount = f"CAST({column.sql} AS VARCHAR)"
    minor_per_major = to_minor(1, currency)
    decimals = len(str(minor_per_major)) - 1
    exact = f"TRY_CAST({amount} AS DECIMAL({_MONEY_DIGITS}, {decimals}))"
    return f"CAST({exact} * {minor_per_major} AS BIGINT)"


def boolean(column: Column) -> str:
    """Give a BOOLEAN; text may say it in English or with a digit."""
    if column.type == "BOOLEAN":
        return column.sql
    return (
        f"CASE lower(trim({text(column)})) WHEN 'true' THEN true WHEN 't' THEN true "
        "WHEN 'yes' THEN true WHEN 'y' THEN true WHEN '1' THEN true WHEN 'false' THEN false "
        "WHEN 'f' THEN false WHEN 'no' THEN false WHEN 'n' THEN false WHEN '0' THEN false END"
    )


def instant_ms(column: Column, field: Field, layout: Layout) -> str:
    """Give milliseconds since 1970; the zone of the connection is that of times without one."""
    if field.unit:
        ms = _MS_OF_UNIT[field.unit].format(number(column, layout))
    elif column.type.startswith("TIMESTAMP") or column.type == "DATE":
        ms = f"epoch_ms(TRY_CAST({column.sql} AS TIMESTAMPTZ))"
    elif field.format:
        parsed = f"try_strptime(trim({text(column)}), {literal(field.format)})"
        ms = f"epoch_ms(TRY_CAST({parsed} AS TIMESTAMPTZ))"
    else:
        words = text(column)
        is_iso = f"regexp_matches({words}, '{_ISO}')"
        ms = f"CASE WHEN {is_iso} THEN epoch_ms(TRY_CAST({words} AS TIMESTAMPTZ)) END"
    return f"CASE WHEN {ms} BETWEEN {_FIRST_MS} AND {_LAST_MS} THEN CAST({ms} AS BIGINT) END"


def iso(ms: str) -> str:
    """Write milliseconds since 1970 as ISO 8601 in UTC."""
    return f"strftime(make_timestamp_ms({ms}), '%Y-%m-%dT%H:%M:%S.%gZ')"


def day(column: Column, field: Field) -> str:
    """Write a day as ISO 8601."""
    if column.type.startswith("TIMESTAMP") or column.type == "DATE":
        return f"CAST(TRY_CAST({column.sql} AS DATE) AS VARCHAR)"
    words = text(column)
    if field.format:
        parsed = f"try_strptime(trim({words}), {literal(field.format)})"
        return f"CAST(TRY_CAST({parsed} AS DATE) AS VARCHAR)"
    is_iso = f"regexp_matches({words}, '{_ISO}')"
    return f"CASE WHEN {is_iso} THEN CAST(TRY_CAST({words} AS DATE) AS VARCHAR) END"


def _digits(column: Column, layout: Layout) -> str:
    """Give what a number can be cast from: text in the form of SQL numbers, or the number."""
    if column.type not in TEXTS:
        return column.sql
    words = text(column)
    if layout.decimal == ",":
        words = f"replace(replace({words}, '.', ''), ',', '.')"
    return f"CASE WHEN regexp_full_match({words}, '{_NUMBER}') THEN {words} END"


def _is_nested(column: Column) -> bool:
    """Tell whether a column holds lists or objects."""
    return column.type.endswith("]") or column.type.startswith(("STRUCT", "MAP"))


def _as_it_is(column: Column) -> str:
    """Give a column in the JSON type closest to its own."""
    if column.type in TEXTS | INTEGERS | {"BOOLEAN"}:
        return column.sql
    if is_number(column):
        return number(column, Layout())
    if _is_nested(column):
        return f"to_json({column.sql})"
    return text(column)
