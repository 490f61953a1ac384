import numpy as np
import pytest

from customering.kernel.errors import Invalid
from customering.relationship.histories import purchases_on, summarise
from customering.relationship.model import Purchases

ADA, BO, CHIDI = 1, 2, 3


def bought(*rows: tuple[int, int, float]) -> Purchases:
    person, day, amount = zip(*rows, strict=True) if rows else ((), (), ())
    return Purchases(
        person=np.array(person, dtype=np.int64),
        day=np.array(day, dtype=np.int64),
        amount_minor=np.array(amount, dtype=np.float64),
    )


def test_orders_of_a_day_collapse_and_age_runs_to_the_end_of_observation():
    histories = summarise(
        bought((ADA, 10, 100), (BO, 12, 50), (ADA, 10, 300), (ADA, 25, 200)), until_day=40
    )
    assert histories.person.tolist() == [ADA, BO]
    assert histories.frequency.tolist() == [1, 0]
    assert histories.recency_days.tolist() == [15, 0]
    assert histories.age_days.tolist() == [30, 28]
    assert histories.mean_order_value_minor.tolist() == [300, 50]


def test_what_comes_after_the_end_is_not_seen():
    histories = summarise(bought((ADA, 10, 1), (ADA, 41, 1), (BO, 41, 1)), until_day=40)
    assert histories.person.tolist() == [ADA]
    assert histories.frequency.tolist() == [0]


def test_an_unknown_or_negative_total_is_an_unknown_mean():
    histories = summarise(
        bought((ADA, 1, np.nan), (ADA, 2, 5), (BO, 1, 10), (BO, 2, -10)), until_day=3
    )
    assert np.isnan(histories.mean_order_value_minor).all()


def test_nobody_has_no_history():
    histories = summarise(bought(), until_day=3)
    assert histories.person.size == 0
    assert histories.mean_order_value_minor.size == 0


def test_purchase_days_of_a_window_are_counted_for_the_people_asked_for():
    purchases = bought(
        (ADA, 10, 1), (ADA, 11, 1), (ADA, 11, 1), (ADA, 14, 1), (CHIDI, 12, 1), (BO, 15, 1)
    )
    people = np.array([ADA, BO], dtype=np.int64)
    assert purchases_on(purchases, people, after_day=10, until_day=14).tolist() == [2, 0]
    assert purchases_on(purchases, people[:0], after_day=10, until_day=14).tolist() == []


def test_columns_of_different_lengths_are_refused():
    purchases = bought((ADA, 1, 1), (BO, 1, 1))
    broken = Purchases(
        person=purchases.person[:1], day=purchases.day, amount_minor=purchases.amount_minor
    )
    with pytest.raises(Invalid) as error:
        summarise(broken, until_day=3)
    assert error.value.hint
