"""The compiled fields of an event or a record, and how values are read by them, fast and fully."""

from collections.abc import Iterable
from types import NoneType
from typing import Any, NamedTuple

from customering.events.amounts import line_amount_minor, minor_units
from customering.events.fields import (
    INTEGER_MAX,
    INTEGER_MIN,
    MINOR_RULE,
    MISFIT,
    FieldRule,
    QuickReader,
    Reader,
    Violation,
)
from customering.events.model import products_of
from customering.events.plan_file import FieldDefinition

_UNSEEN: Any = object()
_SHAPES_MAX = 1_024
_SHAPE_LENGTH_MAX = 128  # names and their types
_MONEY_TYPES = frozenset({int, float, str})


class _Recipe(NamedTuple):
    """All there is to do for values of one shape, which is their names and types in order.

    Parameters
    ----------
    integers
        Names of whole numbers that must have 64 bits.
    texts
        Names of required texts, which must not be empty.
    lists
        Names of lists of records, each with how these are read.
    money
        Names of amounts, each with the name of its minor units.
    adds_amount
        Whether a price and a quantity make an amount.
    holds_money
        Whether there are minor units then; None when the lines must be looked at.
    """

    integers: tuple[str, ...]
    texts: tuple[str, ...]
    lists: tuple[tuple[str, QuickReader], ...]
    money: tuple[tuple[str, str], ...]
    adds_amount: bool
    holds_money: bool | None


