"""Reads events as outcomes: which of them tell what came of a decision."""

from collections.abc import Mapping
from typing import Any

from customering.decision.model import LEAVE_ALONE, Action, Decision
from customering.events.model import Event, products_of
from customering.outcomes.model import OUTCOME_OF, PURCHASES, RETURNS, Line, Made, Told

_ITEM = "item:"


def told_by(event: Event) -> Told | None:
    """Give what an event tells of a decision; None when it tells nothing.

    Events of other names than those of `OUTCOME_OF` tell nothing, and neither do those that name no
    decision, except purchases and returns.
    """
    outcome = OUTCOME_OF.get(event.name) if event.kind == "track" else None
    if outcome is None:
        return None
    properties = event.properties
    decision_id = _text(properties, "decision_id")
    if not decision_id and event.name not in PURCHASES and event.name not in RETURNS:
        return None
    return Told(
        event_id=event.event_id,
        occurred_at=event.occurred_at,
        outcome=outcome,
        decision_id=decision_id,
        action_id=_text(properties, "action_id"),
        because=_text(properties, "because"),
        revenue_minor=_first_amount(properties, "revenue_minor", "total_minor"),
        currency=_text(properties, "currency"),
        order_id=_text(properties, "order_id"),
        lines=tuple(
            Line(product_id=line["product_id"], amount_minor=_first_amount(line, "amount_minor"))
            for line in products_of(properties)
            if isinstance(line.get("product_id"), str)
        ),
    )


def made_of(decision: Decision, actions: Mapping[str, Action]) -> Made:
    """Give what attribution needs of a decision; leaving alone has no outcomes.

    Parameters
    ----------
    actions
        The catalogue by action id, which says what each action is about.
    """
    return Made(
        decision_id=decision.decision_id,
        decided_at=decision.decided_at,
        actions={
            action_id: products_about(action_id, actions)
            for action_id in decision.chosen
            if action_id != LEAVE_ALONE
        },
    )


def products_about(action_id: str, actions: Mapping[str, Action]) -> tuple[str, ...]:
    """Give the products an action is about; an action that is in no catalogue any more has none."""
    if action_id.startswith(_ITEM):
        return (action_id.removeprefix(_ITEM),)
    action = actions.get(action_id)
    return () if action is None else action.products


def _text(properties: Mapping[str, Any], name: str) -> str:
    value = properties.get(name)
    return value if isinstance(value, str) else ""


def _first_amount(properties: Mapping[str, Any], *names: str) -> int | None:
    """Give the first of these that is a whole number."""
    for name in names:
        value = properties.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None
