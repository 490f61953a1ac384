"""Instants as integer milliseconds since 1970 UTC, and whole days; the present is handed in."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

MS_PER_SECOND = 1_000
MS_PER_HOUR = 3_600_000
MS_PER_DAY = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def day_of(instant_ms: int) -> int:
    """Give the whole UTC day an instant falls in, as days since 1970-01-01.

    Examples
    --------
    >>> day_of(parse_instant("1970-01-02T00:00:00Z"))
    1
    """
    return instant_ms // MS_PER_DAY


def parse_instant(text: str) -> int:
    """Read an ISO 8601 date or date-time; one without a zone is taken as UTC.

    Returns
    -------
    int
        Milliseconds since 1970, UTC.

    Raises
    ------
    ValueError
        When the text is not ISO 8601.

    Examples
    --------
    >>> parse_instant("2017-06-01")
    1496275200000
    >>> parse_instant("2017-06-01T02:00:00+02:00") == parse_instant("2017-06-01")
    True
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def format_instant(instant_ms: int) -> str:
    """Write an instant as ISO 8601 in UTC with milliseconds, such as 2017-06-01T00:00:00.000Z."""
    second, beyond_ms = divmod(instant_ms, MS_PER_SECOND)
    return f"{_format_second(second)}.{beyond_ms:03d}Z"


@lru_cache(maxsize=64)
def _format_second(second: int) -> str:
    """Write a whole second since 1970; answers of one second all tell the same few."""
    return (_EPOCH + timedelta(seconds=second)).replace(tzinfo=None).isoformat()


def format_day(day: int) -> str:
    """Write a whole day as an ISO date.

    Examples
    --------
    >>> format_day(17318)
    '2017-06-01'
    """
    return (_EPOCH + timedelta(days=day)).date().isoformat()