class Rules:
    """The compiled fields of an event, of the traits, or of a record inside an event.

    Parameters
    ----------
    by_name
        The rule of each field.
    required
        Names of the fields that must be there.
    is_entry
        Whether these are the fields of a record inside an event: it can be a line of an order
        whatever it holds.
    """

    def __init__(
        self, by_name: dict[str, FieldRule], required: tuple[str, ...], *, is_entry: bool = False
    ) -> None:
        self.required = required
        self.money = frozenset(name for name, rule in by_name.items() if rule.holds_money)
        # A line of an order: what has a price and a quantity comes to an amount.
        self._may_be_line = "price" in self.money and "quantity" in by_name
        if self._may_be_line:
            by_name = {"amount_minor": MINOR_RULE, **by_name}
        self._is_entry = is_entry
        self._by_name = by_name
        self._minor = frozenset(name for name in by_name if by_name[name] is MINOR_RULE)
        self._recipes: dict[tuple[Any, ...], _Recipe | None] = {}

    def read(
        self, values: dict[str, Any], currency: str, path: str, violations: list[Violation]
    ) -> dict[str, Any]:
        """Give the values as their types; the same object when nothing changes.

        A line of an order gets its amount in minor units too.
        """
        quick = self.quick(values, currency)
        return self.read_fully(values, currency, path, violations) if quick is None else quick

    def quick(self, values: Any, currency: str) -> dict[str, Any] | None:
        """Read values whose shape is known to hold no surprise; None when they must be read fully.

        Notes
        -----
        Most events and lines have the names and types of the one before: what is to be done for
        these is found once, and kept. The result is that of `read_fully`, without a violation, and
        for an event that holds money with its currency.
        """
        if type(values) is not dict:
            return None
        shape = (*values, *map(type, values.values()))
        recipe = self._recipes.get(shape, _UNSEEN)
        if recipe is _UNSEEN:
            recipe = self._keep(shape, values)
        if recipe is None:
            return None
        integers, texts, lists, money, adds_amount, holds_money = recipe
        for name in integers:
            if not INTEGER_MIN <= values[name] <= INTEGER_MAX:
                return None
        for name in texts:
            if not values[name]:
                return None
        changes: dict[str, Any] = {}
        for name, read_list in lists:
            entries = read_list(values[name], currency)
            if entries is None:
                return None
            if entries is not values[name]:
                changes[name] = entries
        for name, minor_name in money:
            minor = minor_units(values[name], currency)
            if minor is None:
                return None
            changes[minor_name] = minor
        if adds_amount:
            price_minor = changes.get("price_minor") or values.get("price_minor") or 0
            amount_minor = line_amount_minor(price_minor, values.get("quantity"))
            if amount_minor is None:
                return None
            changes["amount_minor"] = amount_minor
        if (
            holds_money is not False
            and values.get("currency") != currency
            and (holds_money or self.has_minor_units(values | changes))
        ):
            changes["currency"] = currency
        return values | changes if changes else values

    def quick_list(self, entries: list[Any], currency: str) -> list[Any] | None:
        """Read a list of records as `quick` does; None when one of them must be read fully."""
        found: list[Any] = []
        is_same = True
        for entry in entries:
            one = self.quick(entry, currency)
            if one is None:
                return None
            if one is not entry:
                is_same = False
            found.append(one)
        return entries if is_same else found

    def _keep(self, shape: tuple[Any, ...], values: dict[str, Any]) -> _Recipe | None:
        """Find what is to be done for a shape, and keep that for the next of its kind."""
        recipe = self._recipe(values)
        if len(shape) <= _SHAPE_LENGTH_MAX:
            if len(self._recipes) >= _SHAPES_MAX:  # senders choose the names: bounds memory
                self._recipes.clear()
            self._recipes[shape] = recipe
        return recipe

    def _recipe(self, values: dict[str, Any]) -> _Recipe | None:
        """Find what is to be done for values of this shape; None when only reading them tells."""
        integers: list[str] = []
        lists: list[tuple[str, QuickReader]] = []
        money: list[tuple[str, str]] = []
        for name, value in values.items():
            rule, kind = self._by_name.get(name), type(value)
            if rule is None or kind in rule.exact:
                continue
            if kind is int and rule.keeps_integers:
                integers.append(name)
            elif kind is list and rule.quick_list is not None:
                lists.append((name, rule.quick_list))
            elif kind in _MONEY_TYPES and rule.minor_name and values.get(rule.minor_name) is None:
                money.append((name, rule.minor_name))
            else:
                return None
        kinds = {name: type(values.get(name)) for name in self.required}
        if NoneType in kinds.values():
            return None
        if self._is_line(values) and not all(
            type(values.get(name)) in (int, NoneType) for name in ("price_minor", "quantity")
        ):
            return None
        minor = [minor_name for _, minor_name in money]
        adds_amount = self._adds_amount(values, minor)
        return _Recipe(
            integers=tuple(integers),
            texts=tuple(name for name, kind in kinds.items() if kind is str),
            lists=tuple(lists),
            money=tuple(money),
            adds_amount=adds_amount,
            holds_money=self._holds_money(
                values, [*values, *minor, *(["amount_minor"] if adds_amount else [])]
            ),
        )

    def _holds_money(self, values: dict[str, Any], names: list[str]) -> bool | None:
        """Tell whether an event of these names holds money; None when its lines must be looked at.

        A record inside an event has no currency of its own: it is the one of the event.
        """
        if self._is_entry:
            return False
        if not self._minor.isdisjoint(names):
            return True
        return None if isinstance(values.get("products"), list) else False

    def _adds_amount(self, values: dict[str, Any], added: list[str]) -> bool:
        """Tell whether values that fit get an amount, when these minor units are added."""
        has_price = "price_minor" in added or values.get("price_minor") is not None
        has_amount = "amount_minor" in added or values.get("amount_minor") is not None
        return self._is_line(values) and has_price and not has_amount

    def _is_line(self, values: dict[str, Any]) -> bool:
        """Tell whether values are a line of an order: a record, or an event about one product."""
        return self._may_be_line and (
            self._is_entry
            or ("product_id" in values and not isinstance(values.get("products"), list))
        )

    def read_fully(
        self, values: dict[str, Any], currency: str, path: str, violations: list[Violation]
    ) -> dict[str, Any]:
        """Read values one by one, and say what is wrong with each."""
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
        if self._is_line(values):
            _add_amount(values, changes, path, violations)
        return values | changes if changes else values

    def has_minor_units(self, values: dict[str, Any]) -> bool:
        """Tell whether an event or one of its lines holds an amount of money."""
        return not self._minor.isdisjoint(values) or any(
            not self._minor.isdisjoint(line) for line in products_of(values)
        )


def nested_rule(name: str, field: FieldDefinition, entry: Rules, *, is_strict: bool) -> FieldRule:
    """Compile a field that holds a record or a list of them."""

    def read_entry(value: Any, currency: str, path: str, violations: list[Violation]) -> Any:
        if not isinstance(value, dict):
            violations.append(Violation(path=path, reason="is not an object"))
            return value
        return entry.read(value, currency, path, violations)

    def read_list(value: Any, currency: str, path: str, violations: list[Violation]) -> Any:
        if not isinstance(value, list):
            return MISFIT
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
        quick_list=entry.quick_list if is_list else None,
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
