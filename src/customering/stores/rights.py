"""Requests of people and the trail of who looked at whom, in the file of the journal of erasures.

Both outlive the person's data: they name nobody but by keyed hashes. A row of the trail carries the
hash of the row before, so that one that is changed or taken out is found.
"""

from collections.abc import Collection, Sequence
from hashlib import sha256
from pathlib import Path
from threading import Lock

from msgspec.structs import replace

from customering.consent.rights import Look, Request
from customering.kernel.errors import Absent
from customering.kernel.records import Record, from_json, to_json
from customering.stores.log_file import ground_connection, mapped_errors, transaction

_FIRST = bytes(32)
_MANY = ""
"""Stands in the place of the subject in the row of an act on many people."""

_ROWS = 10_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    request_id TEXT PRIMARY KEY,
    record     BLOB NOT NULL,      -- JSON of a Request
    who        TEXT                -- an identifier of the person; NULL once the request has ended
) STRICT;
CREATE TABLE IF NOT EXISTS request_people (
    subject    TEXT NOT NULL,      -- keyed hash of an identifier, hexadecimal
    request_id TEXT NOT NULL,
    PRIMARY KEY (subject, request_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS audit (
    seq        INTEGER PRIMARY KEY,
    subject    TEXT NOT NULL,      -- keyed hash of the identifier that was named, hexadecimal
    row        BLOB NOT NULL,      -- JSON of a Look
    hash       BLOB NOT NULL       -- SHA-256 of the hash before, the subject and the row
) STRICT;
CREATE INDEX IF NOT EXISTS audit_by_subject ON audit (subject, seq);
CREATE TABLE IF NOT EXISTS audit_members (
    subject    TEXT NOT NULL,      -- keyed hash of an identifier that an act on many reached
    seq        INTEGER NOT NULL,   -- of the act
    PRIMARY KEY (subject, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS audit_members_by_act ON audit_members (seq);
"""


class AuditVerdict(Record, frozen=True, kw_only=True):
    """What came of checking the trail.

    Parameters
    ----------
    rows
        Rows that follow on each other.
    head
        Hash of the last of them, hexadecimal: kept elsewhere, it shows that rows were cut off.
    fault
        What is wrong, and with which row; empty when nothing is.
    """

    rows: int
    head: str
    fault: str = ""


class RightsStore:
    """Requests and the trail; any thread may use it.

    Parameters
    ----------
    path
        The file, ``rights.sqlite`` of the home; made when it is not there.

    Raises
    ------
    Corrupt, Conflict, Unavailable
        When the file is damaged, held, or cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._connection = ground_connection(path, _SCHEMA)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    # Requests

    def put(self, request: Request, who: str | None = None) -> None:
        """Keep a request as it is now; who it is about is forgotten once it has ended."""
        with self._lock, transaction(self._connection, self._path):
            self._connection.execute(
                "INSERT INTO requests VALUES (?, ?, ?) ON CONFLICT (request_id) DO UPDATE"
                " SET record = excluded.record, who = coalesce(excluded.who, who)",
                (request.request_id, to_json(request), who),
            )
            if request.has_ended:
                self._connection.execute(
                    "UPDATE requests SET who = NULL WHERE request_id = ?", (request.request_id,)
                )
            self._connection.executemany(
                "INSERT OR IGNORE INTO request_people VALUES (?, ?)",
                [(subject, request.request_id) for subject in request.subjects],
            )

    def get(self, request_id: str) -> tuple[Request, str | None]:
        """Give a request, and an identifier of the person while it has not ended.

        Raises
        ------
        Absent
            When there is none of this id.
        """
        with self._lock, mapped_errors(self._path):
            row = self._connection.execute(
                "SELECT record, who FROM requests WHERE request_id = ?", (request_id,)
            ).fetchone()
        if row is None:
            raise Absent("there is no request of this id", hint="check the id")
        return from_json(row[0], Request), row[1]

    def requests(self, subjects: Collection[str] | None = None) -> list[Request]:
        """Give the requests of one person, or of everybody, the latest first."""
        select = "SELECT record FROM requests"
        given: tuple[str, ...] = ()
        if subjects is not None:
            marks = ", ".join("?" * len(subjects))
            select += (
                " WHERE request_id IN (SELECT request_id FROM request_people"
                f" WHERE subject IN ({marks}))"
            )
            given = tuple(subjects)
        with self._lock, mapped_errors(self._path):
            rows = self._connection.execute(f"{select} ORDER BY rowid DESC", given).fetchall()
        return [from_json(row[0], Request) for row in rows]

    def blot(self, subjects: Collection[str], kinds: Collection[str] = ()) -> int:
        """Take from the requests of somebody who was erased who they are and all that was said.

        Parameters
        ----------
        kinds
            Only ended requests of these kinds; all requests when it is empty.

        Returns
        -------
        int
            Requests that are kept without it.
        """
        requests = [
            one
            for one in self.requests(subjects)
            if not kinds or (one.kind in kinds and one.has_ended)
        ]
        with self._lock, transaction(self._connection, self._path):
            for request in requests:
                steps = tuple(replace(step, words="") for step in request.steps)
                blotted = replace(request, words="", details={}, steps=steps)
                self._connection.execute(
                    "UPDATE requests SET record = ?, who = NULL WHERE request_id = ?",
                    (to_json(blotted), request.request_id),
                )
        return len(requests)

    # The trail

    def note(self, looks: Sequence[tuple[str, Look]]) -> None:
        """Add rows to the trail, durably, in this order: the subject and what was done."""
        with self._lock, transaction(self._connection, self._path):
            self._add(looks)

    def _add(self, looks: Sequence[tuple[str, Look]]) -> int:
        """Add rows within a transaction, and give the number of the last."""
        row = self._connection.execute(
            "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1"
        ).fetchone()
        seq, before = row or (0, _FIRST)
        rows = []
        for subject, look in looks:
            text = to_json(look)
            seq, before = seq + 1, _chained(before, subject, text)
            rows.append((seq, subject, text, before))
        self._connection.executemany("INSERT INTO audit VALUES (?, ?, ?, ?)", rows)
        return int(seq)

    def note_many(self, look: Look, members: Collection[str] | None) -> None:
        """Add the row of an act on many people, durably.

        Parameters
        ----------
        members
            Keyed hashes of the identifiers it reached; None where that is not kept.
        """
        known = None if members is None else sorted(set(members))
        if known is not None:
            look = replace(look, members=_digest(known))
        with self._lock, transaction(self._connection, self._path):
            seq = self._add([(_MANY, look)])
            self._connection.executemany(
                "INSERT INTO audit_members VALUES (?, ?)", [(one, seq) for one in known or ()]
            )

    def looks_at_many(
        self, subjects: Collection[str], limit: int, since_ms: int = 0
    ) -> list[tuple[Look, bool | None]]:
        """Give the acts on many people since an instant, the latest first.

        Returns
        -------
        list of tuple
            Each act, and whether somebody was among those it reached; None where that is not known.
        """
        marks = ", ".join("?" * len(subjects))
        with self._lock, mapped_errors(self._path):
            rows = self._connection.execute(
                "SELECT row, EXISTS (SELECT 1 FROM audit_members AS m WHERE m.seq = audit.seq"
                f" AND m.subject IN ({marks})) FROM audit WHERE subject = ?"
                " ORDER BY seq DESC LIMIT ?",
                (*subjects, _MANY, limit),
            ).fetchall()
        found = [(from_json(row, Look), bool(was_in)) for row, was_in in rows]
        return [
            (look, was_in if look.members else None)
            for look, was_in in found
            if look.at_ms >= since_ms
        ]

    def looks(self, subjects: Collection[str], limit: int) -> list[Look]:
        """Give what was done with what is known of a person, the latest first."""
        marks = ", ".join("?" * len(subjects))
        with self._lock, mapped_errors(self._path):
            rows = self._connection.execute(
                f"SELECT row FROM audit WHERE subject IN ({marks}) ORDER BY seq DESC LIMIT ?",
                (*subjects, limit),
            ).fetchall()
        return [from_json(row[0], Look) for row in rows]

    def verify(self) -> AuditVerdict:
        """Check that every row follows on the one before; reads the whole trail."""
        seq, before = 0, _FIRST
        while rows := self._some_rows(seq):
            for number, subject, text, found in rows:
                fault = ""
                if number != seq + 1:
                    fault = f"row {seq + 1} is missing"
                elif _chained(before, subject, text) != found or not self._is_whole(
                    number, subject, text
                ):
                    fault = f"row {number} is not what was written"
                if fault:
                    return AuditVerdict(rows=seq, head=before.hex(), fault=fault)
                seq, before = number, found
        return AuditVerdict(rows=seq, head=before.hex())

    def _is_whole(self, seq: int, subject: str, text: bytes) -> bool:
        """Tell whether those an act on many people reached are still those that were noted."""
        if subject != _MANY:
            return True
        noted = from_json(text, Look).members
        if not noted:
            return True
        with self._lock, mapped_errors(self._path):
            rows = self._connection.execute(
                "SELECT subject FROM audit_members WHERE seq = ? ORDER BY subject", (seq,)
            ).fetchall()
        return noted == _digest([row[0] for row in rows])

    def _some_rows(self, after: int) -> list[tuple[int, str, bytes, bytes]]:
        with self._lock, mapped_errors(self._path):
            return self._connection.execute(
                "SELECT seq, subject, row, hash FROM audit WHERE seq > ? ORDER BY seq LIMIT ?",
                (after, _ROWS),
            ).fetchall()


def _digest(members: Sequence[str]) -> str:
    return sha256("\n".join(members).encode()).hexdigest()


def _chained(before: bytes, subject: str, text: bytes) -> bytes:
    return sha256(before + subject.encode() + b"\0" + text).digest()
