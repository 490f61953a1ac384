"""One query for many aggregates: states or finished values of every group, in one pass each.

1. Each relation is read once. Of every row come out the group, and by name whatever the aggregates
   read of it, computed once. DuckDB hands these rows on to the scans while it reads and keeps none,
   as long as a scan only groups them: it must neither join nor unnest.
2. A scan groups those rows for all inputs that are drawn from among the same ones (`Input.among`)
   and are of one grain (and one key). Aggregates of grain () are done with that, the others are
   grouped a second time by the group alone (a third time for grain (DAY, KEY)). So what is rare
   costs little, and what is costly to read, such as JSON, is read of few rows.
3. The other conditions become ``FILTER (WHERE ...)`` of the aggregate functions, so that inputs
   with different ones share a scan. When every input of a scan with keys has a condition, rows that
   fulfil none of them are left out before grouping.
4. Equal partial columns are computed once. The scans are joined on the group column.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlglot import exp

from customering.aggregates.base import DAY, KEY, Aggregate, Row
from customering.aggregates.rows import Rows
from customering.aggregates.scans import Columns, Part, Scan
from customering.aggregates.sql import conjunction, json_text, sql

# So many aggregates with a filter cost about as much as handing all rows to one more scan.
_FEW_PARTIALS = 2


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
    among
        A cheap condition, such as on kind and name, that the rows fulfil besides `where`. Nothing
        else is computed of the other rows. Inputs among the same rows are grouped together.
    """

    name: str
    aggregate: Aggregate[Any]
    row: Row
    where: exp.Expression | None = None
    relation: exp.Table | exp.Subquery | None = None
    among: exp.Expression | None = None


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
        out. Names that begin with ``rows_`` or ``scan_``, and ``everybody``, ``by_day`` and
        ``by_key``, are used inside: the relations must not have columns of these names.
    """
    plan = _Plan(group, now_ms)
    for given in inputs:
        source = given.relation or relation
        plan.add(given, exp.to_table(source) if isinstance(source, str) else source)
    return plan.compose()


class _Place(msgspec.Struct, frozen=True):
    """An input on its way into a scan.

    Parameters
    ----------
    name
        Its column in the answer.
    among
        The column that tells its rows, None for all.
    part
        What it computes.
    nothing
        The value that stands in for a missing group; None for none.
    """

    name: str
    among: exp.Column | None
    part: Part
    nothing: int | None


class _Grouping(msgspec.Struct, frozen=True):
    """Inputs that can be grouped in one scan: of one relation, by the same keys."""

    rows: Rows
    keys: dict[str, exp.Expression]
    places: list[_Place]

    def divide(self) -> list[list[_Place]]:
        """Divide the inputs into scans.

        Inputs among the same rows get a scan of these rows alone when they compute more than a few
        aggregates; what is left shares one.
        """
        by_rows: dict[str, list[_Place]] = {}
        for place in self.places:
            by_rows.setdefault("" if place.among is None else place.among.name, []).append(place)
        rest: list[_Place] = []
        divided = []
        for places in by_rows.values():
            is_small = sum(len(place.part.partials) for place in places) <= _FEW_PARTIALS
            if is_small:
                rest += places
            else:
                divided.append(places)
        return [*divided, rest] if rest else divided


class _Plan:
    """The relations and scans that a query takes, found input by input."""

    def __init__(self, group: str, now_ms: int | None) -> None:
        self._group = group
        self._now_ms = now_ms
        self._rows: dict[str, Rows] = {}
        self._groupings: dict[tuple[str, ...], _Grouping] = {}
        self._names: list[str] = []

    def add(self, given: Input, source: exp.Expression) -> None:
        """Find what an input reads, and what it can be grouped with."""
        aggregate = given.aggregate
        rows = self._rows_of(source)
        among = rows.take(given.among)
        row = Row(
            value=rows.column(given.row.value, given.among),
            weight=rows.column(given.row.weight, given.among),
            at_ms=rows.column(given.row.at_ms),
            day=rows.column(given.row.day),
        )
        where = None if given.where is None else rows.column(given.where, given.among)
        condition = conjunction(where, _present(row.value), _present(row.weight))
        nothing = None
        if self._now_ms is None:
            grain, partials = aggregate.grain, aggregate.partials(row)
        else:
            now = exp.Literal.number(self._now_ms)
            grain, partials = aggregate.value_grain, aggregate.value_partials(row, now)
            condition = conjunction(condition, aggregate.value_rows(row, now))
            nothing = aggregate.finish(aggregate.zero(), self._now_ms)
        part = Part(
            condition=condition,
            partials=partials,
            roll_up=aggregate.roll_up,
            outcome=self._outcome(aggregate),
        )
        grouping = self._grouping_of(rows, _keys(grain, row))
        grouping.places.append(_Place(given.name, among, part, nothing))
        self._names.append(given.name)

    def compose(self) -> exp.Select:
        """Write the query."""
        selects: list[tuple[str, Any]] = [("everybody", self._everybody())]
        answer = exp.select(exp.column(self._group, table="everybody")).from_("everybody")
        outcomes: dict[str, exp.Expression] = {}
        divided = [
            (grouping, places)
            for grouping in self._groupings.values()
            for places in grouping.divide()
        ]
        for number, (grouping, places) in enumerate(divided):
            scan = Scan(
                name=f"scan_{number}",
                group=self._group,
                source=grouping.rows.name,
                keys=grouping.keys,
                parts=[(place.among, place.part) for place in places],
            )
            composed = scan.compose()
            selects += composed.selects
            answer = answer.join(scan.name, using=[self._group], join_type="left", copy=False)
            for place, outcome in zip(places, composed.outcomes, strict=True):
                outcomes[place.name] = _or_nothing(outcome, place.nothing)
        for name in self._names:
            answer = answer.select(exp.alias_(outcomes[name], name, quoted=True), copy=False)
        for rows in self._rows.values():
            answer = answer.with_(rows.name, as_=rows.compose(), materialized=True, copy=False)
        for name, select in selects:
            answer = answer.with_(name, as_=select, copy=False)
        return answer

    def _everybody(self) -> Any:
        """Write the query for the groups, each once."""
        first, *others = (
            exp.select(self._group).distinct().from_(rows.name) for rows in self._rows.values()
        )
        return exp.union(first, *others) if others else first

    def _outcome(self, aggregate: Aggregate[Any]) -> Callable[[Columns], exp.Expression]:
        now_ms = self._now_ms
        if now_ms is None:
            return lambda columns: json_text(aggregate.state_sql(columns))
        return lambda columns: aggregate.value_sql(columns, exp.Literal.number(now_ms))

    def _rows_of(self, source: exp.Expression) -> Rows:
        """Find what is read of a relation, or begin it."""
        text = source.sql(dialect="duckdb")
        if text not in self._rows:
            self._rows[text] = Rows(f"rows_{len(self._rows)}", self._group, source)
        return self._rows[text]

    def _grouping_of(self, rows: Rows, keys: dict[str, exp.Expression]) -> _Grouping:
        """Find the inputs over these rows with these keys, or begin with none."""
        texts = (made.sql(dialect="duckdb") for made in keys.values())
        identity = (rows.name, *keys, *texts)
        if identity not in self._groupings:
            self._groupings[identity] = _Grouping(rows, keys, [])
        return self._groupings[identity]


def _or_nothing(outcome: exp.Expression, nothing: int | None) -> exp.Expression:
    """Let a value stand in for that of a missing group."""
    if nothing is None:
        return outcome
    return sql("COALESCE(:outcome, :nothing)", outcome=outcome, nothing=exp.convert(nothing))


def _keys(grain: tuple[str, ...], row: Row) -> dict[str, exp.Expression]:
    """Give what a grain groups by besides the group."""
    made = {DAY: row.day, KEY: exp.cast(row.value.copy(), "TEXT")}
    return {name: made[name] for name in grain}


def _present(value: exp.Expression) -> exp.Expression | None:
    """Write the condition that a value is there; None for one that always is."""
    return sql(":value IS NOT NULL", value=value) if value.find(exp.Column) else None
