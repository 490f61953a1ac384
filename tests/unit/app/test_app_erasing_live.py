"""Erasure in a running home: in force at once, complete while everything goes on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from canary import (
    ADA,
    BROWSER,
    USER,
    event_of,
    found_in,
    mentions,
    of_others,
    of_the_person,
)
from customering.app import erasing_live
from customering.app.engine import Engine
from customering.app.erasing_live import LiveErasing
from customering.app.live import Live
from customering.decision.model import DecisionRequest
from customering.kernel.errors import Absent, NoSuchPerson, Unavailable
from customering.kernel.ids import Identifier
from town import OpenShop, assert_rebuild_changes_nothing, assert_same_profiles, profiles_of, view

HOME = DecisionRequest(placement="home", purpose="personalize.web", slots=2)
BEN = Identifier("user_id:ben")


def running(engine: Engine, act: Callable[[Live, LiveErasing], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        live = Live(engine)
        await live.start()
        try:
            return await act(live, LiveErasing(live))
        finally:
            await live.stop()

    return asyncio.run(run())


async def send(live: Live, *payloads: dict[str, Any]) -> None:
    await live.take(live.read(payloads, source="web"))


def test_it_is_in_force_when_it_returns_and_its_bytes_are_gone_soon_after(
    open_shop: OpenShop,
) -> None:
    engine, never = open_shop(), open_shop(folder="never")
    never.ingest(of_others(), source="web")

    async def act(live: Live, erasing: LiveErasing) -> None:
        await send(live, *of_others()[:5])
        await send(live, *of_the_person())
        await live.keeping.checkpoint()
        await send(live, *of_others()[5:])
        decision = live.decide([ADA], HOME)
        erasure = await erasing.erase(ADA)
        assert list(erasing.under_way) == [erasure.request_id]
        with pytest.raises(NoSuchPerson):
            live.person(ADA)
        with pytest.raises(NoSuchPerson):
            live.person(Identifier(f"anonymous_id:{BROWSER}"))
        certificate = msgspec.json.decode(await erasing.finished(erasure.request_id))
        assert certificate["request_id"] == erasure.request_id
        assert certificate["write_ahead_logs_still_read"] == []
        with pytest.raises(Absent):
            await live.decision(decision.decision_id)
        assert found_in(engine.home.folder) == []
        assert not erasing.under_way
        assert live.person(BEN).values["orders_total"] == 4

    running(engine, act)
    assert_same_profiles(
        profiles_of(engine)._replace(offset=0), profiles_of(never)._replace(offset=0)
    )
    assert engine.log.verify().events == engine.log.end
    assert_rebuild_changes_nothing(engine)


def test_while_it_is_completed_others_and_a_new_beginning_go_on(open_shop: OpenShop) -> None:
    engine = open_shop()

    async def act(live: Live, erasing: LiveErasing) -> None:
        await send(live, *of_others(), *of_the_person(), *mentions())
        erasure = await erasing.erase(ADA)
        await live.append([event_of("new-1", ADA)])
        await asyncio.gather(
            erasing.finished(erasure.request_id),
            live.keeping.checkpoint(),
            send(live, *of_the_person(), view({"userId": "ben"}, 9, "milk")),
            live.append([event_of("new-2", ADA, f"device:{USER}")]),
        )
        await live.keeping.checkpoint()
        assert live.person(ADA).identifiers == (ADA, f"device:{USER}")
        assert live.person(ADA).values["orders_total"] == 0
        with pytest.raises(NoSuchPerson):
            live.person(Identifier(f"anonymous_id:{BROWSER}"))

    running(engine, act)
    events = [e for block in engine.log.read() for e in block.events() if ADA in e.identifiers]
    assert [event.event_id for event in events] == ["new-1", "new-2"]
    assert_rebuild_changes_nothing(engine)


def test_what_was_on_its_way_when_it_was_asked_is_erased_too(open_shop: OpenShop) -> None:
    engine = open_shop()

    async def act(live: Live, erasing: LiveErasing) -> None:
        await send(live, *of_the_person(), *of_others())
        on_their_way = [
            asyncio.create_task(send(live, view({"userId": USER}, day, "milk")))
            for day in range(50)
        ]
        await asyncio.sleep(0)
        erasure = await erasing.erase(ADA)
        await asyncio.gather(*on_their_way)
        await erasing.finished(erasure.request_id)
        with pytest.raises(NoSuchPerson):
            live.person(ADA)
        await live.keeping.checkpoint()
        assert found_in(engine.home.folder) == []

    running(engine, act)
    assert_rebuild_changes_nothing(engine)


def test_a_server_that_is_stopped_amid_an_erasure_completes_it_at_the_next_start(
    open_shop: OpenShop,
) -> None:
    engine = open_shop()

    async def act(live: Live, erasing: LiveErasing) -> str:
        await send(live, *of_the_person(), *of_others(), *mentions())
        erasure = await erasing.erase(ADA)
        erasing._stopping.set()
        with pytest.raises(Unavailable):
            await erasing.finished(erasure.request_id)
        return erasure.request_id

    request_id = running(engine, act)
    assert found_in(engine.home.folder)
    engine.__exit__(None, None, None)
    again = open_shop()

    async def look(live: Live, erasing: LiveErasing) -> None:
        assert msgspec.json.decode(await erasing.finished(request_id))["request_id"] == request_id
        assert found_in(again.home.folder) == []

    running(again, look)
    assert_rebuild_changes_nothing(again)


def test_two_people_at_once(open_shop: OpenShop) -> None:
    engine = open_shop()

    async def act(live: Live, erasing: LiveErasing) -> None:
        await send(live, *of_the_person(), *of_others())
        both = await asyncio.gather(erasing.erase(ADA), erasing.erase(BEN))
        await asyncio.gather(*(erasing.finished(one.request_id) for one in both))
        for who in (ADA, BEN):
            with pytest.raises(NoSuchPerson):
                live.person(who)
        with pytest.raises(NoSuchPerson):
            await erasing.erase(ADA)

    running(engine, act)
    assert {anchor for anchor, _ in engine.state.scan()} == {
        "anonymous_id:till",
        "user_id:cleo",
    }
    assert_rebuild_changes_nothing(engine)


def test_what_fails_is_tried_again_while_it_stays_in_force(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_shop()
    monkeypatch.setattr(erasing_live, "_AGAIN_SECONDS", 0.01)
    remove, left = erasing_live.remove_from_history, 3

    def fails(*arguments: Any) -> Any:
        nonlocal left
        left -= 1
        if left > 0:
            raise OSError("no room")
        return remove(*arguments)

    async def act(live: Live, erasing: LiveErasing) -> None:
        await send(live, *of_the_person(), *of_others(), *mentions())
        await live.in_thread(engine.copy_to_history)
        monkeypatch.setattr(erasing_live, "remove_from_history", fails)
        erasure = await erasing.erase(ADA)
        with pytest.raises(NoSuchPerson):
            live.person(ADA)
        await erasing.finished(erasure.request_id)
        assert left == 0
        await live.keeping.checkpoint()
        assert found_in(engine.home.folder) == []

    running(engine, act)
    assert_rebuild_changes_nothing(engine)
