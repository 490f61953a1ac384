"""Products that come into a list by other ways than habits, each with a sentence that says why.

A list is made by habits first. Then people somebody knows, and products nobody has bought yet, add
to it: what they speak for rises, or joins at the chance of what is new and least likely.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from customering.taste.model import Kind, TasteModel
from customering.taste.rank import Shortlist

_LEAST_CHANCE = 1e-4


class Found(NamedTuple):
    """A product that something speaks for.

    Parameters
    ----------
    product_id
        The product.
    kind
        How it was found, where the person never bought it.
    words
        Why, a whole sentence.
    lift
        What is added to the log odds of its chance.
    chance
        Its chance where the list has none of its own; None for that of what is least likely.
    """

    product_id: str
    kind: Kind
    words: str
    lift: float = 0.0
    chance: float | None = None


def joined(model: TasteModel, listed: Shortlist, found: Sequence[Found], n: int) -> Shortlist:
    """Give a list with what was found in it, most probable first.

    Parameters
    ----------
    model, listed
        The model and the list it gave.
    found
        What else speaks for products; each product once. All of it has a place.
    n
        Entries at most, where there is less found than that.
    """
    if not found:
        return listed
    odds = dict(zip(listed.products, map(_log_odds, listed.probability), strict=True))
    kinds: dict[str, Kind] = dict(zip(listed.products, listed.kinds, strict=True))
    news = [odds[product] for product, kind in kinds.items() if kind != "repeat"]
    least = max(min(news, default=-math.inf), _log_odds(_LEAST_CHANCE))
    bought = set(listed.bought.tolist())
    words = dict(listed.words)
    for one in found:
        own = least if one.chance is None else _log_odds(one.chance)
        odds[one.product_id] = odds.get(one.product_id, own) + one.lift
        item = model.index.get(one.product_id, -1)
        is_repeat = kinds.get(one.product_id) == "repeat" or (item >= 0 and item in bought)
        kinds[one.product_id] = "repeat" if is_repeat else one.kind
        told = words.get(one.product_id)
        words[one.product_id] = f"{told} {one.words}" if told else one.words
    kept = _kept(odds, {one.product_id for one in found}, n)
    return Shortlist(
        products=kept,
        probability=[1 / (1 + math.exp(-odds[product])) for product in kept],
        kinds=[kinds[product] for product in kept],
        items=[model.index.get(product, -1) for product in kept],
        bought=listed.bought,
        alike=listed.alike,
        words={product: words[product] for product in kept if product in words},
    )


def _kept(odds: dict[str, float], found: set[str], n: int) -> list[str]:
    """Give the products that stay: what was found, and of the others the most probable."""
    order = sorted(odds, key=lambda product: -odds[product])
    room = n - len(found)
    others = [product for product in order if product not in found][: max(room, 0)]
    staying = found.union(others)
    return [product for product in order if product in staying]


def _log_odds(chance: float) -> float:
    kept = min(max(chance, _LEAST_CHANCE / 100), 1 - 1e-9)
    return math.log(kept / (1 - kept))
