"""Bodies: whatever arrives, however packed and however slowly, memory and time are bounded."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.kernel.errors import CustomeringError, Invalid, Overloaded
from customering.web.bodies import BodyReader, is_too_deep, read_json, unpacked

GONE = {"type": "http.disconnect"}


def piece(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


class Sender:
    """Sends messages one after the other, then nothing any more."""

    def __init__(self, messages: Sequence[dict[str, Any]]) -> None:
        self.messages = list(messages)
        self.taken = 0

    async def __call__(self) -> dict[str, Any]:
        if self.taken == len(self.messages):
            await asyncio.sleep(60)
        self.taken += 1
        return self.messages[self.taken - 1]


def chunked(*chunks: bytes) -> Sender:
    return Sender([piece(chunk, more=True) for chunk in chunks] + [piece(b"", more=False)])


def read(
    sender: Sender, headers: dict[bytes, bytes] | None = None, *, most: int = 100, **how: Any
) -> bytes | None:
    reader = how.get("reader") or BodyReader(how.get("seconds", 5.0), how.get("arriving", 10_000))
    return asyncio.run(reader.read(sender, headers or {}, most))


def reason(error: pytest.ExceptionInfo[CustomeringError]) -> Any:
    return error.value.facts.get("reason")


def test_a_body_comes_whole_or_in_pieces() -> None:
    assert read(Sender([piece(b"{}", more=False)])) == b"{}"
    assert read(chunked(b"{", b'"a":', b"1}")) == b'{"a":1}'
    assert read(chunked()) == b""


def test_who_goes_away_is_no_error() -> None:
    assert read(Sender([GONE])) is None
    assert read(Sender([piece(b"{", more=True), GONE])) is None


@pytest.mark.parametrize("pieces", [(b"x" * 101,), (b"x" * 60, b"x" * 60)])
def test_more_than_may_be_sent_is_refused_after_it_was_heard_out(pieces: tuple[bytes, ...]) -> None:
    sender = chunked(*pieces)
    with pytest.raises(Invalid) as error:
        read(sender)
    assert reason(error) == "too_large"
    assert sender.taken == len(sender.messages)


def test_exactly_as_much_as_may_be_sent_is_taken() -> None:
    assert read(chunked(b"x" * 60, b"x" * 40)) == b"x" * 100
    assert read(Sender([piece(b"x" * 100, more=False)])) == b"x" * 100


def test_who_never_stops_sending_is_not_heard_out() -> None:
    sender = Sender([piece(b"x" * 1_000_000, more=True)] * 1_000)
    with pytest.raises(Invalid):
        read(sender)
    assert sender.taken < 10


def test_a_slow_body_may_be_sent_again() -> None:
    with pytest.raises(Overloaded) as error:
        read(Sender([piece(b"{", more=True)]), seconds=0.01)
    assert error.value.facts["retry_after_s"] >= 1
    with pytest.raises(Overloaded):
        read(Sender([]), seconds=0.01)


def test_who_cancels_a_slow_reading_is_obeyed_and_the_next_body_is_timed_too() -> None:
    reader = BodyReader(0.02, 10_000)

    async def act() -> None:
        reading = asyncio.create_task(reader.read(Sender([]), {}, 100))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        for _ in range(2):
            assert await reader.read(chunked(b"{}"), {}, 100) == b"{}"
            with pytest.raises(Overloaded):
                await reader.read(Sender([]), {}, 100)
            await asyncio.sleep(0.03)  # nothing is left that would cancel this

    asyncio.run(act())


def test_bodies_in_the_air_are_bounded_together_and_room_is_given_back() -> None:
    reader = BodyReader(0.05, 150)

    async def act() -> None:
        slow = asyncio.create_task(reader.read(Sender([piece(b"x" * 90, more=True)]), {}, 100))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await reader.read(chunked(b"x" * 90), {}, 100)
        with pytest.raises(Overloaded):  # the slow one ends at last
            await slow
        assert await reader.read(chunked(b"x" * 90), {}, 100) == b"x" * 90

    asyncio.run(act())


def test_gzip_is_unpacked_also_when_nobody_says_so() -> None:
    packed = gzip.compress(b'{"a":1}', mtime=0)
    for headers in ({b"content-encoding": b"gzip"}, {b"content-encoding": b" X-Gzip"}, {}):
        assert read(chunked(packed[:9], packed[9:]), headers) == b'{"a":1}'


def test_deflate_is_unpacked_with_and_without_the_header_of_zlib() -> None:
    bare = zlib.compressobj(wbits=-15)
    for packed in (zlib.compress(b"{}"), bare.compress(b"{}") + bare.flush()):
        assert unpacked(packed, b"deflate", 10) == b"{}"
    assert unpacked(b"{}", b"identity", 10) == b"{}"


def test_several_members_and_padding_are_one_body() -> None:
    packed = gzip.compress(b"ab", mtime=0) + gzip.compress(b"") + gzip.compress(b"cd") + b"\0\0\0"
    assert unpacked(packed, b"gzip", 4) == b"abcd"
    with pytest.raises(Invalid) as error:
        unpacked(packed, b"gzip", 3)
    assert reason(error) == "too_large"


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress(b"{}" * 50, mtime=0)[:-1],
        gzip.compress(b"{}" * 50, mtime=0)[:12],
        gzip.compress(b"{}", mtime=0)[:-8] + b"\1" * 8,
        gzip.compress(b"{}", mtime=0) + b"and more",
        gzip.compress(b"", mtime=0) * 1_000,
        b"\x1f\x8b",
        b"",
        b"{}",
    ],
)
def test_what_is_cut_short_or_damaged_is_refused(packed: bytes) -> None:
    with pytest.raises(Invalid):
        unpacked(packed, b"gzip", 1_000)


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(Invalid):
        unpacked(b"{}", b"br", 10)


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate"])
def test_a_bomb_stops_at_the_bound_in_little_memory(encoding: bytes) -> None:
    zeros = bytes(50_000_000)
    bomb = gzip.compress(zeros, 9, mtime=0) if encoding == b"gzip" else zlib.compress(zeros, 9)
    del zeros
    tracemalloc.start()
    with pytest.raises(Invalid) as error:
        unpacked(bomb, encoding, 500_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reason(error) == "too_large"
    assert peak < 3_000_000


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=2_000), st.lists(st.integers(0, 2_000), max_size=4), st.booleans())
def test_what_is_packed_comes_out_as_it_was_however_it_is_cut(
    body: bytes, cuts: list[int], is_gzip: bool
) -> None:
    packed = gzip.compress(body, mtime=0) if is_gzip else zlib.compress(body)
    at = [0, *sorted(min(cut, len(packed)) for cut in cuts), len(packed)]
    pieces = [packed[start:end] for start, end in pairwise(at)]
    headers = {b"content-encoding": b"gzip" if is_gzip else b"deflate"}
    assert read(chunked(*pieces), headers, most=3_000) == body


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"gzip", b"deflate", b"identity", b"x"]))
def test_anything_unpacks_within_the_bound_or_is_refused(data: bytes, encoding: bytes) -> None:
    with suppress(Invalid):
        assert len(unpacked(data, encoding, 400)) <= 400


def test_json_is_read_with_and_without_a_byte_order_mark() -> None:
    assert read_json(b'\xef\xbb\xbf{"a": [1, null]}') == {"a": [1, None]}
    assert read_json(b'{"a":1,"a":2}') == {"a": 2}


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[] []", b"\xff", b'"\\ud800"', b'{"a":NaN}', b'"\x00"', b"1e999", b"9" * 5_000,
        b"[" * 200_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000, b"[" * 65 + b"]" * 65,
    ],
)  # fmt: skip
def test_what_is_no_json_or_too_deep_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        read_json(body)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 130), st.booleans(), st.integers(0, 80))
def test_depth_is_counted_by_nesting_and_not_by_brackets(
    depth: int, is_list: bool, beside: int
) -> None:
    opening, closing = (b"[", b"]") if is_list else (b'{"a":', b"}")
    text = b"[" + b"[]," * beside + opening * (depth - 1) + b'"[[["' + closing * (depth - 1) + b"]"
    deepest = max(depth, 2) if beside else depth
    try:
        value = read_json(text)
        assert deepest <= 64
        assert not is_too_deep(text, value)
    except Invalid:
        assert deepest > 64
