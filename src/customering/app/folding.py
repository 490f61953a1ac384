"""The live path: events of the log become states, links and masks, stored with the offset.

1. Every event is filed under its anchor, and the links it shows are taken into the graph.
2. The slots the person permits are stepped; what a person newly refuses is dropped, and what they
   newly permit is folded anew from the history, before the next checkpoint.
3. A checkpoint stores the touched states, the new links and the offset in one transaction.

So the state of an anchor is always the fold of *all* its events over exactly the purposes that its
person permits now: the same that a rebuild gives.
"""

import gc
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, NamedTuple

from customering.app.settings import CustomeringSettings
from customering.consent.gate import CompiledPolicy
from customering.consent.ledger import consent_of
from customering.consent.model import STATUS_FACT, ConsentRecord, SetStatus
from customering.events.model import FACT_CORRECTED, PERMISSION_NAMES, Event
from customering.events.store import Block, EventLog
from customering.identity.anchors import anchor_of
from customering.identity.graph import IdentityGraph
from customering.identity.model import Link
from customering.identity.rules import IdentityRules
from customering.kernel.ids import Identifier
from customering.kernel.records import from_json, to_json
from customering.profile.declared import facts_of
from customering.profile.fold import fold_event, fold_events
from customering.profile.model import State as ProfileState
from customering.profile.traits import CONSENT, TraitSet
from customering.stores.history import History
from customering.stores.state import Kept, State

Progress = Callable[[int], None]
OnChange = Callable[[Iterable[Identifier], bool], None]
"""Told of names whose words or person changed, and whether it is a status that may have."""

_CHOOSING = frozenset(PERMISSION_NAMES)
_NOTHING, _PACKED = b"null,", b"\0"


def fingerprint_of(traits: TraitSet, policy: CompiledPolicy, settings: CustomeringSettings) -> str:
    """Name everything the states depend on beside the log; when it changes, they are made anew."""
    stated = default_mask(traits, policy)
    gate, identity = policy.fingerprint, to_json(settings.identity).decode()
    return f"{traits.fingerprint}:{stated}:{gate}:{identity}"


def default_mask(traits: TraitSet, policy: CompiledPolicy) -> int:
    """Give the trait mask of people who have not chosen anything."""
    return trait_mask(traits, policy, None)


def trait_mask(
    traits: TraitSet,
    policy: CompiledPolicy,
    record: ConsentRecord | None,
    status: SetStatus | None = None,
    now_ms: int = 0,
) -> int:
    """Give which traits' purposes the gate permits a person.

    What is kept does not depend on the status, which may end; what is used does.
    """
    permitted = policy.restrict(policy.mask(record), status, now_ms)
    return traits.mask_of(key for key in traits.purposes if policy.allows(permitted, key))


def restrict(traits: TraitSet, state: ProfileState, mask: int) -> None:
    """Drop from a state, in place, what a person does not permit."""
    for slot in traits.slots:
        if not traits.mask_of((slot.purpose,)) & mask:
            state[slot.index] = None


def packed(state: bytes) -> bytes:
    r"""Give a stored state in half its bytes: most people have nothing of most traits.

    Examples
    --------
    >>> packed(b'[null,null,{"20779":1},null]')
    b'[\x00\x00{"20779":1},null]'
    """
    return state.replace(_NOTHING, _PACKED)


def unpacked(state: bytes) -> bytes:
    """Give a state that was `packed` as it was: no JSON holds the byte that stands for nothing."""
    return state.replace(_PACKED, _NOTHING)


