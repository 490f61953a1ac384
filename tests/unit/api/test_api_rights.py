"""The doors of rights: who may, what is answered, and what it does."""

import asyncio
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from all_doors import AllDoors, Run, running_all
from shop_doors import SHOP, scope_of
from town import OpenShop, order

ADA, BEN = {"userId": "ada"}, {"userId": "ben"}
ADA_AT = "/v1/people/user_id:ada"


@pytest.fixture
def shop(open_shop: OpenShop, tmp_path: Path) -> Run:
    def run(act: Any) -> Any:
        return running_all(open_shop(), tmp_path, act)

    return run


def test_erasing_is_in_force_when_it_is_answered_and_certified_soon_after(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"), order(BEN, 0, "milk"))
        answer = await doors.call("DELETE", ADA_AT, key=doors.secret)
        assert answer.status == 202
        assert (answer.json["kind"], answer.json["status"]) == ("erase", "in_progress")
        assert (await doors.get(ADA_AT, key=doors.secret)).status == 404
        at = f"/v1/rights/{answer.json['request_id']}"
        told = (await doors.get(f"{at}/certificate", key=doors.secret)).json
        assert told["signature"]
        assert told["key_id"]
        assert {one["store"]: one["rows_deleted"] for one in told["per_store"]}["log"] == 1
        assert (await doors.call("DELETE", ADA_AT, key=doors.secret)).status == 404
        assert (await doors.get("/v1/people/user_id:ben", key=doors.secret)).status == 200

    shop(act)


async def download(doors: AllDoors, path: str, **headers: str) -> tuple[dict[str, str], bytes]:
    """Make one request and stay until all of the answer has come, as a client does."""
    messages: list[Any] = []
    is_whole = asyncio.Event()

    async def send(message: Any) -> None:
        messages.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            is_whole.set()

    async def receive() -> Any:
        await is_whole.wait()
        return {"type": "http.disconnect"}

    await doors.app(scope_of("GET", path, headers), receive, send)
    assert messages[0]["status"] == 200
    told = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
    return told, b"".join(message.get("body", b"") for message in messages[1:])


def test_a_takeout_is_a_zip_for_the_shop_and_for_the_person(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"), order(BEN, 0, "milk"))
        of_shop = {"authorization": f"Bearer {doors.secret}"}
        of_ada = {"authorization": f"Bearer {doors.token('user_id:ada')}", "origin": SHOP}
        for how in (of_shop, of_ada):
            headers, body = await download(doors, f"{ADA_AT}/takeout", **how)
            assert headers["content-type"] == "application/zip"
            assert headers["cache-control"] == "no-store"
            with zipfile.ZipFile(io.BytesIO(body)) as package:
                assert {"profile.json", "events.ndjson", "index.html"} <= set(package.namelist())
                assert b"user_id:ben" not in b"".join(map(package.read, package.namelist()))
        assert (await doors.get(f"{ADA_AT}/takeout?subset=x", key=doors.secret)).status == 400

    shop(act)


def test_a_request_is_opened_by_the_person_and_answered_by_the_shop(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"))
        person = {"key": doors.token("user_id:ada"), "origin": SHOP}
        asked = {"kind": "rectify", "details": {"facts": {"city": "Ulm"}}, "words": "I moved"}
        made = await doors.post(f"{ADA_AT}/rights", asked, **person)
        assert (made.status, made.json["status"]) == (201, "open")
        at = f"/v1/rights/{made.json['request_id']}"
        listed = (await doors.get(f"{ADA_AT}/rights", **person)).json["requests"]
        assert [one["request_id"] for one in listed] == [made.json["request_id"]]
        put_off = await doors.post(f"{at}/extend", {"words": "holidays"}, key=doors.secret)
        assert put_off.json["is_extended"]
        assert (await doors.post(f"{at}/deny", {}, key=doors.secret)).status == 400
        done = await doors.post(f"{at}/fulfil", {}, key=doors.secret)
        assert done.json["status"] == "fulfilled"
        traits = (await doors.get(ADA_AT, key=doors.secret)).json["traits"]
        assert traits["city"]["value"] == "Ulm"
        again = await doors.post(f"{at}/revoke", {}, key=doors.secret)
        assert again.status in (403, 409)
        assert (await doors.post(f"{at}/burn", {}, key=doors.secret)).status == 400
        assert (await doors.get("/v1/rights/req_none", key=doors.secret)).status == 404

    shop(act)


def test_nobody_but_the_shop_erases_lists_or_answers(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"), order(BEN, 0, "milk"))
        person = {"key": doors.token("user_id:ada"), "origin": SHOP}
        narrow = {"key": doors.secret_with("decide")}
        made = await doors.post(f"{ADA_AT}/rights", {"kind": "access"}, **person)
        at = f"/v1/rights/{made.json['request_id']}"
        for how in (person, narrow, {"key": "nothing"}, {}):
            for method, path in (
                ("DELETE", ADA_AT),
                ("GET", "/v1/rights"),
                ("GET", at),
                ("GET", f"{at}/certificate"),
                ("POST", f"{at}/fulfil"),
                ("GET", "/v1/audit"),
            ):
                answer = await doors.call(method, path, {} if method == "POST" else None, **how)
                assert answer.status in (401, 403), (method, path, how)
        for path in ("takeout", "rights", "looks"):
            other = await doors.get(f"/v1/people/user_id:ben/{path}", **person)
            assert other.status == 403, path
        assert (await doors.get("/v1/people/user_id:ben", key=doors.secret)).status == 200

    shop(act)


def test_every_look_of_the_shop_is_in_the_trail_the_person_sees(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"), order(BEN, 0, "milk"))
        await doors.get(ADA_AT, key=doors.secret)
        await doors.get(f"{ADA_AT}/timeline", key=doors.secret)
        await doors.get("/v1/people/user_id:ben", key=doors.secret)
        person = {"key": doors.token("user_id:ada"), "origin": SHOP}
        told = (await doors.get(f"{ADA_AT}/looks", **person)).json["looks"]
        assert [one["words"] for one in told] == [
            "GET /v1/people/{who}/timeline",
            "GET /v1/people/{who}",
        ]
        assert all(one["actor"].startswith("key_") for one in told)
        found = (await doors.get("/v1/audit", key=doors.secret)).json
        assert (found["rows"], found["fault"]) == (3, "")

    shop(act)
