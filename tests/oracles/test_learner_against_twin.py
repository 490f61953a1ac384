"""The learner of tables learns what the one of single weights learns."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learner_twin import Twin

from customering.decision.learner import Example, Learner
from customering.decision.learning_settings import LearningSettings
from customering.decision.model import Action, Candidate
from customering.decision.offer import Offer, offer_of

examples = st.builds(
    Example,
    place=st.sampled_from([":home", "email:mail"]),
    group=st.sampled_from(["", "bread", "wine"]),
    action_id=st.sampled_from("abcdef"),
    found_by=st.sampled_from(["repeat", "catalogue"]),
    prior=st.sampled_from([0.0, 0.01, 0.2, 1.0]),
    rank=st.integers(1, 4),
    features=st.dictionaries(
        st.sampled_from(["weekend", "part=night", "top_departments=Bread", "context.page=wine"]),
        st.floats(-3, 3),
    ).map(lambda some: {"bias": 1.0, **some} if "weekend" in some else some),
)


def offered(example: Example) -> Offer:
    action = Action(action_id=example.action_id, kind="make_offer", title="It", group=example.group)
    return offer_of(
        [
            Candidate(
                action=action,
                propensity=example.prior,
                value_minor=1,
                found_by=example.found_by,  # type: ignore[arg-type]
            )
        ]
    )


def chance(learner: Learner, example: Example, *, is_personal: bool) -> float:
    offer = offered(example)
    found = learner.chances(
        offer.tables,
        offer.propensities,
        offer.logits,
        example.place,
        example.features if is_personal else None,
    )
    return float(found[0])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(examples, st.sampled_from(["no", "yes", "late"])), min_size=1, max_size=20),
    examples,
)
def test_both_learn_the_same(told: list[tuple[Example, str]], asked: Example):
    learner, twin = Learner(LearningSettings()), Twin()
    for example, came in told:
        learner.learn(example, success=came == "yes")
        twin.learn(example, success=came == "yes")
        if came == "late":
            learner.correct(example)
            twin.learn(example, success=True, is_turned=True)
    first = asked._replace(rank=1)
    for is_personal in (True, False):
        expected = twin.chance(first, is_personal=is_personal)
        found = chance(learner, first, is_personal=is_personal)
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_what_is_common_is_learned_from_what_is_common():
    """Bread is liked, wine is not, and mornings are good for both: 3,000 showings tell so."""
    chance_of = np.random.default_rng(7)
    learner = Learner(LearningSettings())
    for _ in range(3_000):
        action_id = "abcdef"[int(chance_of.integers(6))]
        group = "bread" if action_id in "abc" else "wine"
        is_morning = bool(chance_of.random() < 0.5)
        rate = 0.02 + 0.1 * (group == "bread") + 0.1 * is_morning
        features = {"part=morning": 1.0} if is_morning else {}
        example = Example(":home", group, action_id, "catalogue", 0.05, 1, features)
        learner.learn(example, bool(chance_of.random() < rate))
    new = Example(":home", "bread", "new", "catalogue", 0.05, 1, {"part=morning": 1.0})
    assert chance(learner, new, is_personal=True) == pytest.approx(0.22, abs=0.06)
    evening = new._replace(features={})
    assert chance(learner, evening, is_personal=True) == pytest.approx(0.12, abs=0.05)
    unliked = evening._replace(group="wine", action_id="other")
    # That mornings are no good for wine alone is learned slowly: groups are held to be alike.
    assert chance(learner, unliked, is_personal=True) == pytest.approx(0.04, abs=0.03)
    assert chance(learner, new, is_personal=False) == pytest.approx(0.17, abs=0.05)


def test_what_one_group_teaches_of_matches_holds_for_another():
    """Who buys much of something likes offers of it; of garden offers nobody saw one that fits."""
    chance_of = np.random.default_rng(8)
    learner = Learner(LearningSettings())
    for _ in range(2_000):
        group, much = (("bread", "wine")[int(chance_of.integers(2))] for _ in range(2))
        rate = 0.2 if group == much else 0.02
        example = Example(
            ":home", group, f"{group} offer", "catalogue", 0.05, 1, {f"top_departments={much}": 1.0}
        )
        learner.learn(example, bool(chance_of.random() < rate))
    garden = Example(
        ":home", "garden", "spade", "catalogue", 0.05, 1, {"top_departments=wine": 1.0}
    )
    for _ in range(50):
        learner.learn(garden, success=False)
    learner.settle()
    unfit = chance(learner, garden, is_personal=True)
    fit = chance(
        learner, garden._replace(features={"top_departments=Garden": 1.0}), is_personal=True
    )
    assert fit > 4.0 * unfit
