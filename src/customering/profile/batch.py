"""The fold as one SQL query over the history: the states and values the live path would give."""

from typing import Any, cast

from sqlglot import exp

from customering.aggregates.base import Aggregate, Row
from customering.aggregates.query import Input, query
from customering.events.model import PERMISSION_NAMES
from customering.profile import declared
from customering.profile.fields import LINE, type_of
from customering.profile.traits import Source, TraitSet


def states_sql(traits: TraitSet, relation: str, group: str = "anchor") -> exp.Select:
    """Give the query for the states of everybody.

    Parameters
    ----------
    relation
        The history, as it stands after ``FROM``.
    group
        The column that says whose state an event belongs to.

    Returns
    -------
    exp.Select
        Columns (`group`, ``state``): one row each, the state as `TraitSet.decode` reads it.
    """
    inputs = [
        _input(f"slot_{slot.index}", slot.source, slot.aggregate, relation) for slot in traits.slots
    ]
    everybody = _everybody(relation, group)
    everybody = _beside(everybody, "said", declared.states_sql(relation, group), "owner", group)
    everybody = _beside(everybody, "agreed", consents_sql(relation, group), "owner", group)
    parts = ["said.state", "agreed.state"]
    if inputs:
        everybody = _beside(everybody, "sums", query(_table(relation), group, inputs), group, group)
        parts += [f"sums.{item.name}::VARCHAR" for item in inputs]
    cells = ", ".join(f"coalesce({part}, 'null')" for part in parts)
    owner = exp.column(group, table="everybody", quoted=True)
    return everybody.select(
        owner, f"'[' || concat_ws(',', {cells}) || ']' AS state", dialect="duckdb"
    )


def values_sql(traits: TraitSet, relation: str, now_ms: int, group: str = "person") -> exp.Select:
    """Give the query for the values of everybody at an instant.

    All rows of the relation count, as all events folded do; for values as of an instant in the
    past, hand in the rows up to that instant.

    Returns
    -------
    exp.Select
        Columns: `group`; ``declared``, the facts as a JSON object, NULL where there are none; and
        one column a trait with the value observed, NULL where there is none.
    """
    inputs = [
        _input(name, traits.slot_of(trait).source, trait.aggregate, relation)
        for name, trait in traits.traits.items()
    ]
    everybody = _everybody(relation, group)
    everybody = _beside(everybody, "said", declared.facts_sql(relation, group), "owner", group)
    owner = exp.column(group, table="everybody", quoted=True)
    everybody = everybody.select(owner, "said.facts AS declared")
    if not inputs:
        return everybody
    sums = query(_table(relation), group, inputs, now_ms)
    everybody = _beside(everybody, "sums", sums, group, group)
    for name, trait in traits.traits.items():
        value: Any = exp.column(name, table="sums")
        if trait.nothing is not None:
            value = exp.func("coalesce", value, exp.convert(trait.nothing))
        everybody = everybody.select(exp.alias_(value, name))
    return everybody


def consents_sql(relation: str, group: str = "anchor") -> exp.Select:
    """Give the query for what everybody chose who chose anything.

    Returns
    -------
    exp.Select
        Columns ``owner`` and ``state``, the choices as JSON as the consent ledger reads them.
    """
    parsed: Any = exp.maybe_parse(
        f"""
        WITH choices AS (
            SELECT "{group}" AS owner, least(occurred_at, recorded_at) AS at_ms,
                unnest(map_entries(TRY_CAST(
                    json_extract(properties, '$.purposes') AS MAP(VARCHAR, JSON)
                ))) AS choice
            FROM {relation}
            WHERE name IN {PERMISSION_NAMES}
                AND json_type(properties, '$.purposes') = 'OBJECT'
        ), latest AS (
            SELECT owner, choice.key AS purpose,
                max(struct_pack(at_ms := at_ms,
                    is_refusal := choice.value IS DISTINCT FROM '"allow"'::JSON)) AS answer
            FROM choices GROUP BY ALL
        )
        SELECT owner, json_group_object(purpose, json_array(
            answer.at_ms, CASE WHEN answer.is_refusal THEN 'deny' ELSE 'allow' END
        ))::VARCHAR AS state
        FROM latest GROUP BY owner
        """,
        dialect="duckdb",
    )
    return cast("exp.Select", parsed)


def _input(name: str, source: Source, aggregate: Aggregate[Any], relation: str) -> Input:
    trait, fields = source.definition, source.fields
    value = fields.reading_sql(trait.field, type_of(trait.field, trait.type))
    if source.calculated is not None:
        value = source.calculated.sql(fields.column, exp.column("recorded_at"))
    row = Row(
        value=value,
        weight=fields.reading_sql(trait.weight, type_of(trait.weight, "number")),
        at_ms=exp.column("occurred_at"),
        day=exp.column("day"),
    )
    return Input(
        name=name,
        aggregate=aggregate,
        row=row,
        among=_among(source),
        where=_condition(source),
        relation=_lines(relation) if source.is_line else None,
    )


def _among(source: Source) -> exp.Expression | None:
    """Write the test of kind and name; None where all events are inputs."""
    tests: list[Any] = []
    if source.kind:
        tests.append(exp.column("kind").eq(source.kind))
    if source.events:
        tests.append(exp.column("name").isin(*source.events))
    return cast("exp.Expression", exp.and_(*tests)) if tests else None


def _condition(source: Source) -> exp.Expression | None:
    if source.where is None:
        return None
    return source.where.holds_sql(source.fields.column, exp.column("recorded_at"))


def _lines(relation: str) -> exp.Subquery:
    """Give one row a product line; what is no product is no line."""
    lines = exp.select("*", f"unnest(products) AS {LINE}", dialect="duckdb")
    lines = lines.from_(relation, dialect="duckdb")
    return exp.select("*").from_(lines.subquery("lines")).where(f"{LINE} IS NOT NULL").subquery()


def _table(relation: str) -> Any:
    """Read a table expression."""
    return exp.select("*").from_(relation, dialect="duckdb").args["from_"].this


def _everybody(relation: str, group: str) -> exp.Select:
    owners = exp.select(exp.column(group, quoted=True)).distinct()
    owners = owners.from_(relation, dialect="duckdb")
    return exp.select().from_(owners.subquery("everybody"))


def _beside(
    everybody: exp.Select, alias: str, part: exp.Select, owner: str, group: str
) -> exp.Select:
    """Join a query with at most one row an owner."""
    mine = exp.column(group, table="everybody", quoted=True)
    on = mine.eq(exp.column(owner, table=alias, quoted=True))
    return everybody.join(part.subquery(alias), on=on, join_type="left")
