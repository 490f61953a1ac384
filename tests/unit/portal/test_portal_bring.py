"""Bringing along what was told to another shop: seen first, ticked, and then a fact here."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from customering.kernel.errors import Invalid
from customering.kernel.ids import Identifier
from customering.portal.uploads import read_upload
from portal_doors import ORIGIN, Browser, PortalDoors, with_portal
from portal_town import identified
from town import NOON, OpenShop

ADA = "ada@example.org"
WHO = Identifier("user_id:ada")
KIND = "multipart/form-data; boundary=----xyz"


def multipart(file: bytes, **fields: str) -> bytes:
    parts = [
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
        for name, value in fields.items()
    ]
    head = b'Content-Disposition: form-data; name="file"; filename="../../etc/x.zip"\r\n'
    parts.append(head + b"Content-Type: application/zip\r\n\r\n" + file)
    return b"".join(b"------xyz\r\n" + part + b"\r\n" for part in parts) + b"------xyz--\r\n"


async def send_file(browser: Browser, file: bytes, **more: str) -> Any:
    headers = {"content-type": KIND, "origin": ORIGIN, "sec-fetch-site": "same-origin"}
    body = multipart(file, **({"csrf": browser.csrf} | more))
    answer = await browser._ask("POST", "/me/bring", body, headers)
    if answer.headers.get("content-type", "").startswith("text/html"):
        browser.page = answer.body.decode()
    return answer


async def ada(doors: PortalDoors, **traits: Any) -> Browser:
    await doors.take(identified("ada", NOON, firstName="Ada", **traits))
    return await Browser(doors).sign_in(ADA)


async def taken_from(doors: PortalDoors) -> bytes:
    """Take everything along from a shop, as a person does."""
    browser = await ada(doors, city="Graz", diet="vegan", employee="yes")
    await browser.get("/me/take")
    answer = await browser.send("/me/take/along", {"subset": "portable"})
    assert zipfile.is_zipfile(io.BytesIO(answer.body))
    return bytes(answer.body)


def test_what_one_shop_hands_out_another_takes_in(open_shop: OpenShop, tmp_path: Path) -> None:
    file = with_portal(open_shop(folder="one"), tmp_path, taken_from)

    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors, city="Vienna")
        await browser.get("/me/bring")
        await send_file(browser, file)
        assert "Your city: Graz Instead of: Vienna" in browser.text
        assert "vegan" in browser.text
        assert "employee" not in browser.page
        assert "other facts are in it" in browser.text
        assert doors.live.person(WHO).values["declared"]["city"] == "Vienna", "nothing is kept yet"
        fields = {"keep": ["city", "diet"], "fact.city": '"Graz"', "fact.diet": '"vegan"'}
        await browser.send("/me/bring/keep", fields)
        assert "It is among what was told to us" in browser.text
        declared = doors.live.person(WHO).values["declared"]
        assert (declared["city"], declared["diet"]) == ("Graz", "vegan")
        looks = (await browser.json("/me/take.json"))["looks"]
        assert "brought" in {one["act"] for one in looks}

    with_portal(open_shop(folder="other"), tmp_path, story)


def test_only_what_the_shop_takes_can_be_kept(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        await browser.get("/me/bring")
        for fields in (
            {"keep": "employee", "fact.employee": "true"},
            {"keep": ["city", "vip"], "fact.city": '"Graz"', "fact.vip": "true"},
            {"keep": "city", "fact.city": '{"a": 1}'},
            {"keep": "city", "fact.city": "Graz"},
            {"keep": "relationship_status", "fact.relationship_status": '"partner"'},
            {},
        ):
            assert (await browser.send("/me/bring/keep", fields)).status == 400, fields
        declared = doors.live.person(WHO).values["declared"]
        assert not {"employee", "vip", "city", "relationship_status"} & set(declared)

    with_portal(open_shop(), tmp_path, story)


def test_a_file_comes_by_a_form_of_ours_alone(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = await ada(doors)
        await browser.get("/me/bring")
        assert (await send_file(browser, b"PK", csrf="0" * 64)).status == 403
        await browser.get("/me/bring")
        assert (await send_file(browser, b"PK")).status == 400
        await browser.get("/me/bring")
        assert (await send_file(browser, b"")).status == 400
        await browser.get("/me/bring")
        assert (await send_file(browser, bytes(3_100_000))).status == 400
        stranger = Browser(doors)
        await stranger.get("/me/sign-in")
        assert (await send_file(stranger, b"PK")).status == 303

    with_portal(open_shop(), tmp_path, story)


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"", KIND), (b"x", KIND), (multipart(b"x")[:-6], KIND), (b"------xyz--", "text/plain"),
     (multipart(b"x"), "multipart/form-data"), (multipart(b"x"), KIND + "; boundary=other"),
     (b"------xyz\r\nno head\r\n------xyz--\r\n", KIND), (multipart(b"x", a="y" * 4_001), KIND),
     (multipart(b"x", **{f"a{'b' * n}": "" for n in range(21)}), KIND),
     (b"junk" + multipart(b"x"), KIND)],
)  # fmt: skip
def test_what_is_no_form_with_a_file_is_refused(body: bytes, kind: str) -> None:
    with pytest.raises(Invalid):
        read_upload(body, kind, "file")


def test_a_file_arrives_as_it_was() -> None:
    file = bytes(range(256)) * 40 + b"\r\n--almost\r\n------xy\r\n\r\n"
    sent = read_upload(multipart(file, csrf="abc"), KIND, "file")
    assert sent.file == file
    assert sent.form.text("csrf") == "abc"
