"""A table of candidates: what depends on no person, as columns, read once and shared by all."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from customering.decision.eligibility import condition_of, supply_loss
from customering.decision.explore import hash_of
from customering.decision.losses import CODE_OF, Codes
from customering.decision.model import (
    LEAVE_ALONE,
    NEW_TO_PERSON,
    Action,
    ActionKind,
    FoundBy,
)
from customering.decision.settings import ArbitrationSettings
from customering.kernel.expressions import Expression

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
T = TypeVar("T")
Asked = tuple[str, str, ActionKind]
"""What permission depends on: purpose, channel and kind of an action."""

Where = tuple[str, str, bool]
"""A placement, a channel, and whether only what everybody gets comes into question there."""

_WAYS: dict[str, int] = {how: at for at, how in enumerate(get_args(FoundBy))}
_SAID_BY_FEW = frozenset({"applicability", "suitability", "spacing_hours"})
_PACKED_FROM = 200
_ALWAYS = 1 << 62  # an instant later than any


class Same(Sequence[T], Generic[T]):
    """A column in which every entry is the same."""

    __slots__ = ("_length", "value")

    def __init__(self, value: T, length: int) -> None:
        self.value = value
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, at: Any) -> Any:
        if not -self._length <= at < self._length:
            raise IndexError(at)
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What is said of each candidate; one entry a candidate in each, as in `Action`.

    The last ones are empty where no candidate says any such thing.
    """

    action_id: Sequence[str]
    title: Sequence[str]
    kind: Sequence[ActionKind]
    purpose: Sequence[str]
    channel: Sequence[str]
    group: Sequence[str]
    found_by: Sequence[FoundBy]
    value_minor: Sequence[int]
    lever: Sequence[float]
    base_propensity: Sequence[float]
    eligibility: Sequence[str]
    valid_from: Sequence[int | None]
    valid_until: Sequence[int | None]
    cooldown_days: Sequence[int]
    applicability: Sequence[str] = ()
    suitability: Sequence[str] = ()
    spacing_hours: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the rules ask of the candidates of a table, each distinct question once.

    Parameters
    ----------
    asked, asked_of
        The distinct questions of permission, and which one each candidate asks.
    repeated
        Those whose id came before, or that leave the person alone; None when there are none.
    placements, channels
        Where each belongs; None when all belong everywhere.
    named
        Every placement and every channel that one of them names.
    valid_from, valid_until
        When each begins and ends, milliseconds since 1970; None when none has dates.
    begun, ends
        All have begun at the first instant; none has ended before the second.
    limited
        Place of each candidate with a stock or a budget, by id.
    unsupplied
        Codes of those for which there is no supply even before the first is taken.
    conditions, condition_of, applies, suits
        The distinct conditions, and which one each candidate has as its eligibility, applicability
        and suitability, from 1; 0 is none.
    spaced
        Place and group of each candidate that keeps a distance to others of its group.
    held_out
        Place and holdout share of each candidate that some people never get.
    excludes
        By place, the ids that must not be chosen together with it.
    """

    asked: tuple[Asked, ...]
    asked_of: NDArray[np.intp]
    repeated: Bools | None = None
    placements: Sequence[tuple[str, ...]] | None = None
    channels: Sequence[str] | None = None
    named: frozenset[str] = frozenset()
    valid_from: Ints | None = None
    valid_until: Ints | None = None
    begun: int = 0
    ends: int = _ALWAYS
    limited: Mapping[str, int] = field(default_factory=dict)
    unsupplied: Codes | None = None
    conditions: tuple[Expression, ...] = ()
    condition_of: NDArray[np.intp] | None = None
    applies: NDArray[np.intp] | None = None
    suits: NDArray[np.intp] | None = None
    spaced: Mapping[int, str] = field(default_factory=dict)
    held_out: Mapping[int, float] = field(default_factory=dict)
    excludes: Mapping[int, frozenset[str]] = field(default_factory=dict)


class Table:
    """Candidates and what is known of them before anybody asks.

    Parameters
    ----------
    columns
        What is said of each.
    rules
        What the rules ask of each.
    actions
        The actions themselves, whose contents are told when one is chosen; none for products.
    """

    def __init__(self, columns: Columns, rules: Rules, actions: Sequence[Action] = ()) -> None:
        self.columns = columns
        self.rules = rules
        self.actions = actions
        self.count = len(columns.action_id)
        self.learned: Any = None
        """Where a learner keeps what it looked up for this table, and what it depends on."""
        self.sifted: dict[Hashable, Codes] = {}
        """What became of all, by what was answered of one person; for others of the same answers.
        Not to be changed."""
        self._fixed: dict[Where, Codes] = {}
        self._scales: dict[ArbitrationSettings, Floats] = {}

    def __len__(self) -> int:
        return self.count

    @cached_property
    def values(self) -> Floats:
        """Margin of each when the person accepts. Minor units."""
        return np.array(self.columns.value_minor, dtype=np.float64)

    @cached_property
    def levers(self) -> Floats:
        """The operator's weight of each."""
        return _numbers(self.columns.lever)

    @cached_property
    def base(self) -> Floats:
        """Chance of each that anybody accepts."""
        return _numbers(self.columns.base_propensity)

    @cached_property
    def discoveries(self) -> Bools:
        """Which are new to the person."""
        found_by = self.columns.found_by
        if isinstance(found_by, Same):
            return np.full(len(self), found_by.value in NEW_TO_PERSON)
        return np.array([how in NEW_TO_PERSON for how in found_by], dtype=np.bool_)

    @cached_property
    def has_discoveries(self) -> bool:
        """Whether any is new to the person."""
        return bool(self.discoveries.any())

    @cached_property
    def ways(self) -> NDArray[np.intp]:
        """How each came up, as its place among the `FoundBy`."""
        found_by = self.columns.found_by
        if isinstance(found_by, Same):
            return np.full(len(self), _WAYS[found_by.value])
        return np.array([_WAYS[how] for how in found_by], dtype=np.intp)

    def scales(self, factors: ArbitrationSettings) -> Floats:
        """Give what the chance of each is multiplied with, for anybody. Minor units."""
        found = self._scales.get(factors)
        if found is None:
            found = np.ones(len(self))
            if factors.use_value:
                found = found * self.values
            if factors.use_lever:
                found = found * self.levers
            self._scales[factors] = found
        return found

    @cached_property
    def sorted_ids(self) -> list[str]:
        """The ids in order."""
        return sorted(self.columns.action_id)

    @cached_property
    def by_id(self) -> NDArray[np.intp]:
        """The rows in the order of their ids."""
        return order_of(self.columns.action_id)

    @cached_property
    def hashes(self) -> NDArray[np.uint64]:
        """A number of 64 bits for each id, from which chance is drawn."""
        return np.array([hash_of(one) for one in self.columns.action_id], dtype=np.uint64)

    @cached_property
    def places(self) -> dict[str, int]:
        """The place of each id; the first one where an id is repeated."""
        ids = self.columns.action_id
        return dict(zip(reversed(ids), range(len(ids) - 1, -1, -1), strict=True))

    @cached_property
    def written(self) -> msgspec.Raw:
        """The columns as the log keeps them."""
        columns = {
            name: _packed(column)
            for name in Columns.__dataclass_fields__
            if (column := getattr(self.columns, name)) or name not in _SAID_BY_FEW
        }
        return msgspec.Raw(msgspec.json.encode({"count": len(self), **columns}))

    def where(self, placement: str, channel: str, *, is_common: bool) -> Where:
        """Name a place as far as it matters here, and whether only what everybody gets does.

        Texts from outside must not fill the memory: all unknown places are one.
        """
        named = self.rules.named
        known = placement if placement in named else "", channel if channel in named else ""
        return *known, is_common

    def fixed(self, where: Where) -> Codes:
        """Give the codes of those that come into question for nobody there; not to be changed."""
        found = self._fixed.get(where)
        if found is None:
            found = self._fixed[where] = self._fix(*where)
            found.setflags(write=False)
        return found

    def _fix(self, placement: str, channel: str, is_common: bool) -> Codes:
        rules = self.rules
        codes: Codes = np.zeros(len(self), dtype=np.uint8)
        if rules.channels is not None:
            there = [one in ("", channel) for one in rules.channels]
            codes[~np.array(there, dtype=np.bool_)] = CODE_OF["channel"]
        if rules.placements is not None:
            there = [not places or placement in places for places in rules.placements]
            codes[~np.array(there, dtype=np.bool_)] = CODE_OF["placement"]
        if is_common:
            codes[self.base == 0.0] = CODE_OF["personal_only"]
        if rules.repeated is not None:
            codes[rules.repeated] = CODE_OF["duplicate"]
        return codes


