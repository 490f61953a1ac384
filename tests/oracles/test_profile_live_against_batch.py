"""The live fold against the SQL over the history: every trait that ships, on random events."""

import json
import math
import random
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
import pytest

from customering.events.model import PRODUCT_FIELDS, Event, products_of
from customering.kernel.ids import Identifier
from customering.profile.audiences import AudienceIndex, members_sql
from customering.profile.batch import states_sql, values_sql
from customering.profile.declared import standing
from customering.profile.definitions import read_audiences, read_traits, shipped_traits
from customering.profile.fold import fold_events, merge_states, values
from customering.profile.model import State
from customering.profile.traits import DECLARED, TraitSet

DAY_MS = 86_400_000
START_MS = 19_700 * DAY_MS
TRAITS = TraitSet(shipped_traits())
ODD = TraitSet(
    read_traits(
        """
[[trait]]
name = "long_calls"
events = ["Call Ended"]
where = 'properties.duration_seconds > 60 and not contains(lower(properties.topic), "test")'
aggregate = "sum"
field = "properties.duration_seconds"
type = "number"
purpose = "p"
words = "w"

[[trait]]
name = "topics"
events = ["Call Ended"]
aggregate = "top_k"
field = "properties.details.topic"
weight = "properties.duration_seconds"
parameters = { k = 2 }
purpose = "p"
words = "w"

[[trait]]
name = "dear_red_lines"
where = 'category == "red" and price_minor > 100 and store_id != "s1" and name != "b"'
each = "products"
aggregate = "last_k"
field = "name"
parameters = { k = 3 }
purpose = "p"
words = "w"

[[trait]]
name = "late_sources"
where = 'days_since(occurred_at) > 1 or source in ["web"]'
aggregate = "distinct"
field = "context.device.id"
window_days = 10
purpose = "p"
words = "w"

[[trait]]
name = "visits_by_hour"
kind = "page"
aggregate = "histogram"
field = "hour"
parameters = { edges = [6, 12, 18] }
purpose = "q"
words = "w"

[[trait]]
name = "share_sd"
aggregate = "sd"
field = ["properties.share", "properties.rate", 0]
type = "number"
purpose = "q"
words = "w"
""",
        file="odd.toml",
    )
)

INSTANTS = [START_MS + days * DAY_MS for days in (40, 53, 140)]

TEXTS = ["a", "b", "red", "s1", "é'\"", "", "TEST"]
NUMBERS = [0, 1, 2, 60, 61, 250, -5, 2**53, 2.5, 61.0]
ODDITIES = [None, True, "7", [], {}, ["x"], {"a": 1}, 2**63, 2**70, 1.5]
NAMES = sorted({name for trait in shipped_traits() for name in trait.events})
FACTS = ["size", "city", "a.b", 'quo"te', "orders_total"]
PURPOSES = ["marketing", "marketing.email", 'q"']


