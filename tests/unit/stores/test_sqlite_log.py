import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.events.model import Event
from customering.events.settings import EventsSettings
from customering.events.store import EventLog, Quarantine, Quarantined
from customering.kernel.clock import MS_PER_HOUR
from customering.kernel.errors import (
    Absent,
    Conflict,
    Corrupt,
    InvalidEvent,
    Refused,
    Unavailable,
)
from customering.stores.blocks import id_digest
from customering.stores.log_file import SCHEMA_VERSION
from customering.stores.recent_ids import IdSet, RecentIds, as_words
from customering.stores.sqlite_log import SqliteLog
from customering.stores.sqlite_quarantine import SqliteQuarantine

START_MS = 1_714_564_800_000
HOUR = MS_PER_HOUR
SMALL = EventsSettings(block_events_max=7)


def event(number: int, recorded_at: int = START_MS, text: str = "") -> Event:
    return Event(
        event_id=f"m{number}",
        kind="track",
        name="Tested",
        identifiers=("user_id:ada",),  # type: ignore[arg-type]
        occurred_at=recorded_at - 5,
        recorded_at=recorded_at,
        properties={"number": number, "text": text},
    )


def events(*numbers: int, recorded_at: int = START_MS) -> list[Event]:
    return [event(number, recorded_at) for number in numbers]


def numbers_in(log: SqliteLog, after: int = -1) -> list[int]:
    return [found.properties["number"] for block in log.read(after) for found in block.events()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.sqlite"


@pytest.fixture
def log(path: Path) -> Iterator[SqliteLog]:
    with SqliteLog(path, SMALL) as opened:
        yield opened


def test_it_keeps_the_protocols(log: SqliteLog, path: Path) -> None:
    as_log: EventLog = log
    assert as_log.end == 0
    quarantine = SqliteQuarantine(path)
    as_quarantine: Quarantine = quarantine
    assert as_quarantine.count() == 0
    quarantine.close()


def test_what_is_appended_is_read_in_order(log: SqliteLog) -> None:
    first = log.append(events(*range(20)))
    assert (first.first_offset, first.appended, first.duplicates) == (0, 20, 0)
    second = log.append(events(20, 21))
    assert (second.first_offset, second.events) == (20, tuple(events(20, 21)))
    assert log.end == 22
    blocks = list(log.read())
    assert [(block.first, block.count) for block in blocks] == [(0, 7), (7, 7), (14, 6), (20, 2)]
    assert [found for block in blocks for found in block.events()] == events(*range(22))
    assert [line for block in blocks for line in block.lines()] != []
    assert log.verify().events == 22
    assert log.tail(3) == events(19, 20, 21)
    assert log.tail(99) == events(*range(22))


@pytest.mark.parametrize("after", [-1, 0, 5, 6, 7, 12, 13, 18, 19, 20, 99])
def test_reading_starts_after_any_offset(log: SqliteLog, after: int) -> None:
    log.append(events(*range(20)))
    assert numbers_in(log, after) == list(range(after + 1, 20))
    for block in log.read(after):
        assert block.count == len(block.events()) == len(block.lines())
        assert block.events()[0].properties["number"] == block.first


def test_an_empty_log_is_empty(log: SqliteLog) -> None:
    assert (log.end, list(log.read()), log.tail(3)) == (0, [], [])
    assert log.verify().blocks == 0
    assert log.append([]).first_offset == 0
    assert log.contains_ids([]) == set()
    assert log.contains_ids(["m1"]) == set()


def test_a_block_knows_when_its_events_were_recorded(log: SqliteLog) -> None:
    log.append([event(1, START_MS + 9), event(2, START_MS), event(3, START_MS + 4)])
    (block,) = log.read()
    assert (block.recorded_from, block.recorded_to) == (START_MS, START_MS + 9)


def test_duplicates_are_dropped_also_after_reopening(path: Path) -> None:
    with SqliteLog(path, SMALL) as log:
        done = log.append(events(1, 2, 1, 3))
        assert (done.appended, done.duplicates) == (3, 1)
        assert log.append(events(3, 2)).duplicates == 2
    with SqliteLog(path, SMALL) as log:
        done = log.append(events(2, 4))
        assert (done.first_offset, done.events, done.duplicates) == (3, (event(4),), 1)
        assert numbers_in(log) == [1, 2, 3, 4]


def test_the_window_of_deduplication_ends(path: Path) -> None:
    with SqliteLog(path, SMALL) as log:
        log.append(events(1))
        log.append(events(2, recorded_at=START_MS + 20 * HOUR))
        assert log.append(events(1, recorded_at=START_MS + 23 * HOUR)).duplicates == 1
        assert log.append(events(1, recorded_at=START_MS + 29 * HOUR)).appended == 1
    with SqliteLog(path, SMALL) as log:
        later = START_MS + 40 * HOUR
        assert log.append(events(1, 2, recorded_at=later)).duplicates == 2
        assert log.contains_ids(["m1", "m2", "m3"]) == {"m1", "m2"}


@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 20), st.booleans()), min_size=1, max_size=25
    )
)
@settings(max_examples=20, deadline=None)
def test_deduplication_against_a_plain_list(
    tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[int, int, bool]]
) -> None:
    path = tmp_path_factory.mktemp("oracle") / "log.sqlite"
    log = SqliteLog(path, SMALL)
    kept: list[tuple[int, int]] = []
    now = START_MS
    for number, hours, is_reopened in calls:
        now += hours * HOUR
        if is_reopened:
            log.close()
            log = SqliteLog(path, SMALL)
        ages = [now - at for seen, at in kept if seen == number]
        appended = log.append(events(number, recorded_at=now)).appended
        if ages and min(ages) < 24 * HOUR:
            assert appended == 0
        elif not ages or min(ages) > 28 * HOUR:
            assert appended == 1
        if appended:
            kept.append((number, now))
    assert numbers_in(log) == [number for number, _ in kept]
    assert log.contains_ids([f"m{n}" for n in range(20)]) == {f"m{n}" for n, _ in kept}
    log.verify()
    log.close()


