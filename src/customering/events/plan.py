"""The tracking plan at work: it reads an event's fields as their types and names what is wrong."""

from collections.abc import Iterable, Mapping
from types import NoneType
from typing import Any

from customering.events.amounts import currency_code, line_amount_minor
from customering.events.fields import (
    INTEGER_MAX,
    INTEGER_MIN,
    MINOR_RULE,
    MISFIT,
    FieldRule,
    Reader,
    Violation,
    field_rule,
)
from customering.events.model import Event, products_of
from customering.events.plan_file import FieldDefinition, PlanDefinition
from customering.kernel.errors import InvalidDefinition


class TrackingPlan:
    """What is known of each event, compiled so that an event is read in 2 us, in 4 us with money.

    Parameters
    ----------
    definition
        The plan as written; see `customering.events.plan_file`.

    Raises
    ------
    InvalidDefinition
        When it names a record that is not there, or records contain each other in a circle.
    """

    def __init__(self, definition: PlanDefinition) -> None:
        self.definition = definition
        self._records: dict[str, _Rules] = {}
        for name in definition.records:
            self._record(name, ())
        anywhere = self._compile(definition.defaults.fields, is_strict=False)
        self._unknown = _Rules(anywhere, ())
        self._accepts_unknown = definition.defaults.unknown_events != "quarantine"
        self._events = {
            name: _Rules(anywhere | self._compile(fields), _required(fields))
            for name in definition.events
            for fields in (self.fields(name),)
        }
        self._traits = _Rules(self._compile(definition.traits), _required(definition.traits))

    def fields(self, event_name: str) -> dict[str, FieldDefinition]:
        """Give the fields of an event, those of the records it is like included."""
        event = self.definition.events.get(event_name)
        if event is None:
            return {}
        fields: dict[str, FieldDefinition] = {}
        for record in event.like:
            if record not in self.definition.records:
                raise _no_record(record)
            fields |= self.definition.records[record].fields
        return fields | event.fields

    def purpose(self, event_name: str) -> str:
        """Give what an event may be used for; empty when the plan does not say."""
        event = self.definition.events.get(event_name)
        purpose = self.definition.defaults.purpose
        return (event.purpose if event else "") or (purpose if isinstance(purpose, str) else "")

    def check(self, event: Event, default_currency: str = "USD") -> list[Violation]:
        """Give every place where an event is not what the plan says; none means it is."""
        return self.conform(event, default_currency)[1]

    def conform(
        self, event: Event, default_currency: str
    ) -> tuple[dict[str, Any], list[Violation]]:
        """Read the properties of an event as the plan says.

        Returns
        -------
        tuple
            The properties, the same object when nothing changed, and the violations. Beside each
            amount of money stands ``<field>_minor``, in lines of products too; a line without an
            amount gets price times quantity; with money goes its currency. A whole number sent as
            text is a number where the plan says so, and a text where it says that. Everything else
            is as it was sent.
        """
        violations: list[Violation] = []
        properties = event.properties
        path = "properties"
        if event.kind == "track":
            rules = self._events.get(event.name)
            if rules is None:
                if not self._accepts_unknown:
                    violations.append(Violation(path="event", reason="is not in the tracking plan"))
                rules = self._unknown
        elif event.kind == "identify":
            rules, path = self._traits, "traits"
        else:
            return properties, violations
        code = currency_code(properties.get("currency"), default_currency)
        if code is None:
            if not rules.money.isdisjoint(properties):
                violations.append(
                    Violation(path=f"{path}.currency", reason="is not a currency of ISO 4217")
                )
            code = default_currency
        is_line = "product_id" in properties and not isinstance(properties.get("products"), list)
        result = rules.read(properties, code, path, violations, is_line=is_line)
        if result.get("currency") != code and rules.has_minor_units(result):
            result = result | {"currency": code}
        return result, violations

    def _record(self, name: str, inside: tuple[str, ...]) -> "_Rules":
        """Compile a record once; `inside` are the records being compiled around it."""
        if name in self._records:
            return self._records[name]
        record = self.definition.records.get(name)
        if record is None:
            raise _no_record(name)
        if name in inside:
            raise InvalidDefinition(
                f"The records {' > '.join((*inside, name))} contain each other",
                hint="Break the circle: give one of the fields no `of`.",
            )
        compiled = self._compile(record.fields, inside=(*inside, name))
        self._records[name] = _Rules(compiled, _required(record.fields))
        return self._records[name]

    def _compile(
        self,
        fields: Mapping[str, FieldDefinition],
        *,
        is_strict: bool = True,
        inside: tuple[str, ...] = (),
    ) -> dict[str, FieldRule]:
        """Compile fields; beside every amount of money, the field of its minor units."""
        rules: dict[str, FieldRule] = {}
        for name, field in fields.items():
            if field.type == "any":
                continue
            if field.of and field.type in ("list", "object"):
                entry = self._record(field.of, inside)
                rules[name] = _nested_rule(name, field, entry, is_strict=is_strict)
                continue
            rules[name] = field_rule(name, field, is_strict=is_strict)
            if rules[name].minor_name:
                rules.setdefault(rules[name].minor_name, MINOR_RULE)
        return rules


