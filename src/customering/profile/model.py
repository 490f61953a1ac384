"""The nouns of a profile: what a trait is defined as, and what it is worth for one person."""

from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from customering.events.model import Kind
from customering.kernel.records import Record

Provenance = Literal["declared", "observed", "inferred"]
"""Where a fact is from: the person said it, their acts show it, or a model concludes it."""

FieldType = Literal["text", "integer", "number"]

Reading: TypeAlias = str | int | tuple[str | int, ...]
"""Names of fields, of which the first that is there counts; a number stands for itself."""

State: TypeAlias = list[Any]
"""What is kept for one anchor: a state a slot, None where nothing was seen."""


class TraitDefinition(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What we want to know of a person, as a sum over their events that merges.

    Parameters
    ----------
    name
        What rules, audiences and models call it.
    aggregate
        Kind of the sum, a name of `customering.aggregates.registry`.
    parameters
        Its parameters by name.
    window_days
        Days the sum looks back, the present day included; None for all time.
    events
        Names of the events that count. Empty: all, or all of `kind`.
    kind
        Kind of the events that count; ``track`` when it is empty and `events` are named.
    where
        Expression over fields that must hold for an event, or a product line, to count.
    each
        ``products`` makes every product line of an event an input of its own.
    field
        What is summed; 1 when empty, which is right for counting.
    weight
        Amount that belongs to each value; 1 when empty.
    type
        Type of `field` where it is read from ``properties`` or ``context``; values of another type
        do not count.
    calculated
        Expression over fields that gives the value, in the place of `field`; the present is when
        the event was recorded. Not for product lines.
    unit
        Unit of the value, such as ``days`` or ``minor units``.
    purpose
        What the person must permit for it to be kept and used.
    words
        What the person reads about it.
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
    aggregate: str
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    window_days: Annotated[int, msgspec.Meta(ge=1, le=3_660)] | None = None
    events: tuple[str, ...] = ()
    kind: Kind | Literal[""] = ""
    where: str = ""
    each: Literal["", "products"] = ""
    field: Reading = ()
    weight: Reading = ()
    type: FieldType = "text"
    calculated: str = ""
    unit: str = ""
    purpose: Annotated[str, msgspec.Meta(min_length=1)]
    words: Annotated[str, msgspec.Meta(min_length=1)]


class TraitValue(Record, frozen=True, kw_only=True):
    """What a trait is worth for one person at an instant, and how we know.

    Parameters
    ----------
    value
        The value, as plain JSON data.
    provenance
        Declared outranks observed, and observed outranks inferred.
    as_of
        Instant it holds for; for what was declared, when it was. Milliseconds since 1970.
    purpose
        What the person permitted it for; empty for what they told us themselves.
    words
        What the person reads about it.
    source
        Who said it; empty for what was observed.
    """

    value: Any
    provenance: Provenance
    as_of: int
    purpose: str = ""
    words: str = ""
    source: str = ""


class AudienceDefinition(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A saved question over people, such as who has not ordered for two months.

    Parameters
    ----------
    name
        What rules and the console call it.
    where
        Expression over traits, and over declared facts as ``declared.<name>``.
    words
        What it means, for people.
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
    where: Annotated[str, msgspec.Meta(min_length=1)]
    words: str = ""
