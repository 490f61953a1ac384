"""Laws of expressions: Python and DuckDB give one answer, whatever the row holds."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import duckdb
import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from sqlglot import exp, parse_one

from customering.kernel.errors import InvalidExpression
from customering.kernel.expressions import parse

NOW_MS = 1_700_000_000_000
LETTERS = "aBÉéΣσİı ß'%_1\"{}[],"

numbers = st.one_of(
    st.integers(-3, 5),
    st.sampled_from([0.5, -0.0, 2.0, 1e308, -1e308, 5e-324, 2**53, NOW_MS, NOW_MS - 86_400_000]),
)
texts = st.text(LETTERS, max_size=3) | st.sampled_from(
    ["12", "-0.50", "1e3", "007", "1990-02-29", "--12-31", "1990-04-31", "1990-03-01T10", "0.1"]
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
lists = st.lists(scalars | st.lists(scalars, max_size=2), max_size=3)
values = st.one_of(scalars, lists, st.dictionaries(texts, scalars, max_size=2))
rows = st.lists(
    st.fixed_dictionaries({}, optional={"a": values, "b": values, "c": values, "d": values}),
    min_size=1,
    max_size=12,
)
typed_rows = st.lists(
    st.fixed_dictionaries(
        {
            "a": st.none() | st.integers(-3, 5),
            "b": st.none() | texts,
            "c": st.none() | st.booleans(),
            "d": st.none() | st.lists(st.none() | texts, max_size=3),
        }
    ),
    min_size=1,
    max_size=8,
)
TYPES = {"a": "BIGINT", "b": "VARCHAR", "c": "BOOLEAN", "d": "VARCHAR[]"}

names = st.sampled_from(["a", "b", "c", "d"])
quoted = st.text(LETTERS.replace('"', ""), max_size=3).map('"{}"'.format)
number_words = st.sampled_from(["0", "1", "2", "0.5", "-1", "1e15", "9007199254740992"])
number_lists = st.lists(number_words, min_size=1, max_size=3).map(", ".join)
text_lists = st.lists(quoted, min_size=1, max_size=3).map(", ".join)


def sums_over(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} {} {})".format, part, st.sampled_from("+-*/"), part),
        st.builds("-{}".format, part),
        st.builds("days_since({})".format, part),
        st.builds("days_until({})".format, part),
        st.builds("number({})".format, part),
        st.builds("first({}, number({}), {})".format, part, part, part),
        st.builds("when({} > 0, number({}))".format, part, part),
        st.builds("days_to_anniversary({})".format, names),
    )


sums = st.recursive(names | number_words, sums_over, max_leaves=5)
strings = st.one_of(
    names,
    quoted,
    st.builds("lower({})".format, names | quoted),
    st.builds("first(text({}), lower({}))".format, names, names | quoted),
    st.builds("when({} == 1, text({}))".format, names, names),
)
signs = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
truths = st.sampled_from(["true", "false"])
tests = st.one_of(
    names,
    truths,
    st.builds("{} {} {}".format, sums, signs, sums),
    st.builds("{} {} {} {} {}".format, sums, signs, names, signs, sums),
    st.builds("{} {} {}".format, strings, signs, strings),
    st.builds("{} {} {}".format, names, signs, names),
    st.builds("{} {} {}".format, names, st.sampled_from(["==", "!="]), truths),
    st.builds("{} in [{}]".format, sums, number_lists),
    st.builds("{} not in [{}]".format, strings, text_lists),
    st.builds("{} not in [true]".format, names),
    st.builds("missing({})".format, sums | strings),
    st.builds("contains({}, {})".format, strings, quoted),
)


def conditions_over(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} and {})".format, part, part),
        st.builds("({} or {} or {})".format, part, part, part),
        st.builds("(not {})".format, part),
    )


conditions = st.recursive(tests, conditions_over, max_leaves=6)


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    yield connection
    connection.close()


def json_column(name: str) -> exp.Expression:
    column: exp.Expression = exp.func(
        "json_extract", exp.column("document"), exp.Literal.string(f"$.{name}"), dialect="duckdb"
    )
    return column


def typed_column(name: str) -> exp.Expression:
    column = exp.column(name, quoted=True)
    column.type = exp.DataType.build(TYPES[name], dialect="duckdb")
    return column


def answers(
    connection: duckdb.DuckDBPyConnection, expressions: list[exp.Expression], relation: str
) -> list[tuple[Any, ...]]:
    columns = ", ".join(expression.sql(dialect="duckdb") for expression in expressions)
    return connection.execute(f"SELECT {columns} FROM {relation} ORDER BY place").fetchall()


def json_relation(rows: list[dict[str, Any]]) -> str:
    parts = []
    for place, row in enumerate(rows):
        document = exp.Literal.string(json.dumps(row)).sql(dialect="duckdb")
        parts.append(f"({place}, {document}::JSON)")
    return f"(VALUES {', '.join(parts)}) AS t(place, document)"


def typed_relation(rows: list[dict[str, Any]]) -> str:
    def cell(value: Any, kind: str) -> str:
        return f"{exp.convert(value).sql(dialect='duckdb')}::{kind}"

    parts = [
        f"({place}, {', '.join(cell(row[name], TYPES[name]) for name in TYPES)})"
        for place, row in enumerate(rows)
    ]
    return f"(VALUES {', '.join(parts)}) AS t(place, a, b, c, d)"


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(conditions, min_size=1, max_size=6), rows=rows)
def test_conditions_over_json_agree(
    database: duckdb.DuckDBPyConnection, texts: list[str], rows: list[dict[str, Any]]
) -> None:
    expressions = [parse(text) for text in texts]
    sql = [expression.holds_sql(json_column, NOW_MS) for expression in expressions]
    expected = [tuple(e.holds(row, NOW_MS) for e in expressions) for row in rows]
    assert answers(database, sql, json_relation(rows)) == expected


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(conditions, min_size=1, max_size=6), rows=typed_rows)
def test_conditions_over_typed_columns_agree(
    database: duckdb.DuckDBPyConnection, texts: list[str], rows: list[dict[str, Any]]
) -> None:
    expressions = [parse(text) for text in texts]
    sql = [expression.holds_sql(typed_column, NOW_MS) for expression in expressions]
    expected = [tuple(e.holds(row, NOW_MS) for e in expressions) for row in rows]
    assert answers(database, sql, typed_relation(rows)) == expected


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(sums_over(sums), min_size=1, max_size=6), rows=rows)
def test_sums_agree_to_the_last_bit(
    database: duckdb.DuckDBPyConnection, texts: list[str], rows: list[dict[str, Any]]
) -> None:
    expressions = [parse(text) for text in texts]
    sql = [expression.sql(json_column, NOW_MS) for expression in expressions]
    expected = [tuple(e.evaluate(row, NOW_MS) for e in expressions) for row in rows]
    assert answers(database, sql, json_relation(rows)) == expected


@settings(max_examples=300, deadline=None)
@given(text=st.text("ab<>=! notrueinissg()[],.'\"+-*/#\\13é", max_size=40))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    refusal = refusal_of(text)
    if refusal is None:
        parse(text).evaluate({"a": 1, "b": "b"})
    else:
        assert refusal.message.startswith("column ")
        assert 1 <= refusal.facts["column"] <= len(text) + 1
        assert refusal.hint


def refusal_of(text: str) -> InvalidExpression | None:
    try:
        parse(text)
    except InvalidExpression as error:
        return error
    return None


days = st.integers(0, 60_000)  # to the year 2134


@settings(max_examples=60, deadline=None)
@given(born=days, has_year=st.booleans(), today=days, part_ms=st.integers(0, 86_399_999))
def test_an_anniversary_is_the_next_day_of_its_date(
    database: duckdb.DuckDBPyConnection, born: int, has_year: bool, today: int, part_ms: int
) -> None:
    first = date(1970, 1, 1)
    birth, now = first + timedelta(days=born), first + timedelta(days=today)
    text = birth.isoformat() if has_year else f"--{birth:%m-%d}"
    expected = next(
        ahead
        for ahead in range(366 + 1)
        if (day := now + timedelta(days=ahead)) == kept_on(birth, day.year)
    )
    expression, now_ms = parse("days_to_anniversary(b)"), today * 86_400_000 + part_ms
    assert expression.evaluate({"b": text}, now_ms) == expected
    written: Any = exp.cast(exp.convert(text), "VARCHAR")
    written.type = exp.DataType.build("VARCHAR")
    for present in (now_ms, exp.cast(exp.Literal.number(now_ms), "BIGINT")):
        made = expression.sql(lambda name: written.copy(), present)
        for dialect in ("duckdb", "spark"):
            # What is written for Spark is read back, so that its divisions must mean the same.
            query = parse_one(made.sql(dialect=dialect), dialect=dialect).sql(dialect="duckdb")
            assert database.execute(f"SELECT {query}").fetchone() == (float(expected),)


def kept_on(birth: date, year: int) -> date:
    """The day of a birthday in a year: that of a 29th of February is the 28th in most."""
    try:
        return birth.replace(year=year)
    except ValueError:
        return date(year, 2, 28)
