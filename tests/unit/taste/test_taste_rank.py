import numpy as np
import pytest

from customering.taste.history import histories, history_of
from customering.taste.rank import Ranking, choose, explain_one, rank_many, shortlist, suggest

TODAY = 240


@pytest.fixture(scope="module")
def traits(taste_town):
    """Everybody's habits and shopping days, as the profile holds them."""
    past = histories(taste_town)
    habits = [{} for _ in range(past.people)]
    for pair, (person, item) in enumerate(zip(past.pair_person, past.pair_item, strict=True)):
        days = past.pair_day[past.pair_start[pair] : past.pair_start[pair + 1]]
        habits[person][f"sku-{item:02d}"] = days.tolist()
    shopping = [
        past.basket_day[begin:end].tolist()
        for begin, end in zip(past.basket_start[:-1], past.basket_start[1:], strict=True)
    ]
    return habits, shopping


@pytest.mark.parametrize("discover", [None, 0, 4, 20])
def test_everybody_at_once_gives_the_lists_of_one_by_one(taste_town, taste_model, traits, discover):
    habits, shopping = traits
    many = rank_many(taste_model, histories(taste_town), np.full(240, TODAY), 10, discover=discover)
    for person in range(0, 240, 11):
        one = suggest(taste_model, habits[person], shopping[person], TODAY, 10, discover=discover)
        mine = many.take(many.person == person)
        assert [s.product_id for s in one] == [taste_model.products[i] for i in mine.item]
        assert [s.probability for s in one] == pytest.approx(mine.probability.tolist(), rel=1e-5)
        assert [s.kind != "repeat" for s in one] == mine.is_new.tolist()


@pytest.mark.parametrize("discover", [None, 0, 4, 20])
@pytest.mark.parametrize("many_days", [False, True])
def test_a_shortlist_is_what_both_other_ways_give(taste_model, traits, discover, many_days):
    """One person by the quick way, by the explained way and by the way for everybody at once."""
    everybodys = [*zip(*traits, strict=True)][::7]
    everybodys += [({}, []), ({"never seen": [239], "sku-03": [], "sku-04": [1]}, [1, 239])]
    for habits, days in everybodys:
        if many_days:
            habits = {**habits, "sku-05": list(range(100, 230))}
        quick = shortlist(taste_model, habits, days, TODAY, 12, discover=discover)
        told = suggest(taste_model, habits, days, TODAY, 12, discover=discover)
        assert quick.products == [one.product_id for one in told]
        assert quick.kinds == [one.kind for one in told]
        assert quick.probability == pytest.approx([one.probability for one in told], abs=1e-9)
        facts = [
            explain_one(taste_model, quick, place, habits.get(product, ()), TODAY)
            for place, product in enumerate(quick.products)
        ]
        assert facts == [one.facts for one in told]
        past = history_of(habits, days, taste_model.index)
        many = rank_many(taste_model, past, np.array([TODAY]), 12, discover=discover)
        assert quick.items == many.item.tolist()
        assert quick.probability == pytest.approx(many.probability.tolist(), abs=1e-9)


def test_suggestions_come_most_probable_first_and_never_twice(taste_model, traits):
    found = suggest(taste_model, traits[0][3], traits[1][3], TODAY, 20, discover=4)
    chances = [s.probability for s in found]
    assert chances == sorted(chances, reverse=True)
    assert len({s.product_id for s in found}) == len(found) == 20
    assert all(0 < chance < 1 for chance in chances)


@pytest.mark.parametrize(("discover", "news"), [(0, 0), (3, 3), (6, 6), (9, 6)])
def test_places_are_kept_for_new_products(taste_model, traits, discover, news):
    found = suggest(taste_model, traits[0][3], traits[1][3], TODAY, 6, discover=discover)
    assert len(found) == 6
    assert sum(s.kind != "repeat" for s in found) == news


def test_where_repeats_run_short_new_products_fill_the_places(taste_model):
    found = suggest(taste_model, {"sku-01": [230]}, [230], TODAY, 5, discover=1)
    assert len(found) == 5
    assert sum(s.kind == "repeat" for s in found) == 1


def test_somebody_new_is_shown_what_is_popular(taste_model):
    found = suggest(taste_model, {}, [], TODAY, 5)
    assert [s.kind for s in found] == ["popular"] * 5
    buyers = taste_model.statistics.buyers[:-1]
    assert min(s.facts.buyers for s in found) >= np.sort(buyers)[-15]
    assert found[0].facts.because_of == ()


def test_no_places_no_suggestions(taste_model, traits):
    assert suggest(taste_model, traits[0][0], traits[1][0], TODAY, 0) == []


def test_a_product_the_model_has_never_seen_can_still_be_a_habit(taste_model):
    days = list(range(200, 240, 4))
    found = suggest(taste_model, {"brand-new": days, "other-new": [200]}, days, TODAY, 2)
    assert found[0].product_id == "brand-new"
    assert found[0].kind == "repeat"
    assert found[0].facts.share_rebuy is None
    assert found[0].facts.buyers == 0


def test_products_may_be_left_out(taste_model, traits):
    first = suggest(taste_model, traits[0][3], traits[1][3], TODAY, 4)
    refused = {first[0].product_id, first[2].product_id}
    second = suggest(taste_model, traits[0][3], traits[1][3], TODAY, 2, without=refused)
    assert [s.product_id for s in second] == [first[1].product_id, first[3].product_id]


def test_facts_of_a_habit_can_be_counted_by_hand(taste_model):
    habits = {"sku-02": [100, 110, 130]}
    found = suggest(taste_model, habits, [100, 110, 130, 150], 150, 1, discover=0)[0]
    assert found.facts.times == 3
    assert found.facts.every_days == 15
    assert found.facts.last_days_ago == 20
    assert found.facts.share_rebuy == pytest.approx(taste_model.statistics.again_share[2])
    assert found.facts.because_of == ()


def test_a_discovery_names_what_was_bought_and_shares_its_taste(taste_model, traits):
    found = suggest(taste_model, traits[0][3], traits[1][3], TODAY, 6, discover=6)
    named = [s for s in found if s.kind == "discover"]
    assert named
    for suggestion in named:
        assert suggestion.product_id not in traits[0][3]
        assert set(suggestion.facts.because_of) <= set(traits[0][3])
        assert suggestion.facts.because_of


def test_the_parts_sum_to_the_log_odds(taste_model, traits):
    for made in suggest(taste_model, traits[0][3], traits[1][3], TODAY, 8, discover=4):
        part = taste_model.repeat if made.kind == "repeat" else taste_model.discover
        odds = sum(made.parts.values()) + part.intercept
        assert 1 / (1 + np.exp(-odds)) == pytest.approx(made.probability, rel=1e-3)


def test_equal_chances_go_to_the_item_with_more_buyers():
    equal = Ranking(
        np.array([0, 0, 0]),
        np.array([0, 1, 2]),
        np.array([0.5, 0.5, 0.9]),
        np.arange(3),
        np.zeros(3, bool),
    )
    buyers = np.array([1.0, 8.0, 0.0, 0.0])
    assert choose(equal, buyers, 3).item.tolist() == [2, 1, 0]