def test_ids_of_imports_are_known_however_old(path: Path) -> None:
    with SqliteLog(path, SMALL) as log:
        log.append(events(*range(50)))
        log.append(events(50, recorded_at=START_MS + 1_000 * HOUR))
        asked = [f"m{number}" for number in (0, 49, 50, 51, 99)]
        assert log.contains_ids(asked) == {"m0", "m49", "m50"}
        log.append(events(51))
        assert log.contains_ids(asked) == {"m0", "m49", "m50", "m51"}
    with SqliteLog(path, read_only=True) as reader:
        assert reader.contains_ids(iter(asked)) == {"m0", "m49", "m50", "m51"}


def test_one_writer_many_readers(log: SqliteLog, path: Path) -> None:
    log.append(events(1))
    with pytest.raises(Conflict) as caught:
        SqliteLog(path, SMALL)
    assert caught.value.hint
    with SqliteLog(path, read_only=True) as reader:
        assert numbers_in(reader) == [1]
        log.append(events(2))
        assert (numbers_in(reader), reader.end) == ([1, 2], 2)
        with pytest.raises(Refused):
            reader.append(events(3))
    log.close()
    with SqliteLog(path, SMALL) as next_writer:
        assert next_writer.append(events(3)).first_offset == 2


def test_another_process_cannot_write_but_can_read(log: SqliteLog, path: Path) -> None:
    log.append(events(1, 2))
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from customering.kernel.errors import Conflict\n"
        "from customering.stores.sqlite_log import SqliteLog\n"
        "path = Path(sys.argv[1])\n"
        "print(SqliteLog(path, read_only=True).verify().events)\n"
        "try:\n"
        "    SqliteLog(path)\n"
        "except Conflict as error:\n"
        "    print(error.code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["2", "conflict"]


def test_a_slow_reader_sees_what_was_there_and_does_not_stop_the_writer(log: SqliteLog) -> None:
    log.append(events(*range(300)))
    reading = log.read()
    first = next(reading)
    log.append(events(*range(300, 400)))
    rest = [found for block in reading for found in block.events()]
    assert [*first.events(), *rest] == events(*range(400))


def test_readers_in_threads_beside_a_writer(log: SqliteLog) -> None:
    failures: list[BaseException] = []
    done = threading.Event()

    def follow() -> None:
        try:
            offset = -1
            while not done.is_set() or offset + 1 < log.end:
                for block in log.read(offset):
                    assert block.first == offset + 1
                    offset = block.first + block.count - 1
                log.contains_ids(["m0"])
            assert offset == 599
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=follow) for _ in range(2)]
    for thread in threads:
        thread.start()
    for start in range(0, 600, 20):
        log.append(events(*range(start, start + 20)))
    done.set()
    for thread in threads:
        thread.join(timeout=30)
    assert failures == []


def test_an_append_that_fails_leaves_nothing(log: SqliteLog, path: Path) -> None:
    log.append(events(1))
    unwritable = event(2, text="\ud800")
    with pytest.raises(InvalidEvent):
        log.append([*events(*range(10, 30)), unwritable])
    assert numbers_in(log) == [1]
    assert log.append(events(10)).first_offset == 1

    # Another program takes the next offset behind our back: refused, then we look again.
    other = sqlite3.connect(path)
    other.execute("UPDATE blocks SET first = 2 WHERE first = 1")
    other.commit()
    with pytest.raises(Conflict):
        log.append(events(11))
    other.execute("UPDATE blocks SET first = 1 WHERE first = 2")
    other.commit()
    other.close()
    assert log.append(events(11, 10)).appended == 1
    assert numbers_in(log) == [1, 10, 11]
    log.verify()


