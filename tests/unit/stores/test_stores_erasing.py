"""Rows taken out of stores: what is left is whole, what is gone is gone from the bytes."""

import re
import sqlite3
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.events.model import Event
from customering.events.settings import EventsSettings
from customering.kernel.errors import Absent
from customering.kernel.ids import Identifier
from customering.stores.blocks import id_digest, lines_of
from customering.stores.erasing_journal import Erasure, ErasureJournal, Work
from customering.stores.erasing_mark import mark_if_new
from customering.stores.erasing_sqlite import (
    erase_rows_naming,
    is_marked,
    overwrite_once,
    overwriting,
    scrub,
)
from customering.stores.recent_ids import IdSet, RecentIds, as_words
from customering.stores.sqlite_log import SqliteLog

SECRET = bytes(range(32))
ADA, BEN = Identifier("user_id:ada"), Identifier("user_id:ben")


def event(number: int, text: str = "") -> Event:
    return Event(
        event_id=f"m{number}",
        kind="track",
        name="Tested",
        identifiers=(ADA,),
        occurred_at=number,
        recorded_at=number,
        properties={"text": text},
    )


# The log


def test_an_event_gives_way_and_every_other_keeps_its_offset_and_its_bytes(tmp_path: Path) -> None:
    with SqliteLog(tmp_path / "log.sqlite", EventsSettings(block_events_max=4)) as log:
        events = [event(number, f"text {number}") for number in range(10)]
        log.append(events)
        slot = event(-5, "slot")
        log.replace(4, {5: lines_of([slot])[0]})
        found = [one for block in log.read() for one in block.events()]
        assert found == [slot if number == 5 else events[number] for number in range(10)]
        assert log.verify().events == log.end == 10
        assert log.contains_ids(["m5", "m4", "m-5"]) == {"m4", "m-5"}
        # What gave way is not held against whoever sends it anew: that is for the journal.
        assert log.append([events[5], events[6]]).appended == 1
    with SqliteLog(tmp_path / "log.sqlite") as log:
        assert log.verify().events == 11


