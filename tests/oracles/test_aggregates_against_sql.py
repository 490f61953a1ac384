"""Every aggregate, stepped in Python against grouped in DuckDB, states and values."""

import math
from typing import Any

import duckdb
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from customering.aggregates.base import Row
from customering.aggregates.query import Input, query
from customering.aggregates.registry import KINDS, build
from customering.kernel.clock import MS_PER_DAY

PEOPLE = ["ada", "bo", "chidi"]
COLUMNS = {
    "person": "VARCHAR",
    "name": "VARCHAR",
    "amount": "BIGINT",
    "rate": "DOUBLE",
    "word": "VARCHAR",
    "is_gift": "BOOLEAN",
    "weight": "BIGINT",
    "at_ms": "BIGINT",
    "day": "INTEGER",
}
WORDS = st.sampled_from(["milk", "bread", "Äpfel", "", "10", "9"]) | st.text(max_size=3)
EVENTS = st.lists(
    st.builds(
        lambda person, name, amount, rate, word, is_gift, weight, day, ms: (
            person, name, amount, rate, word, is_gift, weight, day * MS_PER_DAY + ms, day
        ),
        st.sampled_from(PEOPLE),
        st.sampled_from(["seen", "bought", None]),
        st.none() | st.integers(-50, 50),
        st.floats(0.25, 100),
        st.none() | WORDS,
        st.none() | st.booleans(),
        st.integers(1, 3),
        st.integers(0, 40),
        st.sampled_from([0, 1, MS_PER_DAY // 2, MS_PER_DAY - 1]),
    ),
    max_size=60,
)  # fmt: skip

# Kind, column of the value, parameters.
CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("count", "word", {}),
    ("sum", "amount", {}),
    ("sum", "rate", {}),
    ("min", "amount", {}),
    ("min", "word", {}),
    ("max", "rate", {}),
    ("max", "word", {}),
    ("mean", "amount", {}),
    ("mean", "rate", {}),
    ("variance", "amount", {}),
    ("sd", "amount", {}),
    ("first", "word", {}),
    ("first", "is_gift", {}),
    ("last", "word", {}),
    ("last", "amount", {}),
    ("last_k", "word", {"k": 3}),
    ("last_k", "amount", {"k": 25}),
    ("distinct", "word", {"bound": 16}),
    ("distinct", "amount", {"bound": 16}),
    ("distinct", "is_gift", {}),
    ("top_k", "word", {"k": 2}),
    ("top_k", "amount", {"k": 30}),
    ("top_k", "is_gift", {"k": 1}),
    ("histogram", "amount", {"edges": [-10, 0.5, 20]}),
    ("histogram", "rate", {"edges": [1.5]}),
    ("habits", "word", {"last_days": 3}),
    ("habits", "is_gift", {"last_days": 2}),
    ("decayed_sum", "rate", {"half_life_days": 5}),
    ("decayed_sum", "amount", {"half_life_days": 0.5}),
    ("decayed_count", "word", {"half_life_days": 30}),
    ("rhythm", "word", {"statistic": "days", "last": 4}),
    ("rhythm", "word", {"statistic": "mean_gap_days"}),
    ("rhythm", "word", {"statistic": "sd_gap_days"}),
    ("rhythm", "word", {"statistic": "sd_gap_days", "last": 4}),
    ("rhythm", "word", {"statistic": "days_active", "last": 4}),
    ("rhythm", "word", {"statistic": "days_since_last"}),
]
WINDOWLESS = {"decayed_sum", "decayed_count", "rhythm"}
CONDITIONS = {"": None, "bought": lambda event: event["name"] == "bought"}


class Case:
    """An input of the query, and what it means in Python."""

    def __init__(self, number: int, kind: str, column: str, parameters: dict[str, Any]) -> None:
        self.column = column
        self.condition = "" if number % 2 else "bought"
        self.weight = "weight" if number % 3 else ""
        self.aggregate = build(kind, **parameters)
        row = Row(
            value=exp.column(column),
            weight=exp.column(self.weight) if self.weight else exp.convert(1),
            at_ms=exp.column("at_ms"),
            day=exp.column("day"),
        )
        where = exp.column("name").eq(self.condition) if self.condition else None
        name = f"{number} {kind} of {column}"
        self.input = Input(name=name, aggregate=self.aggregate, row=row, where=where)

    def fold(self, events: list[dict[str, Any]]) -> Any:
        holds = CONDITIONS[self.condition] or (lambda event: True)
        state = self.aggregate.zero()
        for event in events:
            value, weight = event[self.column], event[self.weight] if self.weight else 1
            if holds(event) and value is not None:
                state = self.aggregate.step(state, value, weight, event["at_ms"])
        return state


# One query for what does not look back, one for what does, so that neither grows too large to plan.
# Numbering gives each case a weight or none, and a condition or none; plain cases get both.
GROUPS = {
    "plain": [
        Case(number, *case) for number, case in enumerate(c for c in CASES for _ in range(2))
    ],
    "windowed": [
        Case(number // 2, kind, column, {**parameters, "window_days": 1 + 9 * (number % 2)})
        for number, (kind, column, parameters) in enumerate(CASES)
        if kind not in WINDOWLESS
    ],
}
STATES = {
    group: query("events", "person", [case.input for case in cases]).sql("duckdb")
    for group, cases in GROUPS.items()
}
NOWS = [18 * MS_PER_DAY + 5, 40 * MS_PER_DAY, 47 * MS_PER_DAY - 1]
VALUES = {
    (group, now_ms): query("events", "person", [c.input for c in cases], now_ms).sql("duckdb")
    for group, cases in GROUPS.items()
    for now_ms in NOWS
}


@pytest.fixture(scope="module")
def connection() -> Any:
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        connection.execute(f"CREATE TABLE events ({columns})")
        yield connection


def ask(connection: Any, text: str) -> dict[str, dict[str, Any]]:
    answer = connection.execute(text)
    names = [column[0] for column in answer.description]
    return {row[0]: dict(zip(names, row, strict=True)) for row in answer.fetchall()}


def fill(connection: Any, events: list[tuple[Any, ...]]) -> dict[str, list[dict[str, Any]]]:
    connection.execute("DELETE FROM events")
    if events:
        marks = ", ".join("?" * len(COLUMNS))
        rows = ", ".join([f"({marks})"] * len(events))
        connection.execute(f"INSERT INTO events VALUES {rows}", [x for row in events for x in row])
    named = [dict(zip(COLUMNS, event, strict=True)) for event in events]
    return {person: [event for event in named if event["person"] == person] for person in PEOPLE}


def agree(live: Any, batch: Any) -> bool:
    """Tell whether two answers are equal: numbers to 1e-9, tuples and lists alike."""
    match live, batch:
        case (bool(), _) | (_, bool()):
            return live is batch
        case ((int() | float()), (int() | float())):
            if isinstance(live, int) and isinstance(batch, int):
                return live == batch
            return math.isclose(live, batch, rel_tol=1e-9, abs_tol=1e-9)
        case ((list() | tuple()), (list() | tuple())):
            return len(live) == len(batch) and all(map(agree, live, batch))
        case dict(), dict():
            return live.keys() == batch.keys() and all(agree(live[k], batch[k]) for k in live)
        case _:
            return bool(live == batch)


def test_every_kind_is_among_the_cases() -> None:
    assert {kind for kind, _, _ in CASES} == set(KINDS)


def test_answers_that_differ_do_not_agree() -> None:
    pairs = [(1, 2), (1, 1.1), (True, 1), ([1], []), ({"a": 1}, {}), (None, 0), ("1", 1)]
    assert not any(agree(live, batch) for live, batch in pairs)


@pytest.mark.parametrize("group", GROUPS)
@settings(max_examples=10, deadline=None)
@given(events=EVENTS)
def test_states_computed_by_sql_are_those_stepped(
    connection: Any, group: str, events: list[tuple[Any, ...]]
) -> None:
    by_person = fill(connection, events)
    batch = ask(connection, STATES[group])
    for person, theirs in by_person.items():
        for case in GROUPS[group]:
            text = batch.get(person, {}).get(case.input.name)
            aggregate = case.aggregate
            state = aggregate.zero()
            if text is not None:
                state = msgspec.json.decode(text, type=aggregate.state_type)
            assert agree(case.fold(theirs), state), case.input.name


@pytest.mark.parametrize(("group", "now_ms"), VALUES)
@settings(max_examples=5, deadline=None)
@given(events=EVENTS)
def test_values_computed_by_sql_are_those_finished(
    connection: Any, group: str, now_ms: int, events: list[tuple[Any, ...]]
) -> None:
    # Windows are exact from the day before the latest input on: leave out what comes after it.
    events = [event for event in events if event[-1] <= now_ms // MS_PER_DAY + 1]
    by_person = fill(connection, events)
    batch = ask(connection, VALUES[group, now_ms])
    for person, theirs in by_person.items():
        if person not in batch:
            continue
        for case in GROUPS[group]:
            value = batch[person][case.input.name]
            if "habits" in case.input.name and value is not None:
                value = msgspec.json.decode(value)
            assert agree(case.aggregate.finish(case.fold(theirs), now_ms), value), case.input.name


@pytest.mark.parametrize("window_days", [None, 3])
def test_sketches_of_more_values_than_the_bound_agree(
    connection: Any, window_days: int | None
) -> None:
    parameters = {"bound": 64, "window_days": window_days}
    cases = [Case(1, "distinct", "word", parameters), Case(3, "distinct", "amount", parameters)]
    events = [
        (person, "bought", value % 200, 1.0, str(value * share), None, 1, value * MS_PER_DAY, value)
        for value in range(3)
        for share, person in enumerate(PEOPLE)
    ] + [
        ("ada", "bought", value % 200, 1.0, str(value), None, 1, 2 * MS_PER_DAY, 2)
        for value in range(600)
    ]
    by_person = fill(connection, events)
    inputs = [case.input for case in cases]
    states = ask(connection, query("events", "person", inputs).sql("duckdb"))
    values = ask(connection, query("events", "person", inputs, 2 * MS_PER_DAY).sql("duckdb"))
    for person, theirs in by_person.items():
        for case in cases:
            state = case.fold(theirs)
            text, kind = states[person][case.input.name], case.aggregate.state_type
            assert msgspec.json.decode(text, type=kind) == state
            value = case.aggregate.finish(state, 2 * MS_PER_DAY)
            assert values[person][case.input.name] == value
            assert (value > 64) == (person == "ada")
