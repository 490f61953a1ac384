"""Derived state in SQL: all or nothing, and only by whom the offset belongs to."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from customering.identity.model import Link, link_between
from customering.kernel.errors import Conflict, Unavailable
from customering.kernel.ids import Identifier
from customering.stores.state import Kept, State

A, B, C = (Identifier(f"user_id:{name}") for name in "abc")


def link(one: Identifier, other: Identifier, at_ms: int = 5, evidence: str = "e1") -> Link:
    return link_between(one, other, evidence=evidence, occurred_at=at_ms, source="test")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


@pytest.fixture
def state(path: Path) -> Iterator[State]:
    opened = State(f"sqlite:///{path}")
    yield opened
    opened.close()


def commit(state: State, before: int, offset: int, *links: Link, **states: Kept) -> None:
    named = {Identifier(f"user_id:{name}"): kept for name, kept in states.items()}
    state.commit(states=named, links=links, before=before, offset=offset, fingerprint="f")


def test_a_new_one_is_empty(state: State) -> None:
    assert (state.offset, state.fingerprint) == (0, "")
    assert state.get([A, B]) == {}
    assert list(state.scan()) == list(state.links()) == list(state.choices()) == []


def test_what_is_committed_is_there_when_opened_again(state: State, path: Path) -> None:
    commit(state, 0, 3, link(A, B), a=Kept(b"one"), b=Kept(b"two", b"{}", 5))
    state.close()
    again = State(f"sqlite:///{path}")
    assert (again.offset, again.fingerprint) == (3, "f")
    assert again.get([B, A, C]) == {A: b"one", B: b"two"}
    assert list(again.choices()) == [(B, Kept(b"two", b"{}", 5))]
    assert list(again.links()) == [link(A, B)]
    assert again.anchors() == [A, B]
    again.close()


def test_one_is_read_as_it_is_now_in_any_thread_and_holds_up_nobody(
    state: State, path: Path
) -> None:
    assert state.get([A]) == {}
    commit(state, 0, 1, a=Kept(b"one"), b=Kept(b"other"))
    assert (state.get([A]), state.get([B]), state.get([C])) == ({A: b"one"}, {B: b"other"}, {})
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(state.get, [A]).result() == {A: b"one"}
    other = State(f"sqlite:///{path}")
    commit(other, 1, 2, a=Kept(b"two"))
    other.close()
    assert state.get([A]) == {A: b"two"}
    # Nobody reads any more, so the write-ahead log can be emptied.
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
    assert state.get([A]) == {A: b"two"}


def test_a_commit_replaces_state_choice_and_mask(state: State) -> None:
    commit(state, 0, 1, a=Kept(b"one", b"{}", 5), b=Kept(b"other"))
    commit(state, 1, 2, a=Kept(b"two"))
    assert dict(state.scan()) == {A: b"two", B: b"other"}
    assert list(state.choices()) == []


def test_whoever_is_behind_is_told_and_changes_nothing(state: State, path: Path) -> None:
    other = State(f"sqlite:///{path}")
    commit(state, 0, 4, a=Kept(b"first"))
    with pytest.raises(Conflict):
        commit(other, 0, 3, link(A, B), a=Kept(b"second"), c=Kept(b"second"))
    assert (other.offset, other.fingerprint) == (4, "f")
    assert dict(other.scan()) == {A: b"first"}
    assert list(other.links()) == []
    other.close()


def test_whoever_is_further_stores_what_the_other_has_too(state: State, path: Path) -> None:
    other = State(f"sqlite:///{path}")
    commit(state, 0, 4, a=Kept(b"at four"))
    commit(other, 0, 6, a=Kept(b"at six"), b=Kept(b"new"))
    assert other.offset == 6
    assert dict(other.scan()) == {A: b"at six", B: b"new"}
    other.close()


def test_states_of_other_definitions_are_never_mixed(state: State) -> None:
    commit(state, 0, 4, a=Kept(b"first"))
    with pytest.raises(Conflict, match="definitions"):
        state.commit(states={A: Kept(b"x")}, links=[], before=4, offset=5, fingerprint="other")
    assert (state.offset, dict(state.scan())) == (4, {A: b"first"})


def test_of_the_same_evidence_the_earliest_time_stays(state: State) -> None:
    commit(state, 0, 1, link(A, B, 5))
    commit(state, 1, 2, link(A, B, 9))
    assert list(state.links()) == [link(A, B, 5)]
    commit(state, 2, 3, link(A, B, 2), link(A, B, 7, "e2"))
    assert sorted(one.occurred_at for one in state.links()) == [2, 7]


def test_links_at_either_end(state: State) -> None:
    many = [link(A, Identifier(f"device:{number}"), evidence=f"e{number}") for number in range(700)]
    commit(state, 0, 1, link(A, B), link(B, C), *many)
    assert set(state.touching([C])) == {link(B, C)}
    assert set(state.touching([B])) == {link(A, B), link(B, C)}
    names = [Identifier(f"device:{number}") for number in range(700)]
    assert set(state.touching(names)) == set(many)
    assert state.touching([]) == []


def test_more_anchors_than_a_statement_may_bind(state: State) -> None:
    names = [f"n{number:04d}" for number in range(1_234)]
    commit(state, 0, 1, **{name: Kept(name.encode()) for name in names})
    asked = [Identifier(f"user_id:{name}") for name in names]
    assert state.get(asked) == {f"user_id:{name}": name.encode() for name in names}
    assert [anchor for anchor, _ in state.scan()] == asked


def test_a_swap_leaves_nothing_of_before(state: State) -> None:
    commit(state, 0, 9, link(A, B), a=Kept(b"old", b"{}", 1), b=Kept(b"old"))
    count = state.replace(
        states=iter([(C, Kept(b"new"))]), links=[link(B, C)], offset=7, fingerprint="g"
    )
    assert count == 1
    assert dict(state.scan()) == {C: b"new"}
    assert list(state.links()) == [link(B, C)]
    assert list(state.choices()) == []
    assert (state.offset, state.fingerprint) == (7, "g")


def test_a_swap_that_breaks_off_changes_nothing(state: State) -> None:
    commit(state, 0, 9, link(A, B), a=Kept(b"old"))

    def broken() -> Iterator[tuple[str, Kept]]:
        yield C, Kept(b"new")
        raise RuntimeError("the history could not be read")

    with pytest.raises(RuntimeError):
        state.replace(states=broken(), links=[], offset=1, fingerprint="g")
    assert dict(state.scan()) == {A: b"old"}
    assert list(state.links()) == [link(A, B)]
    assert (state.offset, state.fingerprint) == (9, "f")


def test_readers_see_whole_commits_while_one_writes(state: State, path: Path) -> None:
    commit(state, 0, 1, a=Kept(b"one"))
    reader = State(f"sqlite:///{path}")

    def states() -> Iterator[tuple[str, Kept]]:
        yield A, Kept(b"two")
        assert dict(reader.scan()) == {A: b"one"}
        assert reader.offset == 1

    state.replace(states=states(), links=[], offset=2, fingerprint="g")
    assert (dict(reader.scan()), reader.offset) == ({A: b"two"}, 2)
    reader.close()


@pytest.mark.parametrize("content", [b"no database" * 500, b"SQLite format 3\x00" + b"\xff" * 200])
def test_a_file_that_is_no_database(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(Unavailable) as caught:
        State(f"sqlite:///{path}")
    assert "state" in caught.value.message
    assert "delete" in caught.value.hint


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be opened"):
        State(f"sqlite:///{tmp_path / 'nowhere' / 'state.sqlite'}")


def test_another_version_of_the_schema_is_not_touched(state: State, path: Path) -> None:
    commit(state, 0, 1, a=Kept(b"one"))
    state.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    connection.close()
    with pytest.raises(Unavailable, match="schema 99") as caught:
        State(f"sqlite:///{path}")
    assert "rebuild" in caught.value.hint


def test_who_chose_nothing_is_not_looked_at_for_choices(state: State, path: Path) -> None:
    commit(state, 0, 1, a=Kept(b"one"), b=Kept(b"two", mask=5))
    assert list(state.choices()) == [(B, Kept(b"two", None, 5))]
    state.close()
    with sqlite3.connect(path) as connection:
        ((*_, plan),) = connection.execute(
            "EXPLAIN QUERY PLAN SELECT * FROM states WHERE consent IS NOT NULL OR mask IS NOT NULL"
        )
    connection.close()
    assert plan == "SCAN states USING INDEX states_of_their_own"


def test_a_database_from_before_gets_its_index(state: State, path: Path) -> None:
    commit(state, 0, 1, a=Kept(b"one", mask=5))
    state.close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP INDEX states_of_their_own")
    connection.close()
    again = State(f"sqlite:///{path}")
    assert list(again.choices()) == [(A, Kept(b"one", None, 5))]
    again.close()
    with sqlite3.connect(path) as connection:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'").fetchall()
    connection.close()
    assert ("states_of_their_own",) in found


def test_thousands_in_any_order_are_all_kept(state: State) -> None:
    names = [f"n{number * 7_919 % 2_503:04}" for number in range(2_503)]
    commit(state, 0, 1, **{name: Kept(name.encode()) for name in names})
    commit(state, 1, 2, **{name: Kept(b"new") for name in names[:1_201]})
    assert dict(state.scan()) == {
        f"user_id:{name}": b"new" if place < 1_201 else name.encode()
        for place, name in enumerate(names)
    }


def test_of_links_that_come_twice_at_once_the_earliest_stays(state: State) -> None:
    commit(state, 0, 1, link(A, B, 9), link(A, B, 4), link(A, B, 6))
    assert list(state.links()) == [link(A, B, 4)]
