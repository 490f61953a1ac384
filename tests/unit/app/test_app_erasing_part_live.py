"""Erasure of a part in a running home: in force at once, and everything else goes on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from test_app_erasing_part import ALL, DORA, GOES, WHO, messages, purchases, visits

from canary import found_in, of_others
from customering.app.engine import Engine
from customering.app.live import Live
from customering.app.rights_desk import RightsDesk
from customering.consent.rights_scope import Scope
from customering.decision.model import DecisionRequest
from customering.events.model import CONSENT_UPDATED
from customering.kernel.errors import Invalid, Refused, Unavailable
from customering.kernel.ids import Identifier
from town import NOON, OpenShop, assert_rebuild_changes_nothing

HOME = DecisionRequest(placement="home", purpose="personalize.web", slots=2)


def running(engine: Engine, act: Callable[[Live, RightsDesk], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        live = Live(engine)
        await live.start()
        try:
            return await act(live, RightsDesk(live))
        finally:
            await live.stop()

    return asyncio.run(run())


async def send(live: Live, *payloads: dict[str, Any]) -> None:
    await live.take(live.read(payloads, source="web"))


async def send_a_life(live: Live, category: str) -> None:
    await send(live, *of_others())
    for name, act in ALL.items():
        await send(live, *act(GOES if name == category else "plain"))


@pytest.mark.parametrize("category", ["visits", "declared"])
def test_it_is_in_force_when_it_returns_and_its_bytes_are_gone_soon_after(
    open_shop: OpenShop, category: str
) -> None:
    engine = open_shop()

    async def act(live: Live, desk: RightsDesk) -> None:
        await send_a_life(live, category)
        await live.keeping.checkpoint()
        live.decide([DORA], HOME)
        before = live.person(DORA)
        erasure = await desk.erase(DORA, actor="person", scope=Scope(category=category))
        now = live.person(DORA)
        assert now.identifiers == before.identifiers
        assert GOES not in str(now.state)
        certificate = msgspec.json.decode(await desk.certificate(erasure.request_id))
        assert certificate["scope"] == {"category": category}
        assert found_in(engine.home.folder) == []
        await asyncio.sleep(0.2)
        (request,) = await desk.requests_of(DORA)
        assert (request.status, request.scope) == ("fulfilled", Scope(category=category))
        after = live.person(DORA)
        assert after.values["orders_total"] == 1
        assert (await desk.looks_at(DORA))[0].words

    running(engine, act)
    assert engine.log.verify().events == engine.log.end
    assert_rebuild_changes_nothing(engine)


def test_what_happens_meanwhile_is_kept(open_shop: OpenShop) -> None:
    engine = open_shop()

    async def act(live: Live, desk: RightsDesk) -> None:
        await send_a_life(live, "visits")
        erasure = await desk.erase(DORA, actor="person", scope=Scope(category="visits"))
        own = engine.own_event(
            "Product Viewed", (DORA,), {"product_id": "after"}, event_id="after",
            occurred_at=NOON * 2 + 5,
        )  # fmt: skip
        await asyncio.gather(
            desk.certificate(erasure.request_id),
            live.append([own]),
            live.keeping.checkpoint(),
            send(live, *visits(GOES), *purchases("plain")),
        )
        await live.keeping.checkpoint()

    running(engine, act)
    assert found_in(engine.home.folder) == []
    kept = [e for block in engine.log.read() for e in block.events() if DORA in e.identifiers]
    assert "after" in {event.event_id for event in kept}
    assert_rebuild_changes_nothing(engine)


def test_an_address_goes_while_a_no_said_under_it_holds(open_shop: OpenShop) -> None:
    engine = open_shop()
    mail = f"{GOES}.mail@example.org"

    async def act(live: Live, desk: RightsDesk) -> None:
        told = {"type": "identify", "traits": {"email": mail}, "timestamp": "2026-03-02", **WHO}
        tied = {"externalIds": [{"type": "email", "id": mail}]}
        await send(live, *of_others(), {**told, "context": tied}, *messages("plain"))
        refused = engine.own_event(
            CONSENT_UPDATED, (Identifier(f"email:{mail}"),),
            {"purposes": {"personalize.offers": "deny"}}, event_id="no", occurred_at=NOON + 5,
        )  # fmt: skip
        await live.append([refused])
        assert "personalize.offers" in live.person(DORA).refused
        scope = Scope(category="contact.email")
        erasure = await desk.erase(DORA, actor="person", scope=scope)
        now = live.person(DORA)
        assert GOES not in str(now.identifiers) + str(now.values)
        assert "personalize.offers" in now.refused
        await desk.certificate(erasure.request_id)
        assert found_in(engine.home.folder) == []
        assert "personalize.offers" in live.person(DORA).refused
        with pytest.raises(Refused):
            await desk.erase(DORA, actor="person", scope=scope)
        with pytest.raises(Invalid):
            await desk.erase(DORA, actor="person", scope=Scope(category="nonsense"))
        assert len(await desk.requests_of(DORA)) == 1

    running(engine, act)
    assert_rebuild_changes_nothing(engine)


def test_a_model_is_left_at_once_and_certified_when_it_was_fitted(open_shop: OpenShop) -> None:
    engine = open_shop()

    async def act(live: Live, desk: RightsDesk) -> str:
        await send_a_life(live, "visits")
        erasure = await desk.erase(DORA, actor="person", scope=Scope(model="taste"))
        assert "personalize.offers" in live.person(DORA).refused
        with pytest.raises(Unavailable):
            await desk.certificate(erasure.request_id)
        assert (await desk.request(erasure.request_id)).status == "in_progress"
        return erasure.request_id

    request_id = running(engine, act)
    engine.learn()
    engine.__exit__(None, None, None)

    async def look(live: Live, desk: RightsDesk) -> None:
        assert (await desk.request(request_id)).status == "fulfilled"
        assert b"fitted anew" in await desk.certificate(request_id)

    running(open_shop(), look)
