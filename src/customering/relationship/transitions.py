"""How people pass from one status to another over time, and whether a status tells what follows."""

from collections.abc import Sequence
from itertools import pairwise
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from customering.kernel.errors import Invalid
from customering.kernel.records import Record
from customering.relationship.arrays import Floats
from customering.relationship.model import StatusName

STATUSES: tuple[StatusName, ...] = get_args(StatusName)
"""All statuses, in the order in which they are shown."""

UNKNOWN = -1
"""Stands for the status of somebody of whom nothing was known yet."""

Places = NDArray[np.int64]


class Passage(Record, frozen=True, kw_only=True):
    """How many people went from one status to another from one date to the next, over all dates.

    Parameters
    ----------
    before, after
        The two statuses; the same for those who stayed.
    people
        How many times this happened.
    share
        Of all who had the first status and were seen again, in [0, 1].
    """

    before: StatusName
    after: StatusName
    people: int
    share: float


class Following(Record, frozen=True, kw_only=True):
    """What people of one status did in the days after it was given, over all dates.

    Parameters
    ----------
    status
        The status.
    people
        How many times it was given with all days to follow known.
    bought_share
        Share who bought at all in those days, in [0, 1].
    purchase_days
        Mean purchase days in them.
    purchase_days_before
        Mean purchase days in as many days before the status was given.
    """

    status: StatusName
    people: int
    bought_share: float
    purchase_days: float
    purchase_days_before: float


def passages(standings: Sequence[Places]) -> tuple[Passage, ...]:
    """Count who went from which status to which.

    Parameters
    ----------
    standings
        For each date, in order, the place of each person's status in `STATUSES`; `UNKNOWN` for
        people of whom nothing was known yet.

    Raises
    ------
    Invalid
        When the dates do not speak of the same people.
    """
    if len({one.size for one in standings}) > 1:
        raise Invalid(
            "the statuses of two dates are not of the same people",
            hint="give one status a person at every date",
        )
    counts = np.zeros((len(STATUSES), len(STATUSES)), dtype=np.int64)
    for before, after in pairwise(standings):
        known = (before >= 0) & (after >= 0)
        np.add.at(counts, (before[known], after[known]), 1)
    totals = counts.sum(axis=1)
    return tuple(
        Passage(
            before=STATUSES[first],
            after=STATUSES[then],
            people=int(counts[first, then]),
            share=float(counts[first, then] / totals[first]),
        )
        for first, then in np.argwhere(counts).tolist()
    )


def followings(standing: Places, after: Floats, before: Floats) -> tuple[Following, ...]:
    """Say what people of each status did next; the status that bought most comes first.

    Parameters
    ----------
    standing
        The place of each person's status in `STATUSES`.
    after, before
        Purchase days of each person in the days after, and in those before.
    """
    made = []
    for place, name in enumerate(STATUSES):
        at = standing == place
        if at.any():
            made.append(
                Following(
                    status=name,
                    people=int(at.sum()),
                    bought_share=float((after[at] > 0).mean()),
                    purchase_days=float(after[at].mean()),
                    purchase_days_before=float(before[at].mean()),
                )
            )
    return tuple(sorted(made, key=lambda one: -one.purchase_days))


def explained_share(standing: Places, after: Floats) -> float | None:
    """Give the share of the variance of what follows that groups of people explain, in [0, 1].

    It is the correlation ratio eta squared: 1 where everybody of a group does the same, 0 where
    the group tells nothing. None where nobody or everybody did the same.
    """
    if after.size == 0 or float(np.ptp(after)) == 0:
        return None
    people = np.bincount(standing)
    means = np.bincount(standing, after) / np.maximum(people, 1)
    left = float(((after - means[standing]) ** 2).sum())
    return 1 - left / float(((after - after.mean()) ** 2).sum())
