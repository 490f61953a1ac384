"""The tracking plan as people write it in TOML: which events there are, what fields mean."""

import tomllib
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from customering.kernel.errors import InvalidDefinition

FieldType = Literal[
    "string", "integer", "number", "boolean", "instant", "money", "list", "object", "any"
]


class Definition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what stands in a plan: a misspelt key is an error with its path."""


class FieldDefinition(Definition, frozen=True):
    """One field of an event, of a record inside it, or one trait.

    Parameters
    ----------
    type
        ``instant`` is ISO 8601 or milliseconds since 1970; ``money`` an amount in major units, to
        which intake adds the whole number of minor units; ``any`` lifts a check of the shipped
        plan.
    of
        For ``list`` and ``object``: name of the record (``[records.<name>]``) inside.
    required
        Whether an event without it is refused.
    allowed
        The values it may have; empty for any.
    unit
        Unit of a number, such as ``kg`` or ``seconds``.
    personal
        Whether it can tell who somebody is.
    purpose
        What it may be used for, if that differs from its event.
    """

    type: FieldType
    description: str = ""
    of: str = ""
    required: bool = False
    allowed: tuple[Any, ...] = ()
    unit: str = ""
    personal: bool = False
    purpose: str = ""


class EventDefinition(Definition, frozen=True):
    """One event by name.

    Parameters
    ----------
    like
        Records whose fields it has too; its own fields win.
    fields
        Its fields by name.
    purpose
        What it may be used for, if that differs from the default.
    """

    description: str = ""
    like: tuple[str, ...] = ()
    fields: dict[str, FieldDefinition] = {}
    purpose: str = ""


class RecordDefinition(Definition, frozen=True):
    """Fields that several events, or the entries of a list, have in common."""

    description: str = ""
    fields: dict[str, FieldDefinition] = {}


class Defaults(Definition, frozen=True):
    """What holds where an event says nothing itself; unset keys leave the shipped plan's.

    Parameters
    ----------
    unknown_events
        What to do with an event that is not in the plan.
    purpose
        What events may be used for.
    fields
        Fields that any event may have. They are read where they fit and left alone where not.
    """

    unknown_events: Literal["accept", "quarantine"] | msgspec.UnsetType = msgspec.UNSET
    purpose: str | msgspec.UnsetType = msgspec.UNSET
    fields: dict[str, FieldDefinition] = {}


EventName = Annotated[str, Meta(min_length=1, max_length=255)]


class PlanDefinition(Definition, frozen=True):
    """A whole plan: ``[defaults]``, ``[records]``, ``[events]``, and ``[traits]`` of identify."""

    defaults: Defaults = Defaults()
    records: dict[str, RecordDefinition] = {}
    events: dict[EventName, EventDefinition] = {}
    traits: dict[str, FieldDefinition] = {}


def parse_plan(text: str, file: str = "tracking plan") -> PlanDefinition:
    """Read a plan from TOML.

    Parameters
    ----------
    file
        Where the text is from, for the message.

    Raises
    ------
    InvalidDefinition
        When it is not TOML, or a key is misspelt or of the wrong type; says where.
    """
    try:
        return msgspec.convert(tomllib.loads(text), PlanDefinition)
    except tomllib.TOMLDecodeError as error:
        raise InvalidDefinition(
            f"{file} is not TOML: {error}", hint="Correct that line.", file=file
        ) from error
    except msgspec.ValidationError as error:
        raise InvalidDefinition(
            f"{file} is not a tracking plan: {error}",
            hint="See the reference of events for the keys of a plan.",
            file=file,
        ) from error


def merge_plans(shipped: PlanDefinition, own: PlanDefinition) -> PlanDefinition:
    """Lay the operator's plan over the shipped one, field by field; the operator's wins."""
    return PlanDefinition(
        defaults=Defaults(
            unknown_events=_set_or(own.defaults.unknown_events, shipped.defaults.unknown_events),
            purpose=_set_or(own.defaults.purpose, shipped.defaults.purpose),
            fields=shipped.defaults.fields | own.defaults.fields,
        ),
        records=shipped.records
        | {
            name: RecordDefinition(
                description=record.description or old.description,
                fields=old.fields | record.fields,
            )
            for name, record in own.records.items()
            for old in (shipped.records.get(name, RecordDefinition()),)
        },
        events=shipped.events
        | {
            name: EventDefinition(
                description=event.description or old.description,
                like=event.like or old.like,
                fields=old.fields | event.fields,
                purpose=event.purpose or old.purpose,
            )
            for name, event in own.events.items()
            for old in (shipped.events.get(name, EventDefinition()),)
        },
        traits=shipped.traits | own.traits,
    )


def _set_or(own: Any, shipped: Any) -> Any:
    """Give the first value unless it is unset."""
    return shipped if own is msgspec.UNSET else own
