"""The thread that makes events durable: everything that came meanwhile goes into one commit."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import NamedTuple

from customering.events.model import Event
from customering.events.store import Quarantined
from customering.stores.blocks import lines_of
from customering.stores.sqlite_log import SqliteLog
from customering.stores.sqlite_quarantine import SqliteQuarantine

_GATHERING_SECONDS = 0.01
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
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="writer", daemon=True)
        self.waiting_events = 0
        self.waiting_bytes = 0
        self.lost_events = 0

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Hand over a job; never waits. Called in the event loop."""
        self.waiting_events += len(job.events)
        self.waiting_bytes += job.size_bytes
        self._queue.put(job)

    async def stop(self) -> None:
        """Write everything that was submitted, and end the thread."""
        self._queue.put(None)
        await self._loop.run_in_executor(None, self._thread.join)
        # The last commits were told to the loop before the thread ended: let them be taken.
        await asyncio.sleep(0)

    def _run(self) -> None:
        is_open = True
        while is_open:
            job = self._queue.get()
            if job is None:
                return
            jobs, events = [job], len(job.events)
            # Where nobody waits, more may be gathered; whoever waits ends the gathering.
            until = 0.0 if job.done else time.monotonic() + _GATHERING_SECONDS
            while events < self._group_events_max:
                try:
                    job = self._queue.get(timeout=max(until - time.monotonic(), 0.0))
                except Empty:
                    break
                if job is None:
                    is_open = False
                    break
                if job.done is not None:
                    until = 0.0
                jobs.append(job)
                events += len(job.events)
            self._write(jobs)

    def _write(self, jobs: Sequence[Job]) -> None:
        try:
            quarantined = [item for job in jobs for item in job.quarantined]
            if quarantined:
                self._quarantine.add(quarantined)
            events = [event for job in jobs for event in job.events]
            lines = [line for job in jobs for line in job.lines or lines_of(job.events)]
            appended = self._log.append(events, lines)
        except Exception as error:  # whatever it is, those who wait must hear of it
            self._loop.call_soon_threadsafe(self._failed, jobs, error)
        else:
            self._loop.call_soon_threadsafe(
                self._succeeded, jobs, appended.events, appended.first_offset
            )

    def _succeeded(self, jobs: Sequence[Job], fresh: Sequence[Event], first: int) -> None:
        self._release(jobs)
        self._tell(jobs, fresh, first)

    def _failed(self, jobs: Sequence[Job], error: Exception) -> None:
        self._release(jobs)
        for job in jobs:
            if job.done is None:
                self.lost_events += len(job.events)
                _logger.error("%d events were not written: %s", len(job.events), error)
            elif not job.done.done():
                job.done.set_exception(error)

    def _release(self, jobs: Sequence[Job]) -> None:
        self.waiting_events -= sum(len(job.events) for job in jobs)
        self.waiting_bytes -= sum(job.size_bytes for job in jobs)
