"""Decides for everybody: people are dealt out to processes, and one of them keeps what they decide.

A decision follows from the profile, the models and what was learned so far, so it does not matter
which process makes it: one process and many give the same. All of them learned as much as the log
held before the first decision of the run.
"""

import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Barrier
from typing import Any, NamedTuple

from customering.app.decision_file import DecisionFile, rows_of
from customering.app.engine import Engine
from customering.app.folding import Progress
from customering.app.home import Home
from customering.decision.model import DecisionRequest
from customering.events.model import Event
from customering.identity.model import own_id
from customering.kernel.errors import Unavailable
from customering.kernel.ids import Identifier
from customering.kernel.records import to_json

Names = tuple[Identifier, ...]

_PEOPLE_A_ROUND = 250
_PEOPLE_A_PROCESS = 5_000  # fewer are decided for before another process has started
_ROUNDS_AHEAD = 3  # a process, so that none waits; each holds some 8 MB


class _Round(NamedTuple):
    """What one round decided.

    Parameters
    ----------
    events
        The events that keep the decisions, without their candidates, which nothing is folded from.
    lines
        The same, whole, as the log keeps them.
    rows
        What the file tells of the decisions.
    """

    events: list[Event]
    lines: list[bytes]
    rows: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Run:
    """What is the same for everybody in one run."""

    request: DecisionRequest
    now_ms: int
    recorded_at: int


def decide_for_all(
    engine: Engine,
    request: DecisionRequest,
    out: Path,
    progress: Progress = lambda people: None,
    *,
    processes: int | None = None,
) -> tuple[int, int]:
    """Decide for everybody, append all decisions to the log, and write them to a Parquet file.

    Parameters
    ----------
    engine
        The home, which is written.
    request
        The place to fill.
    out
        The file; one that is there is replaced.
    progress
        Told how many people have been decided for.
    processes
        How many processes decide, at least 1; None for one a core, and fewer where there are few
        people.

    Returns
    -------
    tuple of int
        People decided for, and actions chosen.

    Raises
    ------
    Invalid
        When people cannot be reached by this channel at all.
    Unavailable
        When one of the processes came to its end; what was decided before is kept.
    """
    engine.check_channel(request)
    engine.catch_up()
    engine.learner.catch_up(engine.reading_log)
    run = _Run(request, engine.present, engine.clock())
    everybody = engine.names_of_everybody()
    if processes is None:
        processes = min(_cores(), 1 + len(everybody) // _PEOPLE_A_PROCESS)
    people = chosen = 0
    with DecisionFile(out) as file, _decided(engine, run, everybody, processes) as rounds:
        for one in rounds:
            appended = engine.log.append(one.events, one.lines)
            engine.folding.fold(appended.events, appended.first_offset)
            engine.learner.fold(appended.events, appended.first_offset)
            if engine.folding.is_checkpoint_due:
                engine.folding.checkpoint()
            file.write(one.rows)
            people += len(one.events)
            chosen += len(one.rows)
            progress(people)
    engine.catch_up()
    return people, chosen


def _cores() -> int:
    """Give how many cores this process may use, or the machine has where that is not told."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _decided(
    engine: Engine, run: _Run, everybody: Iterable[Names], processes: int
) -> Iterator[Iterator[_Round]]:
    """Give the rounds of a run, in order."""
    some = _rounds(everybody)
    if processes == 1:
        yield (_decide(engine, run, names) for names in some)
        return
    # Processes that are forked off would share files and threads that are in use here.
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(processes)
    with ProcessPoolExecutor(
        processes, context, initializer=_open, initargs=(engine.home, run, ready)
    ) as pool:
        try:
            yield _in_order(pool, some, processes * _ROUNDS_AHEAD)
        except BrokenProcessPool as error:
            raise Unavailable(
                "a process that decides came to its end",
                hint="it may have lacked memory: use fewer, such as `--processes 1`",
            ) from error


def _rounds(everybody: Iterable[Names]) -> Iterator[list[Names]]:
    waiting = iter(everybody)
    while some := list(islice(waiting, _PEOPLE_A_ROUND)):
        yield some


def _in_order(
    pool: ProcessPoolExecutor, some: Iterator[list[Names]], ahead: int
) -> Iterator[_Round]:
    """Give the rounds that a pool decides, with a bounded number of them under way."""
    waiting: deque[Future[_Round]] = deque()
    for names in some:
        waiting.append(pool.submit(_decide_there, names))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _decide(engine: Engine, run: _Run, everybody: Sequence[Names]) -> _Round:
    """Decide for some people."""
    kept = engine.state.get([name for names in everybody for name in names])
    decode = engine.traits.decode
    made = _Round([], [], [])
    for names in everybody:
        states = [decode(kept[name]) for name in names if name in kept]
        person = engine.people.glance(own_id(names[0]), names, states, run.now_ms)
        decision = engine.deciding.decide(person, run.request, run.now_ms)
        event = engine.record(decision, names[0], run.recorded_at)
        made.lines.append(to_json(event))
        del event.properties["candidates"]
        made.events.append(event)
        made.rows.extend(rows_of(names[0], decision))
    return made


# In another process

_here: list[tuple[Engine, _Run]] = []
"""What a process of the pool decides with; there is one once it is open."""


def _open(home: Home, run: _Run, ready: Barrier) -> None:
    """Get ready to decide; nobody begins before all have read what was learned so far."""
    engine = Engine(home)
    engine.learner.catch_up(engine.reading_log)
    _here.append((engine, run))
    ready.wait()


def _decide_there(everybody: Sequence[Names]) -> _Round:
    return _decide(*_here[0], everybody)
