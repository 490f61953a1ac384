"""The live path: events of the log become states, links and masks, stored with the offset.

1. Every event is filed under its anchor, and the links it shows are taken into the graph.
2. The slots the person permits are stepped; what a person newly refuses is dropped, and what they
   newly permit is folded anew from the history, before the next checkpoint.
3. A checkpoint stores the touched states, the new links and the offset in one transaction.

So the state of an anchor is always the fold of *all* its events over exactly the purposes that its
person permits now: the same that a rebuild gives.
"""

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from customering.app.settings import CustomeringSettings
from customering.consent.gate import CompiledPolicy
from customering.consent.ledger import consent_of
from customering.consent.model import ConsentRecord
from customering.events.model import CONSENT_UPDATED
from customering.events.store import Block, EventLog
from customering.identity.anchors import anchor_of
from customering.identity.graph import IdentityGraph
from customering.identity.model import Link
from customering.identity.rules import IdentityRules
from customering.kernel.ids import Identifier
from customering.kernel.records import from_json, to_json
from customering.profile.fold import fold_event, fold_events
from customering.profile.model import State as ProfileState
from customering.profile.traits import CONSENT, TraitSet
from customering.stores.history import History
from customering.stores.state import Kept, State

Progress = Callable[[int], None]


def fingerprint_of(traits: TraitSet, policy: CompiledPolicy, settings: CustomeringSettings) -> str:
    """Name everything the states depend on beside the log; when it changes, they are made anew."""
    stated = default_mask(traits, policy)
    return f"{traits.fingerprint}:{stated}:{to_json(settings.identity).decode()}"


def default_mask(traits: TraitSet, policy: CompiledPolicy) -> int:
    """Give the trait mask of people who have not chosen anything."""
    return trait_mask(traits, policy, None)


def trait_mask(traits: TraitSet, policy: CompiledPolicy, record: ConsentRecord | None) -> int:
    """Give which traits' purposes the gate permits a person."""
    permitted = policy.mask(record)
    return traits.mask_of(key for key in traits.purposes if policy.allows(permitted, key))


def restrict(traits: TraitSet, state: ProfileState, mask: int) -> None:
    """Drop from a state, in place, what a person does not permit."""
    for slot in traits.slots:
        if not traits.mask_of((slot.purpose,)) & mask:
            state[slot.index] = None


