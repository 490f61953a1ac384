"""Passkeys in Chromium, with its virtual authenticator: the browser's own code against ours."""

import json
import re
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from portal_browsing import Browsers, Window
from portal_serving import PortalServed, PortalShop, make_portal_shop
from sdk_serving import Served

pytestmark = pytest.mark.usefixtures("needs_browser")


@pytest.fixture(scope="module")
def portal_shop(tmp_path_factory: pytest.TempPathFactory) -> PortalShop:
    """Make a shop; each test has people of its own."""
    return make_portal_shop(tmp_path_factory.mktemp("passkeys") / "home")


@pytest.fixture(scope="module")
def shop(portal_shop: PortalShop) -> Iterator[PortalServed]:
    """Serve it."""
    with Served(portal_shop.home) as served:
        yield PortalServed(portal_shop, served)


@pytest.fixture
def browsers() -> Iterator[Browsers]:
    with Browsers() as some:
        yield some
    assert [error for error in some.errors if "status of 40" not in error] == []


def with_passkey(shop: PortalServed, browsers: Browsers, who: str) -> Window:
    """Let somebody sign in by a letter and add a passkey by clicks."""
    shop.lives(who, firstName=who.title())
    window = browsers.window(who)
    window.do("device")
    shop.sign_in(window, f"{who}@example.org")
    window.go(f"{shop.url}/me/passkeys")
    window.write("What you call it", "my telephone")
    window.click("Add a passkey")
    window.do("seen", text="From now on it lets you in")
    assert "my telephone" in window.read()
    return window


def sign_out(window: Window, shop: PortalServed) -> None:
    window.press("details.who summary")
    window.click("Sign out")
    window.go(f"{shop.url}/me")
    assert window.url().endswith("/me/sign-in")


def test_a_passkey_is_added_signs_in_and_is_removed(shop: PortalServed, browsers: Browsers) -> None:
    window = with_passkey(shop, browsers, "ada")
    (held,) = window.do("held")
    assert (held["rpId"], held["isResidentCredential"]) == ("localhost", True)
    sign_out(window, shop)

    known = len(shop.letters("ada@example.org"))
    window.click("Sign in with a passkey")
    window.do("settled", url=f"{shop.url}/me")
    assert "Ada" in window.read("header")
    assert len(shop.letters("ada@example.org")) == known, "no letter was needed"
    window.go(f"{shop.url}/me/devices")
    assert "Signed in with a passkey" in window.read()

    window.go(f"{shop.url}/me/passkeys")
    window.press("details.more summary")
    window.press("form[action='/me/passkeys/remove'] button")
    assert "Removed" in window.read()
    sign_out(window, shop)
    window.click("Sign in with a passkey")
    window.do("seen", text="This passkey does not let you in here")
    window.go(f"{shop.url}/me")
    assert window.url().endswith("/me/sign-in")


def test_a_passkey_confirms_before_data_is_handed_out(
    shop: PortalServed, browsers: Browsers
) -> None:
    window = with_passkey(shop, browsers, "eve")
    window.go(f"{shop.url}/me/confirm?back=take")
    window.click("Confirm with a passkey")
    window.do("settled", url=f"{shop.url}/me/take")
    assert "Your sign-in is a while ago" not in window.read()


def test_what_was_sent_once_does_not_hold_again(shop: PortalServed, browsers: Browsers) -> None:
    window = with_passkey(shop, browsers, "kim")
    sign_out(window, shop)
    window.click("Sign in with a passkey")
    window.do("settled", url=f"{shop.url}/me")
    window.press("details.who summary")
    window.click("Sign out")
    # The form, its token and the cookie of the browser are the same; the challenge is used up.
    assert window.do("resend", path="/me/sign-in/passkey") == 403
    window.go(f"{shop.url}/me")
    assert window.url().endswith("/me/sign-in")


def test_a_device_that_is_not_unlocked_lets_nobody_in(
    shop: PortalServed, browsers: Browsers
) -> None:
    window = with_passkey(shop, browsers, "max")
    sign_out(window, shop)
    window.do("unlocks", unlocks=False)
    window.click("Sign in with a passkey")
    window.do("seen", text="Nothing happened")
    assert window.url().endswith("/me/sign-in")
    window.do("unlocks", unlocks=True)
    window.do("press", selector=".passkey button")
    window.do("settled", url=f"{shop.url}/me")


class Blank(BaseHTTPRequestHandler):
    """A page of somebody else, at another port of the same name."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>You have won</title><p>You have won")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Serve a page at another origin for which browsers give out the same passkeys."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Blank)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_page_at_another_address_gets_nobody_in(
    shop: PortalServed, browsers: Browsers, elsewhere: str
) -> None:
    """A go-between asks us for a challenge and lets its victim sign it on a page of its own."""
    window = with_passkey(shop, browsers, "lea")
    between = GoBetween(shop.url)
    here = browsers.window("here")
    here.do("device")
    here.do("hold", credential=window.do("held")[0])
    here.go(elsewhere)
    told = here.do("signElsewhere", asked=between.asked())
    assert json.loads(bytes_of(told["client_data"]))["origin"] == elsewhere
    assert between.answer(told) == 403
    # The same by the same go-between, signed on our own page, would have let it in.
    here.go(f"{shop.url}/me/sign-in")
    assert between.answer(here.do("signElsewhere", asked=between.asked())) == 200


def bytes_of(text: str) -> bytes:
    from base64 import urlsafe_b64decode

    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class GoBetween:
    """A program that speaks with the sign-in page as a browser would."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(CookieJar())
        ).open
        page = self._open(f"{url}/me/sign-in", timeout=20).read().decode()
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
        assert found
        self._csrf = found[1]

    def asked(self) -> Any:
        """Give what a browser is to ask its device for."""
        with self._post("/me/sign-in/passkey/begin", {}) as answer:
            return json.load(answer)

    def answer(self, told: dict[str, str]) -> int:
        """Send what a device said, and give the status."""
        try:
            with self._post("/me/sign-in/passkey", told) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def _post(self, path: str, fields: dict[str, str]) -> Any:
        body = urllib.parse.urlencode({"csrf": self._csrf, **fields}).encode()
        headers = {"origin": self._url, "accept": "application/json"}
        request = urllib.request.Request(self._url + path, data=body, headers=headers)
        return self._open(request, timeout=20)


def test_nobody_is_offered_one_where_there_is_none(shop: PortalServed, browsers: Browsers) -> None:
    window = browsers.window("number")
    window.go(f"{shop.url.replace('localhost', '127.0.0.1')}/me/sign-in")
    assert window.do("count", selector=".passkey") == 0
    plain = browsers.window("plain", script=False)
    plain.go(f"{shop.url}/me/sign-in")
    assert "Sign in with a passkey" not in plain.read()
