"""Erasure of a part: what was named is in no file any more, and everything else is as it was."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from canary import BEN, event_of, fill, found_in, of_others, payload
from customering.app import erasing_home, erasing_part_home
from customering.app.backup import back_up, restore
from customering.app.deciding import request_for
from customering.app.engine import Engine
from customering.app.erasing_certificate import Certificate
from customering.consent.rights_scope import Scope
from customering.decision.record import decision_of
from customering.decision.record import event_of as event_of_decision
from customering.events.model import (
    CONSENT_UPDATED,
    DECISION_MADE,
    FACT_CORRECTED,
    IDENTIFIERS_JOINED,
)
from customering.kernel.clock import MS_PER_DAY
from customering.kernel.errors import Invalid, NoSuchPerson, Refused
from customering.kernel.ids import Identifier
from customering.stores.erasing_journal import ErasureJournal
from customering.stores.history import History
from customering.stores.sqlite_log import SqliteLog
from town import NOON, OpenShop, assert_rebuild_changes_nothing, order, view

DORA = Identifier("user_id:dora")
WHO = {"userId": "dora"}
BROWSER = {"anonymousId": "dora-browser"}
MAIL = "dora.mail@example.org"
GOES = "canary7"  # what `found_in` looks for


def visits(token: str) -> list[dict[str, Any]]:
    return [
        # It shows that the browser is hers, so the identifiers of it stay, and nothing else.
        payload("page", name=f"{token} page", messageId="v1", **WHO, **BROWSER),
        payload("page", name=f"{token} another", messageId="v2", **BROWSER),
        payload(
            "track",
            event="Products Searched",
            properties={"query": f"{token} words"},
            context={"page": {"url": f"https://shop.example/?q={token}"}},
            messageId="v3",
            **WHO,
        ),
        view({"anonymousId": "dora-phone"}, 1, f"{token}-product"),
    ]


def purchases(token: str) -> list[dict[str, Any]]:
    bought = order(WHO, 3, "milk", "bread", cents=700)
    bought["properties"] |= {"gift_message": f"{token} with love"}
    return [bought]


def messages(token: str) -> list[dict[str, Any]]:
    told = {"topic": "late", "text": f"{token} it is late"}
    return [payload("track", event="Ticket Opened", properties=told, messageId="t1", **WHO)]


def declared(token: str) -> list[dict[str, Any]]:
    return [
        payload("identify", traits={"hobby": f"{token} hobby"}, messageId="i1", **WHO),
        payload(
            "identify", traits={"size": f"{token} L"}, messageId="i2", anonymousId="dora-phone",
            **WHO,
        ),
    ]  # fmt: skip


ALL = {"visits": visits, "purchases": purchases, "messages": messages, "declared": declared}


def live_of(engine: Engine, category: str, *, learns: bool = False) -> None:
    """Give a person a life with a token in one category, and none in the others."""
    fill(engine, of_others())
    for name, act in ALL.items():
        fill(engine, act(GOES if name == category else "plain"))
    engine.note(CONSENT_UPDATED, (DORA,), {"purposes": {"marketing.email": "deny"}})
    engine.note(FACT_CORRECTED, (DORA,), {"facts": {"relationship_status": {"status": "regular"}}})
    engine.catch_up()
    engine.copy_to_history()
    if learns:
        engine.rebuild()
        engine.learn()
    engine.decide(DORA, request_for("home", "", 2))


def erase(engine: Engine, who: Identifier, **scope: Any) -> Certificate:
    engine.begin_erasure(who, scope=Scope(**scope))
    done = engine.finish_erasures()[-1]
    engine.catch_up()
    return done


def person(engine: Engine, who: Identifier = DORA) -> Any:
    return engine.people.read(who, now_ms=NOON * 2)


@pytest.mark.parametrize("category", sorted(ALL))
def test_a_category_is_in_no_file_any_more_and_the_others_are_as_they_were(
    open_shop: OpenShop, tmp_path: Path, category: str
) -> None:
    engine = open_shop()
    live_of(engine, category, learns=category == "visits")
    assert len(found_in(engine.home.folder)) > 1
    before = person(engine)

    certificate = msgspec.json.decode(erase(engine, DORA, category=category).text)

    assert found_in(engine.home.folder) == []
    assert certificate["scope"] == {"category": category}
    assert engine.log.verify().events == engine.log.end
    after = person(engine)
    assert after.identifiers == before.identifiers
    assert after.consent == before.consent
    kinds = {e.name for e in engine.people.timeline(after, 50)}
    assert ("Order Completed" in kinds) == (category != "purchases")
    assert ("Ticket Opened" in kinds) == (category != "messages")
    assert ("Products Searched" in kinds) == (category != "visits")
    assert ("hobby" in after.values["declared"]) == (category != "declared")
    assert after.values["declared"]["relationship_status"] == {"status": "regular"}
    assert after.values["orders_total"] == (0 if category == "purchases" else 1)
    back_up(engine.home, tmp_path / "copy", NOON)
    assert found_in(tmp_path / "copy") == []
    assert_rebuild_changes_nothing(engine)
    assert person(engine, Identifier("user_id:ben")).values["orders_total"] == 4


def test_what_was_erased_stays_out_when_it_is_sent_again_and_the_rest_is_let_in(
    open_shop: OpenShop,
) -> None:
    engine = open_shop()
    live_of(engine, "visits")
    erase(engine, DORA, category="visits")
    end = engine.log.end
    late = payload("page", name=f"{GOES} late", messageId="late", **WHO)
    fill(engine, [*visits(GOES), late])
    assert engine.log.end == end
    order_late = order(WHO, 5, "apple")
    fill(engine, [order_late])
    assert engine.log.end == end + 1
    now = msgspec.structs.replace(
        event_of("now", DORA, at=engine.present + MS_PER_DAY), name="Product Viewed"
    )
    assert engine.log.append([now]).appended == 1
    assert found_in(engine.home.folder) == []


def test_a_time_goes_and_what_is_permitted_and_wished_stays(open_shop: OpenShop) -> None:
    engine = open_shop()
    fill(engine, of_others())
    early = order(WHO, 1, "milk")
    early["properties"]["gift_message"] = f"{GOES} early"
    fill(engine, [early, *messages(GOES), order(WHO, 9, "milk")])
    told = {"facts": {"relationship_status": {"status": "regular"}, "hobby": f"{GOES} hobby"}}
    engine.append(
        [
            msgspec.structs.replace(
                event_of("f", DORA, at=NOON), name=FACT_CORRECTED, properties=told
            )
        ]
    )
    erase(engine, DORA, before_ms=NOON + 5 * MS_PER_DAY)
    assert found_in(engine.home.folder) == []
    after = person(engine)
    assert after.values["orders_total"] == 1
    assert after.values["declared"] == {"relationship_status": {"status": "regular"}}
    assert_rebuild_changes_nothing(engine)


def test_where_somebody_was_goes_from_events_that_stay(open_shop: OpenShop) -> None:
    engine = open_shop()
    bought = order(WHO, 1, "milk")
    bought["context"] = {"ip": "10.0.0.7", "location": {"city": GOES}, "os": {"name": "plan9"}}
    bought["properties"]["shippingAddress"] = f"{GOES} street"
    fill(engine, [*of_others(), bought])
    fill(engine, [payload("track", event="Location Visited", properties={"a": GOES}, **WHO)])
    erase(engine, DORA, category="location")
    kept = next(e for e in engine.people.timeline(person(engine), 9) if e.name.startswith("Order"))
    assert "location" not in kept.context
    assert kept.context["os"] == {"name": "plan9"}
    assert "shippingAddress" in kept.properties
    erase(engine, DORA, category="contact.post")
    assert found_in(engine.home.folder) == []
    assert person(engine).values["orders_total"] == 1
    assert_rebuild_changes_nothing(engine)


def test_an_address_goes_and_a_no_said_under_it_still_holds(open_shop: OpenShop) -> None:
    engine = open_shop()
    mail = Identifier(f"email:{GOES}.mail@example.org")
    told = {"email": mail.removeprefix("email:"), "city": "Ulm"}
    fill(engine, [*of_others(), payload("identify", traits=told, messageId="i", **WHO)])
    fill(engine, purchases("plain"))
    engine.note(IDENTIFIERS_JOINED, (DORA, mail), {})
    engine.note(CONSENT_UPDATED, (mail,), {"purposes": {"personalize.offers": "deny"}})
    assert "personalize.offers" in person(engine).refused
    erase(engine, DORA, category="contact.email")
    assert found_in(engine.home.folder) == []
    after = person(engine)
    assert "personalize.offers" in after.refused
    assert after.identifiers == (DORA,)
    assert after.values["declared"]["city"] == "Ulm"
    with pytest.raises(NoSuchPerson):
        person(engine, mail)
    assert_rebuild_changes_nothing(engine)
    with pytest.raises(Refused):
        engine.begin_erasure(DORA, scope=Scope(category="contact.email"))
    alone = Identifier("email:only@example.org")
    engine.append([event_of("alone", alone)])
    with pytest.raises(Refused):
        engine.begin_erasure(alone, scope=Scope(category="contact.email"))


def test_a_decision_by_which_we_got_in_touch_is_emptied_and_still_counts(
    open_shop: OpenShop,
) -> None:
    engine = open_shop()
    fill(engine, [*of_others(), *purchases("plain")])
    made = engine.decide(DORA, request_for("home", "", 1))
    engine.decide(DORA, request_for("list", "", 1))
    mailed = event_of_decision(made, (DORA,), NOON)
    mailed.properties.update(contact=f"{mailed.occurred_at} email {GOES}-coupon")
    engine.append([msgspec.structs.replace(mailed, event_id="mailed")])
    erase(engine, DORA, category="purchases")
    assert found_in(engine.home.folder) == []
    kept = [e for e in engine.people.timeline(person(engine), 20) if e.name == DECISION_MADE]
    assert [one.event_id for one in kept] == ["mailed"]
    read = decision_of(kept[0])
    assert (read.chosen, read.candidates) == (("[erased]",), ())
    assert person(engine).values["recent_contacts"] == [f"{mailed.occurred_at} email [erased]"]
    assert_rebuild_changes_nothing(engine)


def test_who_leaves_a_model_is_not_scored_and_gone_from_it_when_it_is_fitted(
    open_shop: OpenShop,
) -> None:
    engine = open_shop()
    live_of(engine, "visits", learns=True)
    engine.begin_erasure(DORA, scope=Scope(model="taste"))
    assert engine.finish_erasures() == []
    engine.catch_up()
    assert "personalize.offers" in person(engine).refused
    waiting = engine.journal.waiting()
    assert [one.scope.model for one in waiting] == ["taste"]
    engine.learn()
    assert engine.journal.waiting() == []
    text = engine.journal.certificate(waiting[0].request_id)
    assert text is not None
    told = msgspec.json.decode(text)
    assert told["scope"] == {"model": "taste"}
    assert [one["model"] for one in told["models"]] == ["taste"]
    assert told["models"][0]["influence"].startswith("gone")
    assert len(engine.people.timeline(person(engine), 50)) > 5


@pytest.mark.parametrize(
    ("step", "calls"),
    [("note_work", 1), ("replace", 2), ("publish", 1), ("_fold_part_again", 1), ("scrub_all", 1)],
)
def test_one_that_was_cut_off_is_completed_at_the_next_start(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch, step: str, calls: int
) -> None:
    small = ("events.block_events_max=2",)
    engine = open_shop(overrides=small)
    live_of(engine, "visits")
    engine.copy_to_history()
    orders = person(engine).values["orders_total"]

    class PowerCut(BaseException):
        pass

    left = calls
    place: Any = {
        "note_work": ErasureJournal, "finish": ErasureJournal, "replace": SqliteLog,
        "publish": History,
        "_fold_part_again": erasing_part_home,
    }.get(step, erasing_home)  # fmt: skip
    act = getattr(place, step)

    def acted(*arguments: Any, **named: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            raise PowerCut
        return act(*arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(place, step, acted)
        with pytest.raises(PowerCut):
            erase(engine, DORA, category="visits")
    assert engine.journal.pending()
    engine.__exit__(None, None, None)
    opened = open_shop(overrides=small)
    opened.catch_up()
    assert opened.journal.pending() == []
    assert found_in(opened.home.folder) == []
    assert person(opened).values["orders_total"] == orders
    assert set(person(opened).identifiers) == {
        DORA, "anonymous_id:dora-browser", "anonymous_id:dora-phone",
    }  # fmt: skip
    assert opened.log.verify().events == opened.log.end
    assert_rebuild_changes_nothing(opened)


def test_it_is_done_again_in_a_home_restored_from_an_older_backup(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    engine = open_shop()
    live_of(engine, "visits")
    back_up(engine.home, tmp_path / "old", NOON)
    erase(engine, DORA, category="visits")
    engine.begin_erasure(DORA, scope=Scope(model="value"))
    engine.finish_erasures()
    restore(tmp_path / "old", tmp_path / "restored")
    restored = open_shop(folder="restored")
    assert restored.take_erasures_from(engine.home.folder) == 2
    restored.catch_up()
    assert found_in(restored.home.folder) == []
    assert "profile.value_scoring" in person(restored).refused
    assert [one.scope.model for one in restored.journal.waiting()] == ["value"]
    assert_rebuild_changes_nothing(restored)


@pytest.mark.parametrize(
    "scope",
    [
        {"category": "nonsense"},
        {"model": "nonsense"},
        {"model": "taste", "category": "visits"},
        {"model": "taste", "before_ms": 1},
        {"category": "contact.email", "since_ms": 1},
        {"since_ms": 5, "before_ms": 5},
    ],
)
def test_what_cannot_be_erased_is_refused(open_shop: OpenShop, scope: dict[str, Any]) -> None:
    engine = open_shop()
    fill(engine, of_others())
    with pytest.raises(Invalid):
        engine.begin_erasure(Identifier("user_id:ben"), scope=Scope(**scope))
    with pytest.raises(Invalid):
        engine.begin_erasure(Identifier("user_id:ben"), "never", scope=Scope(category="visits"))
    assert engine.journal.erasures() == []
    assert BEN
