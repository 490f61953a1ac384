"""Opens a database of what cannot be made again from the log, with every commit on disk."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import ClassVar

from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, delete, event
from sqlalchemy.exc import DatabaseError

from customering.kernel.errors import Unavailable
from customering.kernel.ids import Identifier
from customering.stores.dialects import insert_of, make_tables


class GroundDatabase:
    """A database with some tables, which are made when they are not there.

    Parameters
    ----------
    url
        A SQLAlchemy URL, such as ``sqlite:////home/shop/consent.sqlite``.
    metadata
        The tables.
    name
        What it is called in messages.

    Raises
    ------
    Unavailable
        When it cannot be opened.
    """

    def __init__(self, url: str, metadata: MetaData, name: str) -> None:
        self._name = name
        self._engine: Engine = create_engine(url)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _prepare_sqlite)
        self._insert = insert_of(self._engine)
        with self._transaction() as connection:
            make_tables(connection, metadata)

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
                f"{self._name} cannot be used: {error.orig}",
                hint="check that the folder is writable and has room; if the file is damaged,"
                " restore it from a backup",
            ) from error


class PeopleDatabase(GroundDatabase):
    """Tables of the control database whose rows belong to people, by their column ``person``.

    Parameters
    ----------
    url
        The control database, such as `Home.control_url`.

    Raises
    ------
    Unavailable
        When it cannot be opened.
    """

    tables: ClassVar[tuple[Table, ...]]
    """The tables that have such rows; others of their metadata are made as well."""

    def __init__(self, url: str) -> None:
        super().__init__(url, self.tables[0].metadata, "the control database")

    def forget(self, people: Collection[Identifier]) -> int:
        """Remove everything under some identifiers, and give how many rows that were."""
        removed = 0
        with self._transaction() as connection:
            for table in self.tables:
                gone = connection.execute(delete(table).where(table.c.person.in_(people)))
                removed += gone.rowcount
        return removed


def _prepare_sqlite(connection: object, record: object) -> None:
    """Have every commit on disk, and nothing that was deleted in a free page."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA busy_timeout = 5000")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()
