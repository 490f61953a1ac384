"""Histogram: how many values fall between given edges."""

# ruff: noqa: D102 - what each method means is said once, by `Aggregate`.

from bisect import bisect_right
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import Any

from sqlglot import exp

from customering.aggregates.base import Aggregate, Row
from customering.aggregates.sql import conjunction, double, filtered, sql
from customering.kernel.errors import InvalidDefinition


@dataclass(frozen=True)
class Histogram(Aggregate[list[int]]):
    """Number of values below the first edge, from each edge up to the next, and from the last on.

    Parameters
    ----------
    edges
        Ascending, in the unit of the values; an edge belongs to the bin above it.

    Notes
    -----
    The state is the list of ``len(edges) + 1`` numbers.

    Examples
    --------
    >>> sizes = Histogram(edges=(10, 20))
    >>> state = sizes.zero()
    >>> for size in (5, 10, 19, 40):
    ...     state = sizes.step(state, size, 1, 0)
    >>> sizes.finish(state, now_ms=0)
    [1, 2, 1]
    """

    edges: tuple[float, ...]

    def __post_init__(self) -> None:
        ascending = all(low < high for low, high in pairwise(self.edges))
        if not self.edges or not ascending or not all(map(isfinite, self.edges)):
            raise InvalidDefinition(
                f"edges = {list(self.edges)} do not ascend",
                hint="Give at least one edge, each larger than the one before it.",
                parameter="edges",
            )

    @property
    def slot_key(self) -> Hashable:
        return ("histogram", self.edges)

    @property
    def state_type(self) -> Any:
        return list[int]

    def zero(self) -> list[int]:
        return [0] * (len(self.edges) + 1)

    def step(self, state: list[int], value: Any, weight: int | float, at_ms: int) -> list[int]:
        state[bisect_right(self.edges, value)] += 1
        return state

    def merge(self, left: list[int], right: list[int]) -> list[int]:
        return [a + b for a, b in zip(left, right, strict=True)]

    def finish(self, state: list[int], now_ms: int) -> list[int] | None:
        return state.copy() if any(state) else None

    def partials(self, row: Row) -> dict[str, exp.Expression]:
        lows = [None, *self.edges]
        highs = [*self.edges, None]
        bins = {
            f"bin_{number}": filtered(sql("COUNT(*)"), _within(row.value, low, high))
            for number, (low, high) in enumerate(zip(lows, highs, strict=True))
        }
        return {"taken": sql("COUNT(*)"), **bins}

    def state_sql(self, columns: Mapping[str, exp.Expression]) -> exp.Expression:
        bins = [columns[f"bin_{number}"] for number in range(len(self.edges) + 1)]
        listed = exp.Array(expressions=[column.copy() for column in bins])
        return sql("CASE WHEN :taken > 0 THEN :bins END", taken=columns["taken"], bins=listed)

    def value_sql(
        self, columns: Mapping[str, exp.Expression], now_ms: exp.Expression
    ) -> exp.Expression:
        return self.state_sql(columns)


def _within(value: exp.Expression, low: float | None, high: float | None) -> exp.Expression | None:
    """Write the condition that a value lies in a bin."""
    return conjunction(
        None if low is None else sql(":value >= :low", value=value, low=double(low)),
        None if high is None else sql(":value < :high", value=value, high=double(high)),
    )
