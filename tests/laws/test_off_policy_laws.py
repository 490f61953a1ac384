"""Laws of judging another policy from the log."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.outcomes.gate import gate
from customering.outcomes.off_policy import difference, estimate_all
from customering.outcomes.policies import always, best_single, greedy, mixed, popular, uniform
from customering.outcomes.rewards import folds_of, predict_success
from customering.outcomes.support import chi_square_of_choices, diagnose, judge
from customering.outcomes.trials import Trials, trials_of

SEEDS = st.integers(0, 2**32 - 1)


def a_log(seed: int, rows: int = 60, most: int = 5) -> tuple[Trials, np.random.Generator]:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, most + 1, rows)
    chances = [rng.dirichlet(np.ones(size)) for size in sizes]
    chosen = [int(rng.choice(len(one), p=one)) for one in chances]
    rewards = rng.normal(size=rows).round(2)
    actions = [rng.permutation(most)[:size] for size in sizes]
    people = rng.integers(0, rows // 2, rows)
    return trials_of(chances, chosen, rewards, actions=actions, people=people), rng


def a_target(trials: Trials, rng: np.random.Generator) -> np.ndarray:
    parts = rng.random(len(trials.chances))
    return parts / trials.sums(parts)[trials.rows]


@given(seed=SEEDS)
@settings(max_examples=25, deadline=None)
def test_what_was_done_is_worth_what_it_earned(seed: int) -> None:
    trials, rng = a_log(seed)
    predicted = rng.normal(size=len(trials.chances))
    found = estimate_all(trials, trials.chances)
    assert found["IPS"].value == pytest.approx(trials.rewards.mean())
    assert found["SNIPS"].value == pytest.approx(trials.rewards.mean())
    assert difference(trials, trials.chances, None, None).value == pytest.approx(0, abs=1e-12)
    told = diagnose(trials, trials.chances)
    assert told.effective_rows == pytest.approx(len(trials))
    assert told.unsupported_share == 0
    other = a_target(trials, rng)
    there, back = (
        difference(trials, one, two, predicted).value
        for one, two in ((other, trials.chances), (trials.chances, other))
    )
    assert there == pytest.approx(-back)


@given(seed=SEEDS)
@settings(max_examples=25, deadline=None)
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    trials, rng = a_log(seed)
    target, predicted = a_target(trials, rng), rng.normal(size=len(trials.chances))
    order = rng.permutation(len(trials))
    places = [np.arange(trials.begins[row], trials.begins[row + 1]) for row in order]
    run = np.concatenate(places)
    turned = trials_of(
        [trials.chances[place] for place in places],
        [int(trials.chosen[row] - trials.begins[row]) for row in order],
        trials.rewards[order],
        actions=[trials.actions[place] for place in places],
        people=trials.people[order],
    )
    left = estimate_all(trials, target, predicted)
    right = estimate_all(turned, target[run], predicted[run])
    for name, one in left.items():
        assert right[name].value == pytest.approx(one.value)
        assert right[name].standard_error == pytest.approx(one.standard_error)
    assert chi_square_of_choices(turned)[0] == pytest.approx(chi_square_of_choices(trials)[0])


@given(seed=SEEDS)
@settings(max_examples=25, deadline=None)
def test_with_a_perfect_model_every_model_based_estimate_is_the_truth(seed: int) -> None:
    trials, rng = a_log(seed)
    target, truth = a_target(trials, rng), rng.normal(size=len(trials.chances))
    earned = Trials(
        trials.begins, trials.actions, trials.chances, trials.chosen,
        truth[trials.chosen], trials.people,
    )  # fmt: skip
    value = float(trials.sums(target * truth).mean())
    found = estimate_all(earned, target, truth)
    for name in ("DM", "DR", "Switch-DR"):
        assert found[name].value == pytest.approx(value)


@given(seed=SEEDS)
@settings(max_examples=25, deadline=None)
def test_snips_stays_within_the_rewards(seed: int) -> None:
    trials, rng = a_log(seed, rows=12)
    found = estimate_all(trials, a_target(trials, rng))["SNIPS"]
    low, high = trials.rewards.min(), trials.rewards.max()
    for value in (found.value, found.low, found.high):
        assert low - 1e-9 <= value <= high + 1e-9


@given(seed=SEEDS)
@settings(max_examples=25, deadline=None)
def test_every_other_policy_is_a_distribution_over_what_was_possible(seed: int) -> None:
    trials, rng = a_log(seed)
    scores, possible = rng.normal(size=len(trials.chances)), rng.random(len(trials.chances)) < 0.7
    happened, fold = trials.rewards > 0, folds_of(trials.people, 2, 1)
    predicted = predict_success(trials, happened, scores[:, np.newaxis], folds=2)
    targets = {
        "uniform": uniform(trials, possible),
        "greedy": greedy(trials, scores, possible),
        "popular": popular(trials, happened, fold),
        "always": always(trials, 2, trials.chances),
        "best": best_single(trials, fold, trials.chances, predicted),
    }
    targets["mixed"] = mixed(targets["greedy"], targets["uniform"], 0.1)
    for name, target in targets.items():
        assert np.allclose(trials.sums(target), 1.0), name
        assert (target >= 0).all(), name
    some = trials.sums(possible.astype(float)) > 0
    for name in ("uniform", "greedy"):
        assert not targets[name][~possible & some[trials.rows]].any(), name
    assert ((predicted >= 0) & (predicted <= 1)).all()


@given(seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_only_some_rows_are_those_rows(seed: int) -> None:
    trials, rng = a_log(seed)
    target, kept = a_target(trials, rng), rng.random(len(trials)) < 0.5
    kept[0] = True
    some, of_candidates = trials.only(kept)
    terms = trials.at_chosen(target) / trials.at_chosen(trials.chances) * trials.rewards
    found = estimate_all(some, target[of_candidates])
    assert found["IPS"].value == pytest.approx(terms[kept].mean())


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    # 200 logs; a 95 % interval misses the truth in 5 % of them, and rarely in more than 10 %.
    truth = np.array([0.1, 0.3, 0.6])
    target = np.array([0.1, 0.2, 0.7])
    missed = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        chosen = rng.choice(3, size=150, p=[0.5, 0.3, 0.2])
        rewards = (rng.random(150) < truth[chosen]).astype(float)
        trials = trials_of(np.tile([0.5, 0.3, 0.2], (150, 1)), chosen, rewards)
        found = estimate_all(trials, np.tile(target, 150), np.tile(truth, 150))["DR"]
        missed += not found.normal_low <= truth @ target <= found.normal_high
    assert 0.01 <= missed / 200 <= 0.1


def test_people_and_not_rows_carry_the_uncertainty() -> None:
    # Twenty rows of the same person say what one says.
    rng = np.random.default_rng(1)
    rewards = np.repeat(rng.normal(size=50), 20)
    chances = np.ones((1_000, 1))
    people = np.repeat(np.arange(50), 20)
    apart = estimate_all(trials_of(chances, [0] * 1_000, rewards), np.ones(1_000))["IPS"]
    together = estimate_all(
        trials_of(chances, [0] * 1_000, rewards, people=people), np.ones(1_000)
    )["IPS"]
    assert together.standard_error == pytest.approx(apart.standard_error * 20**0.5, rel=0.05)


def test_wrong_chances_are_found_and_right_ones_are_not_accused() -> None:
    rng = np.random.default_rng(3)
    chances = rng.dirichlet([1, 1, 1, 1], size=4_000)
    right = [int(rng.choice(4, p=one)) for one in chances]
    wrong = [int(rng.choice(4, p=0.9 * one + 0.1 * np.array([1, 0, 0, 0]))) for one in chances]
    for chosen, is_sound in ((right, True), (wrong, False)):
        trials = trials_of(chances, chosen, np.zeros(4_000))
        told = diagnose(trials, trials.chances)
        assert (told.chi_square_p > 0.001) is is_sound
        verdict = judge(trials, trials.chances).verdict
        assert (verdict == "level") if is_sound else (verdict == "not_as_logged")


def test_chi_square_is_that_of_pearson_where_all_rows_are_alike() -> None:
    rng = np.random.default_rng(4)
    expected = np.array([0.5, 0.3, 0.2])
    chosen = rng.choice(3, size=1_000, p=expected)
    trials = trials_of(np.tile(expected, (1_000, 1)), chosen, np.zeros(1_000))
    counts = np.bincount(chosen, minlength=3)
    pearson = ((counts - 1_000 * expected) ** 2 / (1_000 * expected)).sum()
    assert chi_square_of_choices(trials) == (pytest.approx(pearson), 2)


@pytest.mark.parametrize("better", [True, False])
def test_the_gate_lets_only_real_differences_pass(better: bool) -> None:
    # Two kinds of people, each with an action of its own; or one action that is good for all.
    rng = np.random.default_rng(5)
    kind = rng.integers(0, 2, 6_000)
    chosen = rng.integers(0, 2, 6_000)
    chance = np.where(chosen == kind, 0.3, 0.1) if better else np.where(chosen == 0, 0.3, 0.1)
    rewards = (rng.random(6_000) < chance).astype(float)
    trials = trials_of(np.full((6_000, 2), 0.5), chosen, rewards)
    target = np.eye(2)[kind].ravel()
    found = gate(trials, target)
    assert found.passes is better
    assert found.gain is not None
    assert found.words.startswith("Published" if better else "Not published")
    if not better:
        assert found.best_single == 0


def test_too_little_is_said_in_words() -> None:
    trials = trials_of(np.full((50, 2), 0.5), [0, 1] * 25, [1.0, 0.0] * 25)
    told = judge(trials, np.tile([1.0, 0.0], 50))
    assert told.verdict == "too_little"
    assert not told.has_verdict
    assert "25 decisions" in told.words
    assert "200 are needed" in told.words
    assert not gate(trials, np.tile([1.0, 0.0], 50)).passes


def test_what_was_never_tried_leaves_no_verdict() -> None:
    trials = trials_of(np.tile([0.5, 0.5, 0.0], (1_000, 1)), [0, 1] * 500, [1.0, 0.0] * 500)
    told = judge(trials, np.tile([0.5, 0.3, 0.2], 1_000))
    assert told.verdict == "unsupported"
    assert told.diagnostics.unsupported_share == pytest.approx(0.2)
