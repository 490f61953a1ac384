"""Rhythm: on which days a person comes, and at what intervals."""

# ruff: noqa: D102 - what each method means is said once, by `Aggregate`.

from bisect import bisect_left
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from statistics import stdev
from typing import Any, Literal, get_args

from sqlglot import exp

from customering.aggregates.base import Aggregate, Row
from customering.aggregates.checks import check_whole
from customering.aggregates.sql import day_of_sql, sql
from customering.kernel.clock import MS_PER_DAY
from customering.kernel.errors import InvalidDefinition

Statistic = Literal["days", "mean_gap_days", "sd_gap_days", "days_active", "days_since_last"]


@dataclass(frozen=True)
class Rhythm(Aggregate[list[int]]):
    """Days on which something happened, or a number about them.

    Parameters
    ----------
    statistic
        ``days``: the days themselves, ascending, as days since 1970 (UTC).
        ``mean_gap_days``: mean number of days from one active day to the next, from two days on.
        ``sd_gap_days``: sample standard deviation of these gaps, from three days on.
        ``days_active``: number of active days, `last` at most; 0 when nothing was seen.
        ``days_since_last``: whole days from the last active day to the present one.
    last
        How many active days are looked at, 2 to 1000; the latest ones.

    Notes
    -----
    The state is the ascending list of the `last` latest different days, as days since 1970 (UTC).
    """

    statistic: Statistic
    last: int = 64

    def __post_init__(self) -> None:
        check_whole("last", self.last, 2, 1000, "days")
        if self.statistic not in get_args(Statistic):
            raise InvalidDefinition(
                f"{self.statistic!r} is not a statistic of a rhythm",
                hint=f"Choose one of {', '.join(get_args(Statistic))}.",
                parameter="statistic",
            )

    @property
    def slot_key(self) -> Hashable:
        return ("days",)

    @property
    def reach(self) -> int:
        return self.last

    @property
    def state_type(self) -> Any:
        return list[int]

    def zero(self) -> list[int]:
        return []

    def step(self, state: list[int], value: Any, weight: int | float, at_ms: int) -> list[int]:
        return keep_day(state, at_ms // MS_PER_DAY, self.last)

    def merge(self, left: list[int], right: list[int]) -> list[int]:
        return sorted({*left, *right})[-self.last :]

    def finish(self, state: list[int], now_ms: int) -> list[int] | int | float | None:
        days = state[-self.last :]
        number = len(days)
        match self.statistic:
            case "days":
                return days or None
            case "days_active":
                return number
            case "days_since_last":
                return now_ms // MS_PER_DAY - days[-1] if days else None
            case "mean_gap_days":
                return (days[-1] - days[0]) / (number - 1) if number > 1 else None
            case "sd_gap_days":
                return stdev(b - a for a, b in pairwise(days)) if number > 2 else None

    @property
    def looks_back(self) -> bool:
        return True

    def partials(self, row: Row) -> dict[str, exp.Expression]:
        return {"days": sql("LIST_SORT(LIST_DISTINCT(LIST(:day)))", day=row.day)}

    def state_sql(self, columns: Mapping[str, exp.Expression]) -> exp.Expression:
        return sql(f"(:days)[-{self.last}:]", **columns)

    def value_sql(
        self, columns: Mapping[str, exp.Expression], now_ms: exp.Expression
    ) -> exp.Expression:
        days = self.state_sql(columns)
        match self.statistic:
            case "days":
                return days
            case "days_active":
                return sql("LEAST(COALESCE(LEN(:days), 0), :last)", **columns, last=self.last)
            case "days_since_last":
                return sql(":today - (:days)[-1]", **columns, today=day_of_sql(now_ms))
            case "mean_gap_days":
                return sql(
                    "CASE WHEN LEN(:days) > 1 "
                    "THEN ((:days)[-1] - (:days)[1]) / (LEN(:days) - 1) END",
                    days=days,
                )
            case "sd_gap_days":
                return sql(
                    "LIST_AGGREGATE(LIST_TRANSFORM(LIST_ZIP((:days)[:-2], (:days)[2:]), "
                    "LAMBDA gap : gap[2] - gap[1]), 'stddev_samp')",
                    days=days,
                )


def keep_day(days: list[int], day: int, last: int) -> list[int]:
    """Put a day in its place in an ascending list of different days, of which the latest stay."""
    if not days or day > days[-1]:
        days.append(day)
    else:
        place = bisect_left(days, day)
        if days[place] == day:
            return days
        days.insert(place, day)
    if len(days) > last:
        del days[0]
    return days
