from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.taste.history import gather
from customering.taste.model import TasteModel, TasteSettings
from customering.taste.rank import Shortlist, shortlist
from customering.taste.session import Asked, Looking, Seen, fresh, in_session
from customering.taste.train import train
from customering.taste.words import Words


class Product(NamedTuple):
    title: str = ""
    category: str = ""
    department: str = ""
    brand: str = ""


NAMES = ["tea", "cup", "jam", "bread", "soap", "brush"]
WORDS = Words(
    {name: Product(f"Fine {name}", "kitchen" if name in NAMES[:4] else "bath") for name in NAMES}
    | {"rooibos": Product("Rooibos tea", "kitchen")}
)


@pytest.fixture(scope="module")
def model() -> TasteModel:
    """People buy tea with cups, jam with bread, soap with brushes, and rarely anything else."""
    chance = np.random.default_rng(2)
    person = np.repeat(np.arange(90), 20)
    item = (person % 3) * 2 + chance.integers(0, 2, person.size)
    item = np.where(chance.random(person.size) < 0.05, chance.integers(0, 6, person.size), item)
    lines = gather(person, item, chance.integers(0, 150, person.size), people=90, items=6)
    settings = TasteSettings(discovery_items_max=6, neighbours_kept=4, discovery_ridge=10.0)
    return train(lines, NAMES, through_day=149, settings=settings)


@pytest.fixture
def nobodys(model: TasteModel) -> Shortlist:
    return shortlist(model, {}, (), 150, 6)


@pytest.fixture
def soapy(model: TasteModel) -> Shortlist:
    days = list(range(100, 150, 7))
    return shortlist(model, {"soap": days, "brush": days}, days, 150, 6, discover=3)


def test_nothing_looked_at_changes_nothing_but_the_order_by_chance(model, soapy):
    found = in_session(model, soapy, Looking(), WORDS, 6)
    assert set(found.products) == set(soapy.products)
    by = dict(zip(soapy.products, soapy.probability, strict=True))
    assert found.probability == pytest.approx([by[one] for one in found.products])
    assert found.now == {}
    assert Looking().is_idle


def test_what_is_looked_at_rises_with_its_reason(model, soapy):
    looking = Looking(viewed=(Seen("jam", 1.0),))
    found = in_session(model, soapy, looking, WORDS, 6, shopping_days=8)
    before = dict(zip(soapy.products, soapy.probability, strict=True))
    after = dict(zip(found.products, found.probability, strict=True))
    assert after["jam"] > 5 * before["jam"]
    assert found.now[found.products.index("jam")] == "You looked at it just now."


def test_a_sign_fades(model, soapy):
    def chance(age: float) -> float:
        found = in_session(model, soapy, Looking(viewed=(Seen("jam", age),)), WORDS, 6)
        return dict(zip(found.products, found.probability, strict=True))["jam"]

    chances = [chance(age) for age in (0, 20, 60, 300, 2000)]
    assert chances == sorted(chances, reverse=True)
    idle = dict(zip(soapy.products, soapy.probability, strict=True))["jam"]
    assert chances[-1] == pytest.approx(idle)


def test_what_is_in_the_cart_leaves_and_what_goes_with_it_comes(model, nobodys):
    looking = Looking(cart=(Seen("tea", 2.0),))
    found = in_session(model, nobodys, looking, WORDS, 6)
    assert "tea" not in found.products
    assert found.products[0] == "cup"
    assert found.now[0] == "It goes with Fine tea, which you chose just now."


def test_the_cart_tells_less_of_somebody_whose_habits_are_known(model, nobodys):
    looking = Looking(cart=(Seen("tea", 0.0),))

    def rise(days: int) -> float:
        found = in_session(model, nobodys, looking, WORDS, 6, shopping_days=days)
        return dict(zip(found.products, found.probability, strict=True))["cup"]

    assert rise(0) > rise(10) > rise(200)


def test_a_search_is_answered_also_by_products_nobody_has_bought(model, nobodys):
    found = in_session(model, nobodys, Looking(searched=(Asked("rooibos", 0.0),)), WORDS, 6)
    assert found.products[0] == "rooibos"
    assert (found.items[0], found.kinds[0]) == (-1, "discover")
    assert found.now[0] == "It answers what you searched for."


def test_what_we_know_nothing_of_cannot_be_shown(model, nobodys):
    found = in_session(model, nobodys, Looking(viewed=(Seen("ghost", 0.0),)), WORDS, 6)
    assert "ghost" not in found.products


def test_a_view_of_a_habit_stays_a_repeat(model, soapy):
    found = in_session(model, soapy, Looking(viewed=(Seen("soap", 0.0),)), WORDS, 6)
    assert found.kinds[found.products.index("soap")] == "repeat"


def test_the_key_changes_with_new_signs_and_as_they_fade():
    first = Looking(viewed=(Seen("a", 3.0),))
    assert first.key == Looking(viewed=(Seen("a", 8.0),)).key
    assert first.key != Looking(viewed=(Seen("a", 13.0),)).key
    assert first.key != Looking(viewed=(Seen("b", 3.0),)).key


signs = st.lists(
    st.tuples(st.sampled_from([*NAMES, "rooibos", "ghost"]), st.floats(0, 3000)), max_size=4
)


@settings(max_examples=60, deadline=None)
@given(signs, signs, st.lists(st.tuples(st.text(max_size=12), st.floats(0, 99)), max_size=2))
def test_any_visit_gives_a_list_in_order_without_the_cart(viewed, cart, searched):
    lines = gather(
        np.array([0, 0, 1, 1, 2, 2]), np.arange(6), np.array([1, 9, 2, 9, 3, 9]), people=3, items=6
    )
    small = TasteSettings(discovery_items_max=6, neighbours_kept=2, discovery_ridge=1.0)
    model = train(lines, NAMES, through_day=20, settings=small, cuts=[np.full(3, 5)])
    listed = shortlist(model, {"tea": [1], "cup": [9]}, [1, 9], 20, 6)
    looking = Looking(
        viewed=tuple(Seen(*one) for one in viewed),
        cart=tuple(Seen(*one) for one in cart),
        searched=tuple(Asked(*one) for one in searched),
    )
    found = in_session(model, listed, looking, WORDS, 4, shopping_days=2)
    assert len(found.products) == len(set(found.products)) <= 4
    assert not {name for name, _ in cart} & set(found.products)
    assert found.probability == sorted(found.probability, reverse=True)
    assert all(0 < chance < 1 for chance in found.probability)
    assert set(found.now) <= set(range(len(found.products)))


def test_freshness_halves_in_half_an_hour():
    assert [fresh(age) for age in (0, 30, 60, 24 * 60)] == [1.0, 0.5, 0.25, 0.0]
