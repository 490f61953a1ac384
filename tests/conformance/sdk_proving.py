"""Scripts of calls, and what must be in the log once an SDK has said them."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from sdk_driving import Call, Told
from sdk_faults import Proxy

from customering.events.model import Event
from customering.kernel.clock import parse_instant

_EARLY_MS = 50
_LATE_MS = 3_000
_SAID = ("type", "userId", "anonymousId", "event", "name", "properties", "traits", "groupId")
LONG_AGO = "2024-05-01T10:00:00.250+00:00"


def new_mark() -> str:
    """Give a text that stands in the ids of one test's people, and in no others."""
    return uuid4().hex[:12]


def every_call(mark: str) -> list[Call]:
    """Give one call of each kind and of each oddity, by people who carry the mark."""
    user, other = f"ada-{mark}", f"bob-{mark}"
    anonymous = f"{uuid4()}"[:24] + mark
    return [
        {"type": "page", "anonymousId": anonymous, "category": "Shop", "name": "Startseite",
         "properties": {"path": "/", "title": "Grüß Gott"}},
        {"type": "identify", "userId": user, "anonymousId": anonymous,
         "traits": {"email": f"ada-{mark}@example.org", "name": "Ada Lövelace 🛍", "age": 36}},
        {"type": "track", "userId": user, "event": "Order Completed", "properties": order(mark)},
        {"type": "screen", "userId": user, "name": "Kasse", "properties": {"step": 2}},
        {"type": "group", "userId": user, "groupId": "family-7", "traits": {"plan": "gold"}},
        {"type": "alias", "previousId": anonymous, "userId": user},
        {"type": "track", "userId": other, "event": "Größe gewählt 👟",
         "properties": {"note": "ﷺ 𝄞 e\u0301 \u2028 \"\\", "nothing": None, "deep": [{"a": [2]}]}},
        {"type": "track", "userId": other, "event": "Imported", "timestamp": LONG_AGO,
         "properties": {"from": "the till"}},
        {"type": "track", "anonymousId": anonymous, "event": "Product Viewed",
         "properties": {"product_id": "p-1", "price": 19.99, "currency": "EUR"}},
    ]  # fmt: skip


def order(mark: str) -> dict[str, Any]:
    """Give the properties of an order."""
    return {
        "order_id": f"order-{mark}",
        "currency": "EUR",
        "revenue": 49.9,
        "products": [
            {"product_id": "p-1", "name": "Schuh", "price": 19.95, "quantity": 2},
            {"product_id": "p-2", "name": "Creme", "price": 10, "quantity": 1},
        ],
    }


def numbered(count: int, mark: str) -> list[Call]:
    """Give many calls by a few people; each says its number."""
    return [
        {"type": "track", "userId": f"u{number % 7}-{mark}", "event": "Counted",
         "properties": {"number": number, "text": "x" * (number % 50)}}
        for number in range(count)
    ]  # fmt: skip


def prove_delivered(told: Sequence[Told], proxy: Proxy, logged: Sequence[Event]) -> None:
    """Check that the log holds every call exactly once and nothing else, right in every part."""
    assert [one.error for one in told if one.error] == []
    ids = _ids(told, proxy)
    by_id = {event.event_id: event for event in logged}
    assert Counter(event.event_id for event in logged) == Counter(ids)
    for message_id, one in zip(ids, told, strict=True):
        prove_event(by_id[message_id], one)


def _ids(told: Sequence[Told], proxy: Proxy) -> list[str]:
    """Give the message id of each call: what the SDK says, else what it sent for such a call."""
    said = [one.message_id for one in told if one.message_id is not None]
    sent = {_content(event): event["messageId"] for seen in proxy.seen for event in seen.events}
    ids = said or [sent[_content(one.call)] for one in told]
    assert set(ids) == set(sent.values())
    return ids


def _content(call: dict[str, Any]) -> str:
    """Give what was meant by a call, as a text, whatever an SDK put beside it."""
    return json.dumps([call.get(key) for key in _SAID], sort_keys=True)


def prove_event(event: Event, told: Told) -> None:
    """Check one event against the call it came from."""
    call = told.call
    assert event.kind == call["type"]
    assert event.name == call.get("event", call.get("name", ""))
    assert set(event.identifiers) == names_of(call)
    asked = call.get("traits" if call["type"] in ("identify", "group") else "properties", {})
    kept = {key: event.properties.get(key, "absent") for key in asked}
    if "products" in asked:
        lines = zip(asked["products"], kept["products"], strict=True)
        kept["products"] = [{key: line[key] for key in wanted} for wanted, line in lines]
    assert kept == asked
    if call["type"] == "group":
        assert event.properties["group_id"] == call["groupId"]
    if "order_id" in asked:
        assert event.properties["revenue_minor"] == round(asked["revenue"] * 100)
    true_ms = parse_instant(call["timestamp"]) if "timestamp" in call else told.at_ms
    assert -_EARLY_MS <= event.occurred_at - true_ms <= _LATE_MS
    assert event.recorded_at - told.at_ms >= -_EARLY_MS


def names_of(call: Call) -> set[str]:
    """Give the identifiers that a trusted call carries."""
    names = {"user_id": call.get("userId"), "anonymous_id": call.get("anonymousId")}
    if call["type"] == "identify":
        names["email"] = call["traits"].get("email")
    if call["type"] == "alias":
        names["anonymous_id"] = call["previousId"]
    return {f"{kind}:{value}" for kind, value in names.items() if value is not None}
