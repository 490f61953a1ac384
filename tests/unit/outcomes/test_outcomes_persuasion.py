"""Whom acting changes, kept as a model: planted effects are found and told, noise is not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from customering.kernel.records import from_json, to_json
from customering.outcomes.habits import FEATURES, features_of, features_of_many
from customering.outcomes.persuasion import PersuasionModel, Scope, fit_scope, is_never_applied


def people(count: int, seed: int, *, planted: bool) -> tuple[np.ndarray, ...]:
    """Features, groups, purchases and true effects: the frequent are put off, the absent moved."""
    chance = np.random.default_rng(seed)
    days = chance.poisson(6 * np.exp(chance.normal(0, 1, count)))
    recent = chance.binomial(days, 0.3)
    last = np.where(days > 0, chance.exponential(60, count), np.inf)
    first = np.where(days > 0, last + chance.exponential(200, count), 0.0)
    rows = features_of_many(days, recent, last, first, np.where(days > 0, 1_500.0, 0.0))
    effect = np.zeros(count)
    if planted:
        effect = np.where(rows[:, 1] > 1.3, -0.2, np.where(rows[:, 2] > 4.0, 0.1, 0.0))
    usual = 1 / (1 + np.exp(2.0 - 0.9 * rows[:, 1] + 0.3 * (rows[:, 2] - 3.0)))
    treated = chance.random(count) > 0.4
    happened = chance.random(count) < np.clip(usual + treated * effect, 0.001, 0.99)
    return rows, treated, happened, effect


def model_of(scope: Scope) -> PersuasionModel:
    return PersuasionModel(scopes=(scope,), fitted_at_ms=0, first_day=0, through_day=28, days=28)


def test_a_planted_effect_is_found_and_told_of_the_right_people() -> None:
    rows, treated, happened, effect = people(6_000, 1, planted=True)
    model = model_of(fit_scope("contact", "getting in touch", rows, treated, happened))
    told = [model.about(row)["contact"] for row in rows.tolist()]
    true = {
        kind: float(np.mean(effect[[one.kind == kind for one in told]]))
        for kind in {one.kind for one in told}
    }
    assert true["put off"] < -0.1
    assert true["persuadable"] > 0.03
    for one in told:
        assert one.low < one.effect < one.high
        assert (one.share > 0.0) == (one.kind == "persuadable")
        assert 0.0 <= one.share <= 1.0
        assert (one.high < 0.0) == (one.kind == "put off")
        assert one.rate_with is not None
        assert one.rate_without is not None
        assert one.effect == pytest.approx(one.rate_with - one.rate_without)


def test_without_an_effect_nothing_is_told() -> None:
    fed = 0
    for seed in range(20):
        rows, treated, happened, _ = people(1_500, 100 + seed, planted=False)
        scope = fit_scope("contact", "getting in touch", rows, treated, happened)
        assert not any(run.is_put_off for run in scope.runs)
        fed += scope.is_fed
        if not scope.is_fed:
            assert model_of(scope).about(rows[0].tolist()) == {}
    assert fed <= 3


def test_the_same_people_give_the_same_model_and_it_is_kept_as_it_is() -> None:
    rows, treated, happened, _ = people(3_000, 2, planted=True)
    one, other = (
        model_of(fit_scope("contact", "getting in touch", rows, treated, happened))
        for _ in range(2)
    )
    assert one == other
    assert from_json(to_json(one), PersuasionModel) == one


@given(
    days=st.integers(0, 1_000),
    recent=st.integers(0, 90),
    last=st.floats(0, 4_000),
    first=st.floats(0, 4_000),
    value=st.floats(0, 1e9),
)
@bounded(max_examples=100, deadline=None)
def test_features_of_one_are_those_of_many(
    days: int, recent: int, last: float, first: float, value: float
) -> None:
    many = features_of_many(
        *(np.array([n], dtype=float) for n in (days, recent, last, first, value))
    )
    assert many.shape == (1, len(FEATURES))
    assert np.allclose(many[0], features_of(days, recent, last, first, value), rtol=1e-5)


def test_who_never_bought_is_one_of_many_too() -> None:
    never = np.array([0.0])
    many = features_of_many(never, never, np.array([np.inf]), never, never)
    assert np.allclose(many[0], features_of(0, 0, None, None, None))


def test_on_a_share_of_people_it_is_never_applied() -> None:
    share = np.mean([is_never_applied(1, f"per_{number}", 0.1) for number in range(4_000)])
    assert share == pytest.approx(0.1, abs=0.02)
    assert not is_never_applied(1, "per_1", 0.0)
