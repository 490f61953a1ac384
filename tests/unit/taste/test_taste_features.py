import numpy as np
import pytest

from customering.taste.features import (
    DISCOVER_FEATURES,
    REPEAT_FEATURES,
    discover_features,
    repeat_features,
)
from customering.taste.history import gather, histories, history_of
from customering.taste.items import item_statistics


@pytest.fixture(scope="module")
def ada():
    """Coffee on days 10, 20 and 40; tea once, on day 20; asked on day 55, after a basket on 50."""
    past = history_of({"coffee": [10, 20, 40], "tea": [20]}, [10, 20, 40, 50], {"coffee": 0})
    statistics = item_statistics(
        histories(gather(np.array([0, 0]), np.array([0, 0]), np.array([1, 2]))),
        items=1,
        recent_after=0,
    )
    table = repeat_features(past, np.array([55]), statistics)
    return [dict(zip(REPEAT_FEATURES, row, strict=True)) for row in table.tolist()]


def test_features_of_a_product_bought_three_times(ada):
    coffee = ada[0]
    assert coffee["log_count"] == pytest.approx(np.log(4))
    assert coffee["count_per_basket"] == pytest.approx(3 / 4)
    assert coffee["log_decayed_90"] == pytest.approx(np.log1p(0.9**3 + 0.9**2 + 0.9))
    assert coffee["log_baskets_since"] == pytest.approx(np.log(2))
    assert coffee["log_gap_baskets"] == pytest.approx(np.log(2))
    assert coffee["overdue_baskets"] == pytest.approx(1 / 2)
    assert coffee["log_days_since"] == pytest.approx(np.log(16))
    assert coffee["overdue_days"] == pytest.approx(15 / 16)
    assert coffee["bought_once"] == 0
    assert coffee["log_person_baskets"] == pytest.approx(np.log(5))
    assert coffee["log_person_basket_size"] == pytest.approx(np.log1p(4 / 4))


def test_a_product_bought_once_has_waited_its_whole_life(ada):
    tea = ada[1]
    assert tea["bought_once"] == 1
    assert tea["log_gap_baskets"] == pytest.approx(np.log(4))  # two baskets since, and one
    assert tea["overdue_days"] == pytest.approx(35 / 37)


def test_days_after_today_count_as_today():
    past = history_of({"coffee": [60]}, [60], {"coffee": 0})
    statistics = item_statistics(histories(gather(*np.zeros((3, 1), int))), items=1, recent_after=0)
    row = repeat_features(past, np.array([55]), statistics)[0]
    assert row[REPEAT_FEATURES.index("log_days_since")] == 0
    assert np.isfinite(row).all()


def test_habits_older_than_the_shopping_days_kept_give_finite_features(taste_model):
    past = history_of({"sku-01": [1, 2, 90]}, [90], taste_model.index)
    assert np.isfinite(repeat_features(past, np.array([91]), taste_model.statistics)).all()


def test_new_people_have_finite_discovery_features(taste_model):
    past = history_of({}, [], taste_model.index)
    row = discover_features(
        past, np.array([0]), np.array([3]), np.array([-0.2], np.float32), taste_model.statistics
    )
    assert row.shape == (1, len(DISCOVER_FEATURES))
    assert row[0, 0] == pytest.approx(np.log(0.01))
    assert np.isfinite(row).all()
