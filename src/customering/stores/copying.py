"""Copies of SQLite files that are whole although others write them meanwhile."""

import sqlite3
from contextlib import closing
from pathlib import Path

from customering.stores.log_file import mapped_errors


def copy_database(source: Path, target: Path) -> None:
    """Copy a database as it is at one instant; writers go on.

    Parameters
    ----------
    source
        The database, in WAL mode.
    target
        A file that is not there yet.

    Raises
    ------
    Corrupt, Conflict, Unavailable
        When it is damaged, held, or cannot be read or written.

    Notes
    -----
    All pages are read in one read transaction, which in WAL mode holds up no writer. The copy is
    in WAL mode too, and checked by SQLite before this returns.
    """
    with (
        mapped_errors(source),
        closing(sqlite3.connect(source)) as reading,
        closing(sqlite3.connect(target)) as writing,
    ):
        reading.backup(writing)
        report = writing.execute("PRAGMA quick_check(1)").fetchone()[0]
        if report != "ok":
            raise sqlite3.DatabaseError(f"the copy is not whole: {report}")
