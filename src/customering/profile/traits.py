"""Definitions compiled: which states to keep, what each event does to them, how to read them.

Traits that read the same inputs into the same kind of state share one *slot*: "orders in 30 days"
and "in 365 days" are one window of 365 days, read twice. The state of an anchor is a list with one
entry a slot: first what was declared, then what was agreed to, then the sums.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeAlias

import msgspec

from customering.aggregates.base import Aggregate
from customering.aggregates.registry import build
from customering.consent.model import ConsentRecord
from customering.events.model import FACT_CORRECTED, PERMISSION_NAMES
from customering.kernel.errors import InvalidDefinition, InvalidExpression
from customering.kernel.expressions import Expression, parse
from customering.kernel.ids import stable_id
from customering.profile.days import Days
from customering.profile.declared import Declared
from customering.profile.fields import Fields, Getter, LinesGetter, parts_of, type_of
from customering.profile.model import State, TraitDefinition

DECLARED = 0
CONSENT = 1
FIRST_SUM = 2
EVERYTHING = -1
"""The mask that permits every purpose."""

_PROGRAMS_MOST = 4_096


@dataclass(frozen=True)
class Source:
    """Where the inputs of a slot come from; slots with equal sources are stepped together.

    Parameters
    ----------
    events, kind
        Which events; an empty one does not restrict.
    where
        What must hold for an input to count; None for nothing.
    fields
        What can be read.
    definition
        The definition that says what value and weight are.
    calculated
        What gives the value in the place of a field; None where a field does.
    """

    events: tuple[str, ...]
    kind: str
    where: Expression | None
    fields: Fields
    definition: TraitDefinition
    calculated: Expression | None = None

    @property
    def key(self) -> tuple[Any, ...]:
        """What the inputs depend on."""
        trait = self.definition
        kinds = type_of(trait.field, trait.type), type_of(trait.weight, "number")
        readings = parts_of(trait.field), parts_of(trait.weight)
        read = readings, kinds, trait.calculated
        return self.events, self.kind, trait.where, trait.each, *read

    def takes(self, kind: str, name: str) -> bool:
        """Tell whether events of this kind and name may be inputs."""
        if (self.kind and kind != self.kind) or (self.events and name not in self.events):
            return False
        if self.where is not None and self.where.names <= {"kind", "name"} and not self.is_line:
            return self.where.holds({"kind": kind, "name": name})
        return True

    @property
    def is_line(self) -> bool:
        """Whether inputs are product lines."""
        return self.fields.is_line

    def condition(self) -> Callable[[Any, int], Any] | None:
        """Give the test an input must pass beyond its event's kind and name; None for none."""
        if self.where is None or (self.where.names <= {"kind", "name"} and not self.is_line):
            return None
        return self.where.compile(self.fields.getter)


@dataclass(frozen=True)
class Slot:
    """One state that is kept, and the aggregate that keeps it.

    Parameters
    ----------
    index
        Its place in the state.
    source
        What it is fed with.
    aggregate
        The one with the largest reach among the traits that read it.
    purpose
        What the person must permit for it to be stepped.
    """

    index: int
    source: Source
    aggregate: Aggregate[Any]
    purpose: str


@dataclass(frozen=True)
class Trait:
    """A definition with the slot it reads and the aggregate that reads it."""

    definition: TraitDefinition
    slot: int
    aggregate: Aggregate[Any]
    nothing: Any


Entry: TypeAlias = tuple[int, Callable[[], Any], Callable[[Any, Any, Any, int], Any]]
"""Index of a slot, and how its state begins and goes on."""

StepMany: TypeAlias = Callable[[Any, Sequence[Any], Sequence[int | float], int], Any]
LineEntry: TypeAlias = tuple[int, Callable[[], Any], StepMany]
"""As an `Entry`, going on by many inputs at once."""

Inputs: TypeAlias = tuple[
    Callable[[Any, int], Any] | None, Getter | None, Getter | None, tuple[Entry, ...]
]
"""What must hold for a row, its value and weight (None is 1), and the slots fed with them."""

LineInputs: TypeAlias = tuple[Callable[[Any, int], Any] | None, int, int, tuple[LineEntry, ...]]
"""As `Inputs` over product lines; value and weight are places among the columns of a program."""


@dataclass(frozen=True, slots=True)
class Program:
    """What an event of one kind and name does to a person who permits some purposes.

    Parameters
    ----------
    events
        Inputs from the event itself.
    columns
        What is read of all its product lines, each field once.
    lines
        Inputs from these.
    rows
        The same inputs, from one product line: most events are about one product.
    declares, consents
        Whether the first two slots may change.
    slots
        All slots that may change.
    """

    events: tuple[Inputs, ...]
    columns: tuple[LinesGetter, ...]
    lines: tuple[LineInputs, ...]
    rows: tuple[Inputs, ...]
    declares: bool
    consents: bool
    slots: frozenset[int]


