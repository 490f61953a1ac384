"""Payloads in the shape of the Segment spec, read as events: names, ids, traits and times."""

import re
import unicodedata
from typing import Any, cast

import msgspec

from customering.events.identifiers import normalise
from customering.events.model import Event, Kind
from customering.events.settings import EventsSettings
from customering.events.times import read_times
from customering.kernel.errors import InvalidEvent
from customering.kernel.ids import Identifier, stable_id, value_of

_KINDS = frozenset({"track", "identify", "page", "screen", "group", "alias"})
_BODY_OF_KIND = {"identify": "traits", "group": "traits"}  # every other kind: properties
_NAME_LENGTH_MAX = 255
_MESSAGE_ID_LENGTH_MAX = 255
_IDENTIFIERS_MAX = 50
# What a retry or the transport changes: no part of what happened.
_VOLATILE_KEYS = frozenset({"sentAt", "receivedAt", "writeKey", "_metadata", "messageId"})
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SORTED_ENCODER = msgspec.json.Encoder(order="sorted")


def unbatch(body: Any) -> list[Any]:
    """Give the payloads of a batch call, with what the batch says for all put under each.

    ``context`` and ``integrations`` of the batch fill what a payload does not say itself; so does
    ``sentAt``. What is not an object is passed on as it is, for intake to set aside. The payloads
    of the body are filled where they stand: the body is not to be used again.

    Raises
    ------
    InvalidEvent
        When the body is not an object with a list in ``batch``.
    """
    batch = body.get("batch") if isinstance(body, dict) else None
    if not isinstance(batch, list):
        raise InvalidEvent(
            "The body is not an object with a list in batch",
            hint='Send {"batch": [...], "sentAt": "..."}.',
            path="batch",
        )
    shared = {
        key: value
        for key in ("context", "integrations")
        if isinstance(value := body.get(key), dict) and value
    }
    sent_at = body.get("sentAt")
    if shared or sent_at is not None:
        for payload in batch:
            if isinstance(payload, dict):
                _fill(payload, shared, sent_at)
    return batch


def _fill(payload: dict[str, Any], shared: dict[str, Any], sent_at: Any) -> None:
    """Put what a batch says for all under what one payload says itself."""
    if sent_at is not None and payload.get("sentAt") is None:
        payload["sentAt"] = sent_at
    for key, value in shared.items():
        own = payload.get(key)
        if own is None:
            payload[key] = value
        elif isinstance(own, dict):
            payload[key] = value | own


def read_event(payload: Any, *, settings: EventsSettings, source: str, received_at: int) -> Event:
    """Read one payload of any of the six kinds.

    Raises
    ------
    InvalidEvent
        When it is not an event; ``facts["path"]`` says where.

    Notes
    -----
    An identifier that cannot be used (an e-mail address ``n/a``) is left out and its place noted in
    ``context.unusable_identifiers``; the event is refused only when no other is left. In ``group``
    calls the traits are those of the group, so an address in them names nobody.
    """
    if not isinstance(payload, dict):
        raise InvalidEvent("A payload is not an object", hint="Send one object an event.")
    kind = payload.get("type")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise InvalidEvent(
            "The type is none of track, identify, page, screen, group, alias",
            hint="Send the type of the call in lower case.",
            path="type",
        )
    body = _object(payload, _BODY_OF_KIND.get(kind, "properties"))
    context = _object(payload, "context")
    if kind == "identify" and not body and isinstance(context.get("traits"), dict):
        body = context["traits"]  # where RudderStack's SDK for Python puts them, and nowhere else
    identifiers, unusable = _Identifiers(settings.default_region).read(payload, kind, body, context)
    occurred_at, clock = read_times(payload, received_at)
    for key in ("integrations", "channel"):
        if payload.get(key) and key not in context:
            context = context | {key: payload[key]}
    if clock:
        context = context | {"clock": clock}
    if unusable:
        context = context | {"unusable_identifiers": unusable}
    return Event(
        event_id=_event_id(payload, received_at),
        kind=cast("Kind", kind),
        name=_name(payload, kind, body),
        identifiers=identifiers,
        occurred_at=occurred_at,
        recorded_at=received_at,
        properties=_properties(payload, kind, body),
        context=context,
        source=source,
    )


def _object(payload: dict[str, Any], key: str) -> dict[str, Any]:
    """Give a member that is an object; absent, null and PHP's ``[]`` are the empty one."""
    value = payload.get(key)
    if value is None or value == []:
        return {}
    if not isinstance(value, dict):
        raise InvalidEvent(f"The {key} are not an object", hint="Send an object.", path=key)
    return value


