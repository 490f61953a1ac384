"""Laws of learning: what is drawn from is kept, what is learned adds, a replay is the same."""

from collections import Counter
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from customering.consent.gate import CompiledPolicy
from customering.consent.model import ConsentSettings
from customering.consent.purposes import shipped_purposes
from customering.decision.decide import decide
from customering.decision.explore import UNIT, by_thompson, drawn, hash_of, occasion_of
from customering.decision.learner import Example, Learner, place_of
from customering.decision.learner_delta import NOTHING, Delta, NamedSums, joined
from customering.decision.learner_state import LearnerState
from customering.decision.learning_settings import LearningSettings
from customering.decision.model import (
    LEAVE_ALONE,
    Action,
    Candidate,
    DecisionRequest,
    DecisionSettings,
    PersonFacts,
)
from customering.decision.policy import DecisionPolicy, compile_policy
from customering.decision.record import decision_of, event_of, examples_in
from customering.decision.weighed import WeighedDecision
from customering.events.model import Event
from customering.kernel.clock import MS_PER_DAY
from customering.kernel.ids import Identifier
from customering.kernel.records import from_json, to_json

CONSENT = CompiledPolicy(shipped_purposes(), ConsentSettings())
NOW_MS = 1_496_318_400_000  # 2017-06-01T12:00:00Z
AGREED: Any = dict.fromkeys(
    ("personalize.web", "personalize.offers", "marketing.email"), (1, "allow")
)
HOME = DecisionRequest(placement="home", purpose="personalize.web", slots=2)
MAIL = DecisionRequest(placement="home", purpose="marketing.email", channel="email", slots=2)
OFFERED = [
    Candidate(
        action=Action(
            action_id=f"a{number}",
            kind="make_offer",
            title="It",
            purpose="personalize.offers",
            group=f"group {number % 3}",
            holdout_share=0.5 if number == 5 else 0.0,
        ),
        propensity=0.01 * (1 + number % 4),
        value_minor=100 + 10 * number,
    )
    for number in range(12)
]

examples = st.builds(
    Example,
    place=st.sampled_from([":home", "email:home"]),
    group=st.sampled_from(["", "group 0", "group 1"]),
    action_id=st.sampled_from([f"a{number}" for number in range(8)]),
    found_by=st.sampled_from(["repeat", "catalogue"]),
    prior=st.sampled_from([0.0, 0.02, 0.4]),
    rank=st.integers(1, 3),
    features=st.dictionaries(st.sampled_from(["weekend", "orders_90d"]), st.floats(0.1, 3)),
)
outcomes = st.lists(st.tuples(examples, st.booleans()), max_size=12)


def policy(learning: LearningSettings | None = None, **changes: Any) -> DecisionPolicy:
    calm = {"control_share": 0.0, "quiet_from": "00:00", "quiet_until": "00:00", "caps": ()}
    return compile_policy(DecisionSettings(**{**calm, **changes}), CONSENT, learning)


def person(number: int) -> PersonFacts:
    return PersonFacts(person_id=f"per_{number}", consent=AGREED, traits={"orders_90d": number % 5})


def copied(learner: Learner) -> Learner:
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(learner.state.kept_form()))
    copy = Learner(learner.settings, LearnerState.of_kept(kept, learner.settings))
    copy.open_places = learner.open_places
    return copy


def taught(told: list[tuple[Example, bool]], learner: Learner | None = None) -> Learner:
    made = Learner(LearningSettings()) if learner is None else copied(learner)
    for example, success in told:
        made.learn(example, success)
    return made


def same_sums(one: NamedSums, other: NamedSums) -> None:
    columns = tuple(sorted({*one.columns, *other.columns}))
    difference = one.over(columns).plus(other, -1.0)
    for gram, pull in difference.groups.values():
        assert gram == pytest.approx(0.0, abs=1e-9)
        assert pull == pytest.approx(0.0, abs=1e-9)
    for arm, (row, mass, arm_pull) in difference.arms.items():
        assert np.array([*row, mass, arm_pull]) == pytest.approx(0.0, abs=1e-9), arm


def same_delta(one: Delta, other: Delta) -> None:
    assert one.updates == other.updates
    same_sums(one.personal, other.personal)
    same_sums(one.plain, other.plain)
    for place in one.counts.keys() | other.counts.keys():
        assert one.counts.get(place, 0.0) == pytest.approx(other.counts.get(place, 0.0))


