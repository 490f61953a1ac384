"""Candidates a person has never bought: what their purchases speak for, and what many buy now."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy  # each of its parts is imported at its first use: they take long
from numpy.typing import NDArray

from customering.taste.ease import ease_weights, strongest
from customering.taste.groups import Groups
from customering.taste.history import Histories, Ints
from customering.taste.items import ItemStatistics

ALIKE_CANDIDATES = 20
"""Items to consider for what people who shop alike buy most lately."""

_PEOPLE_AT_ONCE = 512


@dataclass(frozen=True, eq=False)
class Discovery:
    """What can be discovered: the most bought items and how they speak for each other.

    Parameters
    ----------
    items
        Item numbers that may be suggested, rising; entry k is "column k" below. Shape (columns,).
    column
        For each item number, its column or -1; the last entry, for unknown items, is -1.
    neighbours
        EASE weights, truncated; rows are columns bought, columns are columns spoken for.
    popular
        Columns from the most to the least recent buyers.
    """

    items: Ints
    column: Ints
    neighbours: "scipy.sparse.csr_array"
    popular: Ints

    @property
    def columns(self) -> int:
        """Number of items that may be suggested."""
        return len(self.items)

    @cached_property
    def speakers(self) -> "scipy.sparse.csr_array":
        """The neighbours turned round: rows are columns spoken for, columns are columns bought."""
        return self.neighbours.T.tocsr()

    @cached_property
    def spoken_for(self) -> tuple[Ints, NDArray[np.float32]]:
        """The neighbours as two tables, a row for each column bought: spoken for, and how much.

        Shorter rows are filled up with a weight of 0.
        """
        begins, ends = self.neighbours.indptr[:-1], self.neighbours.indptr[1:]
        counts = ends - begins
        filled = np.arange(counts.max(initial=0)) < counts[:, np.newaxis]
        target = np.zeros(filled.shape, dtype=np.int64)
        weight = np.zeros(filled.shape, dtype=np.float32)
        target[filled], weight[filled] = self.neighbours.indices, self.neighbours.data
        return target, weight

    def scores(self, columns: Ints) -> NDArray[np.float32]:
        """Give the EASE score of every column from rising columns bought by one person.

        It adds up what a sparse product adds up, in the same order, without its objects.
        """
        target, weight = self.spoken_for
        score = np.zeros(self.columns, dtype=np.float32)
        np.add.at(score, target[columns].ravel(), weight[columns].ravel())
        return score


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Items to consider for people: one entry each, sorted by person and item."""

    person: Ints
    item: Ints
    support: NDArray[np.float32]


def fit_discovery(
    past: Histories,
    statistics: ItemStatistics,
    *,
    items_max: int,
    ridge: float,
    neighbours_kept: int,
) -> Discovery:
    """Fit EASE on the items with most buyers.

    Parameters
    ----------
    past
        Histories of everybody.
    statistics
        What is known of the items.
    items_max
        Items at most; time grows with its third power.
    ridge
        Penalty of EASE, > 0.
    neighbours_kept
        Weights kept for each item.
    """
    buyers = statistics.buyers[:-1]
    order = np.argsort(-buyers, kind="stable")[:items_max]
    chosen = np.sort(order[buyers[order] > 0])
    recent = np.lexsort((-buyers[chosen], -statistics.recent_buyers[chosen]))
    column = np.full(statistics.items + 1, -1)
    column[chosen] = np.arange(len(chosen))
    weights = ease_weights(_bought(past, column, len(chosen)), ridge=ridge)
    return Discovery(chosen, column, strongest(weights, keep=neighbours_kept), recent)


def candidates(
    past: Histories,
    discovery: Discovery,
    *,
    supported: int,
    popular: int,
    groups: Groups | None = None,
) -> Candidates:
    """Gather, for everybody, items not bought yet: best supported, and recently popular.

    Parameters
    ----------
    past
        Histories of the people.
    supported
        How many of the items with the largest positive EASE score to take for a person.
    popular
        How many of the most popular items to take, those already bought left out.
    groups
        People who shop alike: what they buy most lately is taken too; None for nothing.
    """
    parts = list(_by_blocks(past, discovery, supported, discovery.popular[:popular], groups))
    if not parts:
        nobody = np.zeros(0, dtype=np.int64)
        return Candidates(nobody, nobody, np.zeros(0, dtype=np.float32))
    person, column, support = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Candidates(person, discovery.items[column], support)


def _by_blocks(
    past: Histories, discovery: Discovery, supported: int, popular: Ints, groups: Groups | None
) -> Iterator[tuple[Ints, Ints, NDArray[np.float32]]]:
    """Work through the people in blocks, whose scores of all items fit in memory."""
    bought = _bought(past, discovery.column, discovery.columns)
    for begin in range(0, past.people, _PEOPLE_AT_ONCE):
        mine = bought[begin : begin + _PEOPLE_AT_ONCE]
        score = (mine @ discovery.neighbours).toarray()
        owned = mine.toarray() > 0
        support = np.where(owned, np.float32(0.0), score)
        taken = support > 0
        if 0 < supported < discovery.columns:
            threshold = -np.partition(-support, supported - 1, axis=1)[:, supported - 1]
            taken &= support >= threshold[:, np.newaxis]
        taken[:, popular] = True
        if groups is not None:
            person, column = np.nonzero(owned)
            shares = groups.shares(len(owned), person, column)
            wanted = np.zeros_like(taken)
            np.put_along_axis(wanted, groups.best(shares, ALIKE_CANDIDATES), True, axis=1)
            taken |= wanted & owned.any(axis=1, keepdims=True)
        taken &= ~owned
        person, column = np.nonzero(taken)
        yield person + begin, column, score[person, column]


def because_of(bought: Ints, wanted: Ints, discovery: Discovery, *, keep: int) -> list[list[int]]:
    """Name the bought items that speak most for each wanted one.

    Parameters
    ----------
    bought, wanted
        Item numbers; each wanted one must be among ``discovery.items``.
    keep
        How many to name at most.

    Returns
    -------
    list
        For each wanted item, bought item numbers with a positive weight for it, strongest first.
    """
    speakers = discovery.speakers
    owned = np.zeros(discovery.columns, dtype=np.bool_)
    columns = discovery.column[bought]
    owned[columns[columns >= 0]] = True
    reasons = []
    for target in discovery.column[wanted]:
        row = slice(speakers.indptr[target], speakers.indptr[target + 1])
        source, weight = speakers.indices[row], speakers.data[row]
        speaks = owned[source] & (weight > 0)
        source, weight = source[speaks], weight[speaks]
        best = source[np.argsort(-weight, kind="stable")[:keep]]
        reasons.append(discovery.items[best].tolist())
    return reasons


def _bought(past: Histories, column: Ints, columns: int) -> "scipy.sparse.csr_array":
    """Give the person-by-column matrix of zeros and ones.

    Its indices are 32 bit as those of the neighbours are: a product of mixed widths would widen
    all neighbours at every call.
    """
    place = column[past.pair_item]
    kept = place >= 0
    rows, cells = past.pair_person[kept].astype(np.int32), place[kept].astype(np.int32)
    ones = np.ones(len(rows), dtype=np.float32)
    return scipy.sparse.csr_array((ones, (rows, cells)), shape=(past.people, columns))
