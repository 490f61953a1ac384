import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.relationship import bgnbd, mbgcnbd
from customering.relationship.parameters import BgNbd, MbgCnbd
from customering.relationship.simulate import simulate_people
from customering.relationship.triples import group


def test_cdnow_gives_the_published_parameters_of_mbg_nbd(cdnow):
    found = mbgcnbd.fit(group(cdnow["x"], cdnow["t_x"], cdnow["T"]), 1)
    fitted = found.parameters
    assert (round(fitted.r, 4), round(fitted.alpha, 3)) == (0.5248, 6.183)
    assert (round(fitted.a, 4), round(fitted.b, 3)) == (0.8914, 1.614)
    assert round(found.log_likelihood, 1) == -9582.1


@pytest.mark.parametrize("k", [1, 2, 3])
def test_a_fit_finds_the_parameters_of_simulated_people_again(k):
    true = MbgCnbd(k=k, r=0.9, alpha=12.0, a=0.8, b=3.0)
    chance = np.random.default_rng(5)
    people = simulate_people(true, chance.uniform(200, 400, 40_000), chance)
    grouped = group(*people[:3])
    found = mbgcnbd.fit(grouped, k, float(people.sum_log_gaps.sum()))
    for name in ("r", "alpha", "a", "b"):
        assert getattr(found.parameters, name) == pytest.approx(getattr(true, name), rel=0.07)
    for other in {1, 2, 3} - {k}:
        rival = mbgcnbd.fit(grouped, other, float(people.sum_log_gaps.sum()))
        assert rival.log_likelihood < found.log_likelihood - 1000


def test_what_is_expected_is_what_simulated_people_then_buy():
    true = MbgCnbd(k=2, r=1.2, alpha=8.0, a=0.7, b=4.0)
    before = simulate_people(true, np.full(60_000, 100.0), np.random.default_rng(3))
    after = simulate_people(true, np.full(60_000, 100.0 + 60.0), np.random.default_rng(4))
    people = before.frequency, before.recency, before.age
    alive = mbgcnbd.probability_alive(true, *people)
    expected = mbgcnbd.expected_purchases(true, alive, *people, 60.0)
    assert expected.mean() == pytest.approx(
        after.frequency.mean() - before.frequency.mean(), rel=0.04
    )


def test_by_pure_chance_it_expects_what_bg_nbd_expects_of_who_survived_one_more():
    fitted = MbgCnbd(k=1, r=0.7, alpha=15.0, a=0.9, b=2.0)
    shifted = BgNbd(r=0.7, alpha=15.0, a=0.9, b=3.0)
    ours = mbgcnbd.person_expected(fitted, 1.0, 4, 60.0, 90.0, 30.0)
    assert ours == bgnbd.person_expected(shifted, 1.0, 4, 90.0, 30.0)


@settings(max_examples=150, deadline=None)
@given(
    st.builds(
        MbgCnbd,
        k=st.integers(1, 4),
        r=st.floats(0.01, 50),
        alpha=st.floats(0.1, 500),
        a=st.floats(0.01, 50),
        b=st.floats(0.01, 50),
    ),
    st.integers(0, 300),
    st.integers(0, 600),
    st.integers(0, 900),
    st.integers(0, 400),
)
def test_silence_lowers_the_probability_of_being_alive(fitted, x, more, silence, longer):
    recency = float(x + more) if x else 0.0
    now = mbgcnbd.person_alive(fitted, x, recency, recency + silence)
    later = mbgcnbd.person_alive(fitted, x, recency, recency + silence + longer)
    assert 0 <= later <= now + 1e-12 <= 1 + 1e-9


def test_regular_people_are_missed_sooner_than_those_who_buy_by_chance():
    by_chance = MbgCnbd(k=1, r=2.0, alpha=20.0, a=0.5, b=5.0)
    clockwork = MbgCnbd(k=3, r=2.0, alpha=20.0 / 3, a=0.5, b=5.0)
    silent = (12, 120.0, 160.0)
    assert mbgcnbd.person_alive(clockwork, *silent) < mbgcnbd.person_alive(by_chance, *silent)


def test_nothing_is_expected_in_no_time():
    fitted = MbgCnbd(k=2, r=1.0, alpha=10.0, a=0.5, b=5.0)
    assert mbgcnbd.person_expected(fitted, 1.0, 3, 30.0, 40.0, 0.0) == 0.0
