"""One statement for many rows, put into words once: for what is written thousands at a time."""

from collections.abc import Callable, Iterable
from itertools import chain, islice
from typing import Any

from sqlalchemy import Connection, Engine, Table, bindparam

from customering.stores.dialects import insert_of

_AT_ONCE = 100


class ManyRows:
    """Writes rows into a table, a hundred a statement.

    Parameters
    ----------
    table
        Where to.
    engine
        Of the database; SQLAlchemy puts the statement into its words.
    where_there
        Completes the statement by what is done where a row is there already; without it that is an
        error.

    Notes
    -----
    Given a row, SQLAlchemy looks at each of its values, which takes longer than to write them. Here
    values go to the driver as they are, so they must be what it takes: text, bytes, int and None.
    While the database works at a statement other threads go on.
    """

    def __init__(
        self,
        table: Table,
        engine: Engine,
        where_there: Callable[[Any], Any] = lambda statement: statement,
    ) -> None:
        self._names: list[list[str]] = [
            [f"{name}_{row}" for name in table.columns.keys()]  # noqa: SIM118 - not a dict
            for row in range(_AT_ONCE)
        ]
        columns, insert = table.columns.keys(), insert_of(engine)

        def words(rows: int) -> str:
            values: list[dict[str, Any]] = [
                dict(zip(columns, map(bindparam, names), strict=True))
                for names in self._names[:rows]
            ]
            return str(where_there(insert(table).values(values)).compile(dialect=engine.dialect))

        self._one, self._many = words(1), words(_AT_ONCE)
        self._is_positional = engine.dialect.positional

    def write(self, connection: Connection, rows: Iterable[tuple[Any, ...]]) -> int:
        """Write rows, each with a value for every column of the table in their order.

        No two rows may have the same key.

        Returns
        -------
        int
            How many there were.
        """
        remaining, count = iter(rows), 0
        while len(some := list(islice(remaining, _AT_ONCE))) == _AT_ONCE:
            connection.exec_driver_sql(self._many, self._values(some))
            count += _AT_ONCE
        if some:
            connection.exec_driver_sql(self._one, [self._values([row]) for row in some])
        return count + len(some)

    def _values(self, rows: list[tuple[Any, ...]]) -> Any:
        """Give the values as the driver takes them: in their order or by their names."""
        values = chain.from_iterable(rows)
        if self._is_positional:
            return tuple(values)
        return dict(zip(chain.from_iterable(self._names[: len(rows)]), values, strict=True))
