"""Our relationship: how we stand and why, how the person wants to stand, and how to be served."""

from asyncio import to_thread
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency

from customering.app.wishes import WORDS, Wish, standing
from customering.events.model import FACT_CORRECTED
from customering.kernel.clock import MS_PER_DAY, day_of, format_day, parse_instant
from customering.kernel.errors import Invalid
from customering.portal.desk import Desk
from customering.portal.entering import site_of
from customering.portal.forms import Form
from customering.portal.guest import Visit
from customering.relationship.contact_wishes import CONTACT_WISHES_FACT, read_contact_wishes
from customering.web.problems import AnyRequest

STYLE_FACT = "service_style"
STYLES = ("guide", "curate", "orchestrate", "co_create")
"""How a person may want to be served."""

_STANDINGS = ("none", "on_a_break", "just_a_transaction", "not_that_into_you", "partner", "left")
_SPANS = {"week": 7, "month": 30, "quarter": 90}
_TIMES_MAX = 30


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One of several that a person may choose.

    Parameters
    ----------
    name
        What is sent for it.
    is_chosen
        Whether it holds now.
    """

    name: str
    is_chosen: bool


class ContactView(msgspec.Struct, frozen=True, kw_only=True):
    """When and how often a person wants to hear from us; empty parts leave it to us.

    Parameters
    ----------
    times, span
        At most so often in a ``week``, a ``month`` or a ``quarter``.
    begins, ends
        Hours of the day between which we may, by their own clock.
    zone
        Their clock, as the IANA database names it.
    """

    times: int | None
    span: str
    begins: str
    ends: str
    zone: str


class RelationshipView(msgspec.Struct, frozen=True, kw_only=True):
    """How we stand.

    Parameters
    ----------
    status
        Its name.
    set_by
        Whether the person set it, or it follows from the facts.
    words, facts, would_change
        It in words, the numbers behind it, and what would change it.
    since, until
        Days; None where they are not known, or open.
    agreed
        What contact is fine now.
    standings, styles
        What may be chosen.
    contact
        When and how often.
    earliest_end
        The first day on which a break may end.
    offers_passkey
        Whether the person could sign in without a letter next time, and has no passkey yet.
    """

    status: str
    set_by: Literal["person", "facts"]
    words: str
    facts: tuple[str, ...]
    would_change: tuple[str, ...]
    since: str | None
    until: str | None
    agreed: str
    standings: tuple[Option, ...]
    styles: tuple[Option, ...]
    contact: ContactView
    earliest_end: str
    offers_passkey: bool = False


@get(["/me", "/me/index.json"])
async def relationship(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Show how we stand."""
    visit = await desk.visit(request)
    told = request.query_params.get("told", "")[:60]
    view = view_of(visit, desk.live.present)
    if visit.session.how == "email" and site_of(visit.guest, desk) is not None:
        has_passkey = bool(await to_thread(desk.passkeys.of, visit.names))
        view = msgspec.structs.replace(view, offers_passkey=not has_passkey)
    return desk.page(visit, "us", view, said=told)


@post("/me/standing")
async def stand(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Keep how a person wants to stand with us."""
    visit, form = await desk.act(request)
    word = form.text("standing")
    until_ms = _until(form.text("until")) if word == "on_a_break" else None
    await desk.say(standing(visit.person, word, desk.live.present, until_ms))
    return desk.done(visit, "/me", f"standing.{word}")


@post("/me/service")
async def serve(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Keep how a person wants to be served."""
    visit, form = await desk.act(request)
    style = form.text("style")
    if style not in (*STYLES, "none"):
        raise Invalid("there is no such way to be served", hint=f"one of {', '.join(STYLES)}")
    await desk.say(_facts(visit, {STYLE_FACT: None if style == "none" else style}))
    return desk.done(visit, "/me", "service")


@post("/me/contact")
async def contact(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Keep when and how often a person wants to hear from us."""
    visit, form = await desk.act(request)
    facts: dict[str, Any] = {CONTACT_WISHES_FACT: _contact(form)}
    zone = form.text("zone", most=60)
    if zone:
        facts["zone"] = zone
    await desk.say(_facts(visit, facts))
    return desk.done(visit, "/me", "contact")


handlers = [relationship, stand, serve, contact]


def view_of(visit: Visit, now_ms: int) -> RelationshipView:
    """Give what the page tells."""
    person = visit.person
    status, wish = person.status, person.declared_status
    holds = wish is not None and (wish.until_ms is None or wish.until_ms > now_ms)
    chosen = wish.status if wish is not None and holds else "none"
    said = person.values["declared"]
    return RelationshipView(
        status=status.name,
        set_by=status.set_by,
        words=status.person_words,
        facts=status.facts,
        would_change=status.would_change,
        since=None if status.since_ms is None else format_day(day_of(status.since_ms)),
        until=None
        if wish is None or not holds or wish.until_ms is None
        else format_day(day_of(wish.until_ms)),
        agreed=status.contract.words,
        standings=tuple(
            Option(name=name, is_chosen=name == chosen) for name in _STANDINGS if name in WORDS
        ),
        styles=tuple(
            Option(name=name, is_chosen=name == said.get(STYLE_FACT, "none"))
            for name in ("none", *STYLES)
        ),
        contact=_contact_view(said),
        earliest_end=format_day(day_of(now_ms) + 1),
    )


def _contact_view(said: Mapping[str, Any]) -> ContactView:
    wishes = read_contact_wishes(said.get(CONTACT_WISHES_FACT))
    zone = str(said.get("zone", ""))[:60]
    if wishes is None:
        return ContactView(times=None, span="month", begins="", ends="", zone=zone)
    span = next((name for name, days in _SPANS.items() if days == wishes.days), "month")
    return ContactView(
        times=wishes.times, span=span, begins=wishes.begins, ends=wishes.ends, zone=zone
    )


def _contact(form: Form) -> dict[str, Any] | None:
    """Read when and how often; None when nothing is wished."""
    times = form.whole("times", 0, _TIMES_MAX)
    span = form.text("span") or "month"
    if span not in _SPANS:
        raise Invalid("there is no such span", hint=f"one of {', '.join(_SPANS)}")
    begins, ends = form.text("begins"), form.text("ends")
    wished: dict[str, Any] = {}
    if times is not None:
        wished |= {"times": times, "days": _SPANS[span]}
    if begins or ends:
        wished |= {"begins": begins, "ends": ends}
    if wished and read_contact_wishes(wished) is None:
        raise Invalid("these hours cannot be read", hint="write both, as 08:00 and 20:00")
    return wished or None


def _facts(visit: Visit, facts: dict[str, Any]) -> Wish:
    return Wish(FACT_CORRECTED, visit.names[:1], {"facts": facts})


def _until(text: str) -> int | None:
    if not text:
        return None
    try:
        until_ms = parse_instant(text)
    except (ValueError, OverflowError) as error:
        raise Invalid("the end of the break is no day", hint="such as 2027-02-01") from error
    if until_ms > 4_102_444_800_000 or until_ms % MS_PER_DAY:
        raise Invalid("the end of the break is no day", hint="such as 2027-02-01")
    return until_ms
