"""Fast against slow: printed formulas one person at a time, quadrature, differences, dicts."""

import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial.legendre import leggauss
from scipy.special import betaincinv

from customering.relationship import bgnbd, spend
from customering.relationship.histories import purchases_on, summarise
from customering.relationship.model import BgNbd, GammaGamma, Purchases

positive = st.floats(0.05, 20)
parameters = st.builds(BgNbd, r=positive, alpha=st.floats(0.5, 300), a=positive, b=positive)


@st.composite
def people(draw: st.DrawFn) -> tuple[int, float, float]:
    frequency = draw(st.integers(0, 60))
    whole = draw(st.booleans())
    number = st.integers(1, 400).map(float) if whole else st.floats(0.01, 400)
    recency = draw(number) if frequency else 0.0
    return frequency, recency, recency + draw(number)


def log_beta(first: float, second: float) -> float:
    return math.lgamma(first) + math.lgamma(second) - math.lgamma(first + second)


def slow_log_likelihood(fitted: BgNbd, x: int, t_x: float, age: float) -> float:
    """Equation (6) as printed: two terms, added as plain numbers after a common shift."""
    r, alpha, a, b = fitted.r, fitted.alpha, fitted.a, fitted.b
    common = math.lgamma(r + x) - math.lgamma(r) + r * math.log(alpha) - log_beta(a, b)
    alive = log_beta(a, b + x) - (r + x) * math.log(alpha + age)
    if x == 0:
        return common + alive
    gone = log_beta(a + 1, b + x - 1) - (r + x) * math.log(alpha + t_x)
    high = max(alive, gone)
    return common + high + math.log(math.exp(alive - high) + math.exp(gone - high))


@settings(max_examples=100, deadline=None)
@given(parameters, st.lists(people(), min_size=1, max_size=30), st.integers(1, 3))
def test_grouped_likelihood_equals_a_loop_over_people(fitted, crowd, copies):
    crowd = crowd * copies
    columns = [np.array(column) for column in zip(*crowd, strict=True)]
    fast = bgnbd.log_likelihood(fitted, bgnbd.group(*columns))
    slow = math.fsum(slow_log_likelihood(fitted, *person) for person in crowd)
    assert fast == pytest.approx(slow, rel=1e-9, abs=1e-9)


def slope(function, at: float) -> float:
    """Central difference with one step of Richardson's extrapolation."""
    step = 1e-3 * at
    wide = (function(at + step) - function(at - step)) / (2 * step)
    narrow = (function(at + step / 2) - function(at - step / 2)) / step
    return (4 * narrow - wide) / 3


@settings(max_examples=60, deadline=None)
@given(parameters, st.lists(people(), min_size=1, max_size=20))
def test_gradient_of_buying_equals_finite_differences(fitted, crowd):
    triples = bgnbd.group(*(np.array(column) for column in zip(*crowd, strict=True)))
    values = {name: getattr(fitted, name) for name in ("r", "alpha", "a", "b")}
    size = abs(bgnbd.log_likelihood(fitted, triples))
    exact = bgnbd.gradient(fitted, triples)
    for place, (name, value) in enumerate(values.items()):

        def shifted(at: float, name: str = name) -> float:
            return bgnbd.log_likelihood(BgNbd(**{**values, name: at}), triples)

        expected = slope(shifted, value)
        assert exact[place] * value == pytest.approx(
            expected * value, rel=1e-5, abs=1e-7 * (1 + size)
        )