def table_of(
    actions: Sequence[Action],
    *,
    values_minor: Sequence[int] | None = None,
    found_by: Sequence[FoundBy] | None = None,
) -> Table:
    """Read actions into a table.

    Parameters
    ----------
    values_minor
        Margin of each; None for that of the action.
    found_by
        How each came up; None where all are from the catalogue.
    """
    columns = Columns(
        action_id=[action.action_id for action in actions],
        title=[action.title for action in actions],
        kind=[action.kind for action in actions],
        purpose=[action.purpose for action in actions],
        channel=[action.channel for action in actions],
        group=[action.group for action in actions],
        found_by=Same("catalogue", len(actions)) if found_by is None else found_by,
        value_minor=(
            [action.value_minor for action in actions] if values_minor is None else values_minor
        ),
        lever=[action.lever for action in actions],
        base_propensity=[action.base_propensity for action in actions],
        eligibility=[action.eligibility for action in actions],
        valid_from=[action.valid_from for action in actions],
        valid_until=[action.valid_until for action in actions],
        cooldown_days=[action.cooldown_days for action in actions],
        applicability=_said([action.applicability for action in actions]),
        suitability=_said([action.suitability for action in actions]),
        spacing_hours=_said([action.spacing_hours for action in actions]),
    )
    return Table(columns, _rules_of(actions, columns), actions)