def _name(payload: dict[str, Any], kind: str, body: dict[str, Any]) -> str:
    """Give the name of what happened; a page may carry it among its properties."""
    if kind == "track":
        path, value = "event", payload.get("event")
    elif kind in ("page", "screen"):
        path, value = "name", payload.get("name") or ""
        if not value and isinstance(body.get("name"), str):
            value = body["name"]
    else:
        return ""
    name = value.strip() if isinstance(value, str) else None
    if name is None or (not name and kind == "track"):
        raise InvalidEvent(
            "The name of the event is missing or not a text",
            hint="Send a name such as Order Completed.",
            path=path,
        )
    if len(name) > _NAME_LENGTH_MAX:
        raise InvalidEvent(
            f"The name of the event is longer than {_NAME_LENGTH_MAX} characters",
            hint="Put what varies into the properties.",
            path=path,
        )
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def _properties(payload: dict[str, Any], kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """Give the properties, with what some kinds say beside them."""
    if kind == "group":
        return body | {"group_id": _group_id(payload.get("groupId"))}
    if kind == "alias" and payload.get("previousId") is not None:
        return body | {"previous_id": payload["previousId"]}
    if kind in ("page", "screen") and payload.get("category") and "category" not in body:
        return body | {"category": payload["category"]}
    return body


def _group_id(value: Any) -> str:
    """Give the id of a group as text."""
    try:
        return value_of(normalise("group", value))
    except InvalidEvent as error:
        raise InvalidEvent(
            "A group call needs the id of the group", hint="Send a groupId.", path="groupId"
        ) from error


def _event_id(payload: dict[str, Any], received_at: int) -> str:
    """Give the sender's message id, else one that is a function of what was sent.

    Without a time of its own, two equal payloads received at different instants are two events.
    """
    value = payload.get("messageId")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and (event_id := value.strip()):
        if len(event_id) > _MESSAGE_ID_LENGTH_MAX:
            raise InvalidEvent(
                f"The messageId is longer than {_MESSAGE_ID_LENGTH_MAX} characters",
                hint="Send a shorter id, such as a UUID.",
                path="messageId",
            )
        return event_id
    content = {key: payload[key] for key in payload.keys() - _VOLATILE_KEYS}
    try:
        text = _SORTED_ENCODER.encode(content).decode()
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidEvent(
            "The payload cannot be written as JSON: nested too deeply or not valid Unicode",
            hint="Send flat properties and whole characters.",
        ) from error
    has_time = payload.get("timestamp") is not None or payload.get("originalTimestamp") is not None
    return stable_id("evt", text) if has_time else stable_id("evt", text, str(received_at))


class _Identifiers:
    """Collects what names the person in one payload, without repeats, in order of trust."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._found: dict[Identifier, None] = {}
        self._unusable: dict[str, str] = {}

    def read(
        self, payload: dict[str, Any], kind: str, body: dict[str, Any], context: dict[str, Any]
    ) -> tuple[tuple[Identifier, ...], dict[str, str]]:
        """Give the identifiers, and the places of those that cannot be used with the reason."""
        self._add("user_id", payload.get("userId"), "userId")
        self._add("anonymous_id", payload.get("anonymousId"), "anonymousId")
        if kind == "alias":
            self._add_previous(payload.get("previousId"), payload.get("anonymousId"))
        if kind == "identify":
            self._add_traits(body, "traits")
        if context:
            traits = context.get("traits")
            if isinstance(traits, dict):
                self._add_traits(traits, "context.traits")
            self._add_external(context.get("externalIds"))
        given = payload.get("identifiers")
        if given is not None:
            self._add_given(given)
        if not self._found:
            self._refuse()
        if len(self._found) > _IDENTIFIERS_MAX:
            raise InvalidEvent(
                f"The event carries more than {_IDENTIFIERS_MAX} identifiers",
                hint="An event is about one person.",
                path="identifiers",
            )
        return tuple(self._found), self._unusable

    def _add(self, kind: str, value: Any, path: str) -> None:
        """Take one identifier; absent, null and empty ones are no identifiers."""
        if value is None or value == "":
            return
        try:
            self._found[normalise(kind, value, self._region)] = None
        except InvalidEvent as error:
            self._unusable[path] = error.message

    def _add_previous(self, value: Any, anonymous_id: Any) -> None:
        """Take the other name of an alias call.

        The spec does not say of which type it is. SDKs send the anonymous id by default, which is
        a UUID, or else the user id known before.
        """
        is_anonymous = value == anonymous_id or (isinstance(value, str) and _UUID.fullmatch(value))
        self._add("anonymous_id" if is_anonymous else "user_id", value, "previousId")

    def _add_traits(self, traits: dict[str, Any], path: str) -> None:
        """Take the address and the telephone number among traits."""
        for kind in ("email", "phone"):
            if kind in traits:
                self._add(kind, traits[kind], f"{path}.{kind}")

    def _add_external(self, entries: Any) -> None:
        """Take Segment's external ids that name people (other collections name accounts)."""
        if not isinstance(entries, list):
            return
        for index, entry in enumerate(entries):
            if not isinstance(entry, dict) or entry.get("collection", "users") != "users":
                continue
            kind = entry.get("type")
            if isinstance(kind, str):
                self._add(kind, entry.get("id"), f"context.externalIds[{index}]")

    def _add_given(self, given: Any) -> None:
        """Take the object of type and value that a mapping puts beside the ids of the spec."""
        if not isinstance(given, dict):
            raise InvalidEvent(
                "The identifiers are not an object",
                hint='Send {"loyalty_card": "123"}.',
                path="identifiers",
            )
        for kind, values in given.items():
            for value in values if isinstance(values, list) else (values,):
                self._add(kind, value, f"identifiers.{kind}")

    def _refuse(self) -> None:
        """Say why nobody is named."""
        if self._unusable:
            path, reason = next(iter(self._unusable.items()))
            raise InvalidEvent(reason, hint="Send an id that names the person.", path=path)
        raise InvalidEvent(
            "Nobody is named: there is no userId, anonymousId or other identifier",
            hint="Send a userId or an anonymousId.",
            path="userId",
        )
