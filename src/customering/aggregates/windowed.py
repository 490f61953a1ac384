"""Windowed: any aggregate over the last so many days, exact to the day, with one state for all."""

# ruff: noqa: D102 - what each method means is said once, by `Aggregate`.

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from customering.aggregates.base import DAY, Aggregate, Row
from customering.aggregates.checks import check_whole
from customering.aggregates.counts import Count
from customering.aggregates.sql import day_of_sql, json_text, sql
from customering.kernel.clock import MS_PER_DAY
from customering.kernel.errors import InvalidDefinition

# A sender's clock may run ahead of ours over midnight: with a day to spare, an event of tomorrow
# does not push a day out of a window that still needs it.
_SPARE_DAYS = 1


@dataclass(frozen=True)
class Windowed(Aggregate[dict[int, Any]]):
    """Another aggregate over a sliding window of whole days (UTC).

    A window of ``w`` days covers today and the ``w - 1`` days before it.

    Parameters
    ----------
    inner
        What is computed: an aggregate that is not itself about days (no rhythm, decay or window).
    days
        Length of the window, 1 to 3660.

    Notes
    -----
    The state is a map from day to the state of the inner aggregate on that day, of the `days` + 1
    days up to the latest one seen. So windows of 7, 30 and 90 days share one state. The answer is
    exact at every instant from the day before the latest input on; earlier ones may have been
    forgotten.
    """

    inner: Aggregate[Any]
    days: int

    def __post_init__(self) -> None:
        check_whole("window_days", self.days, 1, 3660, "days")
        if self.inner.looks_back:
            raise InvalidDefinition(
                f"{type(self.inner).__name__} cannot be computed within a window",
                hint="Leave out window_days: this aggregate has its own notion of the past.",
                parameter="window_days",
            )

    @property
    def slot_key(self) -> Hashable:
        return ("windowed", self.inner.slot_key, self.inner.reach)

    @property
    def reach(self) -> int:
        return self.days

    @property
    def state_type(self) -> Any:
        return dict[int, self.inner.state_type]  # type: ignore[name-defined]

    def zero(self) -> dict[int, Any]:
        return {}

    def step(
        self, state: dict[int, Any], value: Any, weight: int | float, at_ms: int
    ) -> dict[int, Any]:
        day = at_ms // MS_PER_DAY
        held = state.get(day)
        if held is None:
            if not self._make_room(state, day):
                return state
            held = self.inner.zero()
        state[day] = self.inner.step(held, value, weight, at_ms)
        return state

    def step_many(
        self,
        state: dict[int, Any],
        values: Sequence[Any],
        weights: Sequence[int | float],
        at_ms: int,
    ) -> dict[int, Any]:
        if not values:
            return state
        day = at_ms // MS_PER_DAY
        held = state.get(day)
        if held is None:
            if not self._make_room(state, day):
                return state
            held = self.inner.zero()
        state[day] = self.inner.step_many(held, values, weights, at_ms)
        return state

    def _make_room(self, state: dict[int, Any], day: int) -> bool:
        """Forget what a new day pushes out; False where it is itself too old to be kept."""
        latest = max(state, default=day)
        if day < latest:
            return day >= self._oldest(latest)
        if day - latest < len(state):
            # Nothing older than the oldest day is held, so that only these few days can go.
            for gone in range(self._oldest(latest), self._oldest(day)):
                state.pop(gone, None)
        else:
            self._forget(state, day)
        return True

    def merge(self, left: dict[int, Any], right: dict[int, Any]) -> dict[int, Any]:
        # Merging with nothing gives a copy that shares no list or map with its source.
        nothing = self.inner.zero()
        merged = {
            day: self.inner.merge(left.get(day, nothing), right.get(day, nothing))
            for day in left.keys() | right.keys()
        }
        if merged:
            self._forget(merged, max(merged))
        return merged

    def _oldest(self, latest: int) -> int:
        return latest - self.days + 1 - _SPARE_DAYS

    def _forget(self, state: dict[int, Any], latest: int) -> None:
        """Drop the days that no window up to the longest reaches any more."""
        oldest = self._oldest(latest)
        for day in [day for day in state if day < oldest]:
            del state[day]

    def finish(self, state: dict[int, Any], now_ms: int) -> Any:
        today = now_ms // MS_PER_DAY
        whole = self.inner.zero()
        for day, held in state.items():
            if today - self.days < day <= today:
                whole = self.inner.merge(whole, held)
        return self.inner.finish(whole, now_ms)

    @property
    def looks_back(self) -> bool:
        return True

    @property
    def _is_count(self) -> bool:
        """Whether days are counted: then the state is a histogram, without grouping by day."""
        return isinstance(self.inner, Count)

    @property
    def grain(self) -> tuple[str, ...]:
        return () if self._is_count else (DAY, *self.inner.grain)

    def partials(self, row: Row) -> dict[str, exp.Expression]:
        if self._is_count:
            days, latest = sql("LIST(:day)", day=row.day), sql("MAX(:day)", day=row.day)
            return {"days": days, "latest": latest}
        partials = self.inner.partials(row)
        return partials if self.inner.grain else {"held": self.inner.state_sql(partials)}

    def roll_up(self, columns: Mapping[str, exp.Expression]) -> dict[str, exp.Expression]:
        return {"held": self.inner.state_sql(columns)}

    def state_sql(self, columns: Mapping[str, exp.Expression]) -> exp.Expression:
        past = self.days - 1 + _SPARE_DAYS
        if self._is_count:
            kept = sql(f"LIST_FILTER(:days, LAMBDA d : d >= :latest - {past})", **columns)
            return sql("LIST_AGGREGATE(:kept, 'histogram')", kept=kept)
        # Which days stay is known with the latest one: until then all are kept.
        entry = sql(
            "{'day': :day, 'text': '\"' || :day || '\":' || :held}",
            day=columns["day"],
            held=json_text(columns["held"]),
        )
        return sql(
            "CAST('{' || ARRAY_TO_STRING(LIST_TRANSFORM(LIST_FILTER("
            "LIST(:entry) FILTER (WHERE :held IS NOT NULL), "
            f"LAMBDA e : e.day >= MAX(:day) FILTER (WHERE :held IS NOT NULL) - {past}), "
            "LAMBDA e : e.text), ',') || '}' AS JSON)",
            entry=entry,
            day=columns["day"],
            held=columns["held"],
        )

    @property
    def value_grain(self) -> tuple[str, ...]:
        return self.inner.value_grain

    def value_rows(self, row: Row, now_ms: exp.Expression) -> exp.Expression | None:
        today = day_of_sql(now_ms)
        since = sql(f":today - {self.days - 1}", today=today)
        return sql(":day BETWEEN :since AND :today", day=row.day, since=since, today=today)

    def value_partials(self, row: Row, now_ms: exp.Expression) -> dict[str, exp.Expression]:
        return self.inner.value_partials(row, now_ms)

    def value_sql(
        self, columns: Mapping[str, exp.Expression], now_ms: exp.Expression
    ) -> exp.Expression:
        return self.inner.value_sql(columns, now_ms)
