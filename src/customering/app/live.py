"""One home, running: what it takes in is durable and folded when it answers, decisions never wait.

Everything here belongs to the thread of the event loop, so a decision always sees one consistent
state. Three other threads do what would hold it up, and touch nothing of it: one appends to the log
(all that came meanwhile in one commit), one stores checkpoints, and one reads the history.
"""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, TypeVar

import msgspec

from customering.app.attributing import find_decision
from customering.app.deciding import request_for
from customering.app.engine import Engine
from customering.app.keeping import Keeping
from customering.app.people import Person
from customering.app.writing import Job, Writer
from customering.decision.model import Decision, DecisionRequest
from customering.decision.record import decision_of
from customering.events.intake import Intake, intake
from customering.events.model import PERMISSION_NAMES, Event
from customering.identity.claims import believed_only
from customering.identity.model import own_id
from customering.kernel.errors import Absent, CustomeringError, NoSuchPerson, Overloaded
from customering.kernel.ids import Identifier
from customering.kernel.records import Record
from customering.profile.fold import merge_states

_MODELS_LOOKED_AT_SECONDS = 2.0
_FOLDED_AT_ONCE = 100  # events: some milliseconds at most
_DECISIONS_REMEMBERED = 5_000  # of some 15 kB each at most
_PERMISSIONS = frozenset(PERMISSION_NAMES)
_logger = logging.getLogger("customering.live")

P = ParamSpec("P")
R = TypeVar("R")


class Accepted(Record, frozen=True):
    """What became of the payloads of one call; all of it is durable.

    Parameters
    ----------
    events
        How many were accepted, those that were here already, and those that a person does not let
        us record, included.
    quarantined
        How many were set aside, to be mended and replayed.
    not_kept
        How many of the accepted a person does not let us record.
    """

    events: int
    quarantined: int
    not_kept: int = 0


@dataclass(slots=True)
class _Group:
    """What was written in one commit: whose it is, what was new, its offset, and how far it is."""

    jobs: Sequence[Job]
    events: Sequence[Event]
    first: int
    folded: int = 0