class World:
    """Random events: late and unordered, with fields that are missing or of the wrong type."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def mostly(self, options: list[Any]) -> Any:
        return self.chance.choice(ODDITIES if self.chance.random() < 0.15 else options)

    def some(self, fields: dict[str, list[Any]]) -> dict[str, Any]:
        return {
            name: self.mostly(options)
            for name, options in fields.items()
            if self.chance.random() < 0.7
        }

    def lines(self) -> list[Any]:
        fields: dict[str, list[Any]] = {
            "product_id": TEXTS, "name": TEXTS, "category": TEXTS, "department": TEXTS,
            "brand": TEXTS, "quantity": [1, 2, 3, 0.5], "price_minor": [5, 99, 101, 2_000],
            "discount_minor": [0, 10, -3], "amount_minor": [5, 99],
        }  # fmt: skip
        return [self.mostly([self.some(fields)]) for _ in range(self.chance.randrange(4))]

    def properties(self) -> dict[str, Any]:
        return self.some({
            "products": [self.lines()], "product_id": TEXTS, "revenue_minor": [0, 995, 12_345],
            "total_minor": [7, 1_005], "store_id": TEXTS, "channel": TEXTS, "query": TEXTS,
            "duration_seconds": NUMBERS, "details": [self.some({"topic": TEXTS})],
            "share": [0.1, -2.5, 1 / 3, 4], "rate": [1, 2, -3],
            "rating": [1, "5", 4.5, "many", 6, -1], "rating_max": [10, "5"],
            "sentiment": [-1, 0.25, 3],
            "score": [0, "7", 11], "score_max": [5, 0], "topic": [*TEXTS, "Complaint"],
            "because": ["Annoying", "later"], "friend": ["user_id:b", "c@example.org", "b"],
            "friend_user_id": ["b"], "recipient": ["c@example.org", "somebody"],
            "recipient_user_id": ["b"], "contact": ["1 email mail"],
        })  # fmt: skip

    def event(self, number: int) -> Event:
        chance = self.chance
        shape = chance.randrange(10)
        kind: Any = "track"
        name, properties = chance.choice([*NAMES, "Call Ended"]), self.properties()
        if shape == 0:
            kind, name = chance.choice(["page", "screen", "group"]), chance.choice(TEXTS)
        elif shape == 1:
            kind, name = "identify", ""
            properties = self.some({key: [*TEXTS, 1, 2, 3] for key in FACTS})
        elif shape == 2:
            facts = self.some({key: [*TEXTS, 1, 2, 3] for key in FACTS})
            name, properties = "Fact Corrected", {"facts": self.mostly([facts])}
        elif shape == 3:
            choices = self.some({key: ["allow", "deny", "maybe"] for key in PURPOSES})
            name, properties = "Consent Updated", {"purposes": self.mostly([choices])}
        at_ms = START_MS + chance.randrange(40) * DAY_MS // chance.choice([1, 24, 1000])
        return Event(
            event_id=f"e{number}",
            kind=kind,
            name=name,
            identifiers=(Identifier("user_id:1"),),
            occurred_at=at_ms,
            recorded_at=at_ms + chance.choice([-DAY_MS, 0, 5, 3 * DAY_MS]),
            properties=properties,
            context=chance.choice([{}, {"channel": "app"}, {"device": {"id": "d"}}, {"device": 3}]),
            source=chance.choice(["", "web", "till"]),
        )

    def events(self, people: int, most: int) -> list[tuple[str, Event]]:
        """Give pairs of anchor and event; the anchor ``3-1`` is the second one of person 3."""
        pairs = [
            (f"{person}-{self.chance.randrange(2)}", self.event(number))
            for person in range(people)
            for number in range(self.chance.randrange(1, most))
        ]
        self.chance.shuffle(pairs)
        return pairs


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    yield connection
    connection.close()


WHOLE = {"quantity", "amount_minor", "price_minor", "discount_minor"}
LINE = pa.struct([(f, pa.int64() if f in WHOLE else pa.string()) for f in PRODUCT_FIELDS])
HISTORY = pa.schema(
    [
        *((name, pa.string()) for name in ("anchor", "person", "event_id", "kind", "name")),
        *((name, pa.int64()) for name in ("occurred_at", "recorded_at")),
        ("day", pa.int32()),
        ("source", pa.string()),
        ("offset", pa.int64()),
        ("revenue_minor", pa.int64()),
        *((name, pa.string()) for name in ("currency", "order_id", "store_id", "channel")),
        ("products", pa.list_(LINE)),
        *((name, pa.string()) for name in ("identifiers", "properties", "context")),
    ]
)


def strict(value: Any, kind: type) -> Any:
    fits = type(value) is kind and (kind is str or -(2**63) <= value < 2**63)
    return value if fits else None


def history_row(offset: int, anchor: str, event: Event) -> dict[str, Any]:
    """Type an event as the history does: what does not fit a column is NULL there."""
    held = event.properties
    texts = ("currency", "order_id", "store_id", "channel")
    return {
        **{name: getattr(event, name) for name in ("event_id", "kind", "name", "source")},
        **{name: strict(held.get(name), str) for name in texts},
        "anchor": anchor,
        "person": anchor[:-2],
        "occurred_at": event.occurred_at,
        "recorded_at": event.recorded_at,
        "day": event.occurred_at // DAY_MS,
        "offset": offset,
        "revenue_minor": strict(held.get("revenue_minor"), int),
        "products": [
            {name: strict(line.get(name), int if name in WHOLE else str) for name in PRODUCT_FIELDS}
            for line in products_of(held)
        ],
        "identifiers": "[]",
        "properties": msgspec.json.encode(held).decode(),
        "context": msgspec.json.encode(event.context).decode(),
    }


def load_history(
    connection: duckdb.DuckDBPyConnection, pairs: list[tuple[str, Event]], name: str = "history"
) -> None:
    rows = [history_row(offset, *pair) for offset, pair in enumerate(pairs)]
    connection.register("rows", pa.Table.from_pylist(rows, schema=HISTORY))
    connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM rows")
    connection.unregister("rows")


def nearly(left: Any, right: Any) -> bool:
    """Equal, numbers to 1e-9, and without regard to the order of keys."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(nearly(left[k], right[k]) for k in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(nearly, left, right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    return bool(left == right)


def live_states(traits: TraitSet, pairs: list[tuple[str, Event]]) -> dict[str, State]:
    events: dict[str, list[Event]] = defaultdict(list)
    for anchor, event in pairs:
        events[anchor].append(event)
    return {anchor: fold_events(traits, found) for anchor, found in events.items()}


