"""What a person looks at now: views, searches and the cart move their list at once.

The model of taste knows habits of months. What somebody does in this very visit tells more of the
next minutes, the more so the less is known of them. Each sign fades by half in half an hour.

Four things happen to a list: what is in the cart already leaves it; what was looked at and what
answers a search joins it and rises; so does what goes with these, by purchases or by words.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from customering.kernel.records import Record
from customering.taste.history import Ints
from customering.taste.items import Floats
from customering.taste.model import Kind, TasteModel
from customering.taste.rank import Shortlist
from customering.taste.words import Words

HALF_LIFE_MINUTES = 30.0
"""After so long a sign counts half."""

FORGOTTEN_MINUTES = 24 * 60.0
"""After so long it counts nothing."""

# How much each sign adds to the log odds. That of what goes with the cart was measured on The
# Complete Journey (`bench_taste.py cart`): 3 for people of whom nothing is known, .2 for those with
# 60 shopping days, whose habits say nearly all. There is no public record of views and searches by
# people whose purchases are known: theirs are set so that one view lifts a new product above a
# weekly habit, as long as it is fresh.
_VIEWED, _SEARCHED, _ALIKE = 2.5, 3.0, 1.0
_GOES_WITH, _DAYS_OF_HALF = 3.0, 4.0
_SUPPORT_SCALE = 0.01
_VIEW_WEIGHT = 0.5
_JOINING = 20
_LEAST_CHANCE = 1e-4
_ALIKE_LEAST = 0.3
_TELLING = 0.3


class Seen(NamedTuple):
    """A product that was looked at or put into the cart, so many minutes ago."""

    product_id: str
    age_minutes: float


class Asked(NamedTuple):
    """Words that were searched for, so many minutes ago."""

    words: str
    age_minutes: float


class Looking(Record, frozen=True, kw_only=True):
    """What a person does in this visit; the latest first.

    Parameters
    ----------
    viewed, cart
        Products looked at, and put into the cart.
    searched
        What was searched for.
    """

    viewed: tuple[Seen, ...] = ()
    searched: tuple[Asked, ...] = ()
    cart: tuple[Seen, ...] = ()

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to go by."""
        return not (self.viewed or self.searched or self.cart)

    @property
    def key(self) -> tuple[object, ...]:
        """Changes with every new sign, and every ten minutes as they fade."""
        return tuple(
            (sign[0], int(sign.age_minutes // 10))
            for signs in (self.viewed, self.searched, self.cart)
            for sign in signs
        )


@dataclass(frozen=True, slots=True, eq=False)
class SessionList(Shortlist):
    """A shortlist as the visit has changed it.

    Parameters
    ----------
    now
        For the entries that the visit raised, by place, why; a whole sentence.
    """

    now: dict[int, str] = field(default_factory=dict)


def in_session(
    model: TasteModel,
    listed: Shortlist,
    looking: Looking,
    words: Words,
    n: int,
    *,
    shopping_days: int = 0,
) -> SessionList:
    """Give the list as it stands after what the person has just done.

    Parameters
    ----------
    model, listed
        The model and the list it gave.
    looking
        What the person does now.
    words
        What products are called.
    n
        Entries at most.
    shopping_days
        On how many days the person has bought: the more, the less the cart tells beside habits.
    """
    visit = _Visit(model, listed, words)
    for seen in looking.cart:
        visit.goes_with(seen.product_id, fresh(seen.age_minutes), shopping_days)
    for seen in looking.viewed:
        fading = fresh(seen.age_minutes)
        visit.raise_one(seen.product_id, _VIEWED * fading, "You looked at it just now.")
        visit.goes_with(seen.product_id, _VIEW_WEIGHT * fading, shopping_days)
    for asked in looking.searched:
        visit.answers(asked.words, fresh(asked.age_minutes))
    return visit.list(n, without={seen.product_id for seen in looking.cart})


def fresh(age_minutes: float) -> float:
    """Give how much a sign of some age still counts, in [0, 1].

    Examples
    --------
    >>> fresh(0), fresh(30), fresh(10_000)
    (1.0, 0.5, 0.0)
    """
    if age_minutes >= FORGOTTEN_MINUTES:
        return 0.0
    return math.exp2(-max(age_minutes, 0.0) / HALF_LIFE_MINUTES)


class _Visit:
    """The entries of a list by product, with what the visit adds to their log odds."""

    def __init__(self, model: TasteModel, listed: Shortlist, words: Words) -> None:
        self._model, self._listed, self._words = model, listed, words
        self._odds = {
            product: math.log(chance / (1 - chance))
            for product, chance in zip(listed.products, listed.probability, strict=True)
        }
        self._kind: dict[str, Kind] = dict(zip(listed.products, listed.kinds, strict=True))
        self._why: dict[str, tuple[float, str]] = {}
        new = [
            chance
            for chance, kind in zip(listed.probability, listed.kinds, strict=True)
            if kind != "repeat"
        ]
        least = max(min(new, default=_LEAST_CHANCE), _LEAST_CHANCE)
        self._least = math.log(least / (1 - least))
        self._bought = set(listed.bought.tolist())

    def raise_one(self, product: str, by: float, why: str) -> None:
        """Raise one product, which joins the list if it is not on it."""
        if by <= 0 or not (product in self._odds or self._is_known(product)):
            return
        self._odds[product] = self._odds.get(product, self._least) + by
        if product not in self._kind:
            item = self._model.index.get(product, -1)
            self._kind[product] = "repeat" if item >= 0 and item in self._bought else "discover"
        if by >= _TELLING and by > self._why.get(product, (0.0, ""))[0]:
            self._why[product] = by, why

    def goes_with(self, product: str, weight: float, shopping_days: int) -> None:
        """Raise what people buy who buy a product, and what is called alike."""
        if weight <= 0:
            return
        title = self._words.title(product)
        chosen = f"{title}, which you chose just now." if title else "what you chose just now."
        columns = self._columns(product)
        strength = _GOES_WITH * weight / (1 + shopping_days / _DAYS_OF_HALF)
        if len(columns):
            discovery = self._model.discovery
            score = np.maximum(discovery.scores(columns), 0.0)
            for column in np.argsort(-score, kind="stable")[:_JOINING].tolist():
                by = strength * math.log1p(float(score[column]) / _SUPPORT_SCALE)
                self.raise_one(
                    self._model.products[discovery.items[column]], by, f"It goes with {chosen}"
                )
        found, share = self._words.like(product)
        self._raise_alike(found, share, _ALIKE * weight, f"It is like {chosen}")

    def answers(self, text: str, weight: float) -> None:
        """Raise what answers a search."""
        found, share = self._words.matching(text)
        self._raise_alike(found, share, _SEARCHED * weight, "It answers what you searched for.")

    def list(self, n: int, *, without: set[str]) -> SessionList:
        """Give the list anew, most probable first."""
        products = sorted(
            (product for product in self._odds if product not in without),
            key=lambda product: -self._odds[product],
        )[:n]
        chances = [1 / (1 + math.exp(-self._odds[product])) for product in products]
        return SessionList(
            products=products,
            probability=chances,
            kinds=[self._kind[product] for product in products],
            items=[self._model.index.get(product, -1) for product in products],
            bought=self._listed.bought,
            alike=self._listed.alike,
            words=self._listed.words,
            now={
                place: self._why[product][1]
                for place, product in enumerate(products)
                if product in self._why
            },
        )

    def _raise_alike(self, found: Ints, share: Floats, by: float, why: str) -> None:
        """Raise the products most like something, and of those the ones most people buy."""
        near = share >= _ALIKE_LEAST
        found, share = found[near], share[near]
        names = [self._words.products[place] for place in found.tolist()]
        items = np.array([self._model.index.get(name, -1) for name in names], dtype=np.int64)
        buyers = self._model.statistics.buyers[items] if len(items) else np.zeros(0)
        best = np.lexsort((-buyers, -share))[:_JOINING]
        for place in best.tolist():
            self.raise_one(names[place], by * float(share[place]), why)

    def _is_known(self, product: str) -> bool:
        return product in self._words.place or product in self._model.index

    def _columns(self, product: str) -> Ints:
        item = self._model.index.get(product)
        if item is None:
            return np.zeros(0, dtype=np.int64)
        column = self._model.discovery.column[[item]]
        return column[column >= 0]
