"""One query for many aggregates: states or finished values of every group, in few scans.

The query is built of scans. A scan groups the rows of one relation once, for all inputs of one
grain (and one key); aggregates of grain () are done with that, the others are grouped a second time
by the group alone (a third time for grain (DAY, KEY)). The scans are joined on the group column.

1. Conditions become ``FILTER (WHERE ...)`` of the aggregate functions, so inputs with different
   conditions share a scan. When every input of a scan has a condition, rows that fulfil none of
   them are left out before grouping.
2. Aggregates whose state depends on the latest row (`Aggregate.asks_latest`) get its instant from a
   scan of its own, joined to the rows. This lets a window drop old rows before they are grouped.
3. Equal partial columns are computed once.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlglot import exp

from customering.aggregates.base import DAY, KEY, Aggregate, Row
from customering.aggregates.scans import Columns, NamedColumns, Part, Scan
from customering.aggregates.sql import conjunction, filtered, sql


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """One column of the answer: an aggregate over rows of a relation.

    Parameters
    ----------
    name
        Name of the column in the answer; each is used once.
    aggregate
        What is computed.
    row
        What the aggregate reads of a row. Rows whose value or weight is NULL are left out.
    where
        Rows that count; None takes all. NULL counts as false.
    relation
        Where the rows come from, when not from the relation of the query: a table, or a subquery
        without alias (such as the unnested product lines). It must have the group column too.
    """

    name: str
    aggregate: Aggregate[Any]
    row: Row
    where: exp.Expression | None = None
    relation: exp.Table | exp.Subquery | None = None


def query(
    relation: str | exp.Table | exp.Subquery,
    group: str,
    inputs: Sequence[Input],
    now_ms: int | None = None,
) -> exp.Select:
    """Compose the query that gives one row a group and one column an input.

    Parameters
    ----------
    relation
        Where the rows come from: the name of a table or view, or a table expression.
    group
        The column that says whom a row belongs to; the first column of the answer, never NULL.
    inputs
        The columns wanted, in this order; at least one.
    now_ms
        None: each column is the state as JSON, NULL where nothing was seen. An instant
        (milliseconds since 1970): each column is the finished value at that instant, a native SQL
        value, NULL where `finish` gives None.

    Returns
    -------
    exp.Select
        Write it with ``.sql(dialect="duckdb")``. Groups of which no input takes a row may be left
        out. Names that begin with ``scan_`` or ``latest_``, and ``by_day`` and ``by_key``, are used
        inside: the relations must not have columns of these names.
    """
    plan = _Plan(group, now_ms)
    for given in inputs:
        source = given.relation or relation
        plan.add(given, exp.to_table(source) if isinstance(source, str) else source)
    return plan.compose()


class _Place(msgspec.Struct, frozen=True):
    """Where an input is computed: a part of a scan, and what stands in for a missing group."""

    name: str
    scan: Scan
    part: int
    nothing: int | None


class _Plan:
    """The scans that a query takes, found input by input."""

    def __init__(self, group: str, now_ms: int | None) -> None:
        self._group = group
        self._now_ms = now_ms
        self._scans: dict[tuple[str, ...], Scan] = {}
        self._latest: dict[str, tuple[str, exp.Expression, NamedColumns]] = {}
        self._places: list[_Place] = []

    def add(self, given: Input, source: exp.Expression) -> None:
        """Find the scan of an input, and the part it plays there."""
        aggregate, row = given.aggregate, given.row
        condition = conjunction(given.where, _present(row.value), _present(row.weight))
        joined = None
        if self._now_ms is None:
            if aggregate.asks_latest:
                joined, latest_ms = self._latest_of(source, row, condition)
                row = msgspec.structs.replace(row, latest_ms=latest_ms)
            grain, rows, partials = aggregate.grain, aggregate.rows(row), aggregate.partials(row)
            nothing = None
        else:
            now = exp.Literal.number(self._now_ms)
            grain, rows = aggregate.value_grain, aggregate.value_rows(row, now)
            partials = aggregate.value_partials(row, now)
            nothing = aggregate.finish(aggregate.zero(), self._now_ms)
        scan = self._scan_of(source, joined, _keys(grain, row))
        part = Part(
            condition=conjunction(condition, rows),
            partials=partials,
            roll_up=aggregate.roll_up,
            outcome=self._outcome(aggregate),
        )
        scan.parts.append(part)
        self._places.append(_Place(given.name, scan, len(scan.parts) - 1, nothing))

    def compose(self) -> exp.Select:
        """Write the query."""
        selects = [
            (name, exp.select(self._group, *names.columns).from_(source).group_by(self._group))
            for name, source, names in self._latest.values()
        ]
        outcomes = {}
        for scan in self._scans.values():
            composed = scan.compose()
            selects += composed.selects
            outcomes[scan.name] = composed.outcomes
        first, *others = outcomes
        answer = exp.select(self._group).from_(first)
        for other in others:
            answer = answer.join(other, using=[self._group], join_type="full", copy=False)
        for place in self._places:
            outcome = outcomes[place.scan.name][place.part]
            if place.nothing is not None:
                nothing = exp.convert(place.nothing)
                outcome = sql("COALESCE(:outcome, :nothing)", outcome=outcome, nothing=nothing)
            answer = answer.select(exp.alias_(outcome, place.name, quoted=True), copy=False)
        for name, select in selects:
            answer = answer.with_(name, as_=select, copy=False)
        return answer

    def _outcome(self, aggregate: Aggregate[Any]) -> Callable[[Columns], exp.Expression]:
        now_ms = self._now_ms
        if now_ms is None:
            return lambda columns: sql("TO_JSON(:state)", state=aggregate.state_sql(columns))
        return lambda columns: aggregate.value_sql(columns, exp.Literal.number(now_ms))

    def _latest_of(
        self, source: exp.Expression, row: Row, condition: exp.Expression | None
    ) -> tuple[str, exp.Expression]:
        """Have the latest instant of the rows taken computed; give its select and its column."""
        text = source.sql(dialect="duckdb")
        if text not in self._latest:
            name = f"latest_{len(self._latest)}"
            self._latest[text] = name, source.copy(), NamedColumns(f"{name}_at")
        name, _, names = self._latest[text]
        return name, names.name(filtered(sql("MAX(:at)", at=row.at_ms), condition))

    def _scan_of(
        self, source: exp.Expression, joined: str | None, keys: dict[str, exp.Expression]
    ) -> Scan:
        """Find the scan of these rows with these keys, or begin one."""
        texts = (made.sql(dialect="duckdb") for made in (source, *keys.values()))
        identity = (joined or "", *keys, *texts)
        if identity not in self._scans:
            rows = exp.Select().from_(source.copy())
            if joined is not None:
                rows = rows.join(joined, using=[self._group])
            self._scans[identity] = Scan(f"scan_{len(self._scans)}", self._group, rows, keys)
        return self._scans[identity]


def _keys(grain: tuple[str, ...], row: Row) -> dict[str, exp.Expression]:
    """Give what a grain groups by besides the group."""
    made = {DAY: row.day, KEY: exp.cast(row.value.copy(), "TEXT")}
    return {name: made[name] for name in grain}


def _present(value: exp.Expression) -> exp.Expression | None:
    """Write the condition that a value is there; None for one that always is."""
    return sql(":value IS NOT NULL", value=value) if value.find(exp.Column) else None