class Folding:
    """Folds a log into a state store; one at a time for each store.

    Parameters
    ----------
    log, history, state
        Where events come from, where older events are read again, and where results are kept.
    traits, policy, settings
        What to compute, what is permitted, and the rules.
    """

    def __init__(
        self,
        *,
        log: EventLog,
        history: History,
        state: State,
        traits: TraitSet,
        policy: CompiledPolicy,
        settings: CustomeringSettings,
    ) -> None:
        self._log = log
        self._history = history
        self._store = state
        self._traits = traits
        self._policy = policy
        self._settings = settings
        self._fingerprint = fingerprint_of(traits, policy, settings)
        self.graph = IdentityGraph(state.links(), settings.identity)
        self._default = default_mask(traits, policy)
        self._records: dict[Identifier, ConsentRecord] = {}
        self._masks: dict[Identifier, int] = {}
        for anchor, kept in state.choices():
            if kept.consent is not None:
                self._records[anchor] = from_json(kept.consent, ConsentRecord)
            if kept.mask is not None:
                self._masks[anchor] = kept.mask
        self._states: dict[Identifier, ProfileState] = {}
        self._dirty: set[Identifier] = set()
        self._unsettled: set[Identifier] = set()
        self._links: list[Link] = []
        self._stored = state.offset
        self.offset = self._stored

    def catch_up(self, progress: Progress = lambda events: None) -> int:
        """Fold everything of the log that has not been folded, and give the number of events."""
        started = self.offset
        with _without_collector():
            for block in self._log.read(after=self.offset - 1):
                self.fold_block(block)
                if self.offset - self._stored >= self._settings.fold.checkpoint_events:
                    self.checkpoint()
                progress(self.offset - started)
            self.checkpoint()
        return self.offset - started

    def fold_block(self, block: Block) -> None:
        """Fold one block; it is kept by the next checkpoint."""
        events = block.events()
        observe = self.graph.observe_event
        anchors = [observe(event) for event in events]
        self._load(anchors)
        states, traits = self._states, self._traits
        for event, anchor in zip(events, anchors, strict=True):
            if anchor is None:
                continue
            mask = self._mask(anchor) if self._records else self._default
            fold_event(traits, states[anchor], event, mask)
            if event.name == CONSENT_UPDATED:
                self._take_choice(anchor)
        self._dirty.update(anchor for anchor in anchors if anchor is not None)
        if self._records:
            self._unsettled |= self.graph.changed
        self._links.extend(self.graph.take_pending())
        self.offset = block.first + block.count

    def _load(self, anchors: Iterable[Identifier | None]) -> None:
        """Bring the states of anchors into memory; one never seen starts at nothing."""
        names = {anchor for anchor in anchors if anchor is not None}
        self._recall(names)
        for anchor in names:
            if anchor not in self._states:
                self._states[anchor] = self._traits.zero()
                # Their person may have chosen by another identifier, long before this one was seen.
                if self._records:
                    self._set_mask(anchor, self._mask(anchor))

    def _recall(self, anchors: Iterable[Identifier]) -> None:
        """Bring the states that are kept for some anchors into memory."""
        wanted = [anchor for anchor in anchors if anchor not in self._states]
        for anchor, state in self._store.get(wanted).items():
            self._states[anchor] = self._traits.decode(state)

    def _take_choice(self, anchor: Identifier) -> None:
        """Note that a person chose, so that all their anchors are settled anew."""
        record = self._states[anchor][CONSENT]
        if record is not None:
            self._records[anchor] = record
        self._unsettled.update(self.graph.identifiers_of(anchor))

    def _mask(self, anchor: Identifier) -> int:
        """Give the mask of the person an anchor belongs to."""
        names = self.graph.identifiers_of(anchor)
        records = [self._records[name] for name in names if name in self._records]
        if not records:
            return self._default
        return trait_mask(self._traits, self._policy, consent_of(records))

    def _settle(self) -> None:
        """Bring the states of people whose permission changed to what it is now."""
        if not self._unsettled:
            return
        self._recall(self._unsettled)
        widened: list[Identifier] = []
        for anchor in self._unsettled:
            if anchor not in self._states:  # no event is filed under it
                continue
            before = self._masks.get(anchor, self._default)
            now = self._mask(anchor)
            if now == before:
                continue
            self._set_mask(anchor, now)
            self._dirty.add(anchor)
            if now & ~before:
                widened.append(anchor)
            else:
                restrict(self._traits, self._states[anchor], now)
        if widened:
            copy_to_history(self._log, self._history, self.graph.rules, until=self.offset)
            for anchor in widened:
                events = self._history.events_of([anchor], before_offset=self.offset)
                self._states[anchor] = fold_events(self._traits, events, self._mask(anchor))
        self._unsettled.clear()

    def _set_mask(self, anchor: Identifier, mask: int) -> None:
        if mask == self._default:
            self._masks.pop(anchor, None)
        else:
            self._masks[anchor] = mask

    def checkpoint(self) -> None:
        """Store what changed since the last checkpoint, all or nothing."""
        self._settle()
        if self.offset == self._stored and not self._dirty:
            return
        self._store.commit(
            states={anchor: self._kept(anchor) for anchor in self._dirty},
            links=self._links,
            before=self._stored,
            offset=self.offset,
            fingerprint=self._fingerprint,
        )
        self._stored = self.offset
        self._dirty.clear()
        self._links.clear()
        if len(self._states) > self._settings.fold.cached_profiles:
            self._states.clear()

    def _kept(self, anchor: Identifier) -> Kept:
        state = self._states[anchor]
        consent = state[CONSENT]
        return Kept(
            state=self._traits.encode(state),
            consent=None if consent is None else to_json(consent),
            mask=self._masks.get(anchor),
        )


def copy_to_history(
    log: EventLog,
    history: History,
    rules: IdentityRules,
    *,
    until: int | None = None,
    progress: Progress = lambda events: None,
) -> int:
    """Copy the part of the log that the history lacks, up to an offset, and give its size."""
    if until is not None and history.offset >= until:
        return 0
    blocks = (
        (block.first, block.lines())
        for block in log.read(after=history.offset - 1)
        if until is None or block.first < until
    )
    return history.extend(blocks, lambda names: anchor_of(names, rules), progress=progress)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Hold the cyclic collector: states have no cycles, and scanning them costs a third."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
