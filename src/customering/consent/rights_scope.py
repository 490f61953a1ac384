"""What part of what is known of a person an erasure is about: a category, a model, or a time."""

from collections.abc import Mapping
from typing import Any

from customering.kernel.clock import format_instant, parse_instant
from customering.kernel.errors import Invalid
from customering.kernel.records import Record

CATEGORIES: dict[str, str] = {
    "visits": "what you looked at: pages, searches, products and carts",
    "purchases": "what you bought, returned and redeemed",
    "messages": "what was written and said between us",
    "declared": "what you told about yourself",
    "location": "where you were",
    "contact.email": "your e-mail addresses",
    "contact.phone": "your telephone numbers",
    "contact.device": "your devices and browsers",
    "contact.post": "your postal address",
    "other": "everything that is in no other category",
}
"""Categories of data that can be erased by themselves, as purposes name them, in plain words."""

CONTACT_KINDS: dict[str, tuple[str, ...]] = {
    "contact.email": ("email",),
    "contact.phone": ("phone",),
    "contact.device": ("device", "anonymous_id"),
}
"""Categories that are identifiers of the person, and the types of these."""

MODELS: dict[str, str] = {
    "value": "the estimate of how often you come back and what that is worth",
    "taste": "the suggestions of products and offers",
    "decisions": "what is learned from how you answer",
}
"""Models that a person can be taken out of, in plain words."""

_FIELDS = ("category", "model", "since", "before")


class Scope(Record, frozen=True, kw_only=True):
    """What is erased; everything when nothing is named.

    Parameters
    ----------
    category
        One of `CATEGORIES`; empty names none.
    model
        One of `MODELS`: nothing that happened is erased, the person leaves the model.
    since_ms, before_ms
        Only what occurred from the one on and before the other; None has no bound. Milliseconds
        since 1970.

    Examples
    --------
    >>> Scope(category="visits", before_ms=0).words
    'what you looked at: pages, searches, products and carts, before 1970-01-01'
    """

    category: str = ""
    model: str = ""
    since_ms: int | None = None
    before_ms: int | None = None

    @property
    def is_everything(self) -> bool:
        """Whether the whole person is erased."""
        return self == EVERYTHING

    @property
    def is_of_names(self) -> bool:
        """Whether it is about identifiers of the person, and nothing else."""
        return self.category in CONTACT_KINDS

    @property
    def words(self) -> str:
        """What is erased, in plain words said to the person."""
        if self.model:
            return MODELS[self.model]
        told = [CATEGORIES[self.category] if self.category else "everything"]
        if self.since_ms is not None:
            told.append(f"from {format_instant(self.since_ms)[:10]} on")
        if self.before_ms is not None:
            told.append(f"before {format_instant(self.before_ms)[:10]}")
        return ", ".join(told)

    def includes(self, occurred_at: int) -> bool:
        """Tell whether something that occurred then is in the time that is meant."""
        if self.since_ms is not None and occurred_at < self.since_ms:
            return False
        return self.before_ms is None or occurred_at < self.before_ms

    def told(self) -> dict[str, str]:
        """Give it as the details of a request, which `scope_of` reads."""
        since, before = (
            "" if one is None else format_instant(one) for one in (self.since_ms, self.before_ms)
        )
        values = (self.category, self.model, since, before)
        return {name: value for name, value in zip(_FIELDS, values, strict=True) if value}


EVERYTHING = Scope()
"""The whole person."""


def scope_of(told: Mapping[str, Any]) -> Scope:
    """Read what is to be erased, as a request, a door or a command names it.

    Parameters
    ----------
    told
        ``category``, ``model``, ``since`` and ``before``; missing and empty ones name nothing.
        Instants are ISO 8601, days are read as midnight UTC.

    Raises
    ------
    Invalid
        When there is no such category or model, they do not go together, or the time is empty.

    Examples
    --------
    >>> scope_of({"category": "visits"})
    Scope(category='visits', model='', since_ms=None, before_ms=None)
    """
    for name in told:
        if name not in _FIELDS:
            raise Invalid(
                f"{name!r} says nothing about what to erase", hint=f"use {', '.join(_FIELDS)}"
            )
    scope = Scope(
        category=_known(told, "category", CATEGORIES),
        model=_known(told, "model", MODELS),
        since_ms=_instant(told, "since"),
        before_ms=_instant(told, "before"),
    )
    check_scope(scope)
    return scope


def check_part(scope: Scope, again: str) -> None:
    """Refuse a part that cannot be erased, and a part that would be kept out for good.

    Raises
    ------
    Invalid
        When `check_scope` says so, or the identifiers are to be refused but do not all go.
    """
    check_scope(scope)
    if again == "never" and not scope.is_everything:
        raise Invalid(
            "only a whole person can be kept out for good",
            hint="refuse a purpose instead: what is not permitted is not computed",
        )


def check_scope(scope: Scope) -> None:
    """Refuse what cannot be erased.

    Raises
    ------
    Invalid
        When there is no such category or model, they do not go together, or the time is empty.
    """
    _one_of(scope.category, "category", CATEGORIES)
    _one_of(scope.model, "model", MODELS)
    has_time = scope.since_ms is not None or scope.before_ms is not None
    if scope.model and (scope.category or has_time):
        raise Invalid("a model is left as a whole", hint="name the model alone, ask twice for both")
    if scope.is_of_names and has_time:
        raise Invalid(
            "an address goes for all times or not at all", hint="leave out the time for it"
        )
    if (
        scope.since_ms is not None
        and scope.before_ms is not None
        and scope.since_ms >= scope.before_ms
    ):
        raise Invalid("that time ends before it begins", hint="since is the earlier of the two")


def _known(told: Mapping[str, Any], name: str, known: Mapping[str, str]) -> str:
    value = told.get(name) or ""
    _one_of(str(value), name, known)
    return str(value)


def _one_of(value: str, name: str, known: Mapping[str, str]) -> None:
    if value and value not in known:
        raise Invalid(f"there is no {name} {value!r}", hint=f"one of: {', '.join(known)}")


def _instant(told: Mapping[str, Any], name: str) -> int | None:
    value = told.get(name)
    if not value:
        return None
    try:
        return parse_instant(str(value))
    except ValueError as error:
        raise Invalid(
            f"{name} is not a date or an instant", hint="write it as 2026-01-31"
        ) from error
