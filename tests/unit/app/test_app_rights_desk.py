"""The desk: erasing, taking along, requests and the trail, in a running home."""

import asyncio
import csv
import io
import sqlite3
import zipfile
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from canary import ADA, CANARY, found_in, of_others, of_the_person
from customering.app.deciding import request_for
from customering.app.engine import Engine
from customering.app.live import Live
from customering.app.rights_desk import RightsDesk
from customering.events.model import DECISION_MADE
from customering.kernel.errors import Invalid, NoSuchPerson, Refused
from customering.kernel.ids import Identifier
from town import OpenShop, order

BEN = Identifier("user_id:ben")


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


async def taken(desk: RightsDesk, who: Identifier, **named: Any) -> dict[str, bytes]:
    out = io.BytesIO()
    await desk.takeout(who, actor="person", out=out, **named)
    with zipfile.ZipFile(out) as package:
        assert package.testzip() is None
        return {name: package.read(name) for name in package.namelist()}


def lines(data: bytes) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in data.splitlines()]


def test_a_takeout_holds_what_the_log_holds_of_this_person_and_of_nobody_else(
    open_shop: OpenShop,
) -> None:
    engine = open_shop()

    async def act(live: Live, desk: RightsDesk) -> tuple[dict[str, bytes], dict[str, bytes]]:
        await send(live, *of_others(), *of_the_person())
        live.decide([ADA], request_for("home", "", 2))
        await desk.open_request(ADA, "access", actor="person", words="all of it")
        return await taken(desk, ADA), await taken(desk, BEN)

    files, of_ben = running(engine, act)
    mine = [
        msgspec.json.decode(msgspec.json.encode(event))
        for block in engine.log.read()
        for event in block.events()
        if {ADA, f"anonymous_id:{CANARY}-browser-55"} & set(event.identifiers)
    ]
    told = lines(files["events.ndjson"])
    assert sorted(told, key=lambda e: e["event_id"]) == sorted(mine, key=lambda e: e["event_id"])
    assert len(told) == 6
    assert b"ben" not in files["events.ndjson"]
    assert all(CANARY.encode() not in data for data in of_ben.values())
    decided = lines(files["decisions.ndjson"])
    assert len(decided) == 1
    assert decided[0]["candidates"]
    assert decided[0]["chosen"]
    profile = msgspec.json.decode(files["profile.json"])
    assert set(profile["identifiers"]) >= {ADA, f"email:{CANARY}.mail@example.org"}
    assert profile["why_they_are_one_person"]
    assert profile["status"]["words"]
    assert profile["facts"]["orders_total"]["value"] == 1
    assert profile["facts"]["orders_total"]["how_we_know"] == "observed"
    assert lines(files["requests.ndjson"])[0]["kind"] == "access"
    bought = list(csv.DictReader(io.StringIO(files["purchases.csv"].decode("utf-8-sig"))))
    assert [row["product_id"] for row in bought] == ["milk", "bread"]
    listed = msgspec.json.decode(files["manifest.json"])["files"]
    assert {one["file"] for one in listed} | {"manifest.json"} == set(files)
    page = files["index.html"].decode()
    assert "<script" not in page
    assert CANARY in page


def test_what_can_be_taken_elsewhere_is_what_was_provided_and_observed(
    open_shop: OpenShop,
) -> None:
    engine = open_shop()

    async def act(live: Live, desk: RightsDesk) -> dict[str, bytes]:
        await send(live, *of_others(), *of_the_person())
        await live.in_thread(engine.learn)
        live.decide([ADA], request_for("home", "", 2))
        return await taken(desk, ADA, subset="portable")

    files = running(engine, act)
    assert not {"decisions.ndjson", "looks.ndjson"} & files.keys()
    profile = msgspec.json.decode(files["profile.json"])
    assert "status" not in profile
    assert "estimate" not in profile
    assert {fact["how_we_know"] for fact in profile["facts"].values()} <= {"declared", "observed"}
    assert DECISION_MADE.encode() not in b"".join(files.values())


