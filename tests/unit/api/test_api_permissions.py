"""Reading what a person permits, the receipts that prove it, and the signals of their browser."""

import json
from pathlib import Path
from typing import Any

import pytest

from all_doors import AllDoors, Run, running_all
from customering.app.home_key import holding
from customering.consent.receipt import fault_of_receipt
from customering.events.model import SIGNAL_UPDATED
from customering.kernel.ids import Identifier
from shop_doors import SHOP
from town import OpenShop, order

AT = "/v1/people/user_id:ada"
ADA = Identifier("user_id:ada")
GPC = {"sec-gpc": "1"}


@pytest.fixture
def shop(open_shop: OpenShop, tmp_path: Path) -> Run:
    def run(act: Any) -> Any:
        return running_all(open_shop(), tmp_path, act)

    return run


async def state(doors: AllDoors, who: str = "user_id:ada") -> Any:
    answer = await doors.get(f"/v1/people/{who}/consent", key=doors.secret)
    assert answer.status == 200, answer.body
    return answer.json


def purpose(told: Any, key: str) -> Any:
    return next(one for one in told["purposes"] if one["key"] == key)


def signals(doors: AllDoors) -> list[Any]:
    log = doors.engine.reading_log
    return [
        event for block in log.read() for event in block.events() if event.name == SIGNAL_UPDATED
    ]


async def track(doors: AllDoors, payload: dict[str, Any], **headers: str) -> None:
    sent = {"type": "track", "event": "Product Viewed", "properties": {"product_id": "x"}}
    answer = await doors.post(
        "/v1/track", {**sent, **payload}, basic=doors.write, origin=SHOP, headers=headers
    )
    assert answer.status == 200, answer.body


def test_every_purpose_is_told_with_its_answer_and_its_exchange(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order({"userId": "ada"}, 0, "bread"))
        said = {"purposes": {"marketing.email": "allow"}, "objections": {"ads": "raise"}}
        assert (await doors.post(f"{AT}/consent", said, key=doors.secret)).status == 200
        told = await state(doors)
        assert len(told["purposes"]) == len(doors.engine.purposes.purposes)
        email = purpose(told, "marketing.email")
        assert (email["permitted"], email["reason"], email["answer"]) == (True, "agreed", "allow")
        assert email["exchange"]["when_withdrawn"]
        ads = purpose(told, "ads.audiences")
        assert (ads["permitted"], ads["reason"], ads["answer"]) == (False, "objection", None)
        assert list(told["objections"]) == ["ads"]
        assert purpose(told, "essential.service")["can_choose"] is False
        assert told["segment"]["categoryPreferences"]["marketing.email"] is True
        assert told["segment"]["categoryPreferences"]["ads.audiences"] is False

    shop(act)


@pytest.mark.parametrize(
    ("on", "off", "key"),
    [
        ({"restriction": "on"}, {"restriction": "off"}, "personalize.web"),
        (
            {"objections": {"personalize": "raise"}},
            {"objections": {"personalize": "withdraw"}},
            "personalize.web",
        ),
        ({"objections": {"*": "raise"}}, {"objections": {"*": "withdraw"}}, "personalize.offers"),
        ({"purposes": {"personalize": "deny"}}, {"purposes": {"personalize": "allow"}},
         "personalize.web"),
    ],
)  # fmt: skip
def test_what_is_said_holds_at_once_and_until_it_is_taken_back(
    shop: Run, on: Any, off: Any, key: str
) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order({"userId": "ada"}, 0, "bread"))
        for said, expected in ((None, True), (on, False), (off, True)):
            if said is not None:
                answer = await doors.post(f"{AT}/consent", said, key=doors.secret)
                assert answer.status == 200, answer.body
            assert purpose(await state(doors), key)["permitted"] is expected
            made = await doors.post(
                "/v1/decide", {"placement": "home", "identifiers": {"user_id": "ada"}},
                key=doors.secret,
            )  # fmt: skip
            if key == "personalize.web":
                record = await doors.get(
                    f"/v1/decisions/{made.json['decision_id']}", key=doors.secret
                )
                assert (record.json["choice"] == "common") is not expected

    shop(act)


