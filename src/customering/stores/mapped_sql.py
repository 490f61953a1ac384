"""The SQL of a mapping: one query that takes, converts and judges the rows of a file.

1. ``taken``: the columns the mapping reads, of the file and of the joined ones, as ``r0, r1, ...``;
   what the mapping calls missing is NULL.
2. ``converted``: each of them in the type it is wanted in, as ``x0, x1, ...``: NULL where it does
   not fit.
3. ``judged``: the first reason why the row cannot be used, which is mostly an ``r`` without its
   ``x``.
4. The rows as JSON text, which is cheaper to hand to Python than nested columns. Rows of one event
   are brought together by a sort, in the order in which the events begin in the file.
"""

from sqlglot import exp

from customering.events.mapping import Field, Mapping
from customering.kernel.clock import parse_instant
from customering.stores.casts import (
    converted,
    instant_ms,
    json_literal,
    literal,
    result_type,
    text,
    without_missing,
)
from customering.stores.tables import Column, Table


class MappedQuery:
    """The query of one mapping over columns that were found.

    Parameters
    ----------
    mapping
        What to make.
    columns
        Every column it reads, by its name in the mapping.
    """

    def __init__(self, mapping: Mapping, columns: dict[str, Column]) -> None:
        self._mapping = mapping
        self._taken = {
            name: Column(f"r{index}", column.type)
            for index, (name, column) in enumerate(columns.items())
        }
        self._sources = columns
        self._converted: dict[str, str] = {}
        self._faults: list[tuple[str, str]] = []

    def sql(self, main: Table, scan: str) -> str:
        """Write it."""
        layout = self._mapping.file
        taken = [
            f"{without_missing(column, layout)} AS {self._taken[name].sql}"
            for name, column in self._sources.items()
        ]
        key, head, line, where = self._key(), self._head(), self._line(), self._where()
        conversions = [f"{sql} AS {alias}" for sql, alias in self._converted.items()]
        fault = " ".join(f"WHEN {holds} THEN {literal(why)}" for holds, why in self._faults)
        raw = _json_text({name: text(column) for name, column in self._taken.items()})
        rows = f"""
            WITH taken AS (
                SELECT {main.number} AS number, {main.fault} AS broken, {main.raw} AS broken_raw,
                    {", ".join(taken)}
                FROM {scan}
            ), converted AS (
                SELECT {", ".join(["*", *conversions])} FROM taken
            ), judged AS (
                SELECT *, CASE WHEN broken IS NOT NULL THEN broken {fault} ELSE '' END AS fault
                FROM converted WHERE broken IS NOT NULL OR {where}
            )
            SELECT number, fault,
                CASE WHEN fault = '' THEN '' WHEN broken IS NULL THEN {raw}
                    ELSE CAST(to_json(broken_raw) AS VARCHAR) END AS raw,
                {key} AS key,
                CASE WHEN fault = '' THEN {head} ELSE '' END AS head,
                CASE WHEN fault = '' THEN {line} ELSE '' END AS line
            FROM judged"""
        if not self._mapping.group_by:  # a join may change the order of the rows
            return f"{rows} ORDER BY number" if self._mapping.joins else rows
        return f"""
            SELECT number, fault, raw, key, head, line
            FROM (SELECT *, min(number) OVER (PARTITION BY key) AS begins FROM ({rows}))
            ORDER BY begins, number"""

    def _key(self) -> str:
        """Give a text that is equal for the rows of one event, and find rows that have none."""
        columns = [self._taken[name] for name in self._mapping.group_by]
        if not columns:
            return "''"
        for name in self._mapping.group_by:
            self._refuse(f"{self._taken[name].sql} IS NULL", f"column {name} is missing")
        is_missing = " OR ".join(f"{column.sql} IS NULL" for column in columns)
        values = ", ".join(text(column) for column in columns)
        own = "CAST(number AS VARCHAR)"
        return f"CASE WHEN {is_missing} THEN {own} ELSE CAST(json_array({values}) AS VARCHAR) END"

    def _head(self) -> str:
        """Give all of a row but its line, as the JSON of `Head`."""
        mapping = self._mapping
        for name in mapping.key:
            self._refuse(f"{self._taken[name].sql} IS NULL", f"column {name} is missing")
        key = ", ".join(text(self._taken[name]) for name in mapping.key)
        identifiers = {kind: text(self._taken[name]) for kind, name in mapping.identifiers.items()}
        members = {
            "id": f"json_array({key})",
            "at_ms": self._instant(mapping.occurred_at),
            "identifiers": _json_object(identifiers),
        }
        if isinstance(mapping.event, Field):
            members["event"] = self._value(mapping.event)
        elif mapping.event:
            members["event"] = literal(mapping.event)
        for section in ("properties", "traits", "context"):
            fields: dict[str, Field] = getattr(mapping, section)
            own = {target: field for target, field in fields.items() if not field.sum}
            members[section] = _json_object({t: self._value(f) for t, f in own.items()})
        return _json_text(members)

    def _line(self) -> str:
        """Give the line of a row as JSON."""
        lines = self._mapping.products
        if not lines:
            return "''"
        return _json_text({target: self._value(field) for target, field in lines.items()})

    def _instant(self, field: Field) -> str:
        """Give when it happened, in milliseconds since 1970; every row must have it."""
        if field.value is not None:
            return str(parse_instant(str(field.value)))
        column = self._taken[field.column]
        at_ms = self._convert(instant_ms(column, field, self._mapping.file))
        self._refuse(f"{column.sql} IS NULL", f"column {field.column} is missing")
        self._refuse(f"{at_ms} IS NULL", f"column {field.column} does not hold a date and time")
        return at_ms

    def _value(self, field: Field) -> str:
        """Give the value of a field, and find rows where it does not fit."""
        if field.value is not None:
            return json_literal(field.value)
        names = " + ".join(field.sources)
        parts = [self._part(name, field) for name in field.sources]
        value = parts[0] if len(parts) == 1 else self._added(parts, names)
        if field.required:
            self._refuse(f"{value} IS NULL", f"column {names} is missing")
        if field.default is not None:
            value = f"COALESCE(to_json({value}), {json_literal(field.default)})"
        return value

    def _part(self, name: str, field: Field) -> str:
        """Convert one column."""
        column = self._taken[name]
        sql, wanted = converted(column, field, self._mapping.file, self._mapping.currency)
        value = self._convert(sql)
        if wanted:
            does_not_fit = f"{column.sql} IS NOT NULL AND {value} IS NULL"
            self._refuse(does_not_fit, f"column {name} does not hold {wanted}")
        return value

    def _added(self, parts: list[str], names: str) -> str:
        """Add columns up; a missing one counts as nothing unless all are missing."""
        total = f"TRY({' + '.join(f'COALESCE({part}, 0)' for part in parts)})"
        total = self._convert(f"CASE WHEN isfinite(CAST({total} AS DOUBLE)) THEN {total} END")
        self._refuse(f"{total} IS NULL", f"columns {names} are too large to add up")
        return f"CASE WHEN COALESCE({', '.join(parts)}) IS NOT NULL THEN {total} END"

    def _where(self) -> str:
        """Give the condition of the rows to take."""
        condition = self._mapping.condition()
        if condition is None:
            return "TRUE"
        fields = self._mapping.filter
        columns = {name: self._typed(fields[name]) for name in sorted(condition.names)}
        return condition.holds_sql(columns.__getitem__, 0).sql("duckdb")

    def _typed(self, field: Field) -> exp.Expression:
        """Give the value of a field as a column with the type it has."""
        column = exp.column(self._convert(self._value(field)))
        taken = [self._taken[name] for name in field.sources]
        column.type = exp.DataType.build(result_type(field, taken))
        return column

    def _convert(self, sql: str) -> str:
        """Have an expression computed once, and give its name."""
        return self._converted.setdefault(sql, f"x{len(self._converted)}")

    def _refuse(self, condition: str, reason: str) -> None:
        """Set rows aside for which a condition holds."""
        if (condition, reason) not in self._faults:
            self._faults.append((condition, reason))


def _json_object(members: dict[str, str]) -> str:
    """Write an object of names and SQL values."""
    pairs = (f"{literal(name)}, {value}" for name, value in members.items())
    return f"json_object({', '.join(pairs)})"


def _json_text(members: dict[str, str]) -> str:
    """Write an object of names and SQL values as text."""
    return f"CAST({_json_object(members)} AS VARCHAR)"
