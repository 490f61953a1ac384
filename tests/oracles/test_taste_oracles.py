"""Fast against slow: features, statistics, ranking and grades, one person and item at a time."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.taste.evaluate import Split, grade
from customering.taste.features import (
    DISCOVER_FEATURES,
    REPEAT_FEATURES,
    discover_features,
    repeat_features,
)
from customering.taste.history import gather, histories
from customering.taste.items import item_statistics
from customering.taste.rank import Ranking, choose

PEOPLE, ITEMS = 4, 5
triples = st.tuples(st.integers(0, PEOPLE - 1), st.integers(0, ITEMS - 1), st.integers(0, 60))
towns = st.lists(triples, min_size=1, max_size=60)


def as_purchases(rows):
    return gather(*np.array(rows, dtype=np.int64).T, people=PEOPLE, items=ITEMS)


def as_dicts(rows):
    """Give everybody's habits and shopping days as plain dicts and lists."""
    habits = [{} for _ in range(PEOPLE)]
    shopping = [set() for _ in range(PEOPLE)]
    for person, item, day in rows:
        habits[person].setdefault(item, set()).add(day)
        shopping[person].add(day)
    return (
        [{item: sorted(days) for item, days in sorted(mine.items())} for mine in habits],
        [sorted(days) for days in shopping],
    )


def slow_statistics(rows, recent_after):
    habits, shopping = as_dicts(rows)
    buyers, recent, back, repeats, chances = ([0] * (ITEMS + 1) for _ in range(5))
    for mine, days in zip(habits, shopping, strict=True):
        for item, bought in mine.items():
            buyers[item] += 1
            recent[item] += bought[-1] > recent_after
            back[item] += len(bought) > 1
            repeats[item] += len(bought) - 1
            chances[item] += sum(day > bought[0] for day in days)
    share, rate = sum(back) / sum(buyers), sum(repeats) / max(sum(chances), 1)
    return (
        buyers,
        recent,
        [(back[i] + 5 * share) / (buyers[i] + 5) for i in range(ITEMS + 1)],
        [(repeats[i] + 50 * rate) / (chances[i] + 50) for i in range(ITEMS + 1)],
    )


def slow_features(bought, shopping, today, item, statistics, habits):
    buyers, recent, again_share, again_rate = statistics
    count, baskets = len(bought), len(shopping)
    baskets_ago = [sum(other > day for other in shopping) for day in bought]
    days_ago = [today - day for day in bought]
    since, since_first = baskets_ago[-1], baskets_ago[0]
    gap = (since_first - since) / (count - 1) if count > 1 else since_first + 1
    gap_days = (bought[-1] - bought[0]) / (count - 1) if count > 1 else days_ago[0] + 1
    size = sum(len(days) for days in habits.values()) / baskets
    shrunk = (count - 1 + 3 * again_rate[item]) / (since_first + 3)
    return {
        "log_count": math.log1p(count),
        "count_per_basket": count / baskets,
        "log_decayed_50": math.log1p(sum(0.5**ago for ago in baskets_ago)),
        "log_decayed_80": math.log1p(sum(0.8**ago for ago in baskets_ago)),
        "log_decayed_90": math.log1p(sum(0.9**ago for ago in baskets_ago)),
        "log_decayed_97": math.log1p(sum(0.97**ago for ago in baskets_ago)),
        "log_baskets_since": math.log1p(since),
        "overdue_baskets": min(since / (gap + 1), 5),
        "log_gap_baskets": math.log1p(gap),
        "count_per_basket_since_first": count / (since_first + 1),
        "log_baskets_since_first": math.log1p(since_first),
        "log_days_since": math.log1p(days_ago[-1]),
        "overdue_days": min(days_ago[-1] / (gap_days + 1), 5),
        "log_decayed_10_days": math.log1p(sum(0.5 ** (ago / 10) for ago in days_ago)),
        "log_decayed_28_days": math.log1p(sum(0.5 ** (ago / 28) for ago in days_ago)),
        "bought_once": float(count == 1),
        "log_shrunk_rate": math.log(shrunk + 0.003),
        "log_item_again_rate": math.log(again_rate[item] + 0.003),
        "item_again_share": again_share[item],
        "log_item_buyers": math.log1p(buyers[item]),
        "item_trend": math.log((recent[item] + 1) / (buyers[item] + 5)),
        "log_person_baskets": math.log1p(baskets),
        "log_person_basket_size": math.log1p(size),
        "log_person_items": math.log1p(len(habits)),
        "basket_size_times_count_per_basket": math.log1p(size) * count / baskets,
    }


@settings(max_examples=40, deadline=None)
@given(towns, st.integers(60, 90))
def test_repeat_features_and_statistics_equal_their_definition(rows, today):
    past = histories(as_purchases(rows))
    found = item_statistics(past, items=ITEMS, recent_after=40)
    slow = slow_statistics(rows, 40)
    for fast, expected in zip(
        (found.buyers, found.recent_buyers, found.again_share, found.again_rate), slow, strict=True
    ):
        assert fast == pytest.approx(expected)
    table = repeat_features(past, np.full(PEOPLE, today), found)
    habits, shopping = as_dicts(rows)
    expected_rows = [
        slow_features(bought, shopping[person], today, item, slow, habits[person])
        for person in range(PEOPLE)
        for item, bought in habits[person].items()
    ]
    assert tuple(expected_rows[0]) == REPEAT_FEATURES
    expected_table = np.array([list(row.values()) for row in expected_rows])
    assert table == pytest.approx(expected_table, rel=1e-4, abs=1e-5)


