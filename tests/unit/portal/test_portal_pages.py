"""Every page: there as a page and as JSON, safe whatever was sent, and nobody else's."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from litestar.routes import HTTPRoute

from customering.app.deciding import request_for
from customering.app.home_key import thumbprint, to_text
from customering.consent.chain import canonical
from customering.consent.myterms import Proffer
from customering.kernel.clock import format_instant
from customering.kernel.ids import Identifier
from portal_doors import (
    ORIGIN,
    Answer,
    Browser,
    PortalDoors,
    receipts_of,
    with_portal,
    without_chance,
)
from portal_town import ACTIONS, identified, life_of_a_regular
from soft_passkey import SoftDevice
from town import NOON, OpenShop

ADA, BOB = "ada@example.org", "bob@example.org"
PAGES = ("", "facts", "timeline", "identity", "allow", "receipts", "why", "want", "take",
         "devices", "confirm", "programs", "passkeys", "bring")  # fmt: skip
TWINS = {page: f"/me/{page or 'index'}.json" for page in PAGES}
PAYLOAD = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'{{7*7}}"


def place(page: str) -> str:
    return f"/me/{page}".rstrip("/")


async def open_town(doors: PortalDoors) -> None:
    """Two people with lives of their own, and a decision each."""
    for who in ("ada", "bob"):
        await doors.take(identified(who, NOON, firstName=who.title(), city="Vienna"))
        await doors.take(*life_of_a_regular(who, NOON, orders=4))
        doors.live.decide([Identifier(f"user_id:{who}")], request_for("home", "", 2))
    await doors.live.append([])


def shop_with_actions(open_shop: OpenShop, *overrides: str) -> Any:
    engine = open_shop(overrides=overrides)
    (engine.home.folder / "actions.toml").write_text(ACTIONS)
    return engine


def test_every_page_is_there_as_a_page_and_as_json(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        await open_town(doors)
        browser = await Browser(doors).sign_in(ADA)
        for page in PAGES:
            answer = await browser.get(place(page))
            assert answer.status == 200, page
            assert answer.headers["content-type"].startswith("text/html"), page
            assert 'action="/me/sign-out"' in browser.page, page
            by_accept = await browser.json(place(page))
            by_name = (await browser._ask("GET", TWINS[page], b"", {})).json
            assert by_accept == by_name, page
            assert isinstance(by_name, dict)

    with_portal(shop_with_actions(open_shop), tmp_path, story)


def test_a_page_speaks_german(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        await open_town(doors)
        browser = Browser(doors, **{"accept-language": "de-AT"})
        await browser.sign_in(ADA)
        for page in PAGES:
            answer = await browser.get(place(page))
            assert answer.status == 200, page
            assert '<html lang="de">' in browser.page, page
        await browser.get("/me")
        assert 'lang="en"' not in browser.page.replace('value="en" lang="en"', "")

    with_portal(shop_with_actions(open_shop), tmp_path, story)


def test_every_answer_carries_the_headers(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        await open_town(doors)
        browser = await Browser(doors).sign_in(ADA)
        nonces = set()
        for path in (*map(place, PAGES), "/me/nothing-here", "/me/facts.json", "/me/sign-in"):
            answer = await browser.get(path)
            headers = answer.headers
            assert headers["x-content-type-options"] == "nosniff", path
            assert headers["cache-control"] == "no-store", path
            assert headers["x-frame-options"] == "DENY", path
            assert headers["referrer-policy"] == "same-origin", path
            assert headers["cross-origin-opener-policy"] == "same-origin", path
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy, path
            assert "frame-ancestors 'none'" in policy, path
            assert "unsafe" not in policy, path
            assert "access-control-allow-origin" not in headers, path
            if headers["content-type"].startswith("text/html"):
                (nonce,) = set(re.findall(r"'nonce-([\w-]+)'", policy))
                tags = re.findall(r"<(?:script|style|link rel=\"stylesheet\")[^>]*>", browser.page)
                assert len(tags) == 3, path
                assert all(f'nonce="{nonce}"' in tag for tag in tags), path
                nonces.add(nonce)
        assert len(nonces) > len(PAGES)

    with_portal(shop_with_actions(open_shop), tmp_path, story)


def test_whatever_was_sent_is_shown_as_text(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        await doors.take(
            identified("ada", NOON, firstName=PAYLOAD, city=PAYLOAD, **{"x" + PAYLOAD: "odd"}),
            {"type": "track", "event": PAYLOAD, "userId": "ada", "messageId": "x1",
             "properties": {PAYLOAD: PAYLOAD, "products": [{"product_id": "p", "name": PAYLOAD,
                                                            "category": PAYLOAD}]}},
            {"type": "page", "name": PAYLOAD, "userId": "ada", "messageId": "x2"},
            {"type": "track", "event": "Order Completed", "userId": "ada", "messageId": "x3",
             "context": {"userAgent": PAYLOAD},
             "properties": {"order_id": PAYLOAD, "revenue": 3, "currency": "EUR",
                            "products": [{"product_id": PAYLOAD, "name": PAYLOAD, "price": 3}]}},
        )  # fmt: skip
        doors.live.decide([Identifier("user_id:ada")], request_for(PAYLOAD, "", 2))
        browser = Browser(doors, **{"user-agent": PAYLOAD})
        await browser.sign_in(ADA)
        await browser.get("/me/want")
        await browser.post("/me/want", what=PAYLOAD, must=PAYLOAD, where=PAYLOAD)
        assert "<script>alert" not in browser.page
        decision = (await browser.json("/me/why.json"))["shown"][0]["decision_id"]
        pages = [*map(place, PAGES), f"/me/why/{decision}"]
        seen = 0
        for path in pages:
            await browser.get(path)
            body = browser.page
            seen += body.count("&lt;script&gt;alert(1)")
            assert "<script>alert" not in body, path
            assert "<img src=x" not in body, path
            shown = re.sub(r"\d{3,}", "", without_chance(body))
            assert "49" not in shown.replace("{{7*7}}", ""), path
        assert seen > 20

    engine = shop_with_actions(open_shop)
    hostile = ACTIONS.replace("Three for two: coffee from small farms", PAYLOAD.replace('"', ""))
    (engine.home.folder / "actions.toml").write_text(hostile)
    with_portal(engine, tmp_path, story)


def test_nothing_of_another_person_can_be_read_or_changed(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    """Object-level access: with Ada's session every door is tried with what is Bob's."""

    async def story(doors: PortalDoors) -> None:
        await open_town(doors)
        bob = await Browser(doors).sign_in(BOB)
        theirs = await everything_of(bob)
        ada = await Browser(doors).sign_in(ADA)
        before = await state_of(bob)
        for path, fields in attempts(theirs):
            answer = await try_it(ada, path, fields)
            assert answer.status in (400, 403, 404), (path, answer.status)
            for secret in theirs.values():
                body = answer.body.decode().replace(path, "")
                assert len(secret) < 6 or secret not in body, path
        assert await state_of(bob) == before
        assert (await bob.get("/me")).status == 200

    with_portal(shop_with_actions(open_shop), tmp_path, story)


async def everything_of(bob: Browser) -> dict[str, str]:
    """Let Bob have one of everything, and give its ids."""
    await bob.get("/me/want")
    await bob.post("/me/want", what="a secret wish of Bob")
    await bob.get("/me/allow")
    await bob.post("/me/allow", purpose__marketing__email="deny")
    await bob.get("/me/why")
    shown = (await bob.json("/me/why.json"))["shown"][0]
    await bob.post("/me/why/human", decision_id=shown["decision_id"], action_id=shown["action_id"])
    return {
        "decision": shown["decision_id"],
        "action": shown["action_id"],
        "intent": (await bob.json("/me/want.json"))["live"][0]["intent"]["intent_id"],
        "receipt": str((await receipts_of(bob))[0]["seq"]),
        "session": (await bob.json("/me/devices.json"))["devices"][0]["session_id"],
        "request": (await bob.json("/me/take.json"))["requests"][0]["request_id"],
        "identifier": "user_id:bob",
        "passkey": await passkey_of(bob),
        "agreement": await agreement_of(bob),
    }


def proffered(agreement: str, now_ms: int) -> dict[str, Any]:
    """Write what a person's own agent proffers, signed with its own key."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    x = to_text(key.public_key().public_bytes_raw())
    words: dict[str, Any] = {
        "agreements": [{"id": agreement, "version": "1", "url": "", "sha256": ""}],
        "first_party": {
            "id": "did:key:bob",
            "jwk": {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": thumbprint(x)},
        },
        "agent": {"name": "agent", "version": "1"},
        "nonce": "nonce-0001",
        "proffered_at": format_instant(now_ms - 1_000),
        "expires_at": format_instant(now_ms + 3_600_000),
    }
    return {**words, "signature": to_text(key.sign(canonical(words)))}


async def agreement_of(bob: Browser) -> str:
    """Let somebody's agent reach an agreement, and give the id of its record."""
    doors = bob.doors
    now_ms, agreements = doors.live.present, doors.engine.agreements
    asked = msgspec.convert(proffered("SD-BASE", now_ms), Proffer)
    _, concluded = agreements.answer(asked, Identifier(f"email:{BOB}"), now_ms)
    await doors.desk.say(concluded.wish)
    (line,) = (await bob.json("/me/receipts.json"))["agreements"]
    assert line["is_in_force"]
    answer = await bob.get(f"/me/agreements/{line['record_id']}")
    assert answer.body == concluded.record, "the very bytes that both sides keep"
    assert agreements.fault_of(answer.body) is None
    await bob.post("/me/allow/agreement", agreement="SD-BASE")
    (line,) = (await bob.json("/me/receipts.json"))["agreements"]
    assert not line["is_in_force"]
    return str(line["record_id"])


async def passkey_of(bob: Browser) -> str:
    """Let somebody add a passkey, and give its id."""
    await bob.get("/me/passkeys")
    asked = (await bob.send("/me/passkeys/begin", {}, follow=False)).json
    await bob.send("/me/passkeys", {**SoftDevice().make(asked, ORIGIN), "label": "of Bob"})
    passkeys = (await bob.json("/me/passkeys.json"))["passkeys"]
    return str(passkeys[0]["passkey_id"])


def attempts(of: dict[str, str]) -> list[tuple[str, dict[str, str] | None]]:
    """Give every door that takes the name of something; None is reading it."""
    return [
        (f"/me/why/{of['decision']}", None),
        (f"/me/why/{of['decision']}.json", None),
        (f"/me/want/{of['intent']}.jsonld", None),
        (f"/me/receipts/{of['receipt']}", None),
        (f"/me/agreements/{of['agreement']}", None),
        ("/me/why/more", {"decision_id": of["decision"], "action_id": of["action"]}),
        ("/me/why/not-this", {"decision_id": of["decision"], "action_id": of["action"]}),
        ("/me/why/human", {"decision_id": of["decision"], "action_id": of["action"]}),
        ("/me/want/withdraw", {"intent_id": of["intent"]}),
        ("/me/identity/not-me", {"identifier": of["identifier"]}),
        ("/me/devices/end", {"session_id": of["session"]}),
        ("/me/take/revoke", {"request_id": of["request"]}),
        ("/me/programs/end", {"grant_id": "gra_" + "a" * 16}),
        ("/me/passkeys/rename", {"passkey_id": of["passkey"], "label": "mine now"}),
        ("/me/passkeys/remove", {"passkey_id": of["passkey"]}),
        (f"/me/erased/{of['request']}/certificate.json", None),
    ]


async def try_it(browser: Browser, path: str, fields: dict[str, str] | None) -> Answer:
    if fields is None:
        return await browser._ask("GET", path, b"", {"accept": "application/json"})
    await browser.get("/me")
    return await browser.send(path, fields, follow=False)


async def state_of(browser: Browser) -> dict[str, Any]:
    found = {
        page: await browser.json(TWINS[page])
        for page in ("", "why", "want", "identity", "take", "passkeys")
    }
    found["take"].pop("looks")
    return found


def test_every_door_was_tried(open_shop: OpenShop, tmp_path: Path) -> None:
    """A door added later has to be sorted in here: open to all, one's own, or tried above."""
    is_open = {"/me/sign-in", "/me/sign-in.json", "/me/sign-in/check", "/me/sign-in/code",
               "/me/sign-in/passkey", "/me/sign-in/passkey/begin", "/me/enter", "/me/arrive",
               "/me/language", "/u/{}", "/t/{}", "/me/erased/{}", "/me/{}"}  # fmt: skip
    own = {*map(place, PAGES), *TWINS.values(), "/me/index.json", "/me/sign-out",
           "/me/sign-out-everywhere", "/me/standing", "/me/service", "/me/contact",
           "/me/facts/correct", "/me/facts/hide", "/me/facts/forget", "/me/allow/nothing",
           "/me/allow/signal", "/me/allow/agreement", "/me/take/along", "/me/take/freeze",
           "/me/take/transfer", "/me/take/erase-part", "/me/bring/keep", "/me/take/erase",
           "/me/passkeys/begin", "/me/confirm/passkey", "/me/confirm/passkey/begin"}  # fmt: skip
    named = {re.sub(r"\{[^}]*\}", "{}", path) for path, _ in attempts(
        dict.fromkeys(("decision", "action", "intent", "receipt", "session", "request",
                       "identifier", "passkey", "agreement"), "{x}"))}  # fmt: skip
    tried = {path.removesuffix(".json").removesuffix(".jsonld") for path in named}

    async def story(doors: PortalDoors) -> None:
        paths = {
            re.sub(r"\{[^}]*\}", "{}", route.path)
            for route in doors.portal.routes
            if isinstance(route, HTTPRoute)
        }
        left = paths - is_open - own - named - tried
        assert left == set()

    with_portal(open_shop(), tmp_path, story)


def test_without_a_session_nothing_is_shown(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        await open_town(doors)
        browser = Browser(doors)
        await browser.get("/me/sign-in")
        for page in PAGES:
            answer = await browser.get(place(page))
            assert (answer.status, answer.body) == (303, b""), page
            twin = await browser._ask("GET", TWINS[page], b"", {})
            assert twin.status == 401, page
            assert twin.headers["content-type"] == "application/problem+json"
        answer = await browser.send("/me/allow/nothing", {}, follow=False)
        assert answer.status == 303

    with_portal(shop_with_actions(open_shop), tmp_path, story)


@pytest.mark.parametrize(
    "path",
    ["/me/why?after=x", "/me/timeline?after=%00", "/me/why/..%2f", "/me/want/x.jsonld",
     "/me/receipts/999999999999999999999", "/me/style.css/x", "/me/%3Cscript%3E",
     "/me/why/" + "x" * 3_000],
)  # fmt: skip
def test_nonsense_is_answered_calmly(open_shop: OpenShop, tmp_path: Path, path: str) -> None:
    async def story(doors: PortalDoors) -> None:
        await open_town(doors)
        browser = await Browser(doors).sign_in(ADA)
        answer = await browser.get(path)
        assert answer.status in (400, 404), answer.status
        assert b"<script>" not in answer.body.lower()

    with_portal(shop_with_actions(open_shop), tmp_path, story)


def test_nothing_is_told_but_texts_of_ours(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        await open_town(doors)
        browser = await Browser(doors).sign_in(ADA)
        await browser.get("/me?told=You%20have%20won")
        assert "You have won" not in browser.page
        await browser.get("/me?told=service")
        assert "we keep to it" in browser.text

    with_portal(shop_with_actions(open_shop), tmp_path, story)


def test_a_bug_is_told_as_such_and_nothing_of_it(
    open_shop: OpenShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(doors: PortalDoors) -> None:
        await open_town(doors)
        browser = await Browser(doors).sign_in(ADA)

        def fail(*_: object) -> None:
            raise RuntimeError("the secret inside")

        monkeypatch.setattr("customering.portal.facts.view_of", fail)
        answer = await browser.get("/me/facts")
        assert answer.status == 503
        assert "It is our fault" in browser.text
        assert "secret inside" not in browser.page
        twin = await browser._ask("GET", "/me/facts.json", b"", {})
        assert (twin.status, twin.json["code"]) == (503, "unavailable")

    with_portal(shop_with_actions(open_shop), tmp_path, story)
