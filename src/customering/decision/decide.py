"""The act: what to do next for one person at one place.

1. Take a stance: may we, is the person in the control group, is it too often or too late?
2. Sift: remove what may not or cannot be done, each with its reason.
3. Weigh: chance, as far as learned from outcomes, times value times circumstances times lever.
4. Arbitrate: fill the places, best first; leaving the person alone is a candidate like the others.
5. Explore: chance may have the first place, with a probability that is known exactly.
6. Explain, and keep everything.

It is a pure function: the same inputs give the same decision, in any process and at any time.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from customering.decision.arbitrate import Slate, displaced
from customering.decision.arranged import Told, arrange, fallen_back, filled, told_of
from customering.decision.circumstances import weights_of
from customering.decision.explain import drawn_reason, quiet_reason
from customering.decision.explore import (
    CLOSE_MOST,
    WHOLE,
    FirstPlace,
    Ints,
    by_gap,
    by_thompson,
    drawn,
    flat,
    occasion_of,
    sharpness_of,
)
from customering.decision.learner import Learner
from customering.decision.model import (
    LEAVE_ALONE,
    Candidate,
    Choice,
    DecisionRequest,
    PersonFacts,
)
from customering.decision.offer import Offer, offer_of
from customering.decision.policy import Case, DecisionPolicy
from customering.decision.sift import Sifted, sift
from customering.decision.stance import Stance, take_stance
from customering.decision.timing import AT_ONCE, timing_of
from customering.decision.weigh import Weighing, weigh
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
    told
        What is told of them.
    choice
        How the first place was filled.
    first
        The chances of the first place; the number of candidates stands for leaving the person
        alone.
    participants
        How many came into question.
    quiet_is_possible
        Whether leaving the person alone is among these.
    """

    slate: Slate
    told: Told
    choice: Choice
    first: FirstPlace
    participants: int
    quiet_is_possible: bool


def decide(
    request: DecisionRequest,
    candidates: Sequence[Candidate] | Offer,
    person: PersonFacts,
    policy: DecisionPolicy,
    now_ms: int,
    *,
    learner: Learner | None = None,
) -> WeighedDecision:
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
    learner
        What earlier outcomes taught; it is only read. None for nothing.

    Returns
    -------
    WeighedDecision
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
    sifted = sift(case, stance)
    weights = None if stance.is_common else weights_of(case, sifted.readable)
    weighing = weigh(case, stance, learner, weights)
    outcome = _choose(case, stance, sifted, weighing)
    weighed = _weighed(case, stance, sifted, outcome, weighing)
    return _keep(case, stance, outcome, weighed, weighing.learner)


def _choose(case: Case, stance: Stance, sifted: Sifted, weighing: Weighing) -> _Outcome:
    """Fill the places by score, and draw what has the first one."""
    offer, request = case.offer, case.request
    order, best, told = arrange(case, stance, sifted, weighing.view)
    if not best.chosen:
        best, told = fallen_back(case, best, sifted), None
    quiet = len(offer)
    # A place on a page is left empty only when nothing is worth it; a contact may always be spared.
    may_be_quiet = not best.chosen or (request.is_contact and not stance.is_essential)
    count = len(order) + may_be_quiet
    best_first = best.chosen[0] if best.chosen else quiet
    first = _first_place(case, stance, weighing, order, best_first, may_be_quiet)

    def participants() -> Ints:
        places = np.flatnonzero(sifted.codes == 0)
        return np.append(places, quiet) if may_be_quiet else places

    won, slate, choice = best_first, best, stance.choice
    if first.best_units < WHOLE:
        day, person_id = day_of(case.now_ms), case.person.person_id
        occasion = occasion_of(case.policy.settings.seed, person_id, request.placement, day)
        won = drawn(first, occasion, participants, lambda: offer.hashes)
    if won != best_first:
        slate, told, choice = Slate([], best.codes), None, "drawn"
        if won != quiet:
            slate = filled(case, stance, sifted, weighing.view, order, won)
        slate = displaced(best, slate)
    told = told or told_of(offer, slate, is_common=stance.is_common)
    return _Outcome(slate, told, choice, first, count, may_be_quiet)


