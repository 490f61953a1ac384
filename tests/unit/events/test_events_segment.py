from typing import Any

import pytest

from customering.events.model import Event
from customering.events.segment import read_event, unbatch
from customering.events.settings import EventsSettings
from customering.kernel.clock import parse_instant
from customering.kernel.errors import InvalidEvent

NOW = parse_instant("2024-05-01T12:00:00Z")
SETTINGS = EventsSettings(default_region="DE")


def read(**payload: Any) -> Event:
    payload = {"type": "track", "event": "Tested", "messageId": "m1", "userId": "u1"} | payload
    return read_event(payload, settings=SETTINGS, source="web", received_at=NOW)


def refusal(**payload: Any) -> InvalidEvent:
    with pytest.raises(InvalidEvent) as caught:
        read(**payload)
    return caught.value


def test_track() -> None:
    event = read(properties={"a": 1}, context={"page": {"path": "/"}}, channel="browser")
    assert event == Event(
        event_id="m1",
        kind="track",
        name="Tested",
        identifiers=("user_id:u1",),  # type: ignore[arg-type]
        occurred_at=NOW,
        recorded_at=NOW,
        properties={"a": 1},
        context={"page": {"path": "/"}, "channel": "browser"},
        source="web",
    )


def test_identify_takes_address_and_number_from_the_traits() -> None:
    traits = {"email": "Ada@Example.org", "phone": "030 901820", "plan": "gold"}
    event = read(type="identify", anonymousId="a1", traits=traits)
    assert event.identifiers == (
        "user_id:u1",
        "anonymous_id:a1",
        "email:ada@example.org",
        "phone:+4930901820",
    )
    assert event.properties == traits
    assert event.name == ""


def test_context_traits_and_external_ids_name_people_too() -> None:
    context = {
        "traits": {"email": "bo@example.org"},
        "externalIds": [
            {"id": "c7", "type": "loyalty.card", "collection": "users", "encoding": "none"},
            {"id": "acme", "type": "domain", "collection": "accounts"},
            {"id": "", "type": "empty"},
            "nonsense",
        ],
    }
    event = read(context=context)
    assert event.identifiers == ("user_id:u1", "email:bo@example.org", "loyalty_card:c7")


def test_the_traits_of_a_group_are_not_the_person() -> None:
    event = read(type="group", groupId=9, traits={"email": "office@acme.example"})
    assert event.identifiers == ("user_id:u1",)
    assert event.properties == {"email": "office@acme.example", "group_id": "9"}
    assert refusal(type="group").facts["path"] == "groupId"
    assert refusal(type="group", groupId="").facts["path"] == "groupId"


@pytest.mark.parametrize(
    ("previous", "expected"),
    [
        ("a1", "anonymous_id:a1"),
        ("6f9619ff-8b86-d011-b42d-00cf4fc964ff", None),
        ("u0", "user_id:u0"),
    ],
)
def test_alias_gives_both_identifiers(previous: str, expected: str | None) -> None:
    event = read(type="alias", anonymousId="a1", previousId=previous)
    assert (expected or f"anonymous_id:{previous}") in event.identifiers
    assert "user_id:u1" in event.identifiers
    assert event.properties == {"previous_id": previous}


@pytest.mark.parametrize("kind", ["page", "screen"])
def test_pages_and_screens_have_a_name_and_a_category(kind: str) -> None:
    event = read(type=kind, name="Home", category="Start", properties={"path": "/"})
    assert (event.name, event.properties) == ("Home", {"path": "/", "category": "Start"})
    assert read(type=kind, properties={"name": "Shop"}).name == "Shop"
    assert read(type=kind, properties={"name": 5}).name == ""
    assert read(type=kind).name == ""


def test_identifiers_of_a_mapping_stand_beside_those_of_the_spec() -> None:
    event = read(
        userId=None,
        anonymousId=None,
        identifiers={"loyalty_card": 42, "email": ["a@x.org", "b@x.org", "A@x.org"]},
    )
    assert event.identifiers == ("loyalty_card:42", "email:a@x.org", "email:b@x.org")
    assert refusal(identifiers=["x"]).facts["path"] == "identifiers"
    many = {"email": [f"p{number}@x.org" for number in range(60)]}
    assert refusal(identifiers=many).facts["path"] == "identifiers"


def test_unusable_identifiers_are_noted_while_another_is_left() -> None:
    event = read(type="identify", traits={"email": "n/a"})
    assert event.identifiers == ("user_id:u1",)
    assert list(event.context["unusable_identifiers"]) == ["traits.email"]
    assert refusal(type="identify", userId=None, traits={"email": "n/a"}).facts["path"] == (
        "traits.email"
    )
    assert refusal(userId={"id": 1}).facts["path"] == "userId"


@pytest.mark.parametrize("nobody", [None, ""])
def test_somebody_must_be_named(nobody: str | None) -> None:
    assert refusal(userId=nobody, anonymousId=nobody).facts["path"] == "userId"
    assert read(userId=nobody, anonymousId="a1").identifiers == ("anonymous_id:a1",)


def test_nulls_are_tolerated() -> None:
    event = read(anonymousId=None, properties=None, context=None, traits=None, integrations=None)
    assert event.properties == {}
    assert event.context == {}


def test_an_empty_object_as_php_writes_it_is_tolerated() -> None:
    event = read(properties=[], context=[], integrations=[])
    assert (event.properties, event.context) == ({}, {})
    assert read(type="identify", traits=[]).properties == {}


