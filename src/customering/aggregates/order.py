"""First, last and the last few values, by the time they occurred and never by arrival."""

# ruff: noqa: D102 - what each method means is said once, by `Aggregate`.

from bisect import insort
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from customering.aggregates.base import Aggregate, Row
from customering.aggregates.checks import check_whole
from customering.aggregates.sql import largest, sql

_LONGEST_LIST = 1000


@dataclass(frozen=True)
class First(Aggregate[list[Any] | None]):
    """Value of the earliest input; of several at one instant, the least value.

    Notes
    -----
    The state is ``[at_ms, value]``; None is nothing seen.
    """

    @property
    def slot_key(self) -> Hashable:
        return ("first",)

    @property
    def state_type(self) -> Any:
        return list[Any] | None

    def zero(self) -> list[Any] | None:
        return None

    def step(
        self, state: list[Any] | None, value: Any, weight: int | float, at_ms: int
    ) -> list[Any]:
        if state is None:
            return [at_ms, value]
        if at_ms < state[0] or (at_ms == state[0] and value < state[1]):
            state[0] = at_ms
            state[1] = value
        return state

    def merge(self, left: list[Any] | None, right: list[Any] | None) -> list[Any] | None:
        if left is None or right is None:
            given = left or right
            return None if given is None else given.copy()
        return min(left, right).copy()

    def finish(self, state: list[Any] | None, now_ms: int) -> Any:
        return None if state is None else state[1]

    def partials(self, row: Row) -> dict[str, exp.Expression]:
        return {"first": sql("MIN(:entry)", entry=_entry(row))}

    def state_sql(self, columns: Mapping[str, exp.Expression]) -> exp.Expression:
        return _pair(columns["first"])

    def value_sql(
        self, columns: Mapping[str, exp.Expression], now_ms: exp.Expression
    ) -> exp.Expression:
        return sql("STRUCT_EXTRACT(:first, 'value')", first=columns["first"])


@dataclass(frozen=True)
class Last(Aggregate[list[Any] | None]):
    """Value of the latest input; of several at one instant, the greatest value.

    Notes
    -----
    The state is ``[at_ms, value]``; None is nothing seen.

    Examples
    --------
    >>> last = Last()
    >>> state = last.step(last.step(last.zero(), "store", 1, 2_000), "web", 1, 1_000)
    >>> last.finish(state, now_ms=3_000)
    'store'
    """

    @property
    def slot_key(self) -> Hashable:
        return ("last",)

    @property
    def state_type(self) -> Any:
        return list[Any] | None

    def zero(self) -> list[Any] | None:
        return None

    def step(
        self, state: list[Any] | None, value: Any, weight: int | float, at_ms: int
    ) -> list[Any]:
        if state is None:
            return [at_ms, value]
        if at_ms > state[0] or (at_ms == state[0] and value > state[1]):
            state[0] = at_ms
            state[1] = value
        return state

    def merge(self, left: list[Any] | None, right: list[Any] | None) -> list[Any] | None:
        if left is None or right is None:
            given = left or right
            return None if given is None else given.copy()
        return max(left, right).copy()

    def finish(self, state: list[Any] | None, now_ms: int) -> Any:
        return None if state is None else state[1]

    def partials(self, row: Row) -> dict[str, exp.Expression]:
        return {"last": sql("MAX(:entry)", entry=_entry(row))}

    def state_sql(self, columns: Mapping[str, exp.Expression]) -> exp.Expression:
        return _pair(columns["last"])

    def value_sql(
        self, columns: Mapping[str, exp.Expression], now_ms: exp.Expression
    ) -> exp.Expression:
        return sql("STRUCT_EXTRACT(:last, 'value')", last=columns["last"])


@dataclass(frozen=True)
class LastK(Aggregate[list[list[Any]]]):
    """Values of the latest inputs, latest first; repeated values are repeated.

    Parameters
    ----------
    k
        How many, 1 to 1000.

    Notes
    -----
    The state is the list of ``[at_ms, value]``, earliest first, at most `k` long.
    """

    k: int

    def __post_init__(self) -> None:
        check_whole("k", self.k, 1, _LONGEST_LIST)

    @property
    def slot_key(self) -> Hashable:
        return ("last_k",)

    @property
    def reach(self) -> int:
        return self.k

    @property
    def state_type(self) -> Any:
        return list[list[Any]]

    def zero(self) -> list[list[Any]]:
        return []

    def step(
        self, state: list[list[Any]], value: Any, weight: int | float, at_ms: int
    ) -> list[list[Any]]:
        entry = [at_ms, value]
        if len(state) < self.k:
            insort(state, entry)
        elif entry > state[0]:
            del state[0]
            insort(state, entry)
        return state

    def merge(self, left: list[list[Any]], right: list[list[Any]]) -> list[list[Any]]:
        return [entry.copy() for entry in sorted(left + right)[-self.k :]]

    def finish(self, state: list[list[Any]], now_ms: int) -> list[Any] | None:
        return [entry[1] for entry in reversed(state[-self.k :])] or None

    def partials(self, row: Row) -> dict[str, exp.Expression]:
        return {"latest": largest(_entry(row), self.k)}

    def state_sql(self, columns: Mapping[str, exp.Expression]) -> exp.Expression:
        return sql(
            "LIST_TRANSFORM(LIST_REVERSE(:latest), LAMBDA e : ROW(e.at, e.value))",
            latest=columns["latest"],
        )

    def value_sql(
        self, columns: Mapping[str, exp.Expression], now_ms: exp.Expression
    ) -> exp.Expression:
        return sql("LIST_TRANSFORM(:latest, LAMBDA e : e.value)", latest=columns["latest"])


def _entry(row: Row) -> exp.Expression:
    """Write instant and value as one struct: structs compare field by field, in this order."""
    return sql("{'at': :at, 'value': :value}", at=row.at_ms, value=row.value)


def _pair(entry: exp.Expression) -> exp.Expression:
    """Write such a struct as the two-element array that the state is."""
    return sql(
        "CASE WHEN :entry IS NOT NULL THEN "
        "ROW(STRUCT_EXTRACT(:entry, 'at'), STRUCT_EXTRACT(:entry, 'value')) END",
        entry=entry,
    )
