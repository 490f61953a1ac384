"""What the SQL databases say differently: an insert that meets a row that is there already."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine


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
