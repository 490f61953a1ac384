"""Derived state in one SQL database: profiles by anchor, links between identifiers, the offset.

Written through SQLAlchemy Core, so that the same statements serve SQLite (the default) and
PostgreSQL. States, links and the offset they were folded up to change in one transaction: after a
crash the fold goes on from that offset, nothing lost and nothing counted twice. Everything here can
be dropped and made again from the log.
"""

import sqlite3
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from heapq import merge
from itertools import islice
from sys import intern
from typing import Any, NamedTuple, get_args

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    case,
    cast,
    create_engine,
    event,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.exc import DatabaseError

from customering.identity.model import Link, LinkKind
from customering.kernel.errors import Conflict, Unavailable
from customering.kernel.ids import Identifier
from customering.stores.dialects import insert_of, make_tables
from customering.stores.erasing_mark import mark_if_new
from customering.stores.many_rows import ManyRows

SCHEMA_VERSION = "1"
_CHUNK = 500  # bound variables a statement: below every database's limit
_LINKS_AT_ONCE = 10_000
_STATES_AT_ONCE = 250  # of 20 kB each where people do much
_KINDS: dict[str, LinkKind] = {kind: kind for kind in get_args(LinkKind)}
_SORTED_AT_ONCE = 1_000  # names: less than half a millisecond

_metadata = MetaData()

