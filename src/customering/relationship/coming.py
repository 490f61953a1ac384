"""Purchases to come of people who are alive, added up one by one: exact where closed forms fail."""

import numpy as np
import scipy  # each of its parts is imported at its first use: they take long

from customering.relationship.arrays import Floats

# Purchases of which so little is left to come are not counted any more.
_NEXT_TO_NOTHING = 1e-7
_MOST_PURCHASES = 5_000


def to_come(
    *, shape: Floats, z: Floats, leaving: float, staying: Floats, k: int = 1, gone: int = 0
) -> Floats:
    """Give the expected number of purchases.

    The n-th purchase needs ``n k - gone`` steps, whose number is negative binomial, and to have
    stayed n - 1 times.

    Parameters
    ----------
    shape, z
        Of the number of steps: its mean is ``shape z / (1 - z)``.
    leaving, staying
        The chance to leave after a purchase is beta distributed with these.
    k, gone
        Steps a purchase takes, and those gone since the last one.
    """
    expected, chance_to_stay = np.zeros(shape.size), np.ones(shape.size)
    rows = np.arange(shape.size)
    for n in range(1, _MOST_PURCHASES):
        term = chance_to_stay * scipy.special.betainc(n * k - gone, shape[rows], z[rows])
        expected[rows] += term
        more = term > _NEXT_TO_NOTHING * (1 - z[rows])
        rows = rows[more]
        if not rows.size:
            break
        stays = staying[rows] + n - 1
        chance_to_stay = chance_to_stay[more] * stays / (leaving + stays)
    return expected
