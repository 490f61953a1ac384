"""Rows written a hundred a statement are the rows that one statement each would write."""

from typing import Any, cast

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    create_mock_engine,
    select,
)
from sqlalchemy.exc import IntegrityError

from customering.stores.many_rows import ManyRows

THINGS = Table(
    "things",
    MetaData(),
    Column("name", String, primary_key=True),
    Column("count", Integer),
)


def take_new(statement: Any) -> Any:
    new = {"count": statement.excluded.count}
    return statement.on_conflict_do_update(index_elements=["name"], set_=new)


@pytest.mark.parametrize("many", [0, 1, 99, 100, 101, 250])
def test_all_rows_are_there_in_their_columns(many: int) -> None:
    engine = create_engine("sqlite://")
    rows = [(f"n{number:03}", number or None) for number in range(many)]
    with engine.begin() as connection:
        THINGS.create(connection)
        assert ManyRows(THINGS, engine).write(connection, iter(rows)) == many
        found = connection.execute(select(THINGS).order_by(THINGS.c.name))
        assert [tuple(row) for row in found] == rows
    engine.dispose()


def test_what_is_there_already_is_done_as_said() -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        THINGS.create(connection)
        writing = ManyRows(THINGS, engine, take_new)
        writing.write(connection, ((f"n{number}", 1) for number in range(150)))
        writing.write(connection, ((f"n{number}", 2) for number in range(50, 200)))
        counts = connection.execute(select(THINGS.c.count)).scalars().all()
        assert (counts.count(1), counts.count(2)) == (50, 150)
        with pytest.raises(IntegrityError):
            ManyRows(THINGS, engine).write(connection, [("n1", 3)])
    engine.dispose()


def test_a_driver_that_wants_names_gets_names() -> None:
    engine = create_mock_engine("postgresql+psycopg://", lambda *_: None)
    ran: list[tuple[str, Any]] = []

    class Noting:
        def exec_driver_sql(self, text: str, values: Any) -> None:
            ran.append((text, values))

    writing = ManyRows(THINGS, cast("Engine", engine), take_new)
    writing.write(cast("Connection", Noting()), [(f"n{number}", number) for number in range(101)])
    (many, values), (one, rest) = ran
    assert "%(name_99)s" in many
    assert "ON CONFLICT (name) DO UPDATE" in many
    assert (values["name_99"], values["count_99"], len(values)) == ("n99", 99, 200)
    assert "%(name_1)s" not in one
    assert rest == [{"name_0": "n100", "count_0": 100}]
