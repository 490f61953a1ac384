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

from customering.decision.arbitrate import Slate, displaced, fill
from customering.decision.explain import drawn_reason, quiet_reason, reasons_of
from customering.decision.explore import drawn_first, first_place_probabilities
from customering.decision.model import (
    LEAVE_ALONE,
    Candidate,
    Choice,
    Considered,
    Decision,
    DecisionRequest,
    Loss,
    PersonFacts,
)
from customering.decision.policy import Case, DecisionPolicy
from customering.decision.score import order_of, priorities, propensities
from customering.decision.sift import sift
from customering.decision.stance import Stance, take_stance
from customering.kernel.clock import MS_PER_SECOND, day_of
from customering.kernel.ids import stable_id

_NOT_QUIET = Loss("outscored", "Something here is worth more to you than quiet.")
_QUIET_LOST_BY_CHANCE = Loss("exploration", "Chance chose something instead of quiet.")


class _Outcome(NamedTuple):
    """Who got the places and with what chance; an empty slate leaves the person alone.

    The probabilities of the first place are by index; the index after the last candidate stands for
    leaving the person alone. Who is not listed had no chance.
    """

    slate: Slate
    choice: Choice
    probabilities: dict[int, float]


def decide(
    request: DecisionRequest,
    candidates: Sequence[Candidate],
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
        What might be done; leaving the person alone need not be among it.
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
    case = Case(request, candidates, person, policy, now_ms)
    stance = take_stance(case)
    eligible, losses = sift(case, stance)
    chances = propensities(candidates, is_common=stance.is_common)
    scores = priorities(chances, candidates).tolist()
    outcome = _choose(case, stance, eligible, scores)
    losses = losses | outcome.slate.losses
    considered = [
        *_considered(case, stance, outcome, chances.tolist(), scores, losses),
        _quiet_considered(case, stance, outcome, len(eligible)),
    ]
    return _keep(case, stance, outcome, considered)


def _choose(
    case: Case, stance: Stance, eligible: Sequence[int], scores: Sequence[float]
) -> _Outcome:
    """Fill the places by score, then let chance have the first one if it is its turn."""
    settings, candidates, request = case.policy.settings, case.candidates, case.request
    order = order_of(eligible, scores, candidates)

    def filled(first: int | None) -> Slate:
        return fill(
            order,
            candidates,
            scores,
            slots=request.slots,
            quiet_score=-math.inf if stance.is_essential else stance.quiet_score_minor,
            most_per_group=settings.most_per_group,
            discovery_slots=settings.discovery_slots,
            first=first,
        )

    best = filled(None)
    quiet = len(candidates)
    participants = [*eligible]
    # A place on a page is left empty only when nothing is worth it; a contact may always be spared.
    if not best.chosen or (request.is_contact and not stance.is_essential):
        participants.append(quiet)
    best_first = best.chosen[0] if best.chosen else quiet
    probabilities = first_place_probabilities(
        len(participants), participants.index(best_first), stance.exploration_share
    )
    known = dict(zip(participants, probabilities.tolist(), strict=True))
    drawn = drawn_first(
        settings.seed,
        case.person.person_id,
        request.placement,
        day_of(case.now_ms),
        [LEAVE_ALONE if i == quiet else candidates[i].action.action_id for i in participants],
        stance.exploration_share,
    )
    if drawn is None:
        return _Outcome(best, stance.choice, known)
    first = participants[drawn]
    slate = Slate([], best.losses) if first == quiet else filled(first)
    return _Outcome(displaced(best, slate), "drawn", known)


def _considered(
    case: Case,
    stance: Stance,
    outcome: _Outcome,
    chances: Sequence[float],
    scores: Sequence[float],
    losses: dict[int, Loss],
) -> list[Considered]:
    """Give each candidate with the parts of its score and its fate."""
    ranks = {index: rank for rank, index in enumerate(outcome.slate.chosen, start=1)}
    kept = []
    for index, candidate in enumerate(case.candidates):
        loss = losses.get(index)
        kept.append(
            Considered(
                action_id=candidate.action.action_id,
                title=candidate.action.title,
                kind=candidate.action.kind,
                found_by=candidate.found_by,
                propensity=chances[index],
                value_minor=candidate.value_minor,
                lever=candidate.action.lever,
                score=scores[index],
                probability=outcome.probabilities.get(index, 0.0),
                rank=ranks.get(index),
                lost=None if loss is None else loss.code,
                words=(
                    reasons_of(candidate, is_common=stance.is_common)
                    if loss is None
                    else loss.words
                ),
            )
        )
    return kept


def _quiet_considered(
    case: Case, stance: Stance, outcome: _Outcome, eligible_count: int
) -> Considered:
    """Give the candidate that leaves the person alone, whose score is the cost of attention."""
    loss: Loss | None = None
    if outcome.slate.chosen:
        loss = _NOT_QUIET if outcome.choice != "drawn" else _QUIET_LOST_BY_CHANCE
        words = loss.words
    elif stance.blocked is not None:
        words = stance.blocked.words
    else:
        words = quiet_reason(eligible_count)
    return Considered(
        action_id=LEAVE_ALONE,
        title="Leave alone",
        kind="leave_alone",
        found_by="catalogue",
        propensity=0.0,
        value_minor=0,
        lever=1.0,
        score=float(stance.quiet_score_minor),
        probability=outcome.probabilities.get(len(case.candidates), 0.0),
        rank=None if loss else 1,
        lost=loss.code if loss else None,
        words=words,
    )


def _keep(case: Case, stance: Stance, outcome: _Outcome, considered: list[Considered]) -> Decision:
    """Put the decision together."""
    request, settings, chosen = case.request, case.policy.settings, outcome.slate.chosen
    first = chosen[0] if chosen else len(case.candidates)
    propensity = outcome.probabilities[first]
    reasons = [stance.words, considered[first].words]
    if outcome.choice == "drawn":
        reasons.append(drawn_reason(len(outcome.probabilities), propensity))
    ends = [case.now_ms + settings.valid_minutes * 60 * MS_PER_SECOND]
    ends += [
        until
        for index in chosen
        if (until := case.candidates[index].action.valid_until) is not None
    ]
    return Decision(
        decision_id=stable_id(
            "dec",
            case.person.person_id,
            request.placement,
            request.purpose,
            request.channel,
            str(case.now_ms),
            case.policy.version,
        ),
        person_id=case.person.person_id,
        placement=request.placement,
        purpose=request.purpose,
        channel=request.channel,
        decided_at=case.now_ms,
        expires_at=min(ends),
        candidates=tuple(considered),
        chosen=tuple(considered[index].action_id for index in chosen) or (LEAVE_ALONE,),
        propensity=propensity,
        choice=outcome.choice,
        policy_version=case.policy.version,
        seed=settings.seed,
        reasons=tuple(filter(None, reasons)),
    )
