"""The collect doors: every path and key of an SDK leads in, and each refusal is in its words."""

import asyncio
import gzip
from base64 import b64encode
from typing import Any

import pytest

from customering.kernel.errors import Overloaded, Unavailable
from sdk_doors import PEER, SHOP, RunSdks, SdkDoors, assert_error, assert_success, sdk_runner
from town import OpenShop

KINDS = ("identify", "track", "page", "screen", "group", "alias")
SINGLE_PATHS = [f"/v1/{kind}" for kind in KINDS] + [f"/v1/{kind[0]}" for kind in KINDS]
BATCH_PATHS = ["/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch"]
ALL_PATHS = [*SINGLE_PATHS, *BATCH_PATHS, "/v1/m", "/v1/merge"]
ADA = {"userId": "ada"}


@pytest.fixture
def sdks(open_shop: OpenShop) -> RunSdks:
    return sdk_runner(open_shop)


def seen(message_id: str = "m1", **more: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Seen", "messageId": message_id, **ADA, **more}


def batch(*events: Any, **more: Any) -> dict[str, Any]:
    return {"batch": list(events), **more}


# Paths and kinds


def test_each_path_forces_its_kind(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        for path in SINGLE_PATHS:
            body = {"messageId": path, "type": "nonsense", "event": "E", "groupId": "g"} | ADA
            assert_success(await doors.post(path, body, key=doors.write))
        kinds = {event.event_id: event.kind for event in doors.events()}
        for path in SINGLE_PATHS:
            kind = next(kind for kind in KINDS if path in (f"/v1/{kind}", f"/v1/{kind[0]}"))
            assert kinds[path] == kind

    sdks(act)


def test_each_batch_path_and_a_slash_at_the_end(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        for path in BATCH_PATHS:
            for sent in (path, path + "/"):
                assert_success(await doors.post(sent, batch(seen(sent)), key=doors.server))
        assert len(doors.events()) == 2 * len(BATCH_PATHS)

    sdks(act)


def test_telemetry_is_dropped_whoever_sends_it(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        assert_success(await doors.post("/v1/m", {"series": [{"metric": "x"}]}))
        assert doors.events() == []

    sdks(act)


def test_other_methods_are_refused_in_the_words_of_sdks(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        for path in ALL_PATHS:
            for method in ("GET", "PUT", "DELETE"):
                answer = await doors.request(method, path, key=doors.write)
                assert_error(answer, 405, "method_not_allowed")
                assert answer.headers["allow"] == "POST, OPTIONS"

    sdks(act)


def test_rudderstacks_merge_is_an_alias_with_two_names(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        body = {
            "messageId": "m1",
            "mergeProperties": [
                {"type": "email", "value": "ada@example.org"},
                {"type": "loyalty_card", "value": "7"},
            ],
        }
        assert_success(await doors.post("/v1/merge", body, key=doors.server))
        again = body | {"messageId": "m2", "type": "merge"}
        assert_success(await doors.post("/v1/batch", batch(again), key=doors.server))
        for event in doors.events():
            assert event.kind == "alias"
            assert set(event.identifiers) == {"email:ada@example.org", "loyalty_card:7"}
        assert_error(await doors.post("/v1/merge", {}, key=doors.server), 400)

    sdks(act)


# Keys


def test_the_key_is_found_wherever_an_sdk_puts_it(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        key = doors.write
        ways: list[dict[str, Any]] = [
            {"key": key},
            {"headers": [(b"authorization", b"Basic " + b64encode(key.encode()))]},
            {"headers": [(b"authorization", f"Bearer {key}".encode())]},
            {"headers": [(b"x-write-key", key.encode())]},
            {"query": b"x=1&writeKey=" + key.encode()},
        ]
        for place, how in enumerate(ways):
            assert_success(await doors.post("/v1/track", seen(f"h{place}"), **how))
        bodies = [
            seen("b0", writeKey=key),
            batch(seen("b1"), writeKey=key),
            batch(seen("b2"), seen("b3", writeKey=key)),
            {"writeKey": key} | batch(seen("b4", properties={"writeKey": "another"})),
        ]
        for body in bodies:
            path = "/v1/batch" if "batch" in body else "/v1/track"
            assert_success(await doors.post(path, body))
        oauth = [(b"authorization", b"Bearer eyJhbGciOi.x.y")]
        body = batch(seen("b5"), writeKey=key)
        assert_success(await doors.post("/v1/batch", body, headers=oauth))
        assert len(doors.events()) == 11
        assert {event.source for event in doors.events()} == {"web"}

    sdks(act)


def test_without_a_key_that_holds_nothing_is_taken(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        mistyped = doors.write[:-1] + ("a" if doors.write[-1] != "a" else "b")
        key = next(key for key in doors.keys.list() if key.kind == "write")
        tries: list[dict[str, Any]] = [{}, {"key": "WRITE_KEY"}, {"key": mistyped}]
        for how in tries:
            assert_error(await doors.post("/v1/track", seen(), **how), 401, "unauthorized")
            assert_error(await doors.post("/v1/batch", batch(seen()), **how), 401)
        doors.keys.revoke(key.key_id)
        assert_error(await doors.post("/v1/track", seen(), key=doors.write), 401)
        assert_error(await doors.post("/v1/track", seen(), key=doors.reader), 403, "forbidden")
        assert doors.events() == []
        assert doors.aside() == []

    sdks(act)


def test_a_key_works_only_in_its_pages_and_a_secret_one_in_none(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        assert_success(await doors.post("/v1/t", seen("m1"), key=doors.write, origin=SHOP))
        here = await doors.post("/v1/t", seen("m2"), key=doors.write, origin="http://data.example")
        assert_success(here)
        for origin in ("https://evil.example", "null", "https://shop.example.evil.example"):
            answer = await doors.post("/v1/t", seen("m3"), key=doors.write, origin=origin)
            assert_error(answer, 403, "forbidden_origin")
            # The page may read that, or its SDK would take it for a fault and try for hours.
            assert answer.headers["access-control-allow-origin"] == origin
        for key in (doors.server, doors.secret):
            assert_error(await doors.post("/v1/t", seen("m4"), key=key, origin=SHOP), 403)
            assert_success(await doors.post("/v1/t", seen(key), key=key))
        assert doors.event_ids() == ["m1", "m2", doors.server, doors.secret]

    sdks(act)


def test_no_key_is_kept_with_what_is_set_aside(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        key = {"writeKey": doors.server}
        await doors.post("/v1/track", key | {"event": "Seen"})
        broken = b'{"batch":[{"writeKey":"%s"},{"writeKey":"%s","x":1e999}]}'
        text = doors.server.encode()
        assert_success(await doors.post("/v1/batch", broken % (text, text)))
        assert len(doors.aside()) == 3
        assert doors.server not in repr(doors.aside())

    sdks(act)


def test_what_a_public_key_says_about_identity_is_a_claim(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        body = seen("m1", context={"traits": {"email": "ada@example.org"}}, anonymousId="a1")
        assert_success(await doors.post("/v1/track", body, key=doors.write))
        assert_success(await doors.post("/v1/track", body | {"messageId": "m2"}, key=doors.server))
        public, trusted = doors.events()
        assert "email:ada@example.org" not in public.identifiers
        assert "email:ada@example.org" in trusted.identifiers

    sdks(act)


# Batches


def test_one_bad_event_spoils_no_other(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        long = seen("long", properties={"text": "x" * 40_000})
        events = [seen("m1"), long, {"type": "nope"}, None, 7, [], seen("m2"), {"userId": "u"}]
        answer = await doors.post("/v1/batch", batch(*events), key=doors.server)
        assert_success(answer)
        assert doors.event_ids() == ["m1", "m2"]
        assert [one.place for one in doors.aside()] == ["2", "3", "4", "5", "7", "1"]
        assert "more than the 32768 allowed" in doors.aside()[-1].reason
        assert doors.aside()[-1].raw == long

    sdks(act)


def test_an_event_whose_text_is_odd_spoils_no_other(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        def text(message_id: str, value: str) -> str:
            return (
                f'{{"type":"track","event":"E","userId":"u","messageId":"{message_id}",'
                f'"properties":{{"x":{value}}}}}'
            )

        odd = {
            "half": '"cut \\ud83d"',
            "nan": "NaN",
            "huge": "1e999",
            "digits": "9" * 400,
            "nul": '"a\\u0000b"',
        }
        values = [text(name, value) for name, value in odd.items()]
        deep = text("deep", '{"a":' * 70 + "1" + "}" * 70)
        body = f'{{"batch":[{",".join([text("m1", "1"), *values, deep, text("m2", "2")])}]}}'
        assert_success(await doors.post("/v1/batch", body.encode(), key=doors.server))
        taken = {event.event_id: event.properties["x"] for event in doors.events()}
        assert taken["m1"] == 1
        assert taken["m2"] == 2
        assert taken["half"] == "cut \ufffd"
        assert taken["nan"] is None
        aside = {one.place for one in doors.aside()}
        assert aside.isdisjoint({"0", "7"})
        assert len(taken) + len(aside) == 8

    sdks(act)


def test_events_beyond_the_most_of_a_batch_are_set_aside(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        shared = {"locale": "de", "ip": "198.51.100.9"}
        body = batch(*(seen(f"m{number}") for number in range(13)), context=shared)
        assert_success(await doors.post("/v1/batch", body, key=doors.write))
        assert doors.event_ids() == [f"m{number}" for number in range(10)]
        assert [one.place for one in doors.aside()] == ["10", "11", "12"]
        assert "10 events" in doors.aside()[0].reason
        # With what the batch says for all, so that it can be replayed.
        assert doors.aside()[0].raw == seen("m10", context={"locale": "de"})
        flood = batch(*({} for _ in range(21)))
        assert_error(await doors.post("/v1/batch", flood, key=doors.write), 400, "too_large")
        assert len(doors.aside()) == 3

    sdks(act, "serve.batch_events_max=10")


def test_what_a_batch_says_for_all_stands_under_each(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        consent = {"categoryPreferences": {"Advertising": False}}
        body = batch(
            seen("m1", context={"locale": "de"}),
            seen("m2"),
            context={"locale": "en", "consent": consent},
        )
        assert_success(await doors.post("/v1/batch", body, key=doors.write))
        first, second = doors.events()
        assert (first.context["locale"], second.context["locale"]) == ("de", "en")
        assert first.context["consent"] == second.context["consent"] == consent

    sdks(act)


def test_an_empty_batch_is_a_success(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        assert_success(await doors.post("/v1/batch", batch(), key=doors.server))

    sdks(act)


def test_what_is_sent_again_counts_once(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        body = batch(seen("m1"), seen("m2"))
        retry = [(b"x-retry-count", b"1")]
        await asyncio.gather(*(doors.post("/v1/batch", body, key=doors.server) for _ in range(3)))
        assert_success(await doors.post("/v1/import", body, key=doors.write, headers=retry))
        assert sorted(doors.event_ids()) == ["m1", "m2"]

    sdks(act)


# Bodies


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[", b"null", b"1", b'"x"', b"[]", b"\xff\xfe", b"{}{}", b"\x1f\x8b\x00",
        b'{"batch":1}', b'{"batch":{}}', b'{"batch":null}', b'{"events":[]}',
        b'{"batch":' + b"[" * 100_000, b'{"batch":[' + b'{"a":' * 9_000 + b"}" * 9_000 + b"]}",
        b'{"batch":[{"a":' + b"9" * 6_000 + b"]}",
        b'{"batch":[],"context":' + b'{"a":' * 70 + b"1" + b"}" * 71,
    ],
)  # fmt: skip
def test_what_is_no_call_is_refused(sdks: RunSdks, body: bytes) -> None:
    async def act(doors: SdkDoors) -> None:
        for path in ("/v1/batch", "/v1/track"):
            assert_error(await doors.post(path, body, key=doors.server), 400)
        assert doors.events() == []

    sdks(act)


def test_too_much_is_400_and_never_413(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        long = seen("m1", properties={"text": "x" * 33_000})
        assert_error(await doors.post("/v1/track", long, key=doors.server), 400, "too_large")
        body = batch(*(seen(f"m{n}", properties={"t": "x" * 10_000}) for n in range(60)))
        assert_error(await doors.post("/v1/batch", body, key=doors.server), 400, "too_large")
        packed = gzip.compress(bytes(3_000_000))
        assert_error(await doors.post("/v1/batch", packed, key=doors.server), 400, "too_large")
        assert doors.events() == []

    sdks(act)


def test_an_event_with_very_many_fields_does_not_stall(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        fields = {str(number): number for number in range(30_000)}
        body = batch(seen("m1", properties=fields), seen("m2"))
        assert_success(await doors.post("/v1/batch", body, key=doors.server))
        assert doors.event_ids() == ["m2"]

    sdks(act)


def test_packed_bodies_and_any_content_type_are_read(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        types = [b"text/plain", b"application/x-www-form-urlencoded", b"image/png", b"", None]
        for place, kind in enumerate(types):
            headers = [] if kind is None else [(b"content-type", kind)]
            packed = gzip.compress(f'{{"batch":[{{"type":"page","userId":"u{place}"}}]}}'.encode())
            headers.append((b"content-encoding", b"gzip"))
            assert_success(await doors.post("/v1/b", packed, key=doors.write, headers=headers))
        marked = b"\xef\xbb\xbf" + b'{"userId":"u9","messageId":"m9"}'
        assert_success(await doors.post("/v1/page", marked, key=doors.write))
        assert len(doors.events()) == len(types) + 1

    sdks(act)


def test_who_goes_away_leaves_nothing_and_is_told_nothing(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        messages = [
            {"type": "http.disconnect"},
            {"type": "http.request", "body": b'{"userId":"u"', "more_body": True},
        ]

        async def receive() -> Any:
            return messages.pop()

        answer = await doors.post("/v1/track", b"", key=doors.server, receive=receive)
        assert answer.status == 0
        assert doors.events() == []

    sdks(act)


def test_a_slow_sender_is_asked_to_come_again(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        async def receive() -> Any:
            await asyncio.sleep(30)

        answer = await doors.post("/v1/track", b"", key=doors.server, receive=receive)
        assert_error(answer, 429)
        assert answer.headers["connection"] == "close"  # the rest may still come

    sdks(act, "serve.body_seconds_max=0.02")


# An event that is wrong by itself


def test_a_single_invalid_event_is_refused_and_kept(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        nobody = {"event": "Seen", "userId": None, "anonymousId": None}
        answer = await doors.post("/v1/track", nobody, key=doors.server)
        assert_error(answer, 400, "no_user_anon_id")
        answer = await doors.post("/v1/track", {"event": 7} | ADA, key=doors.server)
        assert_error(answer, 400, "invalid_event")
        assert [one.raw["event"] for one in doors.aside()] == ["Seen", 7]
        assert {one.source for one in doors.aside()} == {"till"}
        assert doors.refused("no_user_anon_id") == 1

    sdks(act)


def test_ids_may_be_numbers_or_null(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        body = seen("m1") | {"userId": 42, "anonymousId": None}
        assert_success(await doors.post("/v1/track", body, key=doors.server))
        assert doors.events()[0].identifiers == ("user_id:42",)

    sdks(act)


# Addresses


def test_no_address_of_a_page_is_kept_unless_asked(sdks: RunSdks) -> None:
    sent = [
        seen("m1", context={"ip": "198.51.100.9", "locale": "de"}),
        seen("m2", context={"ip": "0.0.0.0"}),
        seen("m3"),
    ]

    async def addresses(doors: SdkDoors, key: str) -> list[Any]:
        body = batch(*sent, context={"timezone": "Europe/Berlin"})
        assert_success(await doors.post("/v1/batch", body, key=key))
        events = doors.events()
        assert events[0].context["locale"] == "de"
        assert all(event.context["timezone"] == "Europe/Berlin" for event in events)
        return [event.context.get("ip") for event in events]

    async def by_page(doors: SdkDoors) -> list[Any]:
        return await addresses(doors, doors.write)

    async def by_server(doors: SdkDoors) -> list[Any]:
        return await addresses(doors, doors.server)

    assert sdks(by_page) == [None, None, None]
    assert sdks(by_page, "serve.record_addresses=true") == [PEER, None, PEER]
    assert sdks(by_server, "serve.record_addresses=true") == ["198.51.100.9", "0.0.0.0", None]


def test_behind_a_proxy_of_ours_the_address_is_the_one_it_tells(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        told = [(b"x-forwarded-for", b"6.6.6.6, 198.51.100.9")]
        how = {"key": doors.write, "headers": told}
        await doors.post("/v1/track", seen("m1"), client=("10.0.0.2", 1), **how)
        await doors.post("/v1/track", seen("m2"), client=("192.0.2.1", 1), **how)
        assert [e.context["ip"] for e in doors.events()] == ["198.51.100.9", "192.0.2.1"]

    sdks(act, "serve.record_addresses=true", 'serve.trusted_proxies=["10.0.0.0/8"]')


# Too much, and trouble


def test_who_sends_too_much_is_told_when_to_come_again(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        answers = [
            await doors.post("/v1/track", seen(f"m{number}"), key=doors.write)
            for number in range(30)
        ]
        late = answers[-1]
        assert_success(answers[0])
        assert_error(late, 429, "rate_limited")
        assert 1 <= int(late.headers["retry-after"]) <= 300
        # Without an origin the reset is an instant, as analytics-node reads it.
        wait_ms = int(late.headers["x-ratelimit-reset"]) - doors.engine.clock()
        assert wait_ms == int(late.headers["retry-after"]) * 1_000
        page = await doors.post("/v1/t", seen(), key=doors.write, origin=SHOP)
        assert page.headers["x-ratelimit-reset"] == page.headers["retry-after"]
        assert "retry-after" in page.headers["access-control-expose-headers"]
        assert_success(await doors.post("/v1/track", seen("till"), key=doors.server))
        kept = sum(answer.status == 200 for answer in answers)
        assert len(doors.events()) == kept + 1

    sdks(act, "serve.limits.per_address=4")


def test_many_events_count_as_many(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        body = batch(*(seen(f"m{number}") for number in range(60)))
        assert_success(await doors.post("/v1/batch", body, key=doors.write))
        assert_error(await doors.post("/v1/batch", body, key=doors.write), 429)

    sdks(act, "serve.limits.per_address=20")


def test_guessing_keys_is_slowed_down_too(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        answers = [await doors.post("/v1/track", seen(), key=f"k{n}") for n in range(30)]
        assert answers[0].status == 401
        assert_error(answers[-1], 429, "rate_limited")

    sdks(act, "serve.limits.per_address=4")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Overloaded("full", hint="wait", retry_after_s=4_000), 429),
        (Unavailable("the disk is full", hint="make room"), 503),
    ],
)
def test_trouble_asks_to_send_again(sdks: RunSdks, error: Exception, status: int) -> None:
    async def act(doors: SdkDoors) -> None:
        async def take(*_: Any) -> None:
            raise error

        doors.live.take = take  # type: ignore[method-assign, assignment]
        for path, body in (("/v1/track", seen()), ("/v1/batch", batch(seen()))):
            answer = await doors.post(path, body, key=doors.write, origin=SHOP)
            assert_error(answer, status)
            assert answer.headers["access-control-allow-origin"] == SHOP
            assert answer.headers.get("retry-after") == ("300" if status == 429 else None)

    sdks(act)


# Browsers


def test_every_path_answers_what_a_browser_asks_before(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        reading = ["/v1/pixel/track", "/v1/projects/x/settings", "/sourceConfig/"]
        for path in [*ALL_PATHS, *reading]:
            for origin in (SHOP, "https://any.example"):
                answer = await doors.request("OPTIONS", path, origin=origin)
                assert (answer.status, answer.body) == (204, b"")
                told = answer.headers
                assert told["access-control-allow-origin"] == origin
                assert told["access-control-allow-credentials"] == "true"
                assert told["access-control-max-age"] == "86400"
                assert {"GET", "POST"} <= set(told["access-control-allow-methods"].split(", "))
                allowed = set(told["access-control-allow-headers"].split(", "))
                assert {"authorization", "content-type", "x-retry-count", "x-write-key"} <= allowed
                assert told["vary"] == "Origin"

    sdks(act)


def test_a_page_may_read_its_answer(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        answer = await doors.post("/v1/t", seen(), key=doors.write, origin=SHOP)
        assert_success(answer)
        assert answer.headers["access-control-allow-origin"] == SHOP
        assert answer.headers["vary"] == "Origin"
        silent = await doors.post("/v1/t", seen(), key=doors.write)
        assert "access-control-allow-origin" not in silent.headers

    sdks(act)


def test_events_and_refusals_are_counted(sdks: RunSdks) -> None:
    async def act(doors: SdkDoors) -> None:
        await doors.post("/v1/batch", batch(seen("a"), seen("b"), {}), key=doors.write)
        await doors.post("/v1/batch", batch(), key="nobody")
        figures = doors.entrance.figures
        assert figures.events.labels("web")._value.get() == 2
        assert figures.quarantined.labels("web")._value.get() == 1
        assert doors.refused("unauthorized") == 1

    sdks(act)
