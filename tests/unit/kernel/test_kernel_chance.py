"""Draws are repeatable, and even."""

from scipy import stats

from customering.kernel.chance import draw


def test_draws_are_those_of_every_earlier_version() -> None:
    # A change would move people between the control group and the others.
    assert draw(7, "control", "user_id:1") == 0.7696788165891456
    assert draw(0) == 0.516288615126363


def test_draws_are_even() -> None:
    drawn = [draw(3, "exploration", f"user_id:{number}") for number in range(5_000)]
    assert all(0.0 <= one < 1.0 for one in drawn)
    assert stats.kstest(drawn, "uniform").pvalue > 0.001


def test_neighbours_tell_nothing_of_each_other() -> None:
    one = [draw(3, str(number)) for number in range(5_000)]
    for other in (
        [draw(4, str(number)) for number in range(5_000)],
        [draw(3, str(number + 1)) for number in range(5_000)],
        [draw(3, str(number), "") for number in range(5_000)],
    ):
        assert abs(stats.spearmanr(one, other).statistic) < 0.06


def test_where_names_end_matters() -> None:
    assert draw(1, "ab", "c") != draw(1, "a", "bc")
    assert draw(1, "1") != draw(11)
