"""What must be remembered of events: the append-only log, and the quarantine of what is refused."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, Protocol

import msgspec

from customering.events.model import Event
from customering.kernel.records import Record

_EVENT_DECODER = msgspec.json.Decoder(Event)


class Block(Record, frozen=True):
    r"""Events that follow each other in the log, as they are stored.

    Parameters
    ----------
    first
        Offset of the first event; the others follow without a gap.
    count
        Number of events, >= 1.
    recorded_from, recorded_to
        Earliest and latest `recorded_at` in the block as it was appended. Milliseconds since 1970.
    payload
        The events as NDJSON: one JSON object a line, every line ended by ``\n``.
    """

    first: int
    count: int
    recorded_from: int
    recorded_to: int
    payload: bytes

    def events(self) -> list[Event]:
        """Decode the events, in the order of their offsets.

        Raises
        ------
        msgspec.ValidationError
            When a line is not an event, which only a log written by another version can hold.
        """
        return _EVENT_DECODER.decode_lines(self.payload)

    def lines(self) -> list[bytes]:
        """Give the events as raw JSON, one object each, without decoding them."""
        return self.payload.splitlines()


class Appended(Record, frozen=True):
    """What an append did.

    Parameters
    ----------
    first_offset
        Offset of the first event appended; the end of the log when none was.
    appended
        Number of events appended; they have the offsets ``first_offset + i``.
    duplicates
        Number of events left out because their id was already there.
    events
        The events appended, in the order of their offsets.
    """

    first_offset: int
    appended: int
    duplicates: int
    events: tuple[Event, ...] = ()


class EventLog(Protocol):
    """The append-only record of everything that happened, in the order it was accepted.

    One process writes; any number of processes read, also while it writes.
    """

    @property
    def end(self) -> int:
        """Offset the next event will get, which is the number of events in the log."""
        ...

    def append(self, events: Sequence[Event], lines: Sequence[bytes] | None = None) -> Appended:
        """Append the events that are not there yet; they are durable when this returns.

        All or nothing: when it raises, none of them is in the log. An event whose id was recorded
        within ``dedupe_hours``, or stands earlier in the same call, is left out and counted.

        Parameters
        ----------
        events
            In the order of their offsets.
        lines
            The same events as JSON, one each, as `customering.events.intake.Intake` gives them;
            None when they are still to be encoded. Nobody checks that they are the same.

        Raises
        ------
        Unavailable
            When the log cannot be written now.
        """
        ...

    def read(self, after: int = -1) -> Iterator[Block]:
        """Give the blocks of all events with an offset greater than `after`, in order.

        The first block is cut so that it starts at ``after + 1``. The iteration ends at the end the
        log has when it is reached; to follow a growing log, call again with the last offset seen.

        Raises
        ------
        Corrupt
            When a block fails its checksum or is missing.
        """
        ...

    def contains_ids(self, ids: Iterable[str]) -> set[str]:
        """Give those of the event ids that stand in the log, however old; meant for imports."""
        ...


class Quarantined(Record, frozen=True):
    """Something sent to us that is not an event we can accept, kept until someone looks at it.

    Parameters
    ----------
    quarantine_id
        A function of source, place and raw, so the same bad row imported twice is kept once.
    raw
        The payload as it came, as plain JSON data; or its text when it is not JSON.
    reason
        Why it was refused, in one sentence without personal values.
    path
        Where in the payload, such as ``properties.products[2].price``; empty for the whole.
    source
        Which system sent it.
    place
        Where it stood at the source: the index in the batch, or file and line.
    received_at
        When it came. Milliseconds since 1970.
    """

    quarantine_id: str
    raw: Any
    reason: str
    path: str
    source: str
    place: str
    received_at: int


Resolution = Literal["open", "replayed", "discarded"]


class Held(Record, frozen=True):
    """A quarantined payload and what became of it.

    Parameters
    ----------
    quarantined
        What was refused and why.
    resolution
        ``open`` until an operator replays or discards it.
    resolved_at
        When that happened, in milliseconds since 1970; 0 while it is open.
    """

    quarantined: Quarantined
    resolution: Resolution = "open"
    resolved_at: int = 0


class Quarantine(Protocol):
    """The payloads that were refused, each with its reason."""

    def add(self, items: Iterable[Quarantined]) -> int:
        """Keep the items durably and give how many were new."""
        ...

    def newest(self, *, resolution: Resolution = "open", limit: int = 100) -> list[Held]:
        """Give the newest items of one resolution, newest first."""
        ...

    def count(self, *, resolution: Resolution = "open") -> int:
        """Count the items of one resolution."""
        ...

    def get(self, quarantine_id: str) -> Held:
        """Give one item.

        Raises
        ------
        Absent
            When there is none of this id.
        """
        ...

    def resolve(self, quarantine_id: str, resolution: Resolution, at_ms: int) -> None:
        """Note that an item was replayed or discarded, or open it again.

        Raises
        ------
        Absent
            When there is none of this id.
        """
        ...
