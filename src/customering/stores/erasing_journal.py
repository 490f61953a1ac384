"""What was erased, as keyed hashes: so that it stays erased when it is sent or restored again.

One SQLite file, ``rights.sqlite``. It says of an identifier only something to whoever holds both
the identifier and the secret in this file. The names themselves stand in it while an erasure is
under way, because a crash must not lose whom it was about, and are overwritten when it is done.
"""

from collections.abc import Collection, Iterable
from pathlib import Path
from threading import Lock

from msgspec import field
from msgspec.structs import replace

from customering.consent.rights import Again
from customering.consent.rights_scope import EVERYTHING, Scope
from customering.kernel.errors import Absent, Conflict, Unavailable
from customering.kernel.ids import Identifier
from customering.kernel.records import Record, from_json, to_json
from customering.stores.erasing_sqlite import is_truncated
from customering.stores.log_file import ground_connection, mapped_errors, transaction
from customering.stores.tombstones import HASH_BYTES, Tombstones, keyed_hash

_SECRET_BYTES = 32
_SCHEMA = """
CREATE TABLE IF NOT EXISTS journal_secret (secret BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS erasures (
    request_id   TEXT PRIMARY KEY,
    erasure      BLOB NOT NULL,    -- JSON of an Erasure
    work         BLOB,             -- JSON of a Work; NULL once the names are gone everywhere
    certificate  BLOB              -- JSON; NULL while under way
) STRICT;
CREATE TABLE IF NOT EXISTS tombstones (
    hash         BLOB PRIMARY KEY, -- keyed hash of an identifier
    until_ms     INTEGER NOT NULL, -- events of it that occurred up to here are kept out
    request_id   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS erased_events (
    request_id   TEXT PRIMARY KEY,
    hashes       BLOB NOT NULL     -- keyed hashes of event ids, 16 bytes each
) STRICT;
"""
FOREVER_MS = 1 << 62


class Erasure(Record, frozen=True):
    """One erasure, without whom it is about.

    Parameters
    ----------
    request_id
        Its id.
    requested_at
        When it was asked for, by the real clock. Milliseconds since 1970.
    until_ms
        Events that occurred up to here are erased and kept out. Milliseconds since 1970.
    end_offset
        Events of the person with an offset in the log below this one are erased.
    again
        What later events of the same identifiers are.
    subjects
        Keyed hashes of the identifiers, hexadecimal.
    scope
        What of the person is erased.
    """

    request_id: str
    requested_at: int
    until_ms: int
    end_offset: int
    again: Again = "new"
    subjects: tuple[str, ...] = ()
    scope: Scope = EVERYTHING

    @property
    def is_of_people(self) -> bool:
        """Whether the identifiers themselves go, and not only something under them."""
        return self.scope.is_everything or self.scope.is_of_names


class Work(Record, frozen=True):
    """What an erasure under way has to do; it names the person, and goes when that is done.

    Parameters
    ----------
    names
        The identifiers; empty when they are to be found in a log that was restored.
    leaving
        Offset in the log to the anchor of each event that must not stay as it is.
    mended
        Offsets of those of them that are events of others.
    is_replay
        Whether the erasure was complete once, in the home this one was restored from.
    """

    names: tuple[Identifier, ...] = ()
    leaving: dict[int, Identifier] = field(default_factory=dict)
    mended: tuple[int, ...] = ()
    is_replay: bool = False


