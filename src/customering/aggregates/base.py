"""The contract of a mergeable aggregate: a commutative monoid with a Python and an SQL form."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from typing import Any, ClassVar, Generic, TypeVar

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
        Whole UTC day of the event, days since 1970.
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
       strings equal, floats to 1e-9 relative).

    A state is what msgspec writes as JSON and reads back as `state_type` unchanged. States hold no
    reference to each other.

    **SQL form.** The caller groups rows by person and by the extra keys in `grain`, evaluates
    `partials` once per group, and then groups these rows by person, where `state_sql` and
    `value_sql` are evaluated over the partial columns. When `grain` is empty there is one partial
    row a person and no second grouping: `state_sql` and `value_sql` are then scalar expressions.
    Grain ``(DAY,)`` adds one row a day, ``(KEY,)`` one row a distinct value, ``(DAY, KEY)`` both;
    the key columns are then among the columns handed to `state_sql` under the names ``day`` and
    ``key``.
    """

    grain: ClassVar[tuple[str, ...]] = ()

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

    @abstractmethod
    def merge(self, left: S, right: S) -> S:
        """Join two states into a new one; neither input is changed."""

    @abstractmethod
    def finish(self, state: S, now_ms: int) -> Any:
        """Give the value a person reads, as it stands at an instant; None when there is none."""

    @abstractmethod
    def partials(self, row: Row) -> dict[str, exp.Expression]:
        """Give the named SQL aggregates to compute for each group at the `grain`."""

    @abstractmethod
    def state_sql(self, columns: Mapping[str, exp.Expression]) -> exp.Expression:
        """Give the SQL whose ``to_json`` is the JSON of the state; NULL for a person never seen."""

    @abstractmethod
    def value_sql(
        self, columns: Mapping[str, exp.Expression], now_ms: exp.Expression
    ) -> exp.Expression:
        """Give the SQL of `finish` at an instant; NULL where `finish` gives None."""
