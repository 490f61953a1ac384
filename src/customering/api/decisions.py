"""The explanation door: one decision whole, with what lost and why, and what came of it.

A secret key with the scope ``people`` or ``decide`` reads everything. A subject token reads the
decisions made for its person, in words: what was weighed against what is the shop's own affair.
"""

from hashlib import blake2b
from typing import Any

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from customering.api.contents import catalogue
from customering.api.reception import Reception, answered, query_of
from customering.app.attributing import find_decision, outcomes_of
from customering.decision.model import Considered, Decision
from customering.decision.record import decision_of
from customering.kernel.clock import format_instant
from customering.kernel.errors import Absent
from customering.kernel.records import to_json
from customering.outcomes.model import Attributed, Outcome
from customering.web.problems import AnyRequest, NotLetIn
from customering.web.tokens import Caller


class Weighing(msgspec.Struct, frozen=True, kw_only=True):
    """How one candidate was weighed; for the shop.

    Parameters
    ----------
    propensity
        Chance of acceptance, in [0, 1].
    value_minor
        Margin when accepted. Minor units.
    lever
        The operator's own weight.
    context_weight
        The weight of the circumstances.
    effect
        Of what is accepted, the share that would not have come without us, in [0, 1]; 1 where it
        was not measured.
    score
        The product of these, as far as they are switched on.
    probability
        Chance, known exactly, with which it got the first place, in [0, 1].
    """

    propensity: float
    value_minor: int
    lever: float
    context_weight: float
    effect: float
    score: float
    probability: float


class ExplainedCandidate(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate and its fate.

    Parameters
    ----------
    action_id, kind, title
        The action.
    found_by
        How it came up.
    rank
        Place among the chosen, from 1; null when it lost.
    lost
        Code of the rule that removed it; null when it was chosen.
    words
        Why it was chosen or lost, as the person reads it.
    weighing
        The parts of the score; absent for a subject token.
    """

    action_id: str
    kind: str
    title: str
    found_by: str
    rank: int | None
    lost: str | None
    words: str
    weighing: Weighing | msgspec.UnsetType = msgspec.UNSET


class ExplainedOutcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that came of a decision.

    Parameters
    ----------
    outcome
        What.
    action_id
        Of which action; empty when the whole decision is meant.
    occurred_at
        When. ISO 8601.
    how
        ``named`` when it was told of this decision, ``last_touch`` when it was concluded.
    words
        Why it belongs here.
    event_id
        The event that tells it.
    because
        Why the person said no.
    revenue_minor, currency
        What was paid or given back. Minor units.
    """

    outcome: Outcome
    action_id: str
    occurred_at: str
    how: str
    words: str
    event_id: str
    because: str = ""
    revenue_minor: int | None = None
    currency: str = ""


class DecisionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One decision, explained.

    Parameters
    ----------
    decision_id, person_id, placement, purpose, channel
        What was decided, for whom and where.
    decided_at, expires_at
        ISO 8601 instants.
    choice
        How the first place was filled: by score, by chance, or the same as for everybody.
    propensity
        Chance, known exactly, with which this very choice was made, in (0, 1].
    context
        The circumstances it was asked in.
    reasons
        What the person is told.
    chosen
        The chosen actions, best place first.
    candidates
        Every candidate with its fate, leaving alone as the last.
    outcomes
        What came of it so far, in order of time.
    policy_version, seed
        Which settings and which chance decided; absent for a subject token.
    not_before
        ISO 8601 instant from which on a message should go out; absent for at once.
    """

    decision_id: str
    person_id: str
    placement: str
    purpose: str
    channel: str
    decided_at: str
    expires_at: str
    choice: str
    propensity: float
    context: dict[str, Any]
    reasons: tuple[str, ...]
    chosen: tuple[str, ...]
    candidates: list[ExplainedCandidate]
    outcomes: list[ExplainedOutcome]
    policy_version: str | msgspec.UnsetType = msgspec.UNSET
    seed: int | msgspec.UnsetType = msgspec.UNSET
    not_before: str | msgspec.UnsetType = msgspec.UNSET


@get("/v1/decisions/{decision_id:str}")
async def decision(
    request: AnyRequest, reception: NamedDependency[Reception], decision_id: FromPath[str]
) -> Response[bytes]:
    """Explain one decision."""
    query_of(request, ())
    caller = _caller(request, reception)
    live, engine = reception.live, reception.engine
    await live.append([])  # whatever was decided before this is in the log when it returns
    event = await live.in_thread(find_decision, engine, decision_id)
    graph = engine.folding.graph
    if event is None or (
        caller.person is not None
        and set(graph.identifiers_of(caller.person)).isdisjoint(event.identifiers)
    ):
        raise Absent("there is no decision of this id", hint="check the id; previews are not kept")
    made = decision_of(event)
    names = graph.identifiers_of(event.identifiers[0])
    outcomes = await live.in_thread(outcomes_of, engine, names, made, catalogue(engine))
    body = to_json(answer_of(made, outcomes, caller))
    tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, media_type="application/json", headers=headers)
    return answered(msgspec.Raw(body), headers=headers)


handlers = [decision]


def answer_of(made: Decision, outcomes: list[Attributed], caller: Caller) -> DecisionAnswer:
    """Write a decision as an answer; with scores for the shop, in words for the person."""
    is_whole = caller.is_operator
    return DecisionAnswer(
        decision_id=made.decision_id,
        person_id=made.person_id,
        placement=made.placement,
        purpose=made.purpose,
        channel=made.channel,
        decided_at=format_instant(made.decided_at),
        expires_at=format_instant(made.expires_at),
        choice=made.choice,
        propensity=made.propensity,
        context=made.context,
        reasons=made.reasons,
        chosen=made.chosen,
        candidates=[_candidate(one, is_whole=is_whole) for one in made.candidates],
        outcomes=[_outcome(one) for one in outcomes],
        not_before=format_instant(made.not_before) if made.not_before else msgspec.UNSET,
        policy_version=made.policy_version if is_whole else msgspec.UNSET,
        seed=made.seed if is_whole else msgspec.UNSET,
    )


def _caller(request: AnyRequest, reception: Reception) -> Caller:
    """Tell who asks; reading people and deciding for them both suffice.

    Raises
    ------
    NotLetIn
        When they may do neither.
    """
    try:
        return reception.caller(request, "people")
    except NotLetIn:
        return reception.caller(request, "decide")


def _candidate(one: Considered, *, is_whole: bool) -> ExplainedCandidate:
    return ExplainedCandidate(
        action_id=one.action_id,
        kind=one.kind,
        title=one.title,
        found_by=one.found_by,
        rank=one.rank,
        lost=one.lost,
        words=one.words,
        weighing=Weighing(
            propensity=one.propensity,
            value_minor=one.value_minor,
            lever=one.lever,
            context_weight=one.context_weight,
            effect=one.effect,
            score=one.score,
            probability=one.probability,
        )
        if is_whole
        else msgspec.UNSET,
    )


def _outcome(one: Attributed) -> ExplainedOutcome:
    return ExplainedOutcome(
        outcome=one.outcome,
        action_id=one.action_id,
        occurred_at=format_instant(one.occurred_at),
        how=one.how,
        words=one.words,
        event_id=one.event_id,
        because=one.because,
        revenue_minor=one.revenue_minor,
        currency=one.currency,
    )
