"""What was done for one person under each purpose, read from their decisions and purchases."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from customering.consent.exchange import Given
from customering.decision.model import LEAVE_ALONE, Action, Decision
from customering.decision.record import decision_of
from customering.events.model import DECISION_MADE, Event, products_of
from customering.outcomes.attribute import attribute
from customering.outcomes.model import OutcomeSettings
from customering.outcomes.read import made_of, told_by

_ITEMS_PURPOSE = "personalize.web"
_USED = ("accepted", "bought")


def given_to(events: Sequence[Event], actions: Mapping[str, Action]) -> list[Given]:
    """Give what was done for a person, each chosen action of each decision once.

    Parameters
    ----------
    events
        Everything of the person that matters, decisions included, in any order.
    actions
        The catalogue by action id, which says under which purpose an action is done.

    Notes
    -----
    An action counts for its own purpose, and a message for that of its channel as well. What was
    saved is the discount on the lines of a purchase that an action is about; where it is about no
    product, the discount on the whole order. Each discount counts for one action only.
    """
    decisions = [decision_of(event) for event in events if event.name == DECISION_MADE]
    told = [outcome for outcome in map(told_by, events) if outcome is not None]
    found = attribute(told, [made_of(one, actions) for one in decisions], OutcomeSettings())
    by_id = {event.event_id: event for event in events}
    used: dict[tuple[str, str], int] = {}
    counted: set[tuple[str, str]] = set()
    for one in found:
        if one.outcome in _USED:
            saved = _saved(by_id.get(one.event_id), actions.get(one.action_id), counted)
            key = one.decision_id, one.action_id
            used[key] = used.get(key, 0) + saved
    return [
        Given(purpose, decision.decided_at, key in used, used.get(key, 0))
        for decision in decisions
        for action_id in decision.chosen
        if action_id != LEAVE_ALONE
        for purpose in _purposes(decision, actions.get(action_id))
        for key in [(decision.decision_id, action_id)]
    ]


def _purposes(decision: Decision, action: Action | None) -> Iterable[str]:
    own = action.purpose if action is not None and action.purpose else _ITEMS_PURPOSE
    return {own, decision.purpose} if decision.channel else {own}


def _saved(event: Event | None, action: Action | None, counted: set[tuple[str, str]]) -> int:
    """Give the discount in an event that an action explains, if no action had it before."""
    if event is None:
        return 0
    about = () if action is None else action.products
    amounts = {
        str(line.get("product_id")): line.get("discount_minor")
        for line in products_of(event.properties)
        if line.get("product_id") in about
    } or {"": event.properties.get("discount_minor")}
    saved = 0
    for product, amount in amounts.items():
        if (event.event_id, product) not in counted:
            counted.add((event.event_id, product))
            saved += _whole(amount)
    return saved


def _whole(amount: Any) -> int:
    return amount if isinstance(amount, int) and not isinstance(amount, bool) and amount > 0 else 0
