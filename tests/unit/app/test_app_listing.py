"""What somebody does in this visit changes what is decided for them at once, with its reason."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from customering.app.engine import Engine
from customering.app.listing import where_from
from customering.app.looking import looking_of
from customering.app.product_catalog import read_products
from customering.app.purchases import Item
from customering.decision.model import NEW_TO_PERSON, Decision, DecisionRequest
from customering.kernel.clock import MS_PER_DAY, format_instant, parse_instant
from customering.kernel.ids import Identifier
from customering.profile.fold import EVERYTHING
from customering.profile.lazy import Reader
from customering.taste.context import fit_context
from customering.taste.history import gather
from customering.taste.model import TasteSettings
from customering.taste.train import train
from town import OpenShop, order

NOW = parse_instant("2026-06-01")
PAIRS = ["tea", "cup", "jam", "bread", "soap", "brush", "pen", "ink"]
REQUEST = DecisionRequest(placement="home", purpose="personalize.web", slots=9)


def did(name: str, who: str, minutes_ago: float, **properties) -> dict:
    at = int(NOW - minutes_ago * 60_000)
    return {
        "type": "track",
        "event": name,
        "userId": who,
        "timestamp": format_instant(at),
        "messageId": f"{name}-{who}-{at}",
        "properties": properties,
    }


@pytest.fixture
def shop(open_shop: OpenShop) -> Iterator[Engine]:
    """A shop in which people buy things in pairs; nothing is drawn by chance."""
    quiet = ("decision.exploration_share=0", "decision.control_share=0", "decision.random_share=0")
    engine = open_shop(overrides=quiet)
    chance = np.random.default_rng(8)
    person = np.repeat(np.arange(120), 16)
    item = (person % 4) * 2 + chance.integers(0, 2, person.size)
    item = np.where(chance.random(person.size) < 0.1, chance.integers(0, 8, person.size), item)
    day = NOW // MS_PER_DAY - chance.integers(1, 120, person.size)
    settings = TasteSettings(discovery_items_max=8, neighbours_kept=4, discovery_ridge=10.0)
    model = train(
        gather(person, item, day, people=120, items=8),
        PAIRS,
        through_day=NOW // MS_PER_DAY - 1,
        settings=settings,
    )
    lines = np.full((2, 8), 50_000.0)
    lines[1] = 1_000.0
    lines[1, PAIRS.index("ink")] = 20_000.0
    cell, number = np.indices(lines.shape)
    context = fit_context(
        PAIRS, number.ravel(), cell.ravel(), lines.ravel(), ["store:a", "store:inkwell"]
    )
    items = {
        name: Item(product_id=name, title=name.title(), category=name, price_minor=500)
        for name in [*PAIRS, "lamp"]
    }
    engine.models.put(value=None, taste=replace(model, context=context), items=items)
    with engine:
        yield engine


def decided(engine: Engine, who: str, request: DecisionRequest = REQUEST) -> Decision:
    return engine.decide(Identifier(f"user_id:{who}"), request)


def chance_of(decision: Decision, product: str) -> float:
    return next(
        (one.propensity for one in decision.candidates if one.action_id == f"item:{product}"), 0.0
    )


def test_what_is_looked_at_now_rises_and_the_reason_says_so(shop):
    shop.ingest([order({"userId": "ada"}, 60, "jam", "bread")])
    before = decided(shop, "ada")
    shop.ingest([did("Product Viewed", "ada", 2, product_id="pen")])
    after = decided(shop, "ada")
    assert chance_of(after, "pen") > 3 * chance_of(before, "pen")
    (pen,) = (one for one in after.candidates if one.action_id == "item:pen")
    assert "You looked at it just now." in pen.words


def test_what_goes_with_the_cart_comes_and_the_cart_itself_leaves(shop):
    shop.ingest([did("Product Viewed", "new", 500, product_id="brush")])
    before = decided(shop, "new")
    shop.ingest([did("Product Added", "new", 1, product_id="tea")])
    after = decided(shop, "new")
    assert chance_of(after, "cup") > chance_of(before, "cup")
    assert max(PAIRS, key=lambda one: chance_of(after, one)) == "cup"


def test_a_search_finds_what_nobody_has_bought(shop):
    shop.ingest([did("Products Searched", "new", 1, query="lamp")])
    found = decided(shop, "new")
    (lamp,) = (one for one in found.candidates if one.action_id == "item:lamp")
    assert "It answers what you searched for." in lamp.words


def test_newcomers_are_shown_what_is_bought_where_they_are(shop):
    shop.ingest([did("Product Viewed", "new", 5000, product_id="brush")])
    plain = decided(shop, "new")
    there = decided(
        shop,
        "new",
        DecisionRequest(
            placement="home", purpose="personalize.web", slots=4, context={"store_id": "inkwell"}
        ),
    )
    assert chance_of(there, "ink") > 2 * chance_of(plain, "ink")
    assert max(PAIRS, key=lambda one: chance_of(there, one)) == "ink"


def test_signs_are_read_with_their_ages_and_the_cart_ends_with_an_order(shop):
    shop.ingest(
        [
            did("Product Viewed", "ada", 10, product_id="pen"),
            did("Product Viewed", "ada", 4, product_id="ink"),
            did("Product Viewed", "ada", 2, product_id="pen"),
            did("Product Viewed", "ada", 3000, product_id="soap"),
            did("Products Searched", "ada", 7, query="paper"),
            did("Product Added", "ada", 30, product_id="cup"),
            did("Order Completed", "ada", 20, order_id="1", products=[{"product_id": "cup"}]),
            did("Product Added", "ada", 3, product_id="tea"),
        ]
    )
    (kept,) = shop.state.get([Identifier("user_id:ada")]).values()
    state = shop.traits.decode(kept)
    found = looking_of(Reader(shop.traits).values([state], NOW, EVERYTHING), NOW)
    assert [(seen.product_id, seen.age_minutes) for seen in found.viewed] == [
        ("pen", 2.0),
        ("ink", 4.0),
    ]
    assert [tuple(asked) for asked in found.searched] == [("paper", 7.0)]
    assert [seen.product_id for seen in found.cart] == ["tea"]


def test_where_somebody_is_goes_by_what_was_told():
    at = parse_instant("2026-06-01T17:30:00Z")  # a Monday
    assert where_from({}, at) == ("part:5", "weekday:0")
    told = where_from({"store_id": "a", "channel": "app", "page": "x"}, at)
    assert told == ("part:5", "weekday:0", "store:a", "channel:app")
    assert where_from({"store_id": 7}, at) == ("part:5", "weekday:0")


def test_a_product_nobody_bought_is_decided_on_as_soon_as_the_catalogue_tells_of_it(shop, tmp_path):
    shop.ingest([order({"userId": "ada"}, 60, "tea", "cup")])
    request = DecisionRequest(placement="home", purpose="personalize.web", slots=9)
    assert not any(one.action_id == "item:matcha" for one in decided(shop, "ada").candidates)
    told = tmp_path / "products.csv"
    told.write_text("id,name,category,price\nmatcha,Tea of the tea,tea,9.90\nnail,Nail,iron,0.10\n")
    products = read_products(told)
    assert (products["matcha"].title, products["matcha"].price_minor) == ("Tea of the tea", 990)
    assert shop.product_catalog.put(products) == (2, 2)
    models = shop.models.find_changed()
    assert models is not None
    shop.models.take(models)
    made = decided(shop, "ada", request)
    (matcha,) = (one for one in made.candidates if one.action_id == "item:matcha")
    assert matcha.found_by == "arrival"
    assert matcha.rank is not None
    assert "It is new here, and like Tea." in matcha.words
    assert matcha.lever == shop.settings.lists.arrival_lever
    assert not any(one.action_id == "item:nail" for one in made.candidates)
    shop.ingest([did("Product Viewed", "new", 5000, product_id="brush")])
    assert any(one.found_by == "arrival" for one in decided(shop, "new").candidates)
    shop.ingest([order({"userId": "ada"}, 70, "matcha")])
    (bought,) = (o for o in decided(shop, "ada").candidates if o.action_id == "item:matcha")
    assert bought.found_by == "repeat"


def test_places_for_discovery_are_open_to_what_nobody_has_bought(shop, open_shop, tmp_path):
    shop.ingest([order({"userId": "ada"}, day, "tea", "cup", "jam") for day in (50, 60, 70)])
    told = {"matcha": Item(product_id="matcha", title="Tea cup jam", category="tea")}
    shop.product_catalog.put(told)
    shop.models.forget()
    three = DecisionRequest(placement="home", purpose="personalize.web", slots=3)
    made = decided(shop, "ada", three)
    assert sum(one.found_by in NEW_TO_PERSON for one in made.ranked) >= 1


def test_without_a_model_nothing_is_listed(open_shop: OpenShop):
    with open_shop() as engine:
        engine.ingest([did("Product Viewed", "ada", 2, product_id="pen")])
        assert not any(one.action_id == "item:pen" for one in decided(engine, "ada").candidates)
