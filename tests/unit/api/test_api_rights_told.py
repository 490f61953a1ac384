"""Others are told: agents of changes they asked to hear of, processors answer by a signed call."""

import asyncio
import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_api_rights_agents import AGENT, ASK_AT, BUSINESS, ORDER, PUBLIC, paired, signed

from all_doors import AllDoors, Run, running_all
from processors import DOMAIN, OTHER_KEY, PEM, Fake, FakeAgent, listening, signed_headers
from town import OpenShop

CALLBACKS_AT = "/v1/opendsr/callbacks"


@pytest.fixture
def shop(open_shop: OpenShop, tmp_path: Path) -> Callable[[str, Any], Any]:
    def run(settings: str, act: Any) -> Any:
        with (open_shop().home.folder / "customering.toml").open("a") as file:
            file.write(settings)
        return running_all(open_shop(), tmp_path, act)

    return run


def agent_settings(*, is_local: bool) -> str:
    return (
        f'[rights]\nbusiness_id = "{BUSINESS}"\n[rights.agents.{AGENT}]\n'
        f'name = "Consumer Reports"\nverify_key = "{PUBLIC}"\nis_local = {str(is_local).lower()}\n'
    )


async def until(is_so: Callable[[], bool]) -> None:
    for _ in range(500):
        if is_so():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about")


def test_an_agent_is_told_of_each_change_signed_by_the_home(
    shop: Callable[[str, Any], Any],
) -> None:
    with listening(FakeAgent()) as agent:

        async def act(doors: AllDoors) -> None:
            await doors.take(ORDER)
            token = await paired(doors)
            body = signed(
                doors.now_ms, status_callback=agent.url, exercise="access",
                **{"agent-request-id": "a-17"},
            )  # fmt: skip
            made = (await doors.post(ASK_AT, body, **token)).json
            assert agent.calls == []
            at = f"/v1/rights/{made['request_id']}"
            await doors.post(f"{at}/extend", {"words": "holidays"}, key=doors.secret)
            await until(lambda: len(agent.calls) == 1)
            await doors.post(f"{at}/fulfil", {}, key=doors.secret)
            await until(lambda: len(agent.calls) == 2)
            (method, path, headers, first), (*_, last) = agent.calls
            assert (method, path) == ("POST", "/v2")
            assert (first["status"], first["processing_details"]) == ("open", "holidays")
            assert first["agent_request_id"] == "a-17"
            assert last["status"] == "fulfilled"
            assert last.keys() == first.keys() == made.keys()
            key_id, signature = headers["customering-signature"].split()
            sent = json.dumps(first, separators=(",", ":"), ensure_ascii=False).encode()
            key = doors.live.engine.receipts.key
            assert key.holds(key_id, sent, b64decode(signature))
            assert not key.holds(key_id, sent + b" ", b64decode(signature))

        shop(agent_settings(is_local=True), act)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "https://10.0.0.1/", "gopher://x", "x"])
def test_an_agent_cannot_have_our_own_network_called(
    shop: Callable[[str, Any], Any], url: str
) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(ORDER)
        token = await paired(doors)
        body = signed(doors.now_ms, status_callback=url)
        answer = await doors.post(ASK_AT, body, **token)
        assert (answer.status, answer.json["code"]) == (400, "status_callback")
        assert (await doors.get("/v1/rights", key=doors.secret)).json["requests"] == []

    shop(agent_settings(is_local=False), act)


def test_a_processor_is_told_and_only_believed_when_it_signs(
    shop: Callable[[str, Any], Any],
) -> None:
    with listening(Fake()) as fake:
        settings = (
            '[serve]\npublic_url = "https://shop.example"\n[rights.processors.mailer]\n'
            f'name = "Mailer Inc."\nurl = "{fake.url}"\ndomain = "{DOMAIN}"\nis_local = true\n'
            f"certificate = {json.dumps(PEM)}\n"
            '[rights.processors.mailer.identities]\nemail = "sha256"\n'
        )

        async def act(doors: AllDoors) -> None:
            await doors.take(ORDER)
            made = await doors.call("DELETE", "/v1/people/user_id:ada", key=doors.secret)
            at = f"/v1/rights/{made.json['request_id']}"
            assert [one["status"] for one in made.json["recipients"]] == ["waiting"]
            await until(lambda: len(fake.calls) == 1)
            sent = fake.calls[0][3]
            (identity,) = sent["subject_identities"]
            assert identity["identity_format"] == "sha256"
            assert "ada@" not in json.dumps(sent)
            body = json.dumps(
                {
                    "subject_request_id": sent["subject_request_id"],
                    "request_status": "completed",
                    "status_callback_url": sent["status_callback_urls"][0],
                }
            ).encode()

            async def call_back(headers: dict[str, str], data: bytes) -> int:
                named = {name.lower(): value for name, value in headers.items()}
                return (await doors.post(CALLBACKS_AT, data, headers=named)).status

            assert await call_back(signed_headers(body, OTHER_KEY), body) == 403
            assert await call_back({}, body) == 403
            spoilt = body.replace(b"completed", b"cancelled")
            assert await call_back(signed_headers(body), spoilt) == 403
            recipients = (await doors.get(at, key=doors.secret)).json["recipients"]
            assert recipients[0]["status"] in ("waiting", "pending")
            assert await call_back(signed_headers(body), body) == 202
            (one,) = (await doors.get(at, key=doors.secret)).json["recipients"]
            assert (one["recipient"], one["status"]) == ("Mailer Inc.", "completed")
            told = (await doors.get(f"{at}/certificate", key=doors.secret)).json
            await until(lambda: not doors.live.engine.journal.pending())
            assert told["request_id"] == made.json["request_id"]

        shop(settings, act)


def test_a_part_is_erased_by_its_query(open_shop: OpenShop, tmp_path: Path) -> None:
    run: Run = lambda act: running_all(open_shop(), tmp_path, act)  # noqa: E731

    async def act(doors: AllDoors) -> None:
        await doors.take(ORDER)
        at = "/v1/people/user_id:ada"
        made = await doors.call("DELETE", f"{at}?category=purchases", key=doors.secret)
        assert made.status == 202, made.body
        assert made.json["details"] == {"scope": {"category": "purchases"}}
        told = await doors.get(
            f"/v1/rights/{made.json['request_id']}/certificate", key=doors.secret
        )
        assert told.json["scope"] == {"category": "purchases"}
        assert (await doors.get(at, key=doors.secret)).status == 200
        for query in ("category=x", "model=x", "model=taste&category=visits", "before=x"):
            wrong = await doors.call("DELETE", f"{at}?{query}", key=doors.secret)
            assert wrong.status == 400
        never = await doors.call("DELETE", f"{at}?category=visits&later=never", key=doors.secret)
        assert never.status == 400
        looked = (await doors.get(f"{at}/looks", key=doors.secret)).json
        assert looked["many"] == []
        assert "erase" in {look["act"] for look in looked["looks"]}

    run(act)
