import numpy as np
import pytest
from scipy.optimize import minimize

from customering.kernel.errors import InvalidDefinition
from customering.taste.logistic import fit_additive


def sample(seed, rows=4_000):
    chance = np.random.default_rng(seed)
    features = chance.normal(size=(rows, 3)).astype(np.float32) * [1, 5, 0.1] + [0, 2, 3]
    odds = -2 + features @ [0.8, -0.2, 4.0] - 12
    return features.astype(np.float32), chance.random(rows) < 1 / (1 + np.exp(-odds))


def test_newton_finds_the_minimum_that_l_bfgs_finds():
    rows, happened = sample(1)
    fitted = fit_additive(rows, happened, ridge=2.0)
    standard = (rows - fitted.mean) / fitted.scale

    def loss(weights):
        odds = standard @ weights[:-1] + weights[-1]
        return np.logaddexp(0, odds).sum() - odds[happened].sum() + (weights[:-1] ** 2).sum()

    best = minimize(loss, np.zeros(4), method="L-BFGS-B", options={"ftol": 1e-14, "gtol": 1e-8})
    found = np.append(fitted.weights.ravel(), fitted.intercept)
    assert found == pytest.approx(best.x, abs=2e-3)


def test_probabilities_are_calibrated_on_the_training_rows():
    rows, happened = sample(2)
    assert fit_additive(rows, happened).probability(rows).mean() == pytest.approx(
        happened.mean(), rel=1e-3
    )


def test_parts_and_intercept_sum_to_the_log_odds():
    rows, happened = sample(3)
    fitted = fit_additive(rows, happened, knots=3)
    whole = fitted.parts(rows[:50]).sum(axis=1) + fitted.intercept
    assert whole == pytest.approx(fitted.log_odds(rows[:50]), abs=1e-4)


def test_knots_follow_a_bend_that_a_line_cannot():
    chance = np.random.default_rng(4)
    rows = chance.uniform(-3, 3, size=(6_000, 1)).astype(np.float32)
    happened = chance.random(6_000) < 1 / (1 + np.exp(3 - 2 * np.abs(rows[:, 0])))
    line, bent = fit_additive(rows, happened), fit_additive(rows, happened, knots=3)
    ends, middle = np.float32([[-3.0], [3.0]]), np.float32([[0.0]])
    assert bent.probability(ends).min() > 0.8 > 0.2 > bent.probability(middle)[0]
    assert line.probability(ends).min() < 0.6


def test_rare_labels_and_wild_scales_converge():
    chance = np.random.default_rng(5)
    rows = (chance.normal(size=(20_000, 2)) * [1e-3, 1e4]).astype(np.float32)
    happened = chance.random(20_000) < 0.003 * np.exp(rows[:, 0] * 1e3)
    fitted = fit_additive(rows, happened)
    assert fitted.weights[0, 0] == pytest.approx(1.0, abs=0.35)
    assert abs(fitted.weights[1, 0]) < 0.35


def test_a_feature_that_never_varies_does_no_harm():
    rows, happened = sample(6)
    rows[:, 1] = 7
    fitted = fit_additive(rows, happened, knots=2)
    assert np.isfinite(fitted.log_odds(rows)).all()


@pytest.mark.parametrize("label", [True, False])
def test_labels_all_alike_give_everybody_the_one_rate(label: bool) -> None:
    rows = np.random.default_rng(1).normal(size=(9, 3)).astype(np.float32)
    model = fit_additive(rows, np.full(9, label), knots=2)
    expected = 9.5 / 10 if label else 0.5 / 10
    assert model.probability(rows) == pytest.approx(np.full(9, expected))
    assert model.parts(rows) == pytest.approx(np.zeros((9, 3)))


def test_no_row_is_refused_with_a_hint() -> None:
    with pytest.raises(InvalidDefinition) as caught:
        fit_additive(np.zeros((0, 3), np.float32), np.zeros(0, np.bool_))
    assert "come back" in caught.value.hint
