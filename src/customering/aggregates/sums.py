"""Sum: the total of what was spent, bought, counted."""

# ruff: noqa: D102 - what each method means is said once, by `Aggregate`.

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from customering.aggregates.base import Aggregate, Row
from customering.aggregates.sql import sql


@dataclass(frozen=True)
class Sum(Aggregate[int | float]):
    """Total of the values.

    Notes
    -----
    The state is the total, a whole number as long as the values are. Nothing seen sums to 0. Totals
    must stay within 63 bits, which is what JSON readers take; DuckDB sums whole numbers to HUGEINT,
    so cast where the type of a column matters (Parquet would write it as a double).
    """

    @property
    def slot_key(self) -> Hashable:
        return ("sum",)

    @property
    def state_type(self) -> Any:
        return int | float

    def zero(self) -> int | float:
        return 0

    def step(self, state: int | float, value: Any, weight: int | float, at_ms: int) -> int | float:
        return state + value  # type: ignore[no-any-return]

    def step_many(
        self,
        state: int | float,
        values: Sequence[Any],
        weights: Sequence[int | float],
        at_ms: int,
    ) -> int | float:
        total: int | float = sum(values, state)
        return total

    def merge(self, left: int | float, right: int | float) -> int | float:
        return left + right

    def finish(self, state: int | float, now_ms: int) -> int | float:
        return state

    def partials(self, row: Row) -> dict[str, exp.Expression]:
        return {"total": sql("SUM(:value)", value=row.value)}

    def state_sql(self, columns: Mapping[str, exp.Expression]) -> exp.Expression:
        return columns["total"]

    def value_sql(
        self, columns: Mapping[str, exp.Expression], now_ms: exp.Expression
    ) -> exp.Expression:
        return sql("COALESCE(:total, 0)", total=columns["total"])
