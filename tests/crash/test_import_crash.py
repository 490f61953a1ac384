"""Kill an import without warning, import again: the log is that of one import without a crash."""

import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from customering.app.importing import import_files
from customering.events.commerce import tracking_plan
from customering.events.mapping_file import read_mapping
from customering.events.settings import EventsSettings
from customering.stores.sqlite_log import SqliteLog
from customering.stores.sqlite_quarantine import SqliteQuarantine

SETTINGS = EventsSettings(block_events_max=50)
ORDERS, LINES, BAD = 1_500, 4_500, 30
MAPPING = read_mapping(
    """
    name = "shop/orders"
    event = "Order Completed"
    group_by = ["order"]
    occurred_at = "day"
    currency = "EUR"
    identifiers.loyalty_card = "card"
    properties.order_id = {column = "order", type = "string"}
    properties.revenue_minor = {sum = "amount_minor"}
    products.product_id = "sku"
    products.amount_minor = {column = "amount", unit = "major"}
    """
)

WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from test_import_crash import take

say = lambda appended, report: print(report.appended, flush=True)
take(Path(sys.argv[1]), Path(sys.argv[2]), say)
"""


def take(file: Path, log_path: Path, on_block=None):
    """Import the file into a log."""
    with SqliteLog(log_path, SETTINGS) as log:
        quarantine = SqliteQuarantine(log_path)
        try:
            return import_files(
                [(file, MAPPING)],
                log=log,
                quarantine=quarantine,
                plan=tracking_plan(),
                settings=SETTINGS,
                now_ms=lambda: time.time_ns() // 1_000_000,
                on_block=on_block,
            )
        finally:
            quarantine.close()


def contents(log_path: Path):
    """Give all that is in a log, apart from when it was recorded, and what is set aside."""
    with SqliteLog(log_path, SETTINGS, read_only=True) as log:
        events = [event for block in log.read() for event in block.events()]
    quarantine = SqliteQuarantine(log_path)
    held = quarantine.newest(limit=10_000)
    quarantine.close()
    told = [
        (e.event_id, e.name, e.identifiers, e.occurred_at, e.properties, e.context, e.source)
        for e in events
    ]
    return told, sorted((h.quarantined.place, h.quarantined.reason) for h in held)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    random = Random(1)
    path = tmp_path_factory.mktemp("crash") / "orders.parquet"
    orders = [number % ORDERS for number in range(LINES)]
    random.shuffle(orders)
    bad = set(random.sample(range(LINES), BAD))
    columns = {
        "order": orders,
        "card": [order % 100 for order in orders],
        "sku": [f"s{random.randrange(50)}" for _ in orders],
        "amount": ["abc" if row in bad else f"{n / 100:.2f}" for row, n in enumerate(orders)],
        "day": ["2017-06-01"] * LINES,
    }
    pq.write_table(pa.table(columns), path)
    return path


@pytest.fixture(scope="module")
def clean(file, tmp_path_factory):
    path = tmp_path_factory.mktemp("clean") / "log.sqlite"
    report = take(file, path)
    assert 1_400 < report.appended < ORDERS
    assert report.quarantined > 0
    return contents(path)


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_import_is_finished_by_the_next(file, clean, tmp_path, seed):
    random = Random(seed)
    log_path = tmp_path / "log.sqlite"
    kills = 0
    for _ in range(2):
        upto = random.randrange(1, 20)
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, file, log_path, Path(__file__).parent],
            stdout=subprocess.PIPE,
        )
        with writer.stdout as told:
            for _ in range(upto):
                told.readline()
            time.sleep(random.random() * 0.01)
            kills += writer.poll() is None
            writer.kill()
        writer.wait()
    assert kills > 0, f"seed {seed}: every import ended before it was killed"
    with SqliteLog(log_path, SETTINGS, read_only=True) as log:
        there = log.end
    report = take(file, log_path)
    events, held = contents(log_path)
    assert (report.duplicates, report.appended) == (there, len(events) - there), f"seed {seed}"
    assert len({event[0] for event in events}) == len(events), f"seed {seed}"
    assert (events, held) == clean, f"seed {seed}"
    assert take(file, log_path).appended == 0
