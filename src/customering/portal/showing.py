"""Values of facts and events as people read them: amounts, days and lists instead of data."""

from collections.abc import Mapping, Sequence
from typing import Any

from customering.decision.model import LEAVE_ALONE
from customering.events.model import (
    DECISION_MADE,
    FACT_CORRECTED,
    PERMISSION_NAMES,
    Event,
    products_of,
)
from customering.kernel.clock import MS_PER_DAY
from customering.portal.words import Words

_SHOWN_MOST = 8
_TEXT_LENGTH_MAX = 300
_MINOR = "minor units"
_INSTANT = "instant in ms"
_DAYS = "days since 1970"
_DAYS_BY = "days since 1970 by "


def shown(value: Any, unit: str, words: Words, currency: str) -> str:
    """Write a value.

    Parameters
    ----------
    unit
        Its unit, as traits name it.
    currency
        Of amounts in minor units.
    """
    if isinstance(value, bool):
        return words("value.yes" if value else "value.no")
    if isinstance(value, int | float):
        return _number(value, unit, words, currency)
    if isinstance(value, str):
        return value[:_TEXT_LENGTH_MAX]
    if isinstance(value, Mapping):
        return _mapping(value, unit, words, currency)
    if isinstance(value, Sequence):
        return _list(value, unit, words, currency)
    return words("value.nothing")


def _number(value: float, unit: str, words: Words, currency: str) -> str:
    if unit == _MINOR:
        return words.money(value, currency)
    if unit == _INSTANT:
        return words.day(int(value))
    if unit == _DAYS:
        return words.day(int(value) * MS_PER_DAY)
    text = words.number(round(value, 2))
    key = f"unit.{unit}"
    return words(key, n=text) if key in words else f"{text} {unit}".strip()


def _list(values: Sequence[Any], unit: str, words: Words, currency: str) -> str:
    """Write the first values of a list; pairs are a name and how often."""
    is_newest_last = unit == _DAYS
    some = list(values[-_SHOWN_MOST:] if is_newest_last else values[:_SHOWN_MOST])
    if is_newest_last:
        some.reverse()
    texts = [_part(one, unit, words, currency) for one in some]
    if len(values) > len(some):
        texts.append(words("value.more", n=words.number(len(values) - len(some))))
    return ", ".join(texts) or words("value.nothing")


def _part(one: Any, unit: str, words: Words, currency: str) -> str:
    if isinstance(one, Sequence) and not isinstance(one, str) and len(one) == 2:
        name, count = one
        if isinstance(name, str) and isinstance(count, int | float):
            often = words.money(count, currency) if unit == _MINOR else words.number(count)
            return f"{name[:_TEXT_LENGTH_MAX]} ({often})"
    return shown(one, unit if unit in (_DAYS, _INSTANT) else "", words, currency)


def _mapping(value: Mapping[str, Any], unit: str, words: Words, currency: str) -> str:
    inner = _DAYS if unit.startswith(_DAYS_BY) else ""
    texts = []
    for name, one in list(value.items())[:_SHOWN_MOST]:
        if inner and isinstance(one, Sequence):
            texts.append(words("value.times", name=name, n=words.number(len(one))))
        else:
            texts.append(f"{name}: {shown(one, inner, words, currency)}")
    if len(value) > len(texts):
        texts.append(words("value.more", n=words.number(len(value) - len(texts))))
    return ", ".join(texts) or words("value.nothing")


def title_of(event: Event, words: Words) -> str:
    """Say what an event is, as its person reads it; names of other systems stay as they are."""
    if event.kind != "track":
        return words(f"kind.{event.kind}") + (f": {event.name}" if event.name else "")
    key = f"event.{event.name}"
    return words(key) if key in words else event.name


def things_of(event: Event, words: Words, currency: str, titles: Mapping[str, str]) -> str:
    """Say what an event is about in a line: products and amounts, choices, facts, what was shown.

    Parameters
    ----------
    titles
        Titles of purposes and of what may be shown, by key or id.
    """
    if event.name == DECISION_MADE:
        chosen = [one for one in _texts(event.properties.get("chosen")) if one != LEAVE_ALONE]
        return ", ".join(titles.get(one, one) for one in chosen) or words("why.act.leave_alone")
    if event.name in PERMISSION_NAMES:
        answers = event.properties.get("purposes")
        told = answers.items() if isinstance(answers, Mapping) else ()
        return ", ".join(
            f"{titles.get(key, key)}: {words('allow.yes' if answer == 'allow' else 'allow.no')}"
            for key, answer in told
        )
    if event.name == FACT_CORRECTED:
        facts = event.properties.get("facts")
        names = facts if isinstance(facts, Mapping) else ()
        return ", ".join(dict.fromkeys(_fact(name, words) for name in names))
    return _bought(event, words, currency)


def _fact(name: str, words: Words) -> str:
    """Give what a declared fact is called."""
    kind = name.partition(":")[0]
    return words.either(f"fact.{kind}", kind).text


def _texts(values: Any) -> list[str]:
    return [one for one in values if isinstance(one, str)] if isinstance(values, list) else []


def _bought(event: Event, words: Words, currency: str) -> str:
    """Name the products of an event, or its amount."""
    names = [
        str(line.get("name") or line.get("product_id") or "")
        for line in products_of(event.properties)
    ]
    told = [name[:80] for name in names if name][:_SHOWN_MOST]
    if len(names) > len(told):
        told.append(words("value.more", n=words.number(len(names) - len(told))))
    text = ", ".join(told)
    amount = event.properties.get("revenue_minor", event.properties.get("total_minor"))
    if isinstance(amount, int) and not isinstance(amount, bool):
        paid = words.money(amount, str(event.properties.get("currency", currency)))
        text = f"{text} · {paid}" if text else paid
    return text
