from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.events.commerce import tracking_plan
from customering.events.intake import Intake, intake, quarantined
from customering.events.model import RESERVED_NAMES, Event
from customering.events.settings import EventsSettings
from customering.events.store import Block, Quarantined
from customering.kernel.records import from_json, to_json

NOW = 1_714_564_800_000
PLAN = tracking_plan()


def take(*payloads: Any, places: list[str] | None = None, **changes: Any) -> Intake:
    return intake(
        payloads,
        plan=PLAN,
        settings=EventsSettings(**changes),
        source="web",
        received_at=NOW,
        places=places,
    )


def track(**payload: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Tested", "messageId": "m1", "userId": "u1"} | payload


def test_one_bad_payload_never_spoils_the_others() -> None:
    taken = take(track(messageId="a"), {"type": "track"}, 3, track(messageId="b"))
    assert [event.event_id for event in taken.accepted] == ["a", "b"]
    assert [item.place for item in taken.quarantined] == ["1", "2"]
    first = taken.quarantined[0]
    assert (first.raw, first.path, first.source) == ({"type": "track"}, "userId", "web")
    assert first.received_at == NOW


def test_imports_say_where_a_payload_stood() -> None:
    taken = take(track(), track(event=None), places=["orders.csv:2", "orders.csv:3"])
    assert [item.place for item in taken.quarantined] == ["orders.csv:3"]


def test_imports_keep_the_time_and_the_identifiers_of_their_mapping() -> None:
    mapped = track(userId=None, timestamp="2017-06-01", identifiers={"household": 7})
    (event,) = take(mapped).accepted
    assert (event.identifiers, event.occurred_at) == (("household:7",), 1_496_275_200_000)
    assert event.recorded_at == NOW


@pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
def test_names_of_the_system_are_refused_from_outside(name: str) -> None:
    (item,) = take(track(event=f" {name} ")).quarantined
    assert item.path == "event"


def test_violations_of_the_plan_are_told_together() -> None:
    bad = track(event="Order Completed", properties={"revenue": "x", "products": [1]})
    (item,) = take(bad).quarantined
    assert item.path == "properties.revenue"
    assert "properties.products[0]: is not an object" in item.reason


def test_currency_and_size_come_from_the_settings() -> None:
    (event,) = take(track(properties={"revenue": 5}), default_currency="JPY").accepted
    assert event.properties == {"revenue": 5, "revenue_minor": 5, "currency": "JPY"}
    (item,) = take(track(properties={"a": "x" * 2_000}), event_bytes_max=1_024).quarantined
    assert "1024" in item.reason


def test_lines_are_the_accepted_events_as_the_log_keeps_them() -> None:
    taken = take(track(messageId="a"), 3, track(messageId="b", properties={"price": 2}))
    assert taken.lines == [to_json(event) for event in taken.accepted]
    assert len(taken.lines) == 2


def test_an_event_may_be_amended_before_it_is_measured() -> None:
    def shorten(event: Event) -> Event:
        return msgspec.structs.replace(event, properties={"length": len(event.properties["a"])})

    taken = intake(
        [track(properties={"a": "x" * 2_000})],
        plan=PLAN,
        settings=EventsSettings(event_bytes_max=1_024),
        source="web",
        received_at=NOW,
        amend=shorten,
    )
    assert taken.accepted[0].properties == {"length": 2_000}
    assert taken.lines == [to_json(taken.accepted[0])]


def test_what_json_cannot_hold_is_kept_as_text() -> None:
    deep: Any = []
    for _ in range(3_000):
        deep = [deep]
    taken = take(
        track(properties={"a": "\ud800"}),
        track(properties={"deep": deep}),
        track(messageId="\ud800"),
        {1: {2}},
        b"bytes",
    )
    assert len(taken.quarantined) == 5
    assert from_json(to_json(taken.quarantined[0]), Quarantined) == taken.quarantined[0]
    assert all(to_json(item) for item in taken.quarantined)


def test_the_same_bad_row_has_the_same_id() -> None:
    def id_of(place: str, received_at: int = 1) -> str:
        item = quarantined("x;y", reason="r", source="import", place=place, received_at=received_at)
        return item.quarantine_id

    assert id_of("a:1") == id_of("a:1", received_at=2)
    assert id_of("a:1") != id_of("a:2")


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["\ud800", "2024-05-01T10:00:00Z", "0001-01-01T00:00:00+14:00", "u1"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
_KEYS = (
    *("userId", "anonymousId", "previousId", "groupId", "messageId", "event", "name"),
    *("properties", "traits", "context", "timestamp", "originalTimestamp", "sentAt"),
    *("identifiers", "category", "integrations", "channel"),
)
_PAYLOADS = st.fixed_dictionaries(
    {"type": st.sampled_from(["track", "identify", "page", "screen", "group", "alias"]) | _JSON},
    optional=dict.fromkeys(_KEYS, _JSON),
) | st.fixed_dictionaries(
    {"type": st.sampled_from(["track", "page", "alias"]), "event": st.just("Order Completed")},
    optional={
        "userId": st.sampled_from(["u1", 7]),
        "properties": st.dictionaries(
            st.sampled_from(["products", "revenue", "currency", "quantity"]), _JSON, max_size=3
        ),
    },
)


@given(st.lists(_PAYLOADS | _JSON, max_size=4))
@settings(max_examples=200, deadline=None)
def test_anything_is_either_accepted_or_quarantined(payloads: list[Any]) -> None:
    taken = take(*payloads)
    assert len(taken.accepted) + len(taken.quarantined) == len(payloads)
    for event in taken.accepted:
        assert event.identifiers
        assert 0 <= event.occurred_at <= event.recorded_at == NOW
        assert to_json(from_json(to_json(event), Event)) == to_json(event)
    for item in taken.quarantined:
        assert item.reason
        assert from_json(to_json(item), Quarantined).quarantine_id == item.quarantine_id


def test_a_block_gives_its_events_and_its_lines() -> None:
    events = take(track(messageId="a"), track(messageId="b", properties={"t": "x\ny"})).accepted
    lines = [to_json(event) for event in events]
    block = Block(
        first=5, count=2, recorded_from=NOW, recorded_to=NOW, payload=b"\n".join(lines) + b"\n"
    )
    assert block.events() == events
    assert block.lines() == lines
