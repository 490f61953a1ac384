"""The doors of MyTerms (IEEE 7012): what we accept, a proffer, the one alternative, the records.

A person's own agent speaks for them, with a subject token of theirs; the shop's server does with a
secret key and ``who``; and a page does with its write key for one ``anonymous_id``.
"""

import asyncio
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Literal, cast

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency

from customering.api.gpc import FOR_EVERYBODY
from customering.api.reception import Reception, answered, headers_of, query_of, read_as
from customering.app.agreements import Concluded
from customering.consent.agreements import ROSTER
from customering.consent.myterms import AGREEMENT_IRI, Acceptance, Proffer, proffer_id
from customering.kernel.errors import Invalid
from customering.kernel.ids import Identifier, kind_of
from customering.web.keys import Denied
from customering.web.problems import AnyRequest, NotLetIn
from customering.web.tokens import NOT_ABOUT_THEM, Caller

_EFFECTIVE = format_datetime(datetime(2026, 11, 22, tzinfo=UTC), usegmt=True)
_ONLY_BROWSERS = Denied(403, "forbidden", "a write key may speak for one anonymous_id only")
_BODY_BYTES_MAX = 32_768


class AcceptedTerm(msgspec.Struct, frozen=True, kw_only=True):
    """One agreement we accept.

    Parameters
    ----------
    id
        As the roster has it.
    url
        What it is.
    title
        The same in words.
    """

    id: str
    url: str
    title: str


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Which agreements we accept, and where to proffer them.

    Parameters
    ----------
    effective_date
        Since when. RFC 2822.
    agreements
        Those we accept.
    tos_url, tos
        Our own terms; empty, because the person's are taken.
    proffers
        Where to proffer.
    second_party
        Who we are, with the key we sign with.
    """

    effective_date: str
    agreements: list[AcceptedTerm]
    tos_url: str = ""
    tos: str = ""
    proffers: str = "/v1/myterms/proffers"
    second_party: dict[str, Any]


class ProfferAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What we say to a proffer.

    Parameters
    ----------
    decision
        Accepted, one alternative offered, or refused.
    proffer_id
        Names the proffer: the alternative is accepted by it.
    agreement
        What was accepted; absent otherwise.
    alternative
        What is offered instead; absent otherwise.
    reason
        Why it was refused; absent otherwise.
    record
        The record as both sides keep it: canonical JSON, in these very bytes.
    """

    decision: Literal["accept", "alternative", "refuse"]
    proffer_id: str
    agreement: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    alternative: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    reason: str | msgspec.UnsetType = msgspec.UNSET
    record: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


@get("/.well-known/myterms.json")
async def terms(request: AnyRequest, reception: NamedDependency[Reception]) -> Response[bytes]:
    """Say which agreements are accepted."""
    engine = reception.engine
    told = Terms(
        effective_date=_EFFECTIVE,
        agreements=[
            AcceptedTerm(id=name, url=f"{AGREEMENT_IRI}{name}", title=ROSTER[name].title)
            for name in engine.settings.consent.agreements
            if name in ROSTER
        ],
        second_party=await asyncio.to_thread(engine.agreements.second_party),
    )
    return answered(told, headers=FOR_EVERYBODY)


@post("/v1/myterms/proffers", status_code=200)
async def proffer(request: AnyRequest, reception: NamedDependency[Reception]) -> Response[bytes]:
    """Answer a proffer; what is accepted holds with the next decision."""
    _, name = _who(request, reception)
    body = await reception.body(request, _BODY_BYTES_MAX)
    asked = read_as(body, Proffer)
    now_ms = reception.live.present
    engine = reception.engine
    said, concluded = await asyncio.to_thread(engine.agreements.answer, asked, name, now_ms)
    told: dict[str, str] = msgspec.to_builtins(said.agreement) if said.agreement else {}
    unset = msgspec.UNSET
    return answered(
        ProfferAnswer(
            decision=said.decision,
            proffer_id=proffer_id(asked),
            agreement=told if said.decision == "accept" else unset,
            alternative=told if said.decision == "alternative" else unset,
            reason=said.reason or unset,
            record=unset if concluded is None else await _in_force(reception, concluded),
        )
    )


@post("/v1/myterms/proffers/{proffered:str}/accept", status_code=200)
async def accept(request: AnyRequest, reception: NamedDependency[Reception]) -> Response[bytes]:
    """Take the acceptance of the one alternative; it holds with the next decision."""
    _, name = _who(request, reception)
    proffered = str(request.path_params["proffered"])
    asked = read_as(await reception.body(request, _BODY_BYTES_MAX), Acceptance)
    engine, now_ms = reception.engine, reception.live.present
    concluded = await asyncio.to_thread(engine.agreements.accept, proffered, asked, name, now_ms)
    return answered(
        ProfferAnswer(
            decision="accept",
            proffer_id=proffered,
            agreement=msgspec.to_builtins(asked.agreement),
            record=await _in_force(reception, concluded),
        )
    )


@get("/v1/myterms/records/{record_id:str}")
async def record(request: AnyRequest, reception: NamedDependency[Reception]) -> Response[bytes]:
    """Give the record of an agreement, in the bytes that both sides keep."""
    caller, name = _who(request, reception, may_be_nobody=True)
    names = None
    if not caller.is_operator:
        names = reception.engine.folding.graph.identifiers_of(name)
    agreements, record_id = reception.engine.agreements, str(request.path_params["record_id"])
    found = await asyncio.to_thread(agreements.record, record_id, names)
    return Response(found, media_type="application/json")


handlers = [terms, proffer, accept, record]


async def _in_force(reception: Reception, concluded: Concluded) -> msgspec.Raw:
    """Append that an agreement was reached, and give its record."""
    wish = concluded.wish
    event = reception.engine.own_event(
        wish.name,
        wish.identifiers,
        wish.properties,
        event_id=concluded.event_id,
        occurred_at=reception.live.present,
    )
    await reception.live.append([event])
    return msgspec.Raw(concluded.record)


def _who(
    request: AnyRequest, reception: Reception, *, may_be_nobody: bool = False
) -> tuple[Caller, Identifier]:
    """Tell who asks, and for whom they speak.

    Raises
    ------
    NotLetIn
        When they may not speak for them.
    Invalid
        When nobody is named.
    """
    scope = cast("dict[str, Any]", request.scope)
    caller = reception.gate.caller(scope, headers_of(request), "people", or_public=True)
    if isinstance(caller, Denied):
        raise NotLetIn(caller)
    text = query_of(request, ("who",)).get("who", "")
    if caller.person is not None:
        if text and reception.normal(text) != caller.person:
            raise NotLetIn(NOT_ABOUT_THEM)
        return caller, caller.person
    if not text and may_be_nobody and caller.is_operator:
        return caller, Identifier("")
    if not text:
        raise Invalid("nobody is named - at `?who`", hint="send ?who=user_id:ada")
    name = reception.normal(text)
    if caller.is_public and kind_of(name) != "anonymous_id":
        raise NotLetIn(_ONLY_BROWSERS)
    return caller, name
