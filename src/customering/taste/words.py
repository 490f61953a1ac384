"""What products are called: from words to products, and how alike two products are by their words.

Words tell something of products that nobody has bought yet, where purchases tell nothing.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Protocol

import numpy as np

from customering.taste.history import Ints
from customering.taste.items import Floats

_WORD = re.compile(r"[^\W_]+")
_WORD_LENGTH_MIN = 2
_POSTINGS_MOST = 5_000
"""A word that more products have tells nothing."""


class Described(Protocol):
    """A product with what it is called; empty where unknown."""

    @property
    def title(self) -> str:
        """Its name."""

    @property
    def category(self) -> str:
        """Its category."""

    @property
    def department(self) -> str:
        """Its department."""

    @property
    def brand(self) -> str:
        """Its brand."""


def words_in(text: str) -> tuple[str, ...]:
    """Give the words of a text, folded to lower case and without an English plural.

    Examples
    --------
    >>> words_in("Oat MILK, 2 litres")
    ('oat', 'milk', 'litre')
    """
    found = (word.casefold() for word in _WORD.findall(text))
    return tuple(
        word.removesuffix("s") if len(word) > 3 and not word.endswith("ss") else word
        for word in found
        if len(word) >= _WORD_LENGTH_MIN
    )


class Words:
    """The words of all products, each weighed by how few products share it.

    Parameters
    ----------
    products
        By product id.

    Attributes
    ----------
    products
        Product ids; their places here are the numbers below.
    """

    def __init__(self, products: Mapping[str, Described]) -> None:
        self.products = tuple(products)
        self._described = products

    @cached_property
    def place(self) -> dict[str, int]:
        """The number of each product."""
        return {product: at for at, product in enumerate(self.products)}

    @cached_property
    def _having(self) -> dict[str, Ints]:
        """The numbers of the products that have each word, rising."""
        listed: dict[str, list[int]] = {}
        found: dict[tuple[str, ...], set[str]] = {}  # in a shop many are described alike
        for at, product in enumerate(self._described.values()):
            told = product.title, product.category, product.department, product.brand
            if told not in found:
                found[told] = _words_of(product)
            for word in found[told]:
                listed.setdefault(word, []).append(at)
        return {word: np.array(places, dtype=np.int64) for word, places in listed.items()}

    def prepare(self) -> None:
        """Work out what the first question would: some microseconds a product."""
        _ = self.place, self._having

    def title(self, product: str) -> str:
        """Give what a product is called; its category where it has no title, empty without both."""
        described = self._described.get(product)
        return "" if described is None else described.title or described.category

    def weight(self, word: str) -> float:
        """Give how much a word tells: the logarithm of products over those that have it."""
        having = self._having.get(word)
        return 0.0 if having is None else float(np.log1p(len(self.products) / len(having)))

    def matching(self, text: str) -> tuple[Ints, Floats]:
        """Give the products that have words of a text, and the share of its weight they have.

        Returns
        -------
        tuple of ndarray
            Numbers of products, rising, and for each a share in (0, 1]; 1 has every known word.
        """
        return self._alike({word: self.weight(word) for word in words_in(text)})

    def like(self, product: str) -> tuple[Ints, Floats]:
        """Give the products that share words with one, itself not among them, and how much."""
        described = self._described.get(product)
        if described is None:
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        found, share = self._alike({word: self.weight(word) for word in _words_of(described)})
        others = found != self.place[product]
        return found[others], share[others]

    def _alike(self, weights: dict[str, float]) -> tuple[Ints, Floats]:
        total = sum(weights.values())
        if not total:
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        telling = {
            word: weight
            for word, weight in weights.items()
            if word in self._having and len(self._having[word]) <= _POSTINGS_MOST
        }
        if not telling:
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        places = np.concatenate([self._having[word] for word in telling])
        each = np.repeat(list(telling.values()), [len(self._having[word]) for word in telling])
        found, index = np.unique(places, return_inverse=True)
        return found, np.bincount(index, each) / total


def _words_of(product: Described) -> set[str]:
    """Give the words of a product; brand and category are words of their own as wholes, too."""
    found = {*words_in(product.title), *words_in(product.category)}
    if product.brand:
        found.add(f"brand:{product.brand.casefold()}")
        found.update(words_in(product.brand))
    if product.category:
        found.add(f"category:{product.category.casefold()}")
    if product.department:
        found.add(f"department:{product.department.casefold()}")
    return found
