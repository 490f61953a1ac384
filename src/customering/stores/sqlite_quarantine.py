"""The quarantine in the SQLite file of the log: what was refused, why, and what became of it."""

from collections.abc import Iterable
from pathlib import Path
from threading import Lock

from customering.events.store import Held, Quarantined, Resolution
from customering.kernel.errors import Absent
from customering.kernel.records import from_json, to_json
from customering.stores.erasing_mark import note_moved
from customering.stores.log_file import connect, mapped_errors, transaction


class SqliteQuarantine:
    """A `Quarantine` beside the log; several processes may write to it.

    Parameters
    ----------
    path
        The file of the log; it is made when it is not there.

    Raises
    ------
    Corrupt, Unavailable
        When the file is damaged, or cannot be used now.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = connect(path, create=True)
        self._lock = Lock()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def add(self, items: Iterable[Quarantined]) -> int:
        """Keep the items durably and give how many were new."""
        rows = [(item.quarantine_id, to_json(item)) for item in items]
        if not rows:
            return 0
        with self._lock, transaction(self._connection, self._path):
            before = self._connection.total_changes
            self._connection.executemany(
                "INSERT INTO quarantine (quarantine_id, resolution, resolved_at, item) "
                "VALUES (?, 'open', 0, ?) ON CONFLICT (quarantine_id) DO NOTHING",
                rows,
            )
            return self._connection.total_changes - before

    def newest(self, *, resolution: Resolution = "open", limit: int = 100) -> list[Held]:
        """Give the newest items of one resolution, newest first."""
        with self._lock, mapped_errors(self._path):
            rows = self._connection.execute(
                "SELECT item, resolution, resolved_at FROM quarantine WHERE resolution = ? "
                "ORDER BY number DESC LIMIT ?",
                (resolution, limit),
            ).fetchall()
        return [_held(*row) for row in rows]

    def count(self, *, resolution: Resolution = "open") -> int:
        """Count the items of one resolution."""
        with self._lock, mapped_errors(self._path):
            row = self._connection.execute(
                "SELECT count(*) FROM quarantine WHERE resolution = ?", (resolution,)
            ).fetchone()
        return int(row[0])

    def get(self, quarantine_id: str) -> Held:
        """Give one item.

        Raises
        ------
        Absent
            When there is none of this id.
        """
        with self._lock, mapped_errors(self._path):
            row = self._connection.execute(
                "SELECT item, resolution, resolved_at FROM quarantine WHERE quarantine_id = ?",
                (quarantine_id,),
            ).fetchone()
        if row is None:
            raise _absent(quarantine_id)
        return _held(*row)

    def resolve(self, quarantine_id: str, resolution: Resolution, at_ms: int) -> None:
        """Note that an item was replayed or discarded, or open it again.

        Raises
        ------
        Absent
            When there is none of this id.
        """
        with self._lock, transaction(self._connection, self._path):
            note_moved(self._connection)  # the row grows
            changed = self._connection.execute(
                "UPDATE quarantine SET resolution = ?, resolved_at = ? WHERE quarantine_id = ?",
                (resolution, 0 if resolution == "open" else at_ms, quarantine_id),
            ).rowcount
        if not changed:
            raise _absent(quarantine_id)


def _held(item: bytes, resolution: Resolution, resolved_at: int) -> Held:
    """Read one row."""
    return Held(
        quarantined=from_json(item, Quarantined), resolution=resolution, resolved_at=resolved_at
    )


def _absent(quarantine_id: str) -> Absent:
    """Build the refusal of an id."""
    return Absent(
        f"Nothing in the quarantine has the id {quarantine_id}",
        hint="List the quarantine to see the ids.",
    )