SENSELESS = [
    ({}, "nothing is said"),
    ({"objections": {"fishing": "raise"}}, "fishing"),
    ({"objections": {"ads": "maybe"}}, "$.objections"),
    ({"restriction": "maybe"}, "$.restriction"),
    ({"signals": {"dnt": "heed"}}, "dnt"),
    ({"agreements": {"SD-BASE": "end"}}, "SD-BASE"),
    ({"agreements": {"SD-BASE": "accept"}}, "$.agreements"),
]


def test_what_makes_no_sense_is_refused_and_changes_nothing(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order({"userId": "ada"}, 0, "bread"))
        end = doors.engine.folding.offset
        for body, words in SENSELESS:
            answer = await doors.post(f"{AT}/consent", body, key=doors.secret)
            assert answer.status == 400, body
            assert words in answer.json["detail"], answer.json
        assert doors.engine.folding.offset == end

    shop(act)


def test_receipts_are_listed_and_verify_offline_with_the_published_key(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order({"userId": "ada"}, 0, "bread"))
        for answer in ("allow", "deny"):
            said = {"purposes": {"marketing.email": answer}}
            await doors.post(f"{AT}/consent", said, key=doors.secret)
        await doors.live.in_thread(
            doors.engine.receipts.catch_up, doors.engine.reading_log
        )  # it follows a moment later
        listed = (await doors.get(f"{AT}/receipts", key=doors.secret)).json["receipts"]
        assert [one["said"] for one in listed] == [
            {"marketing.email": "deny"},
            {"marketing.email": "allow"},
        ]
        published = (await doors.get("/.well-known/consent-log.json")).json
        receipt = await doors.get(f"{AT}/receipts/{listed[0]['number']}", key=doors.secret)
        assert fault_of_receipt(receipt.body, holding(published)) is None
        assert "attachment" in receipt.headers["content-disposition"]
        records = receipt.json["receipt"]["dpv:hasRecordOfActivity"]
        assert "dpv:ConsentWithdrawn" in records[0]["dpv:hasConsentStatus"]["@type"]
        kantara = await doors.get(
            f"{AT}/receipts/{listed[1]['number']}?form=kantara", key=doors.secret
        )
        assert kantara.json["services"][0]["purposes"][0]["purpose"] == "E-mail"
        for path, status in (("99", 404), ("x", 400), ("1?form=pdf", 400)):
            assert (await doors.get(f"{AT}/receipts/{path}", key=doors.secret)).status == status
        await doors.take(order({"userId": "bob"}, 0, "bread"))
        others = f"/v1/people/user_id:bob/receipts/{listed[0]['number']}"
        assert (await doors.get(others, key=doors.secret)).status == 404

    shop(act)


def test_a_token_reads_only_its_own_person(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order({"userId": "ada"}, 0, "bread"), order({"userId": "bob"}, 0, "milk"))
        token = doors.token("user_id:ada")
        assert (await doors.get(f"{AT}/consent", key=token)).status == 200
        for path in ("consent", "receipts", "receipts/1"):
            others = f"/v1/people/user_id:bob/{path}"
            assert (await doors.get(others, key=token)).status == 403
            assert (await doors.get(f"{AT}/{path}")).status == 401

    shop(act)