@settings(max_examples=30, deadline=None)
@given(
    towns, st.lists(st.floats(-1, 1, width=32), min_size=PEOPLE * ITEMS, max_size=PEOPLE * ITEMS)
)
def test_discover_features_equal_their_definition(rows, supports):
    past = histories(as_purchases(rows))
    statistics = item_statistics(past, items=ITEMS, recent_after=40)
    buyers, recent, again_share, again_rate = slow_statistics(rows, 40)
    person, item = np.divmod(np.arange(PEOPLE * ITEMS), ITEMS)
    table = discover_features(past, person, item, np.array(supports, np.float32), statistics)
    assert table.shape[1] == len(DISCOVER_FEATURES)
    habits, shopping = as_dicts(rows)
    for row, who, what, support in zip(table, person, item, supports, strict=True):
        mine, baskets = habits[who], len(shopping[who])
        bought = sum(len(days) for days in mine.values())
        expected = [
            math.log(max(support, 0) + 0.01),
            math.log1p(buyers[what]),
            math.log((recent[what] + 1) / (buyers[what] + 5)),
            math.log(again_rate[what] + 0.003),
            again_share[what],
            math.log1p(baskets),
            math.log1p(bought / max(baskets, 1)),
            math.log1p(len(mine)),
            len(mine) / max(bought, 1),
        ]
        assert row == pytest.approx(expected, rel=1e-4, abs=1e-5)


scored = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(0, 9), st.sampled_from([0.1, 0.2, 0.3, 0.4]), st.booleans()
    ),
    max_size=40,
    unique_by=lambda row: row[:2],
)


def slow_choice(rows, buyers, n, discover):
    chosen = []
    for person in range(3):
        mine = [row for row in rows if row[0] == person]
        mine.sort(key=lambda row: (-row[2], -buyers[row[1]], rows.index(row)))
        if discover is not None:
            news = min(discover, n)
            kept = [row for row in mine if row[3]][:news]
            kept += [row for row in mine if not row[3]][: n - news]
            kept += [row for row in mine if row not in kept][: n - len(kept)]
            mine = [row for row in mine if row in kept]
        chosen += mine[:n]
    return [row[:2] for row in chosen]


@settings(max_examples=80, deadline=None)
@given(scored, st.integers(0, 8), st.none() | st.integers(0, 10))
def test_choosing_equals_sorting_one_person_at_a_time(rows, n, discover):
    person, item, chance, is_new = (
        (list(column) for column in zip(*rows, strict=True)) if rows else ([],) * 4
    )
    ranking = Ranking(
        np.array(person, dtype=np.int64),
        np.array(item, dtype=np.int64),
        np.array(chance, dtype=np.float64),
        np.arange(len(rows)),
        np.array(is_new, dtype=np.bool_),
    )
    buyers = np.array([3.0, 1, 4, 1, 5, 9, 2, 6, 5, 3, 0])
    found = choose(ranking, buyers, n, discover=discover)
    assert list(zip(found.person, found.item, strict=True)) == slow_choice(
        rows, buyers, n, discover
    )


@settings(max_examples=40, deadline=None)
@given(towns, towns, st.integers(1, 6), st.randoms(use_true_random=False))
def test_grades_equal_their_definition(known, truth, k, chance):
    lists = {
        person: chance.sample(range(ITEMS), chance.randint(0, ITEMS)) for person in range(PEOPLE)
    }
    flat = [(person, item) for person, items in lists.items() for item in items]
    person, item = np.array(flat, dtype=np.int64).reshape(-1, 2).T
    ranking = Ranking(
        person, item, np.ones(len(flat)), np.arange(len(flat)), np.zeros(len(flat), bool)
    )
    split = Split(as_purchases(known), as_purchases(truth), np.zeros(PEOPLE, dtype=np.int64))
    found = grade(ranking, split, k=k)
    owned, wanted = as_dicts(known)[0], as_dicts(truth)[0]
    assert found.person.tolist() == [person for person in range(PEOPLE) if wanted[person]]
    for at, person in enumerate(found.person):
        top, want = lists[person][:k], set(wanted[person])
        hits = [place for place, item in enumerate(top) if item in want]
        assert found.recall[at] == pytest.approx(len(hits) / len(want))
        gain = sum(1 / math.log2(place + 2) for place in hits)
        ideal = sum(1 / math.log2(place + 2) for place in range(len(want)))
        assert found.ndcg[at] == pytest.approx(gain / ideal)
        assert found.hit[at] == bool(hits)
        for part, share in (
            (want & set(owned[person]), found.repeat_recall[at]),
            (want - set(owned[person]), found.explore_recall[at]),
        ):
            expected = len(part & set(top)) / len(part) if part else math.nan
            assert share == pytest.approx(expected, nan_ok=True)
