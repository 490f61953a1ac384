"""Audiences: saved questions over people, answered for one person now or for everybody at once."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from sqlglot import exp

from customering.kernel.errors import InvalidDefinition, InvalidExpression
from customering.kernel.expressions import Expression, parse
from customering.profile.batch import values_sql
from customering.profile.fold import values
from customering.profile.model import AudienceDefinition, State
from customering.profile.traits import DECLARED, EVERYTHING, TraitSet


class Audience:
    """A question over people, compiled.

    Parameters
    ----------
    definition
        The question.
    traits
        The traits it may read.

    Raises
    ------
    InvalidExpression
        When the question cannot be read or names a trait that does not exist.
    """

    def __init__(self, definition: AudienceDefinition, traits: TraitSet) -> None:
        self.definition = definition
        self.name = definition.name
        try:
            self.where: Expression = parse(definition.where, {*traits.traits, "declared"})
        except InvalidExpression as error:
            raise InvalidExpression(
                f"audience {definition.name}, where: {error.message}",
                hint=error.hint,
                **error.facts,
            ) from error
        first_names = {name.partition(".")[0] for name in self.where.names}
        self.traits = frozenset(first_names - {"declared"})
        self.slots = frozenset(
            # What is declared can stand in the place of any trait.
            {DECLARED, *(traits.traits[name].slot for name in self.traits)}
        )


class AudienceIndex:
    """All audiences, with the slots that each depends on.

    An event can only move a person in or out of the audiences that read a slot it touched; time
    alone moves people too (a window passes), so memberships that are kept are asked again daily.

    Parameters
    ----------
    definitions
        The audiences; names are used once.
    traits
        The traits they read.

    Raises
    ------
    InvalidDefinition
        When a name is used twice, or a question cannot be read.
    """

    def __init__(self, definitions: Sequence[AudienceDefinition], traits: TraitSet) -> None:
        self._traits = traits
        self.audiences: dict[str, Audience] = {}
        for definition in definitions:
            if definition.name in self.audiences:
                raise InvalidDefinition(
                    f"there are two audiences {definition.name}", hint="Give one another name."
                )
            self.audiences[definition.name] = Audience(definition, traits)
        self._affected: dict[frozenset[int], tuple[Audience, ...]] = {}

    def members(self, state: State, now_ms: int, allowed_mask: int = EVERYTHING) -> frozenset[str]:
        """Give the audiences a person is in."""
        return self._asked(self.audiences.values(), state, now_ms, allowed_mask)

    def update(
        self,
        current: frozenset[str],
        state: State,
        touched: frozenset[int],
        now_ms: int,
        allowed_mask: int = EVERYTHING,
    ) -> frozenset[str]:
        """Give the audiences a person is in after an event.

        Parameters
        ----------
        current
            Those the person was in before.
        state
            The person's merged state after the event.
        touched
            The slots the event touched, from `TraitSet.program`.
        """
        affected = self.affected(touched)
        if not affected:
            return current
        inside = self._asked(affected, state, now_ms, allowed_mask)
        return current.difference(audience.name for audience in affected) | inside

    def affected(self, touched: frozenset[int]) -> tuple[Audience, ...]:
        """Give the audiences that read one of the slots."""
        found = self._affected.get(touched)
        if found is None:
            found = tuple(each for each in self.audiences.values() if each.slots & touched)
            self._affected[touched] = found
        return found

    def _asked(
        self, asked: Iterable[Audience], state: State, now_ms: int, allowed_mask: int
    ) -> frozenset[str]:
        asked = tuple(asked)
        names = {name for audience in asked for name in audience.traits}
        known = values(self._traits, state, now_ms, names, allowed_mask)
        return frozenset(each.name for each in asked if each.where.holds(known, now_ms))


def members_sql(
    index: AudienceIndex, traits: TraitSet, relation: str, now_ms: int, group: str = "person"
) -> exp.Select:
    """Give the query for the memberships of everybody, with the answers of `AudienceIndex.members`.

    Returns
    -------
    exp.Select
        Columns: `group`, and one true or false column an audience.
    """
    known = values_sql(traits, relation, now_ms, group).subquery("known")
    query = exp.select(exp.column(group, quoted=True)).from_(known)
    for audience in index.audiences.values():
        test = audience.where.holds_sql(_column, now_ms)
        query = query.select(exp.alias_(test, audience.name, quoted=True))
    return query


def _column(name: str) -> exp.Expression:
    """Give a trait, or what was declared in its place, as JSON."""
    first, *path = name.split(".")
    if first == "declared":
        return _inside(exp.column("declared"), path)
    said = _inside(exp.column("declared"), [first])
    observed: Any = exp.func("to_json", exp.column(first, quoted=True))
    either: Any = exp.func("coalesce", said, observed)
    return _inside(either, path) if path else cast("exp.Expression", either)


def _inside(document: Any, path: Sequence[str]) -> exp.Expression:
    place = "$" + "".join(f'."{key}"' for key in path)
    found: Any = exp.func("json_extract", document, exp.Literal.string(place), dialect="duckdb")
    return cast("exp.Expression", found)
