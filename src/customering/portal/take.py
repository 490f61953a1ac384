"""Take it along, or erase it: everything in one file, gone for good, and each request's clock."""

from asyncio import to_thread
from typing import cast, get_args

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from customering.app.portable import Subset
from customering.app.portal_transfers import HOURS_MOST, HOURS_USUAL
from customering.app.rights_desk import PERSON
from customering.consent.rights_scope import CATEGORIES, MODELS, scope_of
from customering.kernel.clock import format_instant
from customering.kernel.errors import Absent, Invalid
from customering.portal.desk import Desk
from customering.portal.guest import Guest, Visit, no_session_cookie
from customering.portal.pages import as_json, go_to
from customering.portal.requests import (
    LookView,
    ManyView,
    RequestView,
    acts_on_many,
    looks_at,
    requests_of,
)
from customering.portal.sign_in import left
from customering.portal.taking import taken_along
from customering.portal.transfer import TransferView, transfers_of
from customering.web.problems import AnyRequest

_SURE = "erase"


class TakeView(msgspec.Struct, frozen=True, kw_only=True):
    """What may be taken along or erased.

    Parameters
    ----------
    is_fresh
        Whether the sign-in is fresh enough for it.
    is_frozen
        Whether the data is only stored, at the person's wish.
    transfers
        Links by which the person hands their data to somebody else, the newest first.
    link
        The one just made; told this once. Empty otherwise.
    hours, hours_most
        For how long one holds: the usual, and at most.
    requests
        The latest first.
    categories, models
        Parts that may be erased by themselves.
    today
        The latest day before which something may be erased.
    looks, many
        Who looked, and what was done with the data of many people, the latest first.
    """

    is_fresh: bool
    is_frozen: bool
    transfers: list[TransferView]
    link: str
    hours: int
    hours_most: int
    requests: list[RequestView]
    categories: tuple[str, ...]
    models: tuple[str, ...]
    today: str
    looks: list[LookView]
    many: list[ManyView]


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
    view = await _view(desk, visit)
    return desk.page(visit, "take", view, said=request.query_params.get("told", "")[:60])


@post("/me/take/along")
async def take_along(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes] | Stream:
    """Give everything as one ZIP."""
    visit, form = await desk.act(request, fresh=True)
    subset = _subset(form.text("subset") or "all")
    desk.exports.check(visit.session.person)
    return await taken_along(desk, visit.session.person, subset, PERSON)


@post("/me/take/transfer")
async def hand_over(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Make a link for somebody else; it is told in the answer, once."""
    visit, form = await desk.act(request, fresh=True)
    hours = form.whole("hours", 1, HOURS_MOST) or HOURS_USUAL
    subset = _subset(form.text("subset") or "portable")
    desk.exports.check(visit.session.person)
    label = await to_thread(desk.transfers.check, visit.names, form.text("label"), hours)
    asked = await desk.rights.open_request(
        visit.session.person, "port", actor=PERSON, words=label, details={"transfer": subset}
    )
    await desk.rights.act(asked.request_id, "begin", actor=PERSON)
    transfer, token = await to_thread(
        desk.transfers.make,
        visit.session.person,
        label,
        subset,
        hours=hours,
        request_id=asked.request_id,
    )
    link = f"{visit.guest.public.origin}/t/{token}"
    told = {"transfer_id": transfer.transfer_id, "link": link, "ends_at": transfer.ends_at}
    if visit.guest.is_program:
        return as_json(told)
    return desk.page(visit, "take", await _view(desk, visit, link=link))


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


@post("/me/take/erase-part")
async def erase_part(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Erase a category, or take the person out of a model; in force when this answers."""
    visit, form = await desk.act(request, fresh=True)
    kind, _, name = form.text("part").partition(":")
    if kind not in ("category", "model") or not name:
        raise Invalid("there is no such part", hint="send category:visits or model:taste")
    told = {kind: name, "before": form.text("before") if kind == "category" else ""}
    scope = scope_of({name: text for name, text in told.items() if text})
    await desk.rights.erase(visit.session.person, actor=PERSON, scope=scope)
    if not desk.is_known(visit.session.person):  # what they signed in by went with it
        await to_thread(desk.sessions.forget, (visit.session.person,))
        return left(visit.guest, "take.part_erased")
    return desk.done(visit, "/me/take", "take.part_erased")


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


handlers = [take, take_along, hand_over, freeze, revoke, erase, erase_part, erased, certificate]


async def _view(desk: Desk, visit: Visit, *, link: str = "") -> TakeView:
    transfers = await transfers_of(desk, visit)  # first: it may note that a request is over
    return TakeView(
        is_fresh=desk.sessions.is_fresh(visit.session),
        is_frozen=desk.is_frozen(visit),
        transfers=transfers,
        link=link,
        hours=HOURS_USUAL,
        hours_most=HOURS_MOST,
        categories=tuple(CATEGORIES),
        models=tuple(MODELS),
        today=format_instant(desk.live.present)[:10],
        requests=await requests_of(desk, visit),
        looks=await looks_at(desk, visit),
        many=await acts_on_many(desk, visit),
    )


def _subset(text: str) -> Subset:
    for one in get_args(Subset):
        if text == one:
            return cast("Subset", one)
    raise Invalid("there is no such part", hint="send all or portable")


def _erased(guest: Guest, request_id: str) -> Response[bytes]:
    cookies = [no_session_cookie(guest)]
    if guest.is_program:
        return as_json({"done": "take.erased", "request_id": request_id}, cookies=cookies)
    return go_to(f"/me/erased/{request_id}", cookies, forgets=True)
