"""The mark of a SQLite file in which everything that was ever deleted was overwritten.

Files made by a version before erasure was there may hold old versions of rows in free space. They
bear no mark, and are written anew once (`erasing_sqlite.overwrite_once`).

SQLite overwrites rows that are deleted, but not the places that rows were moved away from when a
page became too full: some hundredth of all rows leave such a copy. A file that is only ever
appended to moves none, until a row of it grows; from then on it bears another mark.
"""

import sqlite3

MARK = 0x63757374
"""The application id of a file that has overwritten from its beginning, or was written anew."""

MOVED = 0x6375736D
"""The application id of such a file when rows of it may have been moved since."""


def mark_if_new(connection: sqlite3.Connection | sqlite3.Cursor) -> None:
    """Mark a database in which nothing was ever written."""
    if connection.execute("PRAGMA schema_version").fetchone()[0] == 0:
        connection.execute(f"PRAGMA application_id = {MARK}")


def note_moved(connection: sqlite3.Connection) -> None:
    """Note, in the transaction that makes rows grow, that this may move others."""
    if connection.execute("PRAGMA application_id").fetchone()[0] == MARK:
        connection.execute(f"PRAGMA application_id = {MOVED}")
