"""Passkeys on the person's page: added, used, confirmed with, removed, and nobody else's way in."""

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from customering.app.subject_tokens import PORTAL_AUDIENCE, mint
from portal_doors import ORIGIN, Browser, PortalDoors, with_portal
from portal_town import identified, life_of_a_regular
from soft_passkey import SoftDevice
from town import NOON, OpenShop

ADA, BOB = "ada@example.org", "bob@example.org"


def places_holding(folder: Path, canary: bytes) -> list[str]:
    """Give the files in which some bytes stand."""
    files = (place for place in folder.rglob("*") if place.is_file())
    return [place.name for place in files if canary in place.read_bytes()]


async def open_with_ada(doors: PortalDoors) -> Browser:
    for who in ("ada", "bob"):
        await doors.take(identified(who, NOON, firstName=who.title()))
    await doors.take(*life_of_a_regular("ada", NOON, orders=2))
    return await Browser(doors).sign_in(ADA)


async def add(browser: Browser, device: SoftDevice, label: str = "my laptop") -> Any:
    """Add a passkey as the page does, and give the answer."""
    await browser.get("/me/passkeys")
    asked = (await browser.send("/me/passkeys/begin", {}, follow=False)).json
    return await browser.send("/me/passkeys", {**device.make(asked, ORIGIN), "label": label})


async def enter(browser: Browser, device: SoftDevice, origin: str = ORIGIN) -> Any:
    """Sign in with the passkey made last, as the page does, and give the answer."""
    await browser.get("/me/sign-in")
    asked = (await browser.send("/me/sign-in/passkey/begin", {}, follow=False)).json
    return await browser.send("/me/sign-in/passkey", device.sign(asked, origin), follow=False)


