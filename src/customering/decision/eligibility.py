"""Whether an action comes into question: its place, dates, stock, budget and condition."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from customering.decision.model import Action, DecisionRequest, Loss
from customering.kernel.clock import day_of, format_day
from customering.kernel.expressions import Expression, parse

_ELSEWHERE = Loss("placement", "It belongs in another place.")
_OTHER_CHANNEL = Loss("channel", "It belongs to another channel.")
_SOLD_OUT = Loss("sold_out", "There is none left.")
_BUDGET_SPENT = Loss("budget_spent", "What was set aside for it is spent.")


def eligibility_loss(
    action: Action, request: DecisionRequest, traits: Mapping[str, Any], now_ms: int
) -> Loss | None:
    """Give the first reason why an action does not come into question for a person, or None.

    Parameters
    ----------
    action
        The action.
    request
        The place to fill, with how often each action has been taken.
    traits
        The person's traits; a missing one makes every comparison with it false.
    now_ms
        The present, milliseconds since 1970.
    """
    if action.placements and request.placement not in action.placements:
        return _ELSEWHERE
    if action.channel and action.channel != request.channel:
        return _OTHER_CHANNEL
    if action.valid_from is not None and now_ms < action.valid_from:
        return Loss("not_yet", f"It starts on {format_day(day_of(action.valid_from))}.")
    if action.valid_until is not None and now_ms >= action.valid_until:
        return Loss("over", f"It ended on {format_day(day_of(action.valid_until - 1))}.")
    if action.stock is not None or action.budget_minor is not None:
        loss = _supply_loss(action, request.taken.get(action.action_id, 0))
        if loss is not None:
            return loss
    if action.eligibility and not condition_of(action.eligibility).holds(traits, now_ms):
        return Loss("not_eligible", f"It is only for whom this holds: {action.eligibility}")
    return None


@lru_cache(maxsize=4096)
def condition_of(text: str) -> Expression:
    """Read a condition once, however often it is asked."""
    return parse(text)


def _supply_loss(action: Action, taken: int) -> Loss | None:
    """Give the reason when an action has been taken as often as there is supply for it."""
    if action.stock is not None and taken >= action.stock:
        return _SOLD_OUT
    if action.budget_minor is not None and (taken + 1) * action.cost_minor > action.budget_minor:
        return _BUDGET_SPENT
    return None
