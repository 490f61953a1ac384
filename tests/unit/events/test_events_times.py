import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.events.times import read_times
from customering.kernel.clock import parse_instant

NOW = parse_instant("2024-05-01T12:00:00Z")
YEAR_MS = 365 * 86_400_000


@pytest.mark.parametrize(
    ("timestamp", "original", "sent_at", "expected"),
    [
        # No time at all: now. A time without sentAt: as given.
        (None, None, None, "12:00:00"),
        ("09:00:00", None, None, "09:00:00"),
        (None, "09:00:00", None, "09:00:00"),
        # Queued 30 minutes, clock right, fast by 2 hours, slow by 2 hours: always 11:30.
        ("11:30:00", None, "12:00:00", "11:30:00"),
        ("13:30:00", None, "14:00:00", "11:30:00"),
        ("09:30:00", None, "10:00:00", "11:30:00"),
        (None, "13:30:00", "14:00:00", "11:30:00"),
        # Both names for the same reading: corrected once.
        ("13:30:00", "13:30:00", "14:00:00", "11:30:00"),
        # Another server corrected it before us: kept.
        ("10:00:00", "13:30:00", "14:00:00", "10:00:00"),
        # Nothing happens after it was received.
        ("12:00:01", None, None, "12:00:00"),
        ("14:30:00", None, "14:00:00", "12:00:00"),
        ("13:00:00", "12:50:00", "12:50:00", "12:00:00"),
        # Offset zones, and a sentAt without any time.
        ("13:30:00+02:00", None, None, "11:30:00"),
        (None, None, "11:00:00", "12:00:00"),
    ],
)
def test_clock_skew(
    timestamp: str | None, original: str | None, sent_at: str | None, expected: str
) -> None:
    given = {"timestamp": timestamp, "originalTimestamp": original, "sentAt": sent_at}
    payload = {
        key: f"2024-05-01T{time}" + ("" if "+" in time else ".000Z")
        for key, time in given.items()
        if time is not None
    }
    assert read_times(payload, NOW)[0] == parse_instant(f"2024-05-01T{expected}Z")


@given(
    age_ms=st.integers(0, YEAR_MS),
    waited_ms=st.integers(0, YEAR_MS),
    skew_ms=st.integers(-YEAR_MS, YEAR_MS),
)
@settings(max_examples=100, deadline=None)
def test_how_wrong_a_clock_is_does_not_matter(age_ms: int, waited_ms: int, skew_ms: int) -> None:
    sent_at = NOW + skew_ms
    reading = sent_at - age_ms
    assert read_times({"timestamp": reading, "sentAt": sent_at}, NOW)[0] == NOW - age_ms
    # A retry carries a later sentAt and is received later: the same instant.
    again = {"timestamp": reading, "sentAt": sent_at + waited_ms}
    assert read_times(again, NOW + waited_ms)[0] == NOW - age_ms