class ErasureJournal:
    """The journal of one home; any thread may use it.

    Parameters
    ----------
    path
        The file, ``rights.sqlite`` of the home; made when it is not there.
    secret
        32 bytes nobody can guess, for a new journal; one that exists keeps its own.

    Raises
    ------
    Corrupt, Conflict, Unavailable
        When the file is damaged, held, or cannot be used.
    """

    def __init__(self, path: Path, secret: bytes) -> None:
        self._path = path
        self._lock = Lock()
        self._connection = ground_connection(path, _SCHEMA)
        with transaction(self._connection, path):
            row = self._connection.execute("SELECT secret FROM journal_secret").fetchone()
            if row is None:
                assert len(secret) == _SECRET_BYTES, "a secret has 32 bytes"
                self._connection.execute("INSERT INTO journal_secret VALUES (?)", (secret,))
        self.secret: bytes = secret if row is None else row[0]

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def hash_of(self, text: str) -> bytes:
        """Give the keyed hash of an identifier or an event id."""
        return keyed_hash(self.secret, text)

    # Writing

    def begin(self, erasure: Erasure, names: Collection[Identifier]) -> Erasure:
        """Keep an erasure durably, from when on it is never forgotten; give it with its subjects.

        Called again for the same request before the work is done, the later word holds.
        """
        hashes = [self.hash_of(name) for name in sorted(names)]
        kept = replace(erasure, subjects=tuple(one.hex() for one in hashes))
        work = Work(names=tuple(sorted(names)))
        with self._lock, transaction(self._connection, self._path):
            self._connection.execute(
                "INSERT INTO erasures VALUES (?, ?, ?, NULL) ON CONFLICT (request_id)"
                " DO UPDATE SET erasure = excluded.erasure, work = excluded.work",
                (kept.request_id, to_json(kept), to_json(work)),
            )
            self._bury(hashes, kept)
        return kept

    def _bury(self, hashes: Iterable[bytes], erasure: Erasure) -> None:
        if not erasure.is_of_people:
            return
        until_ms = FOREVER_MS if erasure.again == "never" else erasure.until_ms
        self._connection.executemany(
            "INSERT INTO tombstones VALUES (?, ?, ?) ON CONFLICT (hash) DO UPDATE"
            " SET until_ms = max(until_ms, excluded.until_ms), request_id = excluded.request_id",
            [(one, until_ms, erasure.request_id) for one in hashes],
        )

    def note_work(self, request_id: str, work: Work, event_ids: Iterable[str]) -> Work:
        """Keep what is about to change in the log, and the ids of events that are about to go.

        What an earlier try noted stays: after it, the log may not say it any more. The whole is
        given.
        """
        fresh = {self.hash_of(event_id) for event_id in event_ids}
        with self._lock, transaction(self._connection, self._path):
            row = self._connection.execute(
                "SELECT work FROM erasures WHERE request_id = ?", (request_id,)
            ).fetchone()
            known = from_json(row[0], Work)
            whole = replace(
                work,
                leaving=known.leaving | work.leaving,
                mended=tuple(sorted({*known.mended, *work.mended})),
                is_replay=known.is_replay,
            )
            self._connection.execute(
                "UPDATE erasures SET work = ? WHERE request_id = ?", (to_json(whole), request_id)
            )
            row = self._connection.execute(
                "SELECT hashes FROM erased_events WHERE request_id = ?", (request_id,)
            ).fetchone()
            held = row[0] if row else b""
            fresh |= {held[at : at + HASH_BYTES] for at in range(0, len(held), HASH_BYTES)}
            self._connection.execute(
                "INSERT OR REPLACE INTO erased_events VALUES (?, ?)",
                (request_id, b"".join(sorted(fresh))),
            )
        return whole

    def release(self, request_id: str) -> None:
        """Note that nothing is left to do here but to wait, and forget whom it was about."""
        with self._lock, transaction(self._connection, self._path):
            self._connection.execute(
                "UPDATE erasures SET work = NULL WHERE request_id = ?", (request_id,)
            )

    def finish(self, request_id: str, certificate: bytes) -> None:
        """Note that an erasure is complete, and forget whom it was about; a certificate stays."""
        with self._lock, transaction(self._connection, self._path):
            self._connection.execute(
                "UPDATE erasures SET work = NULL, certificate = coalesce(certificate, ?)"
                " WHERE request_id = ?",
                (certificate, request_id),
            )
        with self._lock, mapped_errors(self._path):
            self._connection.execute("VACUUM")  # copies of whom it was about may lie in free space
            is_truncated(self._connection)

    def certify_anew(self, request_id: str, certificate: bytes) -> None:
        """Put a certificate that tells more in the place of the one there is."""
        with self._lock, transaction(self._connection, self._path):
            self._connection.execute(
                "UPDATE erasures SET certificate = ? WHERE request_id = ?"
                " AND certificate IS NOT NULL",
                (certificate, request_id),
            )

    # Reading

    def pending(self) -> list[tuple[Erasure, Work]]:
        """Give the erasures that are under way, with what they have to do."""
        with self._lock, mapped_errors(self._path):
            rows = self._connection.execute(
                "SELECT erasure, work FROM erasures WHERE work IS NOT NULL ORDER BY rowid"
            ).fetchall()
        return [(from_json(erasure, Erasure), from_json(work, Work)) for erasure, work in rows]

    def waiting(self) -> list[Erasure]:
        """Give the erasures in force that wait for models to be fitted anew, the oldest first."""
        with self._lock, mapped_errors(self._path):
            rows = self._connection.execute(
                "SELECT erasure FROM erasures WHERE work IS NULL AND certificate IS NULL"
                " ORDER BY rowid"
            ).fetchall()
        return [from_json(row[0], Erasure) for row in rows]

    def certificate(self, request_id: str) -> bytes | None:
        """Give the certificate of an erasure; None while it is under way.

        Raises
        ------
        Absent
            When there is no such erasure.
        """
        with self._lock, mapped_errors(self._path):
            row = self._connection.execute(
                "SELECT certificate FROM erasures WHERE request_id = ?", (request_id,)
            ).fetchone()
        if row is None:
            raise Absent("there is no erasure of this id", hint="check the id")
        return None if row[0] is None else bytes(row[0])

    def proof_of(self, request_id: str) -> tuple[bytes | None, bytes]:
        """Give the certificate of an erasure, if any, and the hashes of the events it erased."""
        with self._lock, mapped_errors(self._path):
            row = self._connection.execute(
                "SELECT certificate, hashes FROM erasures LEFT JOIN erased_events"
                " USING (request_id) WHERE request_id = ?",
                (request_id,),
            ).fetchone()
        return row[0], row[1] or b""

    def erasures(self) -> list[Erasure]:
        """Give every erasure in the order they were begun."""
        with self._lock, mapped_errors(self._path):
            rows = self._connection.execute("SELECT erasure FROM erasures ORDER BY rowid")
            return [from_json(row[0], Erasure) for row in rows]

    def tombstones(self) -> Tombstones:
        """Read what is kept out, for asking often."""
        with self._lock, mapped_errors(self._path):
            people = self._connection.execute("SELECT hash, until_ms FROM tombstones").fetchall()
            events = self._connection.execute("SELECT hashes FROM erased_events").fetchall()
        parts: dict[bytes, list[tuple[int, Scope]]] = {}
        for erasure in self.erasures():
            if not erasure.is_of_people and not erasure.scope.model:
                for subject in erasure.subjects:
                    kept_out = (erasure.until_ms, erasure.scope)
                    parts.setdefault(bytes.fromhex(subject), []).append(kept_out)
        return Tombstones(self.secret, dict(people), [row[0] for row in events], parts)

    # To and from another journal

    def copy_to(self, folder: Path) -> None:
        """Keep a copy of the hashes in another folder, in place of an older one.

        Raises
        ------
        Unavailable
            When it cannot be written.
        """
        scratch = folder / f"{self._path.name}.new"
        try:
            scratch.unlink(missing_ok=True)
            copy = ErasureJournal(scratch, self.secret)
            copy.take_from(self)
            copy.close()
            scratch.replace(folder / self._path.name)
        except OSError as error:
            raise Unavailable(
                f"the copy of the journal of erasures cannot be written: {error.strerror}",
                hint="mount its folder, or change rights.journal_copy in customering.toml",
            ) from error

    def take_from(self, other: "ErasureJournal") -> list[Erasure]:
        """Take over what another journal of the same home has and this one lacks.

        Returns
        -------
        list of Erasure
            The erasures that are new here: they are to be replayed.

        Raises
        ------
        Conflict
            When it is the journal of another home: its hashes mean nothing here.
        """
        if other.secret != self.secret:
            if self.erasures():
                raise Conflict(
                    "that is the journal of another home",
                    hint="name the rights.sqlite of the home this backup was made of",
                )
            with self._lock, transaction(self._connection, self._path):
                self._connection.execute("UPDATE journal_secret SET secret = ?", (other.secret,))
            self.secret = other.secret
        known = {one.request_id for one in self.erasures()}
        fresh = [one for one in other.erasures() if one.request_id not in known]
        for erasure in fresh:
            certificate, hashes = other.proof_of(erasure.request_id)
            work = to_json(Work(is_replay=True))
            with self._lock, transaction(self._connection, self._path):
                self._connection.execute(
                    "INSERT INTO erasures VALUES (?, ?, ?, ?)",
                    (erasure.request_id, to_json(erasure), work, certificate),
                )
                self._connection.execute(
                    "INSERT INTO erased_events VALUES (?, ?)", (erasure.request_id, hashes)
                )
                self._bury(map(bytes.fromhex, erasure.subjects), erasure)
        return fresh
