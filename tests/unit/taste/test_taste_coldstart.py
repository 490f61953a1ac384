from typing import NamedTuple

import numpy as np
import pytest

from customering.taste.coldstart import Arrivals
from customering.taste.history import gather, history_of
from customering.taste.model import TasteModel, TasteSettings
from customering.taste.train import train
from customering.taste.words import Words


class Product(NamedTuple):
    title: str = ""
    category: str = ""
    department: str = ""
    brand: str = ""


NAMES = [f"tea{number}" for number in range(5)] + [f"soap{number}" for number in range(5)]
NEW = {
    "green tea": Product("Green tea", "tea", "kitchen"),
    "rose soap": Product("Rose soap", "soap", "bath"),
    "riddle": Product("Zzyzx"),
}
WORDS = Words({name: Product(name, name[:-1], "") for name in NAMES} | NEW)


@pytest.fixture(scope="module")
def model() -> TasteModel:
    """Half of the people buy teas, one after the other; the other half soaps."""
    chance = np.random.default_rng(6)
    person = np.repeat(np.arange(80), 25)
    item = (person % 2) * 5 + chance.integers(0, 5, person.size)
    lines = gather(person, item, chance.integers(0, 150, person.size), people=80, items=10)
    settings = TasteSettings(discovery_items_max=10, neighbours_kept=5, discovery_ridge=10.0)
    return train(lines, NAMES, through_day=149, settings=settings)


@pytest.mark.parametrize(("habit", "wanted"), [("tea", "green tea"), ("soap", "rose soap")])
def test_a_new_product_finds_those_who_buy_its_like(model, habit, wanted):
    habits = {f"{habit}{number}": [100, 120, 140] for number in range(3)}
    past = history_of(habits, [100, 120, 140], model.index)
    found = Arrivals(model, WORDS, list(NEW)).of(past, 5)
    assert found[0].product_id == wanted
    assert found[0].like.startswith(habit)
    assert 0 < found[1].probability < found[0].probability < 1


def test_what_is_like_nothing_known_is_left_out(model):
    arrivals = Arrivals(model, WORDS, list(NEW))
    assert arrivals.products == ("green tea", "rose soap")
    assert Arrivals(model, WORDS, ["riddle"]).of(history_of({}, (), model.index), 3) == []


def test_somebody_new_is_shown_new_products_too(model):
    found = Arrivals(model, WORDS, list(NEW)).of(history_of({}, (), model.index), 1)
    assert len(found) == 1
