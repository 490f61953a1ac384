"""How a wish to buy carries over to actions: read once from the catalogue, asked each person."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from customering.decision.model import Action
from customering.decision.table import Floats

_CATEGORIES_BEGIN = 1 << 40  # after any product that an action is about


class Wish(NamedTuple):
    """One product that a person may buy.

    Parameters
    ----------
    product_id, title, category
        The product.
    probability
        Chance that the person buys it when they see it, in [0, 1].
    is_repeat
        Whether they have bought it.
    """

    product_id: str
    title: str
    category: str
    probability: float
    is_repeat: bool


class Interests:
    """What the actions of a catalogue are about, by product and by category.

    Parameters
    ----------
    actions
        The actions.
    weight
        How much of a wish to buy carries over to an action, in [0, 1].

    Notes
    -----
    The propensities are those of the slow twin, ``tests/candidates_twin.py``, to the last bit:
    wishes are multiplied in the order in which an action names what it is about.
    """

    def __init__(self, actions: Sequence[Action], *, weight: float = 0.5) -> None:
        self._actions = actions
        self._weight = weight
        self._by_product = _places(action.products for action in actions)
        self._by_category = _places(action.categories for action in actions)
        self._without = np.array([action.base_propensity for action in actions], dtype=np.float64)

    def propensities(self, wishes: Sequence[Wish]) -> Floats:
        """Give the chance that a person accepts each action, in [base propensity, 1]."""
        found: dict[int, dict[str, tuple[int, float]]] = {}
        for number, wish in enumerate(wishes):
            about = (wish.product_id, wish.probability)
            for row, place in self._by_product.get(wish.product_id, ()):
                _note(found, row, about, place)
            for row, place in self._by_category.get(wish.category, ()):
                _note(found, row, about, _CATEGORIES_BEGIN * (place + 1) + number)
        chances = self._without.copy()
        for row, about_by_product in found.items():
            none_of = 1.0
            for _, probability in sorted(about_by_product.values()):
                none_of *= 1.0 - probability
            wished = self._weight * (1.0 - none_of)
            if wished:  # otherwise the base propensity to the last bit, as records leave it out
                chances[row] = 1.0 - (1.0 - self._actions[row].base_propensity) * (1.0 - wished)
        return chances

    def facts(self, row: int, wishes: Sequence[Wish]) -> Mapping[str, Any]:
        """Give the facts of an action: what it is about and the person buys, likeliest first."""
        action = self._actions[row]
        if not wishes or not (action.products or action.categories):
            return {}
        products, categories = set(action.products), set(action.categories)
        bought = sorted(
            (
                wish
                for wish in wishes
                if wish.is_repeat and (wish.product_id in products or wish.category in categories)
            ),
            key=lambda wish: (-wish.probability, wish.product_id),
        )
        return {"about_bought": [wish.title for wish in bought]} if bought else {}


def _note(
    found: dict[int, dict[str, tuple[int, float]]], row: int, about: tuple[str, float], place: int
) -> None:
    """Note that an action is about a wish; one that is named twice counts where it is first."""
    product_id, probability = about
    about_row = found.setdefault(row, {})
    if product_id not in about_row or place < about_row[product_id][0]:
        about_row[product_id] = (place, probability)


def _places(named: Iterable[Sequence[str]]) -> Mapping[str, list[tuple[int, int]]]:
    """Give for each name the rows that name it, and where in the row it is first named."""
    places: dict[str, list[tuple[int, int]]] = {}
    for row, names in enumerate(named):
        for name, place in {name: place for place, name in reversed([*enumerate(names)])}.items():
            places.setdefault(name, []).append((row, place))
    return places
