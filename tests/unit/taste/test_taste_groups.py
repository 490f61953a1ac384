"""People who shop alike: found, told apart, and believed as far as they found something."""

from dataclasses import replace

import numpy as np
import pytest

from customering.taste.groups import STRENGTHS, Groups, fit_groups
from customering.taste.history import gather, histories
from customering.taste.model import TasteModel, TasteSettings
from customering.taste.rank import explain_one, rank_many, shortlist, suggest
from customering.taste.train import train

PEOPLE, ITEMS, TODAY = 400, 30, 300
SETTINGS = TasteSettings(discovery_items_max=ITEMS, neighbours_kept=5, discovery_ridge=100.0)


@pytest.fixture(scope="module")
def purchases():
    """Two kinds of people: one buys the first half of the items, the other the second."""
    chance = np.random.default_rng(2)
    rows = 14_000
    person = chance.integers(0, PEOPLE, rows)
    half = np.where(chance.random(rows) < 0.9, person % 2, 1 - person % 2)
    item = half * (ITEMS // 2) + (chance.random(rows) ** 2 * ITEMS / 2).astype(int)
    return gather(person, item, chance.integers(0, TODAY, rows), people=PEOPLE, items=ITEMS)


@pytest.fixture(scope="module")
def groups(purchases) -> Groups:
    found = fit_groups(histories(purchases), np.append(np.arange(ITEMS), -1), ITEMS, TODAY)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def model(purchases) -> TasteModel:
    names = [f"sku-{item:02d}" for item in range(ITEMS)]
    return train(purchases, names, through_day=TODAY - 1, settings=SETTINGS)


def test_people_are_told_apart_by_what_they_buy(purchases, groups):
    past = histories(purchases)
    shares = groups.shares(PEOPLE, past.pair_person, past.pair_item)
    assert np.allclose(shares.sum(axis=1), 1.0)
    first = groups.lines[:, : ITEMS // 2]
    of_first = np.exp(first).sum(axis=1) > 0.5  # which groups buy the first half
    belongs = shares @ of_first
    assert (belongs[::2] > 0.5).mean() > 0.95
    assert (belongs[1::2] < 0.5).mean() > 0.95


def test_what_people_alike_buy_is_lifted_and_what_others_buy_is_not(purchases, groups):
    past = histories(purchases)
    shares = groups.shares(PEOPLE, past.pair_person, past.pair_item)
    person, column = np.array([0, 0, 1, 1]), np.array([0, ITEMS // 2] * 2)
    lifts = groups.lifts(shares, person, column)
    assert lifts[0] > 0 > lifts[1]
    assert lifts[3] > 0 > lifts[2]


def test_a_fit_is_the_same_every_time(purchases, groups):
    again = fit_groups(histories(purchases), np.append(np.arange(ITEMS), -1), ITEMS, TODAY)
    assert np.array_equal(again.lately, groups.lately)


def test_there_are_no_groups_of_few_people(purchases):
    few = histories(purchases.where(purchases.person < 150))
    assert fit_groups(few, np.append(np.arange(ITEMS), -1), ITEMS, TODAY) is None


def test_training_believes_them_as_far_as_they_found_something(model):
    strength = model.metrics["alike_strength"]
    assert strength in STRENGTHS
    assert (model.groups is None) == (strength == 0.0)


def test_lists_say_how_much_oftener_and_add_up(purchases, model, groups):
    """One list, everybody's lists and the words agree, and the parts sum to the log odds."""
    groups = replace(groups, strength=1.0)
    told = replace(model, groups=groups)
    read = TasteModel.from_bytes(told.to_bytes())
    assert np.array_equal(read.groups.lately, groups.lately)
    days = [10, 200, 250, 270]
    habits = {f"sku-{item:02d}": days for item in (0, 1, 2, 3, 5, 7, 9, 11)}
    made = suggest(read, habits, days, TODAY, 12, discover=12)
    listed = shortlist(read, habits, days, TODAY, 12, discover=12)
    assert listed.products == [one.product_id for one in made]
    assert listed.kinds == [one.kind for one in made]
    for place, one in enumerate(made):
        assert explain_one(read, listed, place, habits.get(one.product_id, ()), TODAY) == one.facts
        base = model.repeat if one.kind == "repeat" else model.discover
        odds = np.log(one.probability / (1 - one.probability))
        assert sum(one.parts.values()) + base.intercept == pytest.approx(odds, abs=1e-5)
    assert any(one.facts.alike_times for one in made if one.product_id < "sku-15")
    past = histories(purchases)
    everybody = rank_many(read, past, np.full(PEOPLE, TODAY), 12, discover=12)
    mine = everybody.person == 7
    own = {
        f"sku-{item:02d}": past.pair_day[past.pair_start[at] : past.pair_start[at + 1]].tolist()
        for at, item in enumerate(past.pair_item.tolist())
        if past.pair_person[at] == 7
    }
    begin, end = past.basket_start[7:9]
    one = shortlist(read, own, past.basket_day[begin:end].tolist(), TODAY, 12, discover=12)
    assert one.items == everybody.item[mine].tolist()
    assert np.allclose(one.probability, everybody.probability[mine])


def test_who_bought_nothing_is_like_nobody(model, groups):
    told = replace(model, groups=replace(groups, strength=1.0))
    listed = shortlist(told, {}, [], TODAY, 10)
    assert listed.alike == {}
    assert set(listed.kinds) == {"popular"}
