"""Decayed: a count or a total in which the past fades."""

# ruff: noqa: D102 - what each method means is said once, by `Aggregate`.

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from customering.aggregates.base import Aggregate, Row
from customering.aggregates.checks import check_range
from customering.aggregates.sql import double, sql
from customering.kernel.clock import MS_PER_DAY

# Powers of two beyond this leave the range of a double.
_LARGEST_POWER = 1000


@dataclass(frozen=True)
class Decayed(Aggregate[list[Any] | None]):
    """Sum in which an input counts half after each half-life.

    Parameters
    ----------
    half_life_days
        Days until an input counts half, 0.01 to 36500.
    counting
        Whether each input adds 1 instead of its value.

    Notes
    -----
    The state is ``[total, at_ms]``: the total as it stood at the instant of the latest input; None
    is nothing seen. Two states are brought to the later of their two instants and added. A value
    asked for at an instant before the latest input is the total as it stood at that input; SQL
    agrees for inputs up to 1000 half-lives in the future.

    References
    ----------
    Cormode, Shkapenyuk, Srivastava, Xu. "Forward Decay: A Practical Time Decay Model for Streaming
    Systems". ICDE 2009. Exponential decay is the one decay that is both backward and forward; we
    measure age from the latest input and not from a landmark, so that no weight overflows and two
    states merge without sharing one.

    Examples
    --------
    >>> visits = Decayed(half_life_days=7, counting=True)
    >>> a_week = 7 * 86_400_000
    >>> visits.finish(visits.step(visits.step(None, "", 1, 0), "", 1, a_week), now_ms=a_week)
    1.5
    """

    half_life_days: float
    counting: bool = False

    def __post_init__(self) -> None:
        check_range("half_life_days", self.half_life_days, 0.01, 36_500, "days")

    @property
    def slot_key(self) -> Hashable:
        return ("decayed", float(self.half_life_days), self.counting)

    @property
    def half_life_ms(self) -> float:
        """The half-life in milliseconds."""
        return self.half_life_days * MS_PER_DAY

    @property
    def state_type(self) -> Any:
        return list[int | float] | None

    def zero(self) -> list[Any] | None:
        return None

    def step(
        self, state: list[Any] | None, value: Any, weight: int | float, at_ms: int
    ) -> list[Any]:
        amount = 1.0 if self.counting else float(value)
        if state is None:
            return [amount, at_ms]
        passed_ms = at_ms - state[1]
        if passed_ms > 0:
            state[0] = state[0] * 0.5 ** (passed_ms / self.half_life_ms) + amount
            state[1] = at_ms
        else:
            state[0] += amount * 0.5 ** (-passed_ms / self.half_life_ms)
        return state

    def merge(self, left: list[Any] | None, right: list[Any] | None) -> list[Any] | None:
        if left is None or right is None:
            given = left or right
            return None if given is None else given.copy()
        earlier, later = (left, right) if left[1] <= right[1] else (right, left)
        faded = earlier[0] * 0.5 ** ((later[1] - earlier[1]) / self.half_life_ms)
        return [later[0] + faded, later[1]]

    def finish(self, state: list[Any] | None, now_ms: int) -> float | None:
        if state is None:
            return None
        return float(state[0] * 0.5 ** (max(0, now_ms - state[1]) / self.half_life_ms))

    @property
    def looks_back(self) -> bool:
        return True

    def partials(self, row: Row) -> dict[str, exp.Expression]:
        # Only with the latest instant known can a row be weighed: until then all are kept.
        amount = double(1) if self.counting else row.value
        entries = sql("LIST({'at': :at, 'amount': :amount})", at=row.at_ms, amount=amount)
        return {"entries": entries, "at": sql("MAX(:at)", at=row.at_ms)}

    def state_sql(self, columns: Mapping[str, exp.Expression]) -> exp.Expression:
        return sql(
            "CASE WHEN :at IS NOT NULL THEN ROW(LIST_SUM(LIST_TRANSFORM(:entries, LAMBDA e : "
            "e.amount * POWER(0.5, (:at - e.at) / :half_life))), :at) END",
            **columns,
            half_life=double(self.half_life_ms),
        )

    def value_partials(self, row: Row, now_ms: exp.Expression) -> dict[str, exp.Expression]:
        total = sql(
            "SUM(:amount * POWER(0.5, GREATEST((:now - :at) / :half_life, :least)))",
            amount=double(1) if self.counting else row.value,
            now=now_ms,
            at=row.at_ms,
            half_life=double(self.half_life_ms),
            least=double(-_LARGEST_POWER),
        )
        return {"total": total, "at": sql("MAX(:at)", at=row.at_ms)}

    def value_sql(
        self, columns: Mapping[str, exp.Expression], now_ms: exp.Expression
    ) -> exp.Expression:
        return sql(
            "CASE WHEN :at > :now THEN :total * POWER(0.5, (:at - :now) / :half_life) "
            "ELSE :total END",
            **columns,
            now=now_ms,
            half_life=double(self.half_life_ms),
        )
