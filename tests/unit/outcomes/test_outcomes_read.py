"""Which events tell of a decision, and what they say."""

from typing import Any

import pytest

from customering.decision.model import Action
from customering.events.model import Event
from customering.kernel.ids import Identifier
from customering.outcomes.model import EVENT_OF, Line, Outcome
from customering.outcomes.read import products_about, told_by


def event(name: str, kind: Any = "track", **properties: Any) -> Event:
    return Event(
        event_id="e",
        kind=kind,
        name=name,
        identifiers=(Identifier("user_id:ada"),),
        occurred_at=1,
        recorded_at=2,
        properties=properties,
    )


@pytest.mark.parametrize("outcome", EVENT_OF)
def test_our_own_events_tell_their_outcome(outcome: Outcome) -> None:
    told = told_by(event(EVENT_OF[outcome], decision_id="d", action_id="a", because="no"))
    assert told is not None
    assert (told.outcome, told.decision_id, told.action_id) == (outcome, "d", "a")
    assert told.because == "no"


def test_events_of_the_segment_spec_tell_when_they_name_a_decision() -> None:
    clicked = told_by(event("Product Clicked", decision_id="d", product_id="bread"))
    assert clicked is not None
    assert clicked.outcome == "clicked"
    assert clicked.lines == (Line(product_id="bread"),)
    assert told_by(event("Product Clicked", product_id="bread")) is None
    assert told_by(event("Anything", decision_id="d")) is None
    assert told_by(event("Action Shown", kind="page", decision_id="d")) is None
    assert told_by(event("Action Shown", decision_id=5)) is None


def test_purchases_tell_without_naming_a_decision() -> None:
    told = told_by(
        event(
            "Order Completed",
            revenue_minor=250,
            currency="EUR",
            order_id="o",
            products=[
                {"product_id": "bread", "amount_minor": 100},
                {"product_id": "wine", "amount_minor": "many"},
                {"name": "no id"},
                "no line",
            ],
        )
    )
    assert told is not None
    assert told.outcome == "bought"
    assert told.revenue_minor == 250
    assert told.lines == (
        Line(product_id="bread", amount_minor=100),
        Line(product_id="wine"),
    )


def test_what_an_action_is_about() -> None:
    club = Action(action_id="club", kind="make_offer", title="Club", products=("bread", "wine"))
    assert products_about("item:bread", {}) == ("bread",)
    assert products_about("club", {"club": club}) == ("bread", "wine")
    assert products_about("gone", {"club": club}) == ()
