"""What a person does in this visit, read from their profile with the ages of each sign."""

from collections.abc import Iterator
from typing import Any

from customering.profile.lazy import LazyValues
from customering.taste.session import FORGOTTEN_MINUTES, Asked, Looking, Seen

VIEWS_TRAIT = "last_viewed_products"
SEARCH_TRAIT = "last_search"
CART_TRAIT = "cart_products"
"""The traits of the products looked at last, the last search, and what went into the cart."""

_MS_PER_MINUTE = 60_000
IDLE = Looking()


def looking_of(values: LazyValues, now_ms: int) -> Looking:
    """Give what a person looks at now, as far as they permit that it is used.

    Parameters
    ----------
    values
        The person's trait values.
    now_ms
        The present. Milliseconds since 1970.
    """
    views, cart = values.kept(VIEWS_TRAIT), values.kept(CART_TRAIT)
    search = values.kept(SEARCH_TRAIT)
    if not (views or cart or search):
        return IDLE
    return Looking(
        viewed=tuple(Seen(what, age) for what, age in _latest(views, now_ms)),
        searched=tuple(Asked(what, age) for what, age in _latest([search], now_ms)),
        cart=tuple(
            Seen(what, age) for what, age in _latest(cart, now_ms, after=_last_order(values))
        ),
    )


def _last_order(values: LazyValues) -> int:
    """Give when the person last bought: what was in the cart then is in it no more."""
    at = values.observed("last_order_at")
    return at if isinstance(at, int) else 0


def _latest(states: list[Any], now_ms: int, *, after: int = 0) -> Iterator[tuple[str, float]]:
    """Give the signs of all anchors of a person, each once, the latest first."""
    signs = sorted((entry for state in states for entry in state), key=lambda entry: -entry[0])
    told: set[str] = set()
    for at_ms, what in signs:
        age = (now_ms - at_ms) / _MS_PER_MINUTE
        if 0 <= age < FORGOTTEN_MINUTES and at_ms > after and str(what) not in told:
            told.add(str(what))
            yield str(what), age
