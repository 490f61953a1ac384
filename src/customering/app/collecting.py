"""The gate before the log: what people do not let us record is neither written nor derived.

Who refuses something is held in a set of names, so that an ordinary event costs a look into it and
nothing more. The set is only where to look: what is refused is asked of the person's own words, as
they are then. It follows the fold, which tells whose words, status or names changed.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec

from customering.app.folding import Folding
from customering.app.glance import STATUS_FACT, declared_status, set_status
from customering.consent.collecting import CompiledCollecting, NotKept
from customering.consent.ledger import consent_of
from customering.consent.model import ConsentRecord, SetStatus
from customering.events.intake import Intake
from customering.events.model import FACT_CORRECTED, PERMISSION_NAMES, Event
from customering.kernel.ids import Identifier
from customering.profile import declared
from customering.profile.traits import CONSENT, DECLARED
from customering.stores.blocks import lines_of
from customering.stores.state import State

_BINDING = frozenset((*PERMISSION_NAMES, FACT_CORRECTED))


class Collecting:
    """Lets into the log what may be recorded.

    Parameters
    ----------
    rules
        The kinds of facts that are recorded for some purposes only.
    folding
        Gives the fold that is in use: what people said, and who is who.
    state
        The stored profiles; asked once for those who set a status.
    now_ms
        Gives the present. Milliseconds since 1970.

    Attributes
    ----------
    not_kept
        How many events were not recorded, and how many were recorded with less in them, by the
        category that was refused.
    """

    def __init__(
        self,
        rules: CompiledCollecting,
        *,
        folding: Callable[[], Folding],
        state: State,
        now_ms: Callable[[], int],
    ) -> None:
        self.rules = rules
        self.not_kept: Counter[str] = Counter()
        self._folding_in_use = folding
        self._state = state
        self._now = now_ms
        self._folding: Folding | None = None
        self._other: set[Identifier] = set()  # whose answer may be another than that of nobody
        self._statused: set[Identifier] = set()  # under which a status was ever set
        self._saying: dict[Identifier, asyncio.Future[None]] = {}

    # What is let in

    def sift(self, taken: Intake) -> Intake:
        """Give what of some events may be recorded; the same when all of it may.

        What is left out was not refused as wrong, so it is neither accepted nor in quarantine.
        """
        folding = self.follow()
        rules = self.rules
        of_nobody = rules.of_nobody
        if not self._other and not of_nobody:
            return taken
        other, parts, kind_of = self._other, rules.parts, rules.kind_of
        changed: dict[int, Event | None] = {}
        for place, event in enumerate(taken.accepted):
            kind = kind_of(event)
            if not kind and not parts:
                continue
            refused = of_nobody
            if not other.isdisjoint(event.identifiers):
                refused = self._refused(folding, event.identifiers)
            if refused & (kind | parts):
                kept = rules.reduced(event, refused)
                if kept is not event:
                    changed[place] = kept
                    self._count(event, kept, refused)
        return _changed(taken, changed) if changed else taken

    async def admit(self, taken: Intake) -> Intake:
        """Give what of some events may be recorded, by all that was said before they came.

        While something a person says of permission is on its way into the log, their events wait
        for it: so none that they refuse stands in the log behind the refusal.
        """
        if self._saying:
            graph = self.follow().graph
            concerned = {
                self._saying[name]
                for event in taken.accepted
                for one in event.identifiers
                for name in graph.identifiers_of(one)
                if name in self._saying
            }
            if concerned:
                await asyncio.wait(concerned)
        return self.sift(taken)

    def lessened(self, event: Event) -> Event:
        """Give what of an event of our own may be recorded, such as where a decision was asked for.

        It is never left out: that we acted is needed.
        """
        if self._other.isdisjoint(event.identifiers) and not self.rules.of_nobody:
            return event
        folding = self.follow()
        kept = self.rules.reduced(event, self._refused(folding, event.identifiers))
        assert kept is not None, "no event of our own is a matter of choice as a whole"
        return kept

    def expect(self, events: Sequence[Event], done: asyncio.Future[None]) -> None:
        """Note that something people say is being written; `done` ends when it is in force."""
        names = {name for event in events if event.name in _BINDING for name in event.identifiers}
        if not names:
            return
        for name in names:
            self._saying[name] = done

        def said(_: asyncio.Future[None]) -> None:
            for name in names:
                if self._saying.get(name) is done:
                    del self._saying[name]

        done.add_done_callback(said)

    def told(self, names: Sequence[Identifier]) -> tuple[NotKept, ...]:
        """Give what is not recorded of the person of some names, and why, as they read it."""
        record, status = self._words(self.follow(), names)
        return self.rules.told(record, status, self._now())

    # Who refuses

    def follow(self) -> Folding:
        """Give the fold in use; a new one is listened to from now on."""
        folding = self._folding_in_use()
        if folding is not self._folding:
            self._folding = folding
            self._other = set()
            self._statused = set(self._state.mentioning(STATUS_FACT))
            folding.on_change = self._note
            self._note([*folding.choosers(), *self._statused], is_status=False)
        return folding

    def forget(self, names: Iterable[Identifier]) -> None:
        """Let go of names that are erased."""
        gone = frozenset(names)
        self._statused -= gone
        self._other -= gone

    def _note(self, names: Iterable[Identifier], is_status: bool) -> None:
        """Look anew at people of whom something changed that bears on what is recorded."""
        folding, rules = self._folding, self.rules
        assert folding is not None, "nothing is told before it is followed"
        if is_status:
            self._statused.update(names)
        if not (self._statused or self._other or folding.choosers()):
            return
        seen: set[Identifier] = set()
        for name in names:
            if name in seen:
                continue
            group = folding.graph.identifiers_of(name)
            seen.update(group)
            # A status may end, so whoever set one is asked each time.
            is_other = not self._statused.isdisjoint(group)
            if not is_other:
                record = folding.record_of(name)
                is_other = bool(record) and rules.not_kept(record, None, 0) != rules.of_nobody
            if is_other:
                self._other.update(group)
            elif self._other:
                self._other.difference_update(group)

    def _refused(self, folding: Folding, names: Sequence[Identifier]) -> int:
        """Give the kinds that whoever an event names does not let us record, as bits."""
        every = {one for name in names for one in folding.graph.identifiers_of(name)}
        record, status = self._words(folding, sorted(every))
        return self.rules.not_kept(record, status, self._now())

    def _words(
        self, folding: Folding, names: Sequence[Identifier]
    ) -> tuple[ConsentRecord, SetStatus | None]:
        """Give what somebody said of permission, and the status they set."""
        states = folding.states_of(names)
        record = consent_of(state[CONSENT] for state in states if state[CONSENT])
        facts = None
        for state in states:
            facts = declared.merge(facts, state[DECLARED])
        said = declared.standing(facts).get(STATUS_FACT)
        wish = None if said is None else declared_status(said[2])
        return record, None if wish is None else set_status(wish)

    def _count(self, event: Event, kept: Event | None, refused: int) -> None:
        """Count what was left out, by the kinds that left out anything."""
        rules = self.rules
        kinds = refused & (rules.kind_of(event) if kept is None else rules.parts)
        for bit, one in rules.kinds.items():
            if bit & kinds and rules.reduced(event, bit) is not event:
                self.not_kept[one.category] += 1


def _changed(taken: Intake, changed: dict[int, Event | None]) -> Intake:
    """Put other events in the place of some, or nothing; their lines are written anew."""
    accepted: list[Event] = []
    lines: list[bytes] = []
    for place, event in enumerate(taken.accepted):
        kept = changed.get(place, event)
        if kept is not None:
            accepted.append(kept)
            if taken.lines:
                lines.append(taken.lines[place] if kept is event else lines_of([kept])[0])
    return msgspec.structs.replace(taken, accepted=accepted, lines=lines)
