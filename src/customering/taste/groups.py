"""People who shop alike, as a handful of groups: what a group buys lately says what its people may.

No row of a single person is kept, unlike in a search for the nearest neighbours: a group is a sum
over at least a hundred people or so, and somebody belongs to each of them by a share that their
purchases give.

References
----------
A mixture of unigrams fitted by expectation and maximisation: Nigam, McCallum, Thrun, Mitchell,
"Text Classification from Labeled and Unlabeled Documents using EM", Machine Learning 39, 2000; with
the evidence tempered, as purchases of one person are far from independent: Ueda, Nakano,
"Deterministic Annealing EM Algorithm", Neural Networks 11(2), 1998.
"""

from dataclasses import dataclass

import numpy as np
import scipy  # each of its parts is imported at its first use: they take long
from numpy.typing import NDArray

from customering.taste.history import Histories, Ints
from customering.taste.items import Floats

GROUPS_MOST = 8
PEOPLE_A_GROUP = 100
"""A group for so many people, on average, and at least two groups or none."""

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""How much of what a group says may be believed; which, is chosen by what it finds."""

_ROUNDS = 40
_EVIDENCE_SHARE = 0.25
_PRIOR_LINES = 200.0
_PRIOR_PEOPLE = 5.0
_PRIOR_BUYERS = 30.0
_HALF_LIFE_DAYS = 28.0
_SHARE_LEAST = 0.003
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Groups of people who shop alike.

    Parameters
    ----------
    weight
        Logarithm of the share of people in each group. Shape (groups,).
    lines
        Logarithm of the share of each column in what a group buys. Shape (groups, columns).
    lately
        Share of the people of a group who bought a column, older purchases counting less. Shape
        (groups, columns).
    everybody
        The same of all people. Shape (columns,).
    strength
        How much of it is believed, in [0, 1].
    """

    weight: Floats
    lines: NDArray[np.float32]
    lately: NDArray[np.float32]
    everybody: NDArray[np.float32]
    strength: float = 1.0

    def shares(self, people: int, person: Ints, column: Ints) -> Floats:
        """Give the share by which people belong to each group. Shape (people, groups).

        Parameters
        ----------
        people
            Number of people.
        person, column
            Who bought which column, each pair once.
        """
        counted = [np.bincount(person, lines[column], minlength=people) for lines in self.lines]
        return _normal(_EVIDENCE_SHARE * np.stack(counted, axis=1) + self.weight)

    def best(self, shares: Floats, most: int) -> Ints:
        """Give the columns that people like somebody buy most lately. Shape (people, most)."""
        lately = shares.astype(np.float32) @ self.lately
        most = min(most, lately.shape[1])
        found: Ints = np.argpartition(-lately, most - 1, axis=1)[:, :most]
        return found

    def lifts(self, shares: Floats, person: Ints, column: Ints) -> Floats:
        """Give, for people and columns, the log of how much oftener people like them buy it.

        Parameters
        ----------
        shares
            What `shares` gave.
        person, column
            The pairs that are asked about.
        """
        here = np.einsum("pg,pg->p", shares[person], self.lately[:, column].T)
        usual = self.everybody[column]
        found: Floats = np.log((here + _SHARE_LEAST) / (usual + _SHARE_LEAST))
        return found


def fit_groups(
    past: Histories, column_of: Ints, columns: int, today: int, *, strength: float = 1.0
) -> Groups | None:
    """Find groups of people who shop alike; None when there are too few people.

    Parameters
    ----------
    past
        Histories of everybody.
    column_of
        Column of each item, or -1.
    columns
        Number of columns.
    today
        Day number from which purchases are counted back.
    strength
        How much of it is to be believed.
    """
    column = column_of[past.pair_item]
    kept = column >= 0
    person, column = past.pair_person[kept], column[kept]
    known = np.unique(person)
    groups = min(GROUPS_MOST, len(known) // PEOPLE_A_GROUP)
    if groups < 2:
        return None
    number = np.searchsorted(known, person)
    last = past.pair_day[past.pair_start[1:] - 1][kept]
    shape = (len(known), columns)
    bought = scipy.sparse.csr_array((np.ones(len(number)), (number, column)), shape=shape)
    usual = (np.bincount(column, minlength=columns) + 1.0) / (len(column) + columns)
    belongs = _begin(len(known), groups)
    weight, lines = np.zeros(groups), np.zeros((groups, columns))
    for _ in range(_ROUNDS):
        counted = (bought.T @ belongs).T + _PRIOR_LINES * usual
        lines = np.log(counted / counted.sum(axis=1, keepdims=True))
        size = belongs.sum(axis=0) + _PRIOR_PEOPLE
        weight = np.log(size / size.sum())
        belongs = _normal(_EVIDENCE_SHARE * (bought @ lines.T) + weight)
    fading = np.exp2(-np.maximum(today - last, 0) / _HALF_LIFE_DAYS)
    recent = scipy.sparse.csr_array((fading, (number, column)), shape=shape)
    everybody = np.asarray(recent.sum(axis=0)).ravel() / len(known)
    counted = (recent.T @ belongs).T + _PRIOR_BUYERS * everybody
    lately = counted / (belongs.sum(axis=0)[:, np.newaxis] + _PRIOR_BUYERS)
    return Groups(
        weight,
        lines.astype(np.float32),
        lately.astype(np.float32),
        everybody.astype(np.float32),
        strength,
    )


def _begin(people: int, groups: int) -> Floats:
    """Deal people to groups unevenly, the same at every fit: a low-discrepancy sequence."""
    place = np.arange(people * groups, dtype=np.float64).reshape(people, groups) + 1.0
    uneven = -np.log(np.modf(place * _GOLDEN)[0] + 1e-9)
    dealt: Floats = uneven**3 / (uneven**3).sum(axis=1, keepdims=True)
    return dealt


def _normal(logs: Floats) -> Floats:
    """Give shares that sum to 1 from their logarithms up to a constant."""
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares
