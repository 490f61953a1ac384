"""What a person does on their page works on the very next decision, and can be taken back."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from customering.app.deciding import request_for
from customering.app.portal_links import Unsubscribing, unsubscribe_token
from customering.app.timeline import life_of
from customering.decision.model import Decision
from customering.kernel.ids import Identifier
from portal_doors import Browser, PortalDoors, receipts_of, with_portal, without_chance
from portal_town import ACTIONS, identified, life_of_a_regular
from town import NOON, OpenShop

ADA = "ada@example.org"
WHO = Identifier("user_id:ada")
TRUTH = {"decision.exploration_share": 0.0, "decision.control_share": 0.0}


@pytest.fixture
def shop(open_shop: OpenShop) -> Any:
    engine = open_shop(overrides=tuple(f"{name}={value}" for name, value in TRUTH.items()))
    (engine.home.folder / "actions.toml").write_text(ACTIONS)
    return engine


async def ada(doors: PortalDoors, *, orders: int = 4) -> Browser:
    """Let Ada live a while, and sign her in."""
    await doors.take(identified("ada", NOON, firstName="Ada", city="Vienna", diet="vegetarian"))
    await doors.take(*life_of_a_regular("ada", NOON, orders=orders))
    return await Browser(doors).sign_in(ADA)


def decided(doors: PortalDoors, place: str = "home", channel: str = "") -> Decision:
    return doors.live.decide([WHO], request_for(place, channel, 3))


def titles(decision: Decision) -> list[str]:
    return [pick.title for pick in decision.picks if pick.action_id != "leave_alone"]


def test_what_is_refused_is_used_no_more(shop: Any, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        assert decided(doors).choice == "best"
        await browser.get("/me/allow")
        await browser.post("/me/allow", purpose__personalize__web="deny")
        assert "holds from now on" in browser.text
        assert decided(doors).choice == "common"
        await browser.post("/me/allow", purpose__personalize__web="allow")
        assert decided(doors).choice == "best"

    with_portal(shop, tmp_path, story)


def test_one_click_refuses_everything_that_can_be_refused(shop: Any, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        await browser.get("/me/allow")
        await browser.post("/me/allow/nothing")
        view = await browser.json("/me/allow.json")
        assert (view["allowed"], view["open"] > 10) == (0, True)
        assert all(one["permitted"] for one in view["groups"]["needed"])
        assert titles(decided(doors)) == []

    with_portal(shop, tmp_path, story)


@pytest.mark.parametrize("word", ["on_a_break", "just_a_transaction", "not_that_into_you", "left"])
def test_a_standing_ends_offers_until_it_is_taken_back(
    shop: Any, tmp_path: Path, word: str
) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        assert titles(decided(doors))
        await browser.get("/me")
        await browser.post("/me/standing", standing=word, until="")
        view = await browser.json("/me/index.json")
        assert (view["status"], view["set_by"]) == (word, "person")
        assert titles(decided(doors)) == []
        await browser.post("/me/standing", standing="none")
        assert titles(decided(doors))

    with_portal(shop, tmp_path, story)


def test_a_break_ends_on_its_day_and_not_in_the_past(shop: Any, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        await browser.get("/me")
        for until in ("2026-05-01", "soon", "9999-99-99", "2026-07-01T10:00:00"):
            answer = await browser.post("/me/standing", standing="on_a_break", until=until)
            assert answer.status == 400, until
            await browser.get("/me")
        await browser.post("/me/standing", standing="on_a_break", until="2026-07-01")
        assert (await browser.json("/me/index.json"))["until"] == "2026-07-01"
        assert "until 1 July 2026" in browser.text

    with_portal(shop, tmp_path, story)


def test_contact_is_as_often_and_when_it_is_wished(shop: Any, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        await browser.get("/me/allow")
        await browser.post("/me/allow", purpose__marketing__email="allow")
        await browser.get("/me")
        # The present is midnight UTC, two in the morning in Vienna.
        await browser.post("/me/contact", times="", begins="08:00", ends="20:00", zone="UTC")
        decision = decided(doors, channel="email")
        assert titles(decision) == []
        assert {one.lost for one in decision.candidates if one.lost} & {"quiet_hours"}
        await browser.post("/me/contact", times="0", span="month", begins="", ends="")
        assert (await browser.json("/me/index.json"))["contact"]["times"] == 0
        decision = decided(doors, channel="email")
        assert titles(decision) == []
        for fields in (
            {"times": "x"},
            {"begins": "08:00"},
            {"begins": "8", "ends": "9"},
            {"span": "era"},
        ):
            await browser.get("/me")
            assert (await browser.post("/me/contact", **fields)).status == 400

    with_portal(shop, tmp_path, story)


def test_what_is_corrected_stands_before_what_was_seen(shop: Any, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        seen = await fact(browser, "orders_total")
        assert (seen["provenance"], seen["value"], seen["since"] is not None) == (
            "observed",
            5,
            True,
        )
        await browser.post("/me/facts/correct", name="orders_total", value="7")
        said = await fact(browser, "orders_total")
        assert (said["provenance"], said["value"]) == ("declared", 7)
        assert doors.live.person(WHO).values["orders_total"] == 7
        await browser.post("/me/facts/forget", name="orders_total")
        assert (await fact(browser, "orders_total"))["provenance"] == "observed"
        await browser.post("/me/facts/correct", name="city", value="Linz")
        assert (await fact(browser, "city"))["value"] == "Linz"
        await doors.take(identified("ada", NOON + 1, city="Graz") | {"messageId": "again"})
        assert (await fact(browser, "city"))["value"] == "Linz"  # a correction stands

    with_portal(shop, tmp_path, story)


def test_what_is_hidden_is_used_no_more(shop: Any, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        await fact(browser, "orders_total")
        await browser.post("/me/facts/hide", name="orders_total", use="no")
        await browser.post("/me/facts/hide", name="diet", use="no")
        assert (await fact(browser, "orders_total"))["is_hidden"]
        values = doors.live.person(WHO).values
        assert "orders_total" not in values
        assert "diet" not in values["declared"]
        assert "city" in values["declared"]
        await browser.post("/me/facts/hide", name="orders_total", use="yes")
        assert doors.live.person(WHO).values["orders_total"] == 5
        assert "diet" not in doors.live.person(WHO).values["declared"]

    with_portal(shop, tmp_path, story)


@pytest.mark.parametrize(
    ("act", "fields", "status"),
    [
        ("correct", {"name": "relationship_status", "value": "x"}, 404),
        ("correct", {"name": "hidden_facts", "value": "x"}, 404),
        ("correct", {"name": "no_such_fact", "value": "x"}, 404),
        ("correct", {"name": "city", "value": ""}, 400),
        ("correct", {"name": "city", "value": "x" * 501}, 400),
        ("correct", {"name": "orders_total", "value": "many"}, 400),
        ("correct", {"name": "orders_total", "value": "nan"}, 400),
        ("correct", {"name": "top_products", "value": "x"}, 400),
        ("forget", {"name": "orders_total"}, 400),
        ("hide", {"name": "relationship_status", "use": "no"}, 404),
    ],
)
def test_only_facts_are_changed_and_only_to_what_they_can_be(
    shop: Any, tmp_path: Path, act: str, fields: dict[str, str], status: int
) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        await browser.get("/me/facts")
        assert (await browser.post(f"/me/facts/{act}", **fields)).status == status

    with_portal(shop, tmp_path, story)


async def fact(browser: Browser, name: str) -> Any:
    await browser.get("/me/facts")
    groups = (await browser.json("/me/facts.json"))["facts"].values()
    return next(one for group in groups for one in group if one["name"] == name)


def test_this_is_not_me_takes_it_away(shop: Any, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        names = {one["identifier"] for one in (await browser.json("/me/identity.json"))["names"]}
        assert {"user_id:ada", f"email:{ADA}", "loyalty_card:29-ada"} <= names
        await browser.get("/me/identity")
        await browser.post("/me/identity/not-me", identifier="loyalty_card:29-ada")
        names = {one["identifier"] for one in (await browser.json("/me/identity.json"))["names"]}
        assert "loyalty_card:29-ada" not in names
        assert (await browser.post("/me/identity/not-me", identifier=f"email:{ADA}")).status == 400

    with_portal(shop, tmp_path, story)


def test_an_intent_counts_for_more_than_any_guess_and_dies(shop: Any, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        bag = "Bicycle bag, waterproof, 20 litres"
        assert titles(decided(doors)).index(bag) if bag in titles(decided(doors)) else True
        await browser.get("/me/want")
        await browser.post("/me/want", what="bicycle bag", budget_to="49,90",
                           must="waterproof\nblue", until="2026-06-20",
                           anonymity="pseudonym")  # fmt: skip
        assert "We are looking" in browser.text
        decision = decided(doors)
        (first,) = [pick for pick in decision.picks if pick.rank == 1]
        assert (first.title, "bicycle bag" in first.words) == (bag, True)
        (live,) = (await browser.json("/me/want.json"))["live"]
        intent = live["intent"]
        assert intent["must"] == ["waterproof", "blue"]
        assert (intent["budget_to_minor"], intent["anonymity"]) == (4_990, "pseudonym")
        assert live["answers"][0]["title"] == bag
        demand = (await browser.get(f"/me/want/{intent['intent_id']}.jsonld")).json
        assert (demand["@type"], demand["itemOffered"]["name"]) == ("Demand", "bicycle bag")
        assert "ada" not in without_chance(json.dumps(demand))
        await browser.get("/me/want")
        await browser.post("/me/want/withdraw", intent_id=intent["intent_id"])
        assert (await browser.json("/me/want.json"))["live"] == []
        assert titles(decided(doors))[0] != bag

    with_portal(shop, tmp_path, story)


@pytest.mark.parametrize(
    "fields",
    [{"what": ""}, {"what": "x" * 201}, {"until": "2025-01-01"}, {"until": "2029-01-01"},
     {"until": "never"}, {"budget_to": "much"}, {"budget_from": "9", "budget_to": "8"},
     {"anonymity": "famous"}, {"must": "\n".join("abcdefghijkl")},
     {"begins": "2026-07-02", "ends": "2026-07-01"}],
)  # fmt: skip
def test_what_makes_no_wish_is_refused(shop: Any, tmp_path: Path, fields: dict[str, str]) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors, orders=1)
        await browser.get("/me/want")
        answer = await browser.post(
            "/me/want", **({"what": "a bag", "until": "2026-06-20"} | fields)
        )
        assert answer.status == 400
        assert (await browser.json("/me/want.json"))["live"] == []

    with_portal(shop, tmp_path, story)


def test_not_this_and_more_like_this(shop: Any, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        decision = decided(doors)
        first, second = decision.picks[0], decision.picks[1]
        await browser.get("/me/why")
        told = {"decision_id": decision.decision_id, "action_id": first.action_id}
        await browser.post("/me/why/not-this", because="too_dear", words="", **told)
        assert first.title not in titles(decided(doors))
        liked = {"decision_id": decision.decision_id, "action_id": second.action_id}
        await browser.post("/me/why/more", **liked)
        shown = (await browser.json("/me/why.json"))["shown"]
        by_id = {one["action_id"]: one for one in shown}
        assert by_id[first.action_id]["is_dismissed"]
        assert by_id[second.action_id]["is_more"]
        before = next(c for c in decision.candidates if c.action_id == second.action_id)
        after = next(c for c in decided(doors).candidates if c.action_id == second.action_id)
        assert after.propensity > before.propensity
        whole = await browser.json(f"/me/why/{decision.decision_id}.json")
        assert whole["lost_count"] == len([c for c in decision.candidates if c.lost])

    with_portal(shop, tmp_path, story)


def test_a_human_is_asked_with_a_clock(shop: Any, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        decision = decided(doors)
        await browser.get("/me/why")
        await browser.post("/me/why/human", decision_id=decision.decision_id,
                           action_id=decision.chosen[0], words="Why this?")  # fmt: skip
        (asked,) = (await browser.json("/me/take.json"))["requests"]
        assert (asked["kind"], asked["status"], asked["words"]) == (
            "human_review",
            "open",
            "Why this?",
        )
        assert asked["expected_by"] > asked["received_at"]
        await browser.get("/me/take")
        await browser.post("/me/take/revoke", request_id=asked["request_id"])
        (asked,) = (await browser.json("/me/take.json"))["requests"]
        assert asked["status"] == "revoked"

    with_portal(shop, tmp_path, story)


def test_everything_is_taken_along(shop: Any, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        await browser.get("/me/take")
        answer = await browser.post("/me/take/along", subset="all")
        assert answer.headers["content-type"] == "application/zip"
        assert "attachment" in answer.headers["content-disposition"]
        with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
            assert archive.testzip() is None
            whole = b"".join(archive.read(name) for name in archive.namelist())
        assert b"order-ada-0" in whole
        assert b"vegetarian" in whole

    with_portal(shop, tmp_path, story)


def test_frozen_is_stored_and_used_for_nothing(shop: Any, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        await browser.get("/me/take")
        await browser.post("/me/take/freeze", freeze="yes")
        assert (await browser.json("/me/take.json"))["is_frozen"]
        assert titles(decided(doors)) == []
        await browser.post("/me/take/freeze", freeze="no")
        assert not (await browser.json("/me/take.json"))["is_frozen"]
        assert titles(decided(doors))

    with_portal(shop, tmp_path, story)


def test_erasing_ends_everything_at_once(shop: Any, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        other = await Browser(doors).sign_in(ADA)
        await browser.get("/me/take")
        assert (await browser.post("/me/take/erase", sure="")).status == 400
        await browser.get("/me/take")
        await browser.post("/me/take/erase", sure="erase")
        assert "It is done" in browser.text
        assert "me_session" not in browser.cookies
        assert (await other.get("/me")).status == 303
        assert titles(decided(doors)) == titles(decided(doors, "somewhere"))
        request_id = browser.text.rpartition("number: ")[2].split()[0]
        certificate = await browser.get(f"/me/erased/{request_id}/certificate.json")
        assert certificate.json["request_id"] == request_id
        assert doors.letters(ADA) == []
        await browser.get("/me/sign-in")
        await browser.post("/me/sign-in", email=ADA)
        await doors.settle()
        assert doors.letters(ADA) == []  # nobody of this address is known

    with_portal(shop, tmp_path, story)


def test_what_hands_out_or_removes_needs_a_fresh_sign_in(shop: Any, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        await browser.get("/me/take")
        doors.desk.sessions.is_fresh = lambda session: False
        for path, fields in (
            ("/me/take/along", {}),
            ("/me/take/erase", {"sure": "erase"}),
            ("/me/identity/not-me", {"identifier": "loyalty_card:29-ada"}),
        ):
            answer = await browser.send(path, fields, follow=False)
            assert answer.headers["location"] == f"/me/confirm?back={path.split('/')[2]}", path
        await browser.get("/me/confirm")
        assert "a••@example.org" in browser.text
        await browser.post("/me/confirm")
        await doors.settle()
        assert len([one for one in doors.letters(ADA) if "/me/enter#" in one.get_content()]) == 2
        assert doors.live.person(WHO).values["declared"]["city"] == "Vienna"

    with_portal(shop, tmp_path, story)


def test_one_click_unsubscribes_without_a_cookie(shop: Any, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        await browser.get("/me/allow")
        await browser.post("/me/allow", purpose__marketing__email="allow")
        about = Unsubscribing(WHO, "marketing.email", "email")
        token = unsubscribe_token(doors.desk.unsubscribe_secret, about)
        for _ in range(3):  # programs that look into letters open links
            answer = await Browser(doors).get(f"/u/{token}")
            assert (answer.status, "ada" in without_chance(answer.body.decode())) == (200, False)
        assert doors.live.person(WHO).consent["marketing.email"][1] == "allow"
        headers = {"content-type": "application/x-www-form-urlencoded"}
        body = b"List-Unsubscribe=One-Click"
        answer = await doors.asked("POST", f"/u/{token}", body, headers)
        assert answer.status == 200
        assert doors.live.person(WHO).consent["marketing.email"][1] == "deny"
        told = doors.engine.people.facts(doors.live.person(WHO))["unsubscribed_at"]
        assert 0 <= doors.live.present - told.value < 1_000
        again = await doors.asked("POST", f"/u/{token}", body, headers)
        assert again.status == 200
        assert "location" not in again.headers
        await doors.live.append([])
        events = await doors.live.in_thread(life_of, doors.engine, [WHO])
        left = [event.properties for event in events if event.name == "Unsubscribed"]
        assert left == [{"purposes": ["marketing.email"], "by": "person", "channel": "email"}]
        for wrong in ("x", token[:-2] + "AA", token + "A"):
            assert (await doors.asked("POST", f"/u/{wrong}", body, headers)).status == 403
            assert (await doors.asked("GET", f"/u/{wrong}", b"", {})).status == 403

    with_portal(shop, tmp_path, story)


def test_refusing_messages_on_the_page_is_unsubscribing(shop: Any, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        await browser.get("/me/allow")
        await browser.post("/me/allow", purpose__personalize__web="deny")
        facts = doors.engine.people.facts(doors.live.person(WHO))
        assert "unsubscribed_at" not in facts
        await browser.post("/me/allow", purpose__marketing__email="allow")
        await browser.post("/me/allow/nothing")
        facts = doors.engine.people.facts(doors.live.person(WHO))
        assert 0 <= doors.live.present - facts["unsubscribed_at"].value < 1_000

    with_portal(shop, tmp_path, story)


@pytest.mark.parametrize("part", ["category:visits", "model:taste"])
def test_a_part_is_erased_and_the_rest_stays(shop: Any, tmp_path: Path, part: str) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        await browser.get("/me/take")
        await browser.post("/me/take/erase-part", part=part)
        assert "counts for nothing from now on" in browser.text
        (request,) = (await browser.json("/me/take.json"))["requests"]
        kind, _, name = part.partition(":")
        assert (request["kind"], request[kind]) == ("erase", name)
        assert doors.live.person(WHO).values["declared"]["city"] == "Vienna"
        if kind == "category":
            await doors.desk.rights.certificate(request["request_id"])
        for wrong in ("", "category:", "category:all", "model:x", "person:ada", "visits"):
            answer = await browser.send("/me/take/erase-part", {"part": wrong})
            assert answer.status == 400, wrong
        assert len((await browser.json("/me/take.json"))["requests"]) == 1
        doors.desk.sessions.is_fresh = lambda session: False
        answer = await browser.send("/me/take/erase-part", {"part": part}, follow=False)
        assert answer.headers["location"] == "/me/confirm?back=take"

    with_portal(shop, tmp_path, story)


def test_erasing_what_one_signed_in_by_signs_out(shop: Any, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        await browser.get("/me/take")
        answer = await browser.send(
            "/me/take/erase-part", {"part": "category:contact.email"}, follow=False
        )
        assert answer.headers["location"].startswith("/me/sign-in?told=take.part_erased")
        assert (await browser.get("/me")).status == 303
        assert ADA not in "".join(doors.live.person(WHO).identifiers)

    with_portal(shop, tmp_path, story)


def test_nobody_erased_begins_anew_by_an_old_link(shop: Any, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        about = Unsubscribing(Identifier("user_id:gone"), "marketing.email", "email")
        token = unsubscribe_token(doors.desk.unsubscribe_secret, about)
        offset = doors.engine.folding.offset
        answer = await doors.asked("POST", f"/u/{token}", b"", {})
        assert (answer.status, doors.engine.folding.offset) == (200, offset)

    with_portal(shop, tmp_path, story)


def test_a_browser_that_says_gpc_is_heeded_from_the_sign_in_on(shop: Any, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        await doors.take(identified("ada", NOON))
        browser = await Browser(doors, **{"sec-gpc": "1"}).sign_in(ADA)
        assert (await browser.json("/me/allow.json"))["signals"] == ["gpc"]
        await browser.get("/me/allow")
        await browser.post("/me/allow/signal", signal="gpc")
        assert (await browser.json("/me/allow.json"))["signals"] == []
        await Browser(doors, **{"sec-gpc": "1"}).sign_in(ADA)
        assert (await browser.json("/me/allow.json"))["signals"] == []  # their word stands
        await doors.take(identified("bob", NOON))
        bob = await Browser(doors, **{"sec-gpc": "0"}).sign_in("bob@example.org")
        assert (await bob.json("/me/allow.json"))["signals"] == []

    with_portal(shop, tmp_path, story)


def test_every_answer_has_a_receipt_to_keep(shop: Any, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        await browser.get("/me/allow")
        await browser.post("/me/allow", purpose__marketing__email="allow")
        receipts = await receipts_of(browser)
        assert receipts[0]["said"] == {"marketing.email": "allow"}
        signed = await browser.get(f"/me/receipts/{receipts[0]['seq']}")
        assert "attachment" in signed.headers["content-disposition"]
        assert "marketing.email" in json.dumps(signed.json)

    with_portal(shop, tmp_path, story)
