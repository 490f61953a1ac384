"""A person's whole story on their own page, in Chromium, with real clicks and nothing else."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from portal_browsing import Browsers, Window
from portal_serving import PortalServed, PortalShop, code_in, link_in, make_portal_shop
from sdk_serving import Served

pytestmark = pytest.mark.usefixtures("needs_browser")

EXACT = "[decision]\nexploration_share = 0.0\ncontrol_share = 0.0\n"
BAG = "Bicycle bag, waterproof, 20 litres"
PAGES = ("", "facts", "timeline", "identity", "allow", "receipts", "why", "want", "take",
         "devices", "confirm", "programs", "passkeys", "bring",
         "nothing-here")  # fmt: skip
OPEN_PAGES = ("sign-in", "sign-in/check", "enter")
PHONE = {"width": 390, "height": 844, "phone": True}


@pytest.fixture(scope="module")
def portal_shop(tmp_path_factory: pytest.TempPathFactory) -> PortalShop:
    """Make a shop; each test has people of its own."""
    return make_portal_shop(tmp_path_factory.mktemp("portal") / "home", more=EXACT)


@pytest.fixture(scope="module")
def shop(portal_shop: PortalShop) -> Iterator[PortalServed]:
    """Serve it."""
    with Served(portal_shop.home) as served:
        yield PortalServed(portal_shop, served)


@pytest.fixture
def browsers(shop: PortalServed) -> Iterator[Browsers]:
    """Give browsers that speak with nobody but us, and whose pages make no mistakes."""
    with Browsers() as some:
        yield some
    assert set(some.hosts) <= {shop.url.removeprefix("http://")}
    assert [error for error in some.errors if "status of 40" not in error] == []


def test_a_persons_whole_story(shop: PortalServed, browsers: Browsers, tmp_path: Path) -> None:
    canary = "ada-canary-7f3a"
    address = f"{canary}@example.org"
    shop.lives(canary, firstName="Ada", city="Vienna", diet="vegetarian")
    window = browsers.window("ada", **PHONE)

    # First visit, and in.
    window.go(f"{shop.url}/me")
    assert window.url().endswith("/me/sign-in")
    window.write("Your e-mail address", address)
    window.click("Send me a link")
    assert "Look into your mail" in window.read()
    window.go(link_in(shop.letter(address)))
    assert "#" not in window.url()
    window.click("Sign in")
    assert "You are a regular" in window.read()
    assert window.do("stored") == 0
    kept = {cookie["name"]: cookie["httpOnly"] for cookie in window.do("cookies")}
    assert kept == {"me_device": True, "me_session": True}

    # Reading, and correcting.
    window.click("Facts", role="link")
    assert "Vienna" in window.read()
    window.press("#f-city summary")
    window.do("fill", selector="#v-city", value="Linz")
    window.do("press", selector="#f-city .primary")
    assert "Corrected" in window.read()
    assert "Linz" in window.read("#f-city")

    # Refusing, and the next decision obeys.
    assert shop.decide(canary)["actions"][0]["reasons"] != ["Everybody is shown this."]
    window.click("Allow", role="link", exact=True)
    window.do("press", selector="[name='purpose.personalize.web'][value=deny]")
    assert "Refused" in window.read()
    common = shop.decide(canary)
    assert any("Everybody" in reason or "same as everybody" in reason for reason in all_of(common))
    window.do("press", selector="[name='purpose.personalize.web'][value=allow]")

    # Casting an intent, and the next decision answers.
    assert shop.decide(canary, places=1)["actions"][0]["title"] != BAG
    window.click("Wishes", role="link")
    window.write("What do you look for?", "bicycle bag")
    window.click("Look for it")
    first = shop.decide(canary, places=1)["actions"][0]
    assert (first["title"], "bicycle bag" in first["reasons"][0]) == (BAG, True)
    window.click("Wishes", role="link")
    assert BAG in window.read()

    # Why this, and not this.
    window.click("Why", role="link")
    assert "You told us that you look for bicycle bag" in window.read()
    window.press("article details:first-of-type > summary")
    window.do("choose", selector="article select", value="have_it")
    window.do("press", selector="article .panel .primary")
    assert "Understood" in window.read()
    assert shop.decide(canary, places=1)["actions"][0]["title"] != BAG

    # Taking everything along, and comparing.
    window.click("Data", role="link")
    out = tmp_path / "mine.zip"
    name = window.do("download", role="button", name="Take everything along", path=str(out))
    assert name.startswith("my-data-")
    compare(out, canary)

    # Erasing, and nothing is left.
    window.do("check", selector="[name=sure]")
    window.click("Erase everything")
    assert "It is done" in window.read()
    proof = tmp_path / "certificate.json"
    window.do("download", role="link", name="Take the certificate", path=str(proof))
    assert json.loads(proof.read_text())["request_id"] in window.read()
    window.go(f"{shop.url}/me")
    assert window.url().endswith("/me/sign-in")
    assert shop.letters(address) == []
    left = [
        place
        for place in shop.shop.home.rglob("*")
        if place.is_file() and canary.encode() in place.read_bytes()
    ]
    assert left == []


def all_of(answer: Any) -> list[str]:
    return [*answer["reasons"], *(one for action in answer["actions"] for one in action["reasons"])]


def compare(place: Path, who: str) -> None:
    """Check that the ZIP holds what happened, what was corrected and what was chosen."""
    with zipfile.ZipFile(place) as archive:
        assert archive.testzip() is None
        texts = {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}
    events = next(text for name, text in texts.items() if name.endswith("events.ndjson"))
    ids = {json.loads(line)["event_id"] for line in events.splitlines()}
    assert {f"identify-{who}", f"till-{who}", *(f"order-{who}-{n}" for n in range(14))} <= ids
    whole = "\n".join(texts.values())
    for told in ("Linz", "personalize.web", "bicycle bag", BAG):
        assert told in whole, told
    assert any(name.endswith(".html") for name in texts)
    assert any(name.endswith(".csv") for name in texts)


def test_data_is_handed_to_another_company_and_brought_along(
    shop: PortalServed, browsers: Browsers, tmp_path: Path
) -> None:
    shop.lives("ivy", firstName="Ivy", city="Graz", diet="vegan")
    window, other = browsers.window("ivy"), browsers.window("company")
    shop.sign_in(window, "ivy@example.org")
    window.go(f"{shop.url}/me/take")
    window.write("For whom", "Green Grocer Ltd")
    window.click("Make the link")
    other.go(window.read("#transfer ~ .told code"))
    assert "Green Grocer Ltd" in other.read()
    out = tmp_path / "theirs.zip"
    name = other.do("download", role="button", name="Fetch the data", path=str(out))
    assert name.startswith("my-data-")
    assert [one for one in other.do("cookies") if one["name"] == "me_session"] == []
    window.go(f"{shop.url}/me/take")
    assert "fetched" in window.read("section[aria-labelledby=transfer]")

    # The other company is a shop as well, and somebody there sends it what they were given.
    shop.lives("ivy2", firstName="Ivy")
    there = browsers.window("there", **PHONE)
    shop.sign_in(there, "ivy2@example.org")
    there.go(f"{shop.url}/me/bring")
    there.do("attach", selector="#file", path=str(out))
    there.click("Look into it")
    assert "Your city: Graz" in there.read()
    prove_usable(there, "bring, with facts")
    there.do("press", selector="label:has([value=diet])")
    there.click("Keep what is ticked")
    assert "Kept" in there.read()
    assert ("Graz" in there.read(), "vegan" in there.read()) == (True, False)


def test_a_link_opened_elsewhere_shows_the_code_for_the_first_window(
    shop: PortalServed, browsers: Browsers
) -> None:
    shop.lives("eve", firstName="Eve")
    first, second = browsers.window("laptop"), browsers.window("phone", **PHONE)
    first.go(f"{shop.url}/me/sign-in")
    first.write("Your e-mail address", "eve@example.org")
    first.click("Send me a link")
    letter = shop.letter("eve@example.org")
    second.go(link_in(letter))
    second.click("Sign in")
    assert code_in(letter) in second.read()
    second.go(f"{shop.url}/me")
    assert second.url().endswith("/me/sign-in")
    first.write("Or type the code from the letter", code_in(letter))
    first.click("Sign in")
    assert first.read("h1")
    assert first.url().endswith("/me")


def test_without_scripts_everything_works_by_the_code(
    shop: PortalServed, browsers: Browsers
) -> None:
    shop.lives("noa", firstName="Noa", city="Graz")
    window = browsers.window("plain", script=False)
    window.go(f"{shop.url}/me/sign-in")
    window.write("Your e-mail address", "noa@example.org")
    window.click("Send me a link")
    window.write("Or type the code from the letter", code_in(shop.letter("noa@example.org")))
    window.click("Sign in")
    window.do("check", selector="[name=standing][value=on_a_break]")
    window.press("section[aria-labelledby=standing] .primary")
    assert "Enjoy the break" in window.read()
    assert shop.decide("noa")["actions"] == []
    window.click("Deutsch")
    assert "Unsere Beziehung" in window.do("title") or "Wir machen eine Pause" in window.read()


def test_by_keyboard_alone(shop: PortalServed, browsers: Browsers) -> None:
    shop.lives("kim", firstName="Kim")
    window = browsers.window("keys")
    shop.sign_in(window, "kim@example.org")
    window.go(f"{shop.url}/me/want")
    window.do("press", key="Tab")
    assert window.do("focused") == "Skip to the content"
    window.do("press", key="Enter")
    for _ in range(12):
        window.do("press", key="Tab")
        if window.do("focused") == "what":
            break
    window.do("type", text="a quiet dishwasher")
    window.do("press", key="Enter")
    assert "We are looking" in window.read()


@pytest.mark.parametrize(
    ("locale", "size", "dark"),
    [("en-GB", "phone", False), ("de-AT", "phone", True), ("en-GB", "desktop", True),
     ("de-AT", "desktop", False)],
)  # fmt: skip
def test_every_page_can_be_used_by_everybody(
    shop: PortalServed, browsers: Browsers, locale: str, size: str, dark: bool
) -> None:
    """axe finds nothing serious, light or dark, and nothing is wider than the screen."""
    who = f"lea-{locale[:2]}-{size}"
    shop.lives(who, firstName="Lea", city="Vienna")
    for _ in range(2):
        shop.decide(who)
    how = PHONE | {"width": 360} if size == "phone" else {"width": 1280, "height": 900}
    window = browsers.window("lea", locale=locale, dark=dark, **how)
    window.do("device")
    for page in OPEN_PAGES:
        window.go(f"{shop.url}/me/{page}")
        prove_usable(window, page)
    shop.sign_in(window, f"{who}@example.org")
    window.go(f"{shop.url}/me/want")
    window.do("fill", selector="#what", value="bicycle bag")
    window.press("section[aria-labelledby=new] .primary")
    shop.decide(who)
    prove_what_comes_once(window, shop)
    for page in PAGES:
        window.go(f"{shop.url}/me/{page}".rstrip("/"))
        window.do("unfold")
        prove_usable(window, page)


def prove_what_comes_once(window: Window, shop: PortalServed) -> None:
    """Add a passkey, make a link to hand data over, and look at what is shown only then."""
    window.go(f"{shop.url}/me/passkeys")
    window.press(".passkey button")
    window.do("settled", url=f"{shop.url}/me/passkeys?told=passkeys.added")
    window.go(f"{shop.url}/me/take")
    window.do("fill", selector="[name=label]", value="Other Ltd")
    window.press("form[action='/me/take/transfer'] button")
    prove_usable(window, "take, with a link")
    link = window.read("#transfer ~ .told code")
    window.go(link)
    prove_usable(window, "offered")


def prove_usable(window: Window, page: str) -> None:
    found = [one for one in window.do("axe") if one["impact"] in ("serious", "critical")]
    assert found == [], page
    assert window.do("wide") <= 0, page


def test_another_sites_form_cannot_act_for_a_person(shop: PortalServed, browsers: Browsers) -> None:
    shop.lives("max", firstName="Max")
    window = browsers.window("max")
    shop.sign_in(window, "max@example.org")
    html = (
        f"<form method=post action='{shop.url}/me/allow/nothing'>"
        "<input name=csrf value=guessed><button>Win</button></form>"
    )
    window.go(f"data:text/html,{html}")
    window.click("Win")
    assert "Nothing was changed" in window.read() or window.url().endswith("/me/sign-in")
    window.go(f"{shop.url}/me/allow")
    assert "You allow 0 of" not in window.read()
