"""Whether chances come true: counted by hand, and told apart where they are wrong."""

import numpy as np
import pytest

from customering.outcomes.calibration import calibration, surprise


def test_parts_are_counted_as_by_hand() -> None:
    chance = np.array([0.1, 0.1, 0.5, 0.5])
    happened = np.array([False, False, True, False])
    found = calibration(chance, happened, np.arange(4), parts=2)
    low, high = found.parts
    assert (low.cases, low.expected, low.real, low.lift) == (2, pytest.approx(0.1), 0.0, 0.0)
    assert (high.real, high.lift) == (0.5, 2.0)
    assert found.off == pytest.approx(2 * 0.1)
    assert found.real == 0.25


def test_true_chances_are_near_and_wrong_ones_are_not() -> None:
    dice = np.random.default_rng(1)
    chance = dice.beta(1, 9, 20_000)
    happened = dice.random(20_000) < chance
    person = dice.integers(0, 2_000, 20_000)
    true = calibration(chance, happened, person, before=np.full(20_000, 0.1))
    assert true.off is not None
    assert true.off < 0.1
    assert true.surprise_before is not None
    assert true.surprise < true.surprise_before
    assert sum(part.low <= part.expected <= part.high for part in true.parts) >= 8
    assert true.parts[-1].lift > 2.0
    wrong = calibration(chance / 3.0, happened, person)
    assert wrong.off is not None
    assert wrong.off > 0.5


def test_nothing_that_happened_and_nothing_at_all() -> None:
    none = calibration(np.full(20, 0.1), np.zeros(20, dtype=bool), np.arange(20))
    assert none.off is None
    assert {part.lift for part in none.parts} == {0.0}
    empty = calibration(np.zeros(0), np.zeros(0, dtype=bool), np.zeros(0, dtype=np.intp))
    assert (empty.cases, empty.parts, empty.surprise) == (0, (), 0.0)


def test_certainty_that_is_wrong_surprises_much_but_not_without_end() -> None:
    assert surprise(np.array([1.0]), np.array([False])) == pytest.approx(-np.log(1e-6))
    assert surprise(np.array([1.0]), np.array([True])) == pytest.approx(0.0, abs=1e-5)
