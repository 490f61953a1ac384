"""Handing one's data to somebody else: once, for a time, and not any more when it is taken back."""

import asyncio
import io
import json
import re
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import pytest

from customering.kernel.clock import MS_PER_HOUR
from portal_doors import HOST, ORIGIN, Browser, PortalDoors, with_portal, without_chance
from portal_town import identified, life_of_a_regular
from shop_doors import Answer
from town import NOON, OpenShop

ADA, BOB = "ada@example.org", "bob@example.org"


async def ada(doors: PortalDoors) -> Browser:
    for who in ("ada", "bob"):
        await doors.take(identified(who, NOON, firstName=who.title(), city="Vienna"))
    await doors.take(*life_of_a_regular("ada", NOON, orders=2))
    browser = await Browser(doors).sign_in(ADA)
    await browser.get("/me/take")
    return browser


async def link_of(browser: Browser, **fields: str) -> str:
    """Make a link by the form of the page, and give its path."""
    await browser.send("/me/take/transfer", {"label": "Other Ltd", **fields})
    (link,) = set(re.findall(rf"{ORIGIN}(/t/[0-9a-f]{{64}})", browser.page))
    return str(link)


async def fetched(doors: PortalDoors, path: str, method: str = "POST") -> Answer:
    """Come without any cookie, as a program of another company does."""
    return await doors.asked(method, path, b"", {"host": HOST, "accept": "*/*"})


def without_nonces(page: bytes) -> bytes:
    return re.sub(rb'(nonce|value)="[^"]*"', b"", page)


async def state_of(browser: Browser) -> tuple[str, str]:
    told = await browser.json("/me/take.json")
    request = next(one for one in told["requests"] if one["kind"] == "port")
    return told["transfers"][0]["state"], request["status"]