@settings(max_examples=60, deadline=None)
@given(
    st.builds(GammaGamma, p=st.floats(0.2, 10), q=st.floats(1.1, 10), v=st.floats(0.5, 1000)),
    st.lists(st.tuples(st.integers(1, 50), st.floats(0.5, 5000)), min_size=2, max_size=20),
)
def test_gamma_gamma_equals_a_loop_and_its_gradient_finite_differences(fitted, crowd):
    people = spend.gather(*zip(*crowd, strict=True))
    p, q, v = fitted.p, fitted.q, fitted.v
    slow = math.fsum(
        math.lgamma(p * x + q)
        - math.lgamma(p * x)
        - math.lgamma(q)
        + q * math.log(v)
        + (p * x - 1) * math.log(z)
        + p * x * math.log(x)
        - (p * x + q) * math.log(v + x * z)
        for x, z in crowd
    )
    assert spend.log_likelihood(fitted, people) == pytest.approx(slow, rel=1e-9, abs=1e-8)
    values = {"p": p, "q": q, "v": v}
    exact = spend.gradient(fitted, people)
    for place, (name, value) in enumerate(values.items()):

        def shifted(at: float, name: str = name) -> float:
            return spend.log_likelihood(GammaGamma(**{**values, name: at}), people)

        expected = slope(shifted, value)
        assert exact[place] * value == pytest.approx(
            expected * value, rel=1e-5, abs=1e-7 * (1 + abs(slow))
        )


NODES, WEIGHTS = (part / 2 for part in leggauss(2000))


def slow_expected(fitted: BgNbd, x: int, age: float, ahead: float) -> float:
    """Purchases expected of a person who is alive, by quadrature instead of equation (10).

    Given the chance p of leaving and the rate, (1 - exp(-rate p t)) / p purchases are expected; the
    rate integrates out in closed form, and p is beta distributed with parameters (a, b + x).
    """
    leave = betaincinv(fitted.a, fitted.b + x, NODES + 0.5)
    shape, rate = fitted.r + x, fitted.alpha + age
    tiny = leave < 1e-290
    safe = np.where(tiny, 1.0, leave)
    inner = np.where(
        tiny, shape * ahead / rate, -np.expm1(-shape * np.log1p(safe * ahead / rate)) / safe
    )
    return float((inner * WEIGHTS).sum())


@settings(max_examples=80, deadline=None)
@given(
    st.one_of(
        parameters,
        st.builds(
            BgNbd,
            r=positive,
            alpha=st.floats(0.5, 300),
            a=st.floats(1, 1000),
            b=st.floats(0.05, 1e5),
        ),
    ),
    people(),
    st.sampled_from([1.0, 30.0, 90.0, 365.0]),
)
def test_expected_purchases_equal_quadrature(fitted, person, ahead):
    frequency, _, age = person
    fast = bgnbd.person_expected(fitted, 1.0, frequency, age, ahead)
    assert fast == pytest.approx(slow_expected(fitted, frequency, age, ahead), rel=2e-5, abs=1e-6)


rows = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 30), st.integers(-5, 100).map(float)), max_size=40
)


@settings(max_examples=150, deadline=None)
@given(rows, st.integers(0, 30), st.integers(0, 30))
def test_histories_equal_a_dict_of_days(bought, first_day, second_day):
    known_day, until_day = sorted((first_day, second_day))
    columns = list(zip(*bought, strict=True)) if bought else [(), (), ()]
    purchases = Purchases(
        person=np.array(columns[0], dtype=np.int64),
        day=np.array(columns[1], dtype=np.int64),
        amount_minor=np.array(columns[2], dtype=np.float64),
    )
    days: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    later: dict[int, set[int]] = defaultdict(set)
    for person, day, amount in bought:
        if day <= known_day:
            days[person][day] += amount
        elif day <= until_day:
            later[person].add(day)
    fast = summarise(purchases, known_day)
    assert fast.person.tolist() == sorted(days)
    for place, person in enumerate(sorted(days)):
        own = days[person]
        assert fast.frequency[place] == len(own) - 1
        assert fast.recency_days[place] == max(own) - min(own)
        assert fast.age_days[place] == known_day - min(own)
        mean = sum(own.values()) / len(own)
        assert fast.mean_order_value_minor[place] == pytest.approx(
            mean if sum(own.values()) > 0 else math.nan, nan_ok=True
        )
    counts = purchases_on(purchases, fast.person, known_day, until_day)
    assert counts.tolist() == [len(later[person]) for person in sorted(days)]