_UNSEEN: Any = object()
_SHAPES_MAX = 1_024
_SHAPE_LENGTH_MAX = 128  # names and their types


class _Rules:
    """The compiled fields of an event, of the traits, or of a record inside an event."""

    def __init__(self, by_name: dict[str, FieldRule], required: tuple[str, ...]) -> None:
        self.required = required
        self.money = frozenset(name for name, rule in by_name.items() if rule.holds_money)
        # A line of an order: what has a price and a quantity comes to an amount.
        self.is_line = "price" in self.money and "quantity" in by_name
        if self.is_line:
            by_name = {"amount_minor": MINOR_RULE, **by_name}
        self._by_name = by_name
        self._minor = frozenset(name for name in by_name if by_name[name] is MINOR_RULE)
        self._integers_of: dict[tuple[Any, ...], tuple[str, ...] | None] = {}

    def read(
        self,
        values: dict[str, Any],
        currency: str,
        path: str,
        violations: list[Violation],
        *,
        is_line: bool,
    ) -> dict[str, Any]:
        """Give the values as their types; the same object when nothing changes.

        A line of an order gets its amount in minor units too.
        """
        if self.fits(values):
            return values
        return self._read_each(values, currency, path, violations, is_line=is_line)

    def fits(self, values: Any) -> bool:
        """Tell whether values are known to be as the plan says, with nothing to change.

        Notes
        -----
        Most lines have the names and types of the line before: what these say is found once, and
        kept. False only means that they must be read one by one.
        """
        if type(values) is not dict:
            return False
        shape = (*values, *map(type, values.values()))
        integers = self._integers_of.get(shape, _UNSEEN)
        if integers is _UNSEEN:
            integers = self._keep(shape, values)
        if integers is None:
            return False
        fitting = [INTEGER_MIN <= values[name] <= INTEGER_MAX for name in integers]
        return all(fitting)

    def _keep(self, shape: tuple[Any, ...], values: dict[str, Any]) -> tuple[str, ...] | None:
        """Find which integers of a shape must be looked at, and keep that for the next of its kind.

        Returns
        -------
        tuple or None
            Their names; None when more must be done than to see that they have 64 bits.
        """
        integers = self._integers(values)
        if len(shape) <= _SHAPE_LENGTH_MAX:
            if len(self._integers_of) >= _SHAPES_MAX:  # senders choose the names: bounds memory
                self._integers_of.clear()
            self._integers_of[shape] = integers
        return integers

    def _integers(self, values: dict[str, Any]) -> tuple[str, ...] | None:
        """Find the integers among values that need nothing else; None when they do."""
        names = [name for name in values if name in self._by_name]
        integers = tuple(name for name in names if type(values[name]) is int)
        fits = all(
            self._by_name[name].keeps_integers
            if name in integers
            else type(values[name]) in self._by_name[name].exact
            for name in names
        )
        # A required text may be empty, which its type does not tell.
        has_required = all(type(values.get(name)) not in (NoneType, str) for name in self.required)
        lacks_amount = self.is_line and values.get("amount_minor") is None
        may_have_amount = lacks_amount and values.get("price_minor") is not None
        return integers if fits and has_required and not may_have_amount else None

    def _read_each(
        self,
        values: dict[str, Any],
        currency: str,
        path: str,
        violations: list[Violation],
        *,
        is_line: bool,
    ) -> dict[str, Any]:
        """Read values one by one."""
        changes: dict[str, Any] = {}
        for name, value in values.items():
            rule = self._by_name.get(name)
            if rule is None or type(value) in rule.exact:
                continue
            fitting = rule.read(value, currency, path, violations)
            if fitting is MISFIT:
                if rule.is_strict:
                    violations.append(Violation(path=f"{path}.{name}", reason=rule.reason))
            elif rule.minor_name:
                if values.get(rule.minor_name) is None:
                    changes[rule.minor_name] = fitting
            elif fitting is not value:
                changes[name] = fitting
        violations.extend(
            Violation(path=f"{path}.{name}", reason="is missing")
            for name in self.required
            if values.get(name) in (None, "")
        )
        if is_line and self.is_line:
            _add_amount(values, changes, path, violations)
        return values | changes if changes else values

    def has_minor_units(self, values: dict[str, Any]) -> bool:
        """Tell whether an event or one of its lines holds an amount of money."""
        return not self._minor.isdisjoint(values) or any(
            not self._minor.isdisjoint(line) for line in products_of(values)
        )


