"""Instants and whole days, before 1970 too."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.kernel.clock import MS_PER_DAY, day_of, format_day, format_instant, parse_instant

# The years that ISO 8601 in Python knows, 0001 to 9999.
INSTANTS = st.integers(-62_135_596_800_000, 253_402_300_799_999)


@settings(max_examples=200, deadline=None)
@given(INSTANTS)
def test_writing_then_reading_gives_the_same_instant(instant: int) -> None:
    assert parse_instant(format_instant(instant)) == instant


@settings(max_examples=200, deadline=None)
@given(INSTANTS)
def test_an_instant_is_written_as_the_library_writes_it(instant: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=instant)
    written = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert format_instant(instant) == written


@settings(max_examples=200, deadline=None)
@given(INSTANTS)
def test_a_day_is_the_date_of_the_instant(instant: int) -> None:
    day = day_of(instant)
    assert 0 <= instant - day * MS_PER_DAY < MS_PER_DAY
    assert format_instant(instant).startswith(format_day(day))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-01", 0),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2018-01-01T05:00:00Z", 1_514_782_800_000),
        ("2018-01-01T05:00:00.0019Z", 1_514_782_800_001),
        ("2018-01-01T00:00:00-05:00", 1_514_782_800_000),
        ("2018-01-01 05:00", 1_514_782_800_000),
        ("2016-02-29", 1_456_704_000_000),
    ],
)
def test_what_is_read(text: str, instant: int) -> None:
    assert parse_instant(text) == instant


@pytest.mark.parametrize("text", ["", "soon", "2017-02-29", "2017-13-01", "12:00", "1514782800"])
def test_what_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_instant(text)
