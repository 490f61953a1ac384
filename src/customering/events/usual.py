"""Payloads as SDKs nearly always send them, read in a fraction of the time.

What is given here is what `customering.events.segment.read_event` and `TrackingPlan.conform` give
together, or None where these must be asked. A test compares the two on strange payloads.
"""

from functools import lru_cache
from typing import Any

from customering.events.identifiers import normalise
from customering.events.model import RESERVED_NAMES, Event, Kind
from customering.events.plan import TrackingPlan
from customering.events.settings import EventsSettings
from customering.events.times import read_times, usual_times
from customering.kernel.errors import InvalidEvent
from customering.kernel.ids import Identifier

_BODIES: dict[Any, tuple[Kind, str]] = {
    "track": ("track", "properties"),
    "page": ("page", "properties"),
    "screen": ("screen", "properties"),
    "identify": ("identify", "traits"),
}
"""The kinds that are usual, and where their body stands."""
_LENGTH_MAX = 255  # of names, and of the ids together: what is longer is rare
_NAMES_KEPT = 4_096


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

    def read(self, payload: Any) -> Event | None:
        """Read a payload; None when it must be read in full, or is no event."""
        if type(payload) is not dict:
            return None
        get = payload.get
        usual = _BODIES.get(kind) if type(kind := get("type")) is str else None
        event_id, context = get("messageId"), get("context")
        if usual is None or type(event_id) is not str or type(context) is not dict:
            return None
        kind, body_name = usual
        body = get(body_name)
        event_id = event_id.strip()
        if type(body) is not dict or not 0 < len(event_id) <= _LENGTH_MAX:
            return None
        if not body and kind == "identify":  # the traits may stand elsewhere
            return None
        identifiers = self._identifiers(payload, kind, body, context)
        if identifiers is None:
            return None
        times = usual_times(payload, self._received_at) or self._times(payload)
        if times is None:
            return None
        name: Any = ""
        if kind == "track":
            name = get("event")
            if type(name) is not str or not _is_usual_name(name):
                return None
        elif kind != "identify":
            name = get("name") or body.get("name") or ""
            if name and (type(name) is not str or not _is_usual_name(name)):
                return None
            if get("category") and "category" not in body:
                body = body | {"category": get("category")}
        properties = self._conform(kind, name, body, self._currency)
        if properties is None:
            return None
        occurred_at, clock = times
        if get("integrations") or get("channel"):
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
        self, payload: dict[str, Any], kind: str, body: dict[str, Any], context: dict[str, Any]
    ) -> tuple[Identifier, ...] | None:
        """Give what names the person; None when nothing does, or anything is unusual."""
        user_id, anonymous_id = payload.get("userId"), payload.get("anonymousId")
        if user_id is None:
            user_id = ""
        if anonymous_id is None:
            anonymous_id = ""
        if type(user_id) is not str or type(anonymous_id) is not str:
            return None
        both = user_id + anonymous_id
        if (
            not both.isascii()
            or not both.isprintable()
            or " " in both
            or len(both) > _LENGTH_MAX
            or "identifiers" in payload
            or "externalIds" in context
        ):
            return None
        names: list[Any] = []
        if user_id:
            names.append(f"user_id:{user_id}")
        if anonymous_id:
            names.append(f"anonymous_id:{anonymous_id}")
        if kind == "identify" and not self._add_traits(names, body):
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

    def _times(self, payload: dict[str, Any]) -> tuple[int, dict[str, int]] | None:
        """Read the times in full; None when one of them cannot be read."""
        try:
            return read_times(payload, self._received_at)
        except InvalidEvent:
            return None


@lru_cache(maxsize=_NAMES_KEPT)
def _is_usual_name(name: str) -> bool:
    """Tell whether a name is taken as it is, by anybody."""
    is_plain = name.isascii() and name == name.strip() and 0 < len(name) <= _LENGTH_MAX
    return is_plain and name not in RESERVED_NAMES


def _with_routing(payload: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
    """Put what a payload says of its own way into the context."""
    said = {
        key: payload[key]
        for key in ("integrations", "channel")
        if payload.get(key) and key not in context
    }
    return context | said if said else context
