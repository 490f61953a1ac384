"""The contract of a mergeable aggregate: a commutative monoid with a Python and an SQL form."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from sqlglot import exp

S = TypeVar("S")

DAY = "day"
KEY = "key"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One input row as SQL sees it: expressions over the columns of the history.

    Parameters
    ----------
    value
        What is aggregated; NULL rows are left out by the caller.
    weight
        The amount that belongs to the value, for aggregates by sum; the literal 1 where none is.
    at_ms
        Instant of the event, milliseconds since 1970.
    day
        Whole UTC day of the event, days since 1970: ``at_ms // 86400000``.
    """

    value: exp.Expression
    weight: exp.Expression
    at_ms: exp.Expression
    day: exp.Expression


class Aggregate(ABC, Generic[S]):
    """A sum that merges: the same answer live, in batch, split by person and put together again.

    The laws, for all states ``a, b, c`` and any sequence of inputs (held by ``tests/laws``):

    1. ``merge`` is associative and commutative, and ``zero()`` is neutral.
    2. ``step(a, ...)`` equals ``merge(a, step(zero(), ...))``: the order of arrival is irrelevant.
    3. The state that the SQL form computes equals the state that stepping computes (integers and
       strings equal, floats to 1e-9 relative), and so do the finished values at any instant from
       the day before the latest input on.
    4. Aggregates with equal `slot_key` may share the state that the one of the largest `reach`
       steps and merges: each finishes it to the value it would give on a state of its own.

    A state is what msgspec writes as JSON and reads back as `state_type` unchanged. States hold no
    reference to each other. The values of one aggregate are of one type (numbers, or texts, or
    truth values): the caller converts them, and leaves out what is missing.

    **SQL form.** The caller groups the rows by person and by the extra keys in `grain`, evaluates
    `partials` once per group, and then groups these by person, where `state_sql` is evaluated over
    the partial columns. When `grain` is empty there is one partial row a person and no second
    grouping, which costs least: `state_sql` is then a scalar expression. Grain
    ``(DAY,)`` adds one row a day and ``(KEY,)`` one row a distinct value (as text); the key columns
    are then among the columns handed to `state_sql` under the names ``day`` and ``key``. With
    ``(DAY, KEY)`` the rows of a day are joined by `roll_up` before `state_sql` joins the days.
    A group may exist of which no row was taken: its partials are NULL or zero, and do not count.

    A finished value at a known instant often takes less than the state. It has its own form, of
    the same shape: `value_rows`, `value_grain`, `value_partials` and `value_sql`.
    """

    @property
    @abstractmethod
    def slot_key(self) -> Hashable:
        """What the state depends on: aggregates over one source with equal keys share a state."""

    @property
    def reach(self) -> int:
        """How much is kept (days of a window, length of a list); the largest one serves all."""
        return 0

    @property
    @abstractmethod
    def state_type(self) -> Any:
        """The type msgspec decodes a state's JSON into."""

    @abstractmethod
    def zero(self) -> S:
        """Give the state of nothing seen."""

    @abstractmethod
    def step(self, state: S, value: Any, weight: int | float, at_ms: int) -> S:
        """Take one input into a state; the given state may be changed and returned."""

    def step_many(
        self, state: S, values: Sequence[Any], weights: Sequence[int | float], at_ms: int
    ) -> S:
        """Take several inputs of one instant into a state: the same as stepping one by one.

        Aggregates over product lines do it in one loop of their own, without a call a line.
        """
        for value, weight in zip(values, weights, strict=True):
            state = self.step(state, value, weight, at_ms)
        return state

    @abstractmethod
    def merge(self, left: S, right: S) -> S:
        """Join two states into a new one; neither input is changed."""

    @abstractmethod
    def finish(self, state: S, now_ms: int) -> Any:
        """Give the value a person reads, as it stands at an instant; None when there is none."""

    @property
    def grain(self) -> tuple[str, ...]:
        """What the state is grouped by besides the person: (), (DAY,), (KEY,) or (DAY, KEY)."""
        return ()

    @property
    def looks_back(self) -> bool:
        """Whether it has its own notion of the past, and so cannot be put into a window."""
        return False

    @abstractmethod
    def partials(self, row: Row) -> dict[str, exp.Expression]:
        """Give the named SQL aggregates to compute for each group at the `grain`."""

    def roll_up(self, columns: Mapping[str, exp.Expression]) -> dict[str, exp.Expression]:
        """Give the partial columns of a day, aggregated over its keys; for grain (DAY, KEY)."""
        raise AssertionError(f"{type(self).__name__} is not of grain (DAY, KEY)")

    @abstractmethod
    def state_sql(self, columns: Mapping[str, exp.Expression]) -> exp.Expression:
        """Give the SQL whose ``to_json`` is the JSON of the state; NULL for a person never seen."""

    @property
    def value_grain(self) -> tuple[str, ...]:
        """What the value at an instant is grouped by besides the person: (), (DAY,) or (KEY,)."""
        return self.grain

    def value_rows(self, row: Row, now_ms: exp.Expression) -> exp.Expression | None:
        """Give the condition on the rows the value at an instant depends on; None for all."""
        return None

    def value_partials(self, row: Row, now_ms: exp.Expression) -> dict[str, exp.Expression]:
        """Give the named SQL aggregates to compute for each group at the `value_grain`."""
        return self.partials(row)

    @abstractmethod
    def value_sql(
        self, columns: Mapping[str, exp.Expression], now_ms: exp.Expression
    ) -> exp.Expression:
        """Give the SQL of `finish` at an instant; NULL where `finish` gives None."""