@settings(max_examples=30, deadline=None)
@given(outcomes, outcomes, outcomes, outcomes)
def test_what_workers_learned_adds_in_any_order(
    before: list[Any], first: list[Any], second: list[Any], third: list[Any]
):
    base = taught(before)
    base.settle()
    one, two, three = (taught(told, base).delta(base) for told in (first, second, third))
    same_delta(joined((one, two, three)), joined((three, one, two)))
    same_delta((one + two) + three, one + (two + three))
    same_delta(one + NOTHING, one)
    merged = copied(base)
    merged.add((one, two, three))
    same_delta(merged.delta(base), joined((one, two, three)))
    # One worker alone expects what it learned itself.
    alone, itself = copied(base), taught(first, base)
    alone.add((one,))
    itself.settle()
    for request in (HOME, MAIL):
        rules = policy(LearningSettings(context="always"))
        expected, found = (
            decide(request, OFFERED, person(3), rules, NOW_MS, learner=learner).candidates
            for learner in (itself, alone)
        )
        for mine, its in zip(expected, found, strict=True):
            assert mine.propensity == pytest.approx(its.propensity, rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(outcomes, outcomes)
def test_what_is_stored_and_read_goes_on_to_the_last_bit(before: list[Any], after: list[Any]):
    whole = taught([*before, *after])
    resumed = taught(after, taught(before))
    assert resumed.version == whole.version
    assert resumed.state.kept_form() == whole.state.kept_form()


@settings(max_examples=30, deadline=None)
@given(outcomes, st.integers(1, 400))
def test_time_takes_what_was_learned_back_to_nothing(told: list[Any], days: int):
    learner = Learner(LearningSettings(half_life_days=10.0))
    learner.begin_day(0)
    for example, success in told:
        learner.learn(example, success)
    learner.settle()
    before = learner.state.named()[0]
    learner.begin_day(days)
    share = 0.5 ** (days / 10)
    after = learner.state.named()[0]
    for arm, (row, mass, arm_pull) in before.arms.items():
        faded = after.arms[arm]
        assert faded[0] == pytest.approx(row * share, rel=1e-9)
        assert faded[1:] == pytest.approx((mass * share, arm_pull * share), rel=1e-9)
    learner.begin_day(days + 2_000)
    decision = decide(HOME, OFFERED, person(2), policy(), NOW_MS, learner=learner)
    for one, offered in zip(decision.candidates, OFFERED, strict=False):
        assert one.propensity == pytest.approx(offered.propensity, rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    outcomes,
    st.integers(0, 500),
    st.sampled_from([HOME, MAIL]),
    st.sampled_from([0.0, 0.02, 0.3, 1.0]),
    st.sampled_from(["inverse_gap", "thompson", "best"]),
    st.sampled_from(["always", "never"]),
)
def test_chances_sum_to_one_and_keep_the_floor_whatever_was_learned(
    told: list[Any], number: int, request: DecisionRequest, share: float, way: str, context: Any
):
    rules = policy(LearningSettings(context=context), exploration=way, exploration_share=share)
    decision = decide(request, OFFERED, person(number), rules, NOW_MS, learner=taught(told))
    chances = [one.probability for one in decision.candidates]
    assert sum(chances) == 1.0
    in_question = [
        one
        for one in decision.candidates
        if one.lost
        in (None, "quiet_better", "outscored", "variety", "room_for_discovery", "exploration")
        and (one.kind != LEAVE_ALONE or request.is_contact or one.rank)
    ]
    for one in in_question:
        assert one.probability >= share / len(in_question) - len(in_question) * UNIT
        assert (one.probability * 2**31).is_integer()
    first = next(one for one in decision.candidates if one.rank == 1)
    assert decision.propensity == first.probability > 0.0


@settings(max_examples=40, deadline=None)
@given(outcomes, st.integers(0, 500), st.sampled_from([HOME, MAIL]), st.booleans())
def test_a_replay_gives_the_decision_and_its_record_again(
    told: list[Any], number: int, request: DecisionRequest, is_personal: bool
):
    learner = taught(told)
    learner.open_places = frozenset({"home"} if is_personal else ())
    rules = policy(exploration_share=0.2)
    decision = decide(request, OFFERED, person(number), rules, NOW_MS, learner=learner)
    again = decide(request, OFFERED, person(number), rules, NOW_MS, learner=copied(learner))
    assert again == decision
    event = event_of(decision, (Identifier("user_id:ada"),), NOW_MS)
    text = to_json(event)
    assert to_json(event_of(again, (Identifier("user_id:ada"),), NOW_MS)) == text
    read = decision_of(from_json(text, Event))
    assert read == decision
    assert isinstance(read, WeighedDecision)
    assert read.examples == decision.examples == examples_in(from_json(text, Event))
    chosen = () if decision.chosen == (LEAVE_ALONE,) else decision.chosen
    assert tuple(one.action_id for one in decision.examples) == chosen
    assert decision.learner == learner.version


@settings(max_examples=60, deadline=None)
@given(outcomes, st.integers(0, 2_000), st.sampled_from([HOME, MAIL]), st.sampled_from([0.0, 1.0]))
def test_who_is_held_out_of_an_action_never_gets_it(
    told: list[Any], number: int, request: DecisionRequest, share: float
):
    learner = taught(told)
    fates = set()
    for random_share in (0.0, 1.0):
        rules = policy(exploration_share=share, random_share=random_share)
        decision = decide(request, OFFERED, person(number), rules, NOW_MS, learner=learner)
        fate = next(one for one in decision.candidates if one.action_id == "a5")
        fates.add(fate.lost == "holdout")
        if fate.lost == "holdout":
            assert fate.probability == 0.0
            assert "a5" not in decision.chosen
    assert len(fates) == 1  # whatever is drawn and whoever asks, it is the same people


@settings(max_examples=30, deadline=None)
@given(outcomes, st.integers(0, 500))
def test_who_does_not_permit_it_is_neither_read_nor_learned_from(told: list[Any], number: int):
    learner = taught(told)
    learner.open_places = frozenset({"home"})
    silent = PersonFacts(
        person_id=f"per_{number}",
        consent={**AGREED, "personalize.offers": (2, "deny")},
        traits={"orders_90d": 3},
    )
    plain = [
        Candidate(
            action=Action(
                action_id=f"a{n}", kind="show_item", title="It", purpose="personalize.web"
            ),
            propensity=0.1,
            value_minor=10,
        )
        for n in range(3)
    ]
    decision = decide(HOME, plain, silent, policy(), NOW_MS, learner=learner)
    assert decision.examples == ()
    event = event_of(decision, (Identifier("user_id:ada"),), NOW_MS)
    assert "learning" not in event.properties
    bare = PersonFacts(person_id=silent.person_id, consent=silent.consent)
    other = decide(HOME, plain, bare, policy(), NOW_MS, learner=learner)
    assert other.candidates == decision.candidates


@pytest.mark.parametrize("way", ["inverse_gap", "thompson"])
def test_what_is_drawn_agrees_with_chances_that_were_learned(way: str):
    """The seed is fixed, so this cannot fail by chance."""
    chance = np.random.default_rng(3)
    learner = Learner(LearningSettings())
    for _ in range(400):
        number = int(chance.integers(12))
        example = Example(":home", "", f"a{number}", "catalogue", 0.03, 1, {})
        learner.learn(example, bool(chance.random() < 0.02 * (number % 5)))
    rules = policy(exploration=way, exploration_share=0.3, seed=4)
    people = [
        PersonFacts(person_id=f"per_{number}", consent=AGREED, traits={}) for number in range(4_000)
    ]
    offered = [one for one in OFFERED if not one.action.holdout_share]
    decisions = [decide(HOME, offered, one, rules, NOW_MS, learner=learner) for one in people]
    kept = {one.action_id: one.probability for one in decisions[0].candidates}
    assert max(kept.values()) < 0.9
    counted = Counter(decision.chosen[0] for decision in decisions)
    possible = [name for name, probability in kept.items() if probability > 0.0]
    test = chisquare(
        [counted[name] for name in possible], [kept[name] * len(people) for name in possible]
    )
    assert test.pvalue > 0.01


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 11), st.floats(0.001, 0.05))
def test_the_winner_stays_when_others_go_or_chances_move_a_little(
    number: int, gone: int, change: float
):
    hashes = np.array([hash_of(f"a{one}") for one in range(12)], dtype=np.uint64)
    ranked = np.arange(12)
    scales, errors = np.ones(12), np.full(12, 0.5)
    logits = np.linspace(0.0, -2.0, 12)
    first = by_thompson(ranked, scales, logits, errors, 0.02, 0.0)
    occasion = occasion_of(1, f"per_{number}", "home", 0)
    winner = drawn(first, occasion, lambda: ranked, lambda: hashes)
    assert first.units is not None
    others = ranked[ranked != gone]
    left = np.array(first.units)[others]
    left[0] += first.units[gone]  # what it had falls to the best
    fewer = first._replace(best=int(others[0]), listed=others, units=left)
    if winner != gone:
        assert drawn(fewer, occasion, lambda: others, lambda: hashes) in (winner, fewer.best)
    if winner != first.best:
        moved = np.array(first.units)
        gained = int(moved[winner] * change)
        moved[winner] += gained
        moved[0] -= gained
        likelier = first._replace(units=moved, best_units=int(moved[0]))
        assert drawn(likelier, occasion, lambda: ranked, lambda: hashes) == winner


