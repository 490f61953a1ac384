"""Expressions: what is read, what is refused and where, and what comes out."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from customering.kernel.errors import InvalidExpression
from customering.kernel.expressions import MAX_DEPTH, MAX_LENGTH, parse

DAY_MS = 86_400_000
ADA: dict[str, Any] = {
    "orders": 4,
    "spend": 12.5,
    "city": "Zürich",
    "is_member": True,
    "last_order_at": 10 * DAY_MS,
    "channels": ["web", "store"],
    "top": [["wine", 3], ["bread", 1]],
    "habits": {"milk": [1, 2]},
    "nothing": None,
    "address": {"country": "CH", "street": {"name": "Gasse"}},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("orders", 4),
        ("orders >= 4", True),
        ("4 > orders", False),
        ("1 < orders <= 4 < spend", True),
        ("1 < orders < 4", False),
        ("orders == 4.0", True),
        ('orders == "4"', False),
        ('orders != "4"', False),
        ("is_member == 1", False),
        ("is_member == true", True),
        ("is_member", True),
        ("not orders == 4", False),
        ("missing(nothing) and missing(absent) and not missing(orders)", True),
        ("nothing < 1", False),
        ("nothing != 1", False),
        ("nothing not in [1]", False),
        ("orders in [1, 4]", True),
        ("orders not in [1, 2]", True),
        ("orders not in [1, 4]", False),
        ('city in ("Bern", "Zürich")', True),
        ('lower(city) == "zürich"', True),
        ('missing(lower(orders))', True),
        ('contains(city, "ric")', True),
        ('contains(channels, "store")', True),
        ('contains(channels, "sto")', False),
        ('contains(top, "wine")', True),
        ('contains(habits, "milk")', True),
        ('contains(orders, "4")', False),
        ('contains(nothing, "")', False),
        ("orders + 1 - 2 * 3", -1.0),
        ("spend / orders", 3.125),
        ("-orders", -4.0),
        ("-2 < -1.5", True),
        ("orders / 0", None),
        ("orders / nothing", None),
        ("city + 1", None),
        ("missing(orders / 0)", True),
        ("spend * 9e15 * 9e15 * 9e15 * 9e15 * 9e15 * 9e15 * 9e15 * 9e15 * 9e15 * 9e15 * 9e15 * 9e15"
         " * 9e15 * 9e15 * 9e15 * 9e15 * 9e15 * 9e15 * 9e15 * 9e15 * 9e15", None),
        ("days_since(last_order_at)", 5.5),
        ("days_until(last_order_at) < -5", True),
        ("days_since(city) < 1", False),
        ('address.country == "CH" and address.street.name == "Gasse"', True),
        ("missing(address.zip) and missing(city.x)", True),
        ("orders > 9 or spend > 9 or is_member == false", True),
        ("orders > 9 or spend > 99 or is_member == false", False),
        ("orders > 1 and spend > 9 and is_member", True),
        ("orders\n  > 1\n", True),
        ("True and not False", True),
        ("is_member < is_member", False),
        ("spend < city", False),
        ("orders < spend", True),
    ],
)  # fmt: skip
def test_value(text: str, expected: Any) -> None:
    answer = parse(text).evaluate(ADA, now_ms=15 * DAY_MS + DAY_MS // 2)
    assert answer == expected
    assert type(answer) is type(expected)


def test_only_true_holds() -> None:
    assert parse("orders").holds(ADA) is False
    assert parse("is_member").holds(ADA) is True
    assert parse("not orders").holds(ADA) is True


def test_whole_numbers_beyond_a_double_are_missing() -> None:
    assert parse("missing(big + 1)").holds({"big": 10**400})
    assert not parse("big > 1").holds({"big": 10**400})


@pytest.mark.parametrize(
    ("text", "column", "part"),
    [
        ("", 1, "no expression"),
        ("   ", 4, "no expression"),
        ("orders = 3", 8, "no expression"),
        ("orders >", 1, "no expression"),
        ("a)(b", 2, "no expression"),
        ("spend > 1 and oders > 2", 15, "oders is unknown"),
        ('"ü" == city and oders > 2', 17, "oders is unknown"),
        ("orders is 3", 1, "`is`"),
        ("orders ** 2", 1, "power"),
        ("orders % 2 == 0", 1, "remainder"),
        ("orders[0]", 1, "index"),
        ("(lambda: 1)", 2, "lambda"),
        ("1 if orders else 2", 1, "an if"),
        ('f"{orders}"', 1, "f-text"),
        ("orders == 1j", 11, "constant"),
        ("orders == null", 11, "null is no value"),
        ('__import__("os")', 1, "__import__ is unknown"),
        ("len(orders)", 1, "len is unknown"),
        ("lower(city).upper", 1, "a dot"),
        ("missing()", 1, "takes 1 value"),
        ("missing(orders, spend)", 1, "takes 1 value"),
        ("lower(x=city)", 1, "takes 1 value"),
        ("when(orders > 1)", 1, "takes 2 values"),
        ("when(orders > 1, city)", 18, "a text or a number"),
        ("first(orders)", 1, "takes 2 values or more"),
        ("first(orders, city)", 1, "numbers only or texts only"),
        ("first(1, lower(city))", 1, "numbers only or texts only"),
        ("days_to_anniversary(1)", 21, "a number stands where a text"),
        ("contains(city, city)", 16, "text in quotes"),
        ('"web" in channels', 10, "list of values"),
        ("orders in []", 11, "list of values"),
        ('orders in [1, "a"]', 11, "only"),
        ("orders in [spend]", 11, "only"),
        ('"a" in [1]', 1, "never in a list"),
        ('3 == "3"', 1, "never compares"),
        ("is_member < true", 1, "no order"),
        ("orders and 3", 12, "a number stands"),
        ("not lower(city)", 5, "a text stands"),
        ('1 + "a"', 5, "a text stands"),
        ("lower(1)", 7, "a number stands"),
        ("orders == 99999999999999999999", 11, "too large"),
        ("orders == 1e999", 11, "too large"),
        (r'city == "\n"', 10, "backslash"),
        ("orders\0", 7, "NUL"),
        ("orders # > 3", 8, "comment"),
        ("orders # why\n > 3", 8, "comment"),
        ("orders; spend", 7, "no expression"),
        ("[orders]", 1, "a list here"),
        ("{orders: 1}", 1, "a dict"),
        ("(orders := 3)", 2, "is not allowed"),
    ],
)
def test_refusal_names_the_place(text: str, column: int, part: str) -> None:
    with pytest.raises(InvalidExpression) as caught:
        parse(text, ADA)
    assert caught.value.message.startswith(f"column {column}: ")
    assert part in caught.value.message
    assert caught.value.hint


def test_a_misspelt_name_gets_a_suggestion() -> None:
    with pytest.raises(InvalidExpression) as caught:
        parse("last_oder_at > 3", ADA)
    assert caught.value.hint == "Did you mean last_order_at?"
    with pytest.raises(InvalidExpression) as caught:
        parse('containz(city, "a")', ADA)
    assert caught.value.hint == "Did you mean contains?"


def test_a_known_name_allows_what_is_below_it() -> None:
    assert parse("address.street.name", ["address"]).names == {"address.street.name"}
    with pytest.raises(InvalidExpression):
        parse("address.street.name", ["city"])


def test_names_are_those_read() -> None:
    expression = parse('a > 1 or b.c in ["x"] or missing(d) or days_since(e) < f or true')
    assert expression.names == {"a", "b.c", "d", "e", "f"}


def test_size_is_limited() -> None:
    parse("a" * MAX_LENGTH)
    with pytest.raises(InvalidExpression, match="too long"):
        parse("a" * (MAX_LENGTH + 1))
    parse("not " * (MAX_DEPTH - 1) + "a")
    with pytest.raises(InvalidExpression, match="levels deep"):
        parse("not " * MAX_DEPTH + "a")
    with pytest.raises(InvalidExpression):
        parse("(" * 900 + "a" + ")" * 900)


def test_the_sql_of_a_long_sum_stays_short() -> None:
    text = " + ".join(["a"] * 30)
    sql = parse(text).sql(exp.column, 0).sql(dialect="duckdb")
    assert len(sql) < 10_000


def test_compiles_over_any_kind_of_row() -> None:
    places = {"orders": 0, "spend": 1}

    def reader(name: str) -> Any:
        place = places[name]
        return lambda row: row[place]

    run = parse("orders > 1 and spend < 5").compile(reader)
    assert run((2, 3), 0) is True
    assert run((1, 3), 0) is False


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_lower_keeps_every_character(text: str) -> None:
    assert len(parse("lower(a)").evaluate({"a": text})) == len(text)
