"""Whom we told what of a request: processors, and agents that want to hear; in the file of rights.

What is sent to a processor names the person, and stays here only until it was taken in or is given
up; it is then overwritten.
"""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from customering.consent.rights_told import Told
from customering.kernel.errors import Absent
from customering.kernel.records import from_json, to_json
from customering.stores.erasing_sqlite import is_truncated
from customering.stores.log_file import ground_connection, mapped_errors, transaction

_FILE = "rights.sqlite"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS told (
    subject_request_id TEXT PRIMARY KEY,
    request_id         TEXT NOT NULL,
    record             BLOB NOT NULL,   -- JSON of a Told
    body               BLOB,            -- what is sent; NULL once it was taken in
    next_at            INTEGER          -- NULL when it has ended
) STRICT;
CREATE INDEX IF NOT EXISTS told_by_request ON told (request_id);
CREATE TABLE IF NOT EXISTS agent_callbacks (
    request_id TEXT PRIMARY KEY,
    agent_id   TEXT NOT NULL,
    agent_request_id TEXT NOT NULL,
    url        TEXT NOT NULL,
    steps      INTEGER NOT NULL,        -- of the request, that the agent was told
    tries      INTEGER NOT NULL,
    next_at    INTEGER                  -- NULL when nothing is to be told
) STRICT;
"""


class AgentCallback(NamedTuple):
    """An address at which an agent wants to be told how far a request is.

    Parameters
    ----------
    request_id, agent_id, agent_request_id, url
        The request, whose it is, what they call it, and the address.
    steps
        How many steps of the request the agent was told of.
    tries
        Tries that failed since the last that did not.
    next_at
        When it is tried next; None when nothing is to be told. Milliseconds since 1970.
    """

    request_id: str
    agent_id: str
    agent_request_id: str
    url: str
    steps: int
    tries: int
    next_at: int | None


class ToldStore:
    """Who was told; any thread may use it.

    Parameters
    ----------
    folder
        The home.

    Raises
    ------
    Corrupt, Conflict, Unavailable
        When the file is damaged, held, or cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE
        self._lock = Lock()
        self._connection = ground_connection(self._path, _SCHEMA)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    # Processors

    def add(self, rows: Sequence[tuple[Told, bytes]]) -> None:
        """Keep what is to be sent to recipients, durably; what is there already stays."""
        with self._lock, transaction(self._connection, self._path):
            self._connection.executemany(
                "INSERT OR IGNORE INTO told VALUES (?, ?, ?, ?, ?)",
                [
                    (one.subject_request_id, one.request_id, to_json(one), body, one.next_at)
                    for one, body in rows
                ],
            )

    def take_back(self, request_id: str) -> None:
        """Remove what was to be told of a request that did not come about."""
        with self._lock, transaction(self._connection, self._path):
            self._connection.execute("DELETE FROM told WHERE request_id = ?", (request_id,))

    def put(self, told: Told) -> None:
        """Keep how far a recipient is; what was sent is forgotten once it was taken in."""
        is_done = told.told_at is not None or told.has_ended
        with self._lock, transaction(self._connection, self._path):
            self._connection.execute(
                "UPDATE told SET record = ?, next_at = ?,"
                " body = CASE WHEN ? THEN NULL ELSE body END WHERE subject_request_id = ?",
                (to_json(told), told.next_at, is_done, told.subject_request_id),
            )
        if is_done:
            with self._lock, mapped_errors(self._path):
                is_truncated(self._connection)

    def get(self, subject_request_id: str) -> Told:
        """Give what a recipient was told, by its id for them.

        Raises
        ------
        Absent
            When there is none of this id.
        """
        with self._lock, mapped_errors(self._path):
            row = self._connection.execute(
                "SELECT record FROM told WHERE subject_request_id = ?", (subject_request_id,)
            ).fetchone()
        if row is None:
            raise Absent("there is no request of this id", hint="check the id")
        return from_json(row[0], Told)

    def of(self, request_id: str) -> list[Told]:
        """Give who was told of a request, in the order of the settings then."""
        with self._lock, mapped_errors(self._path):
            rows = self._connection.execute(
                "SELECT record FROM told WHERE request_id = ? ORDER BY rowid", (request_id,)
            ).fetchall()
        return [from_json(row[0], Told) for row in rows]

    def due(self, now_ms: int) -> list[tuple[Told, bytes | None]]:
        """Give whom to tell or to ask now, with what is to be sent to those not reached yet."""
        with self._lock, mapped_errors(self._path):
            rows = self._connection.execute(
                "SELECT record, body FROM told WHERE next_at <= ? ORDER BY next_at", (now_ms,)
            ).fetchall()
        return [(from_json(record, Told), body) for record, body in rows]

    def next_at(self) -> int | None:
        """Give when somebody is next to be told or asked; None when nobody is."""
        with self._lock, mapped_errors(self._path):
            row = self._connection.execute(
                "SELECT min(next_at) FROM (SELECT next_at FROM told"
                " UNION ALL SELECT next_at FROM agent_callbacks)"
            ).fetchone()
        return None if row[0] is None else int(row[0])

    # Agents

    def add_callback(self, callback: AgentCallback) -> None:
        """Keep where an agent wants to hear of a request."""
        with self._lock, transaction(self._connection, self._path):
            self._connection.execute(
                "INSERT OR IGNORE INTO agent_callbacks VALUES (?, ?, ?, ?, ?, ?, ?)", callback
            )

    def changed(self, request_id: str, now_ms: int) -> bool:
        """Note that a request changed; tell whether an agent wants to hear of it."""
        with self._lock, transaction(self._connection, self._path):
            return bool(
                self._connection.execute(
                    "UPDATE agent_callbacks SET next_at = ?, tries = 0 WHERE request_id = ?",
                    (now_ms, request_id),
                ).rowcount
            )

    def callbacks_due(self, now_ms: int) -> list[AgentCallback]:
        """Give which agents to tell now."""
        with self._lock, mapped_errors(self._path):
            rows = self._connection.execute(
                "SELECT * FROM agent_callbacks WHERE next_at <= ? ORDER BY next_at", (now_ms,)
            ).fetchall()
        return [AgentCallback(*row) for row in rows]

    def callbacks_idle(self) -> list[AgentCallback]:
        """Give the agents to whom nothing is to be told, as far as is known here."""
        with self._lock, mapped_errors(self._path):
            rows = self._connection.execute(
                "SELECT * FROM agent_callbacks WHERE next_at IS NULL AND tries = 0"
            ).fetchall()
        return [AgentCallback(*row) for row in rows]

    def drop_callback(self, request_id: str) -> None:
        """Forget where an agent wanted to hear of a request."""
        with self._lock, transaction(self._connection, self._path):
            self._connection.execute(
                "DELETE FROM agent_callbacks WHERE request_id = ?", (request_id,)
            )

    def put_callback(self, callback: AgentCallback) -> None:
        """Keep how far an agent was told."""
        with self._lock, transaction(self._connection, self._path):
            self._connection.execute(
                "UPDATE agent_callbacks SET steps = ?, tries = ?, next_at = ? WHERE request_id = ?",
                (callback.steps, callback.tries, callback.next_at, callback.request_id),
            )
