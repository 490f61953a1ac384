"""Programs that act for me: what each may do, until when, and ending it."""

from asyncio import to_thread
from collections.abc import Sequence

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency

from customering.app.grants import DAYS_MOST, GRANT_SCOPES
from customering.kernel.errors import Absent, Invalid
from customering.kernel.ids import Identifier
from customering.portal.desk import Desk
from customering.portal.mcp import is_installed
from customering.portal.pages import as_json
from customering.web.problems import AnyRequest

_DAYS_USUAL = 30


class ProgramView(msgspec.Struct, frozen=True, kw_only=True):
    """One program that may act for the person.

    Parameters
    ----------
    grant_id
        Names it; lets nobody in.
    label
        What the person calls it.
    scopes
        What it may do.
    begun_at, ends_at, seen_at
        Since when, until when, and when it last came (0 for never). Milliseconds since 1970.
    """

    grant_id: str
    label: str
    scopes: tuple[str, ...]
    begun_at: int
    ends_at: int
    seen_at: int


class ProgramsView(msgspec.Struct, frozen=True, kw_only=True):
    """The programs that may act for the person.

    Parameters
    ----------
    programs
        The newest first.
    scopes
        What may be given.
    days, days_most
        For how long: the usual, and at most.
    text
        What the program just added has to show; told this once. Empty otherwise.
    address
        Where an agent that speaks the Model Context Protocol connects; empty where none can.
    """

    programs: list[ProgramView]
    scopes: tuple[str, ...]
    days: int
    days_most: int
    text: str
    address: str


@get(["/me/programs", "/me/programs.json"])
async def programs(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Show which programs may act for the person."""
    visit = await desk.visit(request)
    view = await _view(desk, request, visit.names)
    return desk.page(visit, "programs", view, said=request.query_params.get("told", "")[:60])


@post("/me/programs")
async def add(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Let a program act for the person; what it has to show is told in the answer, once."""
    visit, form = await desk.act(request, fresh=True)
    days = form.whole("days", 1, DAYS_MOST)
    scopes = form.every("scope")
    if any(scope not in GRANT_SCOPES for scope in scopes):
        raise Invalid("there is no such thing to give", hint=f"some of {', '.join(GRANT_SCOPES)}")
    label = form.text("label")
    who = visit.session.person  # first: for whom the program acts if their names are kept apart
    grant, text = await to_thread(
        desk.grants.create, (who, *visit.names), label, scopes or ["read"], days=days or _DAYS_USUAL
    )
    if visit.guest.is_program:
        return as_json({"grant_id": grant.grant_id, "text": text})
    return desk.page(visit, "programs", await _view(desk, request, visit.names, text))


@post("/me/programs/end")
async def end(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """End what a program may do; it is let in no more."""
    visit, form = await desk.act(request)
    if not await to_thread(desk.grants.end, visit.names, form.text("grant_id")):
        raise Absent("there is no such program", hint="load the page again")
    return desk.done(visit, "/me/programs", "programs.ended")


handlers = [programs, add, end]


async def _view(
    desk: Desk, request: AnyRequest, names: Sequence[Identifier], text: str = ""
) -> ProgramsView:
    held = await to_thread(desk.grants.of, names)
    return ProgramsView(
        programs=[
            ProgramView(
                grant_id=one.grant_id,
                label=one.label,
                scopes=tuple(scope for scope in GRANT_SCOPES if scope in one.scopes),
                begun_at=one.begun_at,
                ends_at=one.ends_at,
                seen_at=one.seen_at,
            )
            for one in held
        ],
        scopes=GRANT_SCOPES,
        days=_DAYS_USUAL,
        days_most=DAYS_MOST,
        text=text,
        address=f"{desk.guest(request).public.origin}/me/mcp" if is_installed() else "",
    )
