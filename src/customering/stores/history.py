"""The columnar copy of the log: Parquet in hash buckets of anchors, read and written by DuckDB.

1. Events of the log that are not in the history yet are written out as NDJSON, each with its
   anchor and offset.
2. DuckDB reads them in one go, types them, and writes one Parquet part a bucket, sorted by
   (anchor, time), so that one person's events lie together in a few pages of one file.
3. ``manifest.json`` names the parts and the offset they reach; it is replaced in one step, so a
   crash leaves the old history in force and at most some files that nobody names.

The history is derived: delete the folder and it is written again from the log.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import md5
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow as pa

from customering.events.model import PRODUCT_FIELDS, Event
from customering.kernel.errors import Corrupt
from customering.kernel.ids import Identifier
from customering.kernel.records import Record, from_json, to_json

_INTEGER_FIELDS = {"quantity", "amount_minor", "price_minor", "discount_minor"}
_PRODUCT_TYPES = {
    field: "BIGINT" if field in _INTEGER_FIELDS else "VARCHAR" for field in PRODUCT_FIELDS
}
_PRODUCT_STRUCT = "STRUCT(" + ", ".join(f"{n} {t}" for n, t in _PRODUCT_TYPES.items()) + ")"

COLUMNS: dict[str, str] = {
    "anchor": "VARCHAR",
    "event_id": "VARCHAR",
    "kind": "VARCHAR",
    "name": "VARCHAR",
    "occurred_at": "BIGINT",
    "recorded_at": "BIGINT",
    "day": "INTEGER",
    "source": "VARCHAR",
    "offset": "BIGINT",
    "revenue_minor": "BIGINT",
    "currency": "VARCHAR",
    "order_id": "VARCHAR",
    "store_id": "VARCHAR",
    "channel": "VARCHAR",
    "products": f"{_PRODUCT_STRUCT}[]",
    "identifiers": "VARCHAR",
    "properties": "VARCHAR",
    "context": "VARCHAR",
}
"""Columns of the history and their DuckDB types, in order."""

_RAW = {
    "anchor": "VARCHAR",
    "offset": "BIGINT",
    "event_id": "VARCHAR",
    "kind": "VARCHAR",
    "name": "VARCHAR",
    "identifiers": "JSON",
    "occurred_at": "BIGINT",
    "recorded_at": "BIGINT",
    "properties": "JSON",
    "context": "JSON",
    "source": "VARCHAR",
}
_EVENT_COLUMNS = (
    "event_id, kind, name, identifiers, occurred_at, recorded_at, properties, context, source"
)
_PROPERTIES = ("revenue_minor", "currency", "order_id", "store_id", "channel")
_ORDER = 'anchor, occurred_at, "offset"'
_ROWS_A_GROUP = 8_192  # a point read decodes whole groups: small enough to be quick to decode
_LONGEST_LINE = 64 * 1024 * 1024

AnchorOf = Callable[[tuple[Identifier, ...]], Identifier | None]


class Part(Record, frozen=True):
    """One Parquet file of one bucket."""

    bucket: int
    path: str
    rows: int


class Manifest(Record, frozen=True):
    """What the history consists of; the only file that says so.

    Parameters
    ----------
    buckets
        Number of hash buckets.
    offset
        Events of the log with an offset below this one are in the history.
    parts
        The files, in the order they were written.
    """

    buckets: int
    offset: int = 0
    parts: tuple[Part, ...] = ()


def bucket_of(anchor: str, buckets: int) -> int:
    """Give the bucket an anchor belongs to; the same in SQL: ``md5_number_lower(anchor) % n``."""
    digest = md5(anchor.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little") % buckets


class History:
    """The Parquet history in one folder.

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
        self._manifest_path = folder / "manifest.json"
        folder.mkdir(parents=True, exist_ok=True)
        self._manifest = self._read_manifest(buckets)
        self._connection: duckdb.DuckDBPyConnection | None = None

    def _read_manifest(self, buckets: int) -> Manifest:
        if not self._manifest_path.exists():
            return Manifest(buckets=buckets)
        try:
            return from_json(self._manifest_path.read_bytes(), Manifest)
        except msgspec.DecodeError as error:
            raise Corrupt(
                f"the manifest {self._manifest_path} cannot be read: {error}",
                hint="delete the history folder; the next command writes it again from the log",
            ) from error

    @property
    def offset(self) -> int:
        """The offset up to which (exclusive) the log has been copied."""
        return self._manifest.offset

    @property
    def rows(self) -> int:
        """The number of events in the history."""
        return sum(part.rows for part in self._manifest.parts)

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The DuckDB connection of this history, opened at first use."""
        if self._connection is None:
            self._connection = duckdb.connect(config=self._limits)
        return self._connection

    def close(self) -> None:
        """Close DuckDB."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def relation(self, parts: Iterable[Part] | None = None) -> str:
        """Give a SQL table expression over the history, for use after ``FROM``."""
        chosen = self._manifest.parts if parts is None else parts
        paths = [str(self._folder / part.path).replace("'", "''") for part in chosen]
        if not paths:
            columns = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in COLUMNS.items())
            return f"(SELECT {columns} WHERE false)"
        listed = ", ".join(f"'{path}'" for path in paths)
        return f"read_parquet([{listed}], hive_partitioning = false)"

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
                written, end = _write_lines(path, pending, anchor_of, part_rows)
                if end is None:
                    break
                self._add_parts(path, end, written)
            copied += written
            progress(copied)
        self._compact()
        return copied

    def _add_parts(self, path: Path, end: int, written: int) -> None:
        start = self._manifest.offset
        parts: list[Part] = []
        if written:
            connection = self.connection
            connection.execute(_load_sql(path, self._manifest.buckets))
            counts = connection.execute(
                "SELECT bucket, count(*) FROM incoming GROUP BY bucket ORDER BY bucket"
            ).fetchall()
            for bucket, rows in counts:
                part = Part(bucket=bucket, path=f"{bucket:03d}/{start}-{end}.parquet", rows=rows)
                self._copy(f"SELECT * EXCLUDE (bucket) FROM incoming WHERE bucket = {bucket}", part)
                parts.append(part)
            connection.execute("DROP TABLE incoming")
        named = (*self._manifest.parts, *parts)
        self._publish(msgspec.structs.replace(self._manifest, offset=end, parts=named))

    def _copy(self, select: str, part: Part) -> None:
        target = self._folder / part.path
        target.parent.mkdir(exist_ok=True)
        quoted = str(target).replace("'", "''")
        self.connection.execute(
            f"COPY ({select} ORDER BY {_ORDER}) TO '{quoted}'"
            f" (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROWS_A_GROUP})"
        )
        with target.open("rb") as written:
            os.fsync(written.fileno())

    def _publish(self, manifest: Manifest) -> None:
        """Replace the manifest in one step, durably, and remove files that nobody names."""
        scratch = self._manifest_path.with_suffix(".new")
        with scratch.open("wb") as file:
            file.write(to_json(manifest))
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(self._manifest_path)
        self._manifest = manifest
        named = {part.path for part in manifest.parts}
        for path in self._folder.glob("*/*.parquet"):
            if str(path.relative_to(self._folder)) not in named:
                path.unlink()

    def _compact(self, parts_most: int = 8) -> None:
        """Join the parts of each bucket that has gathered more than a handful."""
        by_bucket: dict[int, list[Part]] = {}
        for part in self._manifest.parts:
            by_bucket.setdefault(part.bucket, []).append(part)
        crowded = {b: parts for b, parts in by_bucket.items() if len(parts) > parts_most}
        if not crowded:
            return
        kept = [part for part in self._manifest.parts if part.bucket not in crowded]
        for bucket, parts in crowded.items():
            whole = Part(
                bucket=bucket,
                path=f"{bucket:03d}/0-{self._manifest.offset}-joined.parquet",
                rows=sum(part.rows for part in parts),
            )
            self._copy(f"SELECT * FROM {self.relation(parts)}", whole)
            kept.append(whole)
        self._publish(msgspec.structs.replace(self._manifest, parts=tuple(kept)))

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
        buckets = {bucket_of(anchor, self._manifest.buckets) for anchor in anchors}
        parts = [part for part in self._manifest.parts if part.bucket in buckets]
        if not parts:
            return []
        until = "" if until_ms is None else f" AND occurred_at <= {until_ms}"
        before = "" if before_offset is None else f' AND "offset" < {before_offset}'
        rows = self.connection.execute(
            f"SELECT {_EVENT_COLUMNS} FROM {self.relation(parts)}"
            f" WHERE anchor IN ({', '.join('?' * len(anchors))}){until}{before}"
            ' ORDER BY occurred_at, "offset"',
            list(anchors),
        ).fetchall()
        return [_event(row) for row in rows]

    def events_named(self, names: Sequence[str]) -> list[Event]:
        """Read all events of some names, in order of time; meant for rare ones."""
        rows = self.connection.execute(
            f"SELECT {_EVENT_COLUMNS} FROM {self.relation()}"
            f' WHERE name IN ({", ".join("?" * len(names))}) ORDER BY occurred_at, "offset"',
            list(names),
        ).fetchall()
        return [_event(row) for row in rows]

    def view(self, name: str, select: str = "*", where: str = "true") -> None:
        """Name a view over the history in DuckDB, so that queries over it stay short."""
        self.connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {name} AS"
            f" SELECT {select} FROM {self.relation()} AS history WHERE {where}"
        )

    def arrow(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """Run a query, usually over `relation`, and give the result as an Arrow table."""
        table: pa.Table = self.connection.sql(sql, params=list(parameters)).to_arrow_table()
        return table

    def batches(self, sql: str, rows: int = 50_000) -> Iterator[pa.RecordBatch]:
        """Run a query and give the result in batches, holding one at a time."""
        yield from self.connection.sql(sql).to_arrow_reader(rows)

    def export(self, out: Path, anchors: pa.Table) -> int:
        """Write the events of some anchors to one Parquet file and give their number.

        Parameters
        ----------
        anchors
            One column ``anchor``.
        """
        self.connection.register("wanted", anchors)
        target = str(out).replace("'", "''")
        rows = self.connection.execute(
            f"COPY (SELECT h.* FROM {self.relation()} h SEMI JOIN wanted USING (anchor)"
            f" ORDER BY {_ORDER}) TO '{target}'"
            " (FORMAT parquet, COMPRESSION zstd)"
        ).fetchall()
        return int(rows[0][0])

    def clear(self) -> None:
        """Forget the whole history, so that it is written anew from the log."""
        self.close()
        shutil.rmtree(self._folder)
        self._folder.mkdir()
        self._manifest = Manifest(buckets=self._manifest.buckets)


class _Names(msgspec.Struct):
    """The part of an event that says where it is filed."""

    identifiers: tuple[Identifier, ...]


def _write_lines(
    path: Path,
    blocks: Iterator[tuple[int, Iterable[bytes]]],
    anchor_of: AnchorOf,
    rows_most: int,
) -> tuple[int, int | None]:
    """Write lines with their anchor and offset; give how many, and the offset reached if any."""
    decode = msgspec.json.Decoder(_Names).decode
    encode = msgspec.json.encode
    anchors: dict[tuple[Identifier, ...], bytes | None] = {}
    written = 0
    end = None
    with path.open("wb") as file:
        for first, lines in blocks:
            rows = []
            end = first
            for offset, line in enumerate(lines, first):
                end = offset + 1
                names = decode(line).identifiers
                if names not in anchors:
                    if len(anchors) > 500_000:  # bounds memory; an anchor is cheap to find again
                        anchors.clear()
                    found = anchor_of(names)
                    anchors[names] = None if found is None else encode(found)
                anchor = anchors[names]
                if anchor is not None:
                    rows.append(b'{"anchor":%b,"offset":%d,%b\n' % (anchor, offset, line[1:]))
            file.write(b"".join(rows))
            written += len(rows)
            if written >= rows_most:
                break
    return written, end


def _load_sql(path: Path, buckets: int) -> str:
    """Give the SQL that reads the scratch lines into the typed table ``incoming``.

    It is in the order of the parts, so that cutting them out of it moves no row far.
    """
    raw = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in _RAW.items()) + "}"
    typed = ", ".join(
        f"{_typed_sql('held', field, COLUMNS[field])} AS {field}" for field in _PROPERTIES
    )

    return f"""
        CREATE OR REPLACE TEMP TABLE incoming AS
        SELECT anchor, event_id, kind, coalesce(name, '') AS name, occurred_at, recorded_at,
            (occurred_at // 86400000)::INTEGER AS day, coalesce(source, '') AS source, "offset",
            {typed},
            CASE WHEN held.products IS NOT NULL
                 THEN list_transform({_lines_sql()}, lambda line: {_line_sql("line")})
                 WHEN json_exists(properties, '$.product_id') THEN [{_line_sql("held")}]
                 ELSE [] END::{_PRODUCT_STRUCT}[] AS products,
            identifiers::VARCHAR AS identifiers,
            coalesce(properties::VARCHAR, '{{}}') AS properties,
            coalesce(context::VARCHAR, '{{}}') AS context,
            (md5_number_lower(anchor) % {buckets})::INTEGER AS bucket
        FROM (
            SELECT *, json_transform(properties, '{_shape()}') AS held
            FROM read_json('{path}', format = 'newline_delimited', columns = {raw},
                           maximum_object_size = {_LONGEST_LINE})
        )
        ORDER BY bucket, {_ORDER}
    """


