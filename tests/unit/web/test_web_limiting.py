"""Rate limits: so much and no more, told how long to wait, in bounded memory."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from limits.strategies import FixedWindowRateLimiter

from customering.app.key_model import Key
from customering.app.limit_settings import LimitSettings
from customering.web.limiting import Limiter, SlidingCounters

ADDRESS = "203.0.113.7"


def key(kind: str = "write", name: str = "key_a") -> Key:
    return Key(key_id=name, kind=kind, name="a", created_at=1)  # type: ignore[arg-type]


WRITE, SERVER, SECRET, SUBJECT = (key(kind) for kind in ("write", "server", "secret", "subject"))


class Clock:
    """Seconds that a test moves."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def limiter(clock: Clock, **limits: int) -> Limiter:
    none = {"requests_per_key": 0, "events_per_key": 0, "per_address": 0}
    return Limiter(LimitSettings(**(none | limits)), clock)


def test_so_much_at_once_and_no_more() -> None:
    clock = Clock()
    made = limiter(clock, requests_per_key=3, burst_seconds=5)
    assert [made.wait(SECRET, ADDRESS) for _ in range(15)] == [None] * 15
    assert made.wait(SECRET, ADDRESS) is not None
    assert made.wait(key(name="key_b"), ADDRESS) is None


def test_events_are_counted_apart_from_other_requests() -> None:
    made = limiter(Clock(), requests_per_key=1, events_per_key=100, burst_seconds=1)
    assert made.wait(SERVER, ADDRESS, events=60) is None
    assert made.wait(SERVER, ADDRESS, events=60) is not None
    assert made.wait(SERVER, ADDRESS) is None
    assert made.wait(SERVER, ADDRESS) is not None
    assert made.wait(SERVER, ADDRESS, events=40) is None


def test_what_was_refused_is_not_counted() -> None:
    clock = Clock()
    made = limiter(clock, requests_per_key=1, burst_seconds=1)
    assert made.wait(SECRET, ADDRESS) is None
    for _ in range(50):
        assert made.wait(SECRET, ADDRESS) is not None
    clock.now += 1.9  # a tenth of the one request before still counts
    assert made.wait(SECRET, ADDRESS) is not None
    clock.now += 0.1
    assert made.wait(SECRET, ADDRESS) is None


def test_an_address_is_limited_with_public_keys_and_without_one() -> None:
    for one in (WRITE, SUBJECT, None):
        made = limiter(Clock(), per_address=1, burst_seconds=1)
        assert made.wait(one, ADDRESS) is None
        assert made.wait(one, ADDRESS) is not None
        assert made.wait(one, "203.0.113.8") is None
    for one in (SERVER, SECRET):
        made = limiter(Clock(), per_address=1, burst_seconds=1)
        assert [made.wait(one, ADDRESS) for _ in range(10)] == [None] * 10


def test_one_bad_address_does_not_use_up_the_key_of_all_others() -> None:
    made = limiter(Clock(), per_address=5, events_per_key=10, burst_seconds=1)
    for _ in range(100):
        made.wait(WRITE, ADDRESS, events=1)
    assert [made.wait(WRITE, f"198.51.100.{n}", events=1) for n in range(5)] == [None] * 5


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:203.0.113.7", ADDRESS, True),
        ("fe80::1%eth0", "fe80::2", True),
        ("not:an:address", "another:one", False),
    ],
)
def test_a_subscriber_of_ipv6_is_one_address(one: str, other: str, *, is_same: bool) -> None:
    made = limiter(Clock(), per_address=1, burst_seconds=1)
    assert made.wait(None, one) is None
    assert (made.wait(None, other) is not None) is is_same


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_machine_itself_is_not_limited_by_address(address: str) -> None:
    made = limiter(Clock(), per_address=1, burst_seconds=1)
    assert [made.wait(WRITE, address, events=9) for _ in range(9)] == [None] * 9


def test_zero_is_no_limit() -> None:
    made = limiter(Clock())
    assert [made.wait(WRITE, ADDRESS, events=2_500) for _ in range(1_000)] == [None] * 1_000


def test_a_batch_larger_than_the_limit_is_taken_when_nothing_else_was() -> None:
    clock = Clock()
    made = limiter(clock, events_per_key=10, burst_seconds=1)
    assert made.wait(SERVER, ADDRESS, events=2_500) is None
    seconds = made.wait(SERVER, ADDRESS, events=2_500)
    assert seconds is not None
    clock.now += seconds
    assert made.wait(SERVER, ADDRESS, events=2_500) is None


@given(
    st.integers(1, 20),
    st.integers(1, 10),
    st.lists(st.tuples(st.floats(0, 30), st.integers(1, 50)), min_size=1, max_size=60),
    st.floats(0, 1e6),
)
@settings(max_examples=300, deadline=None)
def test_who_waits_as_told_is_let_in(
    per_second: int, seconds: int, steps: list[tuple[float, int]], start: float
) -> None:
    clock = Clock(start)
    made = limiter(clock, events_per_key=per_second, burst_seconds=seconds)
    for pause, events in steps:
        clock.now += pause
        wait = made.wait(SERVER, ADDRESS, events)
        if wait is not None:
            assert 1 <= wait <= 2 * seconds + 1
            clock.now += wait
            assert made.wait(SERVER, ADDRESS, events) is None


@given(
    st.integers(1, 20),
    st.integers(1, 10),
    st.lists(st.tuples(st.floats(0, 3), st.integers(1, 20)), min_size=1, max_size=100),
)
@settings(max_examples=200, deadline=None)
def test_no_window_ever_takes_in_more_than_its_limit(
    per_second: int, seconds: int, steps: list[tuple[float, int]]
) -> None:
    clock = Clock(0.0)
    made = limiter(clock, events_per_key=per_second, burst_seconds=seconds)
    taken: dict[int, int] = {}
    for pause, events in steps:
        clock.now += pause
        if made.wait(SERVER, ADDRESS, events) is None:
            window = int(clock.now / seconds)
            taken[window] = taken.get(window, 0) + min(events, per_second * seconds)
    assert max(taken.values()) <= per_second * seconds


def test_a_million_addresses_do_not_fill_the_memory() -> None:
    counters = SlidingCounters(5, 50_000, Clock())
    for number in range(1_000_000):
        counters.acquire_sliding_window_entry(str(number), 10, 5)
    assert counters.names <= 100_001


def test_who_asks_too_much_is_held_while_others_flood() -> None:
    made = limiter(Clock(), per_address=2, burst_seconds=1, names_max=1_000)
    for number in range(900):
        made.wait(None, f"198.51.{number // 250}.{number % 250}")
        made.wait(None, ADDRESS)
    assert made.wait(None, ADDRESS) is not None


def test_the_counters_serve_other_strategies_of_the_library() -> None:
    clock = Clock(0.0)
    counters = SlidingCounters(10, 1_000, clock)
    assert counters.check()
    assert [counters.incr("a", 10, 2) for _ in range(3)] == [2, 4, 6]
    assert counters.get_sliding_window("a", 10) == (0, 10.0, 6, 20.0)
    clock.now = 15.0
    assert counters.incr("a", 10) == 1
    assert counters.get_sliding_window("a", 10) == (6, 5.0, 1, 15.0)
    assert (counters.get("a"), counters.get_expiry("a")) == (1, 20.0)
    assert FixedWindowRateLimiter(counters).storage is counters
    counters.clear_sliding_window("a", 10)
    assert counters.get("a") == 0
    assert counters.incr("b", 10) == 1
    assert counters.reset() == 1
    assert counters.names == 0
