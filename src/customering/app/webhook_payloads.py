"""A message of a webhook becomes one payload for intake, as its source says."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

import msgspec

from customering.app.webhook_sources import HINT, WebhookEvent, WebhookSource
from customering.events.mapping import Field
from customering.kernel.clock import format_instant, parse_instant
from customering.kernel.errors import InvalidEvent
from customering.kernel.ids import stable_id
from customering.kernel.money import to_minor

_HEADER = "header:"
_MS_OF = {"s": 1_000, "ms": 1}


def payload_of(
    name: str,
    source: WebhookSource,
    body: Any,
    headers: Mapping[str, str],
    message_id: str,
    now_ms: int,
) -> dict[str, Any] | None:
    """Make a payload for intake of a message; None when the source has no event for it.

    Parameters
    ----------
    name
        Name of the source.
    body
        The decoded message.
    headers
        Its headers, names in lower case.
    message_id
        What names the message, the same when it is sent again.

    Raises
    ------
    InvalidEvent
        When it lacks what the event needs; names the path.
    """
    wanted = next((one for one in source.event if _fits(one, body, headers)), None)
    if wanted is None:
        return None
    key = _at(body, wanted.id) if wanted.id else message_id
    if key in (None, ""):
        raise _unusable(wanted.id or "the id of the message", "is missing")
    payload: dict[str, Any] = {
        "type": wanted.kind,
        "messageId": stable_id("whk", name, wanted.kind, wanted.event, str(key)),
        "timestamp": _occurred_at(wanted.occurred_at, body, now_ms),
        "identifiers": {
            kind: value
            for kind, path in wanted.identifiers.items()
            if (value := _at(body, path)) not in (None, "")
        },
    }
    if wanted.event:
        payload["event" if wanted.kind == "track" else "name"] = wanted.event
    currency = wanted.currency
    if currency and not (len(currency) == 3 and currency.isupper()):
        currency = str(_at(body, currency) or "").upper()
    payload |= _sections(wanted, body, currency)
    return payload


def _sections(wanted: WebhookEvent, body: Any, currency: str) -> dict[str, Any]:
    """Give properties or traits, products and context."""
    told: dict[str, Any] = {}
    if wanted.kind == "identify":
        told["traits"] = _values(wanted.traits, body, currency)
    else:
        properties = told["properties"] = _values(wanted.properties, body, currency)
        if wanted.each:
            lines = _at(body, wanted.each)
            if not isinstance(lines, list):
                raise _unusable(wanted.each, "is no list")
            properties["products"] = [_values(wanted.products, one, currency) for one in lines]
        if currency:
            properties.setdefault("currency", currency)
    if context := _values(wanted.context, body, currency):
        told["context"] = context
    return told


def _fits(wanted: WebhookEvent, body: Any, headers: Mapping[str, str]) -> bool:
    def found(path: str) -> Any:
        if path.startswith(_HEADER):
            return headers.get(path.removeprefix(_HEADER).lower())
        return _at(body, path)

    return all(str(found(path)) == text for path, text in wanted.when.items())


def _at(body: Any, path: str) -> Any:
    """Give the value at a path; None when it is not there."""
    for step in path.split("."):
        if isinstance(body, dict):
            body = body.get(step)
        elif isinstance(body, list) and step.isdigit() and int(step) < len(body):
            body = body[int(step)]
        else:
            return None
    return body


def _values(fields: Mapping[str, Field], body: Any, currency: str) -> dict[str, Any]:
    told = {name: _value(field, body, currency) for name, field in fields.items()}
    return {name: value for name, value in told.items() if value is not None}


def _value(field: Field, body: Any, currency: str) -> Any:
    """Read one field.

    Raises
    ------
    InvalidEvent
        When it is needed and missing, or not what its type says.
    """
    found = field.value if field.value is not None else _at(body, field.column)
    if found is None or found == "":
        found = field.default
    if found is None:
        if field.required:
            raise _unusable(field.column, "is missing")
        return None
    try:
        return _converted(field, found, currency)
    except (TypeError, ValueError, OverflowError) as error:
        raise _unusable(field.column, f"is no {field.unit or field.type}") from error


def _converted(field: Field, found: Any, currency: str) -> Any:
    if field.unit == "major":
        return to_minor(_number(found), currency)
    if field.unit == "minor" or field.type == "integer":
        return _integer(found)
    if field.type == "number":
        number = float(_number(found))
        if not isfinite(number):
            raise ValueError
        return number
    if field.type == "boolean":
        return _boolean(found)
    if field.is_instant:
        return _instant(found, field.unit)
    if field.type == "string":
        return found if isinstance(found, str) else msgspec.json.encode(found).decode()
    return found


def _number(found: Any) -> str | int | float:
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        raise TypeError
    return found


def _integer(found: Any) -> int:
    """Read a whole number; digits in a text keep all of their places."""
    number = _number(found)
    if isinstance(number, float):
        if not number.is_integer():
            raise ValueError
        return int(number)
    return int(number)


def _boolean(found: Any) -> bool:
    if isinstance(found, bool):
        return found
    if str(found).lower() not in ("true", "false"):
        raise ValueError
    return str(found).lower() == "true"


def _instant(found: Any, unit: str) -> str:
    if unit:
        return format_instant(int(float(_number(found)) * _MS_OF[unit]))
    return format_instant(parse_instant(str(found)))


def _occurred_at(field: Field, body: Any, now_ms: int) -> str:
    if field.value == "":
        return format_instant(now_ms)
    needed = msgspec.structs.replace(field, required=True, type="instant")
    found = _value(needed, body, "")
    assert isinstance(found, str), "an instant is written as text"
    return found


def _unusable(path: str, problem: str) -> InvalidEvent:
    return InvalidEvent(f"in the message, {path} {problem}", hint=HINT, path=path)
