"""The columnar copy of the log: Parquet in hash buckets of anchors, read and written by DuckDB.

1. Events of the log that are not in the history yet are written out as NDJSON, each with its
   anchor and offset.
2. DuckDB reads them in one go, types them, and writes one Parquet part a bucket, sorted by
   (anchor, time), so that one person's events lie together in a few pages of one file.
3. ``manifest.json`` names the parts and the offset they reach; it is replaced in one step, so a
   crash leaves the old history in force and at most some files that nobody names.

The history is derived: delete the folder and it is written again from the log. DuckDB, and Arrow
with it, are imported at the first question: a server that nobody asks about the past does without
their 40 MB.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from customering.events.model import Event
from customering.kernel.ids import Identifier
from customering.stores.history_load import (
    COLUMNS,
    EVENT_COLUMNS,
    ORDER,
    AnchorOf,
    event_of,
    load_sql,
    write_lines,
)
from customering.stores.history_parts import (
    Manifest,
    Part,
    bucket_of,
    check_present,
    check_whole,
    damaged,
    read_manifest,
    sealed,
    write_manifest,
)

_EVENTS_AT_ONCE = 1_000
_ROWS_A_GROUP = 8_192  # a point read decodes whole groups: small enough to be quick to decode


class History:
    """The Parquet history in one folder.

    It may be used from another thread than the one that made it, by one thread at a time: nothing
    in it is bound to a thread, and nothing is locked.

    Parameters
    ----------
    folder
        Where the parts and the manifest live; made when absent.
    buckets
        Number of hash buckets for a new history; an existing one keeps its own.
    threads, memory
        Limits for DuckDB, such as 2 and ``"4GB"``.
    """

    def __init__(
        self, folder: Path, *, buckets: int = 64, threads: int = 2, memory: str = "4GB"
    ) -> None:
        self._folder = folder
        self._limits: dict[str, Any] = {"threads": threads, "memory_limit": memory}
        # What does not fit the memory goes there, and not to where the process was started.
        self._limits["temp_directory"] = str(folder / "spill")
        self._manifest_path = folder / "manifest.json"
        folder.mkdir(parents=True, exist_ok=True)
        self.manifest = read_manifest(self._manifest_path, buckets)
        """The parts in force."""
        self._connection: Any = None

    @property
    def offset(self) -> int:
        """The offset up to which (exclusive) the log has been copied."""
        return self.manifest.offset

    @property
    def rows(self) -> int:
        """The number of events in the history."""
        return sum(part.rows for part in self.manifest.parts)

    @property
    def anchors(self) -> int:
        """The number of identifiers that events are filed under; a tenth of a second a million."""
        if not self.manifest.parts:
            return 0
        table = self.arrow(f"SELECT count(DISTINCT anchor) AS anchors FROM {self.relation()}")
        return int(table["anchors"][0].as_py())

    @property
    def connection(self) -> Any:
        """The DuckDB connection of this history, opened at first use."""
        if self._connection is None:
            import duckdb

            self._connection = duckdb.connect(config=self._limits)
        return self._connection

    def close(self) -> None:
        """Close DuckDB."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def relation(self, parts: Iterable[Part] | None = None) -> str:
        """Give a SQL table expression over the history, for use after ``FROM``.

        Raises
        ------
        Corrupt
            When a file is gone or of another length than it was written with.
        """
        chosen = self.manifest.parts if parts is None else tuple(parts)
        check_present(self._folder, chosen)
        paths = [str(self._folder / part.path).replace("'", "''") for part in chosen]
        if not paths:
            columns = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in COLUMNS.items())
            return f"(SELECT {columns} WHERE false)"
        listed = ", ".join(f"'{path}'" for path in paths)
        return f"read_parquet([{listed}], hive_partitioning = false)"

    def slices(self, rows_most: int) -> Iterator[str]:
        """Give table expressions, as `relation` does, that together are the whole history.

        Each anchor is in one of them with all its events. So what is computed of each anchor can be
        computed slice by slice, in memory that does not grow with the history.

        Parameters
        ----------
        rows_most
            Events a slice holds at most; one bucket is never divided.
        """
        chosen: list[Part] = []
        by_bucket = self.by_bucket()
        for bucket in sorted(by_bucket):
            rows = sum(part.rows for part in (*chosen, *by_bucket[bucket]))
            if chosen and rows > rows_most:
                yield self.relation(chosen)
                chosen = []
            chosen += by_bucket[bucket]
        yield self.relation(chosen)

    def verify(self) -> None:
        """Read all bytes of the history, and compare them with those that were written.

        Damage inside a file can otherwise stay unseen, and change what is computed.

        Raises
        ------
        Corrupt
            Naming the first file that is missing or was changed.
        """
        check_whole(self._folder, self.manifest.parts)

    def by_bucket(self) -> dict[int, list[Part]]:
        """Give the parts of each bucket that has any."""
        by_bucket: dict[int, list[Part]] = {}
        for part in self.manifest.parts:
            by_bucket.setdefault(part.bucket, []).append(part)
        return by_bucket

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Say which file is damaged when DuckDB fails to read one."""
        import duckdb

        try:
            yield
        except (duckdb.Error, OSError) as error:  # by way of Arrow, DuckDB's errors are OSErrors
            for part in self.manifest.parts:
                if part.path in str(error):
                    raise damaged(self._folder, part, "cannot be read") from error
            self.verify()
            raise

    def extend(
        self,
        blocks: Iterable[tuple[int, Iterable[bytes]]],
        anchor_of: AnchorOf,
        *,
        part_rows: int = 2_000_000,
        progress: Callable[[int], None] = lambda events: None,
    ) -> int:
        """Copy further blocks of the log into the history.

        Parameters
        ----------
        blocks
            Pairs of (offset of the first event, NDJSON lines), in order, starting at `offset`.
        anchor_of
            Gives the identifier an event is filed under; events without one belong to nobody and
            stay in the log only.
        part_rows
            Events gathered before one round of parts is written; bounds memory and disk.
        progress
            Told the number of events copied so far.

        Returns
        -------
        int
            The number of events copied.
        """
        copied = 0
        pending = iter(blocks)
        while True:
            with tempfile.TemporaryDirectory(prefix="customering-") as scratch:
                path = Path(scratch) / "events.ndjson"
                written, end = write_lines(path, pending, anchor_of, part_rows)
                if end is None:
                    break
                self._add_parts(path, end, written)
            copied += written
            progress(copied)
        self._compact()
        return copied

    def _add_parts(self, path: Path, end: int, written: int) -> None:
        start = self.manifest.offset
        parts: list[Part] = []
        if written:
            connection = self.connection
            connection.execute(load_sql(path, self.manifest.buckets))
            counts = connection.execute(
                "SELECT bucket, count(*) FROM incoming GROUP BY bucket ORDER BY bucket"
            ).fetchall()
            for bucket, rows in counts:
                part = Part(bucket=bucket, path=f"{bucket:03d}/{start}-{end}.parquet", rows=rows)
                rows_sql = f"SELECT * EXCLUDE (bucket) FROM incoming WHERE bucket = {bucket}"
                parts.append(self.copy_part(rows_sql, part))
            connection.execute("DROP TABLE incoming")
        named = (*self.manifest.parts, *parts)
        self.publish(msgspec.structs.replace(self.manifest, offset=end, parts=named))

    def copy_part(self, select: str, part: Part) -> Part:
        """Write the rows of a query as a part; it is no part of the history before `publish`."""
        target = self._folder / part.path
        target.parent.mkdir(exist_ok=True)
        quoted = str(target).replace("'", "''")
        self.connection.execute(
            f"COPY ({select} ORDER BY {ORDER}) TO '{quoted}'"
            f" (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROWS_A_GROUP})"
        )
        return sealed(self._folder, part)

    def publish(self, manifest: Manifest) -> None:
        """Say durably what the history consists of, and remove the files that are no part of it."""
        write_manifest(self._manifest_path, manifest)
        self.manifest = manifest

    def _compact(self, parts_most: int = 8) -> None:
        """Join the parts of each bucket that has gathered more than a handful."""
        crowded = {b: parts for b, parts in self.by_bucket().items() if len(parts) > parts_most}
        if not crowded:
            return
        kept = [part for part in self.manifest.parts if part.bucket not in crowded]
        for bucket, parts in crowded.items():
            whole = Part(
                bucket=bucket,
                path=f"{bucket:03d}/0-{self.manifest.offset}-joined.parquet",
                rows=sum(part.rows for part in parts),
            )
            with self.reading():
                kept.append(self.copy_part(f"SELECT * FROM {self.relation(parts)}", whole))
        self.publish(msgspec.structs.replace(self.manifest, parts=tuple(kept)))

    def events_of(
        self,
        anchors: Sequence[Identifier],
        *,
        until_ms: int | None = None,
        before_offset: int | None = None,
    ) -> list[Event]:
        """Read the events filed under some anchors, in order of time.

        Parameters
        ----------
        anchors
            The identifiers of one person.
        until_ms
            Only events that occurred at or before this instant.
        before_offset
            Only events with an offset in the log below this one.
        """
        buckets = {bucket_of(anchor, self.manifest.buckets) for anchor in anchors}
        parts = [part for part in self.manifest.parts if part.bucket in buckets]
        if not parts:
            return []
        until = "" if until_ms is None else f" AND occurred_at <= {until_ms}"
        before = "" if before_offset is None else f' AND "offset" < {before_offset}'
        return self._events(
            f"{self.relation(parts)}"
            f" WHERE anchor IN ({', '.join('?' * len(anchors))}){until}{before}",
            anchors,
        )

    def stream_of(self, anchors: Sequence[Identifier]) -> Iterator[Event]:
        """Read the events filed under some anchors in order of time, a few at a time in memory."""
        buckets = {bucket_of(anchor, self.manifest.buckets) for anchor in anchors}
        parts = [part for part in self.manifest.parts if part.bucket in buckets]
        if not parts:
            return
        marks = ", ".join("?" * len(anchors))
        with self.reading():
            cursor = self.connection.cursor()
            cursor.execute(
                f"SELECT {EVENT_COLUMNS} FROM {self.relation(parts)} WHERE anchor IN ({marks})"
                ' ORDER BY occurred_at, "offset"',
                list(anchors),
            )
            while rows := cursor.fetchmany(_EVENTS_AT_ONCE):
                yield from map(event_of, rows)
            cursor.close()

    def events_named(self, names: Sequence[str]) -> list[Event]:
        """Read all events of some names, in order of time; meant for rare ones."""
        return self._events(
            f"{self.relation()} WHERE name IN ({', '.join('?' * len(names))})", names
        )

    def _events(self, chosen: str, parameters: Sequence[str]) -> list[Event]:
        """Read the events of a table expression with its condition, in order of time."""
        with self.reading():
            rows = self.connection.execute(
                f'SELECT {EVENT_COLUMNS} FROM {chosen} ORDER BY occurred_at, "offset"',
                list(parameters),
            ).fetchall()
        return [event_of(row) for row in rows]

    def view(self, name: str, select: str = "*", where: str = "true") -> None:
        """Name a view over the history in DuckDB, so that queries over it stay short."""
        self.execute(
            f"CREATE OR REPLACE TEMP VIEW {name} AS"
            f" SELECT {select} FROM {self.relation()} AS history WHERE {where}"
        )

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement that gives nothing back, such as one that fills a table."""
        with self.reading():
            self.connection.execute(sql, list(parameters))

    def arrow(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Run a query, usually over `relation`, and give the result as an Arrow table."""
        with self.reading():
            return self.connection.sql(sql, params=list(parameters)).to_arrow_table()

    def batches(self, sql: str, rows: int = 50_000) -> Iterator[Any]:
        """Run a query and give the result in batches of Arrow, holding one at a time."""
        with self.reading():
            yield from self.connection.sql(sql).to_arrow_reader(rows)

    def export(self, out: Path, anchors: Any) -> int:
        """Write the events of some anchors to one Parquet file and give their number.

        Parameters
        ----------
        anchors
            An Arrow table of one column ``anchor``.
        """
        self.connection.register("wanted", anchors)
        target = str(out).replace("'", "''")
        with self.reading():
            rows = self.connection.execute(
                f"COPY (SELECT h.* FROM {self.relation()} h SEMI JOIN wanted USING (anchor)"
                f" ORDER BY {ORDER}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
            ).fetchall()
        return int(rows[0][0])

    def clear(self) -> None:
        """Forget the whole history, so that it is written anew from the log."""
        self.close()
        shutil.rmtree(self._folder)
        self._folder.mkdir()
        self.manifest = Manifest(buckets=self.manifest.buckets)
