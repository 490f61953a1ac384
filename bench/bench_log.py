"""Speed of the event log: durable appends against a bare blob insert, duplicates, reading back.

Run ``python bench/bench_log.py --events 200000``. Every append is one commit that is on disk before
the next begins. "CPU" is processor time of this process, which a busy machine disturbs least.
"""

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import zstandard

from customering.events.commerce import tracking_plan
from customering.events.intake import intake
from customering.events.model import Event
from customering.events.settings import EventsSettings
from customering.kernel.chance import draw
from customering.kernel.clock import format_instant
from customering.kernel.records import to_json
from customering.stores.blocks import id_digests, lines_of, seal
from customering.stores.recent_ids import RecentIds
from customering.stores.sqlite_log import SqliteLog

START_MS = 1_700_000_000_000
BATCH = 1_000


def payloads(count: int) -> list[dict[str, object]]:
    """Make track calls of some 600 bytes, as a browser sends them."""
    made: list[dict[str, object]] = []
    for number in range(count):
        person = int(draw(1, str(number)) * 20_000)
        product = int(draw(2, str(number)) * 5_000)
        at_ms = START_MS + number * 3
        made.append(
            {
                "type": "track",
                "event": "Product Viewed",
                "messageId": f"ajs-next-{at_ms}-{int(draw(3, str(number)) * 2**63):x}",
                "userId": f"u{person}",
                "anonymousId": f"{person:08x}-0000-4000-8000-{person * 7919:012x}",
                "timestamp": format_instant(at_ms - 1_500),
                "sentAt": format_instant(at_ms - 1_000),
                "properties": {
                    "product_id": f"p{product}",
                    "name": f"Product number {product}",
                    "category": f"category {product % 40}",
                    "price": (product % 9_000) / 100,
                    "quantity": 1,
                },
                "context": {
                    "page": {"path": f"/p/{product}", "url": f"https://shop.example/p/{product}"},
                    "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
                    "library": {"name": "analytics.js", "version": "next-1.84.3"},
                    "locale": "en-GB",
                },
            }
        )
    return made


def measure(name: str, count: int, act: Callable[[], object]) -> None:
    """Run once and print events a second and microseconds an event."""
    wall, processor = time.perf_counter(), time.process_time()
    act()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(
        f"{name:<44}{count / wall:>12,.0f} events/s{wall / count * 1e6:>9.2f} us"
        f"{processor / count * 1e6:>9.2f} us CPU"
    )


def batches(events: list[Event], size: int) -> list[list[Event]]:
    """Cut events into the groups that share a commit."""
    return [events[start : start + size] for start in range(0, len(events), size)]


def append_all(log: SqliteLog, groups: list[list[Event]], *, expected: int) -> None:
    """Append each group durably."""
    appended = sum(log.append(group).appended for group in groups)
    assert appended == expected, (appended, expected)


def bare_insert(path: Path, blobs: list[bytes]) -> None:
    """Insert ready-made blobs, a commit each, as fast as SQLite can."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA page_size = 16384")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE blobs (first INTEGER PRIMARY KEY, payload BLOB)")
    for first, blob in enumerate(blobs):
        connection.execute("INSERT INTO blobs VALUES (?, ?)", (first, blob))
    connection.close()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000, help="how many events")
    parser.add_argument("--level", type=int, default=EventsSettings().compression_level)
    arguments = parser.parse_args()
    count = arguments.events // BATCH * BATCH
    settings = EventsSettings(compression_level=arguments.level)
    plan, sent = tracking_plan(), payloads(count)
    events: list[Event] = []

    def take() -> None:
        for start in range(0, count, BATCH):
            taken = intake(
                sent[start : start + BATCH],
                plan=plan,
                settings=settings,
                source="web",
                received_at=START_MS + start * 3,
            )
            assert not taken.quarantined
            events.extend(taken.accepted)

    measure("intake (times, ids, plan, money)", count, take)
    event_bytes = sum(len(to_json(event)) for event in events[:BATCH]) / BATCH
    print(f"  {event_bytes:.0f} bytes of JSON an event, zstd level {arguments.level}")
    groups = batches(events, BATCH)
    compressor = zstandard.ZstdCompressor(level=arguments.level)
    digests = [id_digests(group) for group in groups]
    sealed = []
    measure(
        "encode, compress, checksum",
        count,
        lambda: sealed.extend(
            seal(0, group, lines_of(group), ids, compressor)
            for group, ids in zip(groups, digests, strict=True)
        ),
    )
    recent = RecentIds(24 * 3_600_000)

    def remember() -> None:
        for group in groups:
            ids = id_digests(group)
            recent.advance(group[-1].recorded_at)
            assert not any(recent.contains(ids))
            recent.add(ids)

    measure("recognise duplicates", count, remember)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        blobs = [row.ids + row.payload for row in sealed]
        measure(
            "bare SQLite insert, 1,000 a commit", count, lambda: bare_insert(home / "bare", blobs)
        )
        with SqliteLog(home / "log.sqlite", settings) as log:
            measure(
                "append, durable, 1,000 a commit",
                count,
                lambda: append_all(log, groups, expected=count),
            )
            measure(
                "append of the same again (all duplicates)",
                count,
                lambda: append_all(log, groups, expected=0),
            )
            verified = log.verify()
            print(f"  {verified.payload_bytes / count:.0f} bytes an event, and 16 for its id")
            measure("read raw lines", count, lambda: sum(len(b.lines()) for b in log.read()))
            measure("read and decode", count, lambda: sum(len(b.events()) for b in log.read()))
            measure("verify", count, log.verify)
            asked = [event.event_id for event in events[::100]]
            assert len(log.contains_ids(asked)) == len(asked)
        measure(
            "open again (ids of the window)", count, lambda: SqliteLog(home / "log.sqlite").close()
        )
        few = batches(events[: min(count, 20_000)], 100)
        with SqliteLog(home / "small.sqlite", settings) as log:
            measure(
                "append, durable, 100 a commit",
                len(few) * 100,
                lambda: append_all(log, few, expected=len(few) * 100),
            )


if __name__ == "__main__":
    main()
