"""Kill the fold, a copy or a rebuild without warning; going on gives what a clean start gives."""

import itertools
import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

import pytest

from customering.app.engine import Engine
from customering.app.home import find, init
from customering.events.model import (
    CONSENT_UPDATED,
    FACT_CORRECTED,
    IDENTIFIERS_JOINED,
    IDENTIFIERS_SEPARATED,
    Event,
)
from customering.kernel.clock import MS_PER_HOUR
from customering.stores.history import History
from customering.stores.state import State
from town import NOON, assert_same_profiles, profiles_of

EVENTS = 400
SETTINGS = """
clock.present = "2026-06-01"
events.block_events_max = 20
fold.checkpoint_events = 40
fold.cached_profiles = 100
history.buckets = 3
consent.defaults."profile.value_scoring" = {answer = "allow", ground = "a test"}
consent.defaults."analytics.product" = {answer = "allow", ground = "a test"}
"""
CHOSEN = ("profile.value_scoring", "personalize", "personalize.offers", "analytics.product")


def happened() -> list[Event]:
    """Give the events of the tests: shopping, choices, links and rulings, some of them late."""
    chance = Random(11)
    made = []
    for number in range(EVENTS):
        name, names, properties = something(chance)
        late = chance.choice((0, 0, 0, 200))
        made.append(
            Event(
                event_id=f"e{number}",
                kind="track",
                name=name,
                identifiers=names,  # type: ignore[arg-type]
                occurred_at=NOON + (number - late) * MS_PER_HOUR,
                recorded_at=NOON + EVENTS * MS_PER_HOUR,
                properties=properties,
                source="test",
            )
        )
    return made


def something(chance: Random) -> tuple[str, tuple[str, ...], dict[str, Any]]:
    """Give the name, the identifiers and the properties of something that people do."""
    one, other = (f"user_id:p{number}" for number in chance.sample(range(30), 2))
    device = f"anonymous_id:d{chance.randrange(60)}"
    email = f"email:p{chance.randrange(30)}@example.org"
    product = {"product_id": f"s{chance.randrange(9)}"}
    line = {**product, "quantity": chance.randrange(1, 4), "category": chance.choice("ab")}
    order = {"revenue_minor": chance.randrange(9_999), "currency": "EUR", "products": [line]}
    choice = {chance.choice(CHOSEN): chance.choice(("allow", "deny"))}
    things: list[tuple[str, tuple[str, ...], dict[str, Any]]] = [
        ("Order Completed", (one,), order),
        ("Product Viewed", (device,), product),
        ("Product Viewed", (one, device), product),
        ("Products Searched", (email,), {"query": "tea"}),
        ("Email Opened", (email, one), {}),
        (FACT_CORRECTED, (one,), {"facts": {"size": chance.choice("SML")}}),
        (CONSENT_UPDATED, (chance.choice((one, email, device)),), {"purposes": choice}),
        (IDENTIFIERS_JOINED, (one, other), {}),
        (IDENTIFIERS_SEPARATED, (one, other), {}),
    ]
    return chance.choices(things, weights=(30, 20, 15, 10, 5, 4, 8, 3, 2))[0]


def make_home(folder: Path) -> None:
    init(folder)
    (folder / "customering.toml").write_text(SETTINGS)


def opened(folder: Path) -> Engine:
    return Engine(find(folder, environment={}), clock=lambda: NOON)


# What runs in the process that is killed


def work(folder: Path, seed: int, last: str, told: Connection) -> None:
    """Take events in, in batches of any size, copy now and then, and end with the act to die in."""
    chance = Random(seed)
    events = happened()
    with opened(folder) as engine:
        for act in (*chance.choices(("append", "copy"), weights=(3, 1), k=4), last):
            told.send(act)
            at = engine.log.end
            if act == "append":
                engine.append(events[at : at + chance.randrange(1, 80)])
            elif act == "copy":
                engine.copy_to_history()
            else:
                engine.rebuild()
        told.send("survived")
        signal.pause()


