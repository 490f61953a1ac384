"""What a home decides about itself in one SQL database: keys, and answers given to be given again.

Unlike the state beside it nothing here can be made again from the log, so a commit is on disk when
it returns and the file is never dropped. Written through SQLAlchemy Core. The server and the
command line use it at the same time: each change of a key moves a revision, by which the other one
sees that it has to read the keys again.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    cast,
    create_engine,
    delete,
    event,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import DatabaseError
from sqlalchemy.schema import CreateIndex, CreateTable

from customering.kernel.clock import MS_PER_DAY
from customering.kernel.errors import Absent, Conflict, Invalid, Unavailable
from customering.stores.dialects import insert_of
from customering.stores.erasing_mark import mark_if_new

SCHEMA_VERSION = "1"
ANSWER_KEPT_MS = MS_PER_DAY
"""How long an answer is kept under its idempotency key, in milliseconds."""

_IDEMPOTENCY_KEY_LENGTH_MAX = 255

_metadata = MetaData()

_meta = Table(
    "meta",
    _metadata,
    Column("key", String, primary_key=True),
    Column("value", String, nullable=False),
)
_keys = Table(
    "keys",
    _metadata,
    Column("key_id", String, primary_key=True),
    Column("digest", LargeBinary, unique=True),
    Column("record", LargeBinary, nullable=False),
    Column("revoked_at", BigInteger),
    Column("last_used_at", BigInteger),
)
_idempotency = Table(
    "idempotency",
    _metadata,
    Column("key_id", String, primary_key=True),
    Column("idempotency_key", String, primary_key=True),
    Column("request_digest", LargeBinary, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
)
Index("idempotency_by_age", _idempotency.c.at)
_SCHEMA: tuple[CreateTable | CreateIndex, ...] = (
    *(CreateTable(table, if_not_exists=True) for table in _metadata.sorted_tables),
    *(CreateIndex(index, if_not_exists=True) for index in _idempotency.indexes),
)


class KeptKey(NamedTuple):
    """What is kept of one key.

    Parameters
    ----------
    key_id
        Its id, which is no secret.
    digest
        SHA-256 of its text; None for a key that has no text of its own.
    record
        What does not change about it, as JSON.
    revoked_at, last_used_at
        Milliseconds since 1970; None when it never happened.
    """

    key_id: str
    digest: bytes | None
    record: bytes
    revoked_at: int | None = None
    last_used_at: int | None = None


class Answer(NamedTuple):
    """An answer that was given, to be given again.

    Parameters
    ----------
    status
        The HTTP status.
    body
        The bytes of the body.
    """

    status: int
    body: bytes


class Control:
    """The control database of one home; any thread may use it.

    Parameters
    ----------
    url
        A SQLAlchemy URL, such as ``sqlite:////home/shop/control.sqlite``.

    Raises
    ------
    Unavailable
        When the database cannot be opened, or was written by another version of the schema.
    """

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _prepare_sqlite)
        self._insert = insert_of(self._engine)
        with self._transaction() as connection:
            for made in _SCHEMA:  # another process may be making them at this very moment
                connection.execute(made)
            for name, value in (("schema_version", SCHEMA_VERSION), ("revision", "0")):
                new = self._insert(_meta).values(key=name, value=value)
                connection.execute(new.on_conflict_do_nothing(index_elements=["key"]))
            version = _read(connection, "schema_version")
        if version != SCHEMA_VERSION:
            self.close()
            raise Unavailable(
                f"the control database has schema {version}, this version reads {SCHEMA_VERSION}",
                hint="use the version of customering that wrote it; do not delete control.sqlite:"
                " it holds the keys and cannot be made again",
            )

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Give a connection; what is done with it is done whole or not at all.

        Raises
        ------
        Unavailable
            When the database says no.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except DatabaseError as error:
            raise Unavailable(
                f"the control database cannot be used: {error.orig}",
                hint="check that the folder is writable and has room; if control.sqlite is damaged,"
                " restore it from a backup",
            ) from error

    # Keys

    @property
    def revision(self) -> int:
        """A number that grows with every key made or revoked, by whichever process."""
        with self._transaction() as connection:
            return int(_read(connection, "revision"))

    def keys(self) -> list[KeptKey]:
        """Give every key, the revoked ones too."""
        with self._transaction() as connection:
            return [KeptKey(*row) for row in connection.execute(select(_keys))]

    def add(self, key: KeptKey) -> None:
        """Keep a new key.

        Raises
        ------
        Unavailable
            Also when its id or its text is taken, which 80 random bits make a fault.
        """
        with self._transaction() as connection:
            connection.execute(insert(_keys).values(key._asdict()))
            _advance_revision(connection)

    def revoke(self, key_id: str, at_ms: int) -> None:
        """End a key for good; the first instant stays when it is done twice.

        Raises
        ------
        Absent
            When there is no such key.
        """
        with self._transaction() as connection:
            changed = connection.execute(
                update(_keys)
                .where(_keys.c.key_id == key_id)
                .values(revoked_at=func.coalesce(_keys.c.revoked_at, at_ms))
            )
            if changed.rowcount == 0:
                raise Absent(
                    f"there is no key {key_id}", hint="`customering keys list` shows their ids"
                )
            _advance_revision(connection)

    def note_uses(self, uses: Mapping[str, int]) -> None:
        """Keep when keys were last used; an earlier instant than the one kept changes nothing.

        Parameters
        ----------
        uses
            Key id to instant, milliseconds since 1970; ids that are not there are passed over.
        """
        with self._transaction() as connection:
            for key_id, at_ms in uses.items():
                later = or_(_keys.c.last_used_at.is_(None), _keys.c.last_used_at < at_ms)
                connection.execute(
                    update(_keys).where(_keys.c.key_id == key_id, later).values(last_used_at=at_ms)
                )

    # Idempotency

    def remember(
        self,
        key_id: str,
        idempotency_key: str,
        request_digest: bytes,
        status: int,
        body: bytes,
        at_ms: int,
    ) -> Answer:
        """Keep an answer for 24 hours and forget those that are older.

        Parameters
        ----------
        key_id
            Whose request it was; another key may use the same idempotency key.
        idempotency_key
            What the caller named the request, 1 to 255 characters.
        request_digest
            Of all that made the request what it was: method, path and body.
        status, body
            The answer.
        at_ms
            The present, milliseconds since 1970.

        Returns
        -------
        Answer
            The one that stands: the first, when the same request was answered twice at once.

        Raises
        ------
        Conflict
            When the name stands for another request.
        Invalid
            When the name is empty or too long.
        """
        _check_idempotency_key(idempotency_key)
        row = {
            "key_id": key_id,
            "idempotency_key": idempotency_key,
            "request_digest": request_digest,
            "status": status,
            "body": body,
            "at": at_ms,
        }
        with self._transaction() as connection:
            connection.execute(
                delete(_idempotency).where(_idempotency.c.at <= at_ms - ANSWER_KEPT_MS)
            )
            connection.execute(self._insert(_idempotency).values(row).on_conflict_do_nothing())
            kept = _answer(connection, key_id, idempotency_key, request_digest, at_ms)
        assert kept is not None, "a row that was just written is there"
        return kept

    def recall(
        self, key_id: str, idempotency_key: str, request_digest: bytes, now_ms: int
    ) -> Answer | None:
        """Give the answer to a request of the last 24 hours; None when it was not answered yet.

        Raises
        ------
        Conflict
            When the name stands for another request.
        Invalid
            When the name is empty or too long.
        """
        _check_idempotency_key(idempotency_key)
        with self._transaction() as connection:
            return _answer(connection, key_id, idempotency_key, request_digest, now_ms)


def _read(connection: Connection, key: str) -> str:
    return str(connection.execute(select(_meta.c.value).where(_meta.c.key == key)).scalar_one())


def _advance_revision(connection: Connection) -> None:
    next_one = cast(cast(_meta.c.value, BigInteger) + 1, String)
    connection.execute(update(_meta).where(_meta.c.key == "revision").values(value=next_one))


def _check_idempotency_key(text: str) -> None:
    if not 1 <= len(text) <= _IDEMPOTENCY_KEY_LENGTH_MAX:
        raise Invalid(
            f"an idempotency key has 1 to {_IDEMPOTENCY_KEY_LENGTH_MAX} characters",
            hint="send a random one, such as a UUID, and the same one when you try again",
        )


def _answer(
    connection: Connection, key_id: str, idempotency_key: str, request_digest: bytes, now_ms: int
) -> Answer | None:
    row = connection.execute(
        select(_idempotency).where(
            _idempotency.c.key_id == key_id,
            _idempotency.c.idempotency_key == idempotency_key,
            _idempotency.c.at > now_ms - ANSWER_KEPT_MS,
        )
    ).one_or_none()
    if row is None:
        return None
    if row.request_digest != request_digest:
        raise Conflict(
            "this idempotency key was used for another request",
            hint="use a new idempotency key for a new request",
        )
    return Answer(row.status, row.body)


def _prepare_sqlite(connection: object, record: object) -> None:
    """Let readers work while a writer writes, and have every commit on disk."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA busy_timeout = 5000")
    cursor.execute("PRAGMA secure_delete = FAST")  # old versions of a row do not stay in its page
    mark_if_new(cursor)
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()
