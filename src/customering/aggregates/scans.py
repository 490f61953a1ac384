"""Scans: one grouping of one relation that serves every input of the same grain."""

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import msgspec
from sqlglot import exp

from customering.aggregates.base import DAY, KEY
from customering.aggregates.sql import conjunction, filtered

Columns = Mapping[str, exp.Expression]


class Part(msgspec.Struct, frozen=True):
    """What one input computes in a scan.

    Parameters
    ----------
    condition
        The rows it takes; None for all.
    partials
        Its SQL aggregates at the grain of the scan.
    roll_up
        For scans by day and key: its aggregates over the keys of a day.
    outcome
        What it makes of its columns in the end.
    """

    condition: exp.Expression | None
    partials: dict[str, exp.Expression]
    roll_up: Callable[[Columns], dict[str, exp.Expression]]
    outcome: Callable[[Columns], exp.Expression]


class NamedColumns:
    """The computed columns of one select, each SQL text once."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._names: dict[str, str] = {}
        self.columns: list[exp.Expr] = []

    def name(self, expression: exp.Expression) -> exp.Column:
        """Give the column that stands for an expression in the next select."""
        text = expression.sql(dialect="duckdb")
        if text not in self._names:
            self._names[text] = f"{self._prefix}_{len(self._names)}"
            self.columns.append(exp.alias_(expression.copy(), self._names[text]))
        return exp.column(self._names[text])

    def name_all(self, made: Columns) -> Columns:
        """Give the columns that stand for several expressions, under the same keys."""
        return {key: self.name(expression) for key, expression in made.items()}


class Composed(msgspec.Struct, frozen=True):
    """A scan in SQL.

    Parameters
    ----------
    selects
        Named selects, each reading from the one before; the last has one row a group.
    outcomes
        For each part, the expression over the last select that is its outcome.
    """

    selects: list[tuple[str, exp.Select]]
    outcomes: list[exp.Expression]


class Scan:
    """One grouping of one relation.

    Parameters
    ----------
    name
        Name of the select that has one row a group; prefix of all names made up for it.
    group
        The group column.
    source
        Name of the select whose rows are grouped.
    keys
        What is grouped by besides: expressions for `DAY` and `KEY`, or none.
    parts
        Pairs of the rows a part is drawn from, a column that tells them or None for all, and the
        part.
    """

    def __init__(
        self,
        name: str,
        group: str,
        source: str,
        keys: dict[str, exp.Expression],
        parts: Sequence[tuple[exp.Column | None, Part]],
    ) -> None:
        self.name = name
        self._parts = [part for _, part in parts]
        self._among = [among for among, _ in parts]
        self._group = group
        self._source = source
        self._keys = keys

    def compose(self) -> Composed:
        """Write the scan."""
        rows, held = self._group_rows()
        if not self._keys:
            outcomes = [
                part.outcome(columns) for part, columns in zip(self._parts, held, strict=True)
            ]
            return Composed([(self.name, rows)], outcomes)
        selects = [(f"{self.name}_rows", rows)]
        keys = {name: _key_column(name) for name in self._keys}
        if DAY in keys and KEY in keys:
            days, held = self._group_keys([{**keys, **columns} for columns in held])
            selects.append((f"{self.name}_days", days))
            del keys[KEY]
        names = NamedColumns(f"{self.name}_outcome")
        outcomes = [
            names.name(part.outcome({**keys, **columns}))
            for part, columns in zip(self._parts, held, strict=True)
        ]
        whole = exp.select(self._group, *names.columns).from_(selects[-1][0])
        return Composed([*selects, (self.name, whole.group_by(self._group))], outcomes)

    def _group_rows(self) -> tuple[exp.Select, list[Columns]]:
        """Compute all partials, grouped by the group and the keys."""
        where, conditions = self._conditions()
        names = NamedColumns(f"{self.name}_part")
        held = [
            names.name_all({key: filtered(made, condition) for key, made in part.partials.items()})
            for part, condition in zip(self._parts, conditions, strict=True)
        ]
        keys = [exp.alias_(made.copy(), f"by_{name}") for name, made in self._keys.items()]
        rows = exp.select(self._group, *keys, *names.columns).from_(self._source)
        rows = rows.group_by(self._group, *(made.copy() for made in self._keys.values()))
        return rows if where is None else rows.where(where), held

    def _group_keys(self, held: list[Columns]) -> tuple[exp.Select, list[Columns]]:
        """Join the keys of each day."""
        names = NamedColumns(f"{self.name}_held")
        rolled = [
            names.name_all(part.roll_up(columns))
            for part, columns in zip(self._parts, held, strict=True)
        ]
        by_day = _key_column(DAY)
        days = exp.select(self._group, by_day, *names.columns).from_(f"{self.name}_rows")
        return days.group_by(self._group, by_day.copy()), rolled

    def _conditions(self) -> tuple[exp.Expression | None, list[exp.Expression | None]]:
        """Give the condition that all rows must fulfil, and the one left for each part."""
        conditions = [part.condition for part in self._parts]
        if len({_text(among) for among in self._among}) == 1:
            among = self._among[0]
        else:
            among = None
            conditions = list(map(conjunction, self._among, conditions))
        different = {_text(condition): condition for condition in conditions}
        if len(different) == 1:
            return conjunction(among, conditions[0]), [None] * len(conditions)
        if None in different.values() or not self._keys:
            # Rows left out would save little: each group is visited in any case.
            return among, conditions
        either = exp.or_(*(condition.copy() for condition in different.values() if condition))
        return conjunction(among, cast("exp.Expression", either)), conditions


def _key_column(name: str) -> exp.Column:
    return exp.column(f"by_{name}")


def _text(expression: exp.Expression | None) -> str:
    return "" if expression is None else expression.sql(dialect="duckdb")
