"""Signing in to the person's page: for its owner easy, for everybody else nothing to be learned."""

from pathlib import Path
from typing import Any

import pytest

from customering.app.subject_tokens import PORTAL_AUDIENCE, mint
from customering.kernel.ids import Identifier
from portal_doors import Browser, PortalDoors, code_in, token_of, with_portal
from portal_town import identified
from town import NOON, OpenShop

ADA, BOB = "ada@example.org", "bob@example.org"
UNKNOWN = "nobody@example.org"


async def open_with_ada(doors: PortalDoors) -> None:
    await doors.take(identified("ada", NOON, firstName="Ada"), identified("bob", NOON))


def test_a_person_signs_in_by_the_letter(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        await open_with_ada(doors)
        browser = Browser(doors)
        answer = await browser.get("/me")
        assert answer.headers["location"] == "/me/sign-in"
        await browser.get("/me/sign-in")
        await browser.post("/me/sign-in", email=" Ada@Example.ORG ")
        assert "Look into your mail" in browser.text
        await doors.settle()
        (letter,) = doors.letters()
        assert letter["To"] == ADA
        assert "/me/enter#" in letter.get_content()
        await browser.get("/me/enter")
        before = dict(browser.cookies)
        await browser.post("/me/enter", token=token_of(letter))
        assert "Ada" in browser.text
        assert set(browser.cookies) - set(before) == {"me_session"}
        looks = (await browser.json("/me/take.json"))["looks"]
        assert [(one["actor"], one["act"]) for one in looks] == [("person", "sign_in")]
        again = await Browser(doors).get("/me")
        assert again.status == 303

    with_portal(open_shop(), tmp_path, story)


def test_opening_the_link_changes_nothing(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        await open_with_ada(doors)
        browser, scanner = Browser(doors), Browser(doors)
        await browser.get("/me/sign-in")
        await browser.post("/me/sign-in", email=ADA)
        await doors.settle()
        token = token_of(doors.letters()[0])
        for _ in range(3):
            answer = await scanner.get("/me/enter")
            assert token not in answer.body.decode()
            assert "me_session" not in scanner.cookies
        await browser.get("/me/enter")
        assert (await browser.post("/me/enter", token=token)).status == 200

    with_portal(open_shop(), tmp_path, story)


def test_another_browser_is_shown_the_code_for_the_first_window(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    async def story(doors: PortalDoors) -> None:
        await open_with_ada(doors)
        first, second = Browser(doors), Browser(doors)
        await first.get("/me/sign-in")
        await first.post("/me/sign-in", email=ADA)
        await doors.settle()
        letter = doors.letters()[0]
        await second.get("/me/enter")
        await second.post("/me/enter", token=token_of(letter))
        assert code_in(letter) in second.text
        assert "me_session" not in second.cookies
        wrong = await first.post("/me/sign-in/code", code="0000 0000")
        assert wrong.status == 403
        await first.post("/me/sign-in/code", code=code_in(letter))
        assert "me_session" in first.cookies
        assert (await first.get("/me")).status == 200

    with_portal(open_shop(), tmp_path, story)


def test_known_and_unknown_addresses_are_answered_alike(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    async def story(doors: PortalDoors) -> None:
        await open_with_ada(doors)
        answers = []
        for address in (ADA, UNKNOWN, "no address", "", "x@y"):
            browser = Browser(doors)
            await browser.get("/me/sign-in")
            answer = await browser.post("/me/sign-in", follow=False, email=address)
            answers.append((answer.status, answer.body, sorted(answer.headers)))
        await doors.settle()
        assert len({repr(one) for one in answers}) == 1
        assert [letter["To"] for letter in doors.letters()] == [ADA]

    with_portal(open_shop(), tmp_path, story)


def test_what_takes_time_comes_after_the_answer(
    open_shop: OpenShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(doors: PortalDoors) -> None:
        await open_with_ada(doors)
        looked: list[Any] = []
        monkeypatch.setattr(doors.desk, "is_known", lambda name: looked.append(name) or False)
        browser = Browser(doors)
        await browser.get("/me/sign-in")
        # One turn of the loop at most lies between the question and its answer.
        await browser.post("/me/sign-in", follow=False, email=ADA)
        assert looked == []
        await doors.settle()
        assert looked == [Identifier(f"email:{ADA}")]

    with_portal(open_shop(), tmp_path, story)


def test_letters_are_limited_by_address_and_nobody_hears_of_it(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    async def story(doors: PortalDoors) -> None:
        await open_with_ada(doors)
        statuses = []
        for _ in range(7):
            browser = Browser(doors)
            await browser.get("/me/sign-in")
            answer = await browser.post("/me/sign-in", follow=False, email=ADA)
            statuses.append(answer.status)
        await doors.settle()
        assert set(statuses) == {303}
        assert len(doors.letters(ADA)) == 5

    with_portal(open_shop(), tmp_path, story)


def test_letters_are_limited_by_where_they_are_asked_for(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    async def story(doors: PortalDoors) -> None:
        await open_with_ada(doors)
        browser = Browser(doors)
        await browser.get("/me/sign-in")
        csrf = browser.csrf
        answers = [
            await browser.post("/me/sign-in", follow=False, csrf=csrf, email=f"x{n}@example.org")
            for n in range(21)
        ]
        assert [answer.status for answer in answers] == [303] * 20 + [429]
        assert int(answers[-1].headers["retry-after"]) > 0

    with_portal(open_shop(), tmp_path, story)


def test_a_link_is_only_sent_for_an_address_of_ours(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        await open_with_ada(doors)
        browser = Browser(doors, host="evil.example")
        await browser.get("/me/sign-in")
        headers = {"content-type": "application/x-www-form-urlencoded"}
        body = f"csrf={browser.csrf}&email={ADA}".encode()
        answer = await browser._ask("POST", "/me/sign-in", body, headers)
        assert answer.status == 303
        await doors.settle()
        assert doors.letters() == []

    with_portal(open_shop(), tmp_path, story)


def test_with_a_public_address_the_link_leads_there(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        await open_with_ada(doors)
        browser = Browser(doors, host="evil.example")
        await browser.get("/me/sign-in")
        assert set(browser.cookies) == {"__Host-me_device"}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        body = f"csrf={browser.csrf}&email={ADA}".encode()
        await browser._ask("POST", "/me/sign-in", body, headers)
        await doors.settle()
        assert "https://data.shop.example/me/enter#" in doors.letters()[0].get_content()

    shop = open_shop(overrides=("serve.public_url=https://data.shop.example",))
    with_portal(shop, tmp_path, story)


@pytest.mark.parametrize("is_secure", [False, True])
def test_cookies_are_for_us_alone(open_shop: OpenShop, tmp_path: Path, is_secure: bool) -> None:
    async def story(doors: PortalDoors) -> None:
        answer = await Browser(doors).get("/me/sign-in")
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert "path=/" in cookie
        assert "domain" not in cookie
        assert ("secure" in cookie) is is_secure
        assert cookie.startswith("__host-" if is_secure else "me_")
        assert ("strict-transport-security" in answer.headers) is is_secure

    address = "https://data.shop.example" if is_secure else "http://localhost:8000"
    with_portal(open_shop(overrides=(f"serve.public_url={address}",)), tmp_path, story)


def test_the_shop_hands_its_people_over(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        await open_with_ada(doors)
        token = mint(
            doors.handing, "user_id:ada", doors.now_ms, audience=PORTAL_AUDIENCE,
            signed_in_at=doors.now_ms - 60_000,
        )  # fmt: skip
        browser = Browser(doors, origin="https://shop.example")
        answer = await arrive(browser, token)
        assert (answer.status, answer.headers["location"]) == (303, "/me")
        assert "Ada" in (await browser.get("/me")).body.decode()
        assert (await browser.json("/me/take.json"))["is_fresh"] is True
        again = await arrive(Browser(doors), token)
        assert again.status == 403

    with_portal(open_shop(), tmp_path, story)


def test_no_other_token_hands_anybody_over(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        await open_with_ada(doors)
        now_ms = doors.now_ms
        tokens = {
            "for another use": mint(doors.handing, "user_id:ada", now_ms),
            "by a key without the scope": mint(
                doors.private, "user_id:ada", now_ms, audience=PORTAL_AUDIENCE
            ),
            "too old": mint(
                doors.handing, "user_id:ada", now_ms - 3_600_000, audience=PORTAL_AUDIENCE
            ),
            "none": "x",
        }
        for why, token in tokens.items():
            browser = Browser(doors)
            assert (await arrive(browser, token)).status == 403, why
            assert "me_session" not in browser.cookies, why

    with_portal(open_shop(), tmp_path, story)


async def arrive(browser: Browser, token: str) -> Any:
    body = f"token={token}".encode()
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "sec-fetch-site": "cross-site",
    }
    return await browser._ask("POST", "/me/arrive", body, headers)


def test_a_new_browser_is_told_to_the_person(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        await open_with_ada(doors)
        await Browser(doors).sign_in(ADA)
        await doors.settle()
        assert len(doors.letters()) == 1
        await Browser(doors).sign_in(ADA)
        await doors.settle()
        told = [letter for letter in doors.letters() if "new sign-in" in letter["Subject"]]
        assert len(told) == 1
        assert "Firefox, Linux" in told[0].get_content()

    with_portal(open_shop(), tmp_path, story)


def test_signing_out_ends_it_here_or_everywhere(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        await open_with_ada(doors)
        first, second = Browser(doors), Browser(doors)
        await first.sign_in(ADA)
        await second.sign_in(ADA)
        kept = dict(first.cookies)
        await first.get("/me")
        left = await first.post("/me/sign-out", follow=False)
        assert left.headers["clear-site-data"] == '"cache", "storage"'
        first.cookies = kept  # who copied the cookie has nothing either
        assert (await first.get("/me")).status == 303
        assert (await second.get("/me")).status == 200
        third = await Browser(doors).sign_in(ADA)
        await third.get("/me/devices")
        await third.post("/me/sign-out-everywhere")
        assert (await second.get("/me")).status == 303

    with_portal(open_shop(), tmp_path, story)


def test_a_form_of_another_site_does_nothing(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        await open_with_ada(doors)
        browser = await Browser(doors).sign_in(ADA)
        await browser.get("/me")
        csrf = browser.csrf
        bob = await Browser(doors).sign_in(BOB)
        await bob.get("/me")
        form = {"content-type": "application/x-www-form-urlencoded"}
        same = {"sec-fetch-site": "same-origin", "origin": "http://localhost:8000"}
        attempts: dict[str, tuple[str, dict[str, str]]] = {
            "no token": ("", same),
            "another person's token": (bob.csrf, same),
            "a changed token": (csrf[:-1] + ("0" if csrf[-1] != "0" else "1"), same),
            "another site, right token": (csrf, {"sec-fetch-site": "cross-site"}),
            "another origin, right token": (csrf, {"origin": "https://evil.example"}),
            "an origin that is hidden": (csrf, {"origin": "null"}),
        }
        for why, (token, headers) in attempts.items():
            body = f"csrf={token}&standing=on_a_break".encode()
            answer = await browser._ask("POST", "/me/standing", body, {**form, **headers})
            assert answer.status == 403, why
        assert (await browser.json("/me/index.json"))["set_by"] == "facts"
        body = f"csrf={csrf}&standing=on_a_break".encode()
        assert (await browser._ask("POST", "/me/standing", body, {**form, **same})).status == 303

    with_portal(open_shop(), tmp_path, story)


def test_a_language_is_kept_and_leads_nowhere_else(open_shop: OpenShop, tmp_path: Path) -> None:
    async def story(doors: PortalDoors) -> None:
        browser = Browser(doors, **{"accept-language": "de"})
        await browser.get("/me/sign-in")
        assert "Ihre Seite" in browser.text
        for back in ("//evil.example", "https://evil.example", "/me/../x", "/me\r\nx: y", "/mex"):
            answer = await browser.post("/me/language", follow=False, language="en", back=back)
            assert answer.headers["location"].startswith("/me"), back
            assert "evil" not in answer.headers["location"]
        await browser.get("/me/sign-in")
        assert "Your page" in browser.text

    with_portal(open_shop(), tmp_path, story)
