"""Whatever is sent to the doors of SDKs, the answer is one they understand, and nothing is lost."""

import asyncio
import gzip
import json
import zlib
from base64 import b64encode
from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdk_doors import SHOP, Answer, SdkDoors, assert_error, assert_success
from town import OpenShop, assert_rebuild_changes_nothing

BOUNDED = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
PATHS = [
    *(f"/v1/{kind}" for kind in ("identify", "track", "page", "screen", "group", "alias")),
    *(f"/v1/{letter}" for letter in "itpsgam"),
    *("/v1/merge", "/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch", "/v1/batch/"),
]
NAMES = st.sampled_from(
    [
        *("type", "event", "userId", "anonymousId", "messageId", "timestamp", "sentAt", "traits"),
        *("originalTimestamp", "properties", "context", "integrations", "groupId", "previousId"),
        *("name", "category", "identifiers", "mergeProperties", "batch", "writeKey", "channel"),
        *("products", "price", "quantity", "revenue", "currency", "product_id", "ip", "email"),
        *("phone", "externalIds", "library", "consent", "", "\x00", "x" * 300),
    ]
)
TEXTS = st.text(max_size=20) | st.sampled_from(
    [
        *("track", "identify", "page", "group", "alias", "merge", "2026-01-01T00:00:00Z", "9999"),
        *("0001-01-01", "-1", "NaN", "\x00", "\ud83d", "ada@example.org", "+4930901820", "EUR"),
        *("Order Completed", "Product Viewed", "Decision Made", "0.0.0.0", "1e999", "1" * 5_000),
    ]
)
NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([2**63, -(2**63) - 1, 2**64, 10**400, 1e308, -0.0, 253_402_300_800_000]),
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=15,
)
EVENTS = st.dictionaries(NAMES, VALUES, max_size=10)
ORDER = {
    "type": "track",
    "event": "Order Completed",
    "userId": "ada",
    "properties": {"order_id": "1", "revenue": 1, "products": [{"product_id": "p", "price": 1}]},
}
NEARLY = st.builds(lambda event: ORDER | event, EVENTS) | st.builds(
    lambda fields: ORDER | {"properties": fields}, st.dictionaries(NAMES, VALUES, max_size=6)
)
JSON_TEXTS = st.builds(
    lambda value, is_ascii: json.dumps(value, ensure_ascii=is_ascii).encode("utf-8", "replace"),
    VALUES | EVENTS | st.fixed_dictionaries({"batch": st.lists(EVENTS | VALUES, max_size=5)}),
    st.booleans(),
)
BODIES = st.one_of(
    JSON_TEXTS,
    st.binary(max_size=300),
    st.builds(lambda text, at: text[: at % (len(text) + 1)], JSON_TEXTS, st.integers(0, 10_000)),
    st.builds(lambda text: text.replace(b'"', b"'"), JSON_TEXTS),
    st.builds(lambda depth: b'{"batch":[' + b'{"a":' * depth, st.integers(0, 5_000)),
    st.builds(lambda size: b'{"batch":[' + b"7," * size + b"7]}", st.integers(0, 4_000)),
)
ENCODINGS = st.sampled_from([b"", b"gzip", b"deflate", b"br", b"identity", b"GZIP, gzip", b"\xff"])


class Shop(NamedTuple):
    runner: asyncio.Runner
    doors: SdkDoors


@pytest.fixture
def shop(open_shop: OpenShop) -> Iterator[Shop]:
    """A running home for all examples of a test; whatever came in, it can be rebuilt."""
    with asyncio.Runner() as runner:
        doors = SdkDoors(open_shop(overrides=("serve.limits.per_address=0",)))
        runner.run(doors.live.start())
        yield Shop(runner, doors)
        runner.run(doors.live.stop())
        doors.keys.close()
    assert_rebuild_changes_nothing(doors.engine)