@pytest.mark.parametrize("value", [0, 7, 7.0])
def test_ids_may_be_numbers(value: float) -> None:
    event = read(userId=value, anonymousId=None, messageId=int(value))
    assert event.identifiers == (f"user_id:{int(value)}",)
    assert event.event_id == str(int(value))


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        ({"type": "Track"}, "type"),
        ({"type": None}, "type"),
        ({"type": ["track"]}, "type"),
        ({"event": None}, "event"),
        ({"event": "  "}, "event"),
        ({"event": 5}, "event"),
        ({"event": "x" * 256}, "event"),
        ({"type": "page", "name": 5}, "name"),
        ({"properties": [1]}, "properties"),
        ({"type": "identify", "traits": "x"}, "traits"),
        ({"context": 1}, "context"),
        ({"messageId": "x" * 256}, "messageId"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": 1_714_564_800}, "timestamp"),
        ({"timestamp": True}, "timestamp"),
        ({"timestamp": {}}, "timestamp"),
        ({"timestamp": float("nan")}, "timestamp"),
        ({"timestamp": 10**15}, "timestamp"),
        ({"timestamp": "1969-12-31T23:59:59Z"}, "timestamp"),
        ({"timestamp": "2024-05-01", "sentAt": "now"}, "sentAt"),
        ({"originalTimestamp": "x"}, "originalTimestamp"),
    ],
)
def test_what_is_no_event_is_refused_with_its_place(payload: dict[str, Any], path: str) -> None:
    assert refusal(**payload).facts["path"] == path


def test_the_senders_clock_is_kept_where_a_time_was_changed() -> None:
    sent_at, at = "2024-05-01T14:00:00Z", "2024-05-01T13:30:00Z"
    clock = {"sent_at": parse_instant(sent_at), "original_at": parse_instant(at)}
    assert read(timestamp=at, sentAt=sent_at).context["clock"] == clock
    assert read(timestamp="2030-01-01").context["clock"] == {
        "original_at": parse_instant("2030-01-01")
    }
    assert "clock" not in read(timestamp="2020-01-01").context
    # What another server corrected is kept beside its correction; so is a time of sending alone.
    assert (
        read(timestamp="2024-05-01T10:00:00Z", originalTimestamp=at, sentAt=sent_at).context[
            "clock"
        ]
        == clock
    )
    assert read(sentAt=sent_at).context["clock"] == {"sent_at": parse_instant(sent_at)}


def test_times_may_be_milliseconds() -> None:
    assert read(timestamp=NOW - 5).occurred_at == NOW - 5
    assert read(timestamp=float(NOW - 5)).occurred_at == NOW - 5
    assert read(timestamp="").occurred_at == NOW


def test_a_missing_message_id_is_made_of_what_happened() -> None:
    def event_id(received_at: int = NOW, **payload: Any) -> str:
        body = {"type": "track", "event": "Tested", "userId": "u1"} | payload
        return read_event(body, settings=SETTINGS, source="web", received_at=received_at).event_id

    at = {"timestamp": "2024-05-01T10:00:00Z"}
    first = event_id(**at, sentAt="2024-05-01T10:00:01Z")
    retried = event_id(NOW + 60_000, **at, sentAt="2024-05-01T10:01:01Z", messageId=None)
    assert first == retried
    assert first != event_id(**at, properties={"a": 1})
    assert event_id(messageId="  ", **at) == event_id(**at)
    # Without a time of its own, what comes later is something else.
    assert event_id() == event_id()
    assert event_id() != event_id(NOW + 1)
    assert read(messageId=17).event_id == "17"
    assert refusal(messageId=None, properties={"a": "\ud800"})


def test_a_batch_fills_what_its_payloads_do_not_say() -> None:
    body = {
        "batch": [
            {"messageId": "1", "context": {"locale": "de", "app": None}, "sentAt": "own"},
            {"messageId": "2", "context": None, "integrations": {"All": True}},
            {"messageId": "3", "context": 7},
            "junk",
        ],
        "context": {"locale": "en", "app": "shop"},
        "integrations": {"All": False},
        "sentAt": "theirs",
        "writeKey": "k",
    }
    first, second, third, junk = unbatch(body)
    assert first["context"] == {"locale": "de", "app": None}
    assert (first["sentAt"], second["sentAt"]) == ("own", "theirs")
    assert second["context"] == {"locale": "en", "app": "shop"}
    assert second["integrations"] == {"All": True}
    assert first["integrations"] == {"All": False}
    assert (third["context"], junk) == (7, "junk")
    plain: list[Any] = [{"messageId": "1"}, 3]
    assert unbatch({"batch": plain}) == plain


@pytest.mark.parametrize("body", [None, [], "x", {}, {"batch": None}, {"batch": {}}])
def test_a_body_without_a_batch_is_refused(body: Any) -> None:
    with pytest.raises(InvalidEvent):
        unbatch(body)


def test_traits_of_an_identify_may_stand_in_the_context_alone() -> None:
    """RudderStack's SDK for Python puts them there, and nowhere else."""
    payload = {
        "type": "identify",
        "userId": "ada",
        "messageId": "m1",
        "context": {"traits": {"email": "ada@example.org", "age": 36}},
    }
    for root in ({}, {"traits": {}}, {"traits": None}):
        event = read_event(payload | root, settings=EventsSettings(), source="s", received_at=NOW)
        assert event.properties == {"email": "ada@example.org", "age": 36}
    own = read_event(
        payload | {"traits": {"age": 37}}, settings=EventsSettings(), source="s", received_at=NOW
    )
    assert own.properties == {"age": 37}