def table_of_products(columns: Columns, purpose: str) -> Table:
    """Give the table of products to show: they ask one permission, and no rule is about them."""
    asked: Asked = (purpose, "", "show_item")
    count = len(columns.action_id)
    return Table(columns, Rules(asked=(asked,), asked_of=np.zeros(count, dtype=np.intp)))


def _rules_of(actions: Sequence[Action], columns: Columns) -> Rules:
    repeated = _repeated(actions)
    asks = list(zip(columns.purpose, columns.channel, columns.kind, strict=True))
    # What is repeated asks nothing of its own: another place is filled with any question.
    others = [one for one, is_repeated in zip(asks, repeated, strict=True) if not is_repeated]
    asks = [
        others[0] if is_repeated and others else one
        for one, is_repeated in zip(asks, repeated, strict=True)
    ]
    asked, asked_of = _distinct(asks) if others else ([], np.zeros(len(asks), dtype=np.intp))
    count = len(actions)
    conditions = [columns.eligibility, columns.applicability, columns.suitability]
    texts, condition_of_each = _distinct(
        ["", *(text for column in conditions for text in column or Same("", count))]
    )
    eligible, applies, suits = (
        each if each.any() else None for each in condition_of_each[1:].reshape(3, count)
    )
    begins = [action.valid_from or 0 for action in actions]
    ends = [_ALWAYS if end is None else end for end in columns.valid_until]
    is_dated = any(begins) or any(end != _ALWAYS for end in ends)
    limited = {
        action.action_id: row
        for row, action in enumerate(actions)
        if not repeated[row] and (action.stock is not None or action.budget_minor is not None)
    }
    unsupplied: Codes = np.zeros(len(actions), dtype=np.uint8)
    for row in limited.values():
        loss = supply_loss(actions[row], 0)
        unsupplied[row] = 0 if loss is None else CODE_OF[loss]
    return Rules(
        asked=tuple(asked),
        asked_of=asked_of,
        repeated=repeated if repeated.any() else None,
        placements=(
            [action.placements for action in actions]
            if any(action.placements for action in actions)
            else None
        ),
        channels=columns.channel if any(columns.channel) else None,
        named=frozenset(columns.channel).union(*(action.placements for action in actions)),
        valid_from=np.array(begins, dtype=np.int64) if is_dated else None,
        valid_until=np.array(ends, dtype=np.int64) if is_dated else None,
        begun=max(begins, default=0),
        ends=min(ends, default=_ALWAYS),
        limited=limited,
        unsupplied=unsupplied if unsupplied.any() else None,
        conditions=tuple(condition_of(text) for text in texts if text),
        condition_of=eligible,
        applies=applies,
        suits=suits,
        spaced={
            row: action.group
            for row, action in enumerate(actions)
            if action.spacing_hours and action.group and not repeated[row]
        },
        held_out={
            row: action.holdout_share
            for row, action in enumerate(actions)
            if action.holdout_share and not repeated[row]
        },
        excludes={
            row: frozenset(action.excludes) for row, action in enumerate(actions) if action.excludes
        },
    )


def order_of(ids: Sequence[str]) -> NDArray[np.intp]:
    """Give the places of ids in their order; the first one before others that are equal."""
    return np.array(sorted(range(len(ids)), key=ids.__getitem__), dtype=np.intp)


def _said(column: Sequence[T]) -> Sequence[T]:
    """Give a column in which something is said; an empty one otherwise."""
    return column if any(column) else ()


def _repeated(actions: Sequence[Action]) -> Bools:
    seen = {LEAVE_ALONE}
    repeated = np.zeros(len(actions), dtype=np.bool_)
    for row, action in enumerate(actions):
        repeated[row] = action.action_id in seen or action.kind == LEAVE_ALONE
        seen.add(action.action_id)
    return repeated


def _distinct(values: Sequence[T]) -> tuple[list[T], NDArray[np.intp]]:
    """Give the different values in order of appearance, and which one each entry is."""
    places: dict[T, int] = {}
    each = [places.setdefault(value, len(places)) for value in values]
    return list(places), np.array(each, dtype=np.intp)


def _numbers(column: Sequence[float]) -> Floats:
    if isinstance(column, Same):
        return np.full(len(column), column.value, dtype=np.float64)
    return np.array(column, dtype=np.float64)


def _packed(column: Sequence[Any]) -> Any:
    """Write a column: one value for all, each different value once, or one by one."""
    if isinstance(column, Same):
        return {"all": column.value}
    if len(column) < _PACKED_FROM:  # as those of one person, which are written each time
        return column
    values, each = _distinct(column)
    if len(values) == 1:
        return {"all": values[0]}
    if len(values) * 2 < len(column):
        return {"of": values, "at": each.tolist()}
    return column


def unpacked(written: Any, count: int) -> Sequence[Any]:
    """Read a column that a table wrote.

    Raises
    ------
    LookupError, TypeError
        When it is none.
    """
    if isinstance(written, dict):
        if "all" in written:
            return Same(written["all"], count)
        return [written["of"][at] for at in written["at"]]
    return list(written)