class Live:
    """A home that takes events in, keeps its profiles in step, and decides.

    Parameters
    ----------
    engine
        The home, with nothing of it in use elsewhere in this process.

    Notes
    -----
    Between `start` and `stop` all methods are called in the thread of the event loop.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.settings = engine.settings.serve
        self.decisions = 0
        self.stopping = asyncio.Event()
        self._is_pretended = bool(engine.settings.clock.present)
        self._recent: OrderedDict[str, Decision] = OrderedDict()
        self._unfolded: deque[_Group] = deque()
        self._unfolded_events = 0
        self._watchers: set[Callable[[Sequence[Event]], None]] = set()
        self.keeping = Keeping(engine)
        self._tasks: list[asyncio.Task[None]] = []
        self._closers: list[Callable[[], Awaitable[None]]] = []
        self._forgetters: list[Callable[[Collection[Identifier]], None]] = []
        self._writer: Writer | None = None

    # Start and stop

    async def start(self) -> None:
        """Fold what the log has and the profiles lack, and begin to take events.

        Raises
        ------
        Conflict
            When another process writes this home.
        """
        _ = self.engine.log, self.engine.quarantine
        self.engine.catch_up()
        self.engine.learner.catch_up(self.engine.reading_log)
        self.engine.receipts.catch_up(self.engine.reading_log)
        self.engine.collecting.follow()
        self.when_forgetting(self.engine.collecting.forget)
        self._loop = asyncio.get_running_loop()
        self._decide_for_nobody()
        self._writer = Writer(
            self.engine.log,
            self.engine.quarantine,
            written=self._written,
            loop=self._loop,
            group_events_max=self.settings.group_events_max,
        )
        self._writer.start()
        self._tasks = [
            asyncio.create_task(
                self.keeping.checkpoint_now_and_then(self.settings.checkpoint_seconds)
            ),
            asyncio.create_task(self.keeping.warm_up()),
            asyncio.create_task(self._take_new_models()),
        ]

    def _decide_for_nobody(self) -> None:
        """Make a decision that nobody sees: models are read and the catalogue is compiled by it."""
        nobody = Identifier("anonymous_id:nobody")
        self.decide([nobody], request_for("start", "", 1), keep=False)
        self.engine.models.words.prepare()
        self.decisions = 0

    async def stop(self) -> None:
        """Write what waits, store a last checkpoint, and end the threads.

        A checkpoint that cannot be stored is told and no error: all of it is in the log, and the
        next start folds it.
        """
        for close in self._closers:
            await close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._writer is not None:
            await self._writer.stop()
            while self._unfolded:
                self._fold_some()
            await self.keeping.try_checkpoint()
        self.keeping.close()

    # Taking in

    def read(
        self,
        payloads: Iterable[Any],
        *,
        source: str,
        believed: Collection[str] | None = None,
        places: Sequence[str] | None = None,
    ) -> Intake:
        """Turn payloads in the shape of the Segment spec into events; pure.

        Parameters
        ----------
        source
            Which system sent them.
        believed
            The types of identifiers this source is believed about; None for a source that is
            trusted, such as a server of the shop. See `customering.identity.claims`.
        places
            Where each payload stood.
        """
        return intake(
            payloads,
            plan=self.engine.plan,
            settings=self.engine.settings.events,
            source=source,
            received_at=self.present,
            places=places,
            amend=self._amend(believed),
        )

    def _amend(self, believed: Collection[str] | None) -> Callable[[Event], Event] | None:
        """Give what changes each event before it is kept; None when nothing does."""
        if not self._is_pretended:
            return None if believed is None else partial(believed_only, believed=believed)
        now_ms = self.engine.clock()  # the real one: a pretended present is not when it arrived

        def amend(event: Event) -> Event:
            recorded = msgspec.structs.replace(event, recorded_at=now_ms)
            return recorded if believed is None else believed_only(recorded, believed)

        return amend

    async def take(self, taken: Intake, size_bytes: int = 0) -> Accepted:
        """Make events durable and fold them, and keep what was refused.

        Parameters
        ----------
        size_bytes
            Of the request they came in, for the bound on memory.

        Raises
        ------
        Overloaded
            When too much waits already; nothing was taken.
        Unavailable
            When the log cannot be written; sending again is safe.
        """
        offered = len(taken.accepted)
        taken = await self.engine.collecting.admit(taken)
        done: asyncio.Future[None] = self._loop.create_future()
        self._submit(Job(taken.accepted, taken.quarantined, taken.lines, size_bytes, done))
        await done
        not_kept = offered - len(taken.accepted)
        return Accepted(events=offered, quarantined=len(taken.quarantined), not_kept=not_kept)

    async def append(self, events: Sequence[Event]) -> None:
        """Append events of our own making; they are durable and folded when this returns."""
        done: asyncio.Future[None] = self._loop.create_future()
        self._submit(Job(events, done=done))
        self.engine.collecting.expect(events, done)
        await done

    def _submit(self, job: Job) -> None:
        assert self._writer is not None, "the home is not running"
        waiting, settings = self.waiting_events, self.settings
        # A job larger than the whole queue is taken when nothing else waits.
        if waiting and (
            waiting + len(job.events) > settings.queued_events_max
            or self._writer.waiting_bytes + job.size_bytes > settings.queued_bytes_max
        ):
            raise Overloaded(
                "too many events wait to be written",
                hint="send again in a second; nothing of this call was taken",
                retry_after_s=1,
            )
        self._writer.submit(job)

    def _written(self, jobs: Sequence[Job], fresh: Sequence[Event], first: int) -> None:
        """Fold what was written, and let those go on who wait for it."""
        self._unfolded.append(_Group(jobs, fresh, first))
        self._unfolded_events += len(fresh)
        if len(self._unfolded) == 1:
            self._fold_some()

    def _fold_some(self) -> None:
        """Fold a part of what was written first; the rest after whatever else waits for its turn.

        A decision does not wait for the hundreds of events that happened to be written at once.
        """
        if not self._unfolded:  # the home stops, and all was folded at once
            return
        group = self._unfolded[0]
        some = group.events[group.folded : group.folded + _FOLDED_AT_ONCE]
        if some:
            self.engine.folding.fold(some, group.first + group.folded)
            self.engine.learner.fold(some, group.first + group.folded)
            group.folded += len(some)
            self._unfolded_events -= len(some)
            for watcher in tuple(self._watchers):
                watcher(some)
        if group.folded == len(group.events):
            self._unfolded.popleft()
            self._release(group)
        if self._unfolded:
            self._loop.call_soon(self._fold_some)

    def _release(self, group: _Group) -> None:
        """Let those go on who wait for a group of events."""
        if not _PERMISSIONS.isdisjoint([event.name for event in group.events]):
            until = group.first + len(group.events)
            self.keeping.soon(self.engine.receipts.try_note, group.events, until)
        for job in group.jobs:
            done = job.done
            if done is not None and not done.done():
                done.set_result(None)

    @property
    def present(self) -> int:
        """The instant everything is judged at, as `Engine.present`; reads no file."""
        if self._is_pretended:
            return self.engine.pretended_start + self.engine.folding.offset
        return self.engine.clock()

    # People and decisions

    def person(self, name: Identifier) -> Person:
        """Read one person, with everything that was acknowledged.

        Raises
        ------
        NoSuchPerson
            When nothing is known under this identifier.
        """
        folding = self.engine.folding
        names = folding.graph.identifiers_of(name)
        states = folding.states_of(names)
        if not states and len(names) == 1:
            raise NoSuchPerson(
                "nothing is known under this identifier", hint="check the type and the spelling"
            )
        merged = merge_states(self.engine.traits, states)
        return self.engine.people.judge(folding.graph.person_of(name), names, merged, self.present)

    def decide(
        self,
        identifiers: Sequence[Identifier],
        request: DecisionRequest,
        *,
        alone: bool = False,
        keep: bool = True,
    ) -> Decision:
        """Decide for one person; never waits. Whoever is not known yet gets an empty profile.

        Parameters
        ----------
        identifiers
            Names of the person, at least one; the most trusted one says who it is.
        request
            The place to fill.
        alone
            Look only at what happened under that one identifier: nothing of the person behind it
            but what they refuse, said no to, or set as their status.
        keep
            Append the decision to the log: it is durable a few milliseconds after this returns.

        Raises
        ------
        Invalid
            When people cannot be reached by this channel at all.
        Overloaded
            When its record could not be kept.
        """
        engine = self.engine
        engine.check_channel(request)
        folding = engine.folding
        anchor = (
            identifiers[0] if len(identifiers) == 1 else min(identifiers, key=engine.rules.rank)
        )
        known = folding.graph.identifiers_of(anchor)
        names = (anchor,) if alone else known
        others = [name for name in known if name != anchor] if alone else []
        person_id = own_id(names[0])
        now_ms = self.present
        person = engine.people.glance(
            person_id,
            names,
            folding.states_of(names),
            now_ms,
            also=folding.states_of(others) if others else (),
        )
        decision = engine.deciding.decide(person, request, now_ms)
        if keep:
            record = engine.record(decision, names[0], engine.clock())
            self._submit(Job([engine.collecting.lessened(record)]))
            self._remember(decision)
        self.decisions += 1
        return decision

    def _remember(self, decision: Decision) -> None:
        self._recent[decision.decision_id] = decision
        if len(self._recent) > _DECISIONS_REMEMBERED:
            self._recent.popitem(last=False)

    async def decision(self, decision_id: str) -> Decision:
        """Read a decision back, however old.

        Raises
        ------
        Absent
            When there is none of this id.
        """
        recent = self._recent.get(decision_id)
        if recent is not None:
            return recent
        event = await self.in_thread(find_decision, self.engine, decision_id)
        if event is None:
            raise Absent("there is no decision of this id", hint="check the id")
        return decision_of(event)

    # Erasure

    def forget(self, names: Collection[Identifier]) -> None:
        """Let go of everything in memory about some identifiers; nothing of it is read any more.

        Their stored profiles are then to be removed by `Keeping.change_stored`.
        """
        self.engine.folding.forget(names)
        self.forget_decisions(names)
        for forget in self._forgetters:
            forget(names)

    def forget_decisions(self, names: Collection[Identifier]) -> None:
        """Let go of what memory has of decisions for some identifiers."""
        engine, person_ids = self.engine, {own_id(name) for name in names}
        engine.learner.feedback.forget(names)
        engine.deciding.forget(person_ids)
        kept = self._recent.items()
        self._recent = OrderedDict((k, one) for k, one in kept if one.person_id not in person_ids)

    def when_forgetting(self, forget: Callable[[Collection[Identifier]], None]) -> None:
        """Have somebody told of identifiers that are erased, so that they let go of them too."""
        self._forgetters.append(forget)

    def before_stopping(self, close: Callable[[], Awaitable[None]]) -> None:
        """Have something ended before the threads are."""
        self._closers.append(close)

    # Watching

    def watch(self, watcher: Callable[[Sequence[Event]], None]) -> Callable[[], None]:
        """Tell somebody of events as soon as they are folded; gives what ends it.

        The watcher is called in the event loop, must be quick and must not raise.
        """
        self._watchers.add(watcher)
        return lambda: self._watchers.discard(watcher)

    async def in_thread(self, act: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
        """Do something slow in the one thread that may read the history."""
        return await self.keeping.read(act, *args, **named)

    @property
    def waiting_events(self) -> int:
        """Events that are not durable yet, or not folded."""
        writer = self._writer
        return self._unfolded_events + (0 if writer is None else writer.waiting_events)

    async def _take_new_models(self) -> None:
        """Take models that another process fitted, soon after it has; the old ones serve on."""
        models = self.engine.models
        while True:
            await asyncio.sleep(_MODELS_LOOKED_AT_SECONDS)
            try:
                found = await self.keeping.stored(models.find_changed)
            except CustomeringError as error:
                _logger.warning("new models are not taken: %s (%s)", error.message, error.hint)
            else:
                if found is not None:
                    models.take(found)
