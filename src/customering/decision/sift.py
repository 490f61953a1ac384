"""Removes what may not or cannot be done for a person, with the first rule that says so."""

from typing import NamedTuple

from customering.consent.model import Permit, Refusal
from customering.decision.contact import contract_loss, cooldown_loss, last_contacts
from customering.decision.eligibility import eligibility_loss
from customering.decision.model import LEAVE_ALONE, Action, ActionKind, Loss
from customering.decision.policy import Case
from customering.decision.stance import Stance, permission, refused

_DUPLICATE = Loss("duplicate", "It is considered already.")
_PERSONAL_ONLY = Loss("personal_only", "It is not among what everybody gets.")
_NOT_ESSENTIAL = Loss("not_essential", "It has no place in a message that the service needs.")


class Sifted(NamedTuple):
    """The candidates that remain, in order of input, and the reason of each other, by index."""

    eligible: list[int]
    losses: dict[int, Loss]


def sift(case: Case, stance: Stance) -> Sifted:
    """Ask every rule about every candidate; the first that objects is the reason."""
    if stance.blocked is not None:
        return Sifted([], dict.fromkeys(range(len(case.candidates)), stance.blocked))
    rules = _Rules(case, stance)
    seen = {LEAVE_ALONE}
    eligible: list[int] = []
    losses: dict[int, Loss] = {}
    for index, candidate in enumerate(case.candidates):
        action = candidate.action
        if action.action_id in seen or action.kind == LEAVE_ALONE:
            loss: Loss | None = _DUPLICATE
        else:
            loss = rules.loss(action)
        seen.add(action.action_id)
        if loss is None:
            eligible.append(index)
        else:
            losses[index] = loss
    return Sifted(eligible, losses)


class _Rules:
    """The rules about single actions, for one person; what repeats is asked once."""

    def __init__(self, case: Case, stance: Stance) -> None:
        self._case = case
        self._stance = stance
        self._traits = case.person.traits if stance.may_use_facts else {}
        self._last = last_contacts(case.person.contacts)
        self._answers: dict[tuple[str, str, ActionKind], Loss | None] = {}

    def loss(self, action: Action) -> Loss | None:
        """Give the first reason against an action, or None."""
        case, stance = self._case, self._stance
        if stance.is_common and action.base_propensity == 0.0:
            return _PERSONAL_ONLY
        loss = eligibility_loss(action, case.request, self._traits, case.now_ms)
        if loss is None:
            loss = self._permission_loss(action)
        if loss is None and action.action_id in self._last:
            loss = cooldown_loss(action, self._last[action.action_id], case.now_ms)
        return loss

    def _permission_loss(self, action: Action) -> Loss | None:
        """Ask the gate and the status about actions of one purpose, channel and kind, once."""
        asked = (action.purpose, action.channel, action.kind)
        if asked not in self._answers:
            self._answers[asked] = self._ask(*asked)
        return self._answers[asked]

    def _ask(self, purpose: str, channel: str, kind: ActionKind) -> Loss | None:
        """Ask the gate, then what kinds of contact are fine; what is essential needs only the gate.

        Where nothing known of the person is used, what is shown profiles nobody, so a profiling
        purpose needs no agreement there; but a person who told us how we stand is not courted.
        """
        case, consent = self._case, self._case.policy.consent
        answer: Permit | Refusal | None
        if not self._stance.may_use_facts and consent.is_profiling(purpose):
            answer = consent.forbidden_by_status(case.person.status, purpose, case.now_ms)
        else:
            answer = permission(case, purpose, channel)
        if isinstance(answer, Refusal):
            return refused(answer)
        if self._stance.is_essential:
            return None if consent.is_essential(purpose) else _NOT_ESSENTIAL
        return contract_loss(kind, case.person.contract, is_contact=case.request.is_contact)
