"""Stated intents: what a person says they look for, on which terms, and until when.

An intent is a declared fact named ``intent:`` and its id, so it is kept, merged and taken back as
everything that a person says of themselves. While it holds it outranks what we infer, and whoever
answers it sees what it says and no more. After its end it says nothing.

References
----------
schema.org, type Demand; trust practice of intentcasting at ProjectVRM: what, where, when, a budget,
must-haves and a way to answer, and no more of the person than answering takes.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import msgspec

from customering.kernel.clock import format_instant
from customering.kernel.money import format_money
from customering.kernel.records import Record

INTENT_PREFIX = "intent:"
"""How the name of a declared fact begins that holds an intent."""

MORE_LIKE_THIS_FACT = "more_like_this"
"""The declared fact of what a person wants more of: category, or title, to when they said so."""

INTENT_PURPOSE = "intent.answer"
"""The purpose under which an intent may be used, which is to answer it."""

STATED_LIFT = 8.0
"""What a chance is multiplied by that fits a live intent: more than any inference differs by."""

MORE_LIFT = 1.5
"""What it is multiplied by for more of what a person asked for more of."""

Anonymity = Literal["hidden", "pseudonym", "named"]
"""What who answers may know of the person: nothing, a name made for this, or who they are."""

Text = Annotated[str, msgspec.Meta(max_length=200)]
_WORD = re.compile(r"[^\W_]+")
_WORD_LENGTH_MIN = 3


class Intent(Record, frozen=True, kw_only=True):
    """What one person looks for.

    Parameters
    ----------
    intent_id
        Its name.
    what
        In the person's own words.
    category
        A category of the shop it is about; empty when the words say all.
    must, nice
        What has to be so, and what would be welcome.
    budget_from_minor, budget_to_minor, currency
        What it may cost; None leaves an end open. Minor units.
    where
        A place, or the beginning of a postcode; empty for anywhere.
    begins_at, ends_at
        When it is needed; None is open. Milliseconds since 1970.
    anonymity
        What who answers may know of the person.
    cast_at, expires_at
        From when until when it holds; the end is not included. Milliseconds since 1970.
    """

    intent_id: Annotated[str, msgspec.Meta(pattern=r"^int_[a-z2-7]{16}$")]
    what: Annotated[str, msgspec.Meta(min_length=2, max_length=200)]
    category: Text = ""
    must: Annotated[tuple[Text, ...], msgspec.Meta(max_length=10)] = ()
    nice: Annotated[tuple[Text, ...], msgspec.Meta(max_length=10)] = ()
    budget_from_minor: Annotated[int, msgspec.Meta(ge=0, le=10**12)] | None = None
    budget_to_minor: Annotated[int, msgspec.Meta(ge=0, le=10**12)] | None = None
    currency: Annotated[str, msgspec.Meta(max_length=3)] = ""
    where: Text = ""
    begins_at: int | None = None
    ends_at: int | None = None
    anonymity: Anonymity = "hidden"
    cast_at: int
    expires_at: int

    def holds(self, now_ms: int) -> bool:
        """Tell whether it has not come to its end."""
        return now_ms < self.expires_at

    def fits(self, category: str, title: str) -> bool:
        """Tell whether something is what the person looks for: of its category, or in its words.

        Examples
        --------
        >>> told = dict(intent_id="int_aaaaaaaaaaaaaaaa", what="a bicycle", cast_at=0, expires_at=9)
        >>> Intent(**told).fits("sports", "City bicycle, blue")
        True
        """
        if self.category and self.category.casefold() == category.casefold():
            return True
        wanted = _words(self.what)
        return bool(wanted) and wanted <= (_words(title) | _words(category))

    @property
    def words(self) -> str:
        """What the person looks for, as it is told back to them."""
        return self.what


class Wanted:
    """What one person looks for now, for weighing what might be shown to them.

    Parameters
    ----------
    intents
        Those that hold.
    more
        Categories or titles that the person wants more of.
    """

    __slots__ = ("_intents", "_more")

    def __init__(self, intents: tuple[Intent, ...], more: frozenset[str]) -> None:
        self._intents = intents
        self._more = more

    def __bool__(self) -> bool:
        return bool(self._intents or self._more)

    def words_for(self, category: str, title: str) -> str | None:
        """Give what of it something fits; None when it fits no intent."""
        return next((one.words for one in self._intents if one.fits(category, title)), None)

    def lift(self, category: str, title: str) -> float:
        """Give what the chance of something is multiplied by, at least 1."""
        if any(one.fits(category, title) for one in self._intents):
            return STATED_LIFT
        return MORE_LIFT if {category.casefold(), title.casefold()} & self._more else 1.0


NOTHING_WANTED = Wanted((), frozenset())
"""Of a person who states nothing."""


def read_intent(fact: Any) -> Intent | None:
    """Read a declared fact; None when it is no intent: anybody can declare anything."""
    try:
        return msgspec.convert(fact, type=Intent)
    except msgspec.ValidationError:
        return None


def live_intents(declared: Mapping[str, Any], now_ms: int) -> tuple[Intent, ...]:
    """Give the intents that hold, the latest first.

    Parameters
    ----------
    declared
        The declared facts by name, those that were not taken back.
    now_ms
        The present, milliseconds since 1970.
    """
    found = [one for one in _intents(declared) if one.holds(now_ms)]
    return tuple(sorted(found, key=lambda one: (-one.cast_at, one.intent_id)))


def wanted(declared: Mapping[str, Any], now_ms: int, *, may_answer: bool = True) -> Wanted:
    """Give what a person looks for now.

    Parameters
    ----------
    may_answer
        Whether the person permits `INTENT_PURPOSE`; if not, their intents are not used.
    """
    intents = live_intents(declared, now_ms) if may_answer else ()
    more = declared.get(MORE_LIKE_THIS_FACT)
    names = frozenset(name.casefold() for name in more if name) if isinstance(more, dict) else None
    return Wanted(intents, names or frozenset()) if intents or names else NOTHING_WANTED


def demand_of(intent: Intent) -> dict[str, Any]:
    """Give an intent as schema.org has it, without anything of the person.

    Examples
    --------
    >>> told = dict(intent_id="int_aaaaaaaaaaaaaaaa", what="a bicycle", cast_at=0, expires_at=9)
    >>> demand_of(Intent(**told))["itemOffered"]
    {'@type': 'Product', 'name': 'a bicycle'}
    """
    item: dict[str, Any] = {"@type": "Product", "name": intent.what}
    if intent.category:
        item["category"] = intent.category
    said = [("must", text) for text in intent.must] + [
        ("nice to have", text) for text in intent.nice
    ]
    if said:
        item["additionalProperty"] = [
            {"@type": "PropertyValue", "name": name, "value": text} for name, text in said
        ]
    demand: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Demand",
        "identifier": intent.intent_id,
        "itemOffered": item,
        "validFrom": format_instant(intent.cast_at),
        "validThrough": format_instant(intent.expires_at),
    }
    if intent.begins_at is not None:
        demand["availabilityStarts"] = format_instant(intent.begins_at)
    if intent.ends_at is not None:
        demand["availabilityEnds"] = format_instant(intent.ends_at)
    if intent.where:
        demand["areaServed"] = intent.where
    price = _price(intent)
    if price:
        demand["priceSpecification"] = price
    return demand


def _price(intent: Intent) -> dict[str, Any]:
    ends = {"minPrice": intent.budget_from_minor, "maxPrice": intent.budget_to_minor}
    told: dict[str, Any] = {
        name: float(format_money(minor, intent.currency).partition(" ")[0].replace(",", ""))
        for name, minor in ends.items()
        if minor is not None
    }
    if not told:
        return {}
    return {"@type": "PriceSpecification", **told, "priceCurrency": intent.currency}


def _intents(declared: Mapping[str, Any]) -> Iterator[Intent]:
    for name, fact in declared.items():
        if name.startswith(INTENT_PREFIX):
            intent = read_intent(fact)
            if intent is not None and name == f"{INTENT_PREFIX}{intent.intent_id}":
                yield intent


def _words(text: str) -> frozenset[str]:
    """Give the words that carry meaning, by their length."""
    found = _WORD.findall(text.casefold())
    return frozenset(word for word in found if len(word) >= _WORD_LENGTH_MIN)
