import numpy as np
import pytest

from customering.kernel.errors import Invalid
from customering.relationship.evaluate import (
    calibration_error,
    deciles,
    fit_and_hold_out,
    measure,
    own_rate,
    rank,
)
from customering.relationship.model import PurchaseHistories, Purchases


def test_measures_by_hand():
    found = measure(np.array([1.0, 2.0, 0.0, 4.0]), np.array([1.0, 1.0, 1.0, 5.0]))
    assert found.people == 4
    assert (found.predicted_total, found.actual_total) == (7.0, 8.0)
    assert found.bias == pytest.approx(-0.125)
    assert found.mean_absolute_error == pytest.approx(0.75)
    assert found.root_mean_square_error == pytest.approx(np.sqrt(3 / 4))
    assert found.wmape == pytest.approx(3 / 8)
    assert found.top_tenth_capture == pytest.approx(5 / 8)
    assert found.correlation == pytest.approx(0.8783, abs=1e-4)


def test_where_nothing_was_bought_shares_are_unknown():
    found = measure(np.array([1.0, 2.0]), np.zeros(2))
    assert (found.bias, found.wmape, found.top_tenth_capture) == (None, None, None)
    assert found.correlation is None
    assert found.mean_absolute_error == 1.5


def test_equal_scores_tell_nothing():
    found = rank(np.ones(20), np.arange(20.0))
    assert found.correlation is None
    assert found.top_tenth_capture == pytest.approx(1 / 190)


@pytest.mark.parametrize(("predicted", "actual"), [([], []), ([1.0], [1.0, 2.0])])
def test_predictions_for_nobody_or_others_are_refused(predicted, actual):
    with pytest.raises(Invalid):
        measure(np.array(predicted), np.array(actual))


def test_deciles_go_from_low_to_high_and_hold_everybody():
    predicted = np.arange(25.0)[::-1]
    found = deciles(predicted, predicted * 2)
    assert sum(part.people for part in found) == 25
    means = [part.mean_predicted for part in found]
    assert means == sorted(means)
    assert all(part.mean_actual == pytest.approx(2 * part.mean_predicted) for part in found)


def test_the_error_of_calibration_adds_up_over_deciles():
    assert calibration_error(deciles(np.full(20, 1.5), np.full(20, 1.0))) == pytest.approx(0.5)
    assert calibration_error(deciles(np.ones(20), np.zeros(20))) is None
    # Too much for one half and too little for the other is no less wrong.
    predicted, actual = np.repeat([1.0, 2.0], 10), np.repeat([1.5, 1.5], 10)
    assert calibration_error(deciles(predicted, actual)) == pytest.approx(1 / 3)


def test_own_rate_goes_on_as_before():
    histories = PurchaseHistories(
        person=np.arange(3),
        frequency=np.array([6.0, 0.0, 0.0]),
        recency_days=np.array([50.0, 0.0, 0.0]),
        age_days=np.array([60.0, 30.0, 0.0]),
        mean_order_value_minor=np.full(3, np.nan),
    )
    assert own_rate(histories, 30).tolist() == [3.0, 0.0, 0.0]


@pytest.fixture(scope="module")
def leaving_town() -> Purchases:
    """People who buy at their own rate and leave after some repeat purchase."""
    chance = np.random.default_rng(23)
    person, day = [], []
    for who in range(3000):
        at, rate = float(chance.integers(0, 60)), chance.gamma(1.0, 1 / 8)
        leaving, first = chance.beta(1.0, 3.0), True
        while at < 300:
            person.append(who)
            day.append(int(at))
            if not first and chance.random() < leaving:
                break
            at, first = at + chance.exponential(1 / rate), False
    return Purchases(
        person=np.array(person, dtype=np.int64),
        day=np.array(day, dtype=np.int64),
        amount_minor=chance.gamma(3.0, 500.0, len(day)),
    )


def test_the_model_beats_own_rate_where_people_leave(leaving_town):
    report = fit_and_hold_out(
        leaving_town, until_day=299, held_out_days=90, fitted_at_ms=1, currency="EUR"
    )
    assert report.held_out.people == report.own_rate.people
    assert report.held_out.actual_total == report.own_rate.actual_total > 100
    assert abs(report.held_out.bias) < 0.25
    assert report.own_rate.bias > 1
    assert report.held_out.mean_absolute_error < report.own_rate.mean_absolute_error
    assert report.recency.top_tenth_capture < report.held_out.top_tenth_capture
    assert len(report.deciles) == 10
    assert report.held_out == report.rivals[0].held_out
    assert len(report.rivals) == 5
    assert report.rivals[0].log_likelihood == max(one.log_likelihood for one in report.rivals)
    assert report.calibration_error == calibration_error(report.deciles)
    assert report.model.contenders[0].name in report.choice


def test_the_final_model_knows_all_days_and_is_scaled_by_the_check(leaving_town):
    report = fit_and_hold_out(leaving_town, until_day=299, held_out_days=90, fitted_at_ms=1)
    model, checked = report.model, report.held_out
    assert (model.observed_until_day, model.held_out_days) == (299, 90)
    assert model.held_out == checked
    assert model.people == 3000
    assert model.scale == pytest.approx(checked.actual_total / checked.predicted_total)


def test_one_window_may_not_more_than_halve_the_model(leaving_town):
    stopped = leaving_town.day < 210
    closed = Purchases(
        person=leaving_town.person[stopped],
        day=leaving_town.day[stopped],
        amount_minor=leaving_town.amount_minor[stopped],
    )
    report = fit_and_hold_out(closed, until_day=299, held_out_days=90, fitted_at_ms=1)
    assert report.held_out.actual_total == 0
    assert report.model.scale == 0.5


def test_nothing_held_out_is_refused(leaving_town):
    with pytest.raises(Invalid, match="held out"):
        fit_and_hold_out(leaving_town, until_day=299, held_out_days=0, fitted_at_ms=1)