_LINE_SHAPE = dict.fromkeys(PRODUCT_FIELDS, "JSON")


def _shape() -> str:
    """Give the parts of the properties that have columns, for ``json_transform``.

    It takes a document apart in one pass, however many fields are wanted; they stay JSON, because
    it would convert them.
    """
    fields = dict.fromkeys(_PROPERTIES, "JSON") | _LINE_SHAPE
    return to_json({**fields, "products": [_LINE_SHAPE]}).decode()


def _lines_sql() -> str:
    """Give the SQL of the objects in the list of products.

    ``json_transform`` makes an empty struct of anything else in the list. So a list with a line
    that names no product, which is rare, is taken apart once more without what is no object.
    """
    return f"""
        CASE WHEN len(list_filter(held.products, lambda line: line.product_id IS NULL)) > 0
             THEN json_transform(
                 to_json(list_filter(
                     json_extract(properties, '$.products[*]'),
                     lambda line: json_type(line) = 'OBJECT')),
                 '{to_json([_LINE_SHAPE]).decode()}')
             ELSE held.products END"""


def _line_sql(record: str) -> str:
    """Give the SQL of one product line as a struct."""
    fields = ", ".join(
        f"{field} := {_typed_sql(record, field, kind)}" for field, kind in _PRODUCT_TYPES.items()
    )
    return f"struct_pack({fields})"


def _typed_sql(record: str, field: str, kind: str) -> str:
    """Give the SQL of a JSON field of a struct; NULL where it is of another type.

    The live path reads the same way: a number where a text belongs is missing, not converted.
    """
    value = f"{record}.{field}"
    text = f"json_extract_string({value}, '$')"
    if kind == "VARCHAR":
        return f"CASE WHEN starts_with({value}, '\"') THEN {text} END"
    is_whole = f"json_type({value}) IN ('UBIGINT', 'BIGINT')"
    return f"CASE WHEN {is_whole} THEN TRY_CAST({text} AS {kind}) END"


def _event(row: tuple[Any, ...]) -> Event:
    event_id, kind, name, identifiers, occurred_at, recorded_at, properties, context, source = row
    return Event(
        event_id=event_id,
        kind=kind,
        name=name,
        identifiers=from_json(identifiers, tuple[Identifier, ...]),
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        properties=from_json(properties, dict[str, Any]),
        context=from_json(context, dict[str, Any]),
        source=source,
    )
