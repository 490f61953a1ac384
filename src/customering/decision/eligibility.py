"""Whether an action comes into question by its condition and by what there is left of it."""

from functools import lru_cache

from customering.decision.model import Action, Lost
from customering.kernel.expressions import Expression, parse


@lru_cache(maxsize=4096)
def condition_of(text: str) -> Expression:
    """Read a condition once, however often it is asked."""
    return parse(text)


def supply_loss(action: Action, taken: int) -> Lost | None:
    """Give the rule that objects when an action has been taken as often as there is supply for.

    Parameters
    ----------
    taken
        How often it has been taken by everybody.
    """
    if action.stock is not None and taken >= action.stock:
        return "sold_out"
    if action.budget_minor is not None and (taken + 1) * action.cost_minor > action.budget_minor:
        return "budget_spent"
    return None