class Picture(NamedTuple):
    """What one checkpoint stores: everything that changed since the one before, at one offset."""

    states: dict[Identifier, Kept]
    links: list[Link]
    offset: int


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
        self._older: dict[Identifier, ProfileState] = {}
        self._ahead: dict[Identifier, bytes] = {}  # packed until they are asked for
        self._room = settings.fold.cached_profiles // 2
        self._has_let_go = False
        self._holds_all = False
        self._dirty: set[Identifier] = set()
        self._unsettled: set[Identifier] = set()
        self._used: dict[Identifier, int] = {}
        self._missed: dict[Identifier, list[Event]] = {}
        self._gone: set[Identifier] = set()
        self._absent: set[Identifier] = set()  # asked for, and the store has nothing of them
        self._links: list[Link] = []
        self._waiting: set[Identifier] = set()
        self._stored = state.offset
        self._picture = Picture({}, [], self._stored)
        self.offset = self._stored
        self.on_change: OnChange | None = None
        """Who is told what bears on what may be recorded of people."""

    def catch_up(self, progress: Progress = lambda events: None) -> int:
        """Fold everything of the log that has not been folded, and give the number of events."""
        started = self.offset
        with _without_collector():
            for block in self._log.read(after=self.offset - 1):
                self.fold_block(block)
                if self.is_checkpoint_due:
                    self.checkpoint()
                progress(self.offset - started)
            self.checkpoint()
        return self.offset - started

    @property
    def is_checkpoint_due(self) -> bool:
        """Whether so much was folded since the last checkpoint that the next one is due."""
        return self.offset - self._stored >= self._settings.fold.checkpoint_events

    def fold_block(self, block: Block) -> None:
        """Fold one block; it is kept by the next checkpoint."""
        self.fold(block.events(), block.first)

    def fold(self, events: Sequence[Event], first: int) -> None:
        """Fold events that follow on what was folded; they are kept by the next checkpoint.

        Parameters
        ----------
        events
            As they stand in the log.
        first
            Offset of the first one.
        """
        assert first == self.offset, f"events from {first} do not follow on {self.offset}"
        observe = self.graph.observe_event
        anchors = [observe(event) for event in events]
        touched = {anchor for anchor in anchors if anchor is not None}
        self._load(touched)
        if self._waiting:
            for unchanged in touched & self._waiting:
                self._take_picture(unchanged)
        states, traits = self._states, self._traits
        for event, anchor in zip(events, anchors, strict=True):
            if anchor is None:
                continue
            mask = self._stepped(anchor) if self._records else self._default
            fold_event(traits, states[anchor], event, mask)
            if anchor in self._missed:
                self._missed[anchor].append(event)
            if event.name in _CHOOSING:
                self._take_choice(anchor)
            elif event.name == FACT_CORRECTED or event.kind == "identify":
                self._take_status(anchor, event)
        self._dirty |= touched
        if self._records:
            self._unsettled |= self.graph.changed
        if self.on_change is not None:
            self.on_change(self.graph.changed, False)
        self._links.extend(self.graph.take_pending())
        self.offset = first + len(events)

    def record_of(self, name: Identifier) -> ConsentRecord:
        """Give what the person behind an identifier said about permission; in memory."""
        if not self._records:
            return {}
        names = self.graph.identifiers_of(name)
        return consent_of(self._records[one] for one in names if one in self._records)

    def states_of(self, anchors: Sequence[Identifier]) -> list[ProfileState]:
        """Give the states of some anchors, to be read only; those never seen are left out."""
        self._recall(anchors)
        return [self._states[anchor] for anchor in anchors if anchor in self._states]

    def warm(self, kept: Iterable[tuple[Identifier, bytes]]) -> bool:
        """Take stored states into memory before they are asked for; false when there is no room.

        What was read from the store must not be older than what memory has already let go of: once
        anything was let go of, nothing more is taken.
        """
        held = len(self._states) + len(self._older) + len(self._ahead)
        if self._has_let_go or held >= self._room:
            return False
        held_text = self.graph.partition.held
        for anchor, state in kept:
            if anchor not in self._states and anchor not in self._older:
                self._ahead[held_text(anchor)] = packed(state)
        return True

    def has_warmed(self) -> None:
        """Note that all that is stored was given to `warm`: the store need not be asked again."""
        self._holds_all = not self._has_let_go

    def _load(self, anchors: Collection[Identifier]) -> None:
        """Bring the states of anchors into memory; one never seen starts at nothing."""
        self._recall(anchors)
        for anchor in anchors:
            if anchor not in self._states:
                self._states[anchor] = self._traits.zero()
                self._absent.discard(anchor)
                # Their person may have chosen by another identifier, long before this one was seen.
                if self._records:
                    self._set_mask(anchor, self._mask(anchor))

    def _recall(self, anchors: Iterable[Identifier]) -> None:
        """Bring the states that are kept for some anchors into memory."""
        states, older, ahead = self._states, self._older, self._ahead
        wanted = []
        for anchor in anchors:
            if anchor not in states:
                if anchor in older:
                    states[anchor] = older.pop(anchor)
                elif anchor in ahead:
                    states[anchor] = self._traits.decode(unpacked(ahead.pop(anchor)))
                elif not (self._holds_all or anchor in self._gone or anchor in self._absent):
                    wanted.append(anchor)
        if wanted:
            found = self._store.get(wanted)
            for anchor, state in found.items():
                states[anchor] = self._traits.decode(state)
            # Most people have names under which nothing is filed: ask for each once.
            if len(self._absent) > self._room:
                self._absent.clear()
            self._absent.update(anchor for anchor in wanted if anchor not in found)

    def _take_choice(self, anchor: Identifier) -> None:
        """Note that a person chose, so that all their anchors are settled anew."""
        record = self._states[anchor][CONSENT]
        if record is not None:
            self._records[anchor] = record
        self._unsettled.update(self.graph.identifiers_of(anchor))

        if self.on_change is not None:
            self.on_change((anchor,), False)

    def _take_status(self, anchor: Identifier, event: Event) -> None:
        """Tell of a status that a person may have set."""
        if self.on_change is not None and STATUS_FACT in facts_of(event)[1]:
            self.on_change((anchor,), True)

    def choosers(self) -> Collection[Identifier]:
        """Give the anchors under which somebody said anything about permission; in memory."""
        return self._records.keys()

    def _mask(self, anchor: Identifier) -> int:
        """Give the mask of the person an anchor belongs to."""
        names = self.graph.identifiers_of(anchor)
        records = [self._records[name] for name in names if name in self._records]
        if not records:
            return self._default
        return trait_mask(self._traits, self._policy, consent_of(records))

    def _stepped(self, anchor: Identifier) -> int:
        """Give the mask an event is folded under, and note it where it is not settled yet.

        Who refuses and then permits again before the next settling must not lose what happened in
        between.
        """
        mask = self._mask(anchor)
        if mask != self._masks.get(anchor, self._default):
            self._used[anchor] = self._used.get(anchor, mask) & mask
        return mask

    # Permission that changed

    def settle(self) -> list[Identifier]:
        """Drop what people newly refuse; give the anchors whose people permit more than before.

        The states of these lack what happened before: each must be given to `refold` with its
        events so far. Until then, what is folded for them is also kept aside.
        """
        self._recall(self._unsettled)
        widened: list[Identifier] = []
        for anchor in self._unsettled:
            if anchor not in self._states:  # no event is filed under it
                continue
            before = self._masks.get(anchor, self._default)
            now = self._mask(anchor)
            complete = before & self._used.get(anchor, before)
            # What was permitted for a while only may have left something behind.
            if now == before == complete and anchor not in self._used:
                continue
            self._set_mask(anchor, now)
            self._dirty.add(anchor)
            if now & ~complete:
                widened.append(anchor)
            else:
                restrict(self._traits, self._states[anchor], now)
        self._unsettled.clear()
        self._used.clear()
        self._missed.update((anchor, []) for anchor in widened)
        return widened

    def refold(self, anchor: Identifier, events: Iterable[Event]) -> None:
        """Fold an anchor anew from all its events before it was settled."""
        missed = self._missed.pop(anchor, None)
        if missed is None:  # erased while its events were read
            return
        state = fold_events(self._traits, chain(events, missed), self._mask(anchor))
        self._states[anchor] = state

    def _settle_now(self) -> None:
        """Bring the states of people whose permission changed to what it is now."""
        widened = self.settle() if self._unsettled else []
        if widened:
            copy_to_history(self._log, self._history, self.graph.rules, until=self.offset)
        for anchor in widened:
            self.refold(anchor, self._history.events_of([anchor], before_offset=self.offset))

    def _set_mask(self, anchor: Identifier, mask: int) -> None:
        if mask == self._default:
            self._masks.pop(anchor, None)
        else:
            self._masks[anchor] = mask

    # Erasure

    def forget(self, names: Collection[Identifier]) -> None:
        """Let go of everything about some identifiers, as if they had never been seen.

        What the store has of them is not read any more. It is to be removed from there, with no
        checkpoint under way, and `forgotten` to be called then.
        """
        gone = frozenset(names)
        changed = self.graph.forget(gone)
        self.vacate(gone)
        self._links = [link for link in self._links if gone.isdisjoint((link.left, link.right))]
        if self._records:
            self._unsettled |= changed
        if self.on_change is not None:
            self.on_change(gone | changed, False)

    def vacate(self, anchors: Iterable[Identifier]) -> None:
        """Let go of the states of anchors under which nothing is filed any more; links stay.

        What the store has of them is not read any more, as after `forget`.
        """
        gone = frozenset(anchors)
        kept_of = (self._states, self._older, self._ahead, self._records, self._masks, self._used)
        for kept in kept_of:
            for name in gone & kept.keys():
                del kept[name]
        for name in gone & self._missed.keys():
            del self._missed[name]
        for noted in (self._dirty, self._unsettled, self._waiting):
            noted.difference_update(gone)
        self._gone |= gone
        self._let_go()  # `warm` may have read them from the store already

    def amend(
        self, anchors: Sequence[Identifier], change: Callable[[ProfileState], ProfileState]
    ) -> None:
        """Change the states of some anchors at once; they are to be given to `refold` later."""
        self._recall(anchors)
        known = [anchor for anchor in anchors if anchor in self._states]
        for anchor in known:
            if anchor in self._waiting:
                self._take_picture(anchor)
            self._states[anchor] = change(self._states[anchor])
        self._dirty.update(known)

    def has_missed(self, anchor: Identifier) -> bool:
        """Tell whether anything was kept aside for an anchor since `set_aside`."""
        return bool(self._missed.get(anchor))

    def forgotten(self, names: Collection[Identifier]) -> None:
        """Note that the store has nothing of some identifiers any more.

        Whoever of them has begun anew since `forget` is stored by the next checkpoint.
        """
        self._gone.difference_update(names)
        self._recall(names)
        self._dirty.update(name for name in names if name in self._states)
        for name in names:
            self._links += self.graph.tree_of(name)
            self._links += [refusal.link for refusal in self.graph.refusals_of(name)]

    def set_aside(self, anchors: Iterable[Identifier]) -> None:
        """Keep aside what is folded from now on for anchors that are to be given to `refold`.

        Their state is made anew because events of theirs are not what they were.
        """
        every = list(anchors)
        self._load(every)
        for anchor in every:
            self._missed.setdefault(anchor, [])
            self._dirty.add(anchor)

    def take_again(self, events: Iterable[Event]) -> None:
        """Take what events that were folded before say about identity once more."""
        for event in events:
            self.graph.observe_event(event)
        self._links.extend(self.graph.take_pending())

    # Checkpoints

    def checkpoint(self) -> None:
        """Store what changed since the last checkpoint, all or nothing."""
        self._settle_now()
        if self.offset == self._stored and not self._dirty:
            return
        self.begin_picture()
        while self.draw_picture(len(self._waiting)):
            pass
        self.store_picture()
        self.end_picture()

    @property
    def must_settle(self) -> bool:
        """Whether somebody's permission changed since the last checkpoint."""
        return bool(self._unsettled)

    def begin_picture(self) -> None:
        """Begin a picture of everything that changed, as of the present offset.

        It is drawn bit by bit while the fold goes on: an anchor that is not in it yet is drawn
        before it changes.
        """
        self._waiting = self._dirty
        self._dirty = set()
        self._picture = Picture({}, self._links, self.offset)
        self._links = []

    def draw_picture(self, most: int) -> int:
        """Draw at most so many anchors, and give how many are still to be drawn."""
        drawn, waiting = self._picture.states, self._waiting
        for _ in range(min(most, len(waiting))):
            anchor = waiting.pop()  # to look for the first one again and again would be quadratic
            drawn[anchor] = self._kept(anchor)
        return len(waiting)

    def _take_picture(self, anchor: Identifier) -> None:
        self._waiting.discard(anchor)
        self._picture.states[anchor] = self._kept(anchor)

    def store_picture(self) -> None:
        """Store the finished picture, all or nothing; may be called from another thread.

        Raises
        ------
        Conflict
            When the definitions changed, or another process is further than this one.
        """
        picture = self._picture
        self._store.commit(
            states=picture.states,
            links=picture.links,
            before=self._stored,
            offset=picture.offset,
            fingerprint=self._fingerprint,
        )
        self._stored = picture.offset

    def end_picture(self) -> tuple[dict[Identifier, Any], ...]:
        """Let go of the stored picture, and of profiles beyond those that memory has room for.

        Returns
        -------
        tuple of dict
            What nothing needs any more; it may be taken apart a little at a time.
        """
        drawn: dict[Identifier, Any] = self._picture.states
        self._picture = Picture({}, [], self._stored)
        if len(self._states) <= self._room:
            return (drawn,)
        self._let_go()
        oldest = self._older
        # What is in use comes back from there; what is not goes when the next turn comes.
        kept = self._dirty | self._missed.keys()
        self._older = self._states
        self._states = {anchor: self._older.pop(anchor) for anchor in kept}
        return drawn, oldest

    def _let_go(self) -> None:
        """Note that memory does not hold all that is or was stored."""
        self._has_let_go = True
        self._holds_all = False

    def drop_picture(self) -> None:
        """Take back a picture that could not be stored: the next one will hold what it held."""
        self._dirty |= self._picture.states.keys()
        self._dirty |= self._waiting
        self._waiting = set()
        self._links = [*self._picture.links, *self._links]

    @property
    def has_changes(self) -> bool:
        """Whether any state changed since the last checkpoint."""
        return bool(self._dirty)

    @property
    def stored(self) -> int:
        """Events with an offset below this one are in the stored states."""
        return self._stored

    def _kept(self, anchor: Identifier) -> Kept:
        state = self._states[anchor]
        consent = state[CONSENT]
        chosen = None if consent is None else to_json(consent)
        return Kept(self._traits.encode(state), chosen, self._masks.get(anchor))


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
