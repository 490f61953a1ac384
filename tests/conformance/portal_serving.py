"""A served shop with a person's page, and the letters it sends, for tests in real browsers."""

import email
import email.policy
import json
import re
import time
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from portal_browsing import Window
from sdk_serving import Served, make_shop

from portal_town import identified, life_of_a_regular, write_definitions

_PATIENCE_SECONDS = 20


class PortalShop(NamedTuple):
    """A home whose server knows what it may do for people.

    Parameters
    ----------
    home
        Its folder.
    server_key
        For what its server says happened.
    decide_key
        For asking what to do next.
    """

    home: Path
    server_key: str
    decide_key: str


class PortalServed:
    """That shop, served.

    Parameters
    ----------
    shop
        The shop.
    served
        Its server.
    """

    def __init__(self, shop: PortalShop, served: Served) -> None:
        self.shop = shop
        self.served = served
        self.url = f"http://localhost:{served.port}"

    def tell(self, *calls: dict[str, Any]) -> None:
        """Say what happened, as the shop's server does."""
        self._post("/v1/batch", {"batch": list(calls)}, self.shop.server_key)

    def decide(self, who: str, *, places: int = 3) -> Any:
        """Ask what to do for somebody."""
        asked = {"placement": "home", "identifiers": {"user_id": who}, "n": places}
        return self._post("/v1/decide", asked, self.shop.decide_key)

    def lives(self, who: str, **traits: Any) -> None:
        """Let somebody have lived a year with the shop."""
        now_ms = time.time_ns() // 1_000_000
        self.tell(identified(who, now_ms, **traits), *life_of_a_regular(who, now_ms))

    def letter(self, to: str, after: int = 0) -> Any:
        """Wait for a letter to an address beyond those known already."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = self.letters(to)
            if len(found) > after:
                return found[-1]
            time.sleep(0.05)
        raise AssertionError("no letter came")

    def letters(self, to: str) -> list[Any]:
        """Give the letters with a link, the oldest first."""
        found = []
        for place in sorted((self.shop.home / "outbox").glob("*.eml")):
            letter = email.message_from_bytes(place.read_bytes(), policy=email.policy.default)
            if letter["To"] == to and "/me/enter#" in letter.get_content():
                found.append(letter)
        return found

    def sign_in(self, window: Window, address: str) -> None:
        """Sign somebody in by clicks."""
        known = len(self.letters(address))
        window.go(f"{self.url}/me/sign-in")
        window.do("fill", selector="#email", value=address)
        window.do("press", selector="main button.primary")
        window.go(link_in(self.letter(address, known)))
        window.do("press", selector="main button.primary")

    def _post(self, path: str, value: Any, key: str) -> Any:
        request = urllib.request.Request(
            self.url + path,
            data=json.dumps(value).encode(),
            headers={"authorization": f"Bearer {key}", "content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS) as answer:
            return json.load(answer)


def make_portal_shop(home: Path, *, more: str = "") -> PortalShop:
    """Make a home as its owner does, and write what the shop may do."""
    shop = make_shop(home)
    write_definitions(home, more=more)
    return PortalShop(home, shop.server_key, secret_key(home))


def secret_key(home: Path) -> str:
    """Make a key that asks for decisions."""
    from customering.app.engine import real_clock
    from customering.app.home import find
    from customering.app.keys import KeyRing

    with KeyRing(find(home, environment={}).control_url, real_clock) as keys:
        return keys.create_secret(name="front", scopes=["decide", "outcomes"])[1]


def link_in(letter: Any) -> str:
    """Give the link of a letter."""
    found = re.search(r"http://\S+/me/enter#\S+", letter.get_content())
    assert found, "no link in the letter"
    return found[0]


def code_in(letter: Any) -> str:
    """Give the code of a letter."""
    found = re.search(r"\b(\d{4} \d{4})\b", letter.get_content())
    assert found, "no code in the letter"
    return found[1]
