from collections.abc import Iterable
from math import sqrt

import pytest

from customering.aggregates.distinct import Distinct


def counted(distinct: Distinct, number: int, salt: str) -> int:
    state = distinct.zero()
    for value in range(number):
        state = distinct.step(state, f"{salt}{value}", 1, 0)
    return distinct.finish(state, 0)


def sketch(distinct: Distinct, values: Iterable[int]) -> list[str]:
    state = distinct.zero()
    for value in values:
        state = distinct.step(state, value, 1, 0)
    return state


def test_exact_up_to_the_bound_and_an_estimate_beyond() -> None:
    distinct = Distinct(64)
    assert counted(distinct, 64, "") == 64
    assert 65 <= counted(distinct, 65, "") <= 100
    state = sketch(distinct, range(500))
    assert len(state) == 65
    assert state == sorted(set(state))


def test_sketches_of_overlapping_halves_merge_to_that_of_the_whole() -> None:
    distinct = Distinct(64)
    whole = sketch(distinct, range(500))
    left, right = sketch(distinct, range(300)), sketch(distinct, reversed(range(200, 500)))
    assert distinct.merge(left, right) == whole


@pytest.mark.parametrize("bound", [64, 256])
@pytest.mark.parametrize("number", [1_000, 5_000])
def test_estimate_is_unbiased_with_the_stated_error(bound: int, number: int) -> None:
    trials = 40
    errors = [counted(Distinct(bound), number, f"{trial}:") / number - 1 for trial in range(trials)]
    stated = 1 / sqrt(bound - 1)
    spread = sqrt(sum(error * error for error in errors) / trials)
    # The root mean square of 40 draws is within 30 % of its expectation 99 times in 100.
    assert stated * 0.6 < spread < stated * 1.3
    assert abs(sum(errors) / trials) < 3 * stated / sqrt(trials)


def test_numbers_and_truth_values_count_by_their_text() -> None:
    distinct = Distinct()
    state = distinct.zero()
    for value in (1, "1", True, "true", False):
        state = distinct.step(state, value, 1, 0)
    assert distinct.finish(state, 0) == 3
