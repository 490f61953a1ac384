"""What came of decisions, told to the learner: a pure fold over the log, in the order of the log.

1. A decision waits for its outcomes until its window closes.
2. What is told of it meanwhile, by the person it was made for, is noted.
3. When the window closes, each action that was seen is learned: as a success when one was told, as
   a failure otherwise. Both at the same age, so that quick successes do not run ahead of failures.
4. A success that is told later still turns the failure round, for a while.
5. Where the settings say so, a purchase that names no decision is told of the action about that
   product that the person met last: was shown, or followed, after everything else that is waited
   for and about the same product.

Time is that of the decisions themselves, which nobody outside can set: a window closes when a later
decision is folded. So the same log gives the same state to the last bit, however it was cut into
batches, and whether in one process or in several after one another.
"""

from collections.abc import Callable, Iterable, Mapping
from heapq import heapify, heappop, heappush
from typing import Any

import msgspec

from customering.decision.learner import Learner
from customering.decision.learner_state import LearnerState, fingerprint_of
from customering.decision.learning_settings import LearningSettings
from customering.decision.record import examples_in, has_examples, products_in
from customering.events.model import CONSENT_UPDATED, DECISION_MADE, Event, products_of
from customering.kernel.clock import MS_PER_HOUR, day_of
from customering.kernel.errors import Corrupt
from customering.kernel.ids import Identifier, stable_id
from customering.outcomes.model import OUTCOME_OF, PURCHASES, Outcome
from customering.outcomes.pending import FeedbackCounts, Pending

Kin = Callable[[Identifier], Iterable[Identifier]]
"""Gives all identifiers of the person whom one of them names."""

FORMAT = 1
HEARD = frozenset({DECISION_MADE, CONSENT_UPDATED, *OUTCOME_OF})
"""Names of the events that the fold takes notice of."""

_ALL = ""  # stands for every action of a decision
_TOUCHES: frozenset[Outcome] = frozenset({"shown", "clicked", "accepted"})


