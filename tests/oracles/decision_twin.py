"""The straightforward decision: every rule about every candidate in turn, every record in full.

It is what `customering.decision.decide` was before it learned to weigh columns, kept as the oracle.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np

from customering.consent.model import Permit, Refusal
from customering.decision.contact import contract_loss, last_contacts
from customering.decision.explain import FOR_ALL, drawn_reason, quiet_reason, reasons_of
from customering.decision.learner import Learner
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
from customering.decision.settings import ArbitrationSettings, Influence
from customering.decision.stance import Stance, permission, refused, take_stance
from customering.decision.table import Floats
from customering.kernel.chance import draw
from customering.kernel.clock import MS_PER_DAY, MS_PER_HOUR, MS_PER_SECOND, day_of, format_day
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
    *,
    learner: Learner | None = None,
) -> Decision:
    """Decide what to do for one person now."""
    case = Asked(request, candidates, person, policy, now_ms)
    stance = take_stance(Case(request, offer_of(candidates), person, policy, now_ms))
    eligible, losses = sift(case, stance)
    chances = propensities(candidates, is_common=stance.is_common)
    weights = [1.0] * len(candidates)
    if not stance.is_common and stance.may_use_facts and stance.blocked is None:
        weights = [weight_of(case, candidate) for candidate in candidates]
    effects = [1.0] * len(candidates)
    if not stance.is_common and stance.may_use_facts and stance.blocked is None:
        effects = [effect_of(case, stance, candidate) for candidate in candidates]
    learned = None
    if not stance.is_common and stance.blocked is None and learner is not None:
        learned = _learned(case, learner)
    if learned is not None:
        chances = learned
    factors = policy.settings.arbitration
    scores = priorities(chances, candidates, weights, effects, factors).tolist()
    taught = 0 if learned is None or learner is None else learner.taught(_place(request))
    outcome = _choose(case, stance, eligible, scores, taught)
    losses = losses | outcome.slate.losses
    considered = [
        *_considered(
            case,
            stance,
            outcome,
            chances.tolist(),
            scores,
            losses,
            weights,
            effects,
            learned is not None,
        ),
        _quiet_considered(case, stance, outcome, len(eligible)),
    ]
    return _keep(case, stance, outcome, considered)


def _place(request: DecisionRequest) -> str:
    return f"{request.channel}:{request.placement}"


def _learned(case: Asked, learner: Learner) -> Floats | None:
    """Give the learned chances, of which `learner_twin` says what they are."""
    if not learner.version or not case.candidates:
        return None
    offer, policy = offer_of(case.candidates), case.policy
    use = policy.learning.at(case.request.placement, case.request.channel).context
    may = isinstance(permission(_as_case(case), policy.learning.purpose, ""), Permit)
    is_open = use == "always" or (use == "gate" and case.request.placement in learner.open_places)
    features = None
    if may and is_open:
        zone = policy.quiet_hours.zone_of(case.person.zone)
        features = policy.features.of(case.person.traits, case.request.context, case.now_ms, zone)
    return learner.chances(
        offer.tables, offer.propensities, offer.logits, _place(case.request), features
    )


def effect_of(case: Asked, stance: Stance, candidate: Candidate) -> float:
    """Give the share of acceptance of one candidate that would not have come without us."""
    known, channel = case.person.effects, case.request.channel
    if stance.is_essential:
        return 1.0
    own = known.get(f"action:{candidate.action.action_id}")
    if own is not None:
        return own
    if not channel:
        return 1.0
    return known.get(f"contact:{channel}", known.get("contact", 1.0))


def weight_of(case: Asked, candidate: Candidate) -> float:
    """Give the weight of one candidate in these circumstances."""
    action, settings = candidate.action, case.policy.settings
    values = {**dict(case.person.traits), "context": case.request.context}
    if not case.request.context:
        values = dict(case.person.traits)
    weight = 1.0
    for rule in settings.context_weights:
        is_meant = (
            (not rule.groups or action.group in rule.groups)
            and (not rule.kinds or action.kind in rule.kinds)
            and (not rule.actions or action.action_id in rule.actions)
        )
        if is_meant and parse(rule.when).holds(values, case.now_ms):
            weight *= rule.weight
    for days, influence in (
        (case.person.dismissed, settings.after_dismissed),
        (case.person.accepted, settings.after_accepted),
    ):
        weight *= _pressed(case, action, days, influence)
    return weight


def _pressed(case: Asked, action: Action, days: Mapping[str, int], influence: Influence) -> float:
    """Give the strongest influence of what the person said to something of the same group."""
    factors = [1.0]
    seen = set()
    for other in case.candidates:
        name = other.action.action_id
        if name in days and name not in seen and action.group == other.action.group != "":
            passed = max(case.now_ms / MS_PER_DAY - days[name], 0.0)
            fade = 0.5 ** (passed / influence.half_life_days)
            factors.append(1.0 + (influence.factor - 1.0) * fade)
        seen.add(name)
    strongest = max(factors, key=lambda factor: abs(factor - 1.0))
    return strongest if abs(strongest - 1.0) >= 0.001 else 1.0


def _choose(
    case: Asked, stance: Stance, eligible: Sequence[int], scores: Sequence[float], taught: int
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
    fallback = settings.fallbacks.get(request.placement)
    if not best.chosen and not request.is_contact:
        for index in eligible:
            if candidates[index].action.action_id == fallback:
                others = {at: loss for at, loss in best.losses.items() if at != index}
                best = Slate([index], others)
    quiet = len(candidates)
    participants = [*eligible]
    # A place on a page is left empty only when nothing is worth it; a contact may always be spared.
    if not best.chosen or (request.is_contact and not stance.is_essential):
        participants.append(quiet)
    best_first = best.chosen[0] if best.chosen else quiet
    quiet_score = float(stance.quiet_score_minor)
    taught = 0 if stance.arm or stance.is_essential or best_first == quiet else taught
    if settings.exploration == "best":
        taught = 0
    units = units_of(
        {place: quiet_score if place == quiet else scores[place] for place in participants},
        best_first,
        stance.exploration_share,
        # Leaving alone is worth it like what is worth more than it.
        {place for place in participants if place == quiet or scores[place] > quiet_score},
        settings.exploration_sharpness,
        taught,
        [candidate.action.action_id for candidate in candidates],
    )
    known = {place: chance / 2**31 for place, chance in units.items()}
    first = drawn_first(
        settings.seed,
        case.person.person_id,
        request.placement,
        day_of(case.now_ms),
        {LEAVE_ALONE if i == quiet else candidates[i].action.action_id: i for i in participants},
        units,
        floor=floor_of(stance.exploration_share, len(participants)),
        is_flat=not taught or len(participants) < 2,
    )
    if first == best_first:
        return _Outcome(best, stance.choice, known)
    slate = Slate([], best.losses) if first == quiet else filled(first)
    return _Outcome(displaced(best, slate), "drawn", known)


def _considered(
    case: Asked,
    stance: Stance,
    outcome: _Outcome,
    chances: Sequence[float],
    scores: Sequence[float],
    losses: dict[int, Loss],
    weights: Sequence[float],
    effects: Sequence[float],
    is_learned: bool,
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
                prior=candidate.propensity if is_learned else None,
                context_weight=weights[index],
                effect=effects[index],
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
        arm=stance.arm,
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
        if loss is None and action.action_id in case.person.outranked:
            words = "You told us what you look for, so we do not remind you of it."
            loss = Loss("outranked", words)
        if loss is None and action.action_id in case.person.dismissed:
            loss = dismissed_loss(action, case.person.dismissed[action.action_id], case.now_ms)
        if loss is None and action.action_id in self._last:
            loss = cooldown_loss(action, self._last[action.action_id], case.now_ms)
        if loss is None and action.spacing_hours and action.group:
            loss = self._spacing_loss(action)
        if loss is None and action.holdout_share:
            seed, person_id = case.policy.settings.seed, case.person.person_id
            if draw(seed, "holdout", action.action_id, person_id) < action.holdout_share:
                loss = _HELD_OUT
        return loss

    def _spacing_loss(self, action: Action) -> Loss | None:
        """Give the reason when something of the group came too short a time ago."""
        groups: dict[str, str] = {}
        for candidate in self._case.candidates:
            groups.setdefault(candidate.action.action_id, candidate.action.group)
        latest = [at for name, at in self._last.items() if groups.get(name) == action.group]
        if not latest or self._case.now_ms - max(latest) >= action.spacing_hours * MS_PER_HOUR:
            return None
        seen = format_day(day_of(max(latest)))
        hours = action.spacing_hours
        return Loss(
            "spacing", f"You had something like it on {seen}; there are {hours} hours between."
        )

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
    if action.applicability and not parse(action.applicability).holds(traits, now_ms):
        words = f"It means something only where this holds: {action.applicability}"
        return Loss("not_applicable", words)
    if action.suitability and not parse(action.suitability).holds(traits, now_ms):
        words = f"We think it does you no good unless this holds: {action.suitability}"
        return Loss("not_suitable", words)
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
_EXCLUDED = Loss("excluded", "It does not go together with something else that is here.")
_HELD_OUT = Loss(
    "holdout",
    "You are in the group that does not get it, so that we can tell whether it helps.",
)
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
        elif any(_excludes(candidate, candidates[other]) for other in chosen):
            losses[index] = _EXCLUDED
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
        if any(_excludes(candidates[index], candidates[other]) for other in chosen):
            losses[index] = _EXCLUDED
            continue
        if len(chosen) < slots and not (group and groups.count(group) >= most_per_group):
            chosen.append(index)
            groups.append(group)
            del losses[index]
    return Slate(chosen, losses)


def _excludes(one: Candidate, other: Candidate) -> bool:
    """Tell whether two candidates must not be chosen together."""
    first, second = one.action, other.action
    return first.action_id in second.excludes or second.action_id in first.excludes


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


def priorities(
    chances: Floats,
    candidates: Sequence[Candidate],
    weights: Sequence[float],
    effects: Sequence[float],
    factors: ArbitrationSettings,
) -> Floats:
    """Give the product of the factors that count, of each candidate. Minor units."""
    scores = []
    each = zip(chances.tolist(), candidates, weights, effects, strict=True)
    for chance, candidate, weight, effect in each:
        scale = float(candidate.value_minor) if factors.use_value else 1.0
        scale *= candidate.action.lever if factors.use_lever else 1.0
        scale *= weight if factors.use_context_weight else 1.0
        scale *= effect if factors.use_effect else 1.0
        scores.append(chance * scale if factors.use_propensity else scale)
    return np.array(scores, dtype=np.float64)


def units_of(
    scores: Mapping[int, float],
    best: int,
    share: float,
    worth: Collection[int],
    sharpness: float,
    taught: int,
    names: Sequence[str],
) -> dict[int, int]:
    """Give the chance of each participant in units of 2**-31: inverse gap weighting and a floor."""
    quiet = len(names)
    floor = floor_of(share, len(scores))
    units = dict.fromkeys(scores, floor)
    if taught and len(scores) > 1:
        ranked = sorted(
            worth, key=lambda place: (-scores[place], place == quiet, [*names, ""][place])
        )
        close = [place for place in ranked if place != quiet][:64]
        close = [place for place in close if scores[place] > scores.get(quiet, -math.inf)]
        close += [quiet] if quiet in scores else []
        slope = sharpness * math.sqrt(len(close) * (1000 + taught))
        for place in close:
            gap = 1.0 - scores[place] / scores[best]
            units[place] += int((1.0 - share) / (len(close) + slope * gap) * 2**31)
    units[best] = 2**31 - sum(unit for place, unit in units.items() if place != best)
    return units


def floor_of(share: float, count: int) -> int:
    """Give the chance that each participant has at least, in units of 2**-31."""
    return int(share / count * 2**31)


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
    seed: int,
    person_id: str,
    placement: str,
    day: int,
    participants: Mapping[str, int],
    units: Mapping[int, int],
    *,
    floor: int,
    is_flat: bool,
) -> int:
    """Draw what gets the first place: the one whose time is shortest.

    In so many cases there is a race in which all are equal, for the floor; otherwise one for what
    each has above it. Where all but the best are equal the best has this.

    Parameters
    ----------
    participants
        What came into question: its place by its id.
    units
        The chances by place.
    floor
        What each of them has at least.
    """
    text = "\x1f".join((str(seed), "first", person_id, placement, str(day)))
    digest = blake2b(text.encode(), digest_size=16).digest()
    salt = int.from_bytes(digest[8:], "big")
    if int.from_bytes(digest[:8], "big") / 2**64 < floor * len(units) / 2**31:
        own = dict.fromkeys(units, 1)
    elif is_flat:
        return max(units, key=units.__getitem__)
    else:
        own = {place: unit - floor for place, unit in units.items()}
    times = {}
    for action_id, place in participants.items():
        if own[place]:
            uniform = ((_mixed(_hash64(action_id) ^ salt) >> 11) + 0.5) * 2.0**-53
            times[place] = -math.log(uniform) / own[place]
    return min(times, key=times.__getitem__)


def _hash64(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def _mixed(number: int) -> int:
    """Mix the bits of a number: the finalizer of splitmix64."""
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) % 2**64
    return number ^ (number >> 31)
