"""Which agents were given a token, and which requests are theirs; in the file of the rights."""

from pathlib import Path
from threading import Lock

from customering.stores.log_file import ground_connection, mapped_errors, transaction

_FILE = "rights.sqlite"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS agents (
    agent_id TEXT PRIMARY KEY,
    digest   BLOB NOT NULL UNIQUE, -- SHA-256 of the token
    at_ms    INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS agent_requests (
    request_id       TEXT PRIMARY KEY,
    agent_id         TEXT NOT NULL,
    agent_request_id TEXT NOT NULL
) STRICT;
"""


class AgentStore:
    """Tokens and requests of agents; any thread may use it.

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

    def put_token(self, agent_id: str, digest: bytes, at_ms: int) -> None:
        """Keep the token of an agent in place of an older one."""
        with self._lock, transaction(self._connection, self._path):
            self._connection.execute(
                "INSERT OR REPLACE INTO agents VALUES (?, ?, ?)", (agent_id, digest, at_ms)
            )

    def agent_of(self, digest: bytes) -> str | None:
        """Give the agent of a token; None when there is none."""
        with self._lock, mapped_errors(self._path):
            row = self._connection.execute(
                "SELECT agent_id FROM agents WHERE digest = ?", (digest,)
            ).fetchone()
        return None if row is None else str(row[0])

    def put_request(self, request_id: str, agent_id: str, agent_request_id: str) -> None:
        """Note whose request it is."""
        with self._lock, transaction(self._connection, self._path):
            self._connection.execute(
                "INSERT OR IGNORE INTO agent_requests VALUES (?, ?, ?)",
                (request_id, agent_id, agent_request_id),
            )

    def request(self, request_id: str) -> tuple[str, str] | None:
        """Give the agent of a request and what it calls it; None when no agent made it."""
        with self._lock, mapped_errors(self._path):
            row = self._connection.execute(
                "SELECT agent_id, agent_request_id FROM agent_requests WHERE request_id = ?",
                (request_id,),
            ).fetchone()
        return None if row is None else (str(row[0]), str(row[1]))
