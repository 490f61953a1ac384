import numpy as np
import pytest
from scipy.special import hyp2f1

from customering.relationship import paretonbd
from customering.relationship.parameters import ParetoNbd
from customering.relationship.simulate import simulate_people
from customering.relationship.triples import group

PUBLISHED = ParetoNbd(r=0.5533, alpha=10.578, s=0.6061, beta=11.6687)


def test_cdnow_gives_the_published_parameters_and_likelihood(cdnow):
    found = paretonbd.fit(group(cdnow["x"], cdnow["t_x"], cdnow["T"]))
    fitted = found.parameters
    assert (round(fitted.r, 4), round(fitted.alpha, 3)) == (0.5533, 10.578)
    assert (round(fitted.s, 4), round(fitted.beta, 2)) == (0.6062, 11.67)
    assert found.log_likelihood == pytest.approx(-9594.98, abs=0.01)


def printed_alive(fitted: ParetoNbd, x: int, t_x: float, age: float) -> float:
    """Equation (26) with the hypergeometric functions of the note, for alpha < beta."""
    r, alpha, s, beta = fitted.r, fitted.alpha, fitted.s, fitted.beta
    power = r + s + x

    def part(at: float) -> float:
        z = (beta - alpha) / (beta + at)
        return float(hyp2f1(power, r + x, power + 1, z)) / (beta + at) ** power

    left = part(t_x) - part(age)
    return 1 / (1 + s / power * (alpha + age) ** (r + x) * (beta + age) ** s * left)


@pytest.mark.parametrize(
    ("x", "t_x", "age"),
    [(0, 0.0, 38.86), (2, 30.43, 38.86), (26, 30.86, 31.0), (7, 3.0, 39.0), (0, 0.0, 1.0)],
)
def test_the_probability_of_being_alive_is_that_of_the_printed_functions(x, t_x, age):
    expected = printed_alive(PUBLISHED, x, t_x, age)
    assert paretonbd.person_alive(PUBLISHED, x, t_x, age) == pytest.approx(expected, rel=1e-6)


def test_a_fit_finds_the_parameters_of_simulated_people_again():
    true = ParetoNbd(r=0.8, alpha=10.0, s=0.7, beta=60.0)
    chance = np.random.default_rng(7)
    people = simulate_people(true, np.floor(chance.uniform(200, 400, 30_000)), chance)
    found = paretonbd.fit(group(*people[:3])).parameters
    for name in ("r", "alpha", "s", "beta"):
        assert getattr(found, name) == pytest.approx(getattr(true, name), rel=0.08)


def test_what_is_expected_is_what_simulated_people_then_buy():
    true = ParetoNbd(r=1.2, alpha=8.0, s=1.0, beta=80.0)
    before = simulate_people(true, np.full(60_000, 100.0), np.random.default_rng(3))
    after = simulate_people(true, np.full(60_000, 160.0), np.random.default_rng(4))
    alive = paretonbd.probability_alive(true, before.frequency, before.recency, before.age)
    expected = paretonbd.expected_purchases(true, alive, before.frequency, before.age, 60.0)
    came = after.frequency.mean() - before.frequency.mean()
    assert expected.mean() == pytest.approx(came, rel=0.04)


def test_expectation_passes_smoothly_over_s_equal_to_one():
    around = [
        paretonbd.person_expected(ParetoNbd(r=0.5, alpha=8, s=s, beta=20), 0.9, 3, 60.0, 90.0)
        for s in (0.999, 1.0, 1.001)
    ]
    assert around[0] > around[1] > around[2]
    assert around[1] == pytest.approx((around[0] + around[2]) / 2, rel=1e-5)


def test_who_bought_today_is_still_a_customer():
    assert paretonbd.person_alive(PUBLISHED, 3, 20.0, 20.0) == 1.0
