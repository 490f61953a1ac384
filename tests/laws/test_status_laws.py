"""The law of status: nothing promotional survives one that forbids it, whatever was allowed."""

from hypothesis import given, settings
from hypothesis import strategies as st

from customering.consent.gate import CompiledPolicy
from customering.consent.model import ConsentRecord, ConsentSettings, SetStatus
from customering.consent.purposes import shipped_purposes
from customering.decision.decide import decide
from customering.decision.model import (
    LEAVE_ALONE,
    Action,
    Candidate,
    DecisionRequest,
    DecisionSettings,
    PersonFacts,
)
from customering.decision.policy import compile_policy

NOW_MS = 1_780_000_000_000
CONSENT = CompiledPolicy(shipped_purposes(), ConsentSettings())
EVERYTHING: ConsentRecord = {
    key: (1, "allow") for key, one in CONSENT.purposes.items() if not one.is_essential
}
FORBIDDING = [status for status, rule in CONSENT.rules.items() if rule.forbids]
ESSENTIAL = {key for key in CONSENT.purposes if CONSENT.is_essential(key)}
CALM = {"quiet_from": "00:00", "quiet_until": "00:00"}

purposes = st.sampled_from([*CONSENT.purposes, "marketing.fax", ""])
offers = st.lists(
    st.builds(
        lambda number, purpose, kind, chance: Candidate(
            action=Action(
                action_id=f"a{number}", kind=kind, title="It", purpose=purpose, base_propensity=0.9
            ),
            propensity=chance,
            value_minor=10_000,
        ),
        st.integers(0, 99),
        purposes,
        st.sampled_from(
            ["show_item", "make_offer", "send_message", "give_answer", "ask_question",
             "offer_consultation"]
        ),
        st.floats(0.1, 1.0),
    ),
    max_size=6,
    unique_by=lambda one: one.action.action_id,
)  # fmt: skip
requests = st.builds(
    DecisionRequest,
    placement=st.just("here"),
    purpose=st.sampled_from(list(CONSENT.purposes)),
    channel=st.sampled_from(["", "", "email", "sms", "push"]),
    slots=st.integers(1, 4),
)
policies = st.builds(
    lambda explored, control, seed: compile_policy(
        DecisionSettings(exploration_share=explored, control_share=control, seed=seed, **CALM),  # type: ignore[arg-type]
        CONSENT,
    ),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([0.0, 0.5]),
    st.integers(0, 50),
)


@settings(max_examples=250, deadline=None)
@given(requests, offers, st.sampled_from(FORBIDDING), policies)
def test_no_promotional_action_survives_a_status_that_forbids_it(
    request: DecisionRequest, offered: list[Candidate], status: str, policy: object
) -> None:
    """Everything was allowed, everything is worth it, and chance may choose: all the same."""
    person = PersonFacts(person_id="per_ada", consent=EVERYTHING, status=SetStatus(status=status))
    decision = decide(request, offered, person, policy, NOW_MS)  # type: ignore[arg-type]
    purpose_of = {one.action.action_id: one.action.purpose for one in offered}
    forbidden = CONSENT.every & ~CONSENT.restrict(CONSENT.every, person.status, NOW_MS)
    for chosen in decision.chosen:
        if chosen != LEAVE_ALONE:
            assert not CONSENT.bit(purpose_of[chosen]) & forbidden
    if request.channel and CONSENT.bit(request.purpose) & forbidden:
        assert decision.chosen == (LEAVE_ALONE,)
    for one in decision.candidates[:-1]:
        if CONSENT.bit(purpose_of[one.action_id]) & forbidden:
            assert (one.rank, one.probability) == (None, 0.0)


@settings(max_examples=100, deadline=None)
@given(requests, offers, policies)
def test_who_is_not_that_into_us_gets_no_message_but_what_the_service_needs(
    request: DecisionRequest, offered: list[Candidate], policy: object
) -> None:
    status = SetStatus(status="not_that_into_you")
    person = PersonFacts(person_id="per_ada", consent=EVERYTHING, status=status)
    decision = decide(request, offered, person, policy, NOW_MS)  # type: ignore[arg-type]
    purpose_of = {one.action.action_id: one.action.purpose for one in offered}
    courting = {"marketing", "ads", "share", "intent", "cocreate", "profile", "research"}
    for chosen in decision.chosen:
        if chosen != LEAVE_ALONE:
            assert purpose_of[chosen].split(".")[0] not in courting
            assert purpose_of[chosen] != "personalize.offers"
            if request.channel:
                assert request.purpose in ESSENTIAL or not request.purpose.startswith("marketing")
