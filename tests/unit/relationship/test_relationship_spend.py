import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.kernel.errors import Invalid
from customering.relationship import spend
from customering.relationship.parameters import GammaGamma


def test_cdnow_repeaters_give_the_published_parameters(cdnow):
    again = cdnow["zbar"] > 0
    assert int(again.sum()) == 946
    found = spend.fit(spend.gather(cdnow["x"][again], cdnow["zbar"][again]))
    assert found.converged
    assert round(found.parameters.p, 2) == 6.25
    assert round(found.parameters.q, 2) == 3.74
    assert found.parameters.v == pytest.approx(15.44, abs=0.02)


def test_a_fit_finds_the_parameters_of_simulated_people_again():
    chance = np.random.default_rng(5)
    true = GammaGamma(p=3.0, q=4.0, v=6000.0)
    orders = chance.integers(1, 12, 40_000).astype(np.float64)
    inverse = chance.gamma(true.q, 1 / true.v, orders.size)
    means = chance.gamma(true.p * orders) / (inverse * orders)
    found = spend.fit(spend.gather(orders, means)).parameters
    assert found.p == pytest.approx(true.p, rel=0.03)
    assert found.q == pytest.approx(true.q, rel=0.05)
    assert found.v == pytest.approx(true.v, rel=0.07)


def test_the_unit_of_money_only_scales_v(cdnow):
    again = cdnow["zbar"] > 0
    dollars = spend.fit(spend.gather(cdnow["x"][again], cdnow["zbar"][again])).parameters
    cents = spend.fit(spend.gather(cdnow["x"][again], cdnow["zbar"][again] * 100)).parameters
    assert cents.v == pytest.approx(100 * dollars.v, rel=1e-3)
    assert (cents.p, cents.q) == pytest.approx((dollars.p, dollars.q), rel=1e-3)


@settings(max_examples=100, deadline=None)
@given(
    st.builds(GammaGamma, p=st.floats(0.1, 20), q=st.floats(1.1, 20), v=st.floats(1, 1e5)),
    st.integers(1, 200),
    st.floats(1, 1e6),
)
def test_the_expected_value_lies_between_own_and_common_mean(fitted, orders, mean):
    common = fitted.v * fitted.p / (fitted.q - 1)
    few = float(spend.expected_order_value(fitted, np.array([orders]), np.array([mean]))[0])
    many = float(spend.expected_order_value(fitted, np.array([orders * 9]), np.array([mean]))[0])
    low, high = sorted((mean, common))
    assert low * (1 - 1e-9) <= few <= high * (1 + 1e-9)
    assert abs(many - mean) <= abs(few - mean) + 1e-9 * mean


@pytest.mark.parametrize(
    ("orders", "means"),
    [([1], [5]), ([1, 2], [5]), ([0, 2], [5, 5]), ([1, 2], [0, 5]), ([1, 2], [np.nan, 5])],
)
def test_impossible_order_values_are_refused_with_a_hint(orders, means):
    with pytest.raises(Invalid) as error:
        spend.gather(orders, means)
    assert error.value.hint
