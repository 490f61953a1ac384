"""Rows taken out of the Parquet history: the parts that hold them are written anew without them."""

import re
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from customering.kernel.ids import Identifier
from customering.kernel.records import Record
from customering.stores.history import History
from customering.stores.history_load import AnchorOf, load_sql, write_lines
from customering.stores.history_parts import Part, bucket_of

_REVISION = re.compile(r"(?:-r(\d+))?\.parquet$")


class Rewritten(Record, frozen=True):
    """What became of the history.

    Parameters
    ----------
    rows
        Rows that are gone, those that came back mended not counted.
    mended
        Rows that came back with something left out.
    parts
        Files written anew.
    """

    rows: int = 0
    mended: int = 0
    parts: int = 0


def erase_rows(
    history: History,
    leaving: Mapping[int, Identifier],
    mended: Mapping[int, bytes],
    anchor_of: AnchorOf,
) -> Rewritten:
    """Take events out of the history, and put mended ones in the place of some.

    Parameters
    ----------
    history
        The history; nobody else may use it meanwhile.
    leaving
        Offset in the log to the anchor, of every event that must not stay as it is.
    mended
        Offset to the line that is to stand there, for those of them that are kept.
    anchor_of
        As `History.extend` takes it.

    Notes
    -----
    The new parts come into force in one step, and the old files are removed then. After a crash
    the same call does what is left to do, and removes files that a crash left behind.
    """
    buckets = {bucket_of(anchor, history.manifest.buckets) for anchor in leaving.values()}
    kept: list[Part] = []
    rows = written = back = 0
    with tempfile.TemporaryDirectory(prefix="customering-") as scratch, history.reading():
        _load(history, Path(scratch) / "mended.ndjson", leaving, mended, anchor_of)
        waiting = set(buckets)
        for part in history.manifest.parts:
            found = _count(history, part) if part.bucket in buckets else 0
            if not found:
                kept.append(part)
                continue
            fresh, again = _without(history, part, part.bucket in waiting)
            waiting.discard(part.bucket)
            rows, written, back = rows + found, written + 1, back + again
            kept += [fresh] if fresh.rows else []
        history.execute("DROP TABLE leaving; DROP TABLE incoming")
    history.publish(msgspec.structs.replace(history.manifest, parts=tuple(kept)))
    return Rewritten(rows=rows - back, mended=back, parts=written)


def _load(
    history: History,
    path: Path,
    leaving: Collection[int],
    mended: Mapping[int, bytes],
    anchor_of: AnchorOf,
) -> None:
    """Make the tables ``leaving`` and ``incoming``; what history lacks does not come in yet."""
    lines = [(offset, [line]) for offset, line in mended.items() if offset < history.offset]
    write_lines(path, iter(lines), anchor_of, len(lines) + 1)
    import pyarrow as pa  # with DuckDB, at its first use: see `customering.stores.history`

    connection = history.connection
    connection.execute(load_sql(path, history.manifest.buckets))
    offsets = pa.table({"offset": pa.array(leaving, pa.int64())})
    connection.register("leaving_offsets", offsets)
    connection.execute("CREATE OR REPLACE TEMP TABLE leaving AS FROM leaving_offsets")
    connection.unregister("leaving_offsets")


def _count(history: History, part: Part) -> int:
    """Count the rows of a part that leave it."""
    relation = history.relation([part])
    asked = f'SELECT count(*) AS rows FROM {relation} SEMI JOIN leaving USING ("offset")'
    table = history.arrow(asked)
    return int(table["rows"][0].as_py())


def _without(history: History, part: Part, with_mended: bool) -> tuple[Part, int]:
    """Write a part anew, without what leaves it; give it and how many mended rows it took."""
    select = f'SELECT * FROM {history.relation([part])} ANTI JOIN leaving USING ("offset")'
    if with_mended:
        select += (
            " UNION ALL BY NAME SELECT * EXCLUDE (bucket) FROM incoming"
            f" WHERE bucket = {part.bucket}"
        )
    history.execute(f"CREATE OR REPLACE TEMP TABLE remaining AS {select}")
    counts = history.arrow(
        "SELECT (SELECT count(*) FROM remaining) AS rows,"
        f" (SELECT count(*) FROM incoming WHERE bucket = {part.bucket}) AS again"
    ).to_pylist()[0]
    found = _REVISION.search(part.path)
    assert found is not None, "every part is a Parquet file"
    revision = int(found.group(1) or 0) + 1
    fresh = Part(
        bucket=part.bucket,
        path=f"{part.path[: found.start()]}-r{revision}.parquet",
        rows=counts["rows"],
    )
    if fresh.rows:
        fresh = history.copy_part("SELECT * FROM remaining", fresh)
    history.execute("DROP TABLE remaining")
    return fresh, counts["again"] if with_mended else 0
