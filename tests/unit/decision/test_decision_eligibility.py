"""Place, channel, dates, supply and condition of one action."""

from typing import Any

import pytest

from customering.decision.model import DecisionRequest

NOW_MS = 1_000_000
AWAKE = {"quiet_from": "00:00", "quiet_until": "00:00"}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, None),
        ({"placements": ("home", "cart")}, None),
        ({"placements": ("cart",)}, "placement"),
        ({"channel": "email"}, None),
        ({"channel": "sms"}, "channel"),
        ({"valid_from": NOW_MS}, None),
        ({"valid_from": NOW_MS + 1}, "not_yet"),
        ({"valid_until": NOW_MS + 1}, None),
        ({"valid_until": NOW_MS}, "over"),
        ({"stock": 4}, None),
        ({"stock": 3}, "sold_out"),
        ({"budget_minor": 400, "cost_minor": 100}, None),
        ({"budget_minor": 399, "cost_minor": 100}, "budget_spent"),
        ({"eligibility": "orders >= 3"}, None),
        ({"eligibility": "orders >= 4"}, "not_eligible"),
        ({"eligibility": "visits >= 0"}, "not_eligible"),
    ],
)
def test_the_first_rule_that_objects(shop: Any, fields: dict[str, Any], code: str | None):
    request = DecisionRequest(
        placement="home", purpose="marketing.email", channel="email", taken={"bread": 3}
    )
    person = shop.ada(traits={"orders": 3})
    decision = shop.decide(
        shop.candidate(**{"purpose": "marketing.email", **fields}),
        request=request,
        person=person,
        now_ms=NOW_MS,
        **AWAKE,
    )
    assert decision.candidates[0].lost == code


def test_an_end_is_told_as_its_last_day(shop: Any):
    request = DecisionRequest(placement="home", purpose="personalize.web")
    midnight = 86_400_000 * 10
    decision = shop.decide(shop.candidate(valid_until=midnight), request=request, now_ms=midnight)
    assert decision.candidates[0].words == "It ended on 1970-01-10."


@pytest.mark.parametrize(
    ("context", "code"),
    [({"page": "cart"}, None), ({"page": "home"}, "not_eligible"), ({}, "not_eligible")],
)
def test_a_condition_reads_the_circumstances(shop: Any, context: dict[str, Any], code: str | None):
    request = DecisionRequest(placement="home", purpose="personalize.web", context=context)
    offer = shop.candidate(eligibility="context.page == 'cart' and orders >= 3")
    decision = shop.decide(offer, request=request, person=shop.ada(traits={"orders": 3}))
    assert decision.candidates[0].lost == code
    assert decision.context == context


def test_the_circumstances_are_not_read_without_permission(shop: Any):
    request = DecisionRequest(placement="home", purpose="personalize.web", context={"page": "cart"})
    offer = shop.candidate(eligibility="context.page == 'cart'")
    decision = shop.decide(offer, request=request, person=shop.ada(consent={}))
    assert decision.candidates[0].lost == "not_eligible"
