"""The search for the parameters that explain purchase histories best, shared by all models."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from customering.kernel.errors import Invalid
from customering.kernel.records import Record
from customering.relationship.arrays import Floats, dot
from customering.relationship.parameters import Buying
from customering.relationship.triples import Triples

# The parameters are sought within these; times are in units of the mean age.
_LOWEST, _HIGHEST = 1e-4, 1e5
# Above this shape, people are all alike for all that data can tell.
_HIGHEST_SHAPE = 1e3
_MANY_TRIPLES = 24_000
_ENOUGH_TRIPLES = 8_000

_ASIDE = 1e-3
_STEPS_MOST = 8
# What another step could gain, a person: of a million people, a ten thousandth in all.
_CLOSE_ENOUGH = 1e-10

_Loss = Callable[[Floats], tuple[float, Floats]]
_Limits = list[tuple[float, float]]
Score = Callable[[tuple[float, ...], Triples], tuple[float, Floats]]
"""From parameters and triples to the log-likelihood and its derivatives by the parameters."""


class BuyingFit(Record, frozen=True, kw_only=True):
    """Parameters that maximise the likelihood, and how they were found.

    Parameters
    ----------
    parameters
        The model.
    log_likelihood
        Of all people; natural logarithms.
    evaluations
        Of the likelihood with all triples; those with some of them to begin with do not count.
    converged
        Whether the search came to its end.
    """

    parameters: Buying
    log_likelihood: float
    evaluations: int
    converged: bool


class Bound(NamedTuple):
    """Where one parameter is sought: its kind says within which limits, and from where.

    Parameters
    ----------
    is_time
        Whether it is in the unit of time of the data.
    is_shape
        Whether a very large value means that people are all alike.
    """

    is_time: bool = False
    is_shape: bool = False


class Maximum(NamedTuple):
    """The best parameters and how they were found."""

    values: tuple[float, ...]
    score: float
    evaluations: int
    converged: bool


def maximise(score: Score, triples: Triples, bounds: tuple[Bound, ...]) -> Maximum:
    """Find the parameters of highest score.

    The search runs over the logarithms of the parameters (so they stay positive), within wide
    bounds: where everybody stays, or all are alike, the likelihood has no maximum but a ridge, and
    the parameters then end at a bound with predictions as good as they can be. Of very many triples
    some show the way and how the score bends, so that two or three passes over all are left.

    Raises
    ------
    Invalid
        When nobody bought twice: then nothing is known about repeat buying.
    """
    if triples.frequency[-1] == 0:
        raise Invalid(
            "nobody bought on a second day",
            hint="fit when some people have come back at least once",
        )
    shift = math.log(max(dot(triples.count, triples.age) / triples.count.sum(), _LOWEST))
    limits = [
        (
            math.log(_LOWEST) + shift * bound.is_time,
            math.log(_HIGHEST_SHAPE if bound.is_shape else _HIGHEST) + shift * bound.is_time,
        )
        for bound in bounds
    ]
    start = np.array([shift if bound.is_time else 0.0 for bound in bounds])
    loss = _loss(score, triples)
    found = None
    if triples.count.size > _MANY_TRIPLES:
        some = _loss(score, triples.every(triples.count.size // _ENOUGH_TRIPLES))
        start = _search(some, start, limits).logs
        found = _finish(loss, some, start, limits)
    found = found or _search(loss, start, limits)
    return Maximum(
        tuple(np.exp(found.logs).tolist()),
        -found.loss * float(triples.count.sum()),
        found.evaluations,
        found.converged,
    )


class _Found(NamedTuple):
    """Where a search ended: logarithms of the parameters, and the loss a person."""

    logs: Floats
    loss: float
    evaluations: int
    converged: bool


def _loss(score: Score, triples: Triples) -> _Loss:
    """Give the function to make small: a person's share of the score, of logarithms, negated."""
    people = float(triples.count.sum())

    def loss(logs: Floats) -> tuple[float, Floats]:
        values = np.exp(logs)
        value, slope = score(tuple(values.tolist()), triples)
        return -value / people, -slope * values / people

    return loss


def _finish(loss: _Loss, some: _Loss, start: Floats, limits: _Limits) -> _Found | None:
    """Take Newton's steps from near the end, with the bends of a part; None when that leads astray.

    The bends of a tenth of the people are those of all to a few percent, so that each step leaves
    a few percent of the way.
    """
    low, high = np.array(limits).T
    bends = np.empty((start.size, start.size))
    for place in range(start.size):
        aside = np.zeros(start.size)
        aside[place] = _ASIDE
        bends[place] = (some(start + aside)[1] - some(start - aside)[1]) / (2 * _ASIDE)
    bends = (bends + bends.T) / 2
    if np.linalg.eigvalsh(bends)[0] <= 0:
        return None
    logs = start
    for taken in range(1, _STEPS_MOST):
        value, slope = loss(logs)
        step = np.linalg.solve(bends, slope)
        if float(slope @ step) < _CLOSE_ENOUGH:
            return _Found(logs, value, taken, converged=True)
        logs = logs - step
        if not ((logs > low) & (logs < high)).all():
            return None
    return None


def _search(loss: _Loss, start: Floats, limits: _Limits) -> _Found:
    # Here, because fitting alone needs it and it takes longer to import than all the rest.
    from scipy.optimize import minimize

    found = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=limits,
        options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-7},
    )
    return _Found(found.x, float(found.fun), int(found.nfev), bool(found.success))
