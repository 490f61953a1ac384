"""The integral over having left: by tables of days as by points of each, and as by quadrature."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st
from scipy.integrate import quad

from customering.relationship import leaving, triples
from customering.relationship.parameters import ParetoNbd

shapes = st.floats(0.05, 3.0)
times = st.floats(5.0, 300.0)


def people(count: int, longest: int, most: int, seed: int) -> triples.Triples:
    chance = np.random.default_rng(seed)
    age = chance.integers(1, longest + 1, count)
    frequency = chance.integers(0, most + 1, count)
    recency = np.floor(chance.random(count) * (age + 1))
    return triples.group(np.minimum(frequency, recency), recency, age)


@given(
    r=shapes, alpha=times, s=shapes, beta=times, most=st.integers(0, 40), seed=st.integers(0, 99)
)
@bounded(max_examples=60, deadline=None)
def test_tables_of_days_give_what_points_of_each_give(
    r: float, alpha: float, s: float, beta: float, most: int, seed: int
) -> None:
    some = people(4_000, 60, most, seed)
    grid = leaving.grid_of(some)
    assert grid is not None
    parameters = ParetoNbd(r=r, alpha=alpha, s=s, beta=beta)
    fast, slow = (leaving.leaving(parameters, some, one) for one in (grid, None))
    left = np.isfinite(slow.logarithm)
    assert (np.isfinite(fast.logarithm) == left).all()
    assert np.allclose(fast.logarithm[left], slow.logarithm[left], rtol=1e-7, atol=1e-5)
    for one, other in zip(fast.slopes, slow.slopes, strict=True):
        assert np.isfinite(one).all()
        assert np.allclose(one[left], other[left], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("r", "alpha", "s", "beta"),
    [(0.5533, 74.0, 0.6062, 81.7), (0.5, 1_000.0, 0.01, 3.0), (3.0, 5.0, 2.0, 9.0)],
)
def test_both_are_what_quadrature_gives(r: float, alpha: float, s: float, beta: float) -> None:
    some = people(3_000, 40, 6, 1)
    parameters = ParetoNbd(r=r, alpha=alpha, s=s, beta=beta)
    found = leaving.leaving(parameters, some, leaving.grid_of(some)).logarithm
    for at in range(0, some.count.size, some.count.size // 25):
        x, begin, end = some.frequency[at], some.recency[at], some.age[at]
        if begin == end:
            assert found[at] == -np.inf
            continue
        value, _ = quad(
            lambda t, x=x: s * ((alpha + t) / alpha) ** -(r + x) * ((beta + t) / beta) ** -(s + 1),
            begin, end, epsabs=0.0, epsrel=1e-11,
        )  # fmt: skip
        expected = np.log(value) - (r + x) * np.log(alpha) - (s + 1) * np.log(beta)
        assert found[at] == pytest.approx(expected, abs=1e-8)


def test_parts_of_days_and_few_people_are_added_up_one_by_one() -> None:
    whole = people(4_000, 60, 5, 2)
    assert leaving.grid_of(whole) is not None
    parts = triples.group(whole.frequency, whole.recency, whole.age + 0.5)
    assert leaving.grid_of(parts) is None
    assert leaving.grid_of(people(20, 400, 5, 2)) is None


def test_the_very_frequent_do_not_leave_the_range_of_numbers() -> None:
    chance = np.random.default_rng(3)
    age = chance.integers(1, 400, 60_000).astype(float)
    recency = np.floor(chance.random(age.size) * age)
    frequency = np.where(chance.random(age.size) < 0.001, 390.0, 1.0)
    some = triples.group(np.minimum(frequency, recency), recency, age)
    grid = leaving.grid_of(some)
    parameters = ParetoNbd(r=0.5, alpha=3.0, s=0.6, beta=80.0)
    fast, slow = (leaving.leaving(parameters, some, one) for one in (grid, None))
    left = np.isfinite(slow.logarithm)
    assert grid is not None
    # Over so long a time points of each are the coarser ones.
    assert np.allclose(fast.logarithm[left], slow.logarithm[left], atol=5e-4)
