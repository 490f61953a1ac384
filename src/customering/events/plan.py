"""The tracking plan at work: it reads an event's fields as their types and names what is wrong."""

from collections.abc import Mapping
from typing import Any

from customering.events.amounts import currency_code, usual_currency
from customering.events.fields import MINOR_RULE, FieldRule, Violation, field_rule
from customering.events.model import Event
from customering.events.plan_file import FieldDefinition, PlanDefinition
from customering.events.rules import Rules, nested_rule
from customering.kernel.errors import InvalidDefinition


class TrackingPlan:
    """What is known of each event, compiled: an event of a shape met before is read in 1 to 2 us.

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
        self._records: dict[str, Rules] = {}
        for name in definition.records:
            self._record(name, ())
        anywhere = self._compile(definition.defaults.fields, is_strict=False)
        self._unknown = Rules(anywhere, ())
        self._accepts_unknown = definition.defaults.unknown_events != "quarantine"
        self._events = {
            name: Rules(anywhere | self._compile(fields), _required(fields))
            for name in definition.events
            for fields in (self.fields(name),)
        }
        self._traits = Rules(self._compile(definition.traits), _required(definition.traits))

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
        result = rules.read(properties, code, path, violations)
        if result.get("currency") != code and rules.has_minor_units(result):
            result = result | {"currency": code}
        return result, violations

    def conform_quickly(
        self, kind: str, name: str, properties: dict[str, Any], default_currency: str
    ) -> dict[str, Any] | None:
        """Give what `conform` gives without a violation; None when only `conform` can tell."""
        if kind == "track":
            rules = self._events.get(name)
            if rules is None:
                if not self._accepts_unknown:
                    return None
                rules = self._unknown
        elif kind == "identify":
            rules = self._traits
        else:
            return properties
        code = properties.get("currency")
        if code is None:
            code = default_currency
        elif type(code) is not str or not (code := usual_currency(code, default_currency)):
            return None
        return rules.quick(properties, code)

    def _record(self, name: str, inside: tuple[str, ...]) -> Rules:
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
        self._records[name] = Rules(compiled, _required(record.fields), is_entry=True)
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
                rules[name] = nested_rule(name, field, entry, is_strict=is_strict)
                continue
            rules[name] = field_rule(name, field, is_strict=is_strict)
            if rules[name].minor_name:
                rules.setdefault(rules[name].minor_name, MINOR_RULE)
        return rules


def _required(fields: Mapping[str, FieldDefinition]) -> tuple[str, ...]:
    """Give the names of the fields an event cannot be without."""
    return tuple(name for name, field in fields.items() if field.required)


def _no_record(name: str) -> InvalidDefinition:
    """Build the refusal of a plan that names a record it does not define."""
    return InvalidDefinition(
        f"The tracking plan names the record {name}, which it does not define",
        hint=f"Add [records.{name}], or correct the name.",
    )