def _first_place(
    case: Case, stance: Stance, weighing: Weighing, order: Ints, best: int, may_be_quiet: bool
) -> FirstPlace:
    """Give the chances of the first place of those that came into question."""
    settings, learner, view = case.policy.settings, weighing.learner, weighing.view
    share, quiet_score = stance.exploration_share, float(stance.quiet_score_minor)
    quiet, count = len(case.offer), len(order) + may_be_quiet
    taught = 0 if learner is None else learner.taught(weighing.place)
    is_led = taught and not (stance.is_essential or stance.arm) and best != quiet
    if not is_led or settings.exploration == "best" or count < 2:
        return flat(best, count, share)
    if settings.exploration == "inverse_gap":
        close = order[:CLOSE_MOST]
        scores = view.scores[close]
        worth = int(np.count_nonzero(scores > quiet_score))
        close, scores = close[:worth], scores[:worth]
        if may_be_quiet:
            close, scores = np.append(close, quiet), np.append(scores, quiet_score)
        sharpness = sharpness_of(settings.exploration_sharpness, len(close), taught)
        return by_gap(close, scores, count, share, sharpness)
    ranked = np.append(order, quiet) if may_be_quiet else order
    assert learner is not None, "something was learned"
    spread = learner.spread(
        case.offer.tables,
        case.offer.logits,
        weighing.place,
        weighing.features if weighing.is_personal else None,
    )
    return by_thompson(
        ranked,
        np.append(view.scales, 0.0)[ranked],
        np.append(spread.logits, 0.0)[ranked],
        np.append(spread.errors, 0.0)[ranked],
        share,
        quiet_score,
    )


def _weighed(
    case: Case, stance: Stance, sifted: Sifted, outcome: _Outcome, weighing: Weighing
) -> Weighed:
    """Put together what became of all; only the chosen are explained now."""
    blocked = stance.blocked
    return Weighed(
        offer=case.offer,
        is_common=stance.is_common,
        chances=weighing.view.chances,
        weights=weighing.view.weights,
        effects=weighing.view.effects,
        factors=case.policy.settings.arbitration,
        codes=outcome.slate.codes,
        chosen=outcome.slate.chosen,
        reasons=outcome.told.reasons,
        first=outcome.first,
        quiet=_quiet(stance, outcome),
        blocked_words="" if blocked is None else blocked.words,
        refusals=sifted.refusals,
        rested=sifted.rested,
        features=weighing.features,
        is_learned=weighing.learner is not None,
        is_personal=weighing.is_personal,
        notes_products=case.policy.learning.last_touch,
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


def _keep(
    case: Case, stance: Stance, outcome: _Outcome, weighed: Weighed, learner: Learner | None
) -> WeighedDecision:
    """Put the decision together."""
    request, settings, chosen = case.request, case.policy.settings, outcome.slate.chosen
    told = outcome.told
    first = chosen[0] if chosen else len(case.offer)
    propensity = outcome.first.chance_of(first)
    reasons = [stance.words, told.reasons[0] if chosen else weighed.quiet.words]
    if outcome.choice == "drawn":
        reasons.append(drawn_reason(outcome.participants, propensity))
    expires_at = case.now_ms + settings.valid_minutes * 60 * MS_PER_SECOND
    if told.ends is not None:
        expires_at = min(expires_at, told.ends)
    is_message = chosen and request.is_contact and not stance.is_essential
    timing = timing_of(case, expires_at) if is_message else AT_ONCE
    reasons += [request.why_channel, timing.words]
    return WeighedDecision(
        weighed,
        decision_id=_decision_id(case),
        person_id=case.person.person_id,
        placement=request.placement,
        purpose=request.purpose,
        channel=request.channel,
        decided_at=case.now_ms,
        expires_at=expires_at,
        chosen=told.ids or (LEAVE_ALONE,),
        propensity=propensity,
        choice=outcome.choice,
        policy_version=case.policy.version,
        seed=settings.seed,
        reasons=tuple(filter(None, reasons)),
        context=request.context,
        contents=told.contents,
        arm=stance.arm,
        learner="" if learner is None else learner.version,
        not_before=timing.not_before,
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
