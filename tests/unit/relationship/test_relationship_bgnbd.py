import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.kernel.errors import Invalid
from customering.relationship import bgnbd
from customering.relationship.parameters import BgNbd
from customering.relationship.simulate import simulate_people
from customering.relationship.triples import group

PUBLISHED = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)

positive = st.floats(0.01, 50)
parameters = st.builds(BgNbd, r=positive, alpha=st.floats(0.1, 500), a=positive, b=positive)


@st.composite
def people(draw: st.DrawFn) -> tuple[int, float, float]:
    frequency = draw(st.integers(0, 300))
    recency = float(draw(st.integers(frequency, 1000))) if frequency else 0.0
    age = recency + draw(st.integers(0, 1000))
    return frequency, recency, age


def test_cdnow_gives_the_published_parameters_and_likelihood(cdnow):
    triples = group(cdnow["x"], cdnow["t_x"], cdnow["T"])
    assert triples.people == 2357
    assert triples.count.size < 1100
    found = bgnbd.fit(triples)
    assert found.converged
    assert round(found.parameters.r, 3) == 0.243
    assert round(found.parameters.alpha, 3) == 4.414
    assert round(found.parameters.a, 3) == 0.793
    assert round(found.parameters.b, 3) == 2.426
    assert round(found.log_likelihood, 1) == -9582.4
    assert bgnbd.log_likelihood(PUBLISHED, triples) == pytest.approx(-9582.43, abs=0.01)


def test_the_published_example_expects_one_point_two_purchases_in_39_weeks():
    alive = bgnbd.person_alive(PUBLISHED, 2, 30.43, 38.86)
    expected = bgnbd.person_expected(PUBLISHED, alive, 2, 38.86, 39.0)
    assert expected == pytest.approx(1.226, abs=0.0005)


def test_a_fit_finds_the_parameters_of_simulated_people_again():
    true = BgNbd(r=0.8, alpha=20.0, a=0.9, b=3.0)
    chance = np.random.default_rng(7)
    age = chance.uniform(200, 400, 60_000)
    found = bgnbd.fit(group(*simulate_people(true, age, chance)[:3])).parameters
    assert found.r == pytest.approx(true.r, rel=0.04)
    assert found.alpha == pytest.approx(true.alpha, rel=0.05)
    assert found.a == pytest.approx(true.a, rel=0.08)
    assert found.b == pytest.approx(true.b, rel=0.08)


def test_equal_people_are_grouped_whatever_their_order_and_unit():
    x = np.array([2.0, 0.0, 2.0, 0.0, 1.0])
    t_x = np.array([30.0, 0.0, 30.0, 5.0, 4.0])
    age = np.array([40.0, 7.0, 40.0, 7.0, 7.0])
    for unit in (1.0, 0.25):
        triples = group(x, t_x * unit, age * unit)
        assert triples.frequency.tolist() == [0, 1, 2]
        assert triples.recency.tolist() == [0, 4 * unit, 30 * unit]
        assert triples.age.tolist() == [7 * unit, 7 * unit, 40 * unit]
        assert triples.count.tolist() == [2, 1, 2]


def test_where_nobody_leaves_the_fit_ends_with_everybody_alive():
    chance = np.random.default_rng(3)
    staying = BgNbd(r=2.0, alpha=10.0, a=1e-6, b=1e4)
    x, t_x, age, _ = simulate_people(staying, np.full(3000, 300.0), chance)
    found = bgnbd.fit(group(x, t_x, age)).parameters
    alive = bgnbd.probability_alive(found, x, t_x, age)
    assert np.isfinite([found.r, found.alpha, found.a, found.b]).all()
    assert alive.mean() > 0.99


@pytest.mark.parametrize(
    ("frequency", "recency", "age"),
    [
        ([], [], []),
        ([1], [2], [1]),
        ([-1], [0], [1]),
        ([0.5], [0], [1]),
        ([1], [1], [np.inf]),
        ([1], [np.nan], [1]),
        ([1, 2], [1], [3]),
    ],
)
def test_impossible_histories_are_refused_with_a_hint(frequency, recency, age):
    with pytest.raises(Invalid) as error:
        group(frequency, recency, age)
    assert error.value.hint


def test_one_time_buyers_alone_cannot_be_fitted():
    with pytest.raises(Invalid, match="second day"):
        bgnbd.fit(group([0, 0], [0, 0], [10, 20]))


@settings(max_examples=150, deadline=None)
@given(parameters, people(), st.floats(0, 500))
def test_the_probability_of_being_alive_falls_with_silence(fitted, person, more):
    frequency, recency, age = person
    now = bgnbd.person_alive(fitted, frequency, recency, age)
    later = bgnbd.person_alive(fitted, frequency, recency, age + more)
    assert 0 <= later <= now <= 1


@settings(max_examples=150, deadline=None)
@given(parameters, people(), st.floats(0, 400), st.floats(0, 400))
def test_more_time_brings_more_purchases(fitted, person, ahead, more):
    frequency, recency, age = person
    alive = bgnbd.person_alive(fitted, frequency, recency, age)
    short = bgnbd.person_expected(fitted, alive, frequency, age, ahead)
    long = bgnbd.person_expected(fitted, alive, frequency, age, ahead + more)
    assert 0 <= short <= long * (1 + 1e-6) + 1e-6


@settings(max_examples=100, deadline=None)
@given(parameters, st.lists(people(), min_size=1, max_size=20))
def test_many_people_at_once_equal_one_by_one(fitted, crowd):
    x, t_x, age = (np.array(column, dtype=np.float64) for column in zip(*crowd, strict=True))
    alive = bgnbd.probability_alive(fitted, x, t_x, age)
    expected = bgnbd.expected_purchases(fitted, alive, x, age, 90.0)
    for place, (frequency, recency, end) in enumerate(crowd):
        one = bgnbd.person_alive(fitted, frequency, recency, end)
        assert alive[place] == pytest.approx(one, rel=1e-9, abs=1e-300)
        ahead = bgnbd.person_expected(fitted, one, frequency, end, 90.0)
        assert expected[place] == pytest.approx(ahead, rel=1e-9, abs=1e-12)


def test_frequent_buyers_do_not_overflow():
    fitted = BgNbd(r=1.4, alpha=9.7, a=0.16, b=220.0)
    assert bgnbd.person_alive(fitted, 2000, 2100.0, 9000.0) == 0.0
    expected = bgnbd.person_expected(fitted, 1.0, 2000, 2100.0, 90.0)
    assert expected == pytest.approx(2001.4 / 2109.7 * 90, rel=0.05)


@pytest.mark.parametrize("a", [1 - 1e-9, 1.0, 1 + 1e-9])
def test_expectation_passes_smoothly_over_a_equal_to_one(a):
    around = [
        bgnbd.person_expected(BgNbd(r=0.5, alpha=8, a=value, b=2), 0.9, 3, 60, 90)
        for value in (0.999, a, 1.001)
    ]
    assert around[0] > around[1] > around[2]
    assert around[1] == pytest.approx((around[0] + around[2]) / 2, rel=1e-4)
