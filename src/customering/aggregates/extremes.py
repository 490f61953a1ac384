"""Minimum and maximum: the least and the greatest value ever seen."""

# ruff: noqa: D102 - what each method means is said once, by `Aggregate`.

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from customering.aggregates.base import Aggregate, Row
from customering.aggregates.sql import sql


@dataclass(frozen=True)
class Minimum(Aggregate[Any]):
    """Least value; texts compare by code point.

    Notes
    -----
    The state is the value; None is nothing seen.
    """

    @property
    def slot_key(self) -> Hashable:
        return ("min",)

    @property
    def state_type(self) -> Any:
        return Any

    def zero(self) -> Any:
        return None

    def step(self, state: Any, value: Any, weight: int | float, at_ms: int) -> Any:
        return value if state is None or value < state else state

    def merge(self, left: Any, right: Any) -> Any:
        return left if right is None else self.step(left, right, 1, 0)

    def finish(self, state: Any, now_ms: int) -> Any:
        return state

    def partials(self, row: Row) -> dict[str, exp.Expression]:
        return {"least": sql("MIN(:value)", value=row.value)}

    def state_sql(self, columns: Mapping[str, exp.Expression]) -> exp.Expression:
        return columns["least"]

    def value_sql(
        self, columns: Mapping[str, exp.Expression], now_ms: exp.Expression
    ) -> exp.Expression:
        return columns["least"]


@dataclass(frozen=True)
class Maximum(Aggregate[Any]):
    """Greatest value; texts compare by code point.

    Notes
    -----
    The state is the value; None is nothing seen.
    """

    @property
    def slot_key(self) -> Hashable:
        return ("max",)

    @property
    def state_type(self) -> Any:
        return Any

    def zero(self) -> Any:
        return None

    def step(self, state: Any, value: Any, weight: int | float, at_ms: int) -> Any:
        return value if state is None or value > state else state

    def merge(self, left: Any, right: Any) -> Any:
        return left if right is None else self.step(left, right, 1, 0)

    def finish(self, state: Any, now_ms: int) -> Any:
        return state

    def partials(self, row: Row) -> dict[str, exp.Expression]:
        return {"greatest": sql("MAX(:value)", value=row.value)}

    def state_sql(self, columns: Mapping[str, exp.Expression]) -> exp.Expression:
        return columns["greatest"]

    def value_sql(
        self, columns: Mapping[str, exp.Expression], now_ms: exp.Expression
    ) -> exp.Expression:
        return columns["greatest"]