class TraitSet:
    """The traits of a deployment, compiled.

    Parameters
    ----------
    definitions
        The traits; names are used once.
    purposes
        The purposes that exist; None does not check them.

    Raises
    ------
    InvalidDefinition
        When a trait reads a field, uses an aggregate or names a purpose that does not exist. The
        message names the trait and the key.
    """

    def __init__(
        self, definitions: Sequence[TraitDefinition], purposes: Collection[str] | None = None
    ) -> None:
        self.slots: list[Slot] = []
        self.traits: dict[str, Trait] = {}
        by_key: dict[tuple[Any, ...], int] = {}
        for definition in definitions:
            _check_purpose(definition, purposes)
            self._add(definition, by_key)
        # In order of the alphabet: a mask that is kept means the same in the next process.
        self.purposes = tuple(sorted({slot.purpose for slot in self.slots}))
        self._bits = {purpose: 1 << place for place, purpose in enumerate(self.purposes)}
        self._programs: dict[tuple[str, str, int], Program] = {}
        types: list[Any] = [Declared | None, ConsentRecord | None]
        types += [slot.aggregate.state_type | None for slot in self.slots]
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
            tuple.__class_getitem__(tuple(types))
        )
        self._encoder = msgspec.json.Encoder()

    def _add(self, definition: TraitDefinition, by_key: dict[tuple[Any, ...], int]) -> None:
        if definition.name in self.traits or definition.name == "declared":
            raise InvalidDefinition(
                f"the trait name {definition.name} is taken", hint="Give it another name."
            )
        source, aggregate = _source(definition), _aggregate(definition)
        key = (source.key, definition.purpose, aggregate.slot_key)
        index = by_key.setdefault(key, len(self.slots) + FIRST_SUM)
        place = index - FIRST_SUM
        if place == len(self.slots):
            self.slots.append(Slot(index, source, aggregate, definition.purpose))
        elif aggregate.reach > self.slots[place].aggregate.reach:
            self.slots[place] = Slot(index, source, aggregate, definition.purpose)
        nothing = plain(aggregate.finish(aggregate.zero(), 0))
        self.traits[definition.name] = Trait(definition, index, aggregate, nothing)

    @property
    def width(self) -> int:
        """Number of entries in a state."""
        return FIRST_SUM + len(self.slots)

    def slot_of(self, trait: Trait) -> Slot:
        """Give the slot a trait reads."""
        return self.slots[trait.slot - FIRST_SUM]

    @property
    def fingerprint(self) -> str:
        """A name for what is kept: states are kept anew when it changes."""
        kept = [
            repr((slot.source.key, slot.purpose, slot.aggregate.slot_key, slot.aggregate.reach))
            for slot in self.slots
        ]
        return stable_id("trs", *kept)

    def zero(self) -> State:
        """Give the state of an anchor never seen."""
        return [None] * self.width

    def encode(self, state: State) -> bytes:
        """Write a state as JSON."""
        return self._encoder.encode(state)

    def decode(self, data: bytes | str) -> State:
        """Read a state.

        Raises
        ------
        msgspec.ValidationError
            When the JSON is not a state of these traits, which the `fingerprint` tells before.
        """
        return list(self._decoder.decode(data))

    def mask_of(self, permitted: Iterable[str]) -> int:
        """Give the mask of the purposes that are permitted; those no trait names are skipped."""
        mask = 0
        for purpose in permitted:
            mask |= self._bits.get(purpose, 0)
        return mask

    def bit_of(self, trait: Trait) -> int:
        """Give the bit of the purpose of a trait."""
        return self._bits[trait.definition.purpose]

    def program(self, kind: str, name: str, allowed_mask: int = EVERYTHING) -> Program:
        """Give what an event does, composed at the first of its kind, name and permissions."""
        program = self._programs.get((kind, name, allowed_mask))
        if program is None:
            if len(self._programs) >= _PROGRAMS_MOST:  # names come from outside: bound the memory
                self._programs.clear()
            program = self._compose(kind, name, allowed_mask)
            self._programs[kind, name, allowed_mask] = program
        return program

    def _compose(self, kind: str, name: str, allowed_mask: int) -> Program:
        groups: dict[tuple[Any, ...], list[Slot]] = {}
        for slot in self.slots:
            if self._bits[slot.purpose] & allowed_mask and slot.source.takes(kind, name):
                trait = slot.source.definition
                same = (slot.source.is_line, trait.where, slot.source.key[4:])
                groups.setdefault(same, []).append(slot)
        declares = kind == "identify" or (kind == "track" and name == FACT_CORRECTED)
        consents = name in PERMISSION_NAMES
        touched = {slot.index for slots in groups.values() for slot in slots}
        touched |= {DECLARED} if declares else set()
        touched |= {CONSENT} if consents else set()
        of_lines = [slots for key, slots in groups.items() if key[0]]
        columns, lines = self._line_inputs(of_lines)
        return Program(
            events=tuple(self._inputs(slots) for key, slots in groups.items() if not key[0]),
            columns=columns,
            lines=lines,
            rows=tuple(self._inputs(slots) for slots in of_lines),
            declares=declares,
            consents=consents,
            slots=frozenset(touched),
        )

    def _inputs(self, slots: list[Slot]) -> Inputs:
        source = slots[0].source
        trait, fields = source.definition, source.fields
        entries = tuple((slot.index, slot.aggregate.zero, slot.aggregate.step) for slot in slots)
        value = fields.reading(trait.field, type_of(trait.field, trait.type))
        if source.calculated is not None:
            value = _calculating(source.calculated, fields)
        if trait.field == "occurred_at" and not source.is_line:
            value = attrgetter("occurred_at")  # the commonest one, without a call of Python
        weight = fields.reading(trait.weight, type_of(trait.weight, "number"))
        return source.condition(), value, weight, entries

    def _line_inputs(
        self, groups: list[list[Slot]]
    ) -> tuple[tuple[LinesGetter, ...], tuple[LineInputs, ...]]:
        """Give the columns to read of product lines, and what is done with them."""
        columns: dict[tuple[Any, ...], LinesGetter] = {}
        inputs: list[LineInputs] = []
        for slots in groups:
            source = slots[0].source
            trait, fields = source.definition, source.fields
            entries = tuple(
                (slot.index, slot.aggregate.zero, slot.aggregate.step_many) for slot in slots
            )
            places: list[int] = []
            for reading, otherwise in ((trait.field, trait.type), (trait.weight, "number")):
                kind = type_of(reading, otherwise)
                # Only what is read from JSON, by a path with a dot, is read as the type asked for.
                key = (
                    parts_of(reading),
                    any("." in str(part) for part in parts_of(reading)) and kind,
                )
                if key not in columns:
                    columns[key] = fields.reading_of_lines(reading, kind)
                places.append(list(columns).index(key))
            inputs.append((source.condition(), places[0], places[1], entries))
        return tuple(columns.values()), tuple(inputs)


