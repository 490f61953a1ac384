"""Purchase histories grouped by all that a likelihood depends on: frequency, recency and age.

A million people at day resolution are some hundred thousand different triples, and the likelihood
of equal triples is equal.
"""

import numpy as np
from numpy.typing import ArrayLike

from customering.kernel.errors import Invalid
from customering.kernel.records import Record
from customering.relationship.arrays import Floats, Integers

_LARGEST_KEY = 2**62


class Triples(Record, frozen=True, kw_only=True):
    """Distinct (frequency, recency, age), sorted, with the number of people that share each."""

    frequency: Floats
    recency: Floats
    age: Floats
    count: Floats

    @property
    def people(self) -> int:
        """The number of people behind the triples."""
        return int(self.count.sum())

    def every(self, step: int) -> "Triples":
        """Give every `step`-th triple, which stand for all: they are sorted."""
        part = slice(step // 2, None, step)
        return Triples(
            frequency=self.frequency[part],
            recency=self.recency[part],
            age=self.age[part],
            count=self.count[part],
        )


def group(frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> Triples:
    """Group people by what the likelihood depends on.

    Parameters
    ----------
    frequency
        Repeat purchases of each person, whole numbers >= 0.
    recency
        Time from the first to the last purchase, 0 where frequency is 0.
    age
        Time from the first purchase to the end of observation, >= recency.

    Raises
    ------
    Invalid
        When lengths differ or a value is out of range.
    """
    x = np.asarray(frequency, dtype=np.float64)
    t_x = np.asarray(recency, dtype=np.float64)
    end = np.asarray(age, dtype=np.float64)
    _check(x, t_x, end)
    t_x = np.where(x > 0, t_x, 0.0)
    rows, count = _distinct(x, t_x, end)
    return Triples(frequency=x[rows], recency=t_x[rows], age=end[rows], count=count)


def _check(x: Floats, t_x: Floats, end: Floats) -> None:
    hint = "give whole frequencies >= 0 and 0 <= recency <= age, one of each a person"
    if not x.shape == t_x.shape == end.shape or x.ndim != 1:
        raise Invalid("purchase histories are not arrays of one length", hint=hint)
    if x.size == 0:
        raise Invalid("there are no purchase histories", hint="hand in at least one person")
    fine = (x >= 0) & (x == np.floor(x)) & (t_x >= 0) & (t_x <= end) & np.isfinite(x + end)
    if not fine.all():
        first = int(np.argmin(fine))
        raise Invalid("a purchase history is out of range", hint=hint, position=first)


def _distinct(x: Floats, t_x: Floats, end: Floats) -> tuple[Integers, Floats]:
    """Give the first row of each distinct triple, sorted by frequency, and how often it occurs."""
    order, starts = _runs(x, t_x, end)
    return order[starts], np.diff(np.append(starts, x.size)).astype(np.float64)


def distinct_rows(*columns: Floats) -> tuple[Integers, Integers]:
    """Give a row for each distinct combination of numbers >= 0, and for each row its combination.

    Returns
    -------
    tuple of numpy.ndarray
        Rows that differ from each other; and for each row of the columns the place of its like.
    """
    if not columns[0].size:
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing
    order, starts = _runs(*columns)
    place = np.empty(order.size, dtype=np.int64)
    place[order] = np.repeat(np.arange(starts.size), np.diff(np.append(starts, order.size)))
    return order[starts], place


def _runs(*columns: Floats) -> tuple[Integers, Integers]:
    """Sort rows by their columns, the first above all; give the order and where runs begin."""
    reach = int(max(column.max() for column in columns)) + 1
    whole = all(bool((column == np.floor(column)).all()) for column in columns)
    if whole and reach ** len(columns) < _LARGEST_KEY:
        key = np.zeros(columns[0].size, dtype=np.int64)
        for column in columns:
            key = key * reach + column.astype(np.int64)
        order = np.argsort(key, kind="stable")
        changes = np.diff(key[order]) != 0
    else:
        order = np.lexsort(columns[::-1])
        changes = np.zeros(columns[0].size - 1, dtype=np.bool_)
        for column in columns:
            changes |= np.diff(column[order]) != 0
    return order, np.concatenate(([0], np.flatnonzero(changes) + 1))
