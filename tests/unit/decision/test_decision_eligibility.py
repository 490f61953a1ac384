"""Place, channel, dates, supply and condition of one action."""

from typing import Any

import pytest

from customering.decision.eligibility import eligibility_loss
from customering.decision.model import DecisionRequest

NOW_MS = 1_000_000


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
    loss = eligibility_loss(shop.action(**fields), request, {"orders": 3}, NOW_MS)
    assert (loss and loss.code) == code


def test_an_end_is_told_as_its_last_day(shop: Any):
    request = DecisionRequest(placement="home", purpose="personalize.web")
    midnight = 86_400_000 * 10
    loss = eligibility_loss(shop.action(valid_until=midnight), request, {}, midnight)
    assert loss is not None
    assert loss.words == "It ended on 1970-01-10."
