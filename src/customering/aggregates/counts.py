"""Count: how often something happened."""

# ruff: noqa: D102 - what each method means is said once, by `Aggregate`.

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from customering.aggregates.base import Aggregate, Row
from customering.aggregates.sql import sql


@dataclass(frozen=True)
class Count(Aggregate[int]):
    """Number of inputs.

    Notes
    -----
    The state is the number. Nothing seen counts 0.

    Examples
    --------
    >>> count = Count()
    >>> count.finish(count.merge(count.step(count.zero(), "a", 1, 0), 2), now_ms=0)
    3
    """

    @property
    def slot_key(self) -> Hashable:
        return ("count",)

    @property
    def state_type(self) -> Any:
        return int

    def zero(self) -> int:
        return 0

    def step(self, state: int, value: Any, weight: int | float, at_ms: int) -> int:
        return state + 1

    def step_many(
        self, state: int, values: Sequence[Any], weights: Sequence[int | float], at_ms: int
    ) -> int:
        return state + len(values)

    def merge(self, left: int, right: int) -> int:
        return left + right

    def finish(self, state: int, now_ms: int) -> int:
        return state

    def partials(self, row: Row) -> dict[str, exp.Expression]:
        return {"taken": sql("COUNT(*)")}

    def state_sql(self, columns: Mapping[str, exp.Expression]) -> exp.Expression:
        return sql("NULLIF(:taken, 0)", taken=columns["taken"])

    def value_sql(
        self, columns: Mapping[str, exp.Expression], now_ms: exp.Expression
    ) -> exp.Expression:
        return sql("COALESCE(:taken, 0)", taken=columns["taken"])
