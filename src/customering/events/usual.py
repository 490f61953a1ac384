"""Payloads as SDKs nearly always send them, read in a fraction of the time.

What is given here is what `customering.events.segment.read_event` and `TrackingPlan.conform` give
together, or None where these must be asked. A test compares the two on strange payloads.
"""

from functools import lru_cache
from typing import Any, Literal, get_args

import msgspec

from customering.events.identifiers import normalise
from customering.events.model import RESERVED_NAMES, Event
from customering.events.plan import TrackingPlan
from customering.events.settings import EventsSettings
from customering.events.times import read_times, usual_times
from customering.kernel.errors import InvalidEvent
from customering.kernel.ids import Identifier

_LENGTH_MAX = 255  # of names, and of the ids together: what is longer is rare
_NAMES_KEPT = 4_096
_NOT_SENT: Any = msgspec.UNSET

UsualKind = Literal["track", "page", "screen", "identify"]
USUAL_KINDS: frozenset[str] = frozenset(get_args(UsualKind))


class UsualPayload(msgspec.Struct, rename="camel"):
    """The members of a payload that matter where it is as nearly all are, each of its usual type.

    Reading JSON into this checks the types, and makes nothing of members that say nothing.

    Parameters
    ----------
    text
        The JSON it was read from, for when it must be read in full; a member of that name is not
        read.
    """

    type: UsualKind | Literal[""] = ""
    message_id: str = ""
    event: Any = None
    name: Any = None
    category: Any = None
    user_id: str | None = None
    anonymous_id: str | None = None
    identifiers: Any = _NOT_SENT
    timestamp: Any = None
    original_timestamp: Any = None
    sent_at: Any = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: dict[str, Any] | None = None
    integrations: Any = None
    channel: Any = None
    text: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(UsualPayload).decode
_decode_any = msgspec.json.Decoder().decode


def usual_from_json(text: msgspec.Raw) -> UsualPayload | None:
    """Read one payload; None when it must be read in full.

    Raises
    ------
    ValueError, RecursionError
        When it is no JSON, or nested too deeply.
    """
    try:
        payload = _decode(text)
    except msgspec.ValidationError:
        return None
    payload.text = text
    return payload


def usual_from(payload: Any) -> UsualPayload | None:
    """Take a decoded payload; None when it must be read in full, or is no event."""
    try:
        return msgspec.convert(payload, UsualPayload) if type(payload) is dict else None
    except (ValueError, RecursionError):
        return None


def whole(payload: Any) -> Any:
    """Give a payload as it was sent, with what was put into it since."""
    if type(payload) is not UsualPayload:
        return payload
    known = {
        field.encode_name: value
        for field in msgspec.structs.fields(payload)
        if field.name != "text" and (value := getattr(payload, field.name)) != field.default
    }
    try:
        sent = _decode_any(payload.text)
    except ValueError:  # of what no member of the above holds, such as a number out of range
        return known
    sent.pop("writeKey", None)
    return sent | known


class UsualReader:
    """Reads the payloads of one call that are as nearly all are.

    Parameters
    ----------
    plan, settings, source, received_at
        As of `customering.events.intake.intake`.
    """

    def __init__(
        self, plan: TrackingPlan, settings: EventsSettings, source: str, received_at: int
    ) -> None:
        self._conform = plan.conform_quickly
        self._currency = settings.default_currency
        self._region = settings.default_region
        self._source = source
        self._received_at = received_at

    def read(self, payload: UsualPayload) -> Event | None:
        """Read a payload; None when it must be read in full, or is no event."""
        kind, context = payload.type, payload.context
        body = payload.traits if kind == "identify" else payload.properties
        event_id = payload.message_id.strip()
        if not kind or context is None or body is None or not 0 < len(event_id) <= _LENGTH_MAX:
            return None
        identifiers = self._identifiers(payload, body, context)
        times = self._times(payload)
        if identifiers is None or times is None:
            return None
        name: Any = ""
        if kind == "track":
            name = payload.event
            if type(name) is not str or not _is_usual_name(name):
                return None
        elif kind == "identify":
            if not body:  # the traits may stand elsewhere
                return None
        else:
            name = payload.name or body.get("name") or ""
            if name and (type(name) is not str or not _is_usual_name(name)):
                return None
            if payload.category and "category" not in body:
                body = body | {"category": payload.category}
        properties = self._conform(kind, name, body, self._currency)
        if properties is None:
            return None
        occurred_at, clock = times
        if payload.integrations or payload.channel:
            context = _with_routing(payload, context)
        return Event(
            event_id=event_id,
            kind=kind,
            name=name,
            identifiers=identifiers,
            occurred_at=occurred_at,
            recorded_at=self._received_at,
            properties=properties,
            context={**context, "clock": clock} if clock else context,
            source=self._source,
        )

    def _identifiers(
        self, payload: UsualPayload, body: dict[str, Any], context: dict[str, Any]
    ) -> tuple[Identifier, ...] | None:
        """Give what names the person; None when nothing does, or anything is unusual."""
        user_id, anonymous_id = payload.user_id or "", payload.anonymous_id or ""
        both = user_id + anonymous_id
        if (
            not both.isascii()
            or not both.isprintable()
            or " " in both
            or len(both) > _LENGTH_MAX
            or payload.identifiers is not _NOT_SENT
            or "externalIds" in context
        ):
            return None
        names: list[Any] = []
        if user_id:
            names.append(f"user_id:{user_id}")
        if anonymous_id:
            names.append(f"anonymous_id:{anonymous_id}")
        if payload.type == "identify" and not self._add_traits(names, body):
            return None
        if "traits" in context:
            traits = context["traits"]
            if type(traits) is dict and not self._add_traits(names, traits):
                return None
        return tuple(names) if names else None

    def _add_traits(self, names: list[Any], traits: dict[str, Any]) -> bool:
        """Take the address and the telephone number among traits; tell whether that went well."""
        for kind in ("email", "phone"):
            value = traits.get(kind)
            if value is not None and value != "":
                try:
                    name = normalise(kind, value, self._region)
                except InvalidEvent:
                    return False
                if name not in names:
                    names.append(name)
        return True

    def _times(self, payload: UsualPayload) -> tuple[int, dict[str, int]] | None:
        """Read the times; None when one of them cannot be read."""
        timestamp, original = payload.timestamp, payload.original_timestamp
        sent_at, received_at = payload.sent_at, self._received_at
        found = None if original is not None else usual_times(timestamp, sent_at, received_at)
        if found is not None:
            return found
        said = {"timestamp": timestamp, "originalTimestamp": original, "sentAt": sent_at}
        try:
            return read_times(said, received_at)
        except InvalidEvent:
            return None


@lru_cache(maxsize=_NAMES_KEPT)
def _is_usual_name(name: str) -> bool:
    """Tell whether a name is taken as it is, by anybody."""
    is_plain = name.isascii() and name == name.strip() and 0 < len(name) <= _LENGTH_MAX
    return is_plain and name not in RESERVED_NAMES


def _with_routing(payload: UsualPayload, context: dict[str, Any]) -> dict[str, Any]:
    """Put what a payload says of its own way into the context."""
    said = {"integrations": payload.integrations, "channel": payload.channel}
    new = {name: value for name, value in said.items() if value and name not in context}
    return context | new if new else context
