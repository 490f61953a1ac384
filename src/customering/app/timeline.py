"""What happened to one person, newest first, page by page."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

import msgspec

from customering.app.engine import Engine
from customering.app.folding import copy_to_history
from customering.events.model import DECISION_MADE, Event
from customering.identity.anchors import anchor_of
from customering.kernel.errors import Invalid
from customering.kernel.ids import Identifier

_CURSOR_LENGTH_MAX = 1_000
_SAID_OF_DECISIONS = (
    "decision_id", "placement", "purpose", "channel", "chosen", "choice", "propensity", "reasons",
)  # fmt: skip
_LATE_EVENTS_MAX = 5_000  # read anew with every page: some 20 ms
_HINT = "leave it out to begin with the newest, or send `next` of the answer before"


class Place(NamedTuple):
    """A place in a timeline: the last event of a page.

    Parameters
    ----------
    occurred_at
        When it happened. Milliseconds since 1970.
    event_id
        Which one it was of those at that instant.
    """

    occurred_at: int
    event_id: str


class Page(NamedTuple):
    """A part of a timeline.

    Parameters
    ----------
    events
        Newest first.
    last
        Where the next page goes on; None when there is nothing earlier.
    """

    events: list[Event]
    last: Place | None


def write_cursor(place: Place) -> str:
    """Write a place as a text that goes into a query."""
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read_cursor(text: str) -> Place:
    """Read a place.

    Raises
    ------
    Invalid
        When `write_cursor` did not write it.
    """
    try:
        data = urlsafe_b64decode(text[:_CURSOR_LENGTH_MAX] + "=" * (-len(text) % 4))
        return msgspec.json.decode(data, type=Place)
    except ValueError as error:
        raise Invalid("the cursor cannot be read - at `?cursor`", hint=_HINT) from error


def read_timeline(
    engine: Engine,
    names: Sequence[Identifier],
    after: Place | None,
    limit: int,
    is_wanted: Callable[[Event], bool] = lambda event: True,
) -> Page:
    """Read a page, with everything in the log; slow, so for the thread that reads the history.

    Parameters
    ----------
    names
        The identifiers of the person.
    after
        Only what is earlier than this place; None begins with the newest.
    limit
        Most events in the page.
    is_wanted
        Tells which events count.

    Notes
    -----
    What arrives meanwhile moves nothing: a page goes on from an event, not from a number.
    """
    events = life_of(engine, names, until_ms=None if after is None else after.occurred_at)
    if after is not None:
        while events and events[-1].occurred_at == after.occurred_at:
            if events.pop().event_id == after.event_id:
                break
    found = list(islice((event for event in reversed(events) if is_wanted(event)), limit + 1))
    some = [in_short(event) for event in found[:limit]]
    has_more = len(found) > limit
    return Page(some, Place(some[-1].occurred_at, some[-1].event_id) if has_more else None)


def in_short(event: Event) -> Event:
    """Give an event as a timeline shows it: of a decision only what was done and why.

    All that lost is kept with it, some ten kilobytes; the decision itself tells that when asked.
    """
    if event.name != DECISION_MADE:
        return event
    said = {name: event.properties[name] for name in _SAID_OF_DECISIONS if name in event.properties}
    return msgspec.structs.replace(event, properties=said)


def life_of(
    engine: Engine, names: Sequence[Identifier], *, until_ms: int | None = None
) -> list[Event]:
    """Give all events of a person in order of time, those that were just accepted included.

    Parameters
    ----------
    until_ms
        Only what occurred at or before this instant.
    """
    late = _late(engine, names)
    events = engine.history.events_of(names, until_ms=until_ms)
    events += [event for event in late if until_ms is None or event.occurred_at <= until_ms]
    events.sort(key=attrgetter("occurred_at"))
    return events


def _late(engine: Engine, names: Sequence[Identifier]) -> list[Event]:
    """Give the events of a person that are not in the history yet, in the order of the log.

    They are read from the log while they are few: each copy to the history makes files anew.
    """
    log, history = engine.reading_log, engine.history
    if log.end - history.offset > _LATE_EVENTS_MAX:
        copy_to_history(log, history, engine.rules)
    return [
        event
        for block in log.read(after=history.offset - 1)
        for event in block.events()
        if anchor_of(event.identifiers, engine.rules) in names
    ]