def test_thompson_chances_are_those_of_a_million_draws():
    chance = np.random.default_rng(5)
    logits, errors = chance.normal(-2.0, 1.0, 8), chance.uniform(0.1, 0.8, 8)
    scales = chance.uniform(20.0, 60.0, 8)
    best = int(np.argmax(scales / (1 + np.exp(-logits))))
    ranked = np.array([best, *(place for place in range(8) if place != best)])
    found = by_thompson(ranked, scales[ranked], logits[ranked], errors[ranked], 0.0, 0.0)
    draws = scales / (1 + np.exp(-chance.normal(logits, errors, (400_000, 8))))
    shares = np.bincount(draws.argmax(axis=1), minlength=8) / 400_000
    for place, expected in enumerate(shares):
        assert found.chance_of(place) == pytest.approx(expected, abs=0.01)


def test_a_place_that_taught_nothing_explores_by_the_floor_alone():
    learner = taught([(Example(":elsewhere", "", "a1", "catalogue", 0.03, 1, {}), True)])
    decision = decide(HOME, OFFERED[:5], person(1), policy(), NOW_MS, learner=learner)
    chances = sorted(one.probability for one in decision.candidates[:-1])
    assert chances[:4] == pytest.approx([0.004] * 4, abs=1e-8)
    assert chances[4] == pytest.approx(1 - 4 * 0.004, abs=1e-7)


