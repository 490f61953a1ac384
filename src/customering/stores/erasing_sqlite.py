"""Rows taken out of SQLite files so that their bytes are gone too, not only let go of.

Three places keep what was deleted: free space inside pages, free pages, and the write-ahead log.
The first is overwritten as rows are deleted (``secure_delete``); free pages are used up by zeros
and freed again; the write-ahead log is cut to nothing once nobody reads what it holds.
"""

import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from customering.kernel.ids import Identifier
from customering.stores.erasing_mark import MARK
from customering.stores.log_file import mapped_errors

_TRIES = 40
_TRY_SECONDS = 0.05
_CHUNK = 400
_ZEROS = 64 * 1024 * 1024


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


def scrub(path: Path) -> bool:
    """Overwrite the free pages of a database and empty its write-ahead log.

    Returns
    -------
    bool
        Whether the write-ahead log is empty; false while somebody reads what is in it.

    Notes
    -----
    Zeros are written until no free page is left, and are then freed again, overwritten. A file in
    which much is free is made smaller by this, one in which nothing is free is only read at its
    head.
    """
    with overwriting(path) as connection:
        free = connection.execute("PRAGMA freelist_count").fetchone()[0]
        if free:
            _use_up(connection, free)
        return is_truncated(connection)


def _use_up(connection: sqlite3.Connection, free: int) -> None:
    """Write zeros over the free pages."""
    page_bytes = connection.execute("PRAGMA page_size").fetchone()[0]
    left = (free + 2) * page_bytes
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("CREATE TABLE scrubbing (zeros BLOB)")
    while left > 0:
        connection.execute("INSERT INTO scrubbing VALUES (zeroblob(?))", (min(left, _ZEROS),))
        left -= _ZEROS
    connection.execute("DROP TABLE scrubbing")
    connection.execute("COMMIT")


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
    Takes a second or two a gigabyte, and as much room again while it runs.
    """
    if not path.exists():
        return False
    with overwriting(path) as connection:
        if connection.execute("PRAGMA application_id").fetchone()[0] == MARK:
            return False
        connection.execute("VACUUM")
        connection.execute(f"PRAGMA application_id = {MARK}")
        is_truncated(connection)
        return True


def is_marked(path: Path) -> bool:
    """Tell whether everything that was ever deleted from a database was overwritten."""
    with overwriting(path) as connection:
        return bool(connection.execute("PRAGMA application_id").fetchone()[0] == MARK)


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
