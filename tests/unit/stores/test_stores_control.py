"""The control database: nothing in it is lost, and one process sees what another one did."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from customering.kernel.clock import MS_PER_DAY
from customering.kernel.errors import Absent, Conflict, Invalid, Unavailable
from customering.stores.control import Answer, Control, KeptKey

KEY = KeptKey("key_a", b"digest", b'{"name":"a"}')


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sqlite"


@pytest.fixture
def control(path: Path) -> Iterator[Control]:
    opened = Control(f"sqlite:///{path}")
    yield opened
    opened.close()


def test_a_key_is_there_after_a_restart(control: Control, path: Path) -> None:
    control.add(KEY)
    control.add(KeptKey("key_b", None, b"{}"))
    control.add(KeptKey("key_c", None, b"{}"))  # keys without a text do not clash
    control.close()
    again = Control(f"sqlite:///{path}")
    assert sorted(again.keys()) == [
        KEY,
        KeptKey("key_b", None, b"{}"),
        KeptKey("key_c", None, b"{}"),
    ]
    again.close()


def test_two_keys_never_have_one_text(control: Control) -> None:
    control.add(KEY)
    with pytest.raises(Unavailable):
        control.add(KEY._replace(key_id="key_b"))
    assert control.keys() == [KEY]


def test_revoking_twice_keeps_the_first_instant(control: Control) -> None:
    control.add(KEY)
    control.revoke("key_a", 5)
    control.revoke("key_a", 9)
    assert control.keys()[0].revoked_at == 5


def test_revoking_what_is_not_there_says_so(control: Control) -> None:
    with pytest.raises(Absent, match="key_z"):
        control.revoke("key_z", 5)


def test_the_revision_moves_with_keys_and_not_with_uses(control: Control, path: Path) -> None:
    other = Control(f"sqlite:///{path}")
    seen = [other.revision]
    control.add(KEY)
    seen.append(other.revision)
    control.revoke("key_a", 5)
    seen.append(other.revision)
    control.note_uses({"key_a": 7})
    control.remember("key_a", "i", b"d", 200, b"", 7)
    assert other.revision == seen[2]
    assert seen == sorted(set(seen))
    other.close()


def test_a_use_never_moves_back(control: Control) -> None:
    control.add(KEY)
    control.note_uses({"key_a": 7, "key_unknown": 8})
    control.note_uses({"key_a": 3})
    assert control.keys()[0].last_used_at == 7


def test_an_answer_is_given_again_for_a_day(control: Control) -> None:
    assert control.recall("key_a", "i1", b"digest", 100) is None
    control.remember("key_a", "i1", b"digest", 201, b"body", 100)
    assert control.recall("key_a", "i1", b"digest", 99 + MS_PER_DAY) == Answer(201, b"body")
    assert control.recall("key_a", "i1", b"digest", 100 + MS_PER_DAY) is None
    assert control.recall("key_b", "i1", b"digest", 100) is None


def test_one_name_for_two_requests_is_a_conflict(control: Control) -> None:
    control.remember("key_a", "i1", b"digest", 200, b"", 100)
    with pytest.raises(Conflict):
        control.recall("key_a", "i1", b"another", 101)
    with pytest.raises(Conflict):
        control.remember("key_a", "i1", b"another", 200, b"", 101)


def test_the_first_of_two_answers_stands(control: Control) -> None:
    control.remember("key_a", "i1", b"digest", 200, b"first", 100)
    assert control.remember("key_a", "i1", b"digest", 200, b"second", 101).body == b"first"


def test_old_answers_are_forgotten(control: Control, path: Path) -> None:
    control.remember("key_a", "i1", b"digest", 200, b"", 100)
    control.remember("key_a", "i2", b"digest", 200, b"", 100 + MS_PER_DAY)
    with sqlite3.connect(path) as raw:
        kept = raw.execute("SELECT idempotency_key FROM idempotency").fetchall()
    raw.close()
    assert kept == [("i2",)]


@pytest.mark.parametrize("name", ["", "x" * 256])
def test_a_name_of_a_request_is_short_and_not_empty(control: Control, name: str) -> None:
    with pytest.raises(Invalid):
        control.recall("key_a", name, b"d", 1)
    with pytest.raises(Invalid):
        control.remember("key_a", name, b"d", 200, b"", 1)


def test_every_commit_is_on_disk(control: Control) -> None:
    with control._engine.connect() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("synchronous", "journal_mode", "busy_timeout")
        ]
    assert found == [2, "wal", 5000]


def test_another_schema_is_refused_and_not_to_be_deleted(control: Control, path: Path) -> None:
    control.close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    raw.close()
    with pytest.raises(Unavailable, match="schema 99") as refused:
        Control(f"sqlite:///{path}")
    assert "do not delete" in refused.value.hint


def test_many_may_make_it_at_the_same_moment(path: Path) -> None:
    together = Barrier(8)

    def opened(number: int) -> None:
        together.wait()
        one = Control(f"sqlite:///{path}")
        one.add(KeptKey(f"key_{number}", None, b"{}"))
        one.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(opened, range(8)))
    last = Control(f"sqlite:///{path}")
    assert (last.revision, len(last.keys())) == (8, 8)
    last.close()


def test_a_file_that_is_no_database_is_told(path: Path) -> None:
    path.write_bytes(b"nonsense " * 1_000)
    with pytest.raises(Unavailable, match="cannot be used"):
        Control(f"sqlite:///{path}")
