import numpy as np
import pytest

from customering.kernel.errors import InvalidDefinition
from customering.taste.discovery import candidates, fit_discovery
from customering.taste.evaluate import (
    by_frequency,
    by_popularity,
    grade,
    new_products_after,
    next_basket_after,
    not_bought,
)
from customering.taste.features import repeat_features
from customering.taste.history import gather, histories
from customering.taste.model import TasteSettings
from customering.taste.rank import rank_many
from customering.taste.train import choose_ridge, cut_at, train

DAYS = 240


def test_the_learned_ranker_beats_popularity_and_frequency_on_days_it_never_saw(
    taste_town, taste_model
):
    split = next_basket_after(taste_town, DAYS - 29)
    past = histories(split.known)
    assert past.people == 240
    learned, frequency, popularity = (
        grade(made, split, k=3).ndcg.mean()
        for made in (
            rank_many(taste_model, past, split.today, 3),
            by_frequency(past, taste_model.statistics, 3),
            by_popularity(past, taste_model.statistics, 3),
        )
    )
    assert learned > 1.15 * frequency
    assert learned > 3 * popularity


def test_discovery_beats_popularity_among_products_never_bought(taste_town, taste_model):
    split = new_products_after(taste_town, DAYS - 29)
    past = histories(split.known)
    found = rank_many(taste_model, past, split.today, 5, discover=5)
    learned = grade(found.take(found.is_new), split, k=5).recall.mean()
    popular = grade(not_bought(by_popularity(past, taste_model.statistics, 80), past), split, k=5)
    assert learned > 1.5 * popular.recall.mean()


def test_probabilities_match_how_often_the_suggested_is_bought(taste_town, taste_model):
    split = next_basket_after(taste_town, DAYS - 29)
    made = rank_many(taste_model, histories(split.known), split.today, 10)
    truth = set(zip(split.truth.person.tolist(), split.truth.item.tolist(), strict=True))
    keys = zip(made.person.tolist(), made.item.tolist(), strict=True)
    bought = np.array([key in truth for key in keys])
    assert bought.mean() == pytest.approx(made.probability.mean(), rel=0.2)


def test_a_cut_sees_nothing_after_it(taste_town):
    last_known = np.full(taste_town.people, 150)
    cut = cut_at(taste_town, last_known, recent_days=28, within_days=28)
    truncated = taste_town.where(taste_town.day <= 150)
    alone = cut_at(truncated, last_known, recent_days=28, within_days=28)
    seen = repeat_features(cut.past, cut.today, cut.statistics)
    assert np.array_equal(seen, repeat_features(alone.past, alone.today, alone.statistics))
    assert len(alone.person) == 0 < len(cut.person)


def test_labels_are_the_first_basket_after_the_cut_in_time_and_only_for_people_with_a_past():
    rows = [(0, 0, 1), (0, 1, 5), (0, 2, 6), (1, 0, 7), (2, 0, 1), (2, 0, 50)]
    purchases = gather(*np.array(rows).T)
    cut = cut_at(purchases, np.full(3, 3), recent_days=28, within_days=28)
    assert cut.person.tolist() == [0]
    assert cut.labels(np.array([0, 0, 0]), np.array([0, 1, 2])).tolist() == [False, True, False]
    any_time = cut_at(purchases, np.full(3, 3), recent_days=28, within_days=None)
    assert any_time.person.tolist() == [0, 2]


def test_the_ridge_is_chosen_by_what_was_then_bought_unless_it_is_given(taste_town):
    settings = TasteSettings(discovery_items_max=60)
    last_known = np.full(taste_town.people, 200)
    cut = cut_at(taste_town, last_known, recent_days=28, within_days=28)
    chosen = choose_ridge(cut, settings)
    past = cut.past.of_people(cut.person)
    gains = {}
    for ridge in (100.0, 300.0, 1_000.0, 3_000.0, 10_000.0):
        discovery = fit_discovery(
            cut.past, cut.statistics, items_max=60, ridge=ridge, neighbours_kept=200
        )
        found = candidates(past, discovery, supported=10, popular=0)
        hits = cut.labels(cut.person[found.person], found.item)
        gains[ridge] = 0.0
        for person in range(past.people):
            mine = np.flatnonzero(found.person == person)
            best = mine[np.argsort(-found.support[mine], kind="stable")]
            gains[ridge] += sum(hits[at] / np.log2(place + 2) for place, at in enumerate(best))
    assert gains[chosen] == pytest.approx(max(gains.values()))
    assert min(gains.values()) < max(gains.values())
    assert choose_ridge(cut, TasteSettings(discovery_ridge=42.0)) == 42.0


def test_rows_are_thinned_by_leaving_people_out(taste_town):
    names = [str(item) for item in range(taste_town.items)]
    few = TasteSettings(training_rows_max=1_000)
    model = train(taste_town, names, through_day=DAYS - 1, settings=few)
    whole = train(taste_town, names, through_day=DAYS - 1)
    assert 300 < model.metrics["repeat_rows"] < 1_300 < whole.metrics["repeat_rows"]


def test_products_must_name_every_item(taste_town):
    with pytest.raises(InvalidDefinition, match="3 products"):
        train(taste_town, ["a", "b", "c"], through_day=DAYS)


def test_people_who_never_come_back_teach_nothing():
    purchases = gather(np.arange(5), np.zeros(5, int), np.arange(5))
    with pytest.raises(InvalidDefinition) as caught:
        train(purchases, ["a"], through_day=90)
    assert caught.value.hint


def test_a_shop_younger_than_a_cut_or_without_a_sale_is_told_to_wait():
    nothing = np.zeros(0, dtype=np.int64)
    for purchases in (gather(nothing, nothing, nothing, items=1), gather(*np.ones((3, 4), int))):
        with pytest.raises(InvalidDefinition) as caught:
            train(purchases, ["a"] * purchases.items, through_day=3)
        assert "back" in caught.value.hint


def test_training_twice_gives_the_same_bytes(taste_town, taste_model):
    known = taste_town.where(taste_town.day < DAYS - 28)
    again = train(known, taste_model.products, through_day=DAYS - 29, settings=taste_model.settings)
    assert np.array_equal(again.repeat.weights, taste_model.repeat.weights)
    assert np.array_equal(again.discover.weights, taste_model.discover.weights)
