"""Homes of before erasure: what their files let go of is overwritten once, when they are opened."""

import sqlite3
import tarfile
from pathlib import Path

import pytest

from customering.app import erasing_beside
from customering.app.engine import Engine
from customering.app.home import find
from customering.kernel.errors import Unavailable
from customering.kernel.ids import Identifier
from customering.stores.erasing_sqlite import is_marked
from town import NOON

HOMES = sorted((Path(__file__).parent / "homes").glob("*.tar.xz"))
TOKEN = "let-go-of-" * 40
FILES = ("log.sqlite", "state.sqlite", "control.sqlite")


@pytest.fixture(params=HOMES, ids=lambda path: path.name.partition(".")[0])
def old_home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with tarfile.open(request.param) as packed:
        packed.extractall(tmp_path, filter="data")
    for name in FILES:
        if (tmp_path / name).exists():
            leave_behind(tmp_path / name)
    return tmp_path


def leave_behind(path: Path) -> None:
    """Delete rows as a version did that did not overwrite them."""
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("CREATE TABLE IF NOT EXISTS old (words TEXT)")
        connection.executemany("INSERT INTO old VALUES (?)", [(TOKEN,)] * 50)
        connection.execute("DELETE FROM old")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    assert TOKEN.encode() in path.read_bytes()


def opened(home: Path) -> Engine:
    return Engine(find(home, environment={}), clock=lambda: NOON * 2)


def holding(home: Path) -> list[str]:
    return [name for name in FILES if (home / name).exists()
            and TOKEN.encode() in (home / name).read_bytes()]  # fmt: skip


def test_what_was_let_go_of_is_overwritten_when_it_is_opened_and_once(old_home: Path) -> None:
    assert "log.sqlite" in holding(old_home)
    with opened(old_home) as engine:
        engine.catch_up()
        end = engine.log.end
        assert all(is_marked(old_home / name) for name in FILES if (old_home / name).exists())
    assert holding(old_home) == []
    leave_behind(old_home / "state.sqlite")
    with opened(old_home) as engine:
        assert engine.log.end == end
    assert holding(old_home) == ["state.sqlite"]


def test_without_room_for_it_the_certificate_says_so(
    old_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *, rows_stay: bool = False) -> bool:
        raise Unavailable("the disk is full", hint="")

    monkeypatch.setattr(erasing_beside, "overwrite_once", full)
    monkeypatch.setattr(erasing_beside, "scrub", full)
    with opened(old_home) as engine:
        engine.begin_erasure(Identifier("user_id:u1"))
        told = engine.finish_erasures()[-1].text
        assert engine.log.verify().events == engine.log.end
    assert b"file:log.sqlite" in told


def test_a_home_of_today_is_marked_from_the_beginning(tmp_path: Path) -> None:
    from customering.app.home import init

    init(tmp_path)
    with opened(tmp_path) as engine:
        engine.create()
    assert is_marked(tmp_path / "log.sqlite")
    assert is_marked(tmp_path / "state.sqlite")
    leave_behind(tmp_path / "log.sqlite")
    with opened(tmp_path) as engine:
        engine.catch_up()
    assert holding(tmp_path) == ["log.sqlite"]
