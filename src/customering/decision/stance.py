"""What holds for a person at a place before any candidate is looked at."""

from typing import NamedTuple

from customering.consent.gate import permit
from customering.consent.model import Permit, Refusal
from customering.decision.contact import caps_of, contact_loss
from customering.decision.explore import is_control, is_random
from customering.decision.model import Arm, Choice, Loss
from customering.decision.policy import Case
from customering.decision.wished import wished_loss

_CONTROL = (
    "You are in the group that gets the same as everybody, so that we can tell whether choosing "
    "for each person helps."
)
_COMMON = "So you get the same as everybody."
_ANSWERS_MOST = 1_000  # channels are asked for from outside: bound the memory
_HELD_BACK = Loss("control", "The control group is not contacted, to tell whether contact helps.")


class Stance(NamedTuple):
    """How a place may be filled for a person.

    Parameters
    ----------
    choice
        How the first place is filled unless it is drawn.
    blocked
        Why nothing may be done at all; None when something may.
    words
        What the person is told about it; empty when there is nothing to tell.
    may_use_facts
        Whether what is known of the person may be used.
    is_essential
        Whether the service or the law needs the place filled.
    exploration_share
        Share of cases in which the first place is drawn uniformly, in [0, 1].
    arm
        The group for comparison that the person is in; empty for nearly everybody.
    quiet_score_minor
        What a contact must be worth more than. Minor units.
    """

    choice: Choice = "best"
    blocked: Loss | None = None
    words: str = ""
    may_use_facts: bool = True
    is_essential: bool = False
    exploration_share: float = 0.0
    arm: Arm = ""
    quiet_score_minor: int = 0

    @property
    def is_common(self) -> bool:
        """Whether the order must be the same for everybody."""
        return self.choice in ("control", "common")


def take_stance(case: Case) -> Stance:
    """Ask permission, then the control group, then the limits on contact.

    Without permission nobody is contacted. A place where the person already is gets filled all the
    same, but without use of what is known of them. What the service or the law needs is subject to
    permission alone: no control group, no limits, no chance.
    """
    request, settings = case.request, case.policy.settings
    answer = permission(case, request.purpose, request.channel)
    if isinstance(answer, Refusal):
        if request.is_contact:
            return Stance(blocked=refused(answer))
        words = f"{answer.words} {_COMMON}"
        return Stance(choice="common", may_use_facts=False, words=words)
    if case.policy.consent.is_essential(request.purpose):
        return Stance(is_essential=True)
    if is_control(settings.seed, case.person.person_id, settings.control_share):
        blocked = _HELD_BACK if request.is_contact else None
        words = "" if blocked else _CONTROL
        return Stance(choice="control", arm="control", blocked=blocked, words=words)
    arm, share = _chance_for(case)
    if not request.is_contact:
        return Stance(exploration_share=share, arm=arm)
    return Stance(
        blocked=contact_loss(
            request.channel,
            case.person.contacts,
            case.person.zone,
            caps_of(settings.caps, case.person.contract),
            case.policy.quiet_hours,
            case.now_ms,
        )
        or wished_loss(
            case.person.wishes,
            case.person.contacts,
            case.policy.quiet_hours.zone_of(case.person.zone),
            case.now_ms,
        ),
        exploration_share=share,
        arm=arm,
        quiet_score_minor=_attention_cost(request.channel, settings.attention_cost_minor),
    )


def _chance_for(case: Case) -> tuple[Arm, float]:
    """Give the group of a person who is not in the control group, and their exploration share."""
    settings = case.policy.settings
    if settings.random_share and is_random(
        settings.seed, case.person.person_id, settings.random_share
    ):
        return "random", 1.0
    places = settings.exploration_places
    return "", places.get(case.request.placement, settings.exploration_share)


def permission(case: Case, purpose: str, channel: str) -> Permit | Refusal:
    """Ask the consent gate about the person of a case."""
    if case.person.consent or case.person.status is not None:
        return _asked(case, purpose, channel)
    # Without a status the answer does not depend on the time either.
    known = case.policy.unchosen.get((purpose, channel))
    if known is None:
        known = _asked(case, purpose, channel)
        if purpose in case.policy.consent.purposes and len(case.policy.unchosen) < _ANSWERS_MOST:
            case.policy.unchosen[purpose, channel] = known
    return known


def _asked(case: Case, purpose: str, channel: str) -> Permit | Refusal:
    return permit(
        case.person.consent,
        purpose,
        "",
        channel,
        case.now_ms,
        policy=case.policy.consent,
        status=case.person.status,
    )


def refused(refusal: Refusal) -> Loss:
    """Give the loss that a refusal of the gate means."""
    by_status = refusal.reason in ("status", "unknown_status")
    return Loss("status" if by_status else "consent", refusal.words)


def _attention_cost(channel: str, costs_minor: dict[str, int]) -> int:
    """Give what a contact costs in attention; an unpriced channel is taken as the dearest."""
    return costs_minor.get(channel, max(costs_minor.values(), default=0))
