"""Segment's Profile API, so that what reads profiles there reads them here.

Paths, parameters, answers and errors are Segment's; the space is not looked at, since a home is one
business. There is one collection, ``users``; ``links`` to accounts are always empty.

References
----------
Twilio Segment, "Profile API", documentation of Unify.
"""

import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from customering.api.reception import Reception, answered, query_of, whole
from customering.app.people import Person
from customering.app.timeline import (
    life_of,
    read_cursor,
    read_timeline,
    write_cursor,
)
from customering.events.model import Event
from customering.kernel.clock import format_instant
from customering.kernel.errors import CustomeringError
from customering.kernel.ids import Identifier, kind_of, value_of
from customering.web.answers import retry_after, status_of
from customering.web.problems import AnyRequest, NotLetIn, count_refusal

LIMIT_USUAL, LIMIT_MOST = 10, 200
_WHO_PLACE = 6
_COLLECTION = "users"
_OWN_SOURCE = "customering"
_PATH = "/v1/spaces/{space:str}/collections/users/profiles/{who:str}"


def _error(
    request: AnyRequest, status: int, code: str, message: str, headers: Mapping[str, str]
) -> Response[bytes]:
    count_refusal(request, code)
    told = {"error": {"code": code, "message": message}}
    return answered(told, status=status, headers={**_request_id(), **headers})


def _answer_error(request: AnyRequest, error: CustomeringError) -> Response[bytes]:
    status = HTTPStatus(status_of(error))
    waiting = {name.decode(): value.decode() for name, value in retry_after(error)}
    if status == HTTPStatus.NOT_FOUND:
        return _error(request, status, "not_found", "Profile was not found.", waiting)
    return _error(request, status, status.name.lower(), error.message, waiting)


def _answer_not_let_in(request: AnyRequest, error: NotLetIn) -> Response[bytes]:
    denied = error.denied
    asks = {"www-authenticate": "Basic"} if denied.status == HTTPStatus.UNAUTHORIZED else {}
    return _error(request, denied.status, denied.code, denied.message, asks)