def test_a_passkey_signs_in_without_a_letter(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        first, device = await open_with_ada(doors), SoftDevice()
        await first.get("/me")
        assert "Next time without a letter" in first.text
        await add(first, device)
        assert "Added" in first.text
        assert "my laptop" in first.text
        await doors.settle()
        (notice,) = [one for one in doors.letters(ADA) if "/me/passkeys" in one.get_content()]
        assert "my laptop" in notice.get_content()

        second = Browser(doors)
        answer = await enter(second, device)
        assert (answer.status, answer.headers["location"]) == (303, "/me")
        await second.get("/me")
        assert "Ada" in second.text
        await first.get("/me")
        assert "Next time without a letter" not in first.text + second.text
        devices = (await second.json("/me/devices.json"))["devices"]
        assert [one["how"] for one in devices if one["is_this"]] == ["passkey"]
        looks = (await second.json("/me/take.json"))["looks"]
        assert {"sign_in", "passkey_added"} <= {one["act"] for one in looks}
        (held,) = (await second.json("/me/passkeys.json"))["passkeys"]
        assert held["used_at"] > 0
        assert set(held) == {"passkey_id", "label", "is_synced", "begun_at", "used_at"}

    with_portal(open_shop(), tmp_path, story)


def test_what_does_not_hold_is_refused_alike(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        ada, device = await open_with_ada(doors), SoftDevice()
        await add(ada, device)
        (held,) = (await ada.json("/me/passkeys.json"))["passkeys"]
        unknown, other = SoftDevice(), Browser(doors)
        unknown.kept = dict(device.kept)
        pages = []
        answer = await enter(other, device, origin="https://evil.example")
        pages.append((answer.status, other.text))
        unknown.kept = {b"x" * 32: next(iter(device.kept.values()))}
        answer = await enter(other, unknown)
        pages.append((answer.status, other.text))
        await ada.send("/me/passkeys/remove", {"passkey_id": held["passkey_id"]})
        assert "Removed" in ada.text
        answer = await enter(other, device)
        pages.append((answer.status, other.text))
        assert len(set(pages)) == 1
        assert pages[0][0] == 403
        assert "does not let you in" in pages[0][1]
        assert "me_session" not in other.cookies

    with_portal(open_shop(), tmp_path, story)


def test_an_answer_is_used_up(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        ada, device, other = await open_with_ada(doors), SoftDevice(), Browser(doors)
        device.counts = False
        await add(ada, device)
        await other.get("/me/sign-in")
        asked = (await other.send("/me/sign-in/passkey/begin", {}, follow=False)).json
        told = device.sign(asked, ORIGIN)
        stranger = Browser(doors)
        await stranger.get("/me/sign-in")
        assert (await stranger.send("/me/sign-in/passkey", told, follow=False)).status == 403
        assert (await other.send("/me/sign-in/passkey", told, follow=False)).status == 303
        other.cookies.pop("me_session")
        await other.get("/me/sign-in")
        assert (await other.send("/me/sign-in/passkey", told, follow=False)).status == 403

    with_portal(open_shop(), tmp_path, story)


def test_adding_and_removing_need_a_fresh_sign_in(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        ada, device = await open_with_ada(doors), SoftDevice()
        await add(ada, device)
        (held,) = (await ada.json("/me/passkeys.json"))["passkeys"]
        is_fresh = doors.desk.sessions.is_fresh
        doors.desk.sessions.is_fresh = lambda session: False
        for path in ("/me/passkeys/begin", "/me/passkeys", "/me/passkeys/remove"):
            answer = await ada.send(path, {"passkey_id": held["passkey_id"]}, follow=False)
            assert answer.headers["location"] == "/me/confirm?back=passkeys", path
        await ada.get("/me/passkeys")
        assert "please confirm that it is you" in ada.text
        doors.desk.sessions.is_fresh = is_fresh
        assert len((await ada.json("/me/passkeys.json"))["passkeys"]) == 1

    with_portal(open_shop(), tmp_path, story)


def test_a_passkey_confirms_who_is_signed_in(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        ada, device = await open_with_ada(doors), SoftDevice()
        await add(ada, device)
        doors.desk.sessions._clock = lambda: doors.now_ms + 6 * 60_000
        answer = await ada.send("/me/take/along", {}, follow=False)
        assert answer.headers["location"] == "/me/confirm?back=take"
        await ada.get("/me/confirm?back=take")
        assert "Confirm with a passkey" in ada.text
        before = ada.cookies["me_session"]
        asked = (await ada.send("/me/confirm/passkey/begin", {}, follow=False)).json
        fields = {**device.sign(asked, ORIGIN), "back": "take"}
        answer = await ada.send("/me/confirm/passkey", fields, follow=False)
        assert (answer.status, answer.headers["location"]) == (303, "/me/take")
        assert ada.cookies["me_session"] != before
        await ada.get("/me/take")
        assert (await ada.send("/me/take/along", {}, follow=False)).status == 201
        stale = Browser(doors)
        stale.cookies = {**ada.cookies, "me_session": before}
        assert (await stale.get("/me")).status == 303

    with_portal(open_shop(), tmp_path, story)


def test_nobody_confirms_for_somebody_else(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        ada, device = await open_with_ada(doors), SoftDevice()
        await add(ada, device)
        bob = await Browser(doors).sign_in(BOB)
        asked = (await bob.send("/me/confirm/passkey/begin", {}, follow=False)).json
        assert asked["allowCredentials"] == []
        fields = {**device.sign(asked, ORIGIN), "back": "//evil.example"}
        answer = await bob.send("/me/confirm/passkey", fields, follow=False)
        assert answer.status == 403
        assert "Bob" in bob.text or "b••" in bob.text

    with_portal(open_shop(), tmp_path, story)


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "[::1]:8000", "evil.example"])
def test_there_are_none_where_browsers_make_none(
    open_shop: OpenShop, tmp_path: Path, address: str
) -> None:
    async def story(doors: PortalDoors) -> None:
        await open_with_ada(doors)
        browser = Browser(doors, host=address)
        await browser.get("/me/sign-in")
        assert "Sign in with a passkey" not in browser.text
        answer = await browser._ask(
            "POST", "/me/sign-in/passkey/begin", f"csrf={browser.csrf}".encode(),
            {"origin": f"http://{address}", "content-type": "application/x-www-form-urlencoded"},
        )  # fmt: skip
        assert answer.status == 403
        assert b"challenge" not in answer.body

    with_portal(open_shop(), tmp_path, story)


def test_an_erased_persons_passkey_is_gone(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        ada, device = await open_with_ada(doors), SoftDevice()
        await add(ada, device, label="canary-label-81c")
        home = doors.engine.home.folder
        assert places_holding(home, b"canary-label-81c")
        await ada.get("/me/take")
        answer = await ada.post("/me/take/erase", sure="erase")
        request_id = ada.text.split("number: ")[1].split()[0]
        await doors.desk.rights.certificate(request_id)
        assert answer.status == 200
        assert places_holding(home, b"canary-label-81c") == []
        assert places_holding(home, next(iter(device.kept))) == []
        assert (await enter(Browser(doors), device)).status == 403

    with_portal(open_shop(), tmp_path, story)


def test_this_is_not_me_takes_its_passkeys_and_programs_away(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    """Whoever was let in by a name that was theirs by mistake has no way in to it afterwards."""

    async def story(doors: PortalDoors) -> None:
        await doors.take(identified("ada", NOON, firstName="Ada"))
        by_letter, device = await Browser(doors).sign_in(ADA), SoftDevice()
        await add(by_letter, device)
        await by_letter.get("/me/programs")
        await by_letter.post("/me/programs", label="assistant", scope="read")
        (text,) = re.findall(r"cg_[0-9a-z]+", by_letter.page)
        by_shop = Browser(doors)
        token = mint(
            doors.handing, "user_id:ada", doors.now_ms, audience=PORTAL_AUDIENCE,
            signed_in_at=doors.now_ms,
        )  # fmt: skip
        headers = {"content-type": "application/x-www-form-urlencoded"}
        await by_shop._ask("POST", "/me/arrive", f"token={token}".encode(), headers)
        await by_shop.get("/me/identity")
        await by_shop.post("/me/identity/not-me", identifier=f"email:{ADA}")
        assert "Kept apart" in by_shop.text
        assert (await enter(Browser(doors), device)).status == 403
        assert doors.desk.grants.find(text) is None

    with_portal(open_shop(), tmp_path, story)


def test_ways_in_are_among_what_is_taken_along_without_their_secrets(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    async def story(doors: PortalDoors) -> None:
        ada, device = await open_with_ada(doors), SoftDevice()
        await add(ada, device)
        await ada.get("/me/programs")
        await ada.post("/me/programs", label="assistant", scope="read")
        await ada.get("/me/take")
        await ada.send("/me/take/transfer", {"label": "Other Ltd"})
        answer = await ada.send("/me/take/along", {"subset": "all"})
        with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
            found = {
                name: json.loads(archive.read(f"{name}.ndjson"))
                for name in ("passkeys", "programs", "transfers")
            }
            whole = b"".join(archive.read(name) for name in archive.namelist())
        (passkey,) = doors.desk.passkeys.of([found["passkeys"]["person"]])
        assert found["passkeys"]["label"] == "my laptop"
        assert (found["programs"]["label"], found["transfers"]["label"]) == (
            "assistant", "Other Ltd"
        )  # fmt: skip
        for secret in (passkey.public_key, passkey.handle, passkey.credential):
            assert secret not in whole
            assert secret.hex().encode() not in whole

    with_portal(open_shop(), tmp_path, story)