@cache
def batch_query(traits: TraitSet, now_ms: int | None) -> str:
    if now_ms is None:
        return states_sql(traits, "history").sql(dialect="duckdb")
    return values_sql(traits, "history", now_ms).sql(dialect="duckdb")


def batch_values(
    connection: duckdb.DuckDBPyConnection, traits: TraitSet, now_ms: int
) -> dict[str, dict[str, Any]]:
    """Give the values of each person, through JSON, as nested SQL types read differently."""
    query = batch_query(traits, now_ms)
    rows = connection.execute(f"SELECT to_json(answer)::VARCHAR FROM ({query}) AS answer")
    found = [json.loads(text) for (text,) in rows.fetchall()]
    return {row.pop("person"): row for row in found}


def differences(expected: Any, found: Any, names: list[str]) -> dict[str, Any]:
    return {
        name: (a, b) for name, a, b in zip(names, expected, found, strict=True) if not nearly(a, b)
    }


@pytest.mark.parametrize("traits", [TRAITS, ODD], ids=["shipped", "odd"])
@pytest.mark.parametrize("seed", [1, 2])
def test_states_agree(database: duckdb.DuckDBPyConnection, traits: TraitSet, seed: int) -> None:
    pairs = World(seed).events(people=60, most=40)
    load_history(database, pairs)
    names = ["declared", "consent", *(slot.source.definition.name for slot in traits.slots)]
    live = live_states(traits, pairs)
    found = dict(database.execute(batch_query(traits, None)).fetchall())
    assert found.keys() == live.keys()
    for anchor, text in found.items():
        expected = json.loads(traits.encode(live[anchor]))
        assert not differences(expected, json.loads(text), names)
        assert nearly(traits.decode(text), live[anchor])


@pytest.mark.parametrize("traits", [TRAITS, ODD], ids=["shipped", "odd"])
@pytest.mark.parametrize("seed", [1, 2])
def test_values_agree(database: duckdb.DuckDBPyConnection, traits: TraitSet, seed: int) -> None:
    pairs = World(seed).events(people=60, most=40)
    load_history(database, pairs)
    people: dict[str, list[State]] = defaultdict(list)
    for anchor, state in live_states(traits, pairs).items():
        people[anchor[:-2]].append(state)
    now_ms = INSTANTS[seed % len(INSTANTS)]
    found = batch_values(database, traits, now_ms)
    assert found.keys() == people.keys()
    for person, row in found.items():
        whole = merge_states(traits, people[person])
        facts = {name: fact[2] for name, fact in standing(whole[DECLARED]).items()}
        assert nearly(row.pop("declared") or {}, facts)
        whole[DECLARED] = None
        expected = values(traits, whole, now_ms)
        assert not differences(
            [expected.get(name) for name in traits.traits], list(row.values()), list(traits.traits)
        )


QUESTIONS = """
[[audience]]
name = "regulars"
where = 'orders_30d >= 1 and not missing(last_order_at) and days_since(last_order_at) < 60'

[[audience]]
name = "never_bought"
where = 'orders_total == 0'

[[audience]]
name = "red_friends"
where = 'contains(top_categories, "red") or contains(habits, "red") or contains(last_search, "e")'

[[audience]]
name = "said_so"
where = 'declared.size in ["a", "b"] or declared.city == 3 or not missing(declared.size.a)'

[[audience]]
name = "overruled"
where = 'orders_total == "a" or orders_total == 2'

[[audience]]
name = "quickening"
where = 'orders_30d / (orders_90d - orders_30d) > 0.5 or spend_total_minor > average_order_minor'

[[audience]]
name = "viewers"
where = 'contains(last_viewed_products, "a") and not (favourite_store.x == 1)'
"""


def test_audiences_agree(database: duckdb.DuckDBPyConnection) -> None:
    index = AudienceIndex(read_audiences(QUESTIONS, file="x.toml"), TRAITS)
    pairs = World(3).events(people=140, most=90)
    load_history(database, pairs)
    people: dict[str, list[State]] = defaultdict(list)
    for anchor, state in live_states(TRAITS, pairs).items():
        people[anchor[:-2]].append(state)
    now_ms = INSTANTS[0]
    query = members_sql(index, TRAITS, "history", now_ms)
    answer = database.execute(query.sql(dialect="duckdb"))
    names = [column[0] for column in answer.description or ()][1:]
    assert names == list(index.audiences)
    rows = answer.fetchall()
    assert {row[0] for row in rows} == people.keys()
    for person, *memberships in rows:
        found = {name for name, inside in zip(names, memberships, strict=True) if inside}
        assert index.members(merge_states(TRAITS, people[person]), now_ms) == found
    # The premise: every question divides these people.
    sizes = {name: sum(row[place] for row in rows) for place, name in enumerate(names, 1)}
    assert all(0 < size < len(rows) for size in sizes.values()), sizes