def packed(body: bytes, encoding: bytes) -> bytes:
    if encoding == b"gzip":
        return gzip.compress(body)
    return zlib.compress(body) if encoding == b"deflate" else body


def assert_understood(answer: Answer) -> None:
    if answer.status == 200:
        assert_success(answer)
    else:
        assert answer.status in (400, 401, 403, 405)
        assert_error(answer, answer.status)


def test_any_request_is_answered_in_words_that_sdks_understand(shop: Shop) -> None:
    authorizations = [
        b"Basic " + b64encode(shop.doors.write.encode() + b":"),
        b"Basic " + b64encode(shop.doors.server.encode()),
        *(b"Basic", b"Basic !!!", b"Bearer x", b"Bearer \xff", b"", b"Basic " + b"A" * 9_000),
    ]

    @BOUNDED
    @given(
        path=st.sampled_from(PATHS),
        method=st.sampled_from(["POST"] * 9 + ["GET", "BREW"]),
        body=BODIES,
        encoding=ENCODINGS,
        is_honest=st.booleans(),
        authorization=st.sampled_from(authorizations) | st.binary(max_size=20),
        origin=st.sampled_from(["", "", SHOP, "https://evil.example", "null"]),
        more=st.lists(
            st.tuples(
                st.sampled_from(
                    [b"content-type", b"x-write-key", b"content-length", b"x-forwarded-for"]
                ),
                st.binary(max_size=20),
            ),
            max_size=3,
        ),
        query=st.binary(max_size=30) | st.just(b"writeKey=%zz"),
    )
    def check(**made: Any) -> None:
        body = packed(made["body"], made["encoding"]) if made["is_honest"] else made["body"]
        headers = [*made["more"], (b"authorization", made["authorization"])]
        if made["encoding"]:
            headers.append((b"content-encoding", made["encoding"]))
        answer = shop.runner.run(
            shop.doors.request(
                made["method"],
                made["path"],
                body,
                headers=headers,
                origin=made["origin"],
                query=made["query"],
            )
        )
        assert_understood(answer)

    check()


def test_what_is_valid_is_in_the_log_exactly_once_whatever_stands_beside_it(shop: Shop) -> None:
    numbers = count()
    read_up_to = -1

    @BOUNDED
    @given(
        beside=st.lists(NEARLY | EVENTS | VALUES, max_size=6),
        at=st.lists(st.integers(0, 6), min_size=1, max_size=3),
        whole=st.dictionaries(st.sampled_from(["context", "integrations"]), VALUES, max_size=2),
        encoding=st.sampled_from([b"", b"gzip", b"deflate"]),
        is_ascii=st.booleans(),
        times=st.integers(1, 2),
        key=st.sampled_from([shop.doors.write, shop.doors.server]),
    )
    def check(**made: Any) -> None:
        nonlocal read_up_to
        events, sent = list(made["beside"]), []
        for at in made["at"]:
            sent.append(f"valid-{next(numbers)}")
            good = {"type": "track", "event": "Seen", "userId": "ada", "messageId": sent[-1]}
            events.insert(at, good)
        body = json.dumps({"batch": events} | made["whole"], ensure_ascii=made["is_ascii"])
        data = packed(body.encode("utf-8", "surrogatepass"), made["encoding"])
        headers = [(b"content-encoding", made["encoding"])] if made["encoding"] else []
        waiting = shop.doors.engine.quarantine.count()
        for _ in range(made["times"]):
            answer = shop.runner.run(
                shop.doors.post("/v1/batch", data, key=made["key"], headers=headers)
            )
            assert_success(answer)
        blocks = list(shop.doors.engine.log.read(read_up_to))
        taken = [event.event_id for block in blocks for event in block.events()]
        read_up_to += len(taken)
        assert sorted(name for name in taken if name.startswith("valid-")) == sorted(sent)
        aside = shop.doors.engine.quarantine.count() - waiting
        if made["times"] == 1:
            assert len(taken) + aside <= len(events)

    check()
