"""A small shop with everything in it, and a way to type commands at it."""

import gc
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from commanding import Run, Said
from customering.app.home import HOME_VARIABLE
from customering.cli.main import main

PRESENT = "2026-06-01"
SETTINGS = f"""
[clock]
present = {PRESENT}
[history]
buckets = 2
[consent.defaults]
"analytics.product" = {{answer = "allow", ground = "a test"}}
"personalize.web" = {{answer = "allow", ground = "a test"}}
"personalize.offers" = {{answer = "allow", ground = "a test"}}
"profile.value_scoring" = {{answer = "allow", ground = "a test"}}
"""
MAPPING = """
name = "shop/orders"
event = "Order Completed"
group_by = ["order"]
occurred_at = "day"
currency = "EUR"
identifiers.loyalty_card = "card"
properties.order_id = {column = "order", type = "string"}
properties.revenue_minor = {sum = "amount_minor"}
products.product_id = "sku"
products.name = "sku"
products.amount_minor = {column = "amount", unit = "major"}
"""
OFFERS = """
group_by = ["offer"]
products = "sku"
[action]
action_id = "'offer:' || offer"
kind = "'make_offer'"
title = "'Offer ' || offer"
purpose = "'personalize.offers'"
"""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Type a command; whatever is no clean exit fails the test."""
    monkeypatch.delenv(HOME_VARIABLE, raising=False)
    before = gc.get_threshold()

    def typed(*words: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["customering", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        return Said(code if isinstance(code, int) else 0, *capsys.readouterr())

    yield typed
    gc.set_threshold(*before)


def write_orders(path: Path) -> None:
    """Forty people who come back in a rhythm of their own, and one row that cannot be read."""
    chance = Random(5)
    shelf = [f"{kind}-{number}" for kind in ("tea", "jam", "oil") for number in range(6)]
    rows = ["order,card,day,sku,amount"]
    for card in range(40):
        favourites = chance.sample(shelf, 2)
        for visit, day in enumerate(range(card % 7, 90, 7 + card % 5)):
            date = f"2026-{3 + day // 31:02d}-{1 + day % 30:02d}"
            bought = sorted({*favourites, chance.choice(shelf)})
            price = chance.randrange(100, 999)
            rows.extend(f"{card}-{visit},{card},{date},{sku},{price}.50" for sku in bought)
    rows.append("bad,7,2026-04-01,tea-1,a lot")
    path.write_text("\n".join(rows) + "\n")


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of a shop and its home, filled by the commands themselves."""
    folder = tmp_path_factory.mktemp("shop")
    write_orders(folder / "orders.csv")
    (folder / "orders.toml").write_text(MAPPING)
    (folder / "offers.csv").write_text("offer,sku\nspring,tea-1\nspring,jam-2\nsummer,oil-0\n")
    (folder / "products.csv").write_text("id,name,price\nmatcha,Green tea,9.90\n")
    (folder / "offers.toml").write_text(OFFERS)
    home = folder / "home"
    patch = pytest.MonkeyPatch()
    for words in (
        ("init", home),
        ("import", folder / "orders.csv", "--mapping", folder / "orders.toml", "--home", home),
        ("learn", "--home", home),
    ):
        patch.setattr(sys, "argv", ["customering", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code, words
        if words[0] == "init":
            (home / "customering.toml").write_text(SETTINGS)
    patch.undo()
    return folder


@pytest.fixture
def shop(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shop for one test to change; the current folder."""
    folder = tmp_path / "shop"
    shutil.copytree(filled, folder)
    monkeypatch.chdir(folder)
    return folder
