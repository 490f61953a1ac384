"""Products that nobody, or hardly anybody, has bought yet: judged by the products they are like.

A product takes the support and the buyers of the known products it shares words with, brand,
category and department counted as words. What it then has is scored as every other discovery is.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy  # each of its parts is imported at its first use: they take long

from customering.taste.features import discover_features
from customering.taste.history import Histories
from customering.taste.items import Floats, ItemStatistics
from customering.taste.model import TasteModel
from customering.taste.words import Words

LIKE_MOST = 20
"""Products a new one is compared with."""

_LIKE_LEAST = 0.2
_SHARE_OF_BUYERS = 0.2
"""A new product finds so large a share of the buyers of those it is like, to begin with."""


class Arrival(NamedTuple):
    """A new product a person may like.

    Parameters
    ----------
    product_id
        The product.
    probability
        Chance that it is in the next basket, comparable with that of a `Suggestion`.
    like
        The known product that speaks most for it.
    """

    product_id: str
    probability: float
    like: str


class Arrivals:
    """New products and the known ones they are like, worked out once for everybody.

    Parameters
    ----------
    model
        The model, which knows next to nothing of the new products.
    words
        What all products are called.
    new
        The new products; those without words in common with a known one are left out.
    """

    def __init__(self, model: TasteModel, words: Words, new: Sequence[str]) -> None:
        self._model = model
        rows: list[int] = []
        columns: list[int] = []
        weights: list[float] = []
        kept: list[str] = []
        column_of = _columns(model, words)
        for product in new:
            found, share = words.like(product)
            places = column_of[found]
            near = (places >= 0) & (share >= _LIKE_LEAST)
            places, share = places[near], share[near]
            best = np.argsort(-share, kind="stable")[:LIKE_MOST]
            if len(best):
                rows += [len(kept)] * len(best)
                columns += places[best].tolist()
                weights += (share[best] / share[best].sum()).tolist()
                kept.append(product)
        self.products = tuple(kept)
        self._like = scipy.sparse.csr_array(
            (weights, (rows, columns)), shape=(len(kept), model.discovery.columns)
        )
        self._statistics = self._expected()

    def _expected(self) -> ItemStatistics:
        """Give the new products what those have on average that they are like."""
        stats, items = self._model.statistics, self._model.discovery.items

        def mean(known: Floats) -> Floats:
            found: Floats = self._like @ known[items]
            return found

        return ItemStatistics(
            _SHARE_OF_BUYERS * mean(stats.buyers),
            _SHARE_OF_BUYERS * mean(stats.recent_buyers),
            mean(stats.again_share),
            mean(stats.again_rate),
            stats.people,
        )

    def of(self, past: Histories, n: int) -> list[Arrival]:
        """Give the new products that fit one person best.

        Parameters
        ----------
        past
            The history of one person in the item numbers of the model.
        n
            Products at most.
        """
        if not self.products:
            return []
        model, discovery = self._model, self._model.discovery
        columns = discovery.column[past.pair_item]
        columns = np.sort(columns[columns >= 0])
        score = np.maximum(discovery.scores(columns), 0.0)
        score[columns] = 1.0  # what they buy themselves speaks for its like
        rows = discover_features(
            past,
            np.zeros(len(self.products), dtype=np.int64),
            np.arange(len(self.products)),
            (self._like @ score).astype(np.float32),
            self._statistics,
        )
        chances = model.discover.probability(rows)
        made = []
        for place in np.argsort(-chances, kind="stable")[:n].tolist():
            part = slice(self._like.indptr[place], self._like.indptr[place + 1])
            near, weight = self._like.indices[part], self._like.data[part]
            most = int(near[int(np.argmax(weight * score[near]))])
            like = model.products[int(discovery.items[most])]
            made.append(Arrival(self.products[place], float(chances[place]), like))
        return made


def _columns(model: TasteModel, words: Words) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Give the column of discovery of each product that has words, or -1."""
    items = [model.index.get(product, -1) for product in words.products]
    places = np.array(items, dtype=np.int64)
    columns = model.discovery.column[places]
    columns[places < 0] = -1
    return columns