_meta = Table(
    "meta",
    _metadata,
    Column("key", String, primary_key=True),
    Column("value", String, nullable=False),
)
_states = Table(
    "states",
    _metadata,
    Column("anchor", String, primary_key=True),
    Column("state", LargeBinary, nullable=False),
    Column("consent", LargeBinary),
    Column("mask", BigInteger),
    sqlite_with_rowid=False,
)
_IS_OWN = or_(_states.c.consent.is_not(None), _states.c.mask.is_not(None))
# Both databases take these words. Of SQLAlchemy they would be an option of each, and naming that of
# PostgreSQL imports all it has for it.
_INDEX_OWN = (
    "CREATE INDEX IF NOT EXISTS states_of_their_own ON states (anchor)"
    " WHERE consent IS NOT NULL OR mask IS NOT NULL"
)
_links = Table(
    "links",
    _metadata,
    Column("left", String, primary_key=True),
    Column("right", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("evidence", String, primary_key=True),
    Column("occurred_at", BigInteger, nullable=False),
    Column("source", String, nullable=False),
    sqlite_with_rowid=False,
)
Index("links_by_right", _links.c.right)

# Built once: the live path asks for a few people many times a second.
_GET = select(_states.c.anchor, _states.c.state).where(
    _states.c.anchor.in_(bindparam("names", expanding=True))
)
_GET_ONE = select(_states.c.state).where(_states.c.anchor == bindparam("name"))


class Kept(NamedTuple):
    """What is kept for one anchor.

    Parameters
    ----------
    state
        The state as JSON.
    consent
        What the person chose, as JSON; None for those who have not chosen anything.
    mask
        The purposes the state was folded for, where that is not what holds for everybody.
    """

    state: bytes
    consent: bytes | None = None
    mask: int | None = None


class State:
    """The state of one home.

    Parameters
    ----------
    url
        A SQLAlchemy URL, such as ``sqlite:////home/shop/state.sqlite``.

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
        self._renew_states = ManyRows(_states, self._engine, _take_new)
        self._add_states = ManyRows(_states, self._engine)
        self._take_links = ManyRows(_links, self._engine, _keep_earlier)
        self._one = _GET_ONE.compile(dialect=self._engine.dialect)
        self._asking = threading.Lock()
        self._asked: sqlite3.Connection | None = None
        try:
            with self._engine.begin() as connection:
                make_tables(connection, _metadata)
                connection.exec_driver_sql(_INDEX_OWN)
                version = self._get(connection, "schema_version")
                if version is None:
                    self._set(connection, "schema_version", SCHEMA_VERSION)
        except DatabaseError as error:
            raise Unavailable(
                f"the state database cannot be opened: {error.orig}",
                hint="check that the folder is writable and has room; if state.sqlite is damaged,"
                " delete it: it is made anew from the log",
            ) from error
        if version not in (None, SCHEMA_VERSION):
            raise Unavailable(
                f"the state database has schema {version}, this version reads {SCHEMA_VERSION}",
                hint="delete state.sqlite and run `customering rebuild`: it is made from the log",
            )

    def close(self) -> None:
        """Close the database."""
        with self._asking:
            if self._asked is not None:
                self._asked.close()
                self._asked = None
        self._engine.dispose()

    def _get(self, connection: Connection, key: str) -> str | None:
        return connection.execute(select(_meta.c.value).where(_meta.c.key == key)).scalar()

    def _set(self, connection: Connection, key: str, value: str) -> None:
        statement = self._insert(_meta).values(key=key, value=value)
        connection.execute(
            statement.on_conflict_do_update(index_elements=["key"], set_={"value": value})
        )

    @property
    def offset(self) -> int:
        """Events with an offset below this one have been folded."""
        with self._engine.connect() as connection:
            return int(self._get(connection, "offset") or 0)

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the definitions with which the states were folded; empty at first."""
        with self._engine.connect() as connection:
            return self._get(connection, "fingerprint") or ""

    def get(self, anchors: Sequence[Identifier]) -> dict[Identifier, bytes]:
        """Read the states of some anchors; those without a state are left out."""
        if len(anchors) == 1:
            return self._get_one(anchors[0])
        found: dict[Identifier, bytes] = {}
        with self._engine.connect() as connection:
            for start in range(0, len(anchors), _CHUNK):
                rows = connection.execute(_GET, {"names": anchors[start : start + _CHUNK]})
                found.update((Identifier(anchor), state) for anchor, state in rows)
        return found

    def _get_one(self, anchor: Identifier) -> dict[Identifier, bytes]:
        """Read one state, as each call about one person does: a fifth of the time of the others."""
        if self._engine.dialect.name == "sqlite":
            found = self._ask_sqlite(anchor)
        else:
            with closing(self._engine.raw_connection()) as connection:
                cursor = connection.cursor()
                named = (anchor,) if self._one.positional else {"name": anchor}
                cursor.execute(str(self._one), named)
                found = cursor.fetchone()
                cursor.close()
        return {} if found is None else {anchor: found[0]}

    def _ask_sqlite(self, anchor: Identifier) -> tuple[bytes] | None:
        """Read one row over a connection that stays open: a quarter of taking one from the pool.

        Between two reads it holds nothing: SQLite lets go of a row once all was fetched.
        """
        with self._asking:
            if self._asked is None:
                taken = self._engine.raw_connection()
                assert isinstance(taken.driver_connection, sqlite3.Connection)
                self._asked = taken.driver_connection
                taken.detach()
            asked = self._asked.execute("SELECT state FROM states WHERE anchor = ?", (anchor,))
            rows: list[tuple[bytes]] = asked.fetchall()
        return rows[0] if rows else None

    def choices(self) -> Iterator[tuple[Identifier, Kept]]:
        """Give what is kept for every anchor that carries a choice or a mask of its own."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(_states).where(_IS_OWN))
            for anchor, state, consent, mask in rows:
                yield Identifier(anchor), Kept(state, consent, mask)

    def scan(self) -> Generator[tuple[Identifier, bytes], None, None]:
        """Give every anchor with its state, one round of rows at a time."""
        with self._engine.connect() as connection:
            rows = connection.execution_options(yield_per=_STATES_AT_ONCE).execute(
                select(_states.c.anchor, _states.c.state).order_by(_states.c.anchor)
            )
            for anchor, state in rows:
                yield Identifier(anchor), state

    def anchors(self) -> list[Identifier]:
        """Give every anchor that has a state, in order."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(_states.c.anchor).order_by(_states.c.anchor))
            return [Identifier(anchor) for (anchor,) in rows]

    def mentioning(self, text: str) -> list[Identifier]:
        """Give the anchors whose state has a text in it; reads all of them, some GB a second."""
        wanted = literal(text.encode(), LargeBinary)
        if self._engine.dialect.name == "sqlite":
            place = func.instr(_states.c.state, wanted)
        else:
            place = func.strpos(func.encode(_states.c.state, "escape"), text)
        with self._engine.connect() as connection:
            rows = connection.execute(select(_states.c.anchor).where(place > 0))
            return [Identifier(anchor) for (anchor,) in rows]

    def touching(self, identifiers: Iterable[Identifier]) -> list[Link]:
        """Give every link that has one of these identifiers at either end."""
        names = list(identifiers)
        found: list[Link] = []
        with self._engine.connect() as connection:
            for start in range(0, len(names), _CHUNK):
                some = names[start : start + _CHUNK]
                rows = connection.execute(
                    select(_links).where(or_(_links.c.left.in_(some), _links.c.right.in_(some)))
                )
                found.extend(Link(**row) for row in rows.mappings())
        return found

    def links(self) -> Iterator[Link]:
        """Give every link."""
        with self._engine.connect() as connection:
            rows = connection.execution_options(yield_per=_LINKS_AT_ONCE).execute(
                select(*(_links.c[name] for name in Link.__struct_fields__))
            )
            for left, right, evidence, occurred_at, source, kind in rows:
                yield Link(
                    left=left,
                    right=right,
                    evidence=evidence,
                    occurred_at=occurred_at,
                    source=intern(source),  # a few texts that all links share
                    kind=_KINDS[kind],
                )

    def commit(
        self,
        *,
        states: Mapping[Identifier, Kept],
        links: Sequence[Link],
        before: int,
        offset: int,
        fingerprint: str,
    ) -> None:
        """Store what a stretch of the log changed, all or nothing.

        Parameters
        ----------
        states
            The new states of the anchors that were touched.
        links
            Links seen for the first time; one that is already there is left as it is.
        before, offset
            The offset the fold started from and the one it reached.
        fingerprint
            Of the definitions used.

        Raises
        ------
        Conflict
            When another process is further, or uses other definitions; nothing is stored.
        """
        with self._engine.begin() as connection:
            self._advance(connection, before, offset, fingerprint)
            rows = ((anchor, *states[anchor]) for anchor in _in_order(states))
            self._renew_states.write(connection, rows)
            self._add_links(connection, links)

    def _advance(self, connection: Connection, before: int, offset: int, fingerprint: str) -> None:
        """Move the offset forward from where the fold began, or from where another process is.

        Who began at `before` holds the final states of all anchors touched since then. So another
        process that is less far has stored nothing that these states do not have.
        """
        if self._get(connection, "offset") is None:
            connection.execute(insert(_meta).values(key="offset", value="0"))
        # Writing first takes the lock, so that what is read next cannot change any more.
        moved = connection.execute(
            update(_meta)
            .where(
                _meta.c.key == "offset",
                cast(_meta.c.value, BigInteger).between(before, offset),
            )
            .values(value=str(offset))
        )
        if moved.rowcount != 1:
            raise Conflict(
                "another process folded the log meanwhile",
                hint="run the command again; it goes on from where the other one stopped",
            )
        if before and self._get(connection, "fingerprint") != fingerprint:
            raise Conflict(
                "the definitions of traits, purposes or identity changed meanwhile",
                hint="start this process again, so that it takes the new definitions",
            )
        self._set(connection, "fingerprint", fingerprint)

    def _add_links(self, connection: Connection, links: Sequence[Link]) -> None:
        rows: dict[tuple[str, str, str, str], Link] = {}
        for link in links:
            key = (link.left, link.right, link.kind, link.evidence)
            known = rows.get(key)
            if known is None or link.occurred_at < known.occurred_at:
                rows[key] = link
        self._take_links.write(
            connection, ((*key, link.occurred_at, link.source) for key, link in rows.items())
        )

    def replace(
        self,
        *,
        states: Iterable[tuple[str, Kept]],
        links: Sequence[Link],
        offset: int,
        fingerprint: str,
    ) -> int:
        """Swap in states and links computed from the history, all or nothing.

        Returns
        -------
        int
            The number of states.
        """
        with self._engine.begin() as connection:
            connection.execute(_states.delete())
            connection.execute(_links.delete())
            rows = ((anchor, *kept) for anchor, kept in states)
            count = self._add_states.write(connection, rows)
            self._add_links(connection, links)
            self._set(connection, "offset", str(offset))
            self._set(connection, "fingerprint", fingerprint)
        return count


def _in_order(names: Iterable[Identifier]) -> Iterator[Identifier]:
    """Give names in order, so that each page of the database is written once.

    They are sorted in pieces and merged: no other thread waits until a hundred thousand are sorted.
    """
    remaining = iter(names)
    pieces = iter(lambda: sorted(islice(remaining, _SORTED_AT_ONCE)), [])
    return merge(*pieces)


def _take_new(statement: Any) -> Any:
    """Have a state that is there already give way."""
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["anchor"],
        set_={"state": new.state, "consent": new.consent, "mask": new.mask},
    )


def _keep_earlier(statement: Any) -> Any:
    """Have a link that is there already take the earlier of the two instants, and nothing else."""
    new = statement.excluded.occurred_at
    earlier = case((new < _links.c.occurred_at, new), else_=_links.c.occurred_at)
    return statement.on_conflict_do_update(
        index_elements=["left", "right", "kind", "evidence"], set_={"occurred_at": earlier}
    )


def _prepare_sqlite(connection: object, record: object) -> None:
    """Let readers work while the writer writes; the log, not the state, must survive power loss."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    mark_if_new(cursor)
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA busy_timeout = 5000")
    cursor.execute("PRAGMA secure_delete = FAST")  # old versions of a row do not stay in its page
    cursor.close()
