"""Days: the days on which something happened, themselves; it shares the state of a rhythm."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from customering.aggregates.base import Aggregate, Row
from customering.aggregates.rhythm import Rhythm, keep_day
from customering.kernel.clock import MS_PER_DAY


@dataclass(frozen=True)
class Days(Aggregate[list[int]]):
    """The latest different days, ascending, as days since 1970 (UTC).

    Parameters
    ----------
    last
        How many days, 2 to 1000.

    Notes
    -----
    The state is that of `Rhythm`: the ascending list of the days.
    """

    last: int = 64

    @property
    def _rhythm(self) -> Rhythm:
        return Rhythm("days_active", self.last)

    @property
    def slot_key(self) -> Hashable:
        """What the state depends on: the same as for a rhythm."""
        return self._rhythm.slot_key

    @property
    def reach(self) -> int:
        """The number of days kept."""
        return self.last

    @property
    def state_type(self) -> Any:
        """The type of a state: a list of days."""
        return list[int]

    def zero(self) -> list[int]:
        """Give no days."""
        return []

    def step(self, state: list[int], value: Any, weight: int | float, at_ms: int) -> list[int]:
        """Take the day of an input."""
        return keep_day(state, at_ms // MS_PER_DAY, self.last)

    def merge(self, left: list[int], right: list[int]) -> list[int]:
        """Join the days of both."""
        return self._rhythm.merge(left, right)

    def finish(self, state: list[int], now_ms: int) -> list[int] | None:
        """Give the latest days; None without any."""
        return state[-self.last :] or None

    @property
    def grain(self) -> tuple[str, ...]:
        """One partial row a day."""
        return self._rhythm.grain

    def partials(self, row: Row) -> dict[str, exp.Expression]:
        """Give what a rhythm counts."""
        return self._rhythm.partials(row)

    def state_sql(self, columns: Mapping[str, exp.Expression]) -> exp.Expression:
        """Give the ascending list of days."""
        return self._rhythm.state_sql(columns)

    def value_sql(
        self, columns: Mapping[str, exp.Expression], now_ms: exp.Expression
    ) -> exp.Expression:
        """Give the ascending list of days."""
        return self._rhythm.state_sql(columns)
