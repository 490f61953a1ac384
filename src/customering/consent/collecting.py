"""What may be recorded of a person at all: the gate that stands before the log.

Facts that the service needs, such as orders, are recorded of everybody. Others are recorded for the
sake of some purposes only (`Collected`): while one of these is permitted, or, unless the operator
wants it otherwise, while the person said nothing against any of them. So silence loses nothing that
may be permitted later, and a refusal holds before anything is written.
"""

from typing import Any

from msgspec.structs import replace

from customering.consent.gate import CompiledPolicy, permit
from customering.consent.model import (
    Collected,
    ConsentRecord,
    ConsentSettings,
    Purpose,
    Refusal,
    SetStatus,
)
from customering.consent.purposes import PurposeBook
from customering.events.model import RESERVED_NAMES, Event
from customering.identity.claims import CLAIMED
from customering.kernel.errors import InvalidDefinition
from customering.kernel.ids import kind_of
from customering.kernel.records import Record

_KINDS_KNOWN_MOST = 10_000  # names of events whose kinds are remembered


class NotKept(Record, frozen=True):
    """A kind of facts that is not recorded of a person.

    Parameters
    ----------
    category, title
        The kind, and what the person reads it is.
    words
        Why, as the person reads it.
    """

    category: str
    title: str
    words: str


class CompiledCollecting:
    """The kinds of facts that are recorded for some purposes only, ready for asking often.

    Parameters
    ----------
    book
        The purposes and the kinds.
    settings
        What holds of people who said nothing.
    policy
        The gate of the same book.

    Raises
    ------
    InvalidDefinition
        When a purpose collects a kind that does not exist, or one that service or law need does: it
        would be recorded anyway.

    Notes
    -----
    Kinds are told by bits of their own, in the order of the book. A kind that no purpose collects
    is needed, and recorded of everybody.
    """

    def __init__(
        self, book: PurposeBook, settings: ConsentSettings, policy: CompiledPolicy
    ) -> None:
        self._policy = policy
        self._keeps_unasked = settings.before_asked == "keep"
        self._purposes = _collecting(book)
        kinds = [one for one in book.collected if one.category in self._purposes]
        self.kinds = {1 << place: one for place, one in enumerate(kinds)}
        self._for = {
            bit: sum(policy.bit(purpose.key) for purpose in self._purposes[kind.category])
            for bit, kind in self.kinds.items()
        }
        self._names = {name: bit for bit, one in self.kinds.items() for name in one.events}
        self._begins = [(name[:-1], bit) for name, bit in self._names.items() if name.endswith("*")]
        self._of_kind = {kind: bit for bit, one in self.kinds.items() for kind in one.kinds}
        self.parts = sum(
            bit
            for bit, one in self.kinds.items()
            if one.context or one.properties or one.identifiers
        )
        self._known: dict[tuple[str, str], int] = {}
        self.of_nobody = self.not_kept(None, None, 0)
        """The kinds that are not recorded of people who said nothing."""

    def not_kept(self, record: ConsentRecord | None, status: SetStatus | None, now_ms: int) -> int:
        """Give the kinds that must not be recorded of somebody now, as bits.

        Parameters
        ----------
        record, status
            What they said; None for nothing.
        now_ms
            The present, by which a status may have ended. Milliseconds since 1970.
        """
        policy = self._policy
        permitted = policy.restrict(policy.mask(record), status, now_ms)
        spoken = policy.ruled_out(record) | (
            policy.every & ~policy.restrict(policy.every, status, now_ms)
        )
        found = 0
        for bit, purposes in self._for.items():
            if not permitted & purposes and (spoken & purposes or not self._keeps_unasked):
                found |= bit
        return found

    def kind_of(self, event: Event) -> int:
        """Give the kind that an event as a whole is of, as a bit; 0 when it is needed."""
        key = event.kind, event.name
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _KINDS_KNOWN_MOST:
                self._known.clear()
            known = self._known[key] = self._kind_of(*key)
        return known

    def _kind_of(self, kind: str, name: str) -> int:
        if kind in self._of_kind:
            return self._of_kind[kind]
        if kind != "track" or name in RESERVED_NAMES:
            return 0
        found = self._names.get(name)
        if found is None:
            found = next((bit for begin, bit in self._begins if name.startswith(begin)), 0)
        return found

    def reduced(self, event: Event, refused: int) -> Event | None:
        """Give what of an event may be recorded: itself, less of it, or None.

        Parameters
        ----------
        refused
            Kinds that must not be recorded, as bits.
        """
        if self.kind_of(event) & refused:
            return None
        for bit in _bits(refused & self.parts):
            event = _without(event, self.kinds[bit])
        return event

    def told(
        self, record: ConsentRecord, status: SetStatus | None, now_ms: int
    ) -> tuple[NotKept, ...]:
        """Give what is not recorded of a person and why, in the words they read."""
        refused = self.not_kept(record, status, now_ms)
        found = []
        for bit in _bits(refused):
            kind = self.kinds[bit]
            answers = (
                permit(record, one.key, "", "", now_ms, policy=self._policy, status=status)
                for one in self._purposes[kind.category]
            )
            refusals = [one for one in answers if isinstance(one, Refusal)]
            said = [one.words for one in refusals if one.reason != "never_asked"]
            words = said[0] if said else refusals[0].words
            found.append(NotKept(kind.category, kind.title, words))
        return tuple(found)


