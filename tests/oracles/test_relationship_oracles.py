"""Fast against slow: printed formulas one person at a time, quadrature, differences, dicts."""

import math
from collections import defaultdict

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.polynomial.legendre import leggauss
from scipy.special import betaincinv
from scipy.stats import nbinom

from customering.relationship import bgnbd, mbgcnbd, paretonbd, spend
from customering.relationship.histories import purchases_on, summarise
from customering.relationship.model import Purchases
from customering.relationship.parameters import BgNbd, GammaGamma, MbgCnbd, ParetoNbd
from customering.relationship.triples import distinct_rows, group

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
    fast = bgnbd.log_likelihood(fitted, group(*columns))
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
    triples = group(*(np.array(column) for column in zip(*crowd, strict=True)))
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
@example(BgNbd(r=1.0, alpha=1.0, a=2.0, b=171.0), (0, 0.0, 1.0), 90.0)
@example(BgNbd(r=1.0, alpha=0.5, a=1.0, b=468.0), (0, 0.0, 0.125), 365.0)
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
    assert fast == pytest.approx(slow_expected(fitted, frequency, age, ahead), rel=1e-4, abs=1e-6)


regular = st.builds(
    MbgCnbd,
    k=st.integers(1, 4),
    r=positive,
    alpha=st.floats(0.5, 300),
    a=positive,
    b=positive,
)
leaving_any_time = st.builds(
    ParetoNbd,
    r=positive,
    alpha=st.floats(5, 300),
    s=st.floats(0.05, 8),
    beta=st.floats(5, 300),
)


def slow_regular(fitted: MbgCnbd, x: int, t_x: float, age: float) -> float:
    """The likelihood of one person: alive after each number of steps, or gone, in plain terms."""
    k, r, alpha, a, b = fitted.k, fitted.r, fitted.alpha, fitted.a, fitted.b
    terms = [
        log_beta(a + 1, b + x)
        - log_beta(a, b)
        + math.lgamma(r + k * x)
        - (r + k * x) * math.log(alpha + t_x)
    ]
    for j in range(k if age > t_x else 1):
        steps = r + k * x + j
        terms.append(
            log_beta(a, b + x + 1)
            - log_beta(a, b)
            + (j * math.log(age - t_x) if j else 0.0)
            - math.lgamma(j + 1)
            + math.lgamma(steps)
            - steps * math.log(alpha + age)
        )
    high = max(terms)
    total = high + math.log(math.fsum(math.exp(term - high) for term in terms))
    return total + r * math.log(alpha) - math.lgamma(r) - x * math.lgamma(k)


def slow_pareto(fitted: ParetoNbd, x: int, t_x: float, age: float) -> float:
    """Equation (15), the time of leaving integrated by many narrow panels."""
    r, alpha, s, beta = fitted.r, fitted.alpha, fitted.s, fitted.beta
    alive = -(r + x) * math.log(alpha + age) - s * math.log(beta + age)
    reach = math.log((alpha + age) / (alpha + t_x))
    nodes, weights = leggauss(8)
    logs = (np.arange(200)[:, np.newaxis] + (nodes + 1) / 2) / 200 * reach
    at = (alpha + t_x) * np.exp(logs)
    inner = -(r + x - 1) * np.log(at) - (s + 1) * np.log(at + beta - alpha)
    high = float(inner.max())
    mass = float((np.exp(inner - high) @ weights).sum() / 400)
    gone = math.log(s) + high + math.log(mass * reach) if reach else -math.inf
    common = math.lgamma(r + x) - math.lgamma(r) + r * math.log(alpha) + s * math.log(beta)
    return common + float(np.logaddexp(alive, gone))


@settings(max_examples=100, deadline=None)
@given(regular, st.lists(people(), min_size=1, max_size=20))
def test_regular_buying_equals_a_loop_over_people_and_steps(fitted, crowd):
    grouped = group(*(np.array(column) for column in zip(*crowd, strict=True)))
    slow = math.fsum(slow_regular(fitted, *person) for person in crowd)
    assert mbgcnbd.log_likelihood(fitted, grouped) == pytest.approx(slow, rel=1e-9, abs=1e-8)


