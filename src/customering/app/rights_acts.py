"""What fulfilling a request does: the event of the system's own by which it takes effect."""

from collections.abc import Mapping
from typing import Any

from customering.app.people import Person
from customering.app.wishes import Wish
from customering.consent.gate import CompiledPolicy
from customering.consent.rights import DENIALS, Again, Request
from customering.consent.rights_scope import Scope
from customering.consent.voices import EVERYTHING, RESTRICTION_KEY, voice_key
from customering.events.model import FACT_CORRECTED, OBJECTION_UPDATED, RESTRICTION_UPDATED
from customering.kernel.clock import format_instant
from customering.kernel.errors import Invalid

PERSON = "person"
"""Who acts when a person does so themselves."""

OPERATOR = "operator"
"""Who acts by the command line, or when the system itself does."""


def agent_status(request: Request, agent_request_id: str) -> dict[str, str]:
    """Write how far a request is, as the Data Rights Protocol has it."""
    said = [step.words for step in request.steps if step.act in ("extend", "deny") and step.words]
    details = [DENIALS[request.reason]] if request.reason in DENIALS else []
    return {
        "request_id": request.request_id,
        "agent_request_id": agent_request_id,
        "received_at": format_instant(request.received_at),
        "expected_by": format_instant(request.expected_by),
        "status": request.status,
        "reason": request.reason,
        "processing_details": ": ".join([*details, *said[-1:]]),
    }


def erasing_details(scope: Scope, again: Again) -> dict[str, Any]:
    """Give the details of a request to erase."""
    if scope.is_everything:
        return {"later_events": again}
    return {"scope": scope.told()}


def wish_of(request: Request, person: Person, policy: CompiledPolicy) -> Wish | None:
    """Give the event of a request; None for the kinds that change nothing known of the person.

    Parameters
    ----------
    request
        To rectify: ``details["facts"]``, name to value. To object: ``details["purpose"]``, a
        purpose, a group of them, a list of these, or ``*`` for all that can be objected to.
    person
        Who asked.
    policy
        The purposes there are.

    Raises
    ------
    Invalid
        When the details do not say what is meant.
    """
    names = person.identifiers[:1]
    if request.kind == "rectify":
        facts = request.details.get("facts")
        if not isinstance(facts, Mapping) or not facts:
            raise Invalid(
                "the request does not say what is to be corrected",
                hint='open it with details such as {"facts": {"city": "Berlin"}}',
            )
        return Wish(FACT_CORRECTED, names, {"facts": dict(facts)})
    if request.kind == "restrict":
        return Wish(RESTRICTION_UPDATED, names, {"purposes": {RESTRICTION_KEY: "deny"}})
    if request.kind == "object":
        named = request.details.get("purpose", EVERYTHING)
        keys = [str(key) for key in (named if isinstance(named, list) else [named])]
        if not keys or any(key != EVERYTHING and key not in policy.keys for key in keys):
            raise Invalid(
                "the request objects to a purpose that does not exist",
                hint="`customering consent show` lists the purposes",
            )
        said = {voice_key("objection", key): "deny" for key in keys}
        return Wish(OBJECTION_UPDATED, names, {"purposes": said})
    return None
