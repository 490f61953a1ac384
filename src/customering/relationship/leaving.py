"""The integral of Pareto/NBD over the time at which somebody may have left, for many people.

It is that of ``s (alpha+t)^-(r+x) (beta+t)^-(s+1)`` over t from the last purchase to the end of
observation. Where times are whole days, everybody of one frequency x shares one integrand, and the
integral is the difference of two entries in a table of sums over days: a small part of the work.
Elsewhere each is added up at points of its own.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.polynomial.legendre import leggauss

from customering.relationship.arrays import Floats, Integers
from customering.relationship.parameters import ParetoNbd
from customering.relationship.triples import Triples

_POINTS, _SHARES = ((part + shift) / 2 for part, shift in zip(leggauss(14), (1, 0), strict=True))
# Beyond this power the integrand is told apart from 0 near one end only: points are put there.
_SHARPEST = 6.0

_DAY_POINTS, _DAY_SHARES = (
    (part + shift) / 2 for part, shift in zip(leggauss(6), (1, 0), strict=True)
)
# Six points add up exp(-c t) over a day to 1e-11 of it while c is at most this.
_STEEPEST = 2.0
# So many logarithms of base e a number of 64 bits spans, with room to spare.
_DEEPEST = 600.0


class Leaving(NamedTuple):
    """The logarithm of the integral of each person, and its derivatives by r, alpha, s and beta."""

    logarithm: Floats
    slopes: tuple[Floats, Floats, Floats, Floats]


class Grid(NamedTuple):
    """Where the entries of each person lie in tables of whole days.

    Parameters
    ----------
    frequencies
        The different frequencies, rising.
    days
        Days from the first purchase to the longest age.
    row, begin, end
        Of each person the row of their frequency, and the days of the last purchase and of their
        age.
    """

    frequencies: Floats
    days: int
    row: Integers
    begin: Integers
    end: Integers


def grid_of(triples: Triples) -> Grid | None:
    """Give the grid of some people; None where it would not be less work."""
    days = int(triples.age.max(initial=0.0))
    frequencies, row = np.unique(triples.frequency, return_inverse=True)
    work = frequencies.size * days * _DAY_POINTS.size
    if work > triples.count.size * _POINTS.size:
        return None
    begin, end = triples.recency.astype(np.int64), triples.age.astype(np.int64)
    if (begin != triples.recency).any() or (end != triples.age).any():
        return None
    return Grid(frequencies, days, row.astype(np.int64), begin, end)


def leaving(parameters: ParetoNbd, triples: Triples, grid: Grid | None = None) -> Leaving:
    """Give the integral over having left of each person.

    Parameters
    ----------
    grid
        What `grid_of` gives of the same people; None to add up each by itself.
    """
    if grid is None:
        return _each(parameters, triples.frequency, triples.recency, triples.age)
    most = _most_frequent(parameters, grid)
    inside = int(np.searchsorted(grid.frequencies, most, side="right"))
    if not inside:
        return _each(parameters, triples.frequency, triples.recency, triples.age)
    by_days = grid.row < inside
    if by_days.all():
        return _by_days(parameters, grid, by_days, inside)
    result = [np.empty(triples.count.size) for _ in range(5)]
    others = ~by_days
    found = _by_days(parameters, grid, by_days, inside)
    rest = _each(
        parameters, triples.frequency[others], triples.recency[others], triples.age[others]
    )
    for place, mine, theirs in zip(
        result, (found.logarithm, *found.slopes), (rest.logarithm, *rest.slopes), strict=True
    ):
        place[by_days], place[others] = mine, theirs
    return Leaving(result[0], (result[1], result[2], result[3], result[4]))


def _most_frequent(parameters: ParetoNbd, grid: Grid) -> float:
    """Give the frequency up to which a day is short, and all days together are not too deep."""
    r, alpha, s, beta = parameters.r, parameters.alpha, parameters.s, parameters.beta
    if (s + 1) / beta > _STEEPEST:
        return -1.0
    deep = _DEEPEST - (s + 1) * math.log1p(grid.days / beta)
    return min(
        alpha * (_STEEPEST - (s + 1) / beta) - r,
        deep / math.log1p(grid.days / alpha) - r,
    )


def _by_days(parameters: ParetoNbd, grid: Grid, which: "np.ndarray[tuple[int], np.dtype[np.bool_]]",
             inside: int) -> Leaving:  # fmt: skip
    """Take the integrals from tables of sums over days, of the first so many frequencies."""
    r, alpha, s, beta = parameters.r, parameters.alpha, parameters.s, parameters.beta
    x = grid.frequencies[:inside, np.newaxis]
    at = (np.arange(grid.days)[:, np.newaxis] + _DAY_POINTS).ravel()
    log_left, log_left_beta = np.log(alpha + at), np.log(beta + at)
    # Told from the first day, so that nothing is out of the range of numbers.
    anchor = -(r + x) * math.log(alpha) - (s + 1) * math.log(beta)
    integrand = np.exp(-(r + x) * log_left - (s + 1) * log_left_beta - anchor)
    shares = np.tile(_DAY_SHARES, grid.days)

    def between(weight: Floats) -> Floats:
        """Add up the days from the last purchase to the end, of each person."""
        daily = np.add.reduceat(integrand * weight, np.arange(0, at.size, _DAY_SHARES.size), axis=1)
        # From the end, for what is late is small.
        sums = np.zeros((inside, grid.days + 1))
        sums[:, :-1] = np.cumsum(daily[:, ::-1], axis=1)[:, ::-1]
        return sums[row, begin] - sums[row, end]

    row, begin, end = grid.row[which], grid.begin[which], grid.end[which]
    total = between(shares)
    # Who bought today has had no time to leave: the logarithm is that of 0.
    with np.errstate(divide="ignore"):
        logarithm = math.log(s) + anchor[row, 0] + np.log(total)
        share = np.where(total > 0.0, 1.0 / total, 0.0)
    frequency = grid.frequencies[row]
    slopes = (
        -between(shares * log_left) * share,
        -(r + frequency) * between(shares / (alpha + at)) * share,
        1 / s - between(shares * log_left_beta) * share,
        -(s + 1) * between(shares / (beta + at)) * share,
    )
    return Leaving(logarithm, slopes)


def _each(parameters: ParetoNbd, x: Floats, recency: Floats, age: Floats) -> Leaving:
    """Add up the integral of each person at points of their own.

    In terms of ``v = ((alpha+t_x) / (alpha+t))^(m/p)`` with ``m = r+s+x`` it is that of
    ``v^(p-1)`` and a power of ``(beta+t) / (alpha+t)``, both smooth; p is m, but not so large that
    v^p is all at one end.
    """
    r, alpha, s, beta = parameters.r, parameters.alpha, parameters.s, parameters.beta
    start = alpha + recency
    power = r + s + x
    sharp = np.clip(power, 1.0, _SHARPEST)
    silence = np.log((alpha + age) / start)
    width = -np.expm1(-power / sharp * silence)
    log_v = np.log1p(width[:, np.newaxis] * (_POINTS - 1))
    # The time of leaving itself, so that a small beta is not lost beside a large alpha.
    since = start[:, np.newaxis] * np.expm1(log_v * -(sharp / power)[:, np.newaxis])
    at = recency[:, np.newaxis] + since
    left, left_beta = alpha + at, beta + at
    log_left, log_left_beta = np.log(left), np.log(left_beta)
    part = (s + 1) * (log_left - log_left_beta) + (sharp - 1)[:, np.newaxis] * log_v
    peak = part.max(axis=1)
    part = np.exp(part - peak[:, np.newaxis]) * _SHARES
    total = part.sum(axis=1)
    share = part / total[:, np.newaxis]
    # Who bought today has had no time to leave: the logarithm is that of 0.
    with np.errstate(divide="ignore"):
        logarithm = math.log(s) + np.log(sharp / power) - power * np.log(start) + peak
        logarithm += np.log(width * total)
    slopes = (
        -np.einsum("ij,ij->i", share, log_left),
        -(r + x) * np.einsum("ij,ij->i", share, 1 / left),
        1 / s - np.einsum("ij,ij->i", share, log_left_beta),
        -(s + 1) * np.einsum("ij,ij->i", share, 1 / left_beta),
    )
    return Leaving(logarithm, slopes)
