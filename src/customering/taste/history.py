"""What people bought on which days, as flat arrays that features and models read.

Everything the package knows of a person is two things, both kept live as traits of the profile:
*habits* (for each product, the distinct days on which it was bought) and *shopping days* (the
distinct days with an order). One person at the moment of a decision and everybody at training are
the same arrays, so both go through the same code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DAYS_KEPT = 64
"""Days kept for each product of a person; the trait that feeds the live path keeps as many."""

_DAY_SPAN = 1 << 24
"""More than any day number (45,000 years), so that person and day fit one sortable integer."""


@dataclass(frozen=True, slots=True, eq=False)
class Histories:
    """Habits and shopping days of people numbered from 0, each person's in one run.

    Parameters
    ----------
    pair_person, pair_item
        One entry a (person, item) pair, sorted by person. Shape (pairs,).
    pair_start
        Where a pair's days begin in `pair_day`; one entry more than pairs.
    pair_day
        UTC day numbers, rising within a pair; at most `DAYS_KEPT` a pair.
    basket_start
        Where a person's shopping days begin in `basket_day`; one entry more than people.
    basket_day
        UTC day numbers, rising within a person.
    """

    pair_person: Ints
    pair_item: Ints
    pair_start: Ints
    pair_day: Ints
    basket_start: Ints
    basket_day: Ints

    @property
    def people(self) -> int:
        """Number of people, those without a purchase counted."""
        return len(self.basket_start) - 1

    @property
    def counts(self) -> Ints:
        """Days on which each pair was bought."""
        return self.pair_start[1:] - self.pair_start[:-1]

    @property
    def baskets(self) -> Ints:
        """Shopping days of each person."""
        return self.basket_start[1:] - self.basket_start[:-1]

    def baskets_before(self, person: Ints, day: Ints) -> Ints:
        """Count each person's shopping days before a day; the two arrays go together."""
        keys = _basket_owner(self.basket_start) * _DAY_SPAN + self.basket_day
        found = np.searchsorted(keys, person * _DAY_SPAN + day)
        return found - self.basket_start[person]

    def of_people(self, chosen: Ints) -> "Histories":
        """Give the histories of some people, numbered anew in the given (rising) order."""
        member = np.full(self.people, -1)
        member[chosen] = np.arange(len(chosen))
        kept = member[self.pair_person] >= 0
        kept_days = np.repeat(kept, self.counts)
        kept_baskets = (member >= 0)[_basket_owner(self.basket_start)]
        return Histories(
            member[self.pair_person[kept]],
            self.pair_item[kept],
            _starts(self.counts[kept]),
            self.pair_day[kept_days],
            _starts(self.baskets[chosen]),
            self.basket_day[kept_baskets],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Purchases:
    """Distinct (person, item, day) triples, sorted in this order; people and items from 0."""

    person: Ints
    item: Ints
    day: Ints
    people: int
    items: int

    def where(self, kept: Bools) -> "Purchases":
        """Give the triples of a mask; numbers of people and items stay."""
        return Purchases(
            self.person[kept], self.item[kept], self.day[kept], self.people, self.items
        )


def distinct(keys: Ints) -> Ints:
    """Give the different keys, rising.

    Sorting beats the hash table of `numpy.unique` several times over on keys that are nearly
    sorted, as all of ours are.
    """
    ordered = np.sort(keys, kind="stable")
    fresh = np.ones(len(ordered), dtype=np.bool_)
    fresh[1:] = ordered[1:] != ordered[:-1]
    return ordered[fresh]


def among(keys: Ints, known: Ints) -> Bools:
    """Tell which keys are among the known ones, which are rising."""
    if not len(known):
        return np.zeros(len(keys), dtype=np.bool_)
    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    found: Bools = known[place] == keys
    return found


def gather(
    person: Ints, item: Ints, day: Ints, *, people: int | None = None, items: int | None = None
) -> Purchases:
    """Sort purchases and drop repetitions within a day.

    Parameters
    ----------
    person, item
        Numbers from 0, shape (rows,).
    day
        UTC day numbers (days since 1970, or any count of days that is not negative).
    people, items
        How many there are; one more than the largest number seen if not given.
    """
    order = np.lexsort((day, item, person))
    person, item, day = (np.asarray(a, dtype=np.int64)[order] for a in (person, item, day))
    fresh = np.ones(len(person), dtype=np.bool_)
    fresh[1:] = (np.diff(person) != 0) | (np.diff(item) != 0) | (np.diff(day) != 0)
    return Purchases(
        person[fresh],
        item[fresh],
        day[fresh],
        _size(person) if people is None else people,
        _size(item) if items is None else items,
    )


def histories(purchases: Purchases, *, keep: int = DAYS_KEPT) -> Histories:
    """Arrange purchases as histories, the last `keep` days of each (person, item) pair."""
    person, item, day = purchases.person, purchases.item, purchases.day
    shopping = distinct(person * _DAY_SPAN + day)
    first = np.ones(len(person), dtype=np.bool_)
    first[1:] = (np.diff(person) != 0) | (np.diff(item) != 0)
    begins = np.flatnonzero(first)
    counts = np.diff(np.append(begins, len(person)))
    ends = np.repeat(begins + counts, counts)
    recent = np.arange(len(person)) >= ends - keep
    return Histories(
        person[begins],
        item[begins],
        _starts(np.minimum(counts, keep)),
        day[recent],
        _starts(np.bincount(shopping // _DAY_SPAN, minlength=purchases.people)),
        shopping % _DAY_SPAN,
    )


def history_of(
    habits: Mapping[str, Sequence[int]], shopping_days: Sequence[int], index: Mapping[str, int]
) -> Histories:
    """Arrange one person's traits as histories; a product the index lacks gets the number -1.

    Parameters
    ----------
    habits
        Product to its rising UTC day numbers; a product without days is left out.
    shopping_days
        Rising UTC day numbers of the person's orders.
    index
        Product to item number of a model.
    """
    pairs = len(habits)
    counts = np.fromiter(map(len, habits.values()), np.int64, pairs)
    if pairs and not 1 <= counts.min() <= counts.max() <= DAYS_KEPT:
        kept = {product: days[-DAYS_KEPT:] for product, days in habits.items() if days}
        return history_of(kept, shopping_days, index)
    starts = _starts(counts)
    return Histories(
        np.zeros(pairs, dtype=np.int64),
        np.fromiter(map(index.get, habits, repeat(-1)), np.int64, pairs),
        starts,
        np.fromiter(chain.from_iterable(habits.values()), np.int64, int(starts[-1])),
        np.array([0, len(shopping_days)]),
        np.array(shopping_days, dtype=np.int64),
    )


def place_in_run(values: Ints) -> Ints:
    """Give each entry its place, from 0, in its run of equal values."""
    begins = np.ones(len(values), dtype=np.bool_)
    begins[1:] = np.diff(values) != 0
    starts = np.flatnonzero(begins)
    return np.arange(len(values)) - np.repeat(starts, np.diff(np.append(starts, len(values))))


def _basket_owner(basket_start: Ints) -> Ints:
    return np.repeat(np.arange(len(basket_start) - 1), np.diff(basket_start))


def _starts(counts: Ints) -> Ints:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])


def _size(numbers: Ints) -> int:
    return int(numbers.max()) + 1 if len(numbers) else 0