def test_hostile_texts_are_text_in_the_page_and_in_the_tables(open_shop: OpenShop) -> None:
    engine = open_shop()
    bad = "<script>alert(1)</script>"
    bought = order({"userId": "eve"}, 1, "=cmd|' /C calc'!A0")
    bought["event"] = "Order Completed"

    async def act(live: Live, desk: RightsDesk) -> dict[str, bytes]:
        await send(
            live,
            bought,
            {"type": "track", "event": bad, "userId": "eve", "properties": {"a": bad}},
            {"type": "identify", "userId": "eve", "traits": {"name": f"=1+1{bad}"}},
        )
        return await taken(desk, Identifier("user_id:eve"))

    files = running(engine, act)
    assert "<script" not in files["index.html"].decode()
    rows = csv.reader(io.StringIO(files["purchases.csv"].decode("utf-8-sig")))
    cells = [cell for row in rows for cell in row]
    assert any(cell.startswith("'=cmd") for cell in cells)
    assert not any(cell[:1] in "=+@" for cell in cells if cell)


def test_a_request_runs_its_course_and_takes_effect(open_shop: OpenShop) -> None:
    engine = open_shop()

    async def act(live: Live, desk: RightsDesk) -> None:
        await send(live, *of_others(), *of_the_person())
        asked = await desk.open_request(
            ADA, "rectify", actor="person", details={"facts": {"city": "Ulm"}}
        )
        assert [one.request_id for one in await desk.requests_of(ADA)] == [asked.request_id]
        done = await desk.act(asked.request_id, "fulfil", actor="key_1")
        assert done.status == "fulfilled"
        assert live.person(ADA).values["declared"]["city"] == "Ulm"
        with pytest.raises(Refused):
            await desk.act(asked.request_id, "deny", actor="key_1", reason="no_match")
        restricted = await desk.open_request(BEN, "restrict", actor="person")
        await desk.act(restricted.request_id, "fulfil", actor="key_1")
        assert live.decide([BEN], request_for("home", "", 2)).chosen == ("leave_alone",)
        vague = await desk.open_request(BEN, "rectify", actor="person")
        with pytest.raises(Invalid):
            await desk.act(vague.request_id, "fulfil", actor="key_1")
        assert (await desk.request(vague.request_id)).status == "open"
        with pytest.raises(NoSuchPerson):
            await desk.open_request(Identifier("user_id:nobody"), "access", actor="person")
        assert await desk.reminders() == []

    running(engine, act)


def test_an_erasure_ends_as_a_request_with_a_certificate_that_verifies(
    open_shop: OpenShop,
) -> None:
    engine = open_shop()

    async def act(live: Live, desk: RightsDesk) -> None:
        await send(live, *of_others(), *of_the_person())
        asked = await desk.open_request(
            ADA, "access", actor="person", words=f"I am {CANARY}", details={"n": f"{CANARY}"}
        )
        await desk.note_look(ADA, "key_9", "read", "GET /v1/people")
        erasure = await desk.erase(ADA, actor="person")
        certificate = msgspec.json.decode(await desk.certificate(erasure.request_id))
        signature = certificate.pop("signature")
        key_id = certificate.pop("key_id")
        certificate.pop("algorithm")
        from customering.app.erasing_certificate import canonical
        from customering.app.home_key import from_text

        assert engine.receipts.key.holds(key_id, canonical(certificate), from_text(signature))
        certificate["completed_at"] = "2020-01-01T00:00:00.000Z"
        assert not engine.receipts.key.holds(key_id, canonical(certificate), from_text(signature))
        await asyncio.sleep(0.2)
        status = {one.request_id: one for one in await desk.requests_of(ADA)}
        assert status[erasure.request_id].status == "fulfilled"
        assert status[asked.request_id].words == ""
        assert not status[asked.request_id].details
        assert [look.act for look in await desk.looks_at(ADA)] == ["erase", "read"]
        with pytest.raises(NoSuchPerson):
            await desk.act(asked.request_id, "fulfil", actor="key_1")

    running(engine, act)
    assert found_in(engine.home.folder) == []


def test_the_trail_shows_a_row_that_was_changed_or_taken_out(open_shop: OpenShop) -> None:
    engine = open_shop()

    async def act(live: Live, desk: RightsDesk) -> None:
        await send(live, *of_others())
        await asyncio.gather(
            *(desk.note_look(BEN, f"key_{number}", "read") for number in range(20))
        )
        verdict = await desk.verify()
        assert (verdict.rows, verdict.fault) == (20, "")
        looks = await desk.looks_at(BEN)
        assert [look.actor for look in looks] == [f"key_{n}" for n in reversed(range(20))]

    running(engine, act)
    path = engine.home.folder / "rights.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(
            "UPDATE audit SET row = CAST(replace(row, 'read', 'kept') AS BLOB) WHERE seq = 7"
        )
    assert engine.rights.verify().fault == "row 7 is not what was written"
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM audit WHERE seq = 7")
    assert engine.rights.verify().fault == "row 7 is missing"
