"""What outcomes say of weights, as sums that add, and the most likely weights by these sums.

There are three kinds of weights: *common* ones, one a column; those of each *group*, which say how
far it departs from what is common; and one number for each *arm*, an action of a group. Of every
outcome ``c z z'`` and ``v z`` are added up by group, and ``c z``, ``c`` and ``v`` by arm, where z
are the values of the columns, c is how much the outcome tells (the curvature of its likelihood) and
v is c times the expected logit plus what was not expected. Together with the prior this is the
Gaussian of *all* weights with all that they have to do with each other; workers add these sums.

It is never written out: arms have to do with each other only through their group, and groups only
through what is common. So arms are eliminated first, then groups, and what is left is solved.

References
----------
Schur complements of a precision matrix of this form ("arrow"): Golub & Van Loan, "Matrix
Computations", 4th ed., 3.2.6. Natural parameters of Gaussian posteriors add: Broderick, Boyd,
Wibisono, Wilson & Jordan, "Streaming Variational Bayes" (2013).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from customering.decision.table import Floats

Places = NDArray[np.intp]
NO_GROUP = 0
"""The group of what has none: it has no weights of its own. What leaves is added to it."""


class Prior(NamedTuple):
    """What is expected of weights before anything was learned: a mean of 0, and these precisions.

    Parameters
    ----------
    common
        One a column.
    own
        The columns that groups have weights for.
    group
        One for each of these.
    arm
        That of every arm.
    """

    common: Floats
    own: Places
    group: Floats
    arm: float


class Posterior(NamedTuple):
    """The most likely weights; nothing is ever written into it.

    Parameters
    ----------
    common
        One a column.
    groups
        By group and column, beyond what is common.
    arms
        One an arm.
    arm_variances
        The variance of each arm given the weights of its group.
    inner
        By group the precision matrix of its weights given what is common.
    """

    common: Floats
    groups: Floats
    arms: Floats
    arm_variances: Floats
    inner: Floats


class Batch(NamedTuple):
    """Some outcomes, one entry each.

    Parameters
    ----------
    values
        The values of all columns.
    groups, arms
        Where they belong.
    offsets
        The logit of what was expected without learning.
    successes
        1.0 for a success, 0.0 for a failure.
    is_turned
        Whether it is a failure that became a success: of that only the surprise is new.
    """

    values: Floats
    groups: Places
    arms: Places
    offsets: Floats
    successes: Floats
    is_turned: NDArray[np.bool_]


class Moments:
    """The sums.

    Parameters
    ----------
    groups, columns, arms
        How many there is room for.

    Attributes
    ----------
    gram, pull
        By group the sums of ``c z z'`` and of ``v z``.
    rows, mass, arm_pull
        By arm the sums of ``c z``, of ``c`` and of ``v``.
    group_of
        The group of each arm.
    """

    __slots__ = ("arm_pull", "gram", "group_of", "mass", "pull", "rows")

    def __init__(self, groups: int, columns: int, arms: int) -> None:
        self.gram: Floats = np.zeros((groups, columns, columns))
        self.pull: Floats = np.zeros((groups, columns))
        self.rows: Floats = np.zeros((arms, columns))
        self.mass: Floats = np.zeros(arms)
        self.arm_pull: Floats = np.zeros(arms)
        self.group_of: Places = np.zeros(arms, dtype=np.intp)

    @property
    def sums(self) -> tuple[Floats, ...]:
        """Everything that adds."""
        return self.gram, self.pull, self.rows, self.mass, self.arm_pull

    @property
    def room(self) -> tuple[int, int, int]:
        """How many groups, columns and arms there is room for."""
        return len(self.gram), self.pull.shape[1], len(self.mass)

    def grown(self, groups: int, columns: int, arms: int) -> "Moments":
        """Give the same with at least as much room."""
        made = Moments(groups, columns, arms)
        for mine, its in zip(self.sums, made.sums, strict=True):
            its[tuple(slice(0, length) for length in mine.shape)] = mine
        made.group_of[: len(self.group_of)] = self.group_of
        return made

    def fade(self, share: float) -> None:
        """Leave a share of everything."""
        for sums in self.sums:
            np.multiply(sums, share, out=sums)

    def with_batch(self, batch: Batch, seen: Posterior) -> "Moments":
        """Give the sums with some outcomes in them, as seen from the weights so far."""
        values, groups, arms = batch.values, batch.groups, batch.arms
        weights = seen.common + seen.groups[groups]
        shifts = np.einsum("ij,ij->i", values, weights) + seen.arms[arms]
        expected = 1.0 / (1.0 + np.exp(-(batch.offsets + shifts)))
        tells = np.maximum(expected * (1.0 - expected), 1e-6)
        tells[batch.is_turned] = 0.0
        surprise = np.where(batch.is_turned, 1.0, batch.successes - expected)
        pulls = tells * shifts + surprise
        scaled = values * tells[:, None]
        made = self.grown(*self.room)
        for group, some in _by_group(groups):
            made.gram[group] += values[some].T @ scaled[some]
            made.pull[group] += pulls[some] @ values[some]
        order = np.argsort(arms, kind="stable")
        its, begins = np.unique(arms[order], return_index=True)
        made.rows[its] += np.add.reduceat(scaled[order], begins)
        made.mass += np.bincount(arms, tells, len(made.mass))
        made.arm_pull += np.bincount(arms, pulls, len(made.mass))
        return made

    def solve(self, prior: Prior) -> Posterior:
        """Give the most likely weights."""
        arm_variances = 1.0 / (self.mass + prior.arm)
        gram, pull = self._without_arms(arm_variances)
        own, columns = prior.own, self.pull.shape[1]
        outer = gram[1:, own]
        inner = outer[:, :, own]
        inner[:, range(len(own)), range(len(own))] += prior.group
        solved = np.linalg.solve(inner, np.concatenate([outer, pull[1:, own, None]], axis=2))
        flat = solved.reshape(-1, columns + 1)
        taken = outer.reshape(-1, columns).T @ flat
        top = gram.sum(axis=0) - taken[:, :columns]
        top[range(columns), range(columns)] += prior.common
        common = np.linalg.solve(top, pull.sum(axis=0) - taken[:, columns])
        groups = np.zeros_like(self.pull)
        groups[1:, own] = solved[:, :, columns] - solved[:, :, :columns] @ common
        shifts = np.einsum("ij,ij->i", self.rows, common + groups[self.group_of])
        arms = arm_variances * (self.arm_pull - shifts)
        return Posterior(common, groups, arms, arm_variances, inner)

    def _without_arms(self, arm_variances: Floats) -> tuple[Floats, Floats]:
        """Give the sums by group when its arms may be anything that the prior lets them be."""
        gram, pull = self.gram.copy(), self.pull.copy()
        used = np.flatnonzero(self.mass)
        for group, places in _by_group(self.group_of[used]):
            some = used[places]
            rows = self.rows[some]
            scaled = rows * arm_variances[some, None]
            gram[group] -= rows.T @ scaled
            pull[group] -= self.arm_pull[some] @ scaled
        return gram, pull

    # What leaves

    def drop_arm(self, arm: int, prior: Prior) -> None:
        """Let an arm go: what it says of its group stays, as it does when it is eliminated."""
        row, group = self.rows[arm], self.group_of[arm]
        variance = 1.0 / (self.mass[arm] + prior.arm)
        self.gram[group] -= np.outer(row, row) * variance
        self.pull[group] -= row * (self.arm_pull[arm] * variance)
        row[:] = 0.0
        self.mass[arm] = self.arm_pull[arm] = 0.0

    def drop_group(self, group: int, prior: Prior) -> None:
        """Let a group go, whose arms have gone: what it says of what is common stays."""
        gram, pull, own = self.gram[group], self.pull[group], prior.own
        inner = gram[own][:, own] + np.diag(prior.group)
        solved = np.linalg.solve(inner, np.column_stack([gram[own], pull[own]]))
        self.gram[NO_GROUP] += gram - gram[:, own] @ solved[:, :-1]
        self.pull[NO_GROUP] += pull - gram[:, own] @ solved[:, -1]
        gram[:] = 0.0
        pull[:] = 0.0

    def drop_column(self, column: int) -> None:
        """Let a column go, as if it had never been looked at."""
        self.gram[:, column] = 0.0
        self.gram[:, :, column] = 0.0
        self.pull[:, column] = 0.0
        self.rows[:, column] = 0.0


def _by_group(groups: Places) -> Iterator[tuple[int, Places]]:
    """Give each group with the places of its entries, in their order."""
    order = np.argsort(groups, kind="stable")
    there, begins = np.unique(groups[order], return_index=True)
    yield from zip(there.tolist(), np.split(order, begins[1:]), strict=False)
