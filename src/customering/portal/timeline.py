"""Everything that happened: each event of a person in words, and all that is kept of it."""

from collections.abc import Iterable, Mapping

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency

from customering.app.timeline import read_cursor, read_timeline, write_cursor
from customering.events.model import Event
from customering.kernel.records import to_json
from customering.portal.desk import Desk
from customering.portal.guest import Visit
from customering.portal.showing import things_of, title_of
from customering.web.problems import AnyRequest

_EVENTS_A_PAGE = 25
_DETAILS_LENGTH_MAX = 4_000


class MomentView(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened.

    Parameters
    ----------
    event_id, name, kind
        The event.
    title, things
        What it is, in words.
    occurred_at
        When. Milliseconds since 1970.
    source
        Which system told us.
    details
        Everything that was told with it, as JSON.
    """

    event_id: str
    name: str
    kind: str
    title: str
    things: str
    occurred_at: int
    source: str
    details: str


class TimelineView(msgspec.Struct, frozen=True, kw_only=True):
    """A part of what happened, newest first; ``next`` leads to what was before."""

    moments: list[MomentView]
    next: str | None


@get(["/me/timeline", "/me/timeline.json"])
async def timeline(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Show what happened."""
    visit = await desk.visit(request)
    cursor = request.query_params.get("after", "")
    after = read_cursor(cursor) if cursor else None
    page = await desk.live.in_thread(read_timeline, desk.engine, visit.names, after, _EVENTS_A_PAGE)
    currency = desk.engine.settings.events.default_currency
    titles = _titles(desk, visit, page.events)
    view = TimelineView(
        moments=[_moment(event, visit, currency, titles) for event in page.events],
        next=None if page.last is None else write_cursor(page.last),
    )
    return desk.page(visit, "timeline", view)


handlers = [timeline]


def _titles(desk: Desk, visit: Visit, events: Iterable[Event]) -> dict[str, str]:
    """Give the titles of all purposes, and of what was shown in some events."""
    titles = {
        key: visit.words.either(f"purpose.{key}.title", one.title).text
        for key, one in desk.engine.consent.purposes.items()
    }
    chosen = {one for event in events for one in event.properties.get("chosen", ())}
    titles |= {one.action_id: one.title for one in desk.engine.actions if one.action_id in chosen}
    for action_id in chosen:
        item = desk.engine.models.items.get(action_id.removeprefix("item:"))
        if action_id.startswith("item:") and item is not None:
            titles[action_id] = item.words
    return titles


def _moment(event: Event, visit: Visit, currency: str, titles: Mapping[str, str]) -> MomentView:
    told = {"properties": event.properties, "context": event.context,
            "identifiers": event.identifiers}  # fmt: skip
    text = msgspec.json.format(to_json(told), indent=2).decode()
    return MomentView(
        event_id=event.event_id,
        name=event.name,
        kind=event.kind,
        title=title_of(event, visit.words),
        things=things_of(event, visit.words, currency, titles),
        occurred_at=event.occurred_at,
        source="" if event.source == "customering" else event.source,
        details=text[:_DETAILS_LENGTH_MAX],
    )
