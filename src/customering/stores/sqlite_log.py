"""The event log in one SQLite file: one row a block, durable at each append, readable meanwhile."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import NamedTuple, Self

import zstandard

from customering.events.model import Event
from customering.events.settings import EventsSettings
from customering.events.store import Appended, Block
from customering.kernel.clock import MS_PER_HOUR
from customering.kernel.errors import Corrupt, Refused
from customering.kernel.records import Record
from customering.stores.admission import Admission, admitted
from customering.stores.blocks import (
    StoredBlock,
    check_agreement,
    check_ids,
    corrupt_block,
    digests_of,
    id_digest,
    id_digests,
    lines_of,
    reseal,
    seal,
    unseal,
)
from customering.stores.erasing_mark import note_moved
from customering.stores.log_file import WriterLock, connect, mapped_errors, transaction
from customering.stores.recent_ids import IdSet, RecentIds, as_words

_COLUMNS = "first, count, recorded_from, recorded_to, checksum, ids_checksum, ids, payload"
_ID_COLUMNS = "first, count, recorded_from, recorded_to, ids_checksum, ids"
_ROWS_A_READ = 16  # short reads, so that a slow reader never keeps the write-ahead log from ending


class Verified(Record, frozen=True):
    """What a sound log holds.

    Parameters
    ----------
    blocks, events
        How many.
    payload_bytes
        Bytes of the compressed events.
    """

    blocks: int
    events: int
    payload_bytes: int


class _Fresh(NamedTuple):
    """Events that are not in the log yet, with the line and the digest of each."""

    events: Sequence[Event]
    lines: Sequence[bytes]
    digests: Sequence[bytes]


class SqliteLog:
    """An `EventLog` in a SQLite file in WAL mode.

    Parameters
    ----------
    path
        The file; a writer makes it when it is not there (its folder must be).
    settings
        Size of blocks, compression, window of deduplication.
    read_only
        Opens the log for reading; any number of processes may, also while one writes.

    Raises
    ------
    Conflict
        When another process writes this log already.
    Absent
        When it is opened for reading and is not there.
    Corrupt, Unavailable
        When the file is damaged, or cannot be used now.

    Notes
    -----
    `append` and `contains_ids` may be called from any thread, one call at a time is done. Each
    iteration of `read` has a connection of its own. Memory: 16 bytes for each id of the window of
    deduplication, and, once `contains_ids` was called, 16 bytes for each event of the log.
    """

    def __init__(
        self, path: Path, settings: EventsSettings | None = None, *, read_only: bool = False
    ) -> None:
        self._path = path
        self._settings = settings or EventsSettings()
        self._writing = Lock()
        self._reading = Lock()
        self._all_ids = IdSet()
        self._all_ids_end = 0
        self._writer_lock: WriterLock | None = None
        # What is read must never be what another thread has not committed yet: two connections.
        self._connection = connect(path, create=not read_only)
        self._reader = connect(path, create=False)
        self._compressor = zstandard.ZstdCompressor(level=self._settings.compression_level)
        self._is_loaded = False
        self.admission: Admission | None = None
        """Asked before events are appended; what it keeps out counts as a duplicate."""
        if not read_only:
            try:
                self._writer_lock = WriterLock(path)
                self._load()
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Let go of the file; a closed log cannot be used any more."""
        self._connection.close()
        self._reader.close()
        if self._writer_lock is not None:
            self._writer_lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def end(self) -> int:
        """Offset the next event will get, which is the number of events in the log."""
        with self._reading, mapped_errors(self._path):
            return _end(self._reader)

    def append(self, events: Sequence[Event], lines: Sequence[bytes] | None = None) -> Appended:
        """Append the events that are not there yet; they are durable when this returns.

        See `customering.events.store.EventLog.append`.
        """
        if self._writer_lock is None:
            raise Refused(
                "This log was opened for reading only", hint="Open it with read_only=False."
            )
        if lines is not None and len(lines) != len(events):
            raise ValueError(f"{len(lines)} lines for {len(events)} events")
        with self._writing:
            if not self._is_loaded:
                self._load()
            offered = len(events)
            if self.admission is not None and events:
                events, lines = admitted(self.admission, events, lines)
            if events:
                self._recent.advance(max([event.recorded_at for event in events]))
            fresh = self._fresh(events, lines)
            first = self._end
            if fresh.events:
                # A commit that fails may have reached the disk all the same: look before the next.
                self._is_loaded = False
                self._write(fresh)
                self._is_loaded = True
            return Appended(
                first_offset=first,
                appended=len(fresh.events),
                duplicates=offered - len(fresh.events),
                events=tuple(fresh.events),
            )

    def _fresh(self, events: Sequence[Event], lines: Sequence[bytes] | None) -> _Fresh:
        """Give the events that were not seen, in order."""
        digests = id_digests(events)
        known = self._recent.contains(digests)
        if any(known) or len(set(digests)) < len(digests):
            places: dict[bytes, int] = {}
            for place, (digest, is_known) in enumerate(zip(digests, known, strict=True)):
                if not is_known:
                    places.setdefault(digest, place)
            digests = list(places)
            events = [events[place] for place in places.values()]
            lines = None if lines is None else [lines[place] for place in places.values()]
        return _Fresh(events, lines_of(events) if lines is None else lines, digests)

    def _write(self, fresh: _Fresh) -> None:
        """Write events as blocks in one transaction, then remember their ids."""
        size = self._settings.block_events_max
        rows = [
            seal(
                self._end + start,
                fresh.events[start : start + size],
                fresh.lines[start : start + size],
                fresh.digests[start : start + size],
                self._compressor,
            )
            for start in range(0, len(fresh.events), size)
        ]
        with transaction(self._connection, self._path):
            self._connection.executemany(
                f"INSERT INTO blocks ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
            )
        self._end += len(fresh.events)
        self._recent.add(fresh.digests)

    def replace(self, first: int, lines: Mapping[int, bytes]) -> None:
        """Put other lines in the place of events that must not be kept, durably, in one block.

        What stood there is overwritten in the file, not only let go of. Appending goes on between
        two calls. The write-ahead log still holds it, until it is emptied (`erasing_sqlite.scrub`).

        Parameters
        ----------
        first
            Offset of the first event of the block.
        lines
            Offset to the JSON of the event that is to stand there; all of this one block.

        Raises
        ------
        Corrupt
            When the block is not what was written.
        Conflict, Unavailable
            When the log cannot be written now.
        """
        with self._writing:
            (held,) = self._some_rows(self._connection, first, 1)
            block = unseal(held, zstandard.ZstdDecompressor())
            fresh = reseal(held, block, lines, self._compressor)
            with transaction(self._connection, self._path):
                if len(fresh.payload) > len(held.payload):
                    note_moved(self._connection)
                self._connection.execute(
                    "UPDATE blocks SET checksum = ?, ids_checksum = ?, ids = ?, payload = ?"
                    " WHERE first = ?",
                    (*fresh[4:], first),
                )
            self._recent.discard(set(digests_of(held.ids)) - set(digests_of(fresh.ids)))
            with self._reading:
                self._all_ids, self._all_ids_end = IdSet(), 0

    def _load(self) -> None:
        """Read where the log ends and which ids the window of deduplication holds."""
        window_ms = self._settings.dedupe_hours * MS_PER_HOUR
        with mapped_errors(self._path):
            self._end = _end(self._connection)
            latest = self._connection.execute("SELECT max(recorded_to) FROM blocks").fetchone()[0]
            recent = RecentIds(window_ms)
            rows = self._connection.execute(
                f"SELECT {_ID_COLUMNS} FROM blocks WHERE recorded_to > ? ORDER BY recorded_to",
                ((latest or 0) - window_ms,),
            )
            for first, count, recorded_from, recorded_to, ids_checksum, ids in rows:
                check_ids((first, count, recorded_from, recorded_to), ids, ids_checksum)
                recent.load(ids, recorded_to)
        self._recent = recent
        self._is_loaded = True

    def read(self, after: int = -1) -> Iterator[Block]:
        """Give the blocks of all events with an offset greater than `after`, in order.

        See `customering.events.store.EventLog.read`.
        """
        decompressor = zstandard.ZstdDecompressor()
        for row in self._rows(after + 1):
            block = unseal(row, decompressor)
            yield block if block.first > after else _cut(block, after + 1)

    def tail(self, events_max: int) -> list[Event]:
        """Give the last events of the log, oldest first."""
        after = max(self.end - events_max, 0) - 1
        return [event for block in self.read(after) for event in block.events()]

    def contains_ids(self, ids: Iterable[str]) -> set[str]:
        """Give those of the event ids that stand in the log, however old; meant for imports.

        The first call reads the digests of the whole log (10 million events: 160 MB); later ones
        only what was appended since.
        """
        by_digest = {id_digest(event_id): event_id for event_id in ids}
        if not by_digest:
            return set()
        with self._reading:
            self._read_all_ids()
            found = self._all_ids.contains(as_words(list(by_digest)))
        return {
            event_id
            for event_id, is_found in zip(by_digest.values(), found.tolist(), strict=True)
            if is_found
        }

    def _read_all_ids(self) -> None:
        """Bring the digests of the whole log up to its end."""
        with mapped_errors(self._path):
            rows = self._reader.execute(
                f"SELECT {_ID_COLUMNS} FROM blocks WHERE first >= ? ORDER BY first",
                (self._all_ids_end,),
            )
            for first, count, recorded_from, recorded_to, ids_checksum, ids in rows:
                check_ids((first, count, recorded_from, recorded_to), ids, ids_checksum)
                self._all_ids.add(ids)
                self._all_ids_end = first + count

    def verify(self) -> Verified:
        """Read the whole file and check everything that can be checked.

        Raises
        ------
        Corrupt
            When SQLite finds its pages damaged, a block is missing, a checksum is wrong, or the
            events of a block are not those its digests tell of. Names the first such block.

        Notes
        -----
        Blocks cut off at the very end leave no gap; a checkpoint beyond the end tells of those.
        """
        decompressor = zstandard.ZstdDecompressor()
        blocks = events = payload_bytes = 0
        with self._reading, mapped_errors(self._path):
            report = self._reader.execute("PRAGMA quick_check(1)").fetchone()[0]
        if report != "ok":
            raise Corrupt(
                f"{self._path.name} is damaged: {report}",
                hint="Restore it from a backup.",
                file=self._path.name,
            )
        for row in self._rows(0):
            check_ids(row[:4], row.ids, row.ids_checksum)
            check_agreement(row, unseal(row, decompressor))
            blocks += 1
            events += row.event_count
            payload_bytes += len(row.payload)
        return Verified(blocks=blocks, events=events, payload_bytes=payload_bytes)

    def _rows(self, first: int) -> Iterator[StoredBlock]:
        """Give the rows from the block that holds an offset on; a gap between them is an error."""
        connection = connect(self._path, create=False)
        try:
            with mapped_errors(self._path):
                start = connection.execute(
                    "SELECT max(first) FROM blocks WHERE first <= ?", (first,)
                ).fetchone()[0]
            expected = start or 0
            while rows := self._some_rows(connection, expected):
                for row in rows:
                    if row.first != expected:
                        raise corrupt_block(expected, "it is missing")
                    if row.event_count < 1:
                        raise corrupt_block(expected, "it says that it is empty")
                    expected += row.event_count
                    if expected > first:
                        yield row
        finally:
            connection.close()

    def _some_rows(
        self, connection: sqlite3.Connection, first: int, most: int = _ROWS_A_READ
    ) -> list[StoredBlock]:
        """Read a few rows."""
        with mapped_errors(self._path):
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM blocks WHERE first >= ? ORDER BY first LIMIT ?",
                (first, most),
            )
            return list(map(StoredBlock._make, rows))


def _end(connection: sqlite3.Connection) -> int:
    """Give the offset after the last event."""
    row = connection.execute(
        "SELECT first + count FROM blocks ORDER BY first DESC LIMIT 1"
    ).fetchone()
    return int(row[0]) if row else 0


def _cut(block: Block, first: int) -> Block:
    """Leave out the events of a block before an offset."""
    skipped = first - block.first
    return Block(
        first=first,
        count=block.count - skipped,
        recorded_from=block.recorded_from,
        recorded_to=block.recorded_to,
        payload=block.payload.split(b"\n", skipped)[skipped],
    )
