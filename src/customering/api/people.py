"""The people doors: who somebody is, what is known of them and how we know it, what happened.

A secret key with the scope ``people`` reads everybody; a subject token reads the person it names.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency

from customering.api.reception import Reception, answered, query_of, whole
from customering.app.people import Person
from customering.app.timeline import read_cursor, read_timeline, write_cursor
from customering.events.model import Event
from customering.kernel.clock import format_instant
from customering.kernel.records import to_json
from customering.profile.model import Provenance
from customering.relationship.model import ContactContract, Status
from customering.web.problems import AnyRequest
from customering.web.tokens import Caller

EVENTS_USUAL, EVENTS_MOST = 50, 500
_MS_PER_MINUTE = 60_000


class KnownFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is known of a person.

    Parameters
    ----------
    value
        The value.
    provenance
        Whether they said it, their acts show it, or a model concludes it.
    as_of
        The instant it holds for. ISO 8601.
    words
        What the person reads about it.
    purpose
        What they permitted it for; absent for what they told us themselves.
    source
        Who said it; absent for what was observed.
    unit
        Unit of the value.
    """

    value: Any
    provenance: Provenance
    as_of: str
    words: str = ""
    purpose: str = ""
    source: str = ""
    unit: str = ""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How we stand with a person.

    Parameters
    ----------
    name
        The status.
    set_by
        Whether the person set it, or it follows from the facts.
    words
        What the person reads.
    operator_words
        What the people who work here read; absent for a subject token.
    facts
        The numbers behind it, each a sentence.
    since
        Since when it holds; null when that cannot be known. ISO 8601.
    would_change
        What would change it, each a sentence.
    contract
        The contact that is fine.
    """

    name: str
    set_by: Literal["person", "facts"]
    words: str
    operator_words: str | msgspec.UnsetType = msgspec.UNSET
    facts: tuple[str, ...]
    since: str | None
    would_change: tuple[str, ...]
    contract: ContactContract


class PersonAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One person, as everything else here sees them.

    Parameters
    ----------
    person_id
        Their id; earlier ids of theirs lead here too.
    identifiers
        Everything that names them, the most trusted first.
    as_of
        The instant all of it holds for. ISO 8601.
    status
        How we stand.
    traits
        What is known by name, as far as they permit it.
    refused_purposes
        Purposes whose traits are not computed, because they are not permitted.
    audiences
        The audiences they are in now.
    """

    person_id: str
    identifiers: tuple[str, ...]
    as_of: str
    status: Standing
    traits: dict[str, KnownFact]
    refused_purposes: tuple[str, ...]
    audiences: tuple[str, ...]


class ToldEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a timeline.

    Parameters
    ----------
    event_id
        The sender's message id.
    kind
        Kind of the Segment spec.
    name
        What happened; empty for kinds without a name.
    identifiers
        What named the person in it.
    occurred_at, recorded_at
        When it happened and when it was accepted. ISO 8601.
    properties, context
        What was told about it, and the circumstances.
    source
        Which system sent it.
    """

    event_id: str
    kind: str
    name: str
    identifiers: tuple[str, ...]
    occurred_at: str
    recorded_at: str
    properties: dict[str, Any]
    context: dict[str, Any]
    source: str


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """A part of what happened to one person.

    Parameters
    ----------
    events
        Newest first.
    next
        Send it as ``cursor`` for what happened before; null at the beginning of everything.
    """

    events: list[ToldEvent]
    next: Annotated[str, msgspec.Meta(description="The cursor of the next page.")] | None


@get("/v1/people/{who:str}")
async def person(request: AnyRequest, reception: NamedDependency[Reception]) -> Response[bytes]:
    """Read one person."""
    query_of(request, ())
    caller, found = await reception.person(request)
    tag = _etag(reception, found, caller)
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if tag in _tags(request.headers.get("if-none-match", "")):
        return Response(b"", status_code=304, media_type="application/json", headers=headers)
    return answered(answer_of(reception, found, caller), headers=headers)


@get("/v1/people/{who:str}/timeline")
async def timeline(request: AnyRequest, reception: NamedDependency[Reception]) -> Response[bytes]:
    """Read what happened to one person, newest first."""
    asked = query_of(request, ("cursor", "limit"))
    limit = whole(asked.get("limit"), "limit", EVENTS_USUAL, 1, EVENTS_MOST)
    after = read_cursor(asked["cursor"]) if "cursor" in asked else None
    _, found = await reception.person(request)
    engine = reception.engine
    page = await reception.live.in_thread(read_timeline, engine, found.identifiers, after, limit)
    following = None if page.last is None else write_cursor(page.last)
    return answered(Timeline(events=_told(page.events), next=following))


handlers = [person, timeline]


def answer_of(reception: Reception, found: Person, caller: Caller) -> PersonAnswer:
    """Write a person as an answer."""
    engine = reception.engine
    units = {name: one.definition.unit for name, one in engine.traits.traits.items()}
    return PersonAnswer(
        person_id=found.person_id,
        identifiers=found.identifiers,
        as_of=format_instant(found.as_of),
        status=standing_of(found.status, caller),
        traits={
            name: KnownFact(
                value=fact.value,
                provenance=fact.provenance,
                as_of=format_instant(fact.as_of),
                words=fact.words,
                purpose=fact.purpose,
                source=fact.source,
                unit=units.get(name, ""),
            )
            for name, fact in sorted(engine.people.facts(found).items())
        },
        refused_purposes=found.refused,
        audiences=engine.people.audiences(found, engine.audiences),
    )


def standing_of(status: Status, caller: Caller) -> Standing:
    """Write a status as an answer; a person does not read what is written for operators."""
    return Standing(
        name=status.name,
        set_by=status.set_by,
        words=status.person_words,
        operator_words=status.operator_words if caller.is_operator else msgspec.UNSET,
        facts=status.facts,
        since=None if status.since_ms is None else format_instant(status.since_ms),
        would_change=status.would_change,
        contract=status.contract,
    )


def _etag(reception: Reception, found: Person, caller: Caller) -> str:
    """Name what an answer depends on: what is kept of the person, and the minute.

    Time alone changes traits and status, so a name holds for a minute at most.
    """
    minute = found.as_of // _MS_PER_MINUTE
    who = (found.identifiers, found.mask, found.refused, minute, caller.is_operator)
    digest = blake2b(reception.engine.traits.encode(found.state), digest_size=12)
    digest.update(to_json((who, found.declared_status, found.estimate)))
    return f'W/"{digest.hexdigest()}"'


def _tags(header: str) -> Sequence[str]:
    """Give the names in ``If-None-Match``."""
    return [tag.strip() for tag in header.split(",")]


def _told(events: Sequence[Event]) -> list[ToldEvent]:
    return [
        ToldEvent(
            event_id=event.event_id,
            kind=event.kind,
            name=event.name,
            identifiers=event.identifiers,
            occurred_at=format_instant(event.occurred_at),
            recorded_at=format_instant(event.recorded_at),
            properties=event.properties,
            context=event.context,
            source=event.source,
        )
        for event in events
    ]
