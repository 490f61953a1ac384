"""What a person said of themselves: for each fact the latest statement, corrections first.

Facts come from ``identify`` events, whose properties are facts, and from ``Fact Corrected`` events
with the properties ``{"facts": {name: value}}``, by which the person puts right what we hold. The
value null takes a fact back. Of two statements the one that stands is, in this order,

1. a correction rather than a statement by any system,
2. the later one, at the instant it was made but never after it reached us,
3. the one whose value, as JSON, is greater, and then whose source is.

That order is total, so `merge` is commutative, associative and idempotent.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

import msgspec
from sqlglot import exp

from customering.events.model import FACT_CORRECTED, Event

Statement: TypeAlias = tuple[int, int, Any, str]
"""Rank (1 for a correction), instant in ms, value, source."""

Declared: TypeAlias = dict[str, Statement]

HIDDEN_FACT = "hidden_facts"
"""The declared fact that lists, by name, what a person does not want to be used about them."""

_encode = msgspec.json.encode


def facts_of(event: Event) -> tuple[int, dict[str, Any]]:
    """Give the rank of an event's statements and the statements; none for most events."""
    if event.kind == "identify":
        return 0, event.properties
    if event.kind == "track" and event.name == FACT_CORRECTED:
        facts = event.properties.get("facts")
        return 1, facts if isinstance(facts, dict) else {}
    return 0, {}


def step(declared: Declared | None, event: Event) -> Declared | None:
    """Take the statements of an event; the given mapping is not changed."""
    rank, facts = facts_of(event)
    if not facts:
        return declared
    at_ms = min(event.occurred_at, event.recorded_at)
    return merge(
        declared, {name: (rank, at_ms, value, event.source) for name, value in facts.items()}
    )


def merge(left: Declared | None, right: Declared | None) -> Declared | None:
    """Join what two anchors of one person hold.

    Examples
    --------
    >>> merge({"size": (0, 5, "M", "web")}, {"size": (1, 2, "L", "portal")})
    {'size': (1, 2, 'L', 'portal')}
    """
    if left is None or right is None:
        return left if right is None else right
    joined = dict(left)
    for name, statement in right.items():
        held = joined.get(name)
        joined[name] = statement if held is None else max(held, statement, key=_order)
    return joined


def standing(declared: Declared | None) -> dict[str, Statement]:
    """Give the facts that were not taken back."""
    held = declared or {}
    return {name: statement for name, statement in held.items() if statement[2] is not None}


def hidden(said: Mapping[str, Any]) -> frozenset[str]:
    """Give the names of what a person does not want to be used; none where that cannot be read.

    Parameters
    ----------
    said
        Declared facts by name.

    Examples
    --------
    >>> sorted(hidden({"hidden_facts": ["orders_90d", 7]}))
    ['orders_90d']
    """
    names = said.get(HIDDEN_FACT)
    if not isinstance(names, list):
        return frozenset()
    return frozenset(name for name in names if isinstance(name, str))


def _order(statement: Statement) -> tuple[int, int, bytes, bytes]:
    rank, at_ms, value, source = statement
    return rank, at_ms, _encode(value), source.encode()


def states_sql(relation: str, group: str) -> exp.Select:
    """Give the query for (owner, state as JSON) of everybody who stated anything."""
    statement = "json_array(latest.rank, latest.at_ms, latest.value::JSON, latest.source)"
    return _standing_sql(relation, group, f"json_group_object(fact, {statement})::VARCHAR AS state")


def facts_sql(relation: str, group: str) -> exp.Select:
    """Give the query for (owner, JSON object of the facts that were not taken back)."""
    facts = _standing_sql(relation, group, "json_group_object(fact, latest.value::JSON) AS facts")
    return facts.where("latest.value <> 'null'")


def _standing_sql(relation: str, group: str, column: str) -> exp.Select:
    """Compose the query over the statement that stands for each fact; texts are constants."""
    query: Any = exp.maybe_parse(
        f"""
        WITH statements AS (
            SELECT "{group}" AS owner, source, least(occurred_at, recorded_at) AS at_ms,
                CASE WHEN kind = 'identify' THEN 0 ELSE 1 END AS rank,
                CASE WHEN kind = 'identify' THEN properties::JSON
                    ELSE json_extract(properties, '$.facts') END AS facts
            FROM {relation}
            WHERE kind = 'identify' OR (kind = 'track' AND name = '{FACT_CORRECTED}')
        ), entries AS (
            SELECT *, unnest(map_entries(TRY_CAST(facts AS MAP(VARCHAR, JSON)))) AS entry
            FROM statements WHERE json_type(facts) = 'OBJECT'
        ), standing AS (
            SELECT owner, entry.key AS fact,
                max(struct_pack(rank := rank, at_ms := at_ms,
                    value := coalesce(entry.value::VARCHAR, 'null'), source := source)) AS latest
            FROM entries GROUP BY ALL
        )
        SELECT owner, {column} FROM standing GROUP BY owner
        """,
        dialect="duckdb",
    )
    return cast("exp.Select", query)
