"""The gate at the moment of sending: what was decided a while ago may be forbidden by now."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from customering.app.consenting import status_of
from customering.app.people import Person
from customering.consent.gate import CompiledPolicy, permit
from customering.consent.model import Permit, Reason, Refusal
from customering.decision.model import LEAVE_ALONE, Action, Decision
from customering.kernel.clock import format_instant
from customering.kernel.records import Record

_PRODUCT = "item:"
_PRODUCT_PURPOSE = "personalize.web"
"""Under which purpose products are shown."""


Cause: TypeAlias = Reason | Literal["not_yet", "expired", "unknown_action"]


class Delivery(Record, frozen=True, kw_only=True):
    """Whether one thing may be delivered now.

    Parameters
    ----------
    action_id
        What was chosen.
    is_permitted, reason, words
        The answer, its code, and what the person reads.
    """

    action_id: str
    is_permitted: bool
    reason: Cause
    words: str


def ask_again(
    made: Decision,
    person: Person,
    actions: Mapping[str, Action],
    policy: CompiledPolicy,
    now_ms: int,
) -> tuple[Delivery, ...]:
    """Ask about each thing that was chosen whether it may be delivered now.

    The gate is asked for the purpose of the place and for that of the action, by the channel of the
    decision; the first refusal stands. What was chosen without regard to the person profiles
    nobody, so there only their status is asked, as it was when it was chosen.

    Parameters
    ----------
    made
        The decision.
    person
        Whom it is for, as they are now.
    actions
        What may be done, by id; an action that is gone is refused.
    policy
        The gate.
    now_ms
        The present, milliseconds since 1970.
    """
    found = []
    for action_id in made.chosen:
        if action_id == LEAVE_ALONE:
            continue
        purpose = _purpose_of(action_id, actions)
        said: Permit | Refusal | None = None
        reason: Cause = "unknown_action"
        words = "This is not done any more."
        if now_ms < made.not_before:
            reason, words = "not_yet", f"It is for {format_instant(made.not_before)} and later."
        elif now_ms >= made.expires_at:
            reason, words = "expired", f"It was good until {format_instant(made.expires_at)}."
        elif purpose is not None:
            said = _minimum(made, purpose, person, policy, now_ms)
            reason, words = said.reason, said.words
        found.append(
            Delivery(
                action_id=action_id,
                is_permitted=isinstance(said, Permit),
                reason=reason,
                words=words,
            )
        )
    return tuple(found)


def _purpose_of(action_id: str, actions: Mapping[str, Action]) -> str | None:
    """Give the purpose of something that was chosen; None when it is not known any more."""
    if action_id.startswith(_PRODUCT):
        return _PRODUCT_PURPOSE
    action = actions.get(action_id)
    return None if action is None else action.purpose


def _minimum(
    made: Decision, purpose: str, person: Person, policy: CompiledPolicy, now_ms: int
) -> Permit | Refusal:
    """Ask for the place and for the action."""
    status = status_of(person)
    is_common = made.choice == "common"

    def ask(one: str) -> Permit | Refusal:
        return permit(person.consent, one, "", made.channel, now_ms, policy=policy, status=status)

    if not is_common:
        place = ask(made.purpose)
        if isinstance(place, Refusal):
            return place
    if is_common and policy.is_profiling(purpose):
        forbidden = policy.forbidden_by_status(status, purpose, now_ms)
        words = "It is shown to everybody."
        return forbidden or Permit(purpose=purpose, reason="default", words=words)
    return ask(purpose)