def _answer_http(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    status = HTTPStatus(error.status_code)
    return _error(request, status, status.name.lower(), status.phrase, {})


_HANDLED: ExceptionHandlersMap = {
    CustomeringError: _answer_error,
    NotLetIn: _answer_not_let_in,
    HTTPException: _answer_http,
}


@get(f"{_PATH}/traits", exception_handlers=_HANDLED)
async def traits(request: AnyRequest, reception: NamedDependency[Reception]) -> Response[bytes]:
    """Read traits, and the audiences a person is in as traits that are true."""
    asked = query_of(request, ("class", "include", "limit", "next", "verbose"))
    limit = _limit(asked)
    found = await _person(request, reception)
    known = _facts(reception, found, asked.get("class", ""))
    wanted = _names(asked.get("include"))
    after = asked.get("next", "")
    names = sorted(n for n in known if n > after and (not wanted or n in wanted))
    some = names[:limit]
    is_verbose = asked.get("verbose") == "true"
    told = {name: known[name] if is_verbose else known[name]["value"] for name in some}
    following = some[-1] if len(names) > limit else ""
    return _page(request, {"traits": told}, asked, limit, following)


@get(f"{_PATH}/external_ids", exception_handlers=_HANDLED)
async def external_ids(
    request: AnyRequest, reception: NamedDependency[Reception]
) -> Response[bytes]:
    """Read what names a person."""
    asked = query_of(request, ("include", "limit", "next", "verbose"))
    limit = _limit(asked)
    found = await _person(request, reception)
    wanted, after = _names(asked.get("include")), asked.get("next", "")
    names = [n for n in found.identifiers if not wanted or kind_of(n) in wanted]
    names = sorted(n for n in names if n > after)
    events = await reception.live.in_thread(life_of, reception.engine, found.identifiers)
    told = [_external_id(name, events) for name in names[:limit]]
    following = names[limit - 1] if len(names) > limit else ""
    return _page(request, {"data": told}, asked, limit, following)


@get(f"{_PATH}/events", exception_handlers=_HANDLED)
async def events(request: AnyRequest, reception: NamedDependency[Reception]) -> Response[bytes]:
    """Read what happened to a person, newest first."""
    asked = query_of(request, ("exclude", "include", "limit", "next", "verbose"))
    limit = _limit(asked)
    after = read_cursor(asked["next"]) if asked.get("next") else None
    found = await _person(request, reception)
    included, excluded = _names(asked.get("include")), _names(asked.get("exclude"))

    def is_wanted(event: Event) -> bool:
        name = event.name or event.kind
        return name not in excluded and (not included or name in included)

    page = await reception.live.in_thread(
        read_timeline, reception.engine, found.identifiers, after, limit, is_wanted
    )
    told = [_event(event) for event in page.events]
    following = "" if page.last is None else write_cursor(page.last)
    return _page(request, {"data": told}, asked, limit, following)


@get(f"{_PATH}/metadata", exception_handlers=_HANDLED)
async def metadata(request: AnyRequest, reception: NamedDependency[Reception]) -> Response[bytes]:
    """Read since when and from where a person is known."""
    asked = query_of(request, ("limit", "verbose"))
    found = await _person(request, reception)
    life = await reception.live.in_thread(life_of, reception.engine, found.identifiers)
    first, last = (life[0], life[-1]) if life else (None, None)
    told = {
        "created_at": first and format_instant(first.occurred_at),
        "updated_at": last and format_instant(last.occurred_at),
        "expires_at": None,
        "first_message_id": first and first.event_id,
        "first_source_id": first and first.source,
        "last_message_id": last and last.event_id,
        "last_source_id": last and last.source,
    }
    return _page(request, {"metadata": told}, asked, LIMIT_USUAL, "")


@get(f"{_PATH}/links", exception_handlers=_HANDLED)
async def links(request: AnyRequest, reception: NamedDependency[Reception]) -> Response[bytes]:
    """Read the accounts of a person: none, since there are no accounts here."""
    asked = query_of(request, ("include", "limit", "next", "verbose"))
    limit = _limit(asked)
    await _person(request, reception)
    return _page(request, {"data": []}, asked, limit, "")


handlers = [traits, external_ids, events, metadata, links]


async def _person(request: AnyRequest, reception: Reception) -> Person:
    return (await reception.person(request, _WHO_PLACE))[1]


def _limit(asked: Mapping[str, str]) -> int:
    return whole(asked.get("limit"), "limit", LIMIT_USUAL, 1, LIMIT_MOST)


def _names(text: str | None) -> frozenset[str]:
    return frozenset(name.strip() for name in (text or "").split(",") if name.strip())


def _facts(reception: Reception, found: Person, kind: str) -> dict[str, dict[str, Any]]:
    """Give traits and audiences as Segment tells them when asked to be verbose."""
    known: dict[str, dict[str, Any]] = {}
    people = reception.engine.people
    if kind != "audience":
        known = {
            name: {
                "value": fact.value,
                "source_id": fact.source or _OWN_SOURCE,
                "updated_at": format_instant(fact.as_of),
            }
            for name, fact in people.facts(found).items()
            if kind != "computed_trait" or fact.provenance != "declared"
        }
    if kind != "computed_trait":
        at = format_instant(found.as_of)
        for name in people.audiences(found, reception.engine.audiences):
            known.setdefault(name, {"value": True, "source_id": _OWN_SOURCE, "updated_at": at})
    return known


def _external_id(name: Identifier, life: Sequence[Event]) -> dict[str, Any]:
    """Give an identifier with the event that brought it."""
    first = next((event for event in life if name in event.identifiers), None)
    return {
        "source_id": first.source if first else _OWN_SOURCE,
        "collection": _COLLECTION,
        "id": value_of(name),
        "type": kind_of(name),
        "created_at": first and format_instant(first.occurred_at),
        "first_message_id": first and first.event_id,
        "encoding": "none",
    }


def _event(event: Event) -> dict[str, Any]:
    return {
        "external_ids": [
            {
                "collection": _COLLECTION,
                "type": kind_of(name),
                "id": value_of(name),
                "encoding": "none",
            }
            for name in event.identifiers
        ],
        "context": event.context,
        "type": event.kind,
        "source_id": event.source,
        "event": event.name,
        "message_id": event.event_id,
        "properties": event.properties,
        "timestamp": format_instant(event.occurred_at),
    }


def _page(
    request: AnyRequest, told: dict[str, Any], asked: Mapping[str, str], limit: int, following: str
) -> Response[bytes]:
    """Answer with one page and where the next one is."""
    query = {**asked, "next": following} if following else {}
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    path = raw.partition(b"?")[0].decode("latin-1")
    cursor = {
        "url": f"{path}?{urlencode(query)}" if query else "",
        "has_more": bool(following),
        "next": following,
        "limit": limit,
    }
    return answered({**told, "cursor": cursor}, headers=_request_id())


def _request_id() -> dict[str, str]:
    return {"request-id": secrets.token_hex(16)}
