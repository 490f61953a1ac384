"""Intake: payloads as they were sent become events, or are set aside with the reason."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from customering.events.model import RESERVED_NAMES, Event
from customering.events.plan import TrackingPlan
from customering.events.segment import read_event
from customering.events.settings import EventsSettings
from customering.events.store import Quarantined
from customering.events.usual import UsualPayload, UsualReader, usual_from, whole
from customering.kernel.errors import InvalidEvent
from customering.kernel.ids import stable_id
from customering.kernel.records import Record, to_json

_encode = msgspec.json.Encoder().encode
_NOT_ENCODABLE = (TypeError, ValueError, OverflowError, RecursionError)


class Intake(Record, frozen=True):
    """What became of the payloads of one call.

    Parameters
    ----------
    accepted
        Events to append to the log, in the order of their payloads.
    quarantined
        Payloads that were refused, in their order; every payload is in one of the two.
    lines
        The accepted events as JSON, one each, so that the log need not encode them again. Empty
        when that is not known: whoever changes `accepted` must leave `lines` out, or encode anew.
    """

    accepted: list[Event]
    quarantined: list[Quarantined]
    lines: Sequence[bytes] = ()


def intake(
    payloads: Iterable[Any],
    *,
    plan: TrackingPlan,
    settings: EventsSettings,
    source: str,
    received_at: int,
    places: Sequence[str] | None = None,
    amend: Callable[[Event], Event] | None = None,
) -> Intake:
    """Turn payloads in the shape of the Segment spec into events; never raise because of one.

    Parameters
    ----------
    payloads
        Decoded JSON, one payload an event. A live call passes what the SDK sent (for a batch, what
        `customering.events.segment.unbatch` gives). An import passes what its mapping made: the
        same shape with ``timestamp`` and without ``sentAt``, so that the time is kept as given, and
        optionally ``identifiers``, an object of type and value beside ``userId``. A live call may
        pass what `customering.events.usual.usual_from_json` read, which is quicker.
    plan
        What is known of each event's fields.
    source
        Which system sent them, such as ``web`` or ``import:orders``.
    received_at
        The present. Milliseconds since 1970.
    places
        Where each payload stood, such as ``orders.csv:17``, one a payload; by default its index.
    amend
        Changes each event before it is measured, such as for a source that is not believed about
        everything; must not raise.

    Notes
    -----
    Pure, and one bad payload never spoils the others of its batch.
    """
    accepted: list[Event] = []
    lines: list[bytes] = []
    refused: list[Quarantined] = []
    read_usual = UsualReader(plan, settings, source, received_at).read
    for index, payload in enumerate(payloads):
        try:
            usual = payload if type(payload) is UsualPayload else usual_from(payload)
            event = None if usual is None else read_usual(usual)
            if event is None:
                event = _read_fully(whole(payload), plan, settings, source, received_at)
            if amend is not None:
                event = amend(event)
            lines.append(_line(event, settings.event_bytes_max))
            accepted.append(event)
        except InvalidEvent as error:
            refused.append(
                quarantined(
                    whole(payload),
                    reason=error.message,
                    path=error.facts.get("path", ""),
                    source=source,
                    place=str(index) if places is None else places[index],
                    received_at=received_at,
                )
            )
    return Intake(accepted=accepted, quarantined=refused, lines=lines)


def quarantined(
    raw: Any, *, reason: str, source: str, place: str, received_at: int, path: str = ""
) -> Quarantined:
    """Set something aside: a payload, or the text of a line that cannot be read as one.

    What cannot be written as JSON (such as half a surrogate pair) is kept as an escaped text.
    """
    try:
        text = to_json(raw).decode()
    except RecursionError:
        raw = text = "(nested too deeply to be kept)"
    except _NOT_ENCODABLE:
        raw = text = ascii(raw)
    return Quarantined(
        quarantine_id=stable_id("qua", source, place, text),
        raw=raw,
        reason=reason,
        path=path,
        source=source,
        place=place,
        received_at=received_at,
    )


def _read_fully(
    payload: Any, plan: TrackingPlan, settings: EventsSettings, source: str, received_at: int
) -> Event:
    """Read any payload, and check it against the reserved names and the plan."""
    event = read_event(payload, settings=settings, source=source, received_at=received_at)
    if event.name in RESERVED_NAMES:
        raise InvalidEvent(
            "This name is reserved for events of the system itself",
            hint="Choose another event name.",
            path="event",
        )
    properties, violations = plan.conform(event, settings.default_currency)
    if violations:
        raise InvalidEvent(
            "; ".join(f"{violation.path}: {violation.reason}" for violation in violations[:5]),
            hint="Send what the tracking plan says, or change the plan.",
            path=violations[0].path,
        )
    if properties is not event.properties:
        event = msgspec.structs.replace(event, properties=properties)
    return event


def _line(event: Event, event_bytes_max: int) -> bytes:
    """Encode an event as the log keeps it; refuse what would make it fail the events beside it."""
    try:
        line = _encode(event)
    except _NOT_ENCODABLE as error:
        raise InvalidEvent(
            "The event cannot be written as JSON: it is nested too deeply or not valid Unicode",
            hint="Send flat properties and whole characters.",
        ) from error
    if len(line) > event_bytes_max:
        raise InvalidEvent(
            f"The event has {len(line)} bytes, more than the {event_bytes_max} allowed",
            hint="Send less, or raise events.event_bytes_max.",
        )
    return line
