"""The Data Rights Protocol: what an agent must show, in which order it is checked, what it gets."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from all_doors import AllDoors, Run, running_all
from customering.kernel.clock import MS_PER_DAY, format_instant
from town import OpenShop, order

AGENT, BUSINESS = "CR_AA_DRP_ID_001", "shop"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ANOTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = b64encode(KEY.public_key().public_bytes_raw()).decode()
ORDER = {
    **order({"userId": "ada"}, 0, "bread"),
    "context": {"externalIds": [{"type": "email", "id": "ada@example.org"}]},
}
ASK_AT = "/v1/data-rights-request"


@pytest.fixture
def shop(open_shop: OpenShop, tmp_path: Path) -> Run:
    def run(act: Any) -> Any:
        engine = open_shop()
        path = engine.home.folder / "customering.toml"
        with path.open("a") as file:
            file.write(
                f'[rights]\nbusiness_id = "{BUSINESS}"\n'
                f'[rights.agents.{AGENT}]\nname = "Consumer Reports"\nverify_key = "{PUBLIC}"\n'
                f'[rights.agents.other]\nname = "Another"\nverify_key = "{PUBLIC}"\n'
            )
        return running_all(open_shop(), tmp_path, act)

    return run


def signed(now_ms: int, *, by: Ed25519PrivateKey = KEY, **changed: Any) -> bytes:
    message = {
        "agent-id": AGENT,
        "business-id": BUSINESS,
        "issued-at": format_instant(now_ms - 1_000),
        "expires-at": format_instant(now_ms + 600_000),
        "drp.version": "1.0",
        "exercise": "deletion",
        "email": "ada@example.org",
        "email_verified": True,
        **changed,
    }
    data = json.dumps(message).encode()
    return b64encode(by.sign(data) + data)


async def paired(doors: AllDoors, agent: str = AGENT) -> dict[str, str]:
    body = signed(doors.now_ms, **{"agent-id": agent})
    answer = await doors.post(f"/v1/agent/{agent}", body)
    assert answer.status == 200, answer.body
    return {"key": answer.json["token"]}


def test_an_agent_asks_and_follows_what_comes_of_it(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(ORDER)
        agent = await paired(doors)
        assert (await doors.get(f"/v1/agent/{AGENT}", **agent)).json == {"agent-id": AGENT}
        body = signed(doors.now_ms, **{"agent-request-id": "a-17"})
        made = await doors.post(ASK_AT, body, **agent)
        assert (made.status, made.json["status"]) == (200, "open")
        assert made.json["agent_request_id"] == "a-17"
        again = await doors.post(ASK_AT, body, **agent)
        assert again.json == made.json
        at = made.json["request_id"]
        done = await doors.post(f"/v1/rights/{at}/fulfil", {}, key=doors.secret)
        assert done.json["status"] in ("in_progress", "fulfilled")
        await doors.get(f"/v1/rights/{at}/certificate", key=doors.secret)
        assert (await doors.get("/v1/people/user_id:ada", key=doors.secret)).status == 404
        told = await doors.get(f"{ASK_AT}/{at}", **agent)
        assert told.json["status"] in ("in_progress", "fulfilled")

    shop(act)


SPOILT: list[tuple[str, Any]] = [
    ("base64", lambda now: b"not base64!"),
    ("signature", lambda now: signed(now, by=ANOTHER)),
    ("signature", lambda now: b64encode(b"short")),
    # Everything is wrong: the first check in the protocol's order is told.
    (
        "signature",
        lambda now: signed(now, by=ANOTHER, **{"agent-id": "x", "business-id": "y"}),
    ),
    ("agent-id", lambda now: signed(now, **{"agent-id": "other", "business-id": "y"})),
    (
        "business-id",
        lambda now: signed(
            now, **{"business-id": "y", "issued-at": format_instant(now + MS_PER_DAY)}
        ),
    ),
    (
        "issued-at",
        lambda now: signed(
            now,
            **{
                "issued-at": format_instant(now + MS_PER_DAY),
                "expires-at": format_instant(now - 1),
            },
        ),
    ),
    ("expires-at", lambda now: signed(now, **{"expires-at": format_instant(now - 1)})),
    ("message", lambda now: signed(now, **{"issued-at": "yesterday"})),
    ("message", lambda now: signed(now, exercise="everything")),
    ("drp.version", lambda now: signed(now, **{"drp.version": "0.9"})),
]


def test_the_first_check_that_fails_is_told_and_nothing_is_kept(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(ORDER)
        agent = await paired(doors)
        for check, spoil in SPOILT:
            answer = await doors.post(ASK_AT, spoil(doors.now_ms), **agent)
            assert (answer.status, answer.json["code"]) == (400, check)
        assert (await doors.get("/v1/rights", key=doors.secret)).json["requests"] == []

    shop(act)


def test_without_a_token_or_with_that_of_another_nothing_is_told(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(ORDER)
        agent, other = await paired(doors), await paired(doors, "other")
        made = (await doors.post(ASK_AT, signed(doors.now_ms), **agent)).json
        for how in ({}, {"key": "guess"}, {"key": doors.secret}):
            assert (await doors.post(ASK_AT, signed(doors.now_ms), **how)).status == 403
            assert (await doors.get(f"/v1/agent/{AGENT}", **how)).status == 403
        assert (await doors.get(f"/v1/agent/{AGENT}", **other)).status == 403
        assert (await doors.get(f"{ASK_AT}/{made['request_id']}", **other)).status == 404
        stolen = await doors.call("DELETE", f"{ASK_AT}/{made['request_id']}", {}, **other)
        assert stolen.status == 404
        unknown = signed(doors.now_ms, **{"agent-id": "x"})
        assert (await doors.post("/v1/agent/x", unknown)).status == 403
        renewed = await paired(doors)
        assert (await doors.get(f"/v1/agent/{AGENT}", **agent)).status == 403
        mine = f"{ASK_AT}/{made['request_id']}"
        gone = await doors.call("DELETE", mine, {"reason": "changed my mind"}, **renewed)
        assert gone.json["status"] == "revoked"
        assert (await doors.call("DELETE", mine, {}, **renewed)).status == 403

    shop(act)


CLAIMS: list[tuple[dict[str, Any], str, str]] = [
    ({"email": "nobody@example.org"}, "denied", "no_match"),
    ({"email_verified": False}, "in_progress", "need_user_verification"),
    ({"exercise": "sale:opt-in"}, "denied", "claim_not_covered"),
    ({"exercise": "sale:opt-out"}, "open", ""),
    ({"exercise": "access"}, "open", ""),
]


def test_what_is_claimed_decides_how_it_begins(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(ORDER)
        agent = await paired(doors)
        for claims, status, reason in CLAIMS:
            made = await doors.post(ASK_AT, signed(doors.now_ms, **claims), **agent)
            told = (made.status, made.json["status"], made.json["reason"])
            assert told == (200, status, reason)
            if claims.get("exercise") == "sale:opt-out":
                at = f"/v1/rights/{made.json['request_id']}/fulfil"
                done = await doors.post(at, {}, key=doors.secret)
                assert done.json["status"] == "fulfilled"

    shop(act)
