"""The nouns of outcomes: what can come of a decision, how events tell it, and who gets credit."""

from typing import Annotated, Literal

import msgspec

from customering.kernel.records import Record, Settings

Outcome = Literal["shown", "clicked", "accepted", "dismissed", "bought", "returned"]
"""What can come of an action: seen, followed, taken up, "not this", paid for, brought back."""

ACTION_SHOWN = "Action Shown"
ACTION_CLICKED = "Action Clicked"
ACTION_ACCEPTED = "Action Accepted"
ACTION_DISMISSED = "Action Dismissed"
ACTION_BOUGHT = "Action Bought"
ACTION_RETURNED = "Action Returned"

EVENT_OF: dict[Outcome, str] = {
    "shown": ACTION_SHOWN,
    "clicked": ACTION_CLICKED,
    "accepted": ACTION_ACCEPTED,
    "dismissed": ACTION_DISMISSED,
    "bought": ACTION_BOUGHT,
    "returned": ACTION_RETURNED,
}
"""The event in which an outcome is kept. Anybody who may send events may send these as well."""

PURCHASES = ("Order Completed", "Store Purchase Completed")
RETURNS = ("Order Refunded", "Store Purchase Returned")

OUTCOME_OF: dict[str, Outcome] = {
    **{name: outcome for outcome, name in EVENT_OF.items()},
    "Product List Viewed": "shown",
    "Promotion Viewed": "shown",
    "Product Clicked": "clicked",
    "Promotion Clicked": "clicked",
    "Email Clicked": "clicked",
    "Coupon Redeemed": "accepted",
    **dict.fromkeys(PURCHASES, "bought"),
    **dict.fromkeys(RETURNS, "returned"),
}
"""What an event that names a decision means. Purchases and returns may go without a name."""

DISMISSED_TRAIT = "dismissed_actions"
"""The trait that holds on which day a person last dismissed each action."""


class OutcomeSettings(Settings, frozen=True, kw_only=True):
    """How outcomes are attributed."""

    window_days: Annotated[
        int,
        msgspec.Meta(
            description="Days after the last showing or click within which a purchase of what an"
            " action is about is its outcome.",
            ge=1,
            le=365,
        ),
    ] = 7


class Line(Record, frozen=True, kw_only=True):
    """One product of a purchase or return, and what it came to; None when not told. Minor units."""

    product_id: str
    amount_minor: int | None = None


class Told(Record, frozen=True, kw_only=True):
    """One event, read as an outcome.

    Parameters
    ----------
    event_id, occurred_at
        The event, and when it happened in milliseconds since 1970.
    outcome
        What it tells.
    decision_id, action_id
        What it names; empty when it does not.
    because
        Why the person said no, in their words or the shop's; empty when not told.
    revenue_minor, currency
        What was paid or given back; None and empty when not told. Minor units.
    order_id, lines
        Which order, and what it holds.
    """

    event_id: str
    occurred_at: int
    outcome: Outcome
    decision_id: str = ""
    action_id: str = ""
    because: str = ""
    revenue_minor: int | None = None
    currency: str = ""
    order_id: str = ""
    lines: tuple[Line, ...] = ()


class Made(Record, frozen=True, kw_only=True):
    """What attribution needs of a decision.

    Parameters
    ----------
    decision_id, decided_at
        The decision, and when it was made in milliseconds since 1970.
    actions
        For each chosen action the products it is about, best place first.
    """

    decision_id: str
    decided_at: int
    actions: dict[str, tuple[str, ...]]


class Attributed(Record, frozen=True, kw_only=True):
    """One outcome and the decision it belongs to.

    Parameters
    ----------
    decision_id
        The decision.
    action_id
        Which of its actions; empty when the whole of it is meant.
    outcome, occurred_at, event_id, because
        What came of it, as in `Told`.
    how
        ``named`` when the event names the decision, ``last_touch`` when it was concluded.
    revenue_minor, currency
        What was paid for, or given back for, what the action is about. Minor units, never negative.
    words
        Why it belongs here.
    """

    decision_id: str
    action_id: str
    outcome: Outcome
    occurred_at: int
    event_id: str
    how: Literal["named", "last_touch"]
    because: str = ""
    revenue_minor: int | None = None
    currency: str = ""
    words: str
