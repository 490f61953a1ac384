"""The straightforward decision: every rule about every candidate in turn, every record in full.

It is what `customering.decision.decide` was before it learned to weigh columns, kept as the oracle.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from customering.consent.model import Permit, Refusal
from customering.decision.contact import contract_loss, last_contacts
from customering.decision.explain import FOR_ALL, drawn_reason, quiet_reason, reasons_of
from customering.decision.model import (
    LEAVE_ALONE,
    Action,
    ActionKind,
    Candidate,
    Choice,
    Considered,
    Decision,
    DecisionRequest,
    Loss,
    PersonFacts,
)
from customering.decision.offer import offer_of
from customering.decision.policy import Case, DecisionPolicy
from customering.decision.stance import Stance, permission, refused, take_stance
from customering.decision.table import Floats
from customering.kernel.chance import draw
from customering.kernel.clock import MS_PER_DAY, MS_PER_SECOND, day_of, format_day
from customering.kernel.expressions import parse
from customering.kernel.ids import stable_id


class Asked(NamedTuple):
    """All that one decision depends on."""

    request: DecisionRequest
    candidates: Sequence[Candidate]
    person: PersonFacts
    policy: DecisionPolicy
    now_ms: int


def _as_case(asked: Asked) -> Case:
    return Case(asked.request, offer_of([]), asked.person, asked.policy, asked.now_ms)


_NOT_QUIET = Loss("outscored", "Something here is worth more to you than quiet.")
_QUIET_LOST_BY_CHANCE = Loss("exploration", "Chance chose something instead of quiet.")


class Slate(NamedTuple):
    """The chosen, first place first, and the reason of every other candidate, both by index."""

    chosen: list[int]
    losses: dict[int, Loss]


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
    """Decide what to do for one person now."""
    case = Asked(request, candidates, person, policy, now_ms)
    stance = take_stance(Case(request, offer_of(candidates), person, policy, now_ms))
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
    case: Asked, stance: Stance, eligible: Sequence[int], scores: Sequence[float]
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
    case: Asked,
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
                words=_reasons(candidate, stance) if loss is None else loss.words,
            )
        )
    return kept


def _reasons(candidate: Candidate, stance: Stance) -> str:
    return FOR_ALL if stance.is_common else reasons_of(candidate.facts)


def _quiet_considered(
    case: Asked, stance: Stance, outcome: _Outcome, eligible_count: int
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


def _keep(case: Asked, stance: Stance, outcome: _Outcome, considered: list[Considered]) -> Decision:
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
        context=request.context,
        contents={
            case.candidates[index].action.action_id: case.candidates[index].action.content
            for index in chosen
            if case.candidates[index].action.content
        },
    )


_DUPLICATE = Loss("duplicate", "It is considered already.")
_PERSONAL_ONLY = Loss("personal_only", "It is not among what everybody gets.")
_NOT_ESSENTIAL = Loss("not_essential", "It has no place in a message that the service needs.")


class Sifted(NamedTuple):
    """The candidates that remain, in order of input, and the reason of each other, by index."""

    eligible: list[int]
    losses: dict[int, Loss]


def sift(case: Asked, stance: Stance) -> Sifted:
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

    def __init__(self, case: Asked, stance: Stance) -> None:
        self._case = case
        self._stance = stance
        self._traits = dict(case.person.traits) if stance.may_use_facts else {}
        if stance.may_use_facts and case.request.context:
            self._traits["context"] = case.request.context
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
        if loss is None and action.action_id in case.person.dismissed:
            loss = dismissed_loss(action, case.person.dismissed[action.action_id], case.now_ms)
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
            answer = permission(_as_case(case), purpose, channel)
        if isinstance(answer, Refusal):
            return refused(answer)
        if self._stance.is_essential:
            return None if consent.is_essential(purpose) else _NOT_ESSENTIAL
        return contract_loss(kind, case.person.contract, is_contact=case.request.is_contact)


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
    if action.eligibility and not parse(action.eligibility).holds(traits, now_ms):
        return Loss("not_eligible", f"It is only for whom this holds: {action.eligibility}")
    return None


def _supply_loss(action: Action, taken: int) -> Loss | None:
    """Give the reason when an action has been taken as often as there is supply for it."""
    if action.stock is not None and taken >= action.stock:
        return _SOLD_OUT
    if action.budget_minor is not None and (taken + 1) * action.cost_minor > action.budget_minor:
        return _BUDGET_SPENT
    return None


_QUIET_BETTER = Loss("quiet_better", "It is worth less to us than leaving you alone.")
_OUTSCORED = Loss("outscored", "Others fit you better, and there is no place left.")
_ROOM = Loss("room_for_discovery", "Its place was kept for something new to you.")
_EXPLORATION = Loss("exploration", "Its place went to something that was drawn by chance.")


def fill(
    order: Sequence[int],
    candidates: Sequence[Candidate],
    scores: Sequence[float],
    *,
    slots: int,
    quiet_score: float,
    most_per_group: int,
    discovery_slots: int,
    first: int | None = None,
) -> Slate:
    """Fill the places from the best score down.

    Parameters
    ----------
    order
        Indices of the candidates, best first.
    candidates, scores
        The candidates and their scores, shape (candidates,).
    slots
        Number of places, at least 1.
    quiet_score
        A score must be above it; the score of leaving the person alone.
    most_per_group
        Most candidates of one group; candidates without a group are not limited.
    discovery_slots
        Places kept for candidates found by discovery, as far as there are any; never the first.
    first
        The candidate that has the first place whatever its score; None for the best.
    """
    chosen = [] if first is None else [first]
    kept_back: list[int] = []
    losses: dict[int, Loss] = {}
    groups = [candidates[index].action.group for index in chosen]
    owed = _owed(order, candidates, scores, slots, quiet_score, discovery_slots)
    owed -= sum(_is_discovery(candidates[index]) for index in chosen)
    for index in order:
        candidate = candidates[index]
        group = candidate.action.group
        if index == first:
            continue
        if scores[index] <= quiet_score:
            losses[index] = _QUIET_BETTER
        elif len(chosen) == slots:
            losses[index] = _OUTSCORED
        elif group and groups.count(group) >= most_per_group:
            losses[index] = _of_one_kind(group)
        elif slots - len(chosen) <= owed and not _is_discovery(candidate):
            losses[index] = _ROOM
            kept_back.append(index)
        else:
            chosen.append(index)
            groups.append(group)
            owed -= _is_discovery(candidate)
    for index in kept_back:
        group = candidates[index].action.group
        if len(chosen) < slots and not (group and groups.count(group) >= most_per_group):
            chosen.append(index)
            groups.append(group)
            del losses[index]
    return Slate(chosen, losses)


def displaced(best: Slate, drawn: Slate) -> Slate:
    """Name chance as the reason of whatever would have been chosen without it."""
    pushed_out = set(best.chosen) - set(drawn.chosen)
    return Slate(drawn.chosen, drawn.losses | dict.fromkeys(pushed_out, _EXPLORATION))


def _owed(
    order: Sequence[int],
    candidates: Sequence[Candidate],
    scores: Sequence[float],
    slots: int,
    quiet_score: float,
    discovery_slots: int,
) -> int:
    """Count the places kept for discovery: no more than there are discoveries worth showing."""
    there = sum(_is_discovery(candidates[index]) and scores[index] > quiet_score for index in order)
    return min(discovery_slots, slots - 1, there)


def _is_discovery(candidate: Candidate) -> bool:
    """Tell whether a candidate is new to the person."""
    return candidate.found_by == "discover"


def _of_one_kind(group: str) -> Loss:
    """Give the loss of a candidate whose group has its places already."""
    return Loss("variety", f"There is enough of {group} already.")


def propensities(candidates: Sequence[Candidate], *, is_common: bool) -> Floats:
    """Give the chance of acceptance of each candidate, shape (candidates,), in [0, 1]."""
    return np.array(
        [
            candidate.action.base_propensity if is_common else candidate.propensity
            for candidate in candidates
        ],
        dtype=np.float64,
    )


def priorities(chances: Floats, candidates: Sequence[Candidate]) -> Floats:
    """Give the expected value of each candidate, weighted by its lever. Minor units.

    References
    ----------
    The arbitration of Pega Customer Decision Hub, "Priority = Propensity x Context weight x Value x
    Levers", without the context weight, which our propensity holds already.
    """
    values = np.array([candidate.value_minor for candidate in candidates], dtype=np.float64)
    levers = np.array([candidate.action.lever for candidate in candidates], dtype=np.float64)
    scores: Floats = chances * values * levers
    return scores


def order_of(
    among: Sequence[int], scores: Sequence[float], candidates: Sequence[Candidate]
) -> list[int]:
    """Give indices from the highest score down; ties by action id, so that input order is moot.

    Parameters
    ----------
    among
        The indices to put in order.
    candidates, scores
        All candidates, whose ids are unique among those indices, and their scores.
    """
    return sorted(among, key=lambda index: (-scores[index], candidates[index].action.action_id))


def dismissed_loss(action: Action, day: int, now_ms: int) -> Loss | None:
    """Give the reason why an action still rests that was said no to on a day, or None."""
    days = max(30, action.cooldown_days)
    whole_days_since = day_of(now_ms) - day - 1
    if whole_days_since >= days:
        return None
    return Loss("dismissed", f"You said no to it on {format_day(day)}; it rests for {days} days.")


def cooldown_loss(action: Action, last_at: int, now_ms: int) -> Loss | None:
    """Give the reason why an action still rests, or None."""
    if now_ms - last_at >= action.cooldown_days * MS_PER_DAY:
        return None
    seen = format_day(day_of(last_at))
    return Loss("cooldown", f"You had it on {seen}; it rests for {action.cooldown_days} days.")


def drawn_first(
    seed: int, person_id: str, placement: str, day: int, action_ids: Sequence[str], share: float
) -> int | None:
    """Draw what gets the first place, uniformly, in a share of cases; None in the others.

    Where only one is possible there is nothing to draw.

    Each action draws a number of its own and the lowest wins. So the draw is uniform, and when
    another action comes or goes during the day, the winner stays the winner.

    Returns
    -------
    int or None
        The place in `action_ids` of the one that was drawn.
    """
    if len(action_ids) < 2 or draw(seed, "explore", person_id, placement, str(day)) >= share:
        return None
    return min(
        range(len(action_ids)),
        key=lambda place: (
            draw(seed, "which", person_id, placement, str(day), action_ids[place]),
            action_ids[place],
        ),
    )


def first_place_probabilities(count: int, best: int, share: float) -> Floats:
    """Give each participant's exact chance of the first place, shape (count,); they sum to 1.

    With exploration share e and K participants the best has ``1 - e + e/K``, the others ``e/K``.

    Examples
    --------
    >>> first_place_probabilities(4, 1, 0.2).round(3).tolist()
    [0.05, 0.85, 0.05, 0.05]
    """
    chances = np.full(count, share / count)
    chances[best] += 1.0 - share
    return chances