def test_a_full_disk_is_told_and_can_be_got_over(log: SqliteLog) -> None:
    log.append(events(1))
    connection = log._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    random = Random(1)
    large = event(2, text="".join(chr(random.randrange(33, 0x2FFF)) for _ in range(200_000)))
    with pytest.raises(Unavailable) as caught:
        log.append([large])
    assert caught.value.retryable
    assert (log.end, log.append(events(1)).duplicates) == (1, 1)
    connection.execute("PRAGMA max_page_count = 1000000")
    assert log.append([large, event(3)]).appended == 2
    assert log.verify().events == 3


def test_a_log_that_is_not_there_or_not_ours(tmp_path: Path) -> None:
    with pytest.raises(Absent):
        SqliteLog(tmp_path / "none.sqlite", read_only=True)
    text = tmp_path / "text.sqlite"
    text.write_text("this is not a database, it is a text\n" * 100)
    with pytest.raises(Corrupt):
        SqliteLog(text)
    with pytest.raises(Unavailable):
        SqliteLog(tmp_path / "no folder" / "log.sqlite")
    newer = tmp_path / "newer.sqlite"
    connection = sqlite3.connect(newer)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(Unavailable, match="newer version"):
        SqliteLog(newer)


def _change(path: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute(statement, values).rowcount == 1
    connection.commit()
    connection.close()


@pytest.mark.parametrize("column", ["payload", "ids"])
@pytest.mark.parametrize("seed", range(12))
def test_a_flipped_byte_is_found(path: Path, column: str, seed: int) -> None:
    with SqliteLog(path, SMALL) as log:
        log.append(events(*range(20)))
    random = Random(seed)
    connection = sqlite3.connect(path)
    first = random.choice([0, 7, 14])
    (cell,) = connection.execute(f"SELECT {column} FROM blocks WHERE first = {first}").fetchone()
    connection.close()
    broken = bytearray(cell)
    broken[random.randrange(len(broken))] ^= 1 << random.randrange(8)
    _change(path, f"UPDATE blocks SET {column} = ? WHERE first = {first}", bytes(broken))
    with SqliteLog(path, read_only=True) as reader, pytest.raises(Corrupt) as caught:
        reader.verify()
    assert caught.value.facts["block"] == first
    if column == "payload":
        with SqliteLog(path, read_only=True) as reader, pytest.raises(Corrupt):
            numbers_in(reader)
    else:
        with pytest.raises(Corrupt):
            SqliteLog(path, SMALL)


@pytest.mark.parametrize("column", ["count", "recorded_from", "recorded_to", "checksum"])
@pytest.mark.parametrize("change", [-1, 1, -7])
def test_a_changed_counter_is_found(path: Path, column: str, change: int) -> None:
    with SqliteLog(path, SMALL) as log:
        log.append(events(*range(20)))
    _change(path, f"UPDATE blocks SET {column} = {column} + ? WHERE first = 7", change)
    with SqliteLog(path, read_only=True) as reader:
        with pytest.raises(Corrupt) as caught:
            reader.verify()
        assert caught.value.facts["block"] in (7, 7 + 7 + change)
        with pytest.raises(Corrupt):
            numbers_in(reader)


@pytest.mark.parametrize("first", [0, 7])
def test_a_missing_block_is_found(path: Path, first: int) -> None:
    with SqliteLog(path, SMALL) as log:
        log.append(events(*range(20)))
    _change(path, "DELETE FROM blocks WHERE first = ?", first)
    with SqliteLog(path, read_only=True) as reader:
        for after in (-1, first):
            with pytest.raises(Corrupt) as caught:
                numbers_in(reader, after)
            assert caught.value.facts["block"] == first
        with pytest.raises(Corrupt):
            reader.verify()


def test_digests_of_other_events_are_found(path: Path) -> None:
    with SqliteLog(path, EventsSettings(block_events_max=1)) as log:
        log.append(events(1, 2))
        with SqliteLog(path.with_name("other"), EventsSettings(block_events_max=1)) as other:
            other.append(events(3))
            (row,) = other._rows(0)
    _change(
        path,
        "UPDATE blocks SET ids = ?, ids_checksum = ? WHERE first = 0",
        row.ids,
        row.ids_checksum,
    )
    with SqliteLog(path, read_only=True) as reader, pytest.raises(Corrupt, match="digests"):
        reader.verify()


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9])
def test_a_truncated_file_is_found(path: Path, kept: float) -> None:
    random = Random(3)
    with SqliteLog(path, SMALL) as log:
        for number in range(40):
            text = "".join(chr(random.randrange(33, 0x2FFF)) for _ in range(3_000))
            log.append([event(number, text=text)])
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(Corrupt), SqliteLog(path, read_only=True) as reader:
        reader.verify()


