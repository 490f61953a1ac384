"""The gate for whoever carries out decisions: asked again at the moment of sending."""

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from customering.api.reception import Reception, answered, query_of
from customering.app.attributing import find_decision
from customering.app.delivering import Cause, ask_again
from customering.decision.record import decision_of
from customering.kernel.clock import format_instant
from customering.kernel.errors import Absent
from customering.web.problems import AnyRequest, NotLetIn


class DeliveryItem(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one thing that was chosen may be delivered now.

    Parameters
    ----------
    action_id
        What it is.
    permitted, reason, words
        The answer, its code, and what the person reads about it.
    """

    action_id: str
    permitted: bool
    reason: Cause
    words: str


class DeliveryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What of a decision may be delivered now.

    Parameters
    ----------
    decision_id
        Which decision.
    as_of
        The instant it holds for, and no longer. ISO 8601.
    deliveries
        Each thing that was chosen; nothing where the person was to be left alone.
    """

    decision_id: str
    as_of: str
    deliveries: list[DeliveryItem]


@get("/v1/decisions/{decision_id:str}/permission")
async def delivery(
    request: AnyRequest, reception: NamedDependency[Reception], decision_id: FromPath[str]
) -> Response[bytes]:
    """Say what of a decision may be delivered now."""
    query_of(request, ())
    try:
        caller = reception.caller(request, "people")
    except NotLetIn:
        caller = reception.caller(request, "decide")
    live, engine = reception.live, reception.engine
    await live.append([])  # whatever was decided before this is in the log when it returns
    event = await live.in_thread(find_decision, engine, decision_id)
    graph = engine.folding.graph
    if event is None or (
        caller.person is not None
        and set(graph.identifiers_of(caller.person)).isdisjoint(event.identifiers)
    ):
        raise Absent("there is no decision of this id", hint="check the id; previews are not kept")
    actions = {action.action_id: action for action in engine.actions}
    # Nothing is waited for from here on, so the answer is of one instant.
    person, now_ms = live.person(event.identifiers[0]), live.present
    said = ask_again(decision_of(event), person, actions, engine.consent, now_ms)
    return answered(
        DeliveryAnswer(
            decision_id=decision_id,
            as_of=format_instant(now_ms),
            deliveries=[
                DeliveryItem(
                    action_id=one.action_id,
                    permitted=one.is_permitted,
                    reason=one.reason,
                    words=one.words,
                )
                for one in said
            ],
        )
    )


handlers = [delivery]
