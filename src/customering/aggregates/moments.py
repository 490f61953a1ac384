"""Mean, variance and standard deviation, in the form that merges without losing digits."""

# ruff: noqa: D102 - what each method means is said once, by `Aggregate`.

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

from sqlglot import exp

from customering.aggregates.base import Aggregate, Row
from customering.aggregates.sql import sql


@dataclass(frozen=True)
class Mean(Aggregate[list[Any]]):
    """Arithmetic mean of the values.

    Notes
    -----
    The state is ``[number, total]``; the total of whole numbers stays whole, and so exact.
    """

    @property
    def slot_key(self) -> Hashable:
        return ("mean",)

    @property
    def state_type(self) -> Any:
        return list[int | float]

    def zero(self) -> list[Any]:
        return [0, 0]

    def step(self, state: list[Any], value: Any, weight: int | float, at_ms: int) -> list[Any]:
        state[0] += 1
        state[1] += value
        return state

    def merge(self, left: list[Any], right: list[Any]) -> list[Any]:
        return [left[0] + right[0], left[1] + right[1]]

    def finish(self, state: list[Any], now_ms: int) -> float | None:
        number, total = state
        return total / number if number else None

    def partials(self, row: Row) -> dict[str, exp.Expression]:
        return {"number": sql("COUNT(*)"), "total": sql("SUM(:value)", value=row.value)}

    def state_sql(self, columns: Mapping[str, exp.Expression]) -> exp.Expression:
        return sql("CASE WHEN :number > 0 THEN ROW(:number, :total) END", **columns)

    def value_sql(
        self, columns: Mapping[str, exp.Expression], now_ms: exp.Expression
    ) -> exp.Expression:
        return sql("CASE WHEN :number > 0 THEN :total / :number END", **columns)


@dataclass(frozen=True)
class Variance(Aggregate[list[Any]]):
    """Sample variance of the values: squared deviations from the mean over ``number - 1``.

    Notes
    -----
    The state is ``[number, mean, squares]``, squares being the sum of squared deviations from the
    mean. Fewer than two values have no variance. Values whose spread is below a millionth of their
    size lose digits in any double arithmetic.

    References
    ----------
    Chan, Golub, LeVeque. "Updating Formulae and a Pairwise Algorithm for Computing Sample
    Variances". Stanford STAN-CS-79-773, 1979, equation 2.1; `step` is the case of one value, due to
    Welford (1962).
    """

    @property
    def slot_key(self) -> Hashable:
        return ("moments",)

    @property
    def state_type(self) -> Any:
        return list[int | float]

    def zero(self) -> list[Any]:
        return [0, 0.0, 0.0]

    def step(self, state: list[Any], value: Any, weight: int | float, at_ms: int) -> list[Any]:
        state[0] += 1
        deviation = value - state[1]
        state[1] += deviation / state[0]
        state[2] += deviation * (value - state[1])
        return state

    def merge(self, left: list[Any], right: list[Any]) -> list[Any]:
        number = left[0] + right[0]
        if number == 0:
            return self.zero()
        distance = right[1] - left[1]
        mean = left[1] + distance * (right[0] / number)
        squares = left[2] + right[2] + distance * distance * (left[0] * right[0] / number)
        return [number, mean, squares]

    def finish(self, state: list[Any], now_ms: int) -> float | None:
        return state[2] / (state[0] - 1) if state[0] > 1 else None

    def partials(self, row: Row) -> dict[str, exp.Expression]:
        return {
            "number": sql("COUNT(*)"),
            "mean": sql("AVG(:value)", value=row.value),
            "spread": sql("VAR_POP(:value)", value=row.value),
        }

    def state_sql(self, columns: Mapping[str, exp.Expression]) -> exp.Expression:
        return sql(
            "CASE WHEN :number > 0 THEN ROW(:number, :mean, :spread * :number) END", **columns
        )

    def value_partials(self, row: Row, now_ms: exp.Expression) -> dict[str, exp.Expression]:
        return {"variance": sql("VARIANCE(:value)", value=row.value)}

    def value_sql(
        self, columns: Mapping[str, exp.Expression], now_ms: exp.Expression
    ) -> exp.Expression:
        return columns["variance"]


@dataclass(frozen=True)
class StandardDeviation(Variance):
    """Root of the sample variance, in the unit of the values; it shares the state of `Variance`."""

    def finish(self, state: list[Any], now_ms: int) -> float | None:
        variance = super().finish(state, now_ms)
        return None if variance is None else sqrt(variance)

    def value_sql(
        self, columns: Mapping[str, exp.Expression], now_ms: exp.Expression
    ) -> exp.Expression:
        return sql("SQRT(:variance)", variance=super().value_sql(columns, now_ms))