@settings(max_examples=60, deadline=None)
@given(leaving_any_time, st.lists(people(), min_size=1, max_size=6))
def test_leaving_at_any_time_equals_an_integral_by_narrow_panels(fitted, crowd):
    grouped = group(*(np.array(column) for column in zip(*crowd, strict=True)))
    slow = math.fsum(slow_pareto(fitted, *person) for person in crowd)
    assert paretonbd.log_likelihood(fitted, grouped) == pytest.approx(slow, rel=1e-3, abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(st.one_of(regular, leaving_any_time), st.lists(people(), min_size=1, max_size=10))
def test_gradients_equal_finite_differences(fitted, crowd):
    grouped = group(*(np.array(column) for column in zip(*crowd, strict=True)))
    model = mbgcnbd if isinstance(fitted, MbgCnbd) else paretonbd
    names = [name for name in fitted.__struct_fields__ if name != "k"]
    exact = model.gradient(fitted, grouped)
    size = abs(model.log_likelihood(fitted, grouped))
    # The derivative of an integral by fixed points is not that of its own sum, to the last digit.
    near = 1e-5 if model is mbgcnbd else 1e-3
    for place, name in enumerate(names):
        value = getattr(fitted, name)

        def shifted(at: float, name: str = name) -> float:
            return model.log_likelihood(msgspec.structs.replace(fitted, **{name: at}), grouped)

        expected = slope(shifted, value)
        assert exact[place] * value == pytest.approx(
            expected * value, rel=20 * near, abs=near * (1 + size)
        )


@settings(max_examples=60, deadline=None)
@given(regular, people(), st.sampled_from([1.0, 30.0, 90.0]))
def test_purchases_to_come_equal_quadrature_over_leaving(fitted, person, ahead):
    """Steps are Poisson at the person's rate; each k-th is a purchase, after each they may leave.

    The rate is gamma distributed for each number of steps gone, the chance to leave is beta
    distributed; here both are integrated and not summed.
    """
    x, t_x, age = person
    k, weights = fitted.k, []
    expected, shape = 0.0, fitted.r + fitted.k * x
    leave = betaincinv(fitted.a, fitted.b + x + 1, NODES + 0.5)
    for j in range(k):
        weight = math.exp(math.lgamma(shape + j) - math.lgamma(shape) - math.lgamma(j + 1))
        weights.append(weight * ((age - t_x) / (fitted.alpha + age)) ** j)
        odds = ahead / (fitted.alpha + age + ahead)
        steps = np.arange(0, 4000)
        mass = nbinom.pmf(steps, shape + j, 1 - odds)
        bought = np.bincount((steps + j) // k, mass)
        kept = np.flatnonzero(bought > 1e-13)
        # n purchases if nobody left are (1 - (1 - p)^n) / p with leaving.
        stays = -np.expm1(kept[:, np.newaxis] * np.log1p(-leave)) / np.maximum(leave, 1e-290)
        stays = np.where(leave < 1e-280, kept[:, np.newaxis], stays)
        expected += weights[-1] * float(bought[kept] @ stays @ WEIGHTS)
    expected /= sum(weights)
    fast = mbgcnbd.person_expected(fitted, 1.0, x, t_x, age, ahead)
    assert fast == pytest.approx(expected, rel=1e-4, abs=1e-5)
    one = (np.array([number]) for number in (1.0, float(x), t_x, age))
    many = mbgcnbd.expected_purchases(fitted, *one, ahead)
    assert many[0] == pytest.approx(fast, rel=1e-5, abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.0, 0.5, 2.0])), max_size=30))
def test_distinct_rows_lead_back_to_every_row(made):
    columns = [np.array([float(row[at]) for row in made]) for at in (0, 1)]
    rows, place = distinct_rows(*columns)
    assert rows.size == len(set(made))
    for column in columns:
        assert column[rows][place].tolist() == column.tolist()


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
        gaps = np.diff(sorted(own))
        assert fast.sum_log_gaps[place] == pytest.approx(float(np.log(gaps).sum()))
        mean = sum(own.values()) / len(own)
        assert fast.mean_order_value_minor[place] == pytest.approx(
            mean if sum(own.values()) > 0 else math.nan, nan_ok=True
        )
    counts = purchases_on(purchases, fast.person, known_day, until_day)
    assert counts.tolist() == [len(later[person]) for person in sorted(days)]
