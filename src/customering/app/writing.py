"""The thread that makes events durable: everything that came meanwhile goes into one commit."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from threading import Thread
from typing import NamedTuple

from customering.events.model import Event
from customering.events.store import Quarantined
from customering.stores.blocks import lines_of
from customering.stores.sqlite_log import SqliteLog
from customering.stores.sqlite_quarantine import SqliteQuarantine

_GATHERING_SECONDS = 0.02  # for what nobody waits for
_BUSY_SECONDS = 0.002  # for what somebody waits for, while each turn of the loop brings more
_ENOUGH_EVENTS = 100  # that a commit costs each of them little, however few more would come
_QUIET_TURNS = 2  # a request that arrives in one turn of the loop is served in the next
_logger = logging.getLogger("customering.writer")


class Job(NamedTuple):
    """What one call gives to be written.

    Parameters
    ----------
    events, quarantined
        What to append, and what to set aside.
    lines
        The events as the log keeps them; empty when they are not encoded yet.
    size_bytes
        Of the request, for the bound on what waits.
    done
        Gets a result when everything is durable and folded, or the error; None when nobody waits.
    """

    events: Sequence[Event]
    quarantined: Sequence[Quarantined] = ()
    lines: Sequence[bytes] = ()
    size_bytes: int = 0
    done: asyncio.Future[None] | None = None


Written = Callable[[Sequence[Job], Sequence[Event], int], None]
"""Called in the event loop after a commit: the jobs, the events that are new, the first offset."""


class Writer:
    """Writes jobs in the order they were submitted, many in one commit.

    Parameters
    ----------
    log, quarantine
        Where they are written.
    written
        Called in the event loop for each commit, in order.
    loop
        The event loop.
    group_events_max
        Most events in one commit, unless a single job has more.

    Notes
    -----
    The loop gathers what goes into the next commit, and hands it to the thread when one is written
    and the loop has nothing else to do, at the latest two milliseconds later; or when it is a
    hundred events. So a lone job is written at once, large ones while the loop goes on, and many
    small ones in few commits, each of which costs as much as serving two of them.
    """

    def __init__(
        self,
        log: SqliteLog,
        quarantine: SqliteQuarantine,
        *,
        written: Written,
        loop: asyncio.AbstractEventLoop,
        group_events_max: int,
    ) -> None:
        self._log = log
        self._quarantine = quarantine
        self._tell = written
        self._loop = loop
        self._group_events_max = group_events_max
        self._gathered: deque[Job] = deque()
        self._gathered_events = 0
        self._seen = self._quiet_turns = 0
        self._until = 0.0
        self._plan: asyncio.Handle | None = None
        self._is_awaited = self._is_stopping = False
        self._under_way = 0  # groups the thread was given and has not told of
        self._groups: SimpleQueue[Sequence[Job] | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="writer", daemon=True)
        self.waiting_events = 0
        self.waiting_bytes = 0
        self.lost_events = 0

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Take a job; never waits. Called in the event loop."""
        self.waiting_events += len(job.events)
        self.waiting_bytes += job.size_bytes
        self._gathered.append(job)
        self._gathered_events += len(job.events)
        is_first = job.done is not None and not self._is_awaited
        if is_first:
            self._is_awaited = True
        if self._gathered_events >= _ENOUGH_EVENTS:
            self._hand_over()
        elif self._under_way:
            return
        elif is_first:
            self._begin_to_look()
        elif self._plan is None:
            self._plan = self._loop.call_later(_GATHERING_SECONDS, self._hand_over)

    async def stop(self) -> None:
        """Write everything that was submitted, and end the thread."""
        self._is_stopping = True
        if not self._under_way:
            self._hand_over()
        await self._loop.run_in_executor(None, self._thread.join)
        # The last commits were told to the loop before the thread ended: let them be taken.
        await asyncio.sleep(0)

    # Gathering

    def _begin_to_look(self) -> None:
        """Look from now on, turn by turn of the loop, whether more comes."""
        if self._plan is not None:
            self._plan.cancel()
        self._seen, self._quiet_turns = len(self._gathered), 0
        self._until = time.monotonic() + _BUSY_SECONDS
        self._plan = self._loop.call_soon(self._look)

    def _look(self) -> None:
        """Hand over what was gathered once the loop is quiet."""
        came = len(self._gathered)
        self._quiet_turns = 0 if came > self._seen else self._quiet_turns + 1
        self._seen = came
        if self._quiet_turns < _QUIET_TURNS and time.monotonic() < self._until:
            self._plan = self._loop.call_soon(self._look)
        else:
            self._hand_over()

    def _hand_over(self) -> None:
        """Give the thread its next group, or let it end when there is none and the home stops."""
        if self._plan is not None:
            self._plan.cancel()
            self._plan = None
        gathered, events = self._gathered, 0
        group: list[Job] = []
        while gathered and (not group or events < self._group_events_max):
            job = gathered.popleft()
            group.append(job)
            events += len(job.events)
        self._gathered_events -= events
        self._is_awaited = any(job.done is not None for job in gathered)
        if group:
            self._under_way += 1
            self._groups.put(group)
        elif self._is_stopping:
            self._groups.put(None)

    def _go_on(self, groups: int) -> None:
        """See to the next group: some were written."""
        self._under_way -= groups
        if self._under_way:
            return
        if self._is_stopping or self._gathered_events >= _ENOUGH_EVENTS:
            self._hand_over()
        elif self._is_awaited:
            self._begin_to_look()
        elif self._gathered:
            self._plan = self._loop.call_later(_GATHERING_SECONDS, self._hand_over)

    # Writing, in the thread

    def _run(self) -> None:
        while (group := self._groups.get()) is not None:
            jobs, groups, events = list(group), 1, _events_of(group)
            while events < self._group_events_max and not self._groups.empty():
                more = self._groups.get()
                assert more is not None, "the thread ends when nothing is under way"
                jobs += more
                groups += 1
                events += _events_of(more)
            self._write(jobs, groups)

    def _write(self, jobs: Sequence[Job], groups: int) -> None:
        try:
            quarantined = [item for job in jobs for item in job.quarantined]
            if quarantined:
                self._quarantine.add(quarantined)
            events = [event for job in jobs for event in job.events]
            lines = [line for job in jobs for line in job.lines or lines_of(job.events)]
            appended = self._log.append(events, lines)
        except Exception as error:  # whatever it is, those who wait must hear of it
            self._loop.call_soon_threadsafe(self._failed, jobs, groups, error)
        else:
            self._loop.call_soon_threadsafe(
                self._succeeded, jobs, groups, appended.events, appended.first_offset
            )

    # Told, in the loop

    def _succeeded(
        self, jobs: Sequence[Job], groups: int, fresh: Sequence[Event], first: int
    ) -> None:
        self._release(jobs)
        self._go_on(groups)
        self._tell(jobs, fresh, first)

    def _failed(self, jobs: Sequence[Job], groups: int, error: Exception) -> None:
        self._release(jobs)
        self._go_on(groups)
        for job in jobs:
            if job.done is None:
                self.lost_events += len(job.events)
                _logger.error("%d events were not written: %s", len(job.events), error)
            elif not job.done.done():
                job.done.set_exception(error)

    def _release(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self.waiting_events -= len(job.events)
            self.waiting_bytes -= job.size_bytes


def _events_of(jobs: Sequence[Job]) -> int:
    return sum(len(job.events) for job in jobs)