@pytest.mark.parametrize("seed", range(15))
def test_a_byte_flipped_in_the_file_is_found_or_does_no_harm(path: Path, seed: int) -> None:
    with SqliteLog(path, SMALL) as log:
        log.append(events(*range(200)))
    content = bytearray(path.read_bytes())
    random = Random(seed)
    content[random.randrange(100, len(content))] ^= 1 << random.randrange(8)
    path.write_bytes(content)
    # The other good end is that the flipped bit is noticed.
    with suppress(Corrupt), SqliteLog(path, read_only=True) as reader:
        assert reader.verify().events == 200
        assert numbers_in(reader) == list(range(200))


def test_old_settings_may_change(path: Path) -> None:
    with SqliteLog(path, EventsSettings(block_events_max=3, compression_level=19)) as log:
        log.append(events(*range(10)))
    with SqliteLog(path, EventsSettings(block_events_max=50, compression_level=1)) as log:
        log.append(events(*range(8, 60)))
        assert numbers_in(log) == list(range(60))


# --- the ids -----------------------------------------------------------------------------------


@given(st.lists(st.lists(st.integers(0, 300), max_size=40), max_size=12), st.booleans())
@settings(max_examples=80, deadline=None)
def test_id_sets_against_a_plain_set(added: list[list[int]], is_compacted: bool) -> None:
    ids = IdSet()
    plain: set[int] = set()
    for numbers in added:
        ids.add(b"".join(id_digest(str(number)) for number in numbers))
        plain |= set(numbers)
    if is_compacted:
        ids.compact()
    asked = list(range(310))
    found = ids.contains(as_words([id_digest(str(number)) for number in asked]))
    assert [number for number, is_in in zip(asked, found, strict=True) if is_in] == sorted(plain)
    assert len(ids) == sum(map(len, added))


def test_ids_that_agree_in_their_first_half_are_told_apart() -> None:
    ids = IdSet()
    ids.add(b"a" * 8 + b"x" * 8)
    asked = as_words([b"a" * 8 + b"y" * 8, b"a" * 8 + b"x" * 8, b"b" * 8 + b"x" * 8])
    assert ids.contains(asked).tolist() == [False, True, False]


def test_memory_of_ids_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("customering.stores.recent_ids._OPEN_IDS_MAX", 50)
    recent = RecentIds(24 * HOUR)
    for hour in range(100):
        digests = [id_digest(f"{hour}-{number}") for number in range(70)]
        recent.advance(START_MS + hour * HOUR)
        assert not any(recent.contains(digests))
        recent.add(digests)
        assert len(recent._open) <= 50
    assert 24 * 70 <= len(recent) <= 29 * 70
    for hour in range(76, 100):
        assert all(recent.contains([id_digest(f"{hour}-{number}") for number in range(70)]))
    assert not any(recent.contains([id_digest(f"70-{number}") for number in range(70)]))


# --- the quarantine ----------------------------------------------------------------------------


def item(number: int) -> Quarantined:
    return Quarantined(
        quarantine_id=f"qua_{number}",
        raw={"type": "track", "n": number},
        reason="no id",
        path="userId",
        source="web",
        place=str(number),
        received_at=START_MS,
    )


def test_the_quarantine_keeps_what_was_refused(log: SqliteLog, path: Path) -> None:
    quarantine = SqliteQuarantine(path)
    assert quarantine.add([item(1), item(2)]) == 2
    assert quarantine.add([item(2), item(3)]) == 1
    assert quarantine.add([]) == 0
    assert [held.quarantined for held in quarantine.newest(limit=2)] == [item(3), item(2)]
    quarantine.resolve("qua_2", "replayed", START_MS + 1)
    assert (quarantine.count(), quarantine.count(resolution="replayed")) == (2, 1)
    held = quarantine.get("qua_2")
    assert (held.quarantined, held.resolution, held.resolved_at) == (
        item(2),
        "replayed",
        START_MS + 1,
    )
    quarantine.resolve("qua_2", "open", START_MS + 2)
    assert quarantine.get("qua_2").resolved_at == 0
    for act in (
        lambda: quarantine.get("qua_9"),
        lambda: quarantine.resolve("qua_9", "discarded", START_MS),
    ):
        with pytest.raises(Absent):
            act()
    log.append(events(1))
    quarantine.close()
    reopened = SqliteQuarantine(path)
    assert reopened.count() == 3
    reopened.close()
    assert log.verify().events == 1
