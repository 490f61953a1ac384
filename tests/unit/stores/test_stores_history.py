"""The history gives back exactly the events of the log, one person at a time, after a crash too."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from customering.events.model import PRODUCT_FIELDS, Event, products_of
from customering.kernel.errors import Corrupt
from customering.kernel.ids import Identifier
from customering.kernel.records import to_json
from customering.profile.fields import PROPERTY_FIELDS, Fields
from customering.stores.history import History
from customering.stores.history_parts import bucket_of
from town import OpenShop, assert_same_profiles, order, profiles_of


def some_events(count: int, seed: int) -> list[Event]:
    chance = random.Random(seed)
    return [
        Event(
            event_id=f"e{number}",
            kind="track",
            name=chance.choice(["Order Completed", "Product Viewed"]),
            identifiers=(Identifier(f"user_id:{chance.randrange(40)}"),),
            occurred_at=1_500_000_000_000 + chance.randrange(10**9),
            recorded_at=1_600_000_000_000,
            properties={
                "revenue_minor": chance.randrange(10_000),
                "products": [{"product_id": "p", "quantity": 1, "note": "zwölf"}],
            },
            source="test",
        )
        for number in range(count)
    ]


def blocks(events: list[Event], first: int, size: int = 100) -> list[tuple[int, list[bytes]]]:
    return [
        (start, [to_json(event) for event in events[start : start + size]])
        for start in range(first, len(events), size)
    ]


def first_identifier(names: tuple[Identifier, ...]) -> Identifier | None:
    return names[0]


def expected(events: list[Event], anchor: str) -> list[Event]:
    mine = [event for event in events if event.identifiers[0] == anchor]
    return sorted(mine, key=lambda event: event.occurred_at)


def test_each_person_reads_back_exactly(tmp_path: Path) -> None:
    events = some_events(3_000, seed=1)
    history = History(tmp_path, buckets=7)
    assert history.extend(blocks(events, 0), first_identifier, part_rows=1_000) == 3_000
    assert history.offset == history.rows == 3_000
    for number in range(40):
        anchor = Identifier(f"user_id:{number}")
        assert history.events_of([anchor]) == expected(events, anchor)
    history.close()


def test_bucket_is_the_same_in_sql(tmp_path: Path) -> None:
    history = History(tmp_path, buckets=64)
    for anchor in ("user_id:1", "email:ada@example.org", "device:ü"):
        rows = history.connection.execute(
            "SELECT (md5_number_lower(?) % 64)::INTEGER", [anchor]
        ).fetchall()
        assert rows == [(bucket_of(anchor, 64),)]
    history.close()


def test_until_cuts_at_the_instant(tmp_path: Path) -> None:
    events = some_events(500, seed=2)
    history = History(tmp_path, buckets=3)
    history.extend(blocks(events, 0), first_identifier)
    anchor = Identifier("user_id:5")
    whole = expected(events, anchor)
    cut = whole[len(whole) // 2].occurred_at
    got = history.events_of([anchor], until_ms=cut)
    assert got == [event for event in whole if event.occurred_at <= cut]
    assert 0 < len(got) < len(whole)
    history.close()


def test_extends_in_steps_and_joins_crowded_buckets(tmp_path: Path) -> None:
    events = some_events(2_000, seed=3)
    history = History(tmp_path, buckets=2)
    for end in range(100, 2_001, 100):
        history.extend(blocks(events[:end], history.offset), first_identifier)
    files = list(tmp_path.glob("*/*.parquet"))
    assert len(files) <= 2 * 9
    history.close()
    reopened = History(tmp_path)
    assert reopened.offset == 2_000
    anchor = Identifier("user_id:0")
    assert reopened.events_of([anchor]) == expected(events, anchor)
    reopened.close()


def test_a_crash_before_the_manifest_leaves_the_old_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = some_events(400, seed=4)
    history = History(tmp_path, buckets=2)
    history.extend(blocks(events[:200], 0), first_identifier)
    with monkeypatch.context() as patch:
        patch.setattr(
            History, "publish", lambda self, manifest: (_ for _ in ()).throw(OSError("full"))
        )
        with pytest.raises(OSError, match="full"):
            history.extend(blocks(events, 200), first_identifier)
    history.close()
    again = History(tmp_path)
    assert again.offset == 200
    anchor = Identifier("user_id:1")
    assert again.events_of([anchor]) == expected(events[:200], anchor)
    again.extend(blocks(events, 200), first_identifier)
    assert again.events_of([anchor]) == expected(events, anchor)
    again.close()


def test_events_of_nobody_stay_out(tmp_path: Path) -> None:
    events = some_events(10, seed=5)
    history = History(tmp_path, buckets=2)
    assert history.extend(blocks(events, 0), lambda names: None) == 0
    assert history.offset == 10
    assert history.rows == 0
    assert history.arrow(f"SELECT * FROM {history.relation()}").num_rows == 0
    history.close()


def test_a_broken_manifest_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(Corrupt, match="manifest") as caught:
        History(tmp_path)
    assert "delete the history folder" in caught.value.hint


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def overwrite_footer(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:-200] + b"\xff" * 196 + whole[-4:])


def read_anchor(history: History) -> object:
    return history.events_of([Identifier(f"user_id:{number}") for number in range(40)])


NAMES: dict[str, Callable[[History], object]] = {
    "relation": lambda history: history.relation(),
    "view": lambda history: history.view("v"),
    "slices": lambda history: list(history.slices(1)),
}
READS: dict[str, Callable[[History], object]] = {
    "events_of": read_anchor,
    "events_named": lambda history: history.events_named(["Order Completed"]),
    "verify": lambda history: history.verify(),
    "arrow": lambda history: history.arrow(f"SELECT max(name) FROM {history.relation()}"),
    "batches": lambda history: list(history.batches(f"SELECT name FROM {history.relation()}")),
    "execute": lambda history: history.execute(f"CREATE TABLE t AS FROM {history.relation()}"),
    "export": lambda history: history.export(Path("out"), pa.table({"anchor": ["user_id:1"]})),
    "extend": lambda history: history._compact(parts_most=0),
}
DAMAGES = [(read, damage) for read in NAMES | READS for damage in (Path.unlink, cut)]
DAMAGES += [(read, overwrite_footer) for read in READS]


@pytest.mark.parametrize(("read", "damage"), DAMAGES)
def test_a_damaged_part_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: str, damage: Callable[[Path], None]
) -> None:
    monkeypatch.chdir(tmp_path)
    history = History(tmp_path, buckets=3)
    history.extend(blocks(some_events(500, seed=6), 0), first_identifier)
    part = sorted(tmp_path.glob("*/*.parquet"))[1]
    damage(part)
    with pytest.raises(Corrupt, match=str(part.relative_to(tmp_path))) as caught:
        (NAMES | READS)[read](history)
    assert caught.value.facts["path"] == str(part)
    assert "delete the history folder" in caught.value.hint
    history.close()


def test_a_part_that_goes_while_it_is_read_is_named(tmp_path: Path) -> None:
    history = History(tmp_path, buckets=3)
    history.extend(blocks(some_events(500, seed=6), 0), first_identifier)
    relation = history.relation()
    part = sorted(tmp_path.glob("*/*.parquet"))[1]
    part.unlink()
    with pytest.raises(Corrupt, match=str(part.relative_to(tmp_path))):
        history.arrow(f"SELECT max(name) FROM {relation}")
    history.close()


def test_bytes_that_changed_are_found_by_verifying(tmp_path: Path) -> None:
    history = History(tmp_path, buckets=1)
    history.extend(blocks(some_events(500, seed=7), 0), first_identifier)
    history.verify()
    part = next(tmp_path.glob("*/*.parquet"))
    whole = bytearray(part.read_bytes())
    whole[len(whole) // 3] ^= 1
    part.write_bytes(whole)
    with pytest.raises(Corrupt, match="was changed"):
        history.verify()
    history.close()


def test_a_failure_that_is_no_damage_stays_what_it_is(tmp_path: Path) -> None:
    history = History(tmp_path, buckets=1)
    history.extend(blocks(some_events(50, seed=7), 0), first_identifier)
    with pytest.raises(duckdb.Error, match="nonsense"):
        history.arrow(f"SELECT nonsense FROM {history.relation()}")
    history.close()


def test_slices_hold_every_anchor_once(tmp_path: Path) -> None:
    events = some_events(2_000, seed=8)
    history = History(tmp_path, buckets=16)
    for end in (700, 2_000):
        history.extend(blocks(events[:end], history.offset), first_identifier)
    whole = dict(Counter(event.identifiers[0] for event in events))
    for rows_most in (1, 300, 10_000):
        found: dict[str, int] = {}
        sizes = []
        for relation in history.slices(rows_most):
            rows = history.arrow(f"SELECT anchor, count(*) AS n FROM {relation} GROUP BY anchor")
            counts = {row["anchor"]: row["n"] for row in rows.to_pylist()}
            assert not counts.keys() & found.keys()
            found |= counts
            sizes.append(sum(counts.values()))
        assert found == whole
        assert (len(sizes) == 1) == (rows_most == 10_000)
        assert rows_most == 1 or max(sizes) <= rows_most
    history.close()


def test_an_empty_history_is_one_empty_slice(tmp_path: Path) -> None:
    history = History(tmp_path)
    assert [history.arrow(f"FROM {relation}").num_rows for relation in history.slices(9)] == [0]
    history.close()


def test_a_worker_thread_may_use_it(tmp_path: Path) -> None:
    events = some_events(600, seed=9)
    history = History(tmp_path, buckets=2)
    history.extend(blocks(events[:300], 0), first_identifier)
    anchor = Identifier("user_id:1")
    with ThreadPoolExecutor(max_workers=1) as worker:
        first = worker.submit(history.events_of, [anchor]).result()
        worker.submit(history.extend, blocks(events, 300), first_identifier).result()
        table = worker.submit(history.arrow, f"SELECT 1 FROM {history.relation()}").result()
    assert first == expected(events[:300], anchor)
    assert history.events_of([anchor]) == expected(events, anchor)
    assert table.num_rows == 600
    history.close()


ODDITIES: list[Any] = [
    None, True, False, "7", "", 'é"\\\n\u2028', 0, -3, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 2**64,
    2**70, -(2**70), 1.5, 61.0, -0.0, 1e300, {}, {"product_id": "p"}, [], ["p"],
]  # fmt: skip


def odd_events() -> list[Event]:
    """Give events with every odd value in every typed field, and with odd lists of lines."""
    line = dict.fromkeys(PRODUCT_FIELDS)
    many: list[dict[str, Any]] = []
    for value in ODDITIES:
        whole = dict.fromkeys((*PRODUCT_FIELDS, *PROPERTY_FIELDS), value)
        many += [
            whole,
            {"products": value},
            {"products": value, "product_id": value, "name": "n", "quantity": 2},
            {**whole, "products": [value, whole, {**line, "brand": value}, {}, [whole], 3]},
        ]
    many += [{"product_id": "a.b", "products": [[]]}, {"products": [{"name": "n"}, None, "x"]}]
    return [
        Event(
            event_id=f"e{number}",
            kind="track",
            name="Order Completed",
            identifiers=(Identifier("user_id:1"),),
            occurred_at=1_500_000_000_000 + number,
            recorded_at=1_600_000_000_000,
            properties=properties,
        )
        for number, properties in enumerate(many)
    ]


def test_typed_columns_hold_what_the_live_path_reads(tmp_path: Path) -> None:
    events = odd_events()
    history = History(tmp_path, buckets=2)
    history.extend(blocks(events, 0), first_identifier)
    rows = history.arrow(f"SELECT * FROM {history.relation()} ORDER BY occurred_at").to_pylist()
    assert len(rows) == len(events)
    for event, row in zip(events, rows, strict=True):
        for name in PROPERTY_FIELDS:
            assert row[name] == Fields().getter(name)(event), (name, event.properties)
        read = {name: Fields(is_line=True).getter(name) for name in PRODUCT_FIELDS}
        lines = products_of(event.properties)
        assert row["products"] == [
            {name: get((event, line)) for name, get in read.items()} for line in lines
        ], event.properties
    assert history.events_of([Identifier("user_id:1")]) == events
    history.close()


def test_odd_fields_change_nothing_in_a_rebuild(open_shop: OpenShop) -> None:
    shop = open_shop()
    lines = [{"product_id": "p1", "category": value, "note": value} for value in ODDITIES]
    payloads = []
    for day, value in enumerate(ODDITIES):
        payload = order({"userId": "ada"}, day, "p1", "p2")
        payload["properties"] |= {"store_id": value, "channel": value, "products": lines}
        payloads.append(payload)
        # An event that no plan knows keeps its fields as they were sent.
        payloads.append(
            payload
            | {
                "event": "Tasting Joined",
                "messageId": f"tasting-{day}",
                "properties": {"product_id": value, "quantity": value, "revenue_minor": value},
            }
        )
    taken = shop.ingest(payloads, source="web")
    assert taken.accepted
    shop.catch_up()
    live = profiles_of(shop)
    shop.rebuild()
    assert_same_profiles(live, profiles_of(shop))
