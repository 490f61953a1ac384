"""What is gathered into one commit, and who hears of it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from threading import Event as Signal
from typing import Any

import pytest

from customering.app import writing
from customering.app.writing import Job, Writer
from customering.events.model import Event
from customering.events.store import Appended
from customering.kernel.errors import Unavailable
from customering.kernel.ids import Identifier


def event(number: int) -> Event:
    return Event(
        event_id=f"e{number}",
        kind="track",
        name="Product Viewed",
        identifiers=(Identifier("user_id:ada"),),
        occurred_at=1,
        recorded_at=1,
        source="web",
    )


class Log:
    """Notes what is appended; waits before each append until it may."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.may_go_on = Signal()
        self.may_go_on.set()
        self.was_asked = Signal()
        self.fault: Exception | None = None

    def append(self, events: Sequence[Event], lines: Sequence[bytes]) -> Appended:
        self.was_asked.set()
        self.may_go_on.wait(10)
        assert len(lines) == len(events)
        if self.fault is not None:
            raise self.fault
        self.groups.append([one.event_id for one in events])
        return Appended(first_offset=0, appended=len(events), duplicates=0, events=tuple(events))


Act = Callable[[Writer, Log], Awaitable[None]]


def written(act: Act, *, most: int = 100) -> Log:
    """Act with a writer that is stopped afterwards, and give what it wrote."""

    async def run() -> Log:
        log = Log()

        def tell(jobs: Sequence[Job], fresh: Sequence[Event], first: int) -> None:
            for job in jobs:
                if job.done is not None:
                    job.done.set_result(None)

        nothing: Any = None
        here: Any = log
        loop = asyncio.get_running_loop()
        writer = Writer(here, nothing, written=tell, loop=loop, group_events_max=most)
        writer.start()
        try:
            await asyncio.wait_for(act(writer, log), 10)
        finally:
            log.may_go_on.set()
            await asyncio.wait_for(writer.stop(), 10)
        assert writer.waiting_events == writer.waiting_bytes == 0
        return log

    return asyncio.run(run())


def job(*numbers: int) -> Job:
    """Make a job somebody waits for."""
    done = asyncio.get_running_loop().create_future()
    return Job([event(number) for number in numbers], size_bytes=7, done=done)


def waited(one: Job) -> asyncio.Future[None]:
    assert one.done is not None
    return one.done


def test_a_lone_job_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_BUSY_SECONDS", 3_600.0)
    monkeypatch.setattr(writing, "_GATHERING_SECONDS", 3_600.0)

    async def act(writer: Writer, log: Log) -> None:
        writer.submit(one := job(1))
        await waited(one)

    assert written(act).groups == [["e1"]]


def test_what_comes_in_one_turn_and_the_next_is_one_commit() -> None:
    async def act(writer: Writer, log: Log) -> None:
        jobs = [job(1), job(2), job(3)]
        writer.submit(jobs[0])
        writer.submit(jobs[1])
        await asyncio.sleep(0)
        writer.submit(jobs[2])
        await asyncio.gather(*map(waited, jobs))

    assert written(act).groups == [["e1", "e2", "e3"]]


def test_what_is_large_is_handed_over_while_a_commit_is_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writing, "_ENOUGH_EVENTS", 2)

    async def act(writer: Writer, log: Log) -> None:
        log.may_go_on.clear()
        jobs = [job(1, 2)]
        writer.submit(jobs[0])
        while not log.was_asked.is_set():
            await asyncio.sleep(0.001)
        jobs += [job(3, 4), job(5, 6), job(7)]
        for one in jobs[1:]:
            writer.submit(one)
        assert not writer._groups.empty()
        log.may_go_on.set()
        await asyncio.gather(*map(waited, jobs))

    assert written(act).groups == [["e1", "e2"], ["e3", "e4", "e5", "e6"], ["e7"]]


def test_a_loop_that_is_never_quiet_does_not_put_a_commit_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writing, "_BUSY_SECONDS", 0.0)
    monkeypatch.setattr(writing, "_ENOUGH_EVENTS", 1_000_000)

    async def act(writer: Writer, log: Log) -> None:
        jobs: list[Job] = []
        while not jobs or not waited(jobs[0]).done():
            jobs.append(job(len(jobs)))
            writer.submit(jobs[-1])
            await asyncio.sleep(0)
        await asyncio.gather(*map(waited, jobs))

    groups = written(act).groups
    assert groups[0] == ["e0"]
    assert [name for group in groups for name in group] == [
        f"e{n}" for n in range(sum(map(len, groups)))
    ]


def test_what_comes_during_a_commit_goes_into_the_next_within_the_bound() -> None:
    async def act(writer: Writer, log: Log) -> None:
        log.may_go_on.clear()
        jobs = [job(1)]
        writer.submit(jobs[0])
        for _ in range(5):
            await asyncio.sleep(0)
        jobs += [job(2), job(3, 4), job(5), job(6, 7, 8, 9, 10, 11)]
        for one in jobs[1:]:
            writer.submit(one)
        log.may_go_on.set()
        await asyncio.gather(*map(waited, jobs))

    numbers = [[1], [2, 3, 4], [5, 6, 7, 8, 9, 10, 11]]
    assert written(act, most=3).groups == [[f"e{n}" for n in group] for group in numbers]


def test_what_nobody_waits_for_gathers_until_somebody_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writing, "_GATHERING_SECONDS", 3_600.0)

    async def act(writer: Writer, log: Log) -> None:
        writer.submit(Job([event(1)]))
        await asyncio.sleep(0.02)
        assert not log.groups
        writer.submit(one := job(2))
        await waited(one)
        writer.submit(Job([event(3)]))

    assert written(act).groups == [["e1", "e2"], ["e3"]]


def test_what_nobody_waits_for_is_written_soon_all_the_same() -> None:
    async def act(writer: Writer, log: Log) -> None:
        log.may_go_on.clear()
        writer.submit(Job([event(1)]))
        await asyncio.sleep(0.05)
        writer.submit(Job([event(2)]))
        log.may_go_on.set()
        while len(log.groups) < 2:
            await asyncio.sleep(0.001)

    assert written(act).groups == [["e1"], ["e2"]]


def test_everything_gathered_is_written_before_it_stops() -> None:
    async def act(writer: Writer, log: Log) -> None:
        for number in range(10):
            writer.submit(job(number))
            writer.submit(Job([event(number + 100)]))

    groups = written(act, most=4).groups
    assert [name for group in groups for name in group] == [
        f"e{number}" for n in range(10) for number in (n, n + 100)
    ]


def test_who_waits_for_what_cannot_be_written_hears_of_it_and_the_next_is_written() -> None:
    async def act(writer: Writer, log: Log) -> None:
        log.fault = Unavailable("the disk is full", hint="make room")
        writer.submit(one := job(1))
        with pytest.raises(Unavailable):
            await waited(one)
        log.fault = None
        writer.submit(two := job(2))
        await waited(two)

    assert written(act).groups == [["e2"]]
