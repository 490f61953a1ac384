"""Each short way through intake, fold and log gives what the full way gives, whatever is sent."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.events.commerce import shipped_plan, tracking_plan
from customering.events.intake import Intake, intake
from customering.events.model import RESERVED_NAMES, Event, products_of
from customering.events.plan import TrackingPlan
from customering.events.plan_file import merge_plans, parse_plan
from customering.events.rules import Rules
from customering.events.settings import EventsSettings
from customering.events.times import read_times, usual_times
from customering.events.usual import UsualReader, usual_from_json
from customering.kernel.clock import format_instant
from customering.kernel.errors import InvalidEvent
from customering.kernel.records import to_json
from customering.profile import fold
from customering.profile.definitions import shipped_traits
from customering.profile.traits import TraitSet
from customering.stores.sqlite_log import SqliteLog

NOW = 1_714_564_800_000
SETTINGS = EventsSettings(default_currency="EUR", default_region="DE", event_bytes_max=4_096)
ODD = """
[events."Order Completed".fields]
revenue = { type = "money", required = true }
[events.Weighed.fields]
price = { type = "money" }
quantity = { type = "string" }
[events.Boxed.fields]
price = { type = "object", of = "product" }
quantity = { type = "boolean" }
price_minor = { type = "string" }
[events.Rated.fields]
stars = { type = "integer", allowed = [1, 2] }
amount_minor = { type = "integer" }
price = { type = "money" }
products = { type = "any" }
"""
PLANS = (
    tracking_plan(),
    TrackingPlan(merge_plans(shipped_plan(), parse_plan(ODD))),
    tracking_plan(parse_plan('[defaults]\nunknown_events = "quarantine"')),
)


_TEXTS = st.sampled_from(
    [
        "",
        " ",
        "x",
        " x ",
        "x\u00a0",
        "e\u0301",
        "\u00e9",
        "\ud800",
        "a\x00b",
        "a\nb",
        "\u200b",
        "7",
        "19.99",
        "1e5",
        "nan",
        "-0",
        "eur",
        "EUR",
        "Euro",
        "x" * 254,
        "x" * 300,
        "Ada@Example.ORG",
        "n/a",
        "030 901820",
        "2024-05-01T11:59:00.123Z",
        "2024-05-01",
        "true",
    ]
)
_NUMBERS = st.sampled_from(
    [
        0,
        1,
        -3,
        2**53,
        2**63 - 1,
        2**63,
        -(2**63) - 1,
        10**25,
        0.5,
        2.0,
        19.99,
        1e300,
        NOW - 5,
        float("nan"),
        float("inf"),
        True,
        False,
    ]
)
_SCALARS = st.none() | _TEXTS | _NUMBERS
_ANY = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(_TEXTS | st.just("price"), inner, max_size=2)
    ),
    max_leaves=4,
)

_LINE = st.fixed_dictionaries(
    {"product_id": st.sampled_from(["p1", "p2"]), "price": st.sampled_from([2.5, 3, "4.10"])},
    optional={
        "name": st.just("Tea"),
        "quantity": st.sampled_from([1, 2, None]),
        "discount": st.sampled_from([0.5, 0]),
        "position": st.integers(0, 5),
        "price_minor": st.sampled_from([5, None]),
        "currency": st.sampled_from(["EUR", "USD", "eur", None, ""]),
    },
)
_ODD_LINE = st.dictionaries(
    st.sampled_from(
        [
            "product_id",
            "price",
            "quantity",
            "amount",
            "amount_minor",
            "price_minor",
            "name",
            "products",
            "currency",
            "revenue",
            "stars",
            "position",
            "query",
            "order_id",
        ]
    ),
    _ANY | st.sampled_from([3, 2.5, "7", 0]) | st.lists(_LINE, max_size=2),
    max_size=6,
)
_PROPERTIES = (
    _LINE
    | _ODD_LINE
    | st.fixed_dictionaries(
        {"products": st.lists(_LINE | _LINE | _ODD_LINE | _ANY, max_size=3)},
        optional={
            "revenue": st.sampled_from([10, 19.99, "5"]) | _ANY,
            "currency": st.sampled_from(["EUR", "USD", "chf"]) | _ANY,
            "order_id": st.sampled_from(["o1", 7]),
        },
    )
)
_NAMES = st.sampled_from(
    [
        "Product Viewed",
        "Product Added",
        "Order Completed",
        "Product List Viewed",
        "Weighed",
        "Products Searched",
        "Call Started",
        "Appointment Booked",
        "Boxed",
        "Rated",
        "Tasted",
        " Product Viewed ",
        *sorted(RESERVED_NAMES),
    ]
)
_MOMENTS = st.sampled_from(
    [
        "2024-05-01T11:59:00.123Z",
        "2024-05-01T11:59:59.999Z",
        "2024-05-01T12:00:00.000Z",
        "2024-05-01T13:59:00.123+02:00",
        "2024-05-01T12:00:05.000Z",
        "1970-01-01T00:00:00.000Z",
        "2024-13-01T11:59:00.123Z",
        "2024-05-01 11:59:00.123Z",
        "20240501T115900.000.123Z",
        "2024-W18-3T11:59:00.123Z",
        "2024-05-01T11:59:00.123z",
        "2024-05-01T11:59:00.12٣Z",
        "0001-01-01T00:00:00.000Z",
        "9999-12-31T23:59:59.999Z",
        "2024-05-01T11:59:00,123Z",
        " 2024-05-01T11:59:00.123Z",
        "2024-05-01T11:59:00.123456Z",
        "",
        "yesterday",
        NOW - 9,
        12.5,
    ]
)
_USUAL = {
    "messageId": st.sampled_from(["m1", "m2", "ajs-next-1"]),
    "type": st.sampled_from(["track", "track", "page", "identify"]),
    "event": st.sampled_from(["Product Viewed", "Order Completed", "Weighed", "Boxed", "Tasted"]),
    "userId": st.sampled_from(["u1", "u2", None]),
    "anonymousId": st.just("a1"),
    "timestamp": st.just("2024-05-01T11:59:00.123Z"),
    "sentAt": st.just("2024-05-01T12:00:00.000Z"),
    "properties": _PROPERTIES,
    "traits": st.fixed_dictionaries({}, optional={"email": st.just("Ada@Example.org")}),
    "context": st.just({"library": {"name": "analytics.js"}}),
    "integrations": st.just({}),
}
_STRANGE = {
    "type": st.sampled_from(["screen", "group", "alias", "Track"]),
    "event": _NAMES | _TEXTS,
    "userId": _TEXTS | _NUMBERS,
    "anonymousId": _TEXTS | _NUMBERS,
    "messageId": _TEXTS | _NUMBERS,
    "timestamp": _MOMENTS,
    "sentAt": _MOMENTS,
    "originalTimestamp": _MOMENTS,
    "traits": st.fixed_dictionaries({}, optional={"email": _ANY, "phone": _TEXTS, "name": _ANY}),
    "context": st.fixed_dictionaries(
        {},
        optional={
            "traits": st.fixed_dictionaries({}, optional={"email": _TEXTS}) | _ANY,
            "externalIds": st.lists(st.fixed_dictionaries({"type": _TEXTS, "id": _ANY})) | _ANY,
            "channel": _ANY,
            "clock": _ANY,
        },
    ),
    "integrations": st.sampled_from([{"All": True}, []]),
    "name": st.sampled_from(["Home", "", " Home ", 5]),
    "category": st.sampled_from(["Start", "", 5]),
    "channel": st.just("server"),
    "groupId": _TEXTS,
    "previousId": _TEXTS,
    "identifiers": st.just({"loyalty_card": 7}),
}


@st.composite
def _payloads(draw: st.DrawFn) -> Any:
    """Make a payload as SDKs send it, but for up to three of its members."""
    payload: dict[str, Any] = {key: draw(values) for key, values in _USUAL.items()}
    for key in draw(st.lists(st.sampled_from(sorted(_STRANGE)), max_size=2)):
        payload[key] = draw(_STRANGE[key] | _STRANGE[key] | _ANY)
    if draw(st.integers(0, 4)) == 0:
        payload.pop(draw(st.sampled_from(sorted(_USUAL))))
    return payload


@contextmanager
def _full_way() -> Iterator[None]:
    """Let nothing be read the short way."""
    with (
        patch.object(UsualReader, "read", lambda self, payload: None),
        patch.object(Rules, "quick", lambda self, values, currency: None),
    ):
        yield


def _take(payloads: list[Any], plan: TrackingPlan) -> Intake:
    return intake(payloads, plan=plan, settings=SETTINGS, source="web", received_at=NOW)


@given(st.lists(_payloads() | _ANY, max_size=4), st.sampled_from(PLANS))
@settings(max_examples=200, deadline=None)
def test_payloads_read_the_short_way(payloads: list[Any], plan: TrackingPlan) -> None:
    short = _take(payloads, plan)
    with _full_way():
        full = _take(payloads, plan)
    assert short.lines == full.lines == [to_json(event) for event in short.accepted]
    assert to_json(short.quarantined) == to_json(full.quarantined)


@given(st.lists(_payloads() | _ANY, max_size=4), st.sampled_from(PLANS))
@settings(max_examples=200, deadline=None)
def test_json_read_the_short_way(payloads: list[Any], plan: TrackingPlan) -> None:
    texts = [json.dumps(payload, allow_nan=False) for payload in payloads if _is_json(payload)]
    read = [msgspec.json.decode(text) for text in texts]
    short = _take(
        [
            usual_from_json(msgspec.Raw(text.encode())) or one
            for text, one in zip(texts, read, strict=True)
        ],
        plan,
    )
    with _full_way():
        full = _take(read, plan)
    assert short.lines == full.lines
    assert _told(short) == _told(full)


def _is_json(payload: Any) -> bool:
    """Tell whether JSON can say a payload, and whoever reads it gets that payload."""
    try:
        return bool(msgspec.json.decode(json.dumps(payload, allow_nan=False)) == payload)
    except ValueError:
        return False


def _told(taken: Intake) -> list[tuple[Any, str, str]]:
    """Give what is told of what was set aside; members may stand in another order."""
    return [(item.raw, item.reason, item.path) for item in taken.quarantined]


def test_what_cannot_be_written_as_json_is_refused_both_ways() -> None:
    deep: Any = []
    for _ in range(3_000):
        deep = [deep]
    usual: dict[str, Any] = {
        "type": "track",
        "event": "Tested",
        "userId": "u1",
        "messageId": "m1",
        "context": {},
    }
    payloads = [usual | {"properties": {"a": value}} for value in (deep, "\ud800", 1)]
    short = _take(payloads, PLANS[0])
    with _full_way():
        full = _take(payloads, PLANS[0])
    assert len(short.accepted) == 1
    assert to_json(short) == to_json(full)


def test_what_sdks_send_is_read_the_short_way() -> None:
    reader = UsualReader(PLANS[0], SETTINGS, "web", NOW)
    shared: dict[str, Any] = {
        "messageId": "m1",
        "userId": None,
        "anonymousId": "a1",
        "timestamp": "2024-05-01T11:59:00.123Z",
        "sentAt": "2024-05-01T12:00:00.000Z",
        "context": {"library": {"name": "analytics.js"}},
        "integrations": {},
    }
    line = {"product_id": "p", "price": 2.5, "quantity": 2}
    own: dict[str, Any]
    for own in (
        {"type": "page", "properties": {"path": "/", "name": "Home"}, "category": "Start"},
        {"type": "track", "event": "Product Viewed", "properties": line},
        {"type": "track", "event": "Order Completed", "properties": {"products": [line, line]}},
        {"type": "track", "event": "Tasting Booked", "properties": {"guests": 2}},
        {"type": "identify", "traits": {"email": "ada@example.org"}},
    ):
        payload = usual_from_json(msgspec.Raw(to_json(shared | own)))
        assert payload is not None
        assert reader.read(payload) is not None, own


@given(
    st.sampled_from(["Order Completed", "Product Viewed", "Weighed", "Boxed", "Rated", "Tasted"]),
    _PROPERTIES,
    st.sampled_from(PLANS),
)
@settings(max_examples=300, deadline=None)
def test_properties_read_the_short_way(
    name: str, properties: dict[str, Any], plan: TrackingPlan
) -> None:
    quick = plan.conform_quickly("track", name, properties, "EUR")
    event = Event(
        event_id="e",
        kind="track",
        name=name,
        identifiers=(),
        occurred_at=0,
        recorded_at=0,
        properties=properties,
    )
    mixed = plan.conform(event, "EUR")
    with _full_way():
        full = plan.conform(event, "EUR")
    assert repr(mixed) == repr(full)
    if quick is not None:
        assert (repr(quick), []) == (repr(full[0]), full[1])


@given(_MOMENTS | _ANY, _MOMENTS | _ANY, st.none() | _MOMENTS)
@settings(max_examples=400, deadline=None)
def test_times_read_the_short_way(timestamp: Any, sent_at: Any, original: Any) -> None:
    payload = {"timestamp": timestamp, "sentAt": sent_at, "originalTimestamp": original}
    short = None if original is not None else usual_times(timestamp, sent_at, NOW)
    if short is not None:
        assert short == read_times(payload, NOW)


@given(st.integers(0, 253_402_300_799_999), st.integers(0, 10**9))
@settings(max_examples=200, deadline=None)
def test_every_millisecond_is_read_the_short_way(at_ms: int, waited_ms: int) -> None:
    payload = {"timestamp": format_instant(at_ms), "sentAt": format_instant(NOW)}
    received_at = NOW + waited_ms
    expected = received_at - (NOW - at_ms)
    found = usual_times(payload["timestamp"], payload["sentAt"], received_at)
    assert found == (
        (expected, {"sent_at": NOW, "original_at": at_ms}) if 0 <= expected <= received_at else None
    )
    try:
        full = read_times(payload, received_at)
    except InvalidEvent:
        full = None
    assert found is None or found == full


@given(_PROPERTIES, _NAMES, st.sampled_from([-1, 0, 1, 3, 5]))
@settings(max_examples=150, deadline=None)
def test_one_line_is_folded_as_many_are(properties: dict[str, Any], name: str, mask: int) -> None:
    traits = TraitSet(shipped_traits())
    event = Event(
        event_id="e",
        kind="track",
        name=name,
        identifiers=(),
        occurred_at=NOW - 5,
        recorded_at=NOW,
        properties=properties,
    )
    lines = products_of(properties)[:1]
    program = traits.program("track", name, mask)
    by_row, by_column = traits.zero(), traits.zero()
    for line in lines:
        fold._fold_row(program.rows, by_row, (event, line), event)
        fold._fold_lines(program, by_column, event, lines)
    assert by_row == by_column


@pytest.mark.parametrize("seen", [0, 1, 3])
def test_lines_that_are_given_are_what_the_log_would_write(tmp_path: Path, seen: int) -> None:
    payloads = [
        {"type": "track", "event": f"Tested {n}", "messageId": f"m{n % 4}", "userId": "u"}
        for n in range(6)
    ]
    taken = _take(payloads, PLANS[0])
    written = []
    for name, lines in (("given", taken.lines), ("encoded", None)):
        with SqliteLog(tmp_path / name) as log:
            log.append(taken.accepted[:seen])
            appended = log.append(taken.accepted, lines)
            assert (appended.appended, appended.duplicates) == (4 - seen, 2 + seen)
            assert log.verify().events == 4
            written.append([line for block in log.read() for line in block.lines()])
            assert [event for block in log.read() for event in block.events()][seen:] == list(
                appended.events
            )
            with pytest.raises(ValueError, match="lines"):
                log.append(taken.accepted, taken.lines[:1])
    assert written[0] == written[1]
