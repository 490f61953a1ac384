"""Reading one person's events: the history's layout against the same rows in order of arrival.

The history is written by `History.extend`, the path that every home takes, and read by
`History.events_of`, which gives records. The rival is one Parquet file as an export of a log would
be, in order of arrival, asked by the same DuckDB for the same rows; the time to make records of
them is left out. All files are in the page cache.

Run: ``python bench/bench_history.py [--events 1000000] [--people 100000]``.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from customering.identity.anchors import anchor_of
from customering.identity.rules import IdentityRules
from customering.kernel.ids import Identifier
from customering.stores.history import History

START_MS = 1_700_000_000_000
BLOCK = 1_000
ASKED = 300
COLUMNS = "event_id, kind, name, identifiers, occurred_at, recorded_at, properties, context, source"


def blocks(events: int, people: int) -> Iterator[tuple[int, list[bytes]]]:
    """Give the lines of a log: product views, and every twentieth an order of two lines."""
    chance = random.Random(7)
    for first in range(0, events, BLOCK):
        numbers = range(first, min(first + BLOCK, events))
        yield first, [_line(number, int(chance.random() * people)) for number in numbers]


def _line(number: int, person: int) -> bytes:
    product = f'"product_id":"p{number % 5003}","category":"c{number % 61}","quantity":1'
    if number % 20:
        name, properties = "Product Viewed", f'{product},"price_minor":{number % 9000}'
    else:
        item = f'{{{product},"amount_minor":{number % 9000}}}'
        properties = f'"order_id":"o{number}","revenue_minor":{number % 9000 * 2}'
        properties += f',"currency":"EUR","products":[{item},{item}]'
        name = "Order Completed"
    at_ms = START_MS + number * 1_000
    return (
        f'{{"event_id":"event-{number}","kind":"track","name":"{name}",'
        f'"identifiers":["user_id:{person}","anonymous_id:a-{person}"],'
        f'"occurred_at":{at_ms},"recorded_at":{at_ms + 900},"properties":{{{properties}}},'
        f'"context":{{"userAgent":"Mozilla/5.0","page":{{"path":"/p/{number % 5003}"}}}},'
        f'"source":"web"}}'
    ).encode()


def measure(name: str, people: Sequence[str], read: Callable[[str], Sequence[Any]]) -> list[int]:
    """Read every person once, print the times, and give the number of events of each."""
    for person in people[:10]:
        read(person)
    taken, found = [], []
    for person in people:
        begun = time.perf_counter()
        rows = read(person)
        taken.append((time.perf_counter() - begun) * 1_000)
        found.append(len(rows))
    middle, slow = np.percentile(taken, [50, 99])
    print(f"{name:44}{middle:>9.2f} ms p50{slow:>9.2f} ms p99")
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=100_000)
    given = parser.parse_args()
    rules = IdentityRules()
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder) / "history")
        wall, processor = time.perf_counter(), time.process_time()
        history.extend(blocks(given.events, given.people), lambda names: anchor_of(names, rules))
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        print(
            f"{given.events:,} events of {given.people:,} people copied in {wall:.1f} s"
            f" ({processor / given.events * 1e6:.1f} us CPU an event, making them included)"
        )
        flat = Path(folder) / "arrival.parquet"
        history.connection.execute(
            f"COPY (FROM {history.relation()} ORDER BY \"offset\") TO '{flat}'"
            " (FORMAT parquet, COMPRESSION zstd)"
        )
        chance = random.Random(1)
        people = [f"user_id:{chance.randrange(given.people)}" for _ in range(ASKED)]
        ours = measure(
            "History.events_of, to records",
            people,
            lambda person: history.events_of([Identifier(person)]),
        )
        rival = measure(
            "one file in order of arrival, rows only",
            people,
            lambda person: history.connection.execute(
                f"SELECT {COLUMNS} FROM read_parquet('{flat}') WHERE anchor = ?"
                ' ORDER BY occurred_at, "offset"',
                [person],
            ).fetchall(),
        )
        assert ours == rival
        print(f"{len(people)} people asked, {sum(ours):,} events found by both")
        history.close()


if __name__ == "__main__":
    main()