def work_until(folder: Path, place: str) -> None:
    """Take everything in and rebuild, but die at a place in the code."""
    die_at(*PLACES[place])
    events = happened()
    with opened(folder) as engine:
        engine.append(events[:20])
        engine.rebuild()
        for upto in range(40, EVENTS + 1, 40):  # copies enough for old parts to be joined
            engine.append(events[engine.log.end : upto])
            engine.copy_to_history()
        engine.rebuild()


def die_at(owner: Any, name: str, moment: str, at_call: int) -> None:
    """Make this process kill itself when a method is entered, left, or reads what it was given."""
    method: Callable[..., Any] = getattr(owner, name)
    calls = itertools.count(1)

    def half(states: Iterator[Any]) -> Iterator[Any]:
        yield from itertools.islice(states, 20)
        os.kill(os.getpid(), signal.SIGKILL)

    def dying(*given: Any, **named: Any) -> Any:
        is_the_call = next(calls) == at_call
        if is_the_call and moment == "entered":
            os.kill(os.getpid(), signal.SIGKILL)
        if is_the_call and moment == "inside":
            named["states"] = half(named["states"])
        result = method(*given, **named)
        if is_the_call:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, dying)


PLACES: dict[str, tuple[Any, str, str, int]] = {
    "some parts written, none announced": (History, "copy_part", "left", 2),
    "before the manifest is swapped": (Path, "replace", "entered", 1),
    "after the manifest is swapped": (Path, "replace", "left", 2),
    "while old parts are removed": (Path, "unlink", "left", 2),
    "inside a checkpoint": (State, "_advance", "left", 3),
    "at the end of a checkpoint": (State, "_add_links", "left", 4),
    "after a checkpoint": (State, "commit", "left", 2),
    "in the middle of a swap": (State, "replace", "inside", 2),
    "after a swap": (State, "replace", "left", 2),
}
"""Where to die: a method, when in it, and at which call."""


# What watches it

LENGTHS = {"append": 0.1, "copy": 0.1, "rebuild": 0.7}
"""Seconds that each act takes, about."""

FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload(["customering.app.engine", "hypothesis"])


@contextmanager
def worker(target: Callable[..., None], *given: Any) -> Iterator[Any]:
    process = FORK.Process(target=target, args=given, daemon=True)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()
        process.close()


def assert_as_a_clean_start(folder: Path, scratch: Path) -> None:
    """Go on from where the killed process stopped, and compare with a rebuild of the same log."""
    with opened(folder) as engine:
        engine.catch_up()
        found, end = profiles_of(engine), engine.log.end
        engine.log.verify()
    make_home(scratch)
    shutil.copy(folder / "log.sqlite", scratch)
    with opened(scratch) as engine:
        engine.rebuild()
        wanted = profiles_of(engine)
    assert found.offset == end
    assert_same_profiles(found, wanted)


@pytest.mark.parametrize("seed", range(8))
def test_killed_at_any_moment(tmp_path: Path, seed: int) -> None:
    chance = Random(seed)
    home = tmp_path / "home"
    make_home(home)
    for kill, last in enumerate(chance.sample(("append", "copy", "rebuild"), 3)):
        mine, theirs = FORK.Pipe(duplex=False)
        with worker(work, home, seed * 10 + kill, last, theirs) as process:
            theirs.close()
            for _ in range(5):
                mine.recv()
            time.sleep(chance.random() * LENGTHS[last])
            assert process.is_alive()
        mine.close()
    assert_as_a_clean_start(home, tmp_path / "clean")


@pytest.mark.parametrize("place", PLACES)
def test_killed_at_a_place(tmp_path: Path, place: str) -> None:
    home = tmp_path / "home"
    make_home(home)
    with worker(work_until, home, place) as process:
        process.join()
        assert process.exitcode == -signal.SIGKILL, "it never came to this place"
    assert_as_a_clean_start(home, tmp_path / "clean")
