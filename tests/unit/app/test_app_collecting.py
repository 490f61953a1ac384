"""The gate before the log: what a person refuses is acknowledged, and never written."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from customering.app.engine import Engine
from customering.app.importing import import_files
from customering.app.live import Live
from customering.consent.model import STATUS_FACT
from customering.decision.model import DecisionRequest
from customering.decision.record import decision_of
from customering.events.mapping_file import read_mapping
from customering.events.model import (
    CONSENT_UPDATED,
    DECISION_MADE,
    FACT_CORRECTED,
    IDENTIFIERS_SEPARATED,
    RESTRICTION_UPDATED,
)
from customering.kernel.ids import Identifier
from town import NOON, OpenShop, assert_rebuild_changes_nothing, order, view

ADA = {"userId": "ada"}
PHONE = {"anonymousId": "phone"}
NAME = Identifier("user_id:ada")
NO: dict[str, Any] = {"purposes": {"personalize": "deny", "analytics": "deny"}}
YES: dict[str, Any] = {"purposes": {"personalize": "allow", "analytics": "allow"}}


def logged(engine: Engine) -> list[str]:
    """Give the ids of all events but our own."""
    return [
        event.event_id
        for block in engine.reading_log.read()
        for event in block.events()
        if event.source != "customering"
    ]


@pytest.fixture
def shop(open_shop: OpenShop) -> Engine:
    return open_shop(permitted=())


def test_a_refusal_drops_what_is_of_choice_and_nothing_else(shop: Engine) -> None:
    shop.ingest([order(ADA, 0, "milk"), view(ADA, 0, "a")])
    shop.note(CONSENT_UPDATED, [NAME], NO)
    page = {"type": "page", "messageId": "page", **ADA}
    taken = shop.ingest([view(ADA, 1, "b"), page, order(ADA, 1, "jam")])
    assert [event.name for event in taken.accepted] == ["Order Completed"]
    assert logged(shop) == ["order-ada-0-milk", "view-ada-0-a", "order-ada-1-jam"]
    assert shop.collecting.not_kept == {"visits": 2}
    # What was refused comes when it is sent again after the refusal was taken back.
    shop.note(CONSENT_UPDATED, [NAME], YES)
    shop.ingest([view(ADA, 1, "b")])
    assert logged(shop)[-1] == "view-ada-1-b"
    assert_rebuild_changes_nothing(shop)


def test_silence_loses_nothing(shop: Engine) -> None:
    taken = shop.ingest([view(ADA, 0, "a"), view(PHONE, 0, "b")])
    assert len(taken.accepted) == 2
    assert not shop.collecting.not_kept


def test_parts_are_left_out_of_what_is_recorded(shop: Engine) -> None:
    shop.ingest([order(ADA, 0, "milk")])
    shop.note(RESTRICTION_UPDATED, [NAME], {"purposes": {"restriction:all": "deny"}})
    sent: Any = order(ADA, 1, "jam") | {"context": {"ip": "203.0.113.9", "locale": "de"}}
    taken = shop.ingest([sent])
    assert taken.accepted[0].context == {"locale": "de"}
    assert [event.context for event in shop.reading_log.tail(1)] == [{"locale": "de"}]
    assert shop.collecting.not_kept == {"location": 1}


def test_a_refusal_holds_for_every_browser_of_the_person_and_no_other(shop: Engine) -> None:
    shop.ingest([order(ADA | PHONE, 0, "milk")])
    shop.note(CONSENT_UPDATED, [NAME], NO)
    shop.ingest([view(PHONE, 1, "a"), view({"anonymousId": "other"}, 1, "b")])
    assert logged(shop)[1:] == ["view-other-1-b"]
    # Another browser is theirs as soon as they say who they are on it.
    shop.ingest([order(ADA | {"anonymousId": "other"}, 2, "tea")])
    shop.ingest([view({"anonymousId": "other"}, 3, "c")])
    assert "view-other-3-c" not in logged(shop)
    # What is separated from them is not theirs any more.
    phone = Identifier("anonymous_id:phone")
    shop.note(IDENTIFIERS_SEPARATED, [NAME, phone], {})
    shop.ingest([view(PHONE, 4, "d"), view(ADA, 4, "e")])
    assert logged(shop)[-1] == "view-phone-4-d"


def test_a_refusal_of_a_browser_goes_with_it_to_the_person(shop: Engine) -> None:
    shop.note(CONSENT_UPDATED, [Identifier("anonymous_id:phone")], NO)
    # One event may be the first to tell that they are one: the stricter of its names counts.
    assert shop.ingest([view(ADA | PHONE, 0, "a")]).accepted == []
    assert len(shop.ingest([view(ADA, 0, "b")]).accepted) == 1
    shop.ingest([order(ADA | PHONE, 1, "milk")])
    assert shop.ingest([view(ADA, 2, "c")]).accepted == []


def test_a_status_counts_until_it_ends(open_shop: OpenShop) -> None:
    now = [NOON]
    shop = open_shop(permitted=(), present="")
    shop.clock = lambda: now[0]
    shop.ingest([order(ADA, 0, "milk")])

    def say(status: Any) -> None:
        shop.note(FACT_CORRECTED, [NAME], {"facts": {STATUS_FACT: status}})

    say({"status": "left", "since_ms": 1, "until_ms": NOON + 10})
    assert shop.ingest([view(ADA, 0, "a")]).accepted == []
    now[0] += 10
    assert len(shop.ingest([view(ADA, 0, "b")]).accepted) == 1
    say({"status": "left", "since_ms": 1})
    assert shop.ingest([view(ADA, 0, "c")]).accepted == []
    again = open_shop(permitted=(), present="")  # a status is found again in the stored profiles
    again.clock = shop.clock
    shop.__exit__(None, None, None)
    assert again.ingest([view(ADA, 0, "d")]).accepted == []
    now[0] += 1  # of two statements of one instant either may stand
    again.note(FACT_CORRECTED, [NAME], {"facts": {STATUS_FACT: None}})
    assert len(again.ingest([view(ADA, 0, "e")]).accepted) == 1


def test_a_refusal_holds_after_a_start_and_a_rebuild(open_shop: OpenShop) -> None:
    first = open_shop(permitted=())
    first.ingest([order(ADA, 0, "milk")])
    first.note(CONSENT_UPDATED, [NAME], NO)
    first.__exit__(None, None, None)
    again = open_shop(permitted=())
    assert again.ingest([view(ADA, 1, "a")]).accepted == []
    again.rebuild()
    assert again.ingest([view(ADA, 2, "b")]).accepted == []


def test_an_operator_may_record_nothing_before_somebody_is_asked(open_shop: OpenShop) -> None:
    shop = open_shop(permitted=(), overrides=("consent.before_asked=drop",))
    shop.ingest([order(ADA, 0, "milk"), view(ADA, 0, "a"), view(PHONE, 0, "b")])
    assert logged(shop) == ["order-ada-0-milk"]
    shop.note(CONSENT_UPDATED, [NAME], {"purposes": {"analytics.product": "allow"}})
    shop.ingest([view(ADA, 1, "c"), view(PHONE, 1, "d")])
    assert logged(shop) == ["order-ada-0-milk", "view-ada-1-c"]


def test_an_import_leaves_out_what_people_refuse(shop: Engine, tmp_path: Path) -> None:
    shop.ingest([order(ADA, 0, "milk")])
    shop.note(CONSENT_UPDATED, [NAME], NO)
    (tmp_path / "visits.csv").write_text("who,at,product\nada,2026-04-01,a\nbob,2026-04-01,b\n")
    how = read_mapping(
        'name = "visits"\nid = ["who"]\nevent = "Product Viewed"\noccurred_at = "at"\n'
        'identifiers.user_id = "who"\nproperties.product_id = "product"\n'
    )
    report = import_files(
        [(tmp_path / "visits.csv", how)],
        log=shop.log,
        quarantine=shop.quarantine,
        plan=shop.plan,
        settings=shop.settings.events,
        now_ms=shop.clock,
        sift=shop.collecting.sift,
    )
    assert (report.events, report.appended, report.not_kept) == (2, 1, 1)


# A running server


def running(engine: Engine, act: Callable[[Live], Awaitable[None]]) -> None:
    async def run() -> None:
        live = Live(engine)
        await live.start()
        try:
            await act(live)
        finally:
            await live.stop()

    asyncio.run(run())


def own(live: Live, name: str, properties: dict[str, Any]) -> Any:
    return live.engine.own_event(
        name, [NAME], properties, event_id=f"own-{name}-{properties}", occurred_at=live.present
    )


def test_what_is_not_recorded_is_acknowledged(shop: Engine) -> None:
    async def act(live: Live) -> None:
        await live.append([own(live, CONSENT_UPDATED, NO)])
        sent = [view(ADA, 0, "a"), order(ADA, 0, "milk"), view(PHONE, 0, "b")]
        told = await live.take(live.read(sent, source="web"))
        assert (told.events, told.quarantined, told.not_kept) == (3, 0, 1)

    running(shop, act)
    assert logged(shop) == ["order-ada-0-milk", "view-phone-0-b"]


def test_events_wait_for_what_the_person_is_just_saying(shop: Engine) -> None:
    """No event stands behind a refusal in the log, also when it came before it was acknowledged."""

    async def act(live: Live) -> None:
        await live.take(live.read([order(ADA | PHONE, 0, "milk")], source="web"))
        for number in range(20):
            refusal = asyncio.create_task(live.append([own(live, CONSENT_UPDATED, {
                **NO, "number": number})]))  # fmt: skip
            await asyncio.sleep(0)  # it is submitted, and not written yet
            await asyncio.gather(
                *(live.take(live.read([view(PHONE, number, str(n))], source="web"))
                  for n in range(3))
            )  # fmt: skip
            await refusal
            await live.append([own(live, CONSENT_UPDATED, {**YES, "number": number})])

    running(shop, act)
    assert logged(shop) == ["order-ada-phone-0-milk"]


def test_a_refusal_that_cannot_be_written_holds_nobody_up(
    shop: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(live: Live) -> None:
        append = shop.log.append
        monkeypatch.setattr(shop.log, "append", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await live.append([own(live, CONSENT_UPDATED, NO)])
        monkeypatch.setattr(shop.log, "append", append)
        await live.take(live.read([view(ADA, 0, "a")], source="web"))

    running(shop, act)
    assert logged(shop) == ["view-ada-0-a"]


def test_who_is_erased_and_comes_again_is_nobody_who_refused(shop: Engine) -> None:
    async def act(live: Live) -> None:
        await live.append([own(live, CONSENT_UPDATED, NO)])
        await live.take(live.read([view(ADA, 0, "a")], source="web"))
        live.forget([NAME])
        await live.take(live.read([view(ADA, 0, "b")], source="web"))

    running(shop, act)
    assert logged(shop) == ["view-ada-0-b"]


def test_where_a_decision_was_asked_for_is_a_visit_too(shop: Engine) -> None:
    place = DecisionRequest(placement="home", purpose="personalize.web", context={"page": "/a"})

    async def act(live: Live) -> None:
        await live.take(live.read([order(ADA, 0, "milk")], source="web"))
        live.decide([NAME], place)
        await live.append([own(live, CONSENT_UPDATED, NO)])
        made = live.decide([NAME], place)
        assert made.context == {"page": "/a"}  # it may be used for the answer, and is not kept

    running(shop, act)
    kept = [event for event in shop.reading_log.tail(9) if event.name == DECISION_MADE]
    assert [event.properties.get("context") for event in kept] == [{"page": "/a"}, None]
    assert decision_of(kept[1]).context == {}
