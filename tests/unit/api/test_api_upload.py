"""The upload door: a file is imported once, whatever happens beside it, and not without bounds."""

import asyncio
import gzip
from pathlib import Path
from typing import Any

import pytest

from all_doors import AllDoors, Run, running_all
from customering.kernel.ids import Identifier
from town import OpenShop, view

MAPPING = """
name = "visits"
event = "Visit Booked"
id = ["visit"]
occurred_at = "day"
identifiers.email = "mail"
properties.guests = { column = "guests", type = "integer" }
"""
HEAD = "visit,day,mail,guests\n"
AT = "/v1/upload?mapping=visits"


def rows(count: int) -> bytes:
    return (
        HEAD + "".join(f"{n},2026-03-01,p{n % 7}@shop.example,2\n" for n in range(count))
    ).encode()


@pytest.fixture
def shop(open_shop: OpenShop, tmp_path: Path) -> Run:
    def run(act: Any, *overrides: str) -> Any:
        engine = open_shop(overrides=overrides)
        folder = engine.home.folder / "mappings"
        folder.mkdir(exist_ok=True)
        (folder / "visits.toml").write_text(MAPPING)
        joined = f'{MAPPING}joins.other = {{ file = "other.csv", on = {{ visit = "visit" }} }}\n'
        (folder / "joined.toml").write_text(joined)
        (folder / "broken.toml").write_text("name = 1")
        return running_all(engine, tmp_path, act)

    return run


def test_a_file_is_imported_once_and_is_in_the_next_read(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        answer = await doors.post(AT, rows(1_200), key=doors.secret)
        assert answer.status == 200
        told = {"rows": 1_200, "events": 1_200, "appended": 1_200}
        assert answer.json | told == answer.json
        assert doors.engine.folding.offset == 1_200
        person = doors.live.person(Identifier("email:p3@shop.example"))
        happened = await doors.get("/v1/people/email:p3@shop.example/timeline", key=doors.secret)
        assert happened.json["events"][0]["properties"] == {"guests": 2}
        assert person.identifiers == ("email:p3@shop.example",)
        again = await doors.post(AT, rows(1_200), key=doors.secret)
        assert (again.json["appended"], again.json["duplicates"]) == (0, 1_200)
        assert doors.engine.folding.offset == 1_200

    shop(act)


def test_the_form_is_told_or_seen(shop: Run) -> None:
    def line(number: int) -> bytes:
        told = f'"visit": {number}, "day": "2026-03-01", "mail": "a@b.example", "guests": 2'
        return b"{" + told.encode() + b"}\n"

    def table(number: int) -> bytes:
        return f"{HEAD}{number},2026-03-01,a@b.example,2\n".encode()

    async def act(doors: AllDoors) -> None:
        number = 0
        for make, media in (
            (table, "text/csv; charset=utf-8"),
            (table, ""),
            (line, ""),
            (line, "application/x-ndjson"),
        ):
            for pack in (bytes, gzip.compress):
                number += 1
                headers = {"content-type": media} if media else {}
                body = pack(make(number))
                answer = await doors.post(AT, body, key=doors.secret, headers=headers)
                assert answer.status == 200, (media, answer.body)
                assert answer.json["appended"] == 1

    shop(act)


def test_rows_that_make_no_event_are_set_aside(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        body = rows(3) + b"9,someday,x@shop.example,2\n10,2026-03-01,,2\n"
        answer = await doors.post(AT, body, key=doors.secret)
        assert (answer.json["appended"], answer.json["quarantined"]) == (3, 2)
        assert doors.engine.quarantine.count() == 2

    shop(act)


def test_live_events_are_taken_meanwhile(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        importing = asyncio.create_task(doors.post(AT, rows(6_000), key=doors.secret))
        taken = 0
        while not importing.done():
            await doors.take(view({"userId": "ada"}, taken, "milk"))
            await doors.get("/v1/people/user_id:ada/timeline?limit=1", key=doors.secret)
            taken += 1
        assert (await importing).json["appended"] == 6_000
        assert taken > 3
        assert doors.engine.folding.offset == doors.engine.log.end == 6_000 + taken

    shop(act)


def test_a_mapping_that_cannot_be_used_is_refused(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        for path, status, place in (
            ("/v1/upload", 400, "?mapping"),
            ("/v1/upload?mapping=", 400, "?mapping"),
            ("/v1/upload?mapping=absent", 404, "mapping"),
            ("/v1/upload?mapping=../mappings/visits", 404, "mapping"),
            ("/v1/upload?mapping=joined", 400, "join"),
            ("/v1/upload?mapping=broken", 400, "name"),
            (f"{AT}&other=1", 400, "?other"),
        ):
            answer = await doors.post(path, rows(1), key=doors.secret)
            assert answer.status == status, path
            assert place in answer.json["detail"]

    shop(act)


def test_a_file_that_cannot_be_read_is_refused(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        for body in (
            b"",
            b"\x1f\x8bnonsense",
            gzip.compress(rows(3_000))[:-20],
            b"other,columns\n1,2\n",
            bytes(range(256)) * 8,
        ):
            answer = await doors.post(AT, body, key=doors.secret)
            assert answer.status == 400, body[:20]
        assert doors.engine.folding.offset == 0

    shop(act)


def test_no_more_is_taken_than_is_allowed_packed_or_not(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        for body in (rows(1_000), gzip.compress(HEAD.encode() + b"x" * 400_000)):
            answer = await doors.post(AT, body, key=doors.secret)
            assert answer.status == 400
            assert "bytes" in answer.json["detail"]

    shop(act, "serve.upload_bytes_max=10000")


def test_one_file_at_a_time(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        answers = await asyncio.gather(
            *(doors.post(AT, rows(2_000), key=doors.secret) for _ in range(2))
        )
        assert sorted(answer.status for answer in answers) == [200, 429]
        busy = next(answer for answer in answers if answer.status == 429)
        assert int(busy.headers["retry-after"]) > 0

    shop(act)


def test_only_a_key_for_imports_may(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        assert (await doors.post(AT, rows(1))).status == 401
        for key in (doors.write, doors.server, doors.secret_with("collect", "people")):
            assert (await doors.post(AT, rows(1), key=key)).status == 403

    shop(act)
