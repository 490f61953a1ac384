"""Off-policy estimates against row-by-row twins, and against what others published."""

import csv
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import off_policy_twin as twin
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from open_bandit_installing import NotInstalled, open_bandit

from customering.outcomes.off_policy import estimate_all
from customering.outcomes.policies import always, best_single_action
from customering.outcomes.rewards import predict_success
from customering.outcomes.support import diagnose
from customering.outcomes.trials import Trials, trials_of

PUBLISHED_IPW, PUBLISHED_LIFT, PUBLISHED_ERROR = 0.004553, 1.198126, 0.0840
PUBLISHED_DR = 0.00473
ON_POLICY = 0.0042


@st.composite
def some_rows(draw: st.DrawFn) -> list[twin.Row]:
    rows = []
    for _ in range(draw(st.integers(2, 12))):
        size = draw(st.integers(1, 4))
        parts = draw(st.lists(st.integers(0, 9), min_size=size, max_size=size))
        assume(sum(parts))
        wanted = draw(st.lists(st.integers(0, 9), min_size=size, max_size=size))
        assume(sum(wanted))
        chances = [part / sum(parts) for part in parts]
        rows.append(
            twin.Row(
                chances=chances,
                target=[part / sum(wanted) for part in wanted],
                predicted=draw(st.lists(st.floats(-2, 2), min_size=size, max_size=size)),
                chosen=draw(st.sampled_from([at for at, chance in enumerate(chances) if chance])),
                reward=draw(st.floats(-5, 5)),
            )
        )
    return rows


def laid_out(rows: list[twin.Row]) -> tuple[Trials, np.ndarray, np.ndarray]:
    trials = trials_of(
        [np.array(row.chances) for row in rows],
        [row.chosen for row in rows],
        [row.reward for row in rows],
    )
    target = np.concatenate([row.target for row in rows])
    return trials, target, np.concatenate([row.predicted for row in rows])


@given(rows=some_rows(), most=st.floats(0, 5))
@settings(max_examples=60, deadline=None)
def test_every_estimator_is_its_twin(rows: list[twin.Row], most: float) -> None:
    trials, target, predicted = laid_out(rows)
    found = estimate_all(trials, target, predicted, switch_at=most)
    assert found["IPS"].value == pytest.approx(twin.ips(rows))
    if any(row.weight for row in rows):
        assert found["SNIPS"].value == pytest.approx(twin.snips(rows))
    else:
        assert "SNIPS" not in found
    assert found["DM"].value == pytest.approx(twin.direct(rows))
    assert found["DR"].value == pytest.approx(twin.doubly_robust(rows))
    assert found["Switch-DR"].value == pytest.approx(twin.switched(rows, most))
    told = diagnose(trials, target)
    assert told.effective_rows == pytest.approx(twin.effective(rows))
    assert told.unsupported_share == pytest.approx(twin.unsupported(rows))


@given(rows=some_rows())
@settings(max_examples=60, deadline=None)
def test_the_best_single_action_is_that_of_trying_each(rows: list[twin.Row]) -> None:
    trials, target, predicted = laid_out(rows)
    values = {
        action: estimate_all(trials, always(trials, action, target), predicted)["DR"].value
        for action in set(trials.actions.tolist())
    }
    best = best_single_action(trials, target, predicted, least_effective=0)
    assert values[best] == pytest.approx(max(values.values()))


class OpenBandit(NamedTuple):
    """The sample: decisions of the random policy, what Thompson sampling would do, features."""

    trials: Trials
    target: np.ndarray
    features: np.ndarray


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def priors(text: str) -> tuple[np.ndarray, np.ndarray]:
    """The beta priors of campaign "all": the first two lists of the file that have its name."""
    of_all = text.split("all:")[1]
    alpha, beta = (
        np.array(re.findall(r"- ([\d.]+)", part)[:80], dtype=np.float64)
        for part in of_all.split("beta:")[:2]
    )
    return alpha, beta


def thompson(alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """The chance of each action at each of three positions, by 100,000 draws. (3, actions)."""
    rng = np.random.RandomState(12345)
    times = np.zeros((3, len(alpha)))
    for _ in range(10):
        best = np.argsort(-rng.beta(alpha, beta, size=(10_000, len(alpha))), axis=1)
        for position in range(3):
            times[position] += np.bincount(best[:, position], minlength=len(alpha))
    return times / times.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def bandit() -> OpenBandit:
    try:
        folder = open_bandit()
    except NotInstalled as error:
        pytest.skip(str(error))
    data = folder / "dataset" / "obd" / "random" / "all"
    rows = rows_of(data / "all.csv")
    position = np.array([int(row["position"]) - 1 for row in rows])
    chances = np.array([float(row["propensity_score"]) for row in rows])
    assert set(chances) == {1 / 80}
    by_position = thompson(*priors((folder / "policy" / "conf" / "prior_bts.yaml").read_text()))
    items = rows_of(data / "item_context.csv")
    item = np.array([[float(one["item_feature_0"])] for one in items])
    trials = trials_of(
        np.full((len(rows), 80), 1 / 80),
        [int(row["item_id"]) for row in rows],
        [float(row["click"]) for row in rows],
    )
    features = np.hstack(
        [np.tile(item, (len(rows), 1)), np.repeat(np.eye(3)[position], 80, axis=0)]
    )
    return OpenBandit(trials, by_position[position].ravel(), features)


def test_the_published_value_of_open_bandit_is_reproduced(bandit: OpenBandit) -> None:
    found = estimate_all(bandit.trials, bandit.target)["IPS"]
    assert found.value == pytest.approx(PUBLISHED_IPW, abs=5e-7)
    lift = found.value / bandit.trials.rewards.mean()
    assert lift == pytest.approx(PUBLISHED_LIFT, abs=1e-6)
    error = abs(found.value - ON_POLICY) / ON_POLICY
    assert error == pytest.approx(PUBLISHED_ERROR, abs=5e-5)
    assert (found.low, found.high) == pytest.approx((0.00158, 0.0094), rel=0.1)
    assert diagnose(bandit.trials, bandit.target).effective_rows == pytest.approx(1_640, abs=1)


def test_the_doubly_robust_value_of_open_bandit_is_near_the_published(bandit: OpenBandit) -> None:
    trials = bandit.trials
    predicted = predict_success(trials, trials.rewards > 0, bandit.features)
    found = estimate_all(trials, bandit.target, predicted)
    assert found["DR"].value == pytest.approx(PUBLISHED_DR, abs=2e-4)
    # The published error of the direct method is twice that of IPS; ours is smaller than that.
    assert abs(found["DM"].value - ON_POLICY) / ON_POLICY < 0.156


def test_what_the_random_policy_did_fits_its_chances(bandit: OpenBandit) -> None:
    told = diagnose(bandit.trials, bandit.target)
    assert told.degrees >= 20
    assert told.chi_square_p > 0.001
