"""The reference page of traits, written from their definitions."""

from collections.abc import Sequence

from customering.profile.fields import parts_of
from customering.profile.model import Reading, TraitDefinition

_HEAD = """\
# The traits that ship

Written from `src/customering/profile/traits.toml` by
`customering.profile.reference.trait_reference`; a test holds it current. How traits work stands in
[profile](../concepts/profile.md), the language of conditions in [expressions](expressions.md).

Days are whole days in UTC. Amounts are whole minor units, all currencies added together. A trait of
your own with one of these names takes its place.
"""


def trait_reference(definitions: Sequence[TraitDefinition]) -> str:
    """Write the page in Markdown: a table a purpose, the traits in the order of their definition.

    Examples
    --------
    >>> visits = TraitDefinition(
    ...     name="visits", aggregate="count", kind="page", purpose="analytics", words="your visits"
    ... )
    >>> print(trait_reference([visits]).splitlines()[-1])
    | `visits` | your visits |  | count | page events |
    """
    purposes = dict.fromkeys(definition.purpose for definition in definitions)
    parts = [_HEAD]
    for purpose in purposes:
        parts.append(f"\n## For `{purpose}`\n\n")
        parts.append("| name | words for the person | unit | how | from |\n|---|---|---|---|---|\n")
        parts += [_row(each) for each in definitions if each.purpose == purpose]
    return "".join(parts)


def _row(definition: TraitDefinition) -> str:
    cells = (
        f"`{definition.name}`",
        definition.words,
        definition.unit,
        _how(definition),
        _from(definition),
    )
    return "| " + " | ".join(cells) + " |\n"


def _how(definition: TraitDefinition) -> str:
    how = definition.aggregate
    if definition.calculated:
        how += f" of `{' '.join(definition.calculated.split())}`"
    if parts_of(definition.field):
        how += f" of {_words(definition.field)}"
    if parts_of(definition.weight):
        how += f" by {_words(definition.weight)}"
    if definition.parameters:
        how += f" ({', '.join(f'{key} {value}' for key, value in definition.parameters.items())})"
    if definition.window_days is not None:
        how += f", last {definition.window_days} days"
    return how


def _from(definition: TraitDefinition) -> str:
    events = ", ".join(definition.events) or f"{definition.kind or 'all'} events"
    if definition.each:
        events = f"each product line of {events}"
    if definition.where:
        events += f", where `{' '.join(definition.where.split())}`"
    return events


def _words(reading: Reading) -> str:
    return " or ".join(
        f"`{part}`" if isinstance(part, str) else str(part) for part in parts_of(reading)
    )
