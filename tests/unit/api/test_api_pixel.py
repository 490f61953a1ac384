"""The pixel: always the same image, and the event in the log when there is one."""

import json
from base64 import b64encode, urlsafe_b64encode
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.api.pixel import read_query
from customering.kernel.errors import Invalid, Unavailable
from sdk_doors import Answer, RunSdks, SdkDoors, sdk_runner
from town import OpenShop

KINDS = ("identify", "track", "page", "screen", "group", "alias")


@pytest.fixture
def sdks(open_shop: OpenShop) -> RunSdks:
    return sdk_runner(open_shop)


def assert_image(answer: Answer) -> None:
    assert answer.status == 200
    assert answer.headers["content-type"] == "image/gif"
    assert answer.body.startswith(b"GIF89a\x01\x00\x01\x00")
    assert answer.headers["cache-control"] == "no-store"


def query(doors: SdkDoors, **fields: Any) -> bytes:
    return urlencode({"writeKey": doors.write} | fields).encode()


def test_each_pixel_tells_an_event_of_its_kind(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        paths = [f"/v1/pixel/{kind}" for kind in KINDS]
        for path in [*paths, "/pixel/v1/track", "/pixel/v1/page", "/v1/pixel/track/"]:
            told = query(doors, userId="u", event="Opened", groupId="g", messageId=path)
            assert_image(await doors.get(path, query=told))
        kinds = [event.kind for event in doors.events()]
        assert kinds == [*KINDS, "track", "page", "track"]

    sdks(act)


def test_an_event_in_base64_of_either_alphabet_or_in_dotted_fields(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        event = {"userId": "ü?>~", "event": "Opened", "properties": {"a": [1]}}
        for place, encode in enumerate((b64encode, urlsafe_b64encode)):
            text = encode(json.dumps(event | {"writeKey": doors.write}).encode()).decode()
            for way in (quote(text, safe=""), text.rstrip("=")):
                path = "/v1/pixel/track"
                told = f"data={way}&x={place}".encode()
                assert_image(await doors.get(path, query=told))
        told = query(doors, userId="v", event="Opened", **{"properties.a.b": "1"})
        assert_image(await doors.get("/v1/pixel/track", query=told))
        taken = [(event.identifiers[0], event.properties) for event in doors.events()]
        assert len(taken) >= 2
        assert taken[0] == ("user_id:ü?>~", {"a": [1]})
        assert taken[-1] == ("user_id:v", {"a": {"b": "1"}})
        assert doors.aside() == []

    sdks(act)


def test_a_refusal_is_the_same_image_and_counted(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        good = {"userId": "u", "event": "Opened"}
        tries = [
            b"",
            urlencode(good | {"writeKey": "nobody"}).encode(),
            urlencode(good | {"writeKey": doors.server}).encode(),
            query(doors, data="%%%"),
            query(doors, data=b64encode(b"[1]").decode()),
            query(doors, event="Opened"),
            query(doors) + b"&a=1" * 600,
            b"\xff\xfe=%ff&" + query(doors),
        ]
        for told in tries:
            assert_image(await doors.get("/v1/pixel/track", query=told))
        assert doors.events() == []
        assert doors.refused("unauthorized") == 2
        assert doors.refused("forbidden") == 1
        assert doors.refused("invalid_request") == 3
        assert doors.refused("invalid_event") == 2
        assert len(doors.aside()) == 5
        wrong = await doors.get(
            "/v1/pixel/track", query=query(doors, **good), origin="https://evil.example"
        )
        assert_image(wrong)
        assert doors.events() == []

    sdks(act)


def test_trouble_is_the_same_image_too(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        async def take(*_: Any) -> None:
            raise Unavailable("the disk is full", hint="make room")

        doors.live.take = take  # type: ignore[method-assign, assignment]
        told = query(doors, userId="u", event="Opened")
        assert_image(await doors.get("/v1/pixel/track", query=told))
        assert doors.refused("unavailable") == 1

    sdks(act)


def test_fields_that_contradict_each_other_do_not_matter() -> None:
    payload, _ = read_query(b"userId=1&userId=2&a=1&a.b=2&c.d=3&c=4&writeKey=k")
    assert payload == {"userId": "1", "a": "1", "c": {"d": "3"}}


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet="data=&.%+_-abAZ", max_size=60).map(str.encode))
def test_any_query_is_read_or_refused(told: bytes) -> None:
    try:
        payload, _ = read_query(told)
    except Invalid:
        return
    assert isinstance(payload, dict)
