from typing import Any

import duckdb
import msgspec
import pytest
from sqlglot import exp

from customering.aggregates.base import Row
from customering.aggregates.query import Input, query
from customering.aggregates.registry import build

DAY = 86_400_000
NOW = 100 * DAY


def row(value: str = "1", weight: str = "1") -> Row:
    return Row(
        value=exp.maybe_parse(value),
        weight=exp.maybe_parse(weight),
        at_ms=exp.column("at_ms"),
        day=exp.column("day"),
    )


def given(name: str, kind: str, value: str = "1", where: str = "", **parameters: Any) -> Input:
    condition = exp.condition(where) if where else None
    return Input(name=name, aggregate=build(kind, **parameters), row=row(value), where=condition)


def read(select: exp.Select) -> list[str]:
    """Give the names of the tables that are read, in order."""
    named = {cte.alias for cte in select.find_all(exp.CTE)}
    return [table.name for table in select.find_all(exp.Table) if table.name not in named]


def scans(select: exp.Select) -> int:
    """Give the number of scans whose outcomes are joined."""
    return len(select.args["joins"])


@pytest.fixture
def connection() -> Any:
    with duckdb.connect() as connection:
        connection.execute(
            """
            CREATE TABLE events AS SELECT * FROM (VALUES
                ('ada', 'bought', 'milk', 5, 100, 100 * 86400000::BIGINT),
                ('ada', 'bought', 'bread', NULL, 98, 98 * 86400000::BIGINT),
                ('ada', 'seen', 'milk', 7, 40, 40 * 86400000::BIGINT),
                ('bo', 'seen', NULL, 1, 99, 99 * 86400000::BIGINT)
            ) AS t(person, name, item, amount, day, at_ms);
            CREATE TABLE lines AS SELECT * FROM (VALUES
                ('bo', 'tea', 1, 1), ('chidi', 'tea', 2, 2)
            ) AS t(person, item, day, at_ms);
            """
        )
        yield connection


def ask(connection: Any, select: exp.Select) -> list[tuple[Any, ...]]:
    return sorted(connection.execute(select.sql("duckdb")).fetchall())


def test_values_of_many_windows_take_one_scan() -> None:
    inputs = [given(f"n_{days}", "count", window_days=days) for days in (7, 30, 90)]
    inputs += [given("spent", "sum", "amount", "name = 'bought'"), given("fading", "decayed_count",
               half_life_days=7), given("last", "last", "item")]  # fmt: skip
    assert scans(query("events", "person", inputs, NOW)) == 1


def test_inputs_of_one_grain_and_one_key_share_a_scan() -> None:
    inputs = [
        given("rhythm", "rhythm", statistic="days"),
        given("gap", "rhythm", where="name = 'bought'", statistic="mean_gap_days"),
        given("top", "top_k", "item", k=1),
        given("different", "distinct", "item"),
        given("amounts", "distinct", "amount"),
    ]
    assert scans(query("events", "person", inputs, NOW)) == 3
    assert scans(query("events", "person", inputs)) == 3


def test_a_relation_is_read_once() -> None:
    inputs = [given("top", "top_k", "item", k=1), given("n", "count"), given("m", "habits", "name")]
    lines = Input(name="l", aggregate=build("count"), row=row("item"), relation=exp.to_table("l"))
    assert read(query("events", "person", [*inputs, lines])) == ["events", "l"]


def drawn(name: str, among: str, kind: str = "count", value: str = "1", **parameters: Any) -> Input:
    condition = exp.condition(f"name = '{among}'")
    return msgspec.structs.replace(given(name, kind, value, **parameters), among=condition)


def test_inputs_that_compute_much_of_the_same_rows_are_grouped_apart() -> None:
    bought = [drawn("b", "bought"), drawn("c", "bought", "sum", "amount"), drawn("d", "bought",
              "last", "item")]  # fmt: skip
    others = [drawn("e", "seen"), drawn("f", "gone"), given("g", "count")]
    assert scans(query("events", "person", [*bought, *others])) == 2
    assert scans(query("events", "person", bought)) == 1
    assert scans(query("events", "person", others)) == 1


def test_what_is_drawn_from_some_rows_reads_nothing_of_the_others(connection: Any) -> None:
    # A number that cannot be cast is an error, were it computed of rows of another name.
    inputs = [
        drawn("n", "bought"),
        drawn("spent", "bought", "sum", "CAST(amount AS INTEGER)"),
        drawn("failing", "nothing", "max", "CAST(item AS INTEGER)"),
        drawn("items", "bought", "distinct", "item"),
        drawn("recent", "seen", "count", window_days=5),
        given("all", "count"),
    ]
    assert ask(connection, query("events", "person", inputs, NOW)) == [
        ("ada", 2, 5, None, 2, 0, 3),
        ("bo", 0, 0, None, 0, 1, 1),
    ]
    assert ask(connection, query("events", "person", inputs)) == [
        ("ada", "2", "5", None, '["dba7b12a19fe","ecbdb882ae86"]', '{"40":1}', "3"),
        ("bo", None, None, None, None, '{"99":1}', "1"),
    ]


def test_equal_partials_are_computed_once() -> None:
    inputs = [given("a", "count"), given("b", "count"), given("c", "mean", "amount")]
    text = query("events", "person", [*inputs, given("d", "mean", "amount")], NOW).sql("duckdb")
    assert text.count("SUM(amount)") == 1


def test_missing_values_and_weights_do_not_count(connection: Any) -> None:
    inputs = [
        given("n", "count", "amount"),
        Input(name="top", aggregate=build("top_k", k=9), row=row("item", "amount")),
    ]
    assert ask(connection, query("events", "person", inputs, NOW)) == [
        ("ada", 2, [("milk", 12)]),
        ("bo", 1, None),
    ]


def test_groups_of_any_relation_are_kept_and_nothing_seen_is_zero(connection: Any) -> None:
    lines = exp.to_table("lines")
    inputs = [
        given("orders", "count", where="name = 'bought'"),
        Input(name="items", aggregate=build("distinct"), row=row("item"), relation=lines),
        Input(name="days", aggregate=build("rhythm", statistic="days_active"), row=row()),
        given("favourite", "top_k", "item", "name = 'bought'", k=1, window_days=30),
    ]
    assert ask(connection, query("events", "person", inputs, NOW)) == [
        ("ada", 2, 0, 3, [("bread", 1)]),
        ("bo", 0, 1, 1, None),
        ("chidi", 0, 1, 0, None),
    ]


def test_relations_may_be_subqueries(connection: Any) -> None:
    rows = exp.select("*").from_("events").where("name = 'seen'").subquery()
    inputs = [given("n", "count"), given("recent", "count", window_days=5)]
    assert ask(connection, query(rows, "person", inputs)) == [
        ("ada", "1", '{"40":1}'),
        ("bo", "1", '{"99":1}'),
    ]


def test_names_that_differ_in_case_stay_apart(connection: Any) -> None:
    inputs = [given("Days", "rhythm", statistic="days"), given("days", "rhythm", "amount",
              statistic="days")]  # fmt: skip
    assert ask(connection, query("events", "person", inputs, NOW))[0] == (
        "ada", [40, 98, 100], [40, 100]
    )  # fmt: skip


def test_the_query_can_be_written_for_spark() -> None:
    inputs = [given("n", "count", window_days=7), given("spent", "sum", "amount")]
    text = query("events", "person", inputs, NOW).sql("spark")
    assert "FILTER(WHERE day BETWEEN" in text
