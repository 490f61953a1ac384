"""Rows taken out of SQLite files so that their bytes are gone too, not only let go of.

Four places keep what was deleted: free space inside pages, free pages, places in pages that rows
were moved away from, and the write-ahead log. The first two are overwritten as rows are deleted
(``secure_delete``). The third only a file that is written anew is rid of. The write-ahead log is
cut to nothing once nobody reads what it holds.
"""

import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from customering.kernel.ids import Identifier
from customering.stores.erasing_mark import MARK, MOVED, note_moved
from customering.stores.log_file import mapped_errors

_TRIES = 40
_TRY_SECONDS = 0.05
_CHUNK = 400


@contextmanager
def overwriting(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a SQLite file so that what is deleted is overwritten; errors become ours.

    Raises
    ------
    Corrupt, Conflict, Unavailable
        As `mapped_errors` says.
    """
    with (
        mapped_errors(path),
        closing(sqlite3.connect(path, timeout=10.0, isolation_level=None)) as connection,
    ):
        connection.execute("PRAGMA secure_delete = ON")
        yield connection


def erase_people(path: Path, names: Collection[Identifier]) -> tuple[int, int]:
    """Take states and links of some identifiers out of the state database, if there is one.

    Returns
    -------
    tuple of int
        States and links removed.
    """
    states = links = 0
    wanted = list(names)
    if not path.exists():
        return 0, 0
    with overwriting(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for start in range(0, len(wanted), _CHUNK):
            some = wanted[start : start + _CHUNK]
            marks = ", ".join("?" * len(some))
            states += connection.execute(
                f"DELETE FROM states WHERE anchor IN ({marks})", some
            ).rowcount
            links += connection.execute(
                f'DELETE FROM links WHERE "left" IN ({marks}) OR "right" IN ({marks})', some * 2
            ).rowcount
        connection.execute("COMMIT")
    return states, links


def erase_states(path: Path, anchors: Collection[Identifier]) -> int:
    """Take the states of some anchors out of the state database; links stay. Give how many."""
    states = 0
    with overwriting(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for anchor in anchors:
            states += connection.execute("DELETE FROM states WHERE anchor = ?", (anchor,)).rowcount
        connection.execute("COMMIT")
    return states


def erase_rows_naming(
    path: Path,
    names_person: Callable[[Any], bool],
    *,
    kept: Collection[str] = (),
    only: Collection[str] = (),
) -> dict[str, int]:
    """Delete, from every table of a database, the rows in which a cell names a person.

    Parameters
    ----------
    path
        A small database: every cell of it is looked at.
    names_person
        Says of the value of a cell whether it names them.
    kept
        Tables that are left as they are.
    only
        Tables that are looked at; all of them when it is empty.

    Returns
    -------
    dict of str to int
        Rows deleted, by table.
    """
    deleted: dict[str, int] = {}
    with overwriting(path) as connection:
        connection.create_function("names_person", 1, lambda cell: int(names_person(cell)))
        tables = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
            if name not in kept and (not only or name in only)
        ]
        for table in tables:
            cells = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
            asked = " OR ".join(f'names_person("{cell}")' for cell in cells)
            deleted[table] = connection.execute(f'DELETE FROM "{table}" WHERE {asked}').rowcount
    return deleted


def scrub(path: Path, *, rows_stay: bool = False) -> bool:
    """Write a database anew, so that nothing is left of what was deleted; empty its log.

    Parameters
    ----------
    rows_stay
        Whether rows of this file stay where they were written, so that it need not be written anew
        unless it is marked as one in which some were moved.

    Returns
    -------
    bool
        Whether the write-ahead log is empty; false while somebody reads what is in it.

    Raises
    ------
    Conflict, Unavailable
        When somebody else writes it, or there is no room for a second copy.

    Notes
    -----
    Takes some 8 seconds a gigabyte, and as much room again while it runs.
    """
    with overwriting(path) as connection:
        if not rows_stay:
            note_moved(connection)
        if _mark_of(connection) != MARK:
            _write_anew(connection)
        return is_truncated(connection)


def _write_anew(connection: sqlite3.Connection) -> None:
    connection.execute("VACUUM")
    connection.execute(f"PRAGMA application_id = {MARK}")


def _mark_of(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA application_id").fetchone()[0])


def overwrite_once(path: Path) -> bool:
    """Write a database anew if an older version made it: then free space holds nothing any more.

    Returns
    -------
    bool
        Whether it was written anew: only the first time, and only if need be.

    Raises
    ------
    Conflict, Unavailable
        When somebody else writes it, or there is no room for a second copy.

    Notes
    -----
    Takes some 8 seconds a gigabyte, and as much room again while it runs.
    """
    if not path.exists():
        return False
    with overwriting(path) as connection:
        if _mark_of(connection) in (MARK, MOVED):
            return False
        _write_anew(connection)
        is_truncated(connection)
        return True


def is_marked(path: Path) -> bool:
    """Tell whether everything that was ever deleted from a database was overwritten."""
    with overwriting(path) as connection:
        return _mark_of(connection) == MARK


def is_truncated(connection: sqlite3.Connection) -> bool:
    """Empty the write-ahead log, waiting up to two seconds for readers; tell whether it is."""
    for _ in range(_TRIES):
        try:
            row: Sequence[int] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError:  # another checkpoint is under way
            row = (1,)
        if row[0] == 0:
            return True
        time.sleep(_TRY_SECONDS)
    return False