def plain(value: Any) -> Any:
    """Give a value as a reader sees it: an empty list or map is no value."""
    return None if value in ((), [], {}) else value


def _check_purpose(definition: TraitDefinition, purposes: Collection[str] | None) -> None:
    if purposes is not None and definition.purpose not in purposes:
        raise InvalidDefinition(
            f"trait {definition.name}, purpose: there is no purpose {definition.purpose}",
            hint="Use a key of the list of purposes.",
        )


def _source(definition: TraitDefinition) -> Source:
    fields = Fields(is_line=definition.each == "products")
    for key, reading in (("field", definition.field), ("weight", definition.weight)):
        for part in parts_of(reading):
            if isinstance(part, str):
                _named(definition, key, fields.check, part)
    where = None
    if definition.where:
        where = _named(definition, "where", parse, definition.where, fields.names)
    kind = definition.kind or ("track" if definition.events else "")
    events = tuple(sorted(set(definition.events)))
    return Source(events, kind, where, fields, definition, _calculated(definition, fields))


def _calculated(definition: TraitDefinition, fields: Fields) -> Expression | None:
    """Read the expression that gives the value."""
    if not definition.calculated:
        return None
    if definition.each or parts_of(definition.field):
        raise InvalidDefinition(
            f"trait {definition.name}, calculated: it stands in the place of field, and not for"
            " product lines",
            hint="Leave out field and each.",
        )
    read: Expression = _named(definition, "calculated", parse, definition.calculated, fields.names)
    if read.kind in ("any", "truth"):
        raise InvalidDefinition(
            f"trait {definition.name}, calculated: it must give a number or a text",
            hint="Say what a name holds: number(x) or text(x).",
        )
    return read


def _calculating(expression: Expression, fields: Fields) -> Getter:
    """Give the function that calculates the value of an event; its present is its recording."""
    run = expression.compile(fields.getter)
    return lambda event: run(event, event.recorded_at)


def _named(definition: TraitDefinition, key: str, act: Callable[..., Any], *given: Any) -> Any:
    """Do something for one key of a definition; an error then names the trait and the key."""
    try:
        return act(*given)
    except InvalidDefinition as error:
        kind = InvalidExpression if isinstance(error, InvalidExpression) else InvalidDefinition
        raise kind(
            f"trait {definition.name}, {key}: {error.message}", hint=error.hint, **error.facts
        ) from error


def _aggregate(definition: TraitDefinition) -> Aggregate[Any]:
    parameters = dict(definition.parameters)
    if definition.window_days is not None:
        parameters["window_days"] = definition.window_days

    def make() -> Aggregate[Any]:
        if definition.aggregate == "days":
            return Days(build("rhythm", statistic="days_active", **parameters).reach)
        return build(definition.aggregate, **parameters)

    built: Aggregate[Any] = _named(definition, "aggregate", make)
    return built