def test_anybody_reads_what_is_for_everybody(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        gpc = await doors.get("/.well-known/gpc.json")
        assert gpc.json["gpc"] is True
        assert gpc.headers["content-type"] == "application/json"
        assert len(gpc.json["lastUpdate"].split("-")) == 3
        purposes = (await doors.get("/v1/consent/purposes")).json["purposes"]
        assert "ads.audiences" in {one["key"] for one in purposes}
        klaro = (await doors.get("/v1/consent/klaro.json")).json
        services = {one["name"]: one for one in klaro["services"]}
        assert services["essential-service"]["required"] is True
        assert services["marketing-email"]["default"] is False
        assert klaro["translations"]["en"]["marketing-email"]["title"] == "E-mail"
        assert klaro["hideDeclineAll"] is False

    shop(act)


# Global Privacy Control


def test_the_signal_is_kept_once_and_refuses_sharing_and_nothing_else(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        for number in range(3):
            await track(doors, {"anonymousId": "b1", "messageId": f"m{number}"}, **GPC)
        assert [event.identifiers for event in signals(doors)] == [("anonymous_id:b1",)]
        told = await state(doors, "anonymous_id:b1")
        assert list(told["signals"]) == ["gpc"]
        assert purpose(told, "ads.audiences")["reason"] == "signal"
        assert purpose(told, "share.partners")["reason"] == "signal"
        assert purpose(told, "personalize.web")["permitted"] is True

    shop(act)


@pytest.mark.parametrize("value", ["0", "true", "1, 1", ""])
def test_another_value_is_no_signal(shop: Run, value: str) -> None:
    async def act(doors: AllDoors) -> None:
        await track(doors, {"anonymousId": "b1"}, **{"sec-gpc": value})
        assert signals(doors) == []

    shop(act)


def test_the_signal_is_bound_to_the_person_at_sign_in(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order({"userId": "ada"}, 0, "bread"))
        said = {"purposes": {"ads.audiences": "allow"}}
        await doors.post(f"{AT}/consent", said, key=doors.secret)
        assert purpose(await state(doors), "ads.audiences")["permitted"] is True
        await track(doors, {"anonymousId": "b1"}, **GPC)
        await doors.take({"type": "identify", "userId": "ada", "anonymousId": "b1"})
        told = await state(doors)
        ads = purpose(told, "ads.audiences")
        assert (ads["permitted"], ads["reason"], ads["answer"]) == (False, "signal", "allow")
        assert [(one["purpose"], one["wins"]) for one in told["conflicts"]] == [
            ("ads.audiences", "voice")
        ]
        await doors.post(f"{AT}/consent", said, key=doors.secret)  # later, and in so many words
        told = await state(doors)
        assert purpose(told, "ads.audiences")["permitted"] is True
        assert [(one["purpose"], one["wins"]) for one in told["conflicts"]] == [
            ("ads.audiences", "choice")
        ]
        assert purpose(told, "share.partners")["permitted"] is False
        await track(doors, {"anonymousId": "b1", "messageId": "later"}, **GPC)
        assert purpose(await state(doors), "ads.audiences")["permitted"] is True
        assert len(signals(doors)) == 1

    shop(act)


def test_a_signal_that_the_person_has_ignored_is_not_raised_again(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await track(doors, {"anonymousId": "b1"}, **GPC)
        at = "/v1/people/anonymous_id:b1/consent"
        said = {"signals": {"gpc": "ignore"}}
        assert (await doors.post(at, said, key=doors.secret)).status == 200
        await track(doors, {"anonymousId": "b1", "messageId": "later"}, **GPC)
        assert (await state(doors, "anonymous_id:b1"))["signals"] == {}

    shop(act)


def test_a_decision_keeps_the_signal_before_it_is_made(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        asked = {"placement": "home", "identifiers": {"anonymous_id": "b7"}}
        for how in ({"mode": "preview"}, {}, {}):
            answer = await doors.post(
                "/v1/decide", {**asked, **how}, key=doors.write, origin=SHOP, headers=GPC
            )
            assert answer.status == 200, answer.body
            kept = doors.engine.folding.record_of(Identifier("anonymous_id:b7"))
            assert ("signal:gpc" in kept) is not bool(how)
        many = {"requests": [{**asked, "identifiers": {"anonymous_id": "b8"}}]}
        await doors.post("/v1/decide/batch", many, key=doors.write, origin=SHOP, headers=GPC)
        assert len(signals(doors)) == 2

    shop(act)


def test_the_header_of_a_server_is_not_the_browsers(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        sent = {"event": "Product Viewed", "userId": "ada", "properties": {"product_id": "x"}}
        await doors.post("/v1/track", sent, basic=doors.server, headers=GPC)
        assert signals(doors) == []

    shop(act)


def test_an_opt_out_in_a_gpp_string_is_taken_like_the_signal_and_the_stamp_is_kept(
    shop: Run,
) -> None:
    async def act(doors: AllDoors) -> None:
        consent = {
            "categoryPreferences": {"marketing.email": True},
            "gpp": {"string": "DBABMA~BVQVAAAAAg", "sections": {"usnat": {"SaleOptOut": 1}}},
        }
        await track(doors, {"anonymousId": "b1", "context": {"consent": consent}})
        told = await state(doors, "anonymous_id:b1")
        assert list(told["signals"]) == ["gpp"]
        assert purpose(told, "share.partners")["permitted"] is False
        # The stamp is evidence on the event, and permits nothing.
        assert purpose(told, "marketing.email")["permitted"] is False
        timeline = await doors.get("/v1/people/anonymous_id:b1/timeline", key=doors.secret)
        kept = [event["context"].get("consent") for event in timeline.json["events"]]
        assert json.loads(json.dumps(consent)) in kept

    shop(act)


# What banners and consent platforms leave on events, as browsers send them

USNAT_OPTED_OUT = "DBABLA~CVVVkkkkkpFY.YA"  # by the reference implementation
TCF = "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"


async def beacon(doors: AllDoors, *payloads: dict[str, Any]) -> None:
    """Send as a page that is being left does: one batch as plain text, the key in the body."""
    usual = {"type": "track", "event": "Product Viewed", "properties": {"product_id": "x"}}
    body = {"writeKey": doors.write, "batch": [{**usual, **one} for one in payloads]}
    answer = await doors.post(
        "/v1/batch",
        json.dumps(body).encode(),
        origin=SHOP,
        headers={"content-type": "text/plain;charset=UTF-8"},
    )
    assert (answer.status, answer.json) == (200, {"success": True})


@pytest.mark.parametrize(
    "context",
    [
        {"consent": {"gpp": {"string": USNAT_OPTED_OUT, "sections": {}}}},
        {"consent": {"gpp": USNAT_OPTED_OUT}},
        {"gpp": USNAT_OPTED_OUT},
        {"consent": {"usp": "1YYN"}},
    ],
)
def test_a_raw_string_from_a_page_is_read_kept_and_obeyed(shop: Run, context: Any) -> None:
    async def act(doors: AllDoors) -> None:
        sent = {"context": context, "anonymousId": "b1"}
        await beacon(doors, {**sent, "messageId": "m1"}, {**sent, "messageId": "m2"})
        told = await state(doors, "anonymous_id:b1")
        assert list(told["signals"]) == ["gpp"]
        assert purpose(told, "ads.audiences")["reason"] == "signal"
        assert purpose(told, "personalize.web")["permitted"] is True
        timeline = await doors.get("/v1/people/anonymous_id:b1/timeline", key=doors.secret)
        kept = [event["context"] for event in timeline.json["events"]]
        assert sum(context.items() <= one.items() for one in kept) == 2  # evidence, as it was sent
        await doors.take({"type": "identify", "userId": "ada", "anonymousId": "b1"})
        assert list((await state(doors))["signals"]) == ["gpp"]

    shop(act)


def test_a_tcf_string_and_segments_stamp_are_evidence_and_permit_nothing(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        consent = {
            "categoryPreferences": {"marketing.email": True, "ads.audiences": True},
            "tcf": {"string": TCF, "purposeConsents": {"1": True, "4": True}},
        }
        await beacon(
            doors, {"anonymousId": "b1", "messageId": "m1", "context": {"consent": consent}}
        )
        preferences = {"event": "Segment Consent Preference Updated", "properties": {}}
        stamp = {"anonymousId": "b1", "messageId": "m2", "context": {"consent": consent}}
        await beacon(doors, {**stamp, **preferences})
        told = await state(doors, "anonymous_id:b1")
        assert told["signals"] == {}
        assert purpose(told, "marketing.email")["reason"] == "never_asked"
        assert purpose(told, "ads.audiences")["reason"] == "never_asked"
        timeline = await doors.get("/v1/people/anonymous_id:b1/timeline", key=doors.secret)
        kept = [event["context"]["consent"] for event in timeline.json["events"]]
        assert kept == [consent, consent]
        await doors.post(
            "/v1/people/anonymous_id:b1/consent",
            {"purposes": {"marketing.email": "allow"}},
            key=doors.secret,
        )
        # What we give back for the stamp of the next events is what we keep, not what was sent.
        told = (await state(doors, "anonymous_id:b1"))["segment"]["categoryPreferences"]
        assert (told["marketing.email"], told["ads.audiences"]) == (True, False)

    shop(act)


def test_a_banner_of_klaro_is_configured_here_and_its_answers_hold_at_once(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order({"userId": "ada"}, 0, "bread"))
        config = (await doors.get("/v1/consent/klaro.json", origin=SHOP)).json
        consents = {service["name"]: service["required"] for service in config["services"]}
        consents["marketing-email"] = True  # the one switch that was moved
        said = {"klaro": {**consents, "a-map": True}}
        answer = await doors.post(
            f"{AT}/consent", said, key=doors.token("user_id:ada"), origin=SHOP
        )
        assert answer.status == 200, answer.body
        assert answer.json["chosen"]["marketing.email"]["answer"] == "allow"
        told = await state(doors)
        assert purpose(told, "marketing.email")["permitted"] is True
        assert purpose(told, "personalize.web")["reason"] == "denied"
        assert purpose(told, "essential.service")["answer"] is None
        assert {one["category"] for one in told["not_recorded"]} == {"visits", "device", "location"}
        alone = await doors.post(f"{AT}/consent", {"klaro": {"a-map": True}}, key=doors.secret)
        assert alone.status == 400
        receipts = (await doors.get(f"{AT}/receipts", key=doors.secret)).json["receipts"]
        assert receipts[0]["said"]["marketing.email"] == "allow"

    shop(act)


# The gates of collecting and delivering, at the doors


def test_what_is_not_recorded_is_acknowledged_told_and_counted(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order({"userId": "ada", "anonymousId": "b1"}, 0, "bread"))
        assert (await state(doors))["not_recorded"] == []
        said = {"purposes": {"personalize": "deny", "analytics": "deny"}}
        assert (await doors.post(f"{AT}/consent", said, key=doors.secret)).status == 200
        await beacon(
            doors,
            {"anonymousId": "b1", "messageId": "m1"},
            {"anonymousId": "b1", "messageId": "m2", "event": "Product Added"},
            {"anonymousId": "b2", "messageId": "m3"},
        )
        await track(doors, {"userId": "ada", "messageId": "m4"})
        log = doors.engine.reading_log
        ids = {event.event_id for block in log.read() for event in block.events()}
        assert ids & {"m1", "m2", "m3", "m4"} == {"m2", "m3"}
        told = (await state(doors))["not_recorded"]
        assert {one["category"]: one["title"] for one in told}["visits"] == (
            "Which pages and products you look at"
        )
        assert all(one["words"].startswith("You refused ") for one in told)
        figures = await doors.get("/metrics", key=doors.secret)
        assert b'customering_not_recorded{kind="visits"} 2.0' in figures.body

    shop(act)


def test_a_decision_is_asked_again_at_the_moment_of_sending(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    engine = open_shop(
        present="2026-06-01T12:00:00Z",
        overrides=("decision.control_share=0", "decision.exploration_share=0"),
    )
    (engine.home.folder / "actions.toml").write_text(
        '[[action]]\naction_id = "news"\nkind = "send_message"\ntitle = "News"\n'
        'purpose = "marketing.email"\nchannel = "email"\nplacements = ["mail"]\n'
        "value_minor = 90000\nbase_propensity = 0.9\n"
    )

    async def act(doors: AllDoors) -> None:
        await doors.take(order({"userId": "ada"}, 0, "bread"))
        await doors.take(order({"userId": "bob"}, 0, "bread"))
        allowed = {"purposes": {"marketing.email": "allow"}}
        await doors.post(f"{AT}/consent", allowed, key=doors.secret)
        asked = {"placement": "mail", "channel": "email", "identifiers": {"user_id": "ada"}}
        made = (await doors.post("/v1/decide", asked, key=doors.secret)).json
        at = f"/v1/decisions/{made['decision_id']}/permission"

        async def ask(key: str) -> Any:
            answer = await doors.get(at, key=key)
            assert answer.status == 200, answer.body
            return answer.json["deliveries"]

        (first,) = await ask(doors.secret)
        assert (first["action_id"], first["permitted"], first["reason"]) == ("news", True, "agreed")
        assert await ask(doors.token("user_id:ada")) == [first]
        assert (await doors.get(at, key=doors.token("user_id:bob"))).status == 404
        assert (await doors.get(at, key=doors.write, origin=SHOP)).status == 403
        for said, reason in (
            ({"purposes": {"marketing.email": "deny"}}, "denied"),
            ({**allowed, "objections": {"marketing": "raise"}}, "objection"),
        ):
            await doors.post(f"{AT}/consent", said, key=doors.secret)
            (after,) = await ask(doors.secret)
            assert (after["permitted"], after["reason"]) == (False, reason)
        assert (await doors.get("/v1/decisions/dec_x/permission", key=doors.secret)).status == 404

    running_all(engine, tmp_path, act)
