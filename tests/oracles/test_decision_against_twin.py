"""Weighing columns gives the same decision as going through the candidates one by one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import decision_twin
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.consent.gate import CompiledPolicy
from customering.consent.model import ConsentSettings, SetStatus
from customering.consent.purposes import shipped_purposes
from customering.decision.decide import decide
from customering.decision.learner import Example, Learner, place_of
from customering.decision.learning_settings import LearningSettings
from customering.decision.model import (
    LEAVE_ALONE,
    Action,
    Candidate,
    Contact,
    DecisionRequest,
    DecisionSettings,
    PersonFacts,
)
from customering.decision.offer import Offer, offer_of
from customering.decision.policy import DecisionPolicy, compile_policy
from customering.decision.record import decision_of, event_of
from customering.decision.settings import ArbitrationSettings, ContextWeight, Influence
from customering.events.model import Event
from customering.kernel.clock import MS_PER_DAY
from customering.kernel.ids import identifier
from customering.kernel.records import from_json, to_json
from customering.relationship.model import ContactContract

CONSENT = CompiledPolicy(shipped_purposes(), ConsentSettings())
NOW_MS = 1_496_318_400_000  # 2017-06-01T12:00:00Z
DAY = NOW_MS // MS_PER_DAY
PURPOSES = ("personalize.web", "personalize.offers", "marketing.email", "essential.service", "fax")
IDS = [*"abcdefghijklmnop", LEAVE_ALONE]

actions = st.builds(
    Action,
    action_id=st.sampled_from(IDS),
    kind=st.sampled_from(["show_item", "make_offer", "send_message", "leave_alone"]),
    title=st.sampled_from(["It", "That"]),
    purpose=st.sampled_from(PURPOSES[:4]),
    channel=st.sampled_from(["", "", "", "email", "sms"]),
    placements=st.sampled_from([(), (), ("here",), ("there",), ("there", "here")]),
    valid_from=st.sampled_from([None, None, NOW_MS, NOW_MS + 1]),
    valid_until=st.sampled_from([None, None, NOW_MS, NOW_MS + 1, NOW_MS + 5]),
    eligibility=st.sampled_from(["", "", "orders > 3", "context.page == 'cart'", "orders > 90"]),
    group=st.sampled_from(["", "", "bread", "wine"]),
    base_propensity=st.sampled_from([0.0, 0.01, 0.5]),
    lever=st.sampled_from([0.0, 1.0, 1.0, 2.5]),
    content=st.sampled_from([{}, {"subject": "Bread"}]),
    cooldown_days=st.sampled_from([0, 1, 2, 2, 45]),
    applicability=st.sampled_from(["", "", "", "orders > 3", "orders > 90"]),
    suitability=st.sampled_from(["", "", "", "context.page == 'cart'"]),
    spacing_hours=st.sampled_from([0, 0, 0, 30]),
    excludes=st.sampled_from([(), (), (), ("a", "b"), ("c",)]),
    holdout_share=st.sampled_from([0.0, 0.0, 0.0, 0.5]),
    stock=st.sampled_from([None, None, None, 0, 1, 2]),
    budget_minor=st.sampled_from([None, None, 150]),
    cost_minor=st.just(100),
)
candidates = st.lists(
    st.builds(
        Candidate,
        action=actions,
        propensity=st.one_of(st.sampled_from([0.0, 0.5]), st.floats(0, 1)),
        value_minor=st.sampled_from([-50, 0, 5, 40, 40, 500]),
        found_by=st.sampled_from(["repeat", "discover", "popular", "catalogue"]),
        facts=st.sampled_from([{}, {"times_bought": 3}]),
    ),
    max_size=25,
)
people = st.builds(
    PersonFacts,
    person_id=st.integers(0, 99).map("per_{}".format),
    traits=st.sampled_from([{}, {"orders": 9}]),
    consent=st.dictionaries(
        st.sampled_from(PURPOSES),
        st.tuples(st.integers(0, 3), st.sampled_from(["allow", "allow", "allow", "deny"])),
        max_size=4,
    ),
    status=st.sampled_from([None, None, SetStatus(status="on_a_break"), SetStatus(status="left")]),
    contract=st.sampled_from(
        [
            None,
            None,
            ContactContract(kinds=("show",), unasked_messages_per_30_days=0, words="Only so."),
            ContactContract(
                kinds=("show", "offer", "message"), unasked_messages_per_30_days=4, words="So."
            ),
        ]
    ),
    contacts=st.lists(
        st.builds(
            Contact,
            at_ms=st.integers(NOW_MS - 3 * MS_PER_DAY, NOW_MS + 2),
            channel=st.sampled_from(["", "", "email", "sms"]),
            action_id=st.sampled_from(IDS),
        ),
        max_size=4,
    ).map(tuple),
    dismissed=st.dictionaries(st.sampled_from(IDS), st.integers(DAY - 47, DAY + 1), max_size=4),
    outranked=st.frozensets(st.sampled_from(IDS), max_size=2),
    accepted=st.dictionaries(st.sampled_from(IDS), st.integers(DAY - 9, DAY), max_size=2),
    zone=st.sampled_from(["", "Europe/Vienna", "Asia/Tokyo"]),
    effects=st.sampled_from(
        [
            {},
            {},
            {"contact": 0.0},
            {"contact": 0.4, "contact:email": 0.25, "action:a": 0.0},
            {"action:b": 0.5, "action:gone": 0.0, "contact:sms": 0.1},
        ]
    ),
)
requests = st.builds(
    DecisionRequest,
    placement=st.sampled_from(["here", "nowhere"]),
    purpose=st.sampled_from(PURPOSES[:4]),
    channel=st.sampled_from(["", "", "email"]),
    slots=st.integers(1, 5),
    taken=st.sampled_from([{}, {"a": 1, "b": 2, "z": 1}]),
    context=st.sampled_from([{}, {"page": "cart"}]),
)
policies = st.builds(
    compile_policy,
    st.builds(
        DecisionSettings,
        exploration_share=st.sampled_from([0.0, 0.5, 1.0]),
        control_share=st.sampled_from([0.0, 0.0, 0.5]),
        attention_cost_minor=st.sampled_from([{"email": 0}, {"email": 15}]),
        most_per_group=st.integers(1, 3),
        discovery_slots=st.integers(0, 3),
        seed=st.integers(0, 9),
        exploration=st.sampled_from(["inverse_gap", "inverse_gap", "best"]),
        exploration_places=st.sampled_from([{}, {"here": 0.25}]),
        random_share=st.sampled_from([0.0, 0.0, 0.5]),
        context_weights=st.sampled_from(
            [
                (),
                (),
                (
                    ContextWeight(when="orders > 3", weight=1.7, groups=("bread",)),
                    ContextWeight(when="context.page == 'cart'", weight=0.3, actions=("a", "b")),
                    ContextWeight(when="orders > 90", weight=9.0),
                ),
            ]
        ),
        fallbacks=st.sampled_from([{}, {"here": "a"}]),
        after_dismissed=st.sampled_from([Influence(), Influence(factor=0.2)]),
        after_accepted=st.sampled_from([Influence(), Influence(factor=2.0, half_life_days=3.0)]),
        arbitration=st.sampled_from(
            [
                ArbitrationSettings(),
                ArbitrationSettings(),
                ArbitrationSettings(use_value=False),
                ArbitrationSettings(use_propensity=False, use_context_weight=False),
                ArbitrationSettings(use_lever=False),
                ArbitrationSettings(use_effect=False),
            ]
        ),
    ),
    st.just(CONSENT),
    st.builds(LearningSettings, context=st.sampled_from(["gate", "always", "never"])),
)


def _taught(places: frozenset[str]) -> Learner:
    learner = Learner(LearningSettings())
    learner.open_places = places
    for number in range(40):
        learner.learn(
            Example(
                place=place_of("here", ("", "email")[number % 2]),
                group=("", "bread")[number % 2],
                action_id="abcd"[number % 4],
                found_by="catalogue",
                prior=0.05,
                rank=1 + number % 3,
                features={"weekend": 1.0, "context.page=cart": number % 3},
            ),
            success=number % 4 == 1,
        )
    return learner


learners = st.sampled_from([None, None, _taught(frozenset()), _taught(frozenset({"here"}))])


@settings(max_examples=600, deadline=None)
@given(requests, candidates, people, policies, learners)
def test_columns_decide_as_one_by_one(
    request: DecisionRequest,
    offered: list[Candidate],
    person: PersonFacts,
    policy: DecisionPolicy,
    learner: Learner | None,
):
    quick = decide(request, offered, person, policy, NOW_MS, learner=learner)
    slow = decision_twin.decide(request, offered, person, policy, NOW_MS, learner=learner)
    if offered:
        told = any(one.prior is not None for one in quick.candidates)
        assert (quick.learner != "") == told
    slow = replace(slow, learner=quick.learner)
    for a, b in zip(quick.candidates, slow.candidates, strict=True):
        assert a == b
    assert quick == slow
    assert quick.picks == slow.picks
    event = event_of(quick, (identifier("user_id", "ada"),), NOW_MS)
    read: Mapping[str, Any] = from_json(to_json(event), Event).properties
    assert read["chosen"] == list(slow.chosen)
    assert decision_of(from_json(to_json(event), Event)) == slow
    assert decision_of(event) == slow


@settings(max_examples=150, deadline=None)
@given(
    candidates,
    st.lists(st.tuples(requests, people, policies, learners), min_size=2, max_size=5),
    st.lists(st.sampled_from([NOW_MS - 1, NOW_MS, NOW_MS + 1, NOW_MS + 7]), min_size=2, max_size=2),
)
def test_who_shares_an_offer_is_decided_for_as_if_alone(
    offered: list[Candidate],
    asked: list[tuple[DecisionRequest, PersonFacts, DecisionPolicy, Learner | None]],
    instants: list[int],
):
    alone = offer_of(offered)
    shared = Offer(alone.tables, alone.propensities, alone.facts, keeps=3)
    for now_ms in instants:
        for request, person, policy, learner in asked:
            quick = decide(request, shared, person, policy, now_ms, learner=learner)
            slow = decision_twin.decide(request, offered, person, policy, now_ms, learner=learner)
            assert quick == replace(slow, learner=quick.learner)
            assert quick.picks == slow.picks


def test_who_shares_an_offer_is_given_what_was_learned_meanwhile():
    learner = _taught(frozenset())
    policy = compile_policy(DecisionSettings(exploration="inverse_gap"), CONSENT)
    agreed = {"personalize.web": (1, "allow")}
    person = PersonFacts(
        person_id="per_ada", consent={**agreed, "personalize.offers": (1, "allow")}
    )
    request = DecisionRequest(placement="here", purpose="personalize.web")
    offered = [
        Candidate(
            action=Action(action_id=name, kind="show_item", title="It", purpose="personalize.web"),
            propensity=0.05,
            value_minor=100,
        )
        for name in "abcd"
    ]
    alone = offer_of(offered)
    shared = Offer(alone.tables, alone.propensities, alone.facts, keeps=3)
    told = set()
    for number in range(200):
        known = shared if number % 2 else offered
        decision = decide(request, known, person, policy, NOW_MS, learner=learner)
        slow = decision_twin.decide(request, offered, person, policy, NOW_MS, learner=learner)
        assert decision == replace(slow, learner=decision.learner)
        told.add(tuple(one.propensity for one in decision.candidates))
        learner.learn(
            Example(":here", "", "abcd"[number % 4], "catalogue", 0.05, 1, {"weekend": 1.0}),
            success=number % 4 == 2,
        )
    assert len(told) > 2
