"""The mark of a SQLite file in which everything that was ever deleted was overwritten.

Files made by a version before erasure was there may hold old versions of rows in free space. They
bear no mark, and are written anew once (`erasing_sqlite.overwrite_once`).
"""

import sqlite3

MARK = 0x63757374
"""The application id of a file that has overwritten from its beginning, or was written anew."""


def mark_if_new(connection: sqlite3.Connection | sqlite3.Cursor) -> None:
    """Mark a database in which nothing was ever written."""
    if connection.execute("PRAGMA schema_version").fetchone()[0] == 0:
        connection.execute(f"PRAGMA application_id = {MARK}")