def test_what_gave_way_is_in_no_byte_of_the_files(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    with SqliteLog(path) as log:
        log.append([event(0, "an old secret of somebody"), event(1)])
        with sqlite3.connect(path) as connection:
            (payload,) = connection.execute("SELECT payload FROM blocks").fetchone()
        connection.close()
        part = payload[20:60]
        assert scrub(path)
        assert part in path.read_bytes()
        log.replace(0, {0: lines_of([event(7)])[0]})
        assert scrub(path)
        for file in tmp_path.iterdir():
            assert part not in file.read_bytes(), file


def test_what_is_not_admitted_counts_as_a_duplicate_and_a_mended_event_is_kept_so(
    tmp_path: Path,
) -> None:
    with SqliteLog(tmp_path / "log.sqlite") as log:
        log.admission = lambda events: [
            None if one.event_id == "m1" else event(20) if one.event_id == "m2" else one
            for one in events
        ]
        events = [event(number) for number in range(4)]
        done = log.append(events, lines_of(events))
        assert (done.appended, done.duplicates) == (3, 1)
        kept = [one.event_id for block in log.read() for one in block.events()]
        assert kept == ["m0", "m20", "m3"]
        assert log.verify().events == 3


@given(st.lists(st.integers(0, 60), max_size=60), st.sets(st.integers(0, 60)), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_forgetting_digests_forgets_these_and_no_others(
    added: list[int], gone: set[int], at_once: int
) -> None:
    every = [id_digest(f"e{number}") for number in range(61)]
    ids, recent = IdSet(), RecentIds(6_000)
    for start in range(0, len(added), at_once):
        some = [every[number] for number in added[start : start + at_once]]
        ids.add(b"".join(some))
        recent.load(b"".join(some[: at_once // 2]), start)
        recent.add(some[at_once // 2 :])
    forgotten = {every[number] for number in gone}
    ids.discard(forgotten)
    recent.discard(forgotten)
    expected = [number in set(added) - gone for number in range(61)]
    assert ids.contains(as_words(every)).tolist() == expected
    assert recent.contains(every) == expected


# SQLite files


def test_rows_that_name_somebody_and_free_pages_are_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "some.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA secure_delete = FAST")
        connection.execute("CREATE TABLE letters (id INTEGER, text TEXT, data BLOB)")
        connection.execute("CREATE TABLE kept (text TEXT)")
        for number in range(300):
            name = "canary-a" if number % 3 else "somebody"
            row = (number, f"to {name} " * 40, f"{name} ".encode() * 900)
            connection.execute("INSERT INTO letters VALUES (?, ?, ?)", row)
        connection.execute("INSERT INTO kept VALUES ('canary-b')")
        # Pages freed before anybody thought of erasing are not overwritten.
        connection.execute("DELETE FROM letters WHERE id < 90")
    connection.close()
    assert b"canary-a" in path.read_bytes()
    deleted = erase_rows_naming(path, lambda cell: "canary" in str(cell), kept=("kept",))
    assert deleted == {"letters": 140}
    assert scrub(path)
    data = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"canary-a" not in data
    assert b"canary-b" in data
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM letters").fetchone() == (70,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def copies_of(path: Path) -> Counter[bytes]:
    """Give how often each marker of a row stands in the bytes of a database."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return Counter(re.findall(rb"<\d{6}>", path.read_bytes()))


def test_rows_that_were_moved_inside_the_file_leave_nothing(tmp_path: Path) -> None:
    path = tmp_path / "some.sqlite"
    chance = Random(3)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA secure_delete = ON")
        mark_if_new(connection)
        connection.execute(
            "CREATE TABLE states (anchor REAL PRIMARY KEY, state BLOB) WITHOUT ROWID"
        )
        rows = [
            (chance.random(), b"<%06d>" % number + bytes(chance.randrange(800)))
            for number in range(3_000)
        ]
        for row in rows:
            connection.execute("INSERT INTO states VALUES (?, ?)", row)
    connection.close()
    moved = [row for row, copies in copies_of(path).items() if copies > 1]
    assert moved, "SQLite leaves no copies behind any more: writing anew is not needed"
    with overwriting(path) as connection:
        for row in moved:
            connection.execute("DELETE FROM states WHERE substr(state, 1, 8) = ?", (row,))
    assert set(moved) & copies_of(path).keys()
    assert scrub(path, rows_stay=True)  # which is not true of these
    assert set(moved) & copies_of(path).keys()
    assert scrub(path)
    left = copies_of(path)
    assert not set(moved) & left.keys()
    assert len(left) == 3_000 - len(moved)


def test_a_log_in_which_a_row_grew_is_written_anew_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    with SqliteLog(path) as log:
        log.append([event(0, "a text of some length, longer than the slot that follows")])
        log.replace(0, {0: lines_of([event(7)])[0]})
        assert is_marked(path)
        log.replace(
            0, {0: lines_of([event(7, "longer than what stood here in the log before")])[0]}
        )
        assert not is_marked(path)
        assert not overwrite_once(path)  # not at a start: only an erasure needs it
        assert scrub(path, rows_stay=True)
        assert is_marked(path)
        assert log.verify().events == 1


# The journal


def journal(folder: Path, name: str = "rights.sqlite", secret: bytes = SECRET) -> ErasureJournal:
    return ErasureJournal(folder / name, secret)


def test_the_journal_keeps_out_whom_it_names_only_in_hashes(tmp_path: Path) -> None:
    kept = journal(tmp_path)
    asked = Erasure(request_id="req_1", requested_at=5, until_ms=100, end_offset=7)
    kept.begin(asked, [ADA])
    kept.note_work("req_1", Work(names=(ADA,), leaving={3: ADA}), ["m3"])
    both = kept.note_work("req_1", Work(names=(ADA,), leaving={4: BEN}, mended=(4,)), ["m4"])
    assert both.leaving == {3: ADA, 4: BEN}
    stones = kept.tombstones()
    assert stones.keeps_out(ADA, 100)
    assert not stones.keeps_out(ADA, 101)
    assert not stones.keeps_out(BEN, 1)
    assert stones.is_erased(["m3", "m4", "m5"]) == [True, True, False]
    kept.finish("req_1", b"{}")
    assert kept.pending() == []
    kept.close()
    for file in tmp_path.iterdir():
        assert b"user_id:ada" not in file.read_bytes(), file
    again = journal(tmp_path, secret=bytes(32))
    assert again.secret == SECRET
    assert again.certificate("req_1") == b"{}"
    with pytest.raises(Absent):
        again.certificate("req_2")
    again.close()


def test_never_again_outlasts_a_later_erasure(tmp_path: Path) -> None:
    kept = journal(tmp_path)
    for number, again in enumerate(("never", "new")):
        asked = Erasure(
            request_id=f"req_{number}", requested_at=5, until_ms=100, end_offset=7, again=again
        )
        kept.begin(asked, [ADA])
    assert kept.tombstones().keeps_out(ADA, 10**15)
    kept.close()


def test_a_copy_names_nobody_and_gives_another_home_what_to_erase_again(tmp_path: Path) -> None:
    kept = journal(tmp_path)
    kept.begin(Erasure(request_id="req_1", requested_at=5, until_ms=9, end_offset=7), [ADA])
    outside = tmp_path / "outside"
    outside.mkdir()
    kept.copy_to(outside)
    assert [file.name for file in outside.iterdir()] == ["rights.sqlite"]
    assert b"user_id:ada" not in (outside / "rights.sqlite").read_bytes()
    fresh = journal(tmp_path, "fresh.sqlite", secret=bytes(32))
    copy = journal(outside)
    assert [one.request_id for one in fresh.take_from(copy)] == ["req_1"]
    assert fresh.take_from(copy) == []
    assert fresh.pending()[0][1].is_replay
    assert fresh.tombstones().keeps_out(ADA, 9)
    for one in (kept, copy, fresh):
        one.close()
