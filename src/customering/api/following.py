"""Whom a stream follows and what has not been told yet; how its messages are written."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from customering.api.asking import DecideRequest
from customering.events.model import Event
from customering.kernel.clock import format_instant
from customering.kernel.ids import Identifier
from customering.kernel.records import to_json
from customering.web.tokens import Caller

EVENTS_WAITING_MOST = 256
_ID_LENGTH_MAX = 20


class Follower:
    """One open stream: whom it follows, and what has not been told yet.

    Parameters
    ----------
    name
        A name of the person.
    caller
        Who follows.
    asked
        The place to decide about; None for none.
    """

    def __init__(self, name: Identifier, caller: Caller, asked: DecideRequest | None) -> None:
        self.name = name
        self.caller = caller
        self.asked = asked
        self.names: tuple[Identifier, ...] = (name,)
        self.awake = asyncio.Event()
        self.why_ended = ""
        self._waiting: deque[Event] = deque()

    def tell(self, event: Event) -> None:
        """Keep an event to be told; too many end the stream."""
        if len(self._waiting) >= EVENTS_WAITING_MOST:
            self.end("too_slow")
            return
        self._waiting.append(event)
        self.awake.set()

    def end(self, why: str) -> None:
        """End the stream, for the first reason given."""
        self.why_ended = self.why_ended or why
        self.awake.set()

    def take(self) -> list[Event]:
        """Give what is to be told, once."""
        taken = list(self._waiting)
        self._waiting.clear()
        self.awake.clear()
        return taken


def message(name: str, offset: int, value: Any) -> bytes:
    """Write one message; compact JSON has no line breaks."""
    return b"event: %b\nid: %d\ndata: %b\n\n" % (name.encode(), offset, to_json(value))


def told(events: Sequence[Event]) -> dict[str, Any]:
    """Write what happened."""
    return {
        "events": [
            {
                "event_id": event.event_id,
                "kind": event.kind,
                "name": event.name,
                "occurred_at": format_instant(event.occurred_at),
            }
            for event in events
        ]
    }


def last_seen(headers: Mapping[bytes, bytes]) -> int | None:
    """Read ``Last-Event-ID``; None without one, or when it is none of ours."""
    text = headers.get(b"last-event-id", b"")
    return int(text) if text.isdigit() and len(text) < _ID_LENGTH_MAX else None
