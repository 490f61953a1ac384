"""Laws of what a control group tells, above all that one may look every day."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.kernel.errors import Invalid
from customering.outcomes.effect import Effect, in_words, incremental_effect
from customering.outcomes.sequences import fixed_radius, radius, spread

ALPHA = 0.05


class Experiment:
    """People with rhythms and amounts of their own, who come in one after the other."""

    def __init__(
        self, seed: int, *, people: int = 600, days: int = 45, more: float = 1.0, held: float = 0.2
    ) -> None:
        rng = np.random.default_rng(seed)
        rate = rng.gamma(0.8, 0.1, people)
        self.entry = rng.integers(0, days // 2, people)
        self.treated = rng.random(people) >= held
        self.share = 1.0 - held
        usual = rng.lognormal(0, 0.5, people)
        self.before = rng.poisson(rate * days) * usual
        today = rate * np.where(self.treated, more, 1.0)
        orders = rng.poisson(today[:, None], (people, days))
        orders *= np.arange(days) >= self.entry[:, None]
        amounts = usual[:, None] * rng.lognormal(0, 0.7, (people, days))
        self.so_far = (orders * amounts).cumsum(axis=1)
        self.days = days

    def look(self, day: int) -> Effect:
        there = self.entry <= day
        return incremental_effect(
            self.treated[there],
            self.so_far[there, day],
            self.before[there],
            treated_share=self.share,
            planned_sd=float(self.before.std()),
        )


@pytest.mark.parametrize(("people", "held"), [(600, 0.2), (2_000, 0.05)])
def test_who_looks_every_day_is_wrong_at_most_as_often_as_is_said(people: int, held: float) -> None:
    missed = missed_once = looked = 0
    for seed in range(100):
        experiment = Experiment(seed, people=people, held=held)
        looks = [experiment.look(day) for day in range(3, experiment.days)]
        known = [one for one in looks if one.low is not None]
        looked += bool(known)
        missed += any(not one.low <= 0 <= one.high for one in known)  # type: ignore[operator]
        missed_once += any(not one.once_low <= 0 <= one.once_high for one in known)  # type: ignore[operator]
    assert looked >= 80
    assert missed / looked <= 0.05
    # The ordinary interval, looked at every day, is wrong more often.
    assert missed_once > 2 * missed
    assert missed_once / looked > 0.05


def test_an_effect_is_found_and_its_size_is_right() -> None:
    found = [Experiment(seed, people=4_000, more=1.5).look(44) for seed in range(20)]
    assert np.mean([one.verdict == "more" for one in found]) >= 0.8
    truths = [one.mean_control * 0.5 for one in found]
    assert np.mean([one.effect for one in found]) == pytest.approx(np.mean(truths), rel=0.15)
    inside = [one.low <= truth <= one.high for one, truth in zip(found, truths, strict=True)]  # type: ignore[operator]
    assert np.mean(inside) >= 0.9


@given(
    variance=st.floats(0, 1e9),
    planned=st.floats(1e-6, 1e9),
    alpha=st.floats(1e-4, 0.5),
    factor=st.floats(1e-3, 1e3),
)
@settings(max_examples=100, deadline=None)
def test_the_boundary_is_that_of_the_paper_and_wider_than_one_look(
    variance: float, planned: float, alpha: float, factor: float
) -> None:
    found = radius(variance, planned, alpha)
    assert found > fixed_radius(variance, alpha)
    # As written in the paper, for a mean of t terms with variance sigma^2 each.
    rho_squared, t = 1.0 / spread(planned, alpha), 50.0
    each = variance / t
    inside = 2.0 * (t * each * rho_squared + 1.0) / (t**2 * rho_squared)
    written = math.sqrt(inside * math.log(math.sqrt(t * each * rho_squared + 1.0) / alpha))
    assert found / t == pytest.approx(written, rel=1e-9)
    # The unit of the outcome does not matter.
    scaled = radius(variance * factor, planned * factor, alpha)
    assert scaled == pytest.approx(found * math.sqrt(factor), rel=1e-9)


def test_the_sequence_is_narrowest_where_it_was_planned() -> None:
    planned = 1_000.0
    ratios = {v: radius(v, planned, ALPHA) / fixed_radius(v, ALPHA) for v in (10.0, 1e3, 1e5)}
    assert ratios[1e3] < min(ratios[10.0], ratios[1e5])
    assert ratios[1e3] < 1.6


@given(seed=st.integers(0, 10_000), shift=st.floats(-50, 50), unit=st.floats(0.01, 100))
@settings(max_examples=20, deadline=None)
def test_what_was_before_moves_nothing_and_narrows(seed: int, shift: float, unit: float) -> None:
    experiment = Experiment(seed, people=300)
    outcome = experiment.so_far[:, -1]

    def effect(before: np.ndarray, amounts: np.ndarray) -> Effect:
        return incremental_effect(
            experiment.treated, amounts, before, treated_share=0.8, planned_sd=1.0
        )

    plain = effect(np.zeros(300), outcome)
    helped = effect(experiment.before, outcome)
    assert plain.variance_kept == 1.0
    assert 0.0 <= helped.variance_kept <= 1.0
    means = [outcome[group].mean() for group in (experiment.treated, ~experiment.treated)]
    assert (plain.mean_treated, plain.mean_control) == pytest.approx(means)
    same = effect(experiment.before * 3.0 + shift, outcome)
    assert same.effect == pytest.approx(helped.effect)
    scaled = effect(experiment.before, outcome * unit)
    assert scaled.effect == pytest.approx(helped.effect * unit)


def test_cuped_is_that_of_its_paper() -> None:
    experiment = Experiment(4)
    outcome, before = experiment.so_far[:, -1], experiment.before
    groups = [experiment.treated, ~experiment.treated]
    centred = [
        np.concatenate([values[group] - values[group].mean() for group in groups])
        for values in (outcome, before)
    ]
    theta = (centred[0] * centred[1]).mean() / (centred[1] ** 2).mean()
    left = outcome - theta * (before - before.mean())
    found = incremental_effect(
        experiment.treated, outcome, before, treated_share=0.8, planned_sd=1.0
    )
    assert found.mean_treated == pytest.approx(left[groups[0]].mean())
    assert found.mean_control == pytest.approx(left[groups[1]].mean())
    correlation = np.corrcoef(*centred)[0, 1]
    assert found.variance_kept == pytest.approx(1 - correlation**2)


def test_too_few_people_are_not_judged() -> None:
    few = Experiment(1, people=40).look(30)
    assert (few.low, few.verdict) == (None, "too_few")
    assert "Too few" in in_words(few, "orders")
    alone = incremental_effect(
        np.ones(5, dtype=bool), np.ones(5), np.zeros(5), treated_share=0.9, planned_sd=1.0
    )
    assert (alone.control, alone.verdict) == (0, "too_few")
    with pytest.raises(Invalid, match="nobody to compare"):
        incremental_effect(
            np.ones(5, dtype=bool), np.ones(5), np.zeros(5), treated_share=1.0, planned_sd=1.0
        )
