"""The act: what to do next for one person at one place.

1. Take a stance: may we, is the person in the control group, is it too often or too late?
2. Sift: remove what may not or cannot be done, each with its reason.
3. Score: propensity times value times lever.
4. Arbitrate: fill the places, best first; leaving the person alone is a candidate like the others.
5. Explore: now and then chance has the first place, with a probability that is known exactly.
6. Explain, and keep everything.

It is a pure function: the same inputs give the same decision, in any process and at any time.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from customering.decision.arbitrate import Slate, displaced, fill
from customering.decision.explain import FOR_ALL, drawn_reason, quiet_reason
from customering.decision.explore import drawn_among, explores, first_place_probabilities
from customering.decision.model import (
    LEAVE_ALONE,
    Candidate,
    Choice,
    Decision,
    DecisionRequest,
    PersonFacts,
)
from customering.decision.offer import Offer, View, offer_of
from customering.decision.policy import Case, DecisionPolicy
from customering.decision.sift import Sifted, sift
from customering.decision.stance import Stance, take_stance
from customering.decision.weighed import Quiet, Weighed, WeighedDecision
from customering.kernel.clock import MS_PER_SECOND, day_of
from customering.kernel.ids import stable_id

_NOT_QUIET = "Something here is worth more to you than quiet."
_QUIET_LOST_BY_CHANCE = "Chance chose something instead of quiet."


class _Outcome(NamedTuple):
    """Who got the places and with what chance; an empty slate leaves the person alone.

    Parameters
    ----------
    slate
        Who got the places.
    choice
        How the first place was filled.
    best
        Who is best by score; the number of candidates stands for leaving the person alone.
    shares
        The chance of the first place of the best, and of each other that came into question.
    participants
        How many came into question.
    quiet_is_possible
        Whether leaving the person alone is among these.
    """

    slate: Slate
    choice: Choice
    best: int
    shares: tuple[float, float]
    participants: int
    quiet_is_possible: bool


def decide(
    request: DecisionRequest,
    candidates: Sequence[Candidate] | Offer,
    person: PersonFacts,
    policy: DecisionPolicy,
    now_ms: int,
) -> Decision:
    """Decide what to do for one person now.

    Parameters
    ----------
    request
        The place to fill.
    candidates
        What might be done, as it is or arranged before; leaving the person alone need not be among
        it.
    person
        What is known of the person.
    policy
        Settings and purposes.
    now_ms
        The present, milliseconds since 1970.

    Returns
    -------
    Decision
        Every candidate is either chosen or has exactly one reason; leaving alone is chosen when
        nothing else is.

    Raises
    ------
    Invalid
        When the propensity of a candidate is not in [0, 1].
    """
    offer = candidates if isinstance(candidates, Offer) else offer_of(candidates)
    case = Case(request, offer, person, policy, now_ms)
    stance = take_stance(case)
    view = offer.view(is_common=stance.is_common)
    sifted = sift(case, stance)
    outcome = _choose(case, stance, sifted, view)
    return _keep(case, stance, outcome, _weighed(case, stance, sifted, outcome, view))


def _choose(case: Case, stance: Stance, sifted: Sifted, view: View) -> _Outcome:
    """Fill the places by score, then let chance have the first one if it is its turn."""
    settings, offer, request = case.policy.settings, case.offer, case.request
    remains = sifted.codes == 0
    order = view.order[remains[view.order]]

    def filled(first: int | None) -> Slate:
        return fill(
            order,
            offer,
            view.scores,
            sifted.codes,
            slots=request.slots,
            quiet_score=-math.inf if stance.is_essential else stance.quiet_score_minor,
            most_per_group=settings.most_per_group,
            discovery_slots=settings.discovery_slots,
            first=first,
        )

    best = filled(None)
    quiet = len(offer)
    # A place on a page is left empty only when nothing is worth it; a contact may always be spared.
    may_be_quiet = not best.chosen or (request.is_contact and not stance.is_essential)
    count, share = len(order) + may_be_quiet, stance.exploration_share
    best_first = best.chosen[0] if best.chosen else quiet
    shares = first_place_probabilities(count, share)
    day, person_id = day_of(case.now_ms), case.person.person_id
    # Where only one is possible there is nothing to draw.
    if count < 2 or not explores(settings.seed, person_id, request.placement, day, share):
        return _Outcome(best, stance.choice, best_first, shares, count, may_be_quiet)
    participants = [*np.flatnonzero(remains).tolist(), *([quiet] if may_be_quiet else [])]
    names = [*offer.ids, LEAVE_ALONE]
    ids = [names[place] for place in participants]
    first = participants[drawn_among(settings.seed, person_id, request.placement, day, ids)]
    slate = Slate([], best.codes) if first == quiet else filled(first)
    return _Outcome(displaced(best, slate), "drawn", best_first, shares, count, may_be_quiet)


def _weighed(case: Case, stance: Stance, sifted: Sifted, outcome: _Outcome, view: View) -> Weighed:
    """Put together what became of all; only the chosen are explained now."""
    offer, blocked = case.offer, stance.blocked
    return Weighed(
        offer=offer,
        is_common=stance.is_common,
        chances=view.chances,
        codes=outcome.slate.codes,
        chosen=outcome.slate.chosen,
        reasons=[
            FOR_ALL if stance.is_common else offer.reasons(place) for place in outcome.slate.chosen
        ],
        best=outcome.best,
        shares=outcome.shares,
        quiet=_quiet(stance, outcome),
        blocked_words="" if blocked is None else blocked.words,
        refusals=sifted.refusals,
        rested=sifted.rested,
    )


def _quiet(stance: Stance, outcome: _Outcome) -> Quiet:
    """Say what became of leaving the person alone, whose score is the cost of attention."""
    score = float(stance.quiet_score_minor)
    if not outcome.slate.chosen:
        blocked = stance.blocked
        others = outcome.participants - outcome.quiet_is_possible
        words = quiet_reason(others) if blocked is None else blocked.words
        return Quiet(score=score, is_possible=True, lost=None, words=words)
    is_drawn = outcome.choice == "drawn"
    return Quiet(
        score=score,
        is_possible=outcome.quiet_is_possible,
        lost="exploration" if is_drawn else "outscored",
        words=_QUIET_LOST_BY_CHANCE if is_drawn else _NOT_QUIET,
    )


def _keep(case: Case, stance: Stance, outcome: _Outcome, weighed: Weighed) -> Decision:
    """Put the decision together."""
    request, settings, chosen = case.request, case.policy.settings, outcome.slate.chosen
    first = chosen[0] if chosen else len(case.offer)
    propensity = outcome.shares[0] if first == outcome.best else outcome.shares[1]
    reasons = [stance.words, weighed.reasons[0] if chosen else weighed.quiet.words]
    if outcome.choice == "drawn":
        reasons.append(drawn_reason(outcome.participants, propensity))
    expires_at = case.now_ms + settings.valid_minutes * 60 * MS_PER_SECOND
    ids: list[str] = []
    contents: dict[str, dict[str, str]] = {}
    for place in chosen:
        table, row = case.offer.at(place)
        action_id, until = table.columns.action_id[row], table.columns.valid_until[row]
        ids.append(action_id)
        if until is not None:
            expires_at = min(expires_at, until)
        if table.actions and table.actions[row].content:
            contents[action_id] = table.actions[row].content
    return WeighedDecision(
        weighed,
        decision_id=_decision_id(case),
        person_id=case.person.person_id,
        placement=request.placement,
        purpose=request.purpose,
        channel=request.channel,
        decided_at=case.now_ms,
        expires_at=expires_at,
        chosen=tuple(ids) or (LEAVE_ALONE,),
        propensity=propensity,
        choice=outcome.choice,
        policy_version=case.policy.version,
        seed=settings.seed,
        reasons=tuple(filter(None, reasons)),
        context=request.context,
        contents=contents,
    )


def _decision_id(case: Case) -> str:
    request = case.request
    return stable_id(
        "dec",
        case.person.person_id,
        request.placement,
        request.purpose,
        request.channel,
        str(case.now_ms),
        case.policy.version,
    )