def _collecting(book: PurposeBook) -> dict[str, list[Purpose]]:
    """Give the purposes by the kinds that they collect."""
    known = {one.category for one in book.collected}
    found: dict[str, list[Purpose]] = {}
    for purpose in book.purposes:
        for category in purpose.collects:
            if category not in known:
                raise InvalidDefinition(
                    f"The purpose {purpose.key!r} collects {category!r}, which is no kind.",
                    hint=f"Use {', '.join(sorted(known))}, or write a [[collected]] table.",
                    key=purpose.key,
                )
            if purpose.is_essential:
                raise InvalidDefinition(
                    f"The purpose {purpose.key!r} is essential: what it needs is no choice.",
                    hint="Take `collects` away: what is of no [[collected]] kind is recorded.",
                    key=purpose.key,
                )
            found.setdefault(category, []).append(purpose)
    return found


def _bits(bits: int) -> list[int]:
    """Take bits apart."""
    found = []
    while bits:
        lowest = bits & -bits
        found.append(lowest)
        bits ^= lowest
    return found


def _without(event: Event, kind: Collected) -> Event:
    """Take the parts of one kind out of an event; the same event when it has none."""
    context = _left_of(event.context, kind.context)
    properties = _left_of(event.properties, kind.properties)
    names = event.identifiers
    if kind.identifiers:
        # An event of nobody could not be kept: the last name stays.
        names = tuple(one for one in names if kind_of(one) not in kind.identifiers) or names[:1]
        claimed = context.get(CLAIMED)
        if isinstance(claimed, list | tuple):
            left = [one for one in claimed if kind_of(one) not in kind.identifiers]
            if len(left) < len(claimed):
                context = {**context, CLAIMED: left}
    if context is event.context and properties is event.properties and names == event.identifiers:
        return event
    return replace(event, context=context, properties=properties, identifiers=names)


def _left_of(found: dict[str, Any], paths: tuple[str, ...]) -> dict[str, Any]:
    """Give an object without some members; the same one when it has none of them."""
    left = found
    for path in paths:
        first, _, rest = path.partition(".")
        if first not in left:
            continue
        if not rest:
            left = {name: value for name, value in left.items() if name != first}
        elif isinstance(left[first], dict):
            inner = _left_of(left[first], (rest,))
            if inner is not left[first]:
                left = {**left, first: inner}
    return left