def _required(fields: Mapping[str, FieldDefinition]) -> tuple[str, ...]:
    """Give the names of the fields an event cannot be without."""
    return tuple(name for name, field in fields.items() if field.required)


def _no_record(name: str) -> InvalidDefinition:
    """Build the refusal of a plan that names a record it does not define."""
    return InvalidDefinition(
        f"The tracking plan names the record {name}, which it does not define",
        hint=f"Add [records.{name}], or correct the name.",
    )


def _nested_rule(name: str, field: FieldDefinition, entry: _Rules, *, is_strict: bool) -> FieldRule:
    """Compile a field that holds a record or a list of them."""

    def read_entry(value: Any, currency: str, path: str, violations: list[Violation]) -> Any:
        if not isinstance(value, dict):
            violations.append(Violation(path=path, reason="is not an object"))
            return value
        return entry.read(value, currency, path, violations, is_line=True)

    def read_list(value: Any, currency: str, path: str, violations: list[Violation]) -> Any:
        if not isinstance(value, list):
            return MISFIT
        if all(map(entry.fits, value)):
            return value
        found = violations if is_strict else []
        entries = [
            read_entry(one, currency, f"{path}.{name}[{index}]", found)
            for index, one in enumerate(value)
        ]
        return value if _all_same(entries, value) else entries

    def read_object(value: Any, currency: str, path: str, violations: list[Violation]) -> Any:
        if not isinstance(value, dict):
            return MISFIT
        return read_entry(value, currency, f"{path}.{name}", violations if is_strict else [])

    is_list = field.type == "list"
    read: Reader = read_list if is_list else read_object
    return FieldRule(
        exact=frozenset({NoneType}),
        read=read,
        reason="is not a list" if is_list else "is not an object",
        is_strict=is_strict,
        holds_money=bool(entry.money),
    )


def _all_same(left: Iterable[Any], right: Iterable[Any]) -> bool:
    """Tell whether two lists of one length hold the very same objects."""
    return all(one is other for one, other in zip(left, right, strict=True))


def _add_amount(
    values: dict[str, Any], changes: dict[str, Any], path: str, violations: list[Violation]
) -> None:
    """Give a line its amount in minor units, when it has a price but no amount."""
    if "amount_minor" in changes or values.get("amount_minor") is not None:
        return
    price_minor = changes.get("price_minor", values.get("price_minor"))
    quantity = changes.get("quantity", values.get("quantity"))
    if not isinstance(price_minor, int) or isinstance(quantity, str | list | dict):
        return
    amount_minor = line_amount_minor(price_minor, quantity)
    if amount_minor is None:
        violations.append(Violation(path=f"{path}.quantity", reason="makes the amount too large"))
    else:
        changes["amount_minor"] = amount_minor