def test_another_company_fetches_the_data_once(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        link = await link_of(browser)
        assert "Other Ltd" in browser.text
        assert await state_of(browser) == ("waiting", "in_progress")
        for _ in range(2):
            shown = await fetched(doors, link, "GET")
            assert shown.status == 200
            assert b"Other Ltd" in shown.body
            assert "ada" not in without_chance(shown.body.decode())
        answer = await fetched(doors, link)
        assert (answer.status, answer.headers["content-type"]) == (200, "application/zip")
        assert "set-cookie" not in answer.headers
        with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
            profile = json.loads(archive.read("profile.json"))
            assert json.loads(archive.read("manifest.json"))["subset"] == "portable"
            assert "decisions.ndjson" not in archive.namelist()
        assert f"email:{ADA}" in profile["identifiers"]
        assert await state_of(browser) == ("fetched", "fulfilled")
        again = await fetched(doors, link)
        gone = await fetched(doors, link, "GET")
        unknown = await fetched(doors, "/t/" + "0" * 64)
        assert {one.status for one in (again, gone, unknown)} == {404}
        assert len({without_nonces(one.body) for one in (again, gone, unknown)}) == 1
        looks = (await browser.json("/me/take.json"))["looks"]
        assert ("receiver", "export") in {(one["actor"], one["act"]) for one in looks}
        await browser.get("/me/take")
        assert "whoever you gave a link" in browser.text

    with_portal(open_shop(), tmp_path, story)


def test_of_two_at_once_one_gets_it(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        link = await link_of(await ada(doors))
        answers = await asyncio.gather(*(fetched(doors, link) for _ in range(6)))
        assert sorted(one.status for one in answers) == [200, *[404] * 5]

    with_portal(open_shop(), tmp_path, story)


def test_what_was_taken_back_hands_nothing_over(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        link = await link_of(browser)
        await browser.get("/me/take")
        (request_id,) = set(re.findall(r'name="request_id" value="([^"]+)"', browser.page))
        await browser.post("/me/take/revoke", request_id=request_id)
        assert "Taken back" in browser.text
        assert (await fetched(doors, link, "GET")).status == 404
        assert (await fetched(doors, link)).status == 404
        assert await state_of(browser) == ("revoked", "revoked")

    with_portal(open_shop(), tmp_path, story)


def test_it_holds_for_its_time(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        usual, short = await link_of(browser), await link_of(browser, hours="1", label="Short")
        begun = doors.desk.transfers._clock()
        doors.desk.transfers._clock = lambda: begun + MS_PER_HOUR
        assert (await fetched(doors, short)).status == 404
        told = await browser.json("/me/take.json")
        assert {one["state"] for one in told["transfers"]} == {"waiting", "expired"}
        assert {one["status"] for one in told["requests"]} == {"in_progress", "expired"}
        doors.desk.transfers._clock = lambda: begun + 72 * MS_PER_HOUR - 1
        assert (await fetched(doors, usual)).status == 200

    with_portal(open_shop(), tmp_path, story)


@pytest.mark.parametrize(
    "fields",
    [{"label": ""}, {"label": "a\nb\x00"}, {"label": "x" * 81}, {"hours": "0"}, {"hours": "169"},
     {"hours": "many"}, {"subset": "some"}],
)  # fmt: skip
def test_what_makes_no_link_is_refused(
    open_shop: OpenShop, tmp_path: Path, fields: dict[str, str]
) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        sent = {"label": "Other Ltd", **fields}
        assert (await browser.send("/me/take/transfer", sent)).status == 400
        told = await browser.json("/me/take.json")
        assert (told["transfers"], told["requests"]) == ([], [])

    with_portal(open_shop(), tmp_path, story)


def test_a_link_needs_a_fresh_sign_in_and_there_are_few(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        for _ in range(5):
            await link_of(browser)
        answer = await browser.send("/me/take/transfer", {"label": "Other Ltd"})
        assert answer.status == 400
        doors.desk.sessions.is_fresh = lambda session: False
        answer = await browser.send("/me/take/transfer", {"label": "Other Ltd"}, follow=False)
        assert answer.headers["location"] == "/me/confirm?back=take"

    with_portal(open_shop(), tmp_path, story)


def test_only_a_digest_is_kept_and_an_erased_person_hands_nothing_over(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        link = await link_of(browser, label="canary-receiver-55")
        home = doors.engine.home.folder
        assert holding(home, link.removeprefix("/t/")) == []
        assert holding(home, "canary-receiver-55")
        await browser.get("/me/take")
        await browser.post("/me/take/erase", sure="erase")
        request_id = browser.text.split("number: ")[1].split()[0]
        await doors.desk.rights.certificate(request_id)
        assert (await fetched(doors, link)).status == 404
        assert holding(home, "canary-receiver-55") == []

    with_portal(open_shop(), tmp_path, story)


def holding(folder: Path, canary: str) -> list[str]:
    files = (place for place in folder.rglob("*") if place.is_file())
    return [place.name for place in files if canary.encode() in place.read_bytes()]


def test_a_link_is_given_back_when_nothing_could_be_handed_over(
    open_shop: OpenShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from customering.kernel.errors import Unavailable

    async def story(doors: PortalDoors) -> None:
        link = await link_of(await ada(doors))

        async def fail(*_: Any, **__: Any) -> None:
            raise Unavailable("the disk is full", hint="wait")

        with monkeypatch.context() as broken:
            broken.setattr(doors.desk.rights, "takeout", fail)
            assert (await fetched(doors, link)).status == 503
        assert (await fetched(doors, link)).status == 200

    with_portal(open_shop(), tmp_path, story)


def test_nobody_lists_links(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        await link_of(await ada(doors))
        bob = await Browser(doors).sign_in(BOB)
        assert (await bob.json("/me/take.json"))["transfers"] == []
        for path in ("/t", "/t/", "/t.json"):
            assert (await fetched(doors, path, "GET")).status == 404
        with sqlite3.connect(doors.engine.home.folder / "control.sqlite") as connection:
            (digest,) = connection.execute("SELECT digest FROM portal_transfers").fetchone()
        connection.close()
        assert (await fetched(doors, f"/t/{digest.hex()}")).status == 404

    with_portal(open_shop(), tmp_path, story)