def test_actions_and_features_are_bounded_and_the_newest_stay():
    learner = Learner(LearningSettings(actions_max=5, features_max=64))
    for number in range(150):
        features = {f"context.page={number}": 1.0}
        learner.learn(
            Example(":home", f"g{number}", f"a{number}", "popular", 0.1, 1, features), True
        )
    learner.settle()
    personal, plain = learner.state.named()
    assert {("g149", "a149"), ("g148", "a148")} <= personal.arms.keys() == plain.arms.keys()
    assert len(personal.arms) <= 5
    assert {"", "g149"} <= personal.groups.keys()
    assert len(personal.groups) <= 6
    assert len(personal.columns) <= 64
    assert {"context.page=149", "bias"} <= set(personal.columns)
    assert personal.arms["g149", "a149"][1] > 0.0
    new = Candidate(
        action=Action(action_id="new", kind="make_offer", title="It", purpose="personalize.offers"),
        propensity=0.1,
        value_minor=1,
    )
    # Of 150 successes most are of actions that have left: what they taught of all others stays.
    decision = decide(HOME, [new], person(1), policy(), NOW_MS, learner=learner)
    assert decision.candidates[0].propensity > 0.9


@settings(max_examples=25, deadline=None)
@given(st.lists(st.booleans(), min_size=16, max_size=40))
def test_what_leaves_is_integrated_out(outcomes_of_all: list[bool]):
    """The ninth action makes the first one leave, and nothing changes for the others."""
    rooms = [Learner(LearningSettings(actions_max=most)) for most in (8, 9)]
    for number, success in enumerate([*outcomes_of_all, True]):
        last = number == len(outcomes_of_all)
        action = 8 if last else number % 8
        example = Example(
            ":home", "group 1" if action % 2 else "", f"a{action}", "catalogue", 0.05, 1,
            {"weekend": 1.0} if number % 3 else {},
        )  # fmt: skip
        for learner in rooms:
            if last:
                learner.settle()
            learner.learn(example, success)
            if last:
                learner.settle()
    few, all_of_them = (learner.state.named()[0].arms for learner in rooms)
    assert len(few) == 8
    assert len(all_of_them) == 9
    stayed = [
        Candidate(
            action=Action(action_id=name, kind="make_offer", title="It", group=group),
            propensity=0.05,
            value_minor=10,
        )
        for group, name in few
    ]
    chances = [
        [one.propensity for one in decided.candidates[:-1]]
        for learner in rooms
        for decided in [decide(HOME, stayed, person(1), policy(), NOW_MS, learner=learner)]
    ]
    assert chances[0] == pytest.approx(chances[1], rel=1e-6)


def test_a_place_has_one_name_for_each_channel():
    assert place_of("home", "") != place_of("home", "email")
    assert NOW_MS % MS_PER_DAY == MS_PER_DAY // 2
