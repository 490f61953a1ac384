"""Trait values that are computed when they are asked for: a decision asks for a few of them."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from customering.aggregates.rhythm import Rhythm
from customering.consent import ledger
from customering.consent.model import ConsentRecord
from customering.profile import declared
from customering.profile.model import State
from customering.profile.traits import CONSENT, DECLARED, FIRST_SUM, Trait, TraitSet, plain

_UNREAD: Any = object()


class _Reading(NamedTuple):
    """How one trait is read: its slot, the bit of its purpose, and what finishes its state."""

    slot: int
    bit: int
    finish: Callable[[Any, int], Any]
    nothing: Any


class Reader:
    """The traits of a deployment, made ready for reading single values.

    Parameters
    ----------
    traits
        The traits.
    """

    def __init__(self, traits: TraitSet) -> None:
        self.traits = traits
        self.readings = {
            name: _Reading(trait.slot, traits.bit_of(trait), _finisher(trait), trait.nothing)
            for name, trait in traits.traits.items()
        }

    def consent(self, states: Sequence[State]) -> ConsentRecord:
        """Give what a person chose, merged over the states of their anchors."""
        chosen: ConsentRecord = {}
        for state in states:
            if state[CONSENT]:
                chosen = ledger.merge(chosen, state[CONSENT])
        return chosen

    def values(self, states: Sequence[State], now_ms: int, allowed_mask: int) -> "LazyValues":
        """Give the values of a person, as `customering.profile.fold.values` would.

        Parameters
        ----------
        states
            The states of their anchors; none of them is changed.
        now_ms
            The instant they hold for. Milliseconds since 1970.
        allowed_mask
            Purposes the person permits.
        """
        return LazyValues(self, states, now_ms, allowed_mask)


class LazyValues(Mapping[str, Any]):
    """Value by name; each is computed at first access, and anchors are merged slot by slot.

    A value stays what it was at first access, also when a state is stepped afterwards: use it for
    one question and let it go.
    """

    def __init__(
        self, reader: Reader, states: Sequence[State], now_ms: int, allowed_mask: int
    ) -> None:
        self._reader = reader
        self._readings = reader.readings
        self._states = states
        self._state = states[0] if len(states) == 1 else None
        self._now_ms = now_ms
        self._mask = allowed_mask
        held = None
        for state in states:
            held = declared.merge(held, state[DECLARED])
        said: dict[str, Any] = {}
        self._hidden: frozenset[str] = frozenset()
        self._known: dict[str, Any] = {}
        if held:  # most people declare nothing
            said = {name: fact[2] for name, fact in declared.standing(held).items()}
            self._hidden = declared.hidden(said)
            if self._hidden:
                said = {name: said[name] for name in said if name not in self._hidden}
            self._known = {name: said[name] for name in said if name in reader.readings}
        self.declared = said
        self._known["declared"] = said

    def get(self, name: str, default: Any = None) -> Any:
        """Give a value; the default where there is none."""
        known = self._known
        value = known.get(name, _UNREAD)
        if value is _UNREAD:
            value = known[name] = self.observed(name)
        return default if value is None else value

    def kept(self, name: str) -> list[Any]:
        """Give the states that a trait is read from, one an anchor; none when not permitted."""
        reading = self._reader.readings.get(name)
        if reading is None or not reading.bit & self._mask or name in self._hidden:
            return []
        return [state[reading.slot] for state in self._states if state[reading.slot]]

    def observed(self, name: str) -> Any:
        """Give what was observed, whatever the person declared under this name; None without it."""
        reading = self._readings.get(name)
        if reading is None:
            return None
        slot, bit, finish, nothing = reading
        if not bit & self._mask or name in self._hidden:
            return None
        state = self._state
        kept = self._slot(slot) if state is None else state[slot]
        if kept is None:
            return nothing
        value = finish(kept, self._now_ms)
        return value or plain(value)  # what is empty is looked at more closely

    def _slot(self, index: int) -> Any:
        merged = None
        for state in self._states:
            other = state[index]
            if other is None:
                continue
            if merged is None:
                merged = other
            else:
                slot = self._reader.traits.slots[index - FIRST_SUM]
                merged = slot.aggregate.merge(merged, other)
        return merged

    def __getitem__(self, name: str) -> Any:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        yield "declared"
        yield from (name for name in self._reader.readings if self.get(name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _finisher(trait: Trait) -> Callable[[Any, int], Any]:
    aggregate = trait.aggregate
    if isinstance(aggregate, Rhythm) and aggregate.statistic == "sd_gap_days":
        last = aggregate.last
        return lambda days, now_ms: spread_of_gaps(days[-last:])
    return aggregate.finish


def spread_of_gaps(days: Sequence[int]) -> float | None:
    """Give the sample standard deviation of the gaps between rising days; None of fewer than two.

    It equals `statistics.stdev` of the gaps to the last bit, at a twentieth of the time: the
    variance of whole numbers is a ratio of two whole numbers, whose root is rounded once.
    """
    gaps = len(days) - 1
    if gaps < 2:
        return None
    whole = days[-1] - days[0]
    squares = sum((after - before) ** 2 for before, after in pairwise(days))
    return _root_of_ratio(gaps * squares - whole * whole, gaps * (gaps - 1))


def _root_of_ratio(over: int, under: int) -> float:
    """Give the square root of a ratio of whole numbers, correctly rounded.

    The root is taken of the ratio scaled by an even power of two, so that it has more bits than a
    float; the last of these is set when something was cut off, so that rounding sees it.
    """
    shift = (over.bit_length() - under.bit_length() - 109) // 2
    if shift >= 0:
        under <<= 2 * shift
    else:
        over <<= -2 * shift
    root = math.isqrt(over // under)
    root |= root * root * under != over
    return float(root << shift) if shift >= 0 else root / (1 << -shift)
