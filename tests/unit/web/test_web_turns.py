"""Turns: one in each round of the loop, in order, whoever gives up; what waits is bounded."""

import asyncio
from collections.abc import Callable, Coroutine
from itertools import pairwise
from typing import Any

import pytest

from customering.kernel.errors import Overloaded
from customering.web.turns import Turns


def _begun_in(turns: Turns, names: str, told: list[Any]) -> list[asyncio.Task[None]]:
    async def work(name: str) -> None:
        await turns.take(10)
        told.append(name)

    return [asyncio.create_task(work(name)) for name in names]


def _run(act: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(act())


def test_one_begins_in_each_round_and_others_come_between() -> None:
    async def act() -> None:
        told: list[Any] = []
        tasks = _begun_in(Turns(1_000), "abcd", told)
        seen = []
        while len(told) < len(tasks):
            await asyncio.sleep(0)
            seen.append(len(told))
        assert told == list("abcd")
        assert all(later - earlier <= 1 for earlier, later in pairwise(seen))

    _run(act)


def test_who_gives_up_keeps_nobody_waiting() -> None:
    async def act() -> None:
        told: list[Any] = []
        turns = Turns(1_000)
        tasks = _begun_in(turns, "abc", told)
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.wait(tasks)
        assert told == ["a", "c"]
        await asyncio.sleep(0)
        (again,) = _begun_in(turns, "d", told)
        await again
        assert told == ["a", "c", "d"]

    _run(act)


def test_what_waits_is_bounded() -> None:
    async def act() -> None:
        told: list[Any] = []
        turns = Turns(25)
        tasks = _begun_in(turns, "abcde", told)
        await asyncio.wait(tasks)
        assert told == ["a", "b", "c"]  # the first did not wait
        for task in tasks[3:]:
            with pytest.raises(Overloaded):
                await task
        await turns.take(1_000)  # alone it may be larger than what may wait

    _run(act)
