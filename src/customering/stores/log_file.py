"""The SQLite file of the log and the quarantine: its tables, its connections, its errors."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from customering.kernel.errors import Absent, Conflict, Corrupt, CustomeringError, Unavailable
from customering.stores.erasing_mark import mark_if_new

SCHEMA_VERSION = 1
_BUSY_TIMEOUT_SECONDS = 10.0
# Blocks are large: with big pages a block is few pages and its row few links. Kept by the file.
_PAGE_BYTES = 16_384
_SCHEMA = """
CREATE TABLE IF NOT EXISTS blocks (
    first         INTEGER PRIMARY KEY,  -- offset of the first event
    count         INTEGER NOT NULL,
    recorded_from INTEGER NOT NULL,     -- milliseconds since 1970
    recorded_to   INTEGER NOT NULL,
    checksum      INTEGER NOT NULL,     -- XXH3-64 of the four counters and the payload
    ids_checksum  INTEGER NOT NULL,     -- XXH3-64 of the four counters and the ids
    ids           BLOB NOT NULL,        -- XXH3-128 of each event id, 16 bytes each
    payload       BLOB NOT NULL         -- Zstandard frame of NDJSON, one event a line
) STRICT;
CREATE INDEX IF NOT EXISTS blocks_by_recorded ON blocks (recorded_to);
CREATE TABLE IF NOT EXISTS quarantine (
    number        INTEGER PRIMARY KEY,
    quarantine_id TEXT NOT NULL UNIQUE,
    resolution    TEXT NOT NULL,
    resolved_at   INTEGER NOT NULL,     -- milliseconds since 1970; 0 while open
    item          BLOB NOT NULL         -- JSON
) STRICT;
CREATE INDEX IF NOT EXISTS quarantine_by_resolution ON quarantine (resolution, number);
"""
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def connect(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open the file, with its tables in place.

    The connection may be used from one thread at a time, not only from the one that opened it.

    Raises
    ------
    Absent
        When there is no file and none is to be made.
    Corrupt
        When it is not such a file.
    Unavailable
        When it cannot be opened now, or a newer version of customering wrote it.
    """
    if not create and not path.exists():
        raise Absent(
            f"There is no log in {path.name}",
            hint="Import or send events first, or name the right folder.",
        )
    with mapped_errors(path):
        connection = sqlite3.connect(
            path,
            timeout=_BUSY_TIMEOUT_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
    try:
        with mapped_errors(path):
            _prepare(connection, path)
    except CustomeringError:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Set what a connection needs, and make the tables of a new file."""
    connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
    connection.execute("PRAGMA synchronous = FULL")  # a commit is on disk before it returns
    connection.execute("PRAGMA secure_delete = ON")  # what is erased is overwritten in the file
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        raise Unavailable(
            f"{path.name} was written by a newer version of customering",
            hint="Upgrade customering.",
            file=path.name,
        )
    if version < SCHEMA_VERSION:
        mark_if_new(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


@contextmanager
def mapped_errors(path: Path) -> Iterator[None]:
    """Turn errors of SQLite into ours.

    Raises
    ------
    Corrupt
        When SQLite finds the file damaged.
    Conflict
        When another connection holds what is needed.
    Unavailable
        On any other failure, such as a full disk.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _DAMAGED:
            raise Corrupt(
                f"{path.name} is damaged: {error}",
                hint="Restore it from a backup.",
                file=path.name,
            ) from error
        if code in _BUSY or isinstance(error, sqlite3.IntegrityError):
            raise Conflict(
                f"{path.name} is held by another process",
                hint="Wait for the other process, or stop it.",
                file=path.name,
            ) from error
        raise Unavailable(
            f"{path.name} cannot be used: {error}",
            hint="Check the disk's free space and the file's permissions.",
            file=path.name,
        ) from error


@contextmanager
def transaction(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Hold the right to write; commit at the end, undo on any error."""
    with mapped_errors(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def ground_connection(path: Path, schema: str) -> sqlite3.Connection:
    """Open a file of what cannot be made again from the log, with every commit on disk.

    Any thread may use the connection, one at a time.

    Parameters
    ----------
    schema
        Makes the tables that are not there.

    Raises
    ------
    Corrupt, Conflict, Unavailable
        When the file is damaged, held, or cannot be used.
    """
    with mapped_errors(path):
        connection = sqlite3.connect(
            path, timeout=_BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
        )
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.executescript(f"BEGIN IMMEDIATE; {schema} COMMIT;")
    return connection


class WriterLock:
    """The right to append to one log: held by one process, let go of by the system when it dies.

    A second, empty SQLite file beside the log is locked for as long as the writer lives, so readers
    and the quarantine are never in its way.

    Raises
    ------
    Conflict
        When another writer holds it.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(
            path.with_name(f"{path.name}-writer"),
            timeout=0.0,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            self._connection.close()
            raise Conflict(
                f"Another process appends to {path.name}",
                hint="Stop the running server or import first, or send the events to the server.",
                file=path.name,
            ) from error

    def release(self) -> None:
        """Let others write."""
        self._connection.close()
