"""Bring it along: what a person told another shop about themselves, seen before it is kept."""

import json
from asyncio import to_thread

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency

from customering.app.portal_bringing import (
    ZIP_BYTES_MOST,
    Value,
    checked_facts,
    read_brought,
)
from customering.app.rights_desk import PERSON
from customering.events.model import FACT_CORRECTED
from customering.kernel.errors import Invalid
from customering.portal.desk import Desk
from customering.portal.guest import Visit
from customering.portal.showing import shown
from customering.web.problems import AnyRequest


class BroughtView(msgspec.Struct, frozen=True, kw_only=True):
    """One fact that was brought along.

    Parameters
    ----------
    name, shown
        It, as it is read.
    value
        It, as the form sends it back: as JSON.
    now
        What is known here so far, as it is read; empty when nothing is.
    """

    name: str
    shown: str
    value: str
    now: str


class BringView(msgspec.Struct, frozen=True, kw_only=True):
    """What may be brought along.

    Parameters
    ----------
    taken
        Names of the facts that are taken here.
    facts
        What is in the file that was sent; nothing of it is kept yet.
    passed_over
        How much else is in it; None before one was sent.
    bytes_most
        The largest file.
    """

    taken: tuple[str, ...]
    facts: list[BroughtView]
    passed_over: int | None
    bytes_most: int


@get(["/me/bring", "/me/bring.json"])
async def bring(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Show where a file is sent."""
    visit = await desk.visit(request)
    return desk.page(visit, "bring", _view(desk, visit, {}, None))


@post("/me/bring", status_code=200)
async def look(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Read a file and show what is in it; nothing is kept."""
    visit, file = await desk.upload(request, "file", ZIP_BYTES_MOST)
    desk.uploads.check(visit.session.person)
    if not file:
        raise Invalid("no file was chosen", hint="choose the ZIP of the other shop")
    brought = await to_thread(read_brought, file, desk.settings.bring_facts)
    view = _view(desk, visit, brought.facts, brought.passed_over)
    return desk.page(visit, "bring", view)


@post("/me/bring/keep")
async def keep(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Keep what the person ticked: from now on it is what they told us about themselves."""
    visit, form = await desk.act(request)
    told = {}
    for name in form.every("keep"):
        try:
            told[name] = json.loads(form.text(f"fact.{name}", most=1_000))
        except ValueError as error:
            raise Invalid("a fact cannot be read", hint="send the file again") from error
    facts = checked_facts(told, desk.settings.bring_facts)
    if not facts or len(facts) != len(told):
        raise Invalid("nothing was ticked, or not what is taken here", hint="send the file again")
    await desk.note(FACT_CORRECTED, visit.person.identifiers[:1], {"facts": facts})
    await desk.rights.note_look(visit.session.person, PERSON, "brought")
    return desk.done(visit, "/me/facts", "bring.kept")


handlers = [bring, look, keep]


def _view(desk: Desk, visit: Visit, facts: dict[str, Value], passed_over: int | None) -> BringView:
    known = visit.person.values["declared"]
    words, currency = visit.words, desk.currency
    return BringView(
        taken=desk.settings.bring_facts,
        facts=[
            BroughtView(
                name=name,
                shown=shown(value, "", words, currency),
                value=json.dumps(value, ensure_ascii=False),
                now=shown(known[name], "", words, currency) if name in known else "",
            )
            for name, value in facts.items()
        ],
        passed_over=passed_over,
        bytes_most=ZIP_BYTES_MOST,
    )
