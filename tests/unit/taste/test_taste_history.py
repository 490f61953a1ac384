import numpy as np

from customering.taste.history import DAYS_KEPT, gather, histories, history_of


def test_gather_sorts_and_counts_a_day_once():
    purchases = gather(np.array([1, 0, 1, 1]), np.array([2, 0, 2, 2]), np.array([5, 3, 5, 4]))
    assert purchases.person.tolist() == [0, 1, 1]
    assert purchases.item.tolist() == [0, 2, 2]
    assert purchases.day.tolist() == [3, 4, 5]
    assert (purchases.people, purchases.items) == (2, 3)


def test_gathering_nothing_gives_nobody():
    nothing = np.zeros(0, dtype=np.int64)
    assert gather(nothing, nothing, nothing).people == 0


def test_histories_have_a_run_of_days_for_each_pair():
    purchases = gather(
        np.array([0, 0, 0, 2]), np.array([1, 1, 0, 1]), np.array([4, 9, 4, 6]), people=4
    )
    past = histories(purchases)
    assert past.pair_person.tolist() == [0, 0, 2]
    assert past.pair_item.tolist() == [0, 1, 1]
    assert past.pair_day.tolist() == [4, 4, 9, 6]
    assert past.counts.tolist() == [1, 2, 1]
    assert past.baskets.tolist() == [2, 0, 1, 0]
    assert past.basket_day.tolist() == [4, 9, 6]


def test_only_the_last_days_of_a_pair_are_kept():
    days = np.arange(DAYS_KEPT + 6)
    past = histories(gather(days * 0, days * 0, days))
    assert past.pair_day.tolist() == list(range(6, DAYS_KEPT + 6))
    assert past.baskets.tolist() == [DAYS_KEPT + 6]


def test_one_persons_traits_make_the_same_history(taste_town):
    past = histories(taste_town)
    mine = past.of_people(np.array([17]))
    habits = {
        f"p{item}": mine.pair_day[begin:end].tolist()
        for item, begin, end in zip(
            mine.pair_item, mine.pair_start[:-1], mine.pair_start[1:], strict=True
        )
    }
    built = history_of(habits, mine.basket_day.tolist(), {f"p{item}": item for item in range(80)})
    for name in ("pair_person", "pair_item", "pair_start", "pair_day", "basket_day"):
        assert getattr(built, name).tolist() == getattr(mine, name).tolist(), name


def test_a_product_without_days_is_left_out_and_an_unknown_one_has_no_number():
    past = history_of({"a": [3], "b": [], "new": [2, 3]}, [2, 3], {"a": 0, "b": 1})
    assert past.pair_item.tolist() == [0, -1]
    assert past.pair_day.tolist() == [3, 2, 3]


def test_baskets_before_counts_only_own_and_earlier_ones():
    past = histories(gather(np.array([0, 0, 1]), np.array([0, 0, 0]), np.array([2, 5, 1])))
    person, day = np.array([0, 0, 0, 1, 1]), np.array([2, 3, 9, 0, 2])
    assert past.baskets_before(person, day).tolist() == [0, 1, 2, 0, 1]
