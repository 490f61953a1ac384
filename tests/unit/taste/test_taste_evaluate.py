import numpy as np
import pytest

from customering.taste.evaluate import (
    Split,
    by_frequency,
    by_popularity,
    grade,
    interval,
    last_basket,
    new_products_after,
    next_basket_after,
    not_bought,
)
from customering.taste.history import gather, histories
from customering.taste.items import item_statistics
from customering.taste.rank import Ranking


def purchases(*rows, people=2, items=8):
    person, item, day = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return gather(person, item, day, people=people, items=items)


def ranking(*rows):
    person, item = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    return Ranking(
        person, item, np.ones(len(person)), np.arange(len(person)), np.zeros(len(person), bool)
    )


def test_grades_of_a_hand_worked_list():
    # Ada wanted 0, 3, 5 and had bought 0; her list 7, 3, 0 is right at places 2 and 3.
    split = Split(purchases((0, 0, 1)), purchases((0, 0, 9), (0, 3, 9), (0, 5, 9)), np.zeros(2))
    found = grade(ranking((0, 7), (0, 3), (0, 0)), split, k=3)
    gain, ideal = 1 / np.log2(3) + 1 / np.log2(4), 1 + 1 / np.log2(3) + 1 / np.log2(4)
    assert found.person.tolist() == [0]
    assert found.recall == pytest.approx([2 / 3])
    assert found.ndcg == pytest.approx([gain / ideal])
    assert found.hit == pytest.approx([1])
    assert found.repeat_recall == pytest.approx([1])
    assert found.explore_recall == pytest.approx([1 / 2])


def test_the_ideal_holds_the_whole_truth_however_short_the_list():
    split = Split(purchases(), purchases((0, 1, 9), (0, 2, 9), (0, 3, 9)), np.zeros(2))
    found = grade(ranking((0, 1), (0, 2), (0, 3)), split, k=1)
    assert found.ndcg == pytest.approx([1 / (1 + 1 / np.log2(3) + 1 / np.log2(4))])
    assert np.isnan(found.repeat_recall[0])
    assert grade(ranking((0, 1)), split, k=1, whole_ideal=False).ndcg == pytest.approx([1])


def test_a_person_with_a_truth_and_no_list_scores_nothing():
    split = Split(purchases(), purchases((0, 1, 9), (1, 2, 9)), np.zeros(2))
    found = grade(ranking((1, 2)), split)
    assert found.recall.tolist() == [0, 1]
    assert found.hit.tolist() == [0, 1]


def test_an_item_the_model_does_not_know_is_not_taken_for_another():
    split = Split(purchases(), purchases((0, 7, 9)), np.zeros(2))
    assert grade(ranking((1, -1)), split).recall.tolist() == [0]


SHOPPING = ((0, 1, 1), (0, 2, 5), (0, 1, 8), (0, 3, 8), (0, 4, 9), (1, 1, 7), (2, 5, 3), (2, 6, 4))


def test_the_next_basket_is_the_first_day_after_the_cut_of_people_known_before():
    split = next_basket_after(purchases(*SHOPPING, people=3), 5)
    assert split.known.day.max() == 5
    assert list(zip(split.truth.person, split.truth.item, strict=True)) == [(0, 1), (0, 3)]
    assert split.today.tolist() == [6, 6, 6]


def test_new_products_are_those_never_bought_before_the_cut():
    split = new_products_after(purchases(*SHOPPING, people=3), 5, days=3)
    assert list(zip(split.truth.person, split.truth.item, strict=True)) == [(0, 3)]


def test_the_last_basket_is_hidden_and_asked_for_the_day_after_the_one_before():
    split = last_basket(purchases(*SHOPPING, people=3))
    assert split.truth.item.tolist() == [4, 1, 6]
    assert split.today.tolist() == [9, 0, 4]


def test_baselines_by_hand():
    known = purchases((0, 1, 1), (0, 1, 2), (0, 2, 1), (1, 2, 1), (1, 3, 1))
    past = histories(known)
    statistics = item_statistics(past, items=8, recent_after=0)
    popular = by_popularity(past, statistics, 2)
    assert popular.item.tolist() == [2, 1, 2, 1]
    frequent = by_frequency(past, statistics, 3)
    assert frequent.item[frequent.person == 0].tolist() == [1, 2, 3]
    assert frequent.item[frequent.person == 1].tolist() == [2, 3, 1]
    assert not_bought(popular, past).item.tolist() == [1]


def test_intervals_are_repeatable_leave_out_missing_grades_and_narrow_with_people():
    grades = np.random.default_rng(1).random(400)
    low, high = interval(grades, seed=5)
    assert (low, high) == interval(np.append(grades, np.nan), seed=5)
    assert low < grades.mean() < high
    assert high - low == pytest.approx(4 * grades.std() / 20, rel=0.2)
    wide = interval(grades[:100], seed=5)
    assert wide[1] - wide[0] > high - low
    assert np.isnan(interval(np.array([np.nan]), seed=5)).all()
