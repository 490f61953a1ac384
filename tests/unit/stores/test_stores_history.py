"""The history gives back exactly the events of the log, one person at a time, also after a crash."""

import random
from pathlib import Path

import pytest

from customering.events.model import Event
from customering.kernel.errors import Corrupt
from customering.kernel.ids import Identifier
from customering.kernel.records import to_json
from customering.stores.history import History, bucket_of


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
        patch.setattr(History, "_publish", lambda self, manifest: (_ for _ in ()).throw(OSError()))
        with pytest.raises(OSError):
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