class Feedback:
    """Folds decisions and outcomes into a learner.

    Parameters
    ----------
    settings
        What counts as success, and how long it is waited for.
    kin
        Who is one person; by default each identifier is one.
    permits
        Whether the decisions for somebody may be learned from at all; by default whenever their
        record says so. A rebuild asks who permits it today.
    """

    def __init__(
        self,
        settings: LearningSettings,
        *,
        kin: Kin = lambda name: (name,),
        permits: Callable[[Identifier], bool] = lambda name: True,
    ) -> None:
        self.settings = settings
        self.learner = Learner(settings)
        self.counts = FeedbackCounts()
        self._kin = kin
        self._permits = permits
        self._pending: dict[str, Pending] = {}
        self._by_name: dict[Identifier, list[str]] = {}
        self._due: list[tuple[int, int, str]] = []
        self._taken = 0
        self._clock_ms = 0
        self._answered: set[str] = set()

    def fold(self, events: Iterable[Event]) -> None:
        """Take events in, in the order of the log; those of other kinds change nothing."""
        for event in events:
            name = event.name
            if name not in HEARD or event.kind != "track":
                continue
            if name == DECISION_MADE:
                self._take_decision(event)
            elif name == CONSENT_UPDATED:
                self._take_choice(event)
            else:
                self._take_outcome(event)

    def permit_everybody(self) -> None:
        """Learn from now on whenever the record of a decision says that its person permits it."""
        self._permits = lambda name: True

    @property
    def waiting(self) -> int:
        """Decisions whose outcomes are waited for, those for late ones included."""
        return len(self._pending)

    # Decisions

    def _take_decision(self, event: Event) -> None:
        self._close(event.occurred_at)
        name = event.identifiers[0]
        if not has_examples(event) or event.event_id in self._pending or not self._permits(name):
            return
        if len(self._pending) >= self.settings.pending_max:
            # The newest gives way: if the oldest did, nothing would ever come to its close.
            self.counts.passed_over += 1
            return
        placement, channel = event.properties["placement"], event.properties["channel"]
        examples = examples_in(event)
        pending = Pending(name, placement, examples, channel=channel)
        how = self.settings.at(placement, channel)
        if self.settings.last_touch:
            pending.decided_at, pending.about = event.occurred_at, products_in(event)
            if how.exposure == "decided":
                pending.met = {example.action_id: self._taken for example in examples}
        self._pending[event.event_id] = pending
        self._by_name.setdefault(name, []).append(event.event_id)
        window_hours = how.window_hours
        assert window_hours is not None, "what holds at a placement has every field"
        self._wait(event.event_id, event.occurred_at + round(window_hours * MS_PER_HOUR))

    def _wait(self, decision_id: str, until_ms: int) -> None:
        self._taken += 1
        heappush(self._due, (until_ms, self._taken, decision_id))

    def _close(self, now_ms: int) -> None:
        """Close the windows that have passed."""
        self._clock_ms = max(self._clock_ms, now_ms)
        while self._due and self._due[0][0] <= self._clock_ms:
            at_ms, _, decision_id = heappop(self._due)
            pending = self._pending.get(decision_id)
            if pending is None:
                continue
            if not pending.is_closed and self.settings.late_hours > 0.0:
                self._learn(pending, at_ms)
                self._wait(decision_id, at_ms + round(self.settings.late_hours * MS_PER_HOUR))
                continue
            if not pending.is_closed:
                self._learn(pending, at_ms)
            self._let_go(decision_id)

    def _learn(self, pending: Pending, at_ms: int) -> None:
        """Learn from what was seen of a decision."""
        pending.is_closed = True
        self.learner.begin_day(day_of(at_ms))
        exposure = self.settings.at(pending.placement, pending.channel).exposure
        if pending.succeeded:
            self._answered.add(pending.placement)
        for example in pending.examples:
            action_id = example.action_id
            if exposure == "shown" and not {action_id, _ALL}.intersection(pending.shown):
                self.counts.unseen += 1
            elif action_id in pending.succeeded:
                self.learner.learn(example, success=True)
                self.counts.successes += 1
            elif pending.placement not in self._answered:
                # Where no success is ever told, silence does not mean failure.
                self.counts.unanswered += 1
            else:
                self.learner.learn(example, success=False)
                self.counts.failures += 1
                pending.failed.append(action_id)

    def _let_go(self, decision_id: str) -> None:
        pending = self._pending.pop(decision_id)
        names = self._by_name[pending.name]
        names.remove(decision_id)
        if not names:
            del self._by_name[pending.name]

    # Outcomes

    def _take_outcome(self, event: Event) -> None:
        decision_id = event.properties.get("decision_id")
        pending = self._pending.get(decision_id) if isinstance(decision_id, str) else None
        if not decision_id and self.settings.last_touch and event.name in PURCHASES:
            self._take_purchase(event)
        if pending is None or not self._is_theirs(event, pending):
            return
        outcome = OUTCOME_OF[event.name]
        action_id = event.properties.get("action_id") or _ALL
        known = [example.action_id for example in pending.examples]
        if action_id == _ALL and len(known) == 1:
            action_id = known[0]
        if self.settings.last_touch:
            self._note_touch(pending, outcome, action_id, known)
        if outcome == "shown":
            if action_id in (*known, _ALL) and action_id not in pending.shown:
                pending.shown.append(action_id)
            return
        if action_id in known:
            self._succeed(pending, outcome, action_id)

    def _note_touch(
        self, pending: Pending, outcome: Outcome, action_id: str, known: Iterable[str]
    ) -> None:
        """Note when the person met what a purchase may be told of, or said no to it."""
        meant = [one for one in known if action_id in (one, _ALL)]
        if outcome in _TOUCHES:
            self._taken += 1
            pending.met |= dict.fromkeys(meant, self._taken)
        elif outcome == "dismissed":
            pending.dismissed += meant

    def _take_purchase(self, event: Event) -> None:
        """Tell a purchase of whatever the person met last that is about one of its products.

        What was bought before the decision, as orders that are imported late, was not bought for
        it.
        """
        waiting = [
            self._pending[decision_id]
            for name in sorted({kin for one in event.identifiers for kin in self._kin(one)})
            for decision_id in self._by_name.get(name, ())
        ]
        bought = {line.get("product_id") for line in products_of(event.properties)}
        for product in sorted(one for one in bought if isinstance(one, str)):
            found = [
                (at, number, action_id)
                for number, pending in enumerate(waiting)
                if pending.decided_at <= event.occurred_at
                for action_id, at in pending.met.items()
                if product in pending.about.get(action_id, ())
                and action_id not in pending.dismissed
            ]
            if found:
                _, number, action_id = max(found)
                if self._succeed(waiting[number], "bought", action_id):
                    self.counts.touched += 1

    def _succeed(self, pending: Pending, outcome: Outcome, action_id: str) -> bool:
        """Note a success, if it is one and is new."""
        success = self.settings.success_of(action_id, pending.placement, pending.channel)
        if outcome not in success or action_id in pending.succeeded:
            return False
        pending.succeeded.append(action_id)
        if action_id in pending.failed:
            self._correct(pending, action_id)
        return True

    def _correct(self, pending: Pending, action_id: str) -> None:
        example = next(one for one in pending.examples if one.action_id == action_id)
        self.learner.correct(example)
        pending.failed.remove(action_id)
        self.counts.corrected += 1

    def _is_theirs(self, event: Event, pending: Pending) -> bool:
        """Tell whether an outcome is told by the person the decision was made for."""
        if pending.name in event.identifiers:
            return True
        return any(pending.name in self._kin(name) for name in event.identifiers)

    # Refusals

    def _take_choice(self, event: Event) -> None:
        chosen = event.properties.get("purposes")
        if isinstance(chosen, Mapping) and _refuses(chosen, self.settings.purpose):
            for name in event.identifiers:
                self.forget(self._kin(name))

    def forget(self, names: Iterable[Identifier]) -> None:
        """Wait no longer for what comes of the decisions for some identifiers."""
        for name in names:
            for decision_id in tuple(self._by_name.get(name, ())):
                self._let_go(decision_id)
                self.counts.refused += 1

    # Keeping

    def to_bytes(self, offset: int) -> bytes:
        """Give everything, from which `from_bytes` makes the same to the last bit.

        Parameters
        ----------
        offset
            The log was folded up to this event, it not included.
        """
        kept: dict[str, Any] = {
            "format": FORMAT,
            "fingerprint": feedback_fingerprint(self.settings),
            "offset": offset,
            "learner": self.learner.state.kept_form(),
            "counts": self.counts,
            "pending": self._pending,
            "due": sorted(self._due),
            "taken": self._taken,
            "clock_ms": self._clock_ms,
            "answered": sorted(self._answered),
        }
        return msgspec.msgpack.encode(kept)

    def restore(self, data: bytes) -> int | None:
        """Take the place of what was kept; gives its offset, or None when the settings were others.

        Raises
        ------
        Corrupt
            When it is not what was kept.
        """
        try:
            kept = msgspec.msgpack.decode(data)
            is_other = kept["fingerprint"] != feedback_fingerprint(self.settings)
            if kept["format"] != FORMAT or is_other:
                return None
            state = LearnerState.of_kept(kept["learner"], self.settings)
            pending = msgspec.convert(kept["pending"], dict[str, Pending])
            counts = msgspec.convert(kept["counts"], FeedbackCounts)
            due = [(at_ms, number, decision_id) for at_ms, number, decision_id in kept["due"]]
            offset, taken, clock_ms = kept["offset"], kept["taken"], kept["clock_ms"]
            answered = set(kept["answered"])
        except (msgspec.DecodeError, LookupError, TypeError, ValueError) as error:
            raise Corrupt(
                f"what was learned from outcomes cannot be read: {error}",
                hint="it is made anew from the log",
            ) from error
        self.learner.state, self.counts = state, counts
        self._taken, self._clock_ms, self._answered = taken, clock_ms, answered
        self._pending, self._due = pending, due
        heapify(self._due)
        self._by_name = {}
        for decision_id, one in pending.items():
            self._by_name.setdefault(one.name, []).append(decision_id)
        return int(offset)


def feedback_fingerprint(settings: LearningSettings) -> str:
    """Name everything that the state depends on beside the log."""
    stated = msgspec.json.encode(
        (
            settings.purpose,
            settings.success,
            settings.exposure,
            settings.window_hours,
            settings.late_hours,
            settings.pending_max,
            sorted(settings.places.items()),
            settings.contact_success,
            sorted(settings.channels.items()),
            sorted(settings.actions.items()),
            settings.last_touch,
        )
    )
    return stable_id("feedback", str(FORMAT), fingerprint_of(settings), stated.decode())


def _refuses(chosen: Mapping[str, Any], purpose: str) -> bool:
    """Tell whether a choice refuses a purpose, by its own key or one above it."""
    return any(
        answer == "deny" and (key == purpose or purpose.startswith(f"{key}."))
        for key, answer in chosen.items()
    )
