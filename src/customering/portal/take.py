"""Take it along, or erase it: everything in one file, gone for good, and each request's clock."""

import tempfile
from asyncio import to_thread
from collections.abc import AsyncIterator, Iterator
from typing import IO, cast

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from customering.app.rights_desk import PERSON
from customering.consent.rights import Request
from customering.kernel.clock import format_instant
from customering.kernel.errors import Absent, Invalid
from customering.portal.desk import Desk
from customering.portal.guest import Guest, no_session_cookie
from customering.portal.pages import as_json, go_to
from customering.web.problems import AnyRequest

_SPOOLED_BYTES = 4_000_000
_PIECE_BYTES = 65_536
_LOOKS_SHOWN = 30
_SURE = "erase"


class RequestView(msgspec.Struct, frozen=True, kw_only=True):
    """One request, and how far it is.

    Parameters
    ----------
    request_id, kind, status, reason
        The request.
    received_at, expected_by, ended_at
        When it came, is to be answered, and was. Milliseconds since 1970.
    words
        What the person said.
    can_revoke
        Whether the person may still take it back.
    """

    request_id: str
    kind: str
    status: str
    reason: str
    received_at: int
    expected_by: int | None
    ended_at: int | None
    words: str
    can_revoke: bool


class LookView(msgspec.Struct, frozen=True, kw_only=True):
    """One look at what is known of the person."""

    at_ms: int
    actor: str
    act: str
    words: str


class TakeView(msgspec.Struct, frozen=True, kw_only=True):
    """What may be taken along or erased.

    Parameters
    ----------
    is_fresh
        Whether the sign-in is fresh enough for it.
    is_frozen
        Whether the data is only stored, at the person's wish.
    requests
        The latest first.
    looks
        Who looked, the latest first.
    """

    is_fresh: bool
    is_frozen: bool
    requests: list[RequestView]
    looks: list[LookView]


class ErasedView(msgspec.Struct, frozen=True, kw_only=True):
    """What a person who was erased is told.

    Parameters
    ----------
    request_id
        Names the erasure; nothing of the person.
    """

    request_id: str


@get(["/me/take", "/me/take.json"])
async def take(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Show what may be taken along or erased, and every request."""
    visit = await desk.visit(request)
    who = visit.session.person
    requests = await desk.rights.requests_of(who)
    looks = await desk.rights.looks_at(who, _LOOKS_SHOWN)
    view = TakeView(
        is_fresh=desk.sessions.is_fresh(visit.session),
        is_frozen=desk.is_frozen(visit),
        requests=[_request(one) for one in requests],
        looks=[
            LookView(at_ms=one.at_ms, actor=one.actor, act=one.act, words=one.words)
            for one in looks
        ],
    )
    return desk.page(visit, "take", view, said=request.query_params.get("told", "")[:60])


@post("/me/take/along")
async def take_along(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes] | Stream:
    """Give everything as one ZIP."""
    visit, form = await desk.act(request, fresh=True)
    subset = form.text("subset") or "all"
    if subset not in ("all", "portable"):
        raise Invalid("there is no such part", hint="send all or portable")
    desk.exports.check(visit.session.person)
    file = tempfile.SpooledTemporaryFile(max_size=_SPOOLED_BYTES)  # noqa: SIM115 - the stream closes it
    out = cast("IO[bytes]", file)
    try:
        await desk.rights.takeout(
            visit.session.person,
            actor=PERSON,
            out=out,  # type: ignore[arg-type]  # all of a file that is written to
            subset=subset,  # type: ignore[arg-type]  # one of the two
        )
    except BaseException:
        file.close()
        raise
    day = format_instant(desk.engine.clock())[:10]
    return Stream(
        _pieces(out),
        media_type="application/zip",
        headers={"content-disposition": f'attachment; filename="my-data-{day}.zip"'},
    )


@post("/me/take/freeze")
async def freeze(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Store everything and do nothing else with it, or take that back."""
    visit, form = await desk.act(request)
    if form.text("freeze") == "no":
        await desk.unfreeze(visit)
        return desk.done(visit, "/me/take", "take.unfrozen")
    made = await desk.rights.open_request(visit.session.person, "restrict", actor=PERSON)
    await desk.rights.act(made.request_id, "fulfil", actor=PERSON)
    return desk.done(visit, "/me/take", "take.frozen")


@post("/me/take/revoke")
async def revoke(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Take back a request that was not answered yet."""
    visit, form = await desk.act(request)
    request_id = form.text("request_id")
    theirs = await desk.rights.requests_of(visit.session.person)
    if request_id not in {one.request_id for one in theirs}:
        raise Absent("there is no such request", hint="load the page again")
    await desk.rights.act(request_id, "revoke", actor=PERSON)
    return desk.done(visit, "/me/take", "take.revoked")


@post("/me/take/erase")
async def erase(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Erase the person; in force when this answers, and the session ends with it."""
    visit, form = await desk.act(request, fresh=True)
    if form.text("sure") != _SURE:
        raise Invalid("it was not confirmed", hint="tick the box beside the button")
    again = "never" if form.text("again") == "never" else "new"
    guest, names = visit.guest, visit.names
    erasure = await desk.rights.erase(visit.session.person, actor=PERSON, again=again)  # type: ignore[arg-type]
    await to_thread(desk.sessions.forget, names)
    return _erased(guest, erasure.request_id)


@get("/me/erased/{request_id:str}")
async def erased(
    request: AnyRequest, desk: NamedDependency[Desk], request_id: FromPath[str]
) -> Response[bytes]:
    """Show that somebody was erased; nothing says who."""
    return desk.open_page(desk.guest(request), "erased", ErasedView(request_id=request_id[:40]))


@get("/me/erased/{request_id:str}/certificate.json")
async def certificate(
    request: AnyRequest, desk: NamedDependency[Desk], request_id: FromPath[str]
) -> Response[bytes]:
    """Give the signed certificate of an erasure, which names nobody, once it is complete."""
    desk.entries.check(desk.address_of(request))
    signed = await desk.rights.certificate(request_id[:40])
    return Response(
        signed,
        media_type="application/json",
        headers={"content-disposition": 'attachment; filename="erasure-certificate.json"'},
    )


handlers = [take, take_along, freeze, revoke, erase, erased, certificate]


def _request(one: Request) -> RequestView:
    return RequestView(
        request_id=one.request_id,
        kind=one.kind,
        status=one.status,
        reason=one.reason,
        received_at=one.received_at,
        expected_by=one.expected_by,
        ended_at=one.ended_at,
        words=one.words,
        can_revoke=not one.has_ended and one.kind != "erase",
    )


def _erased(guest: Guest, request_id: str) -> Response[bytes]:
    cookies = [no_session_cookie(guest)]
    if guest.is_program:
        return as_json({"done": "take.erased", "request_id": request_id}, cookies=cookies)
    return go_to(f"/me/erased/{request_id}", cookies, forgets=True)


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    """Give a file piece by piece, and close it."""
    with file:
        file.seek(0)
        for piece in _read(file):
            yield piece


def _read(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PIECE_BYTES):
        yield piece
