"""What SQL databases say each in its own way: what is done where something is there already."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, MetaData
from sqlalchemy.schema import CreateIndex, CreateTable


def insert_of(engine: Engine) -> Callable[..., Any]:
    """Give the `insert` of a database, whose statements know ``on_conflict_do_update``.

    Each is imported where it is used: that of PostgreSQL takes a tenth of a second, which a home
    in SQLite need not wait for.
    """
    if engine.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as sqlite_insert

        return sqlite_insert
    from sqlalchemy.dialects.postgresql import insert as postgresql_insert

    return postgresql_insert


def make_tables(connection: Connection, metadata: MetaData) -> None:
    """Make the tables and indexes that are not there, while another process may do the same."""
    for table in metadata.sorted_tables:
        connection.execute(CreateTable(table, if_not_exists=True))
        for index in table.indexes:
            connection.execute(CreateIndex(index, if_not_exists=True))
