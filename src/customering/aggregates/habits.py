"""Habits: on which days a person took each thing, the memory of repeat purchase."""

# ruff: noqa: D102 - what each method means is said once, by `Aggregate`.

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from customering.aggregates.base import KEY, Aggregate, Row
from customering.aggregates.checks import check_whole, key_text
from customering.aggregates.rhythm import keep_day
from customering.aggregates.sql import json_object, sql
from customering.kernel.clock import MS_PER_DAY


@dataclass(frozen=True)
class Habits(Aggregate[dict[str, list[int]]]):
    """Map from each key to the ascending list of the latest different days on which it occurred.

    Parameters
    ----------
    last_days
        How many days are kept of each key, 1 to 1000.

    Notes
    -----
    The state is the value: a map from key to days since 1970 (UTC). It grows with the number of
    different keys of one person. Finished in SQL it is a column of JSON.
    """

    last_days: int = 64

    def __post_init__(self) -> None:
        check_whole("last_days", self.last_days, 1, 1000, "days")

    @property
    def slot_key(self) -> Hashable:
        return ("habits",)

    @property
    def reach(self) -> int:
        return self.last_days

    @property
    def state_type(self) -> Any:
        return dict[str, list[int]]

    def zero(self) -> dict[str, list[int]]:
        return {}

    def step(
        self, state: dict[str, list[int]], value: Any, weight: int | float, at_ms: int
    ) -> dict[str, list[int]]:
        key = value if type(value) is str else key_text(value)
        day = at_ms // MS_PER_DAY
        days = state.get(key)
        if days is None:
            state[key] = [day]
        else:
            keep_day(days, day, self.last_days)
        return state

    def step_many(
        self,
        state: dict[str, list[int]],
        values: Sequence[Any],
        weights: Sequence[int | float],
        at_ms: int,
    ) -> dict[str, list[int]]:
        day, last, get = at_ms // MS_PER_DAY, self.last_days, state.get
        for value in values:
            key = value if type(value) is str else key_text(value)
            days = get(key)
            if days is None:
                state[key] = [day]
            elif days[-1] != day:
                keep_day(days, day, last)
        return state

    def merge(
        self, left: dict[str, list[int]], right: dict[str, list[int]]
    ) -> dict[str, list[int]]:
        return {
            key: sorted({*left.get(key, ()), *right.get(key, ())})[-self.last_days :]
            for key in left.keys() | right.keys()
        }

    def finish(self, state: dict[str, list[int]], now_ms: int) -> dict[str, list[int]] | None:
        return {key: days[-self.last_days :] for key, days in state.items()} or None

    @property
    def grain(self) -> tuple[str, ...]:
        return (KEY,)

    def partials(self, row: Row) -> dict[str, exp.Expression]:
        days = sql(f"LIST_SORT(LIST(DISTINCT :day))[-{self.last_days}:]", day=row.day)
        return {"days": days}

    def state_sql(self, columns: Mapping[str, exp.Expression]) -> exp.Expression:
        days = columns["days"]
        return json_object(columns["key"], days, taken=sql(":days IS NOT NULL", days=days))

    def value_sql(
        self, columns: Mapping[str, exp.Expression], now_ms: exp.Expression
    ) -> exp.Expression:
        return self.state_sql(columns)
