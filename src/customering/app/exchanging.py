"""What was done for one person under each purpose, read from their decisions and purchases."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from customering.consent.exchange import Given
from customering.decision.model import LEAVE_ALONE, Action, Decision
from customering.decision.record import decision_of
from customering.events.model import DECISION_MADE, Event, products_of
from customering.kernel.errors import InvalidEvent
from customering.outcomes.attribute import attribute
from customering.outcomes.model import Attributed, OutcomeSettings
from customering.outcomes.read import made_of, told_by

ITEMS_PURPOSE = "personalize.web"
"""Under which what is shown is chosen, where an action names no purpose of its own."""

_USED = ("accepted", "bought")
_ALIKE = ("control", "common")


class Done(NamedTuple):
    """One action that was chosen for a person, and what came of it.

    Parameters
    ----------
    decision
        The decision it was chosen in.
    purpose
        The purpose of the action itself.
    is_used
        Whether they took it up, or bought what it is about and kept it.
    saved_minor
        What they paid less because of it. Minor units.
    """

    decision: Decision
    purpose: str
    is_used: bool
    saved_minor: int

    @property
    def is_alike(self) -> bool:
        """Whether everybody was given the same, so that nothing was chosen for this person."""
        return self.decision.choice in _ALIKE


def given_to(events: Sequence[Event], actions: Mapping[str, Action]) -> list[Given]:
    """Give what was done for a person because they permit it, each chosen action once.

    Parameters
    ----------
    events
        Everything of the person that matters, decisions included, in any order.
    actions
        The catalogue by action id, which says under which purpose an action is done.

    Notes
    -----
    An action counts for its own purpose, and a message for that of its channel as well. What
    everybody gets alike was not chosen for anybody: it counts for the channel alone. What was
    saved is the discount on the lines of a purchase that an action is about; where it is about no
    product, the discount on the whole order. Each discount counts for one action only, and what was
    brought back counts as not used.
    """
    return [
        Given(purpose, one.decision.decided_at, one.is_used, one.saved_minor)
        for one in done_for(events, actions)
        for purpose in _purposes(one)
    ]


def done_for(events: Sequence[Event], actions: Mapping[str, Action]) -> list[Done]:
    """Give every action that was chosen for a person, for them alone or for everybody alike.

    A decision that was written by a version that cannot be read any more is passed over.
    """
    decisions = [made for event in events if (made := _decision(event)) is not None]
    told = [outcome for outcome in map(told_by, events) if outcome is not None]
    found = attribute(told, [made_of(one, actions) for one in decisions], OutcomeSettings())
    saved = _used(found, {event.event_id: event for event in events}, actions)
    return [
        Done(
            decision,
            purpose=_own_purpose(actions.get(action_id)),
            is_used=key in saved,
            saved_minor=saved.get(key, 0),
        )
        for decision in decisions
        for action_id in decision.chosen
        if action_id != LEAVE_ALONE
        for key in [(decision.decision_id, action_id)]
    ]


def _decision(event: Event) -> Decision | None:
    if event.name != DECISION_MADE:
        return None
    try:
        return decision_of(event)
    except InvalidEvent:
        return None


def _used(
    found: Iterable[Attributed], by_id: Mapping[str, Event], actions: Mapping[str, Action]
) -> dict[tuple[str, str], int]:
    """Give what was saved by each action of each decision that was used."""
    saved: dict[tuple[str, str], int] = {}
    brought_back: set[tuple[str, str]] = set()
    counted: set[tuple[str, str]] = set()
    for one in found:
        key = one.decision_id, one.action_id
        if one.outcome in _USED:
            event = by_id.get(one.event_id)
            saved[key] = saved.get(key, 0) + _saved(event, actions.get(one.action_id), counted)
        elif one.outcome == "returned":
            brought_back.add(key)
    return {key: amount for key, amount in saved.items() if key not in brought_back}


def _own_purpose(action: Action | None) -> str:
    return action.purpose if action is not None and action.purpose else ITEMS_PURPOSE


def _purposes(one: Done) -> Iterable[str]:
    own = set() if one.is_alike else {one.purpose}
    return own | {one.decision.purpose} if one.decision.channel else own


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
