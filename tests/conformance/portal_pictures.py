"""Takes the pictures of the person's page that stand in the documentation; run as a script.

``python tests/conformance/portal_pictures.py [FOLDER]`` makes a shop, lets somebody live with it
for a year, signs them in with a real browser, and writes each page as it looks on a phone and on a
desk.
"""

import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # where pytest finds the town

from portal_browsing import Browsers, Window
from portal_serving import PortalServed, link_in, make_portal_shop
from sdk_serving import Served

from customering.kernel.errors import Invalid

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "images" / "portal"
BYTES_MOST = 80_000
PAGES = {
    "us": "/me",
    "facts": "/me/facts",
    "timeline": "/me/timeline",
    "identity": "/me/identity",
    "allow": "/me/allow",
    "receipts": "/me/receipts",
    "why": "/me/why",
    "want": "/me/want",
    "take": "/me/take",
    "devices": "/me/devices",
    "passkeys": "/me/passkeys",
    "bring": "/me/bring",
}
SIZES = {
    "phone": {"width": 390, "height": 844, "phone": True},
    "desktop": {"width": 1280, "height": 860},
}
EXACT = "[decision]\nexploration_share = 0.0\ncontrol_share = 0.0\n"


def take(folder: Path) -> list[Path]:
    """Take every picture, and give their places."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        shop = make_portal_shop(Path(place) / "home", more=EXACT)
        with Served(shop.home) as served, Browsers() as browsers:
            return _take(folder, PortalServed(shop, served), browsers)


def _take(folder: Path, shop: PortalServed, browsers: Browsers) -> list[Path]:
    shop.lives("ada", firstName="Ada", city="Vienna", diet="vegetarian", birthday="1990-12-10")
    places: list[Path] = []
    for size, how in SIZES.items():
        window = browsers.window(size, **how)
        for name, path in {"sign-in": "/me/sign-in", "check": "/me/sign-in/check"}.items():
            window.go(shop.url + path)
            places.append(_snap(window, folder, name, size))
        shop.sign_in(window, "ada@example.org")
        if size == "phone":
            window.do("device")
            _live(window, shop)
            (held,) = window.do("held")
        for name, path in PAGES.items():
            window.go(shop.url + path)
            places.append(_snap(window, folder, name, size))
        window.go(f"{shop.url}/me/facts")
        window.press("#f-city summary")
        window.do("scroll", selector="section[aria-labelledby=declared]")
        places.append(_snap(window, folder, "fact", size))
        window.go(f"{shop.url}/me/why")
        window.press("article a.button")
        places.append(_snap(window, folder, "decision", size))
        window.go(f"{shop.url}/me/allow")
        window.press("[id='p-personalize.offers'] details.more summary")
        window.do("scroll", selector="[id='p-personalize.offers']")
        places.append(_snap(window, folder, "exchange", size))
        window.go(f"{shop.url}/me/take")
        window.do("scroll", selector="section[aria-labelledby=transfer]")
        places.append(_snap(window, folder, "transfer", size))
        window.do("scroll", selector="section[aria-labelledby=erase]")
        places.append(_snap(window, folder, "erase", size))
        places += _elsewhere(folder, shop, browsers, size)
    dark = browsers.window("dark", dark=True, **SIZES["phone"])
    dark.do("device")
    dark.do("hold", credential=held)
    dark.go(f"{shop.url}/me/sign-in")
    dark.click("Sign in with a passkey")
    dark.do("settled", url=f"{shop.url}/me")
    for name in ("us", "allow", "take"):
        dark.go(shop.url + PAGES[name])
        places.append(_snap(dark, folder, f"{name}-dark", "phone"))
    german = browsers.window("german", locale="de-AT", **SIZES["phone"])
    shop.sign_in(german, "ada@example.org")
    german.go(f"{shop.url}/me")
    places.append(_snap(german, folder, "us-german", "phone"))
    return places


def _live(window: Window, shop: PortalServed) -> None:
    """Do what leaves something to see on the pages."""
    window.go(f"{shop.url}/me/allow")
    window.do("press", selector="[name='purpose.marketing.email'][value=allow]")
    window.do("press", selector="[name='purpose.ads.audiences'][value=deny]")
    _used(shop)
    window.go(f"{shop.url}/me/passkeys")
    window.write("What you call it", "My telephone")
    window.click("Add a passkey")
    window.do("seen", text="From now on it lets you in")
    window.go(f"{shop.url}/me/take")
    form = "form[action='/me/take/transfer']"
    window.do("fill", selector=f"{form} [name=label]", value="Green Grocer Ltd")
    window.press(f"{form} button")
    window.go(f"{shop.url}/me/want")
    window.write("What do you look for?", "Bicycle bag")
    window.do("fill", selector="#must", value="waterproof\nfits any rack")
    window.do("fill", selector="#budget_to", value="60")
    window.click("Look for it")
    shop.decide("ada", places=3)
    window.go(f"{shop.url}/me/why")
    window.press("article details:last-of-type > summary")
    window.do("fill", selector="article textarea", value="Why do you show me this every week?")
    window.do("press", selector="article details:last-of-type .primary")


def _used(shop: PortalServed) -> None:
    """Let her take up an offer with a discount."""
    made = shop.decide("ada", places=2)
    taken = next(one for one in made["actions"] if one["action_id"] != "leave_alone")
    order = {
        "type": "track",
        "event": "Order Completed",
        "userId": "ada",
        "messageId": "order-ada-offer",
        "properties": {
            "order_id": "offer", "total": 21.42, "discount": 11.9, "currency": "EUR",
            "decision_id": made["decision_id"], "action_id": taken["action_id"],
            "products": [{"product_id": "p-coffee", "name": "Espresso beans, 500 g",
                          "category": "Coffee", "price": 11.9, "quantity": 3}],
        },
    }  # fmt: skip
    shop.tell(order)


def _elsewhere(folder: Path, shop: PortalServed, browsers: Browsers, size: str) -> list[Path]:
    """Show what opening a link in another browser looks like."""
    asked = browsers.window(f"asked-{size}")
    known = len(shop.letters("ada@example.org"))
    asked.go(f"{shop.url}/me/sign-in")
    asked.write("Your e-mail address", "ada@example.org")
    asked.click("Send me a link")
    other = browsers.window(f"other-{size}", **SIZES[size])
    other.go(link_in(shop.letter("ada@example.org", known)))
    places = [_snap(other, folder, "enter", size)]
    other.click("Sign in")
    return [*places, _snap(other, folder, "elsewhere", size)]


def _snap(window: Window, folder: Path, name: str, size: str) -> Path:
    """Take one picture, small enough for a repository.

    Raises
    ------
    Invalid
        When it is too large even so.
    """
    place = folder / f"{name}-{size}.webp"
    for quality in (0.85, 0.7, 0.5, 0.35):
        window.snap(place, quality=quality)
        if place.stat().st_size <= BYTES_MOST:
            return place
    raise Invalid(f"the picture {place.name} is too large", hint="show less of the page")


if __name__ == "__main__":
    for taken in take(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER):
        sys.stdout.write(f"{taken.name} {taken.stat().st_size}\n")
