"""When something happened, told by clocks that are wrong: the sender's against ours."""

from functools import lru_cache
from typing import Any

from customering.events.fields import MILLISECONDS_MIN
from customering.kernel.clock import parse_instant
from customering.kernel.errors import InvalidEvent

_MILLISECONDS_MAX = 253_402_300_799_999  # the end of the year 9999, the last ISO 8601 can write
_MILLISECONDS = {f"{number:03d}Z": number for number in range(1_000)}


def read_times(payload: dict[str, Any], received_at: int) -> tuple[int, dict[str, int]]:
    """Give when it happened, corrected for the sender's clock, and that clock's own readings.

    Returns
    -------
    tuple
        ``occurred_at`` in milliseconds since 1970, and ``{"sent_at", "original_at"}`` by the
        sender's clock, as far as they were sent and say more than ``occurred_at``.

    Raises
    ------
    InvalidEvent
        When a time cannot be read or lies before 1970.

    Notes
    -----
    ``occurred_at = received_at - (sentAt - timestamp)``: only the difference of two readings of
    the same clock counts, not how wrong that clock is. Without ``sentAt`` the time is kept as
    given; without any time it is `received_at`. Nothing happens after it was received: later times
    become `received_at`.

    ``originalTimestamp`` is the name of the sender's reading in RudderStack's SDKs and in Segment's
    own exports. When it stands beside a different ``timestamp``, a server before us has corrected
    the time already, and ``timestamp`` is kept.

    References
    ----------
    Segment, "Spec: Common fields", section "Timestamps".
    """
    timestamp = _instant(payload, "timestamp")
    original = _instant(payload, "originalTimestamp")
    sent_at = _instant(payload, "sentAt")
    reading = timestamp if original is None else original
    clock = {} if sent_at is None else {"sent_at": sent_at}
    if reading is None:
        return received_at, clock
    if timestamp is not None and timestamp != reading:
        occurred_at = timestamp
        clock["original_at"] = reading
    elif sent_at is None:
        occurred_at = reading
    else:
        occurred_at = received_at - (sent_at - reading)
        clock["original_at"] = reading
    if occurred_at < 0:
        raise InvalidEvent(
            "The time lies before 1970", hint="Send when it happened.", path="timestamp"
        )
    if occurred_at > received_at:
        clock["original_at"] = reading
        occurred_at = received_at
    return occurred_at, clock


def usual_times(
    timestamp: Any, sent_at: Any, received_at: int
) -> tuple[int, dict[str, int]] | None:
    """Give what `read_times` gives for times as JavaScript writes them; None for any other.

    For payloads without ``originalTimestamp``.
    """
    if type(timestamp) is not str or type(sent_at) is not str or not sent_at:
        return None
    milliseconds = _MILLISECONDS.get(timestamp[20:])
    if milliseconds is None:
        return None
    try:
        reading = _second(timestamp[:20]) + milliseconds
        sent = _parse(sent_at)
    except (ValueError, OverflowError):
        return None
    occurred_at = received_at - (sent - reading)
    if not 0 <= occurred_at <= received_at:
        return None
    return occurred_at, {"sent_at": sent, "original_at": reading}


def _instant(payload: dict[str, Any], key: str) -> int | None:
    """Read an instant: ISO 8601, or a number of milliseconds since 1970."""
    value = payload.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            return _parse(value)
        except (ValueError, OverflowError) as error:
            raise InvalidEvent(
                f"The {key} is not a date and time of ISO 8601",
                hint="Send it as 2017-06-01T09:30:00Z.",
                path=key,
            ) from error
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and MILLISECONDS_MIN <= value <= _MILLISECONDS_MAX:
        return int(value)
    raise InvalidEvent(
        f"The {key} is neither ISO 8601 nor milliseconds since 1970",
        hint="Send it as 2017-06-01T09:30:00Z; seconds must be multiplied by 1,000.",
        path=key,
    )


@lru_cache(maxsize=1_024)
def _parse(text: str) -> int:
    """Read ISO 8601; kept, because all events of a batch share their ``sentAt``."""
    return parse_instant(text.strip())


@lru_cache(maxsize=1_024)
def _second(text: str) -> int:
    """Read the part before the milliseconds, ``2017-06-01T09:30:00.``; most are of this second.

    Raises
    ------
    ValueError
        When it is written in any other way.
    """
    if len(text) != 20 or text[13] != ":" or text[16] != ":" or text[19] != ".":
        raise ValueError("not of the usual form")
    return parse_instant(f"{text[:19]}Z")
