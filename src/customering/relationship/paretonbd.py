"""Pareto/NBD: as BG/NBD, but people may leave at any time, not only after a purchase.

The printed likelihood holds two hypergeometric functions whose derivatives by two of the parameters
have no closed form. Both stand for one smooth integral over the time at which somebody may have
left; it is added up at fixed points, which gives value and derivatives alike.

Time may be in any unit as long as it is the same everywhere; `alpha`, `beta` and rates follow it.

References
----------
Schmittlein, Morrison & Colombo (1987). "Counting Your Customers: Who Are They and What Will They Do
Next?" Management Science 33(1), 1-24.

Fader & Hardie (2005). "A Note on Deriving the Pareto/NBD Model and Related Expressions".
brucehardie.com/notes/009. Equations (15), (26) and (41).
"""

import math

import numpy as np
import scipy  # each of its parts is imported at its first use: they take long

from customering.relationship.arrays import Floats, dot
from customering.relationship.fitting import Bound, BuyingFit, maximise
from customering.relationship.leaving import Grid, grid_of, leaving
from customering.relationship.parameters import ParetoNbd
from customering.relationship.triples import Triples

_BOUNDS = (
    Bound(is_shape=True),
    Bound(is_time=True),
    Bound(is_shape=True),
    Bound(is_time=True),
)
_SAME = 1e-9


def log_likelihood(parameters: ParetoNbd, triples: Triples) -> float:
    """Give the log-likelihood of all people: equation (15), summed."""
    return _value_and_gradient(parameters, triples)[0]


def gradient(parameters: ParetoNbd, triples: Triples) -> Floats:
    """Give the derivatives of the log-likelihood by r, alpha, s and beta, in this order."""
    return _value_and_gradient(parameters, triples)[1]


def _value_and_gradient(
    parameters: ParetoNbd, triples: Triples, grid: Grid | None = None
) -> tuple[float, Floats]:
    """Give equation (15) and its derivatives.

    The likelihood is ``alive + gone``, which share the factors ``Gamma(r+x) alpha^r beta^s /
    Gamma(r)``. Alive is then ``(alpha+T)^-(r+x) (beta+T)^-s``, and gone the integral that `leaving`
    gives.
    """
    gammaln, psi = scipy.special.gammaln, scipy.special.psi
    r, alpha, s, beta = parameters.r, parameters.alpha, parameters.s, parameters.beta
    x, n = triples.frequency, triples.count
    people = float(n.sum())
    starts = np.concatenate(([0], np.flatnonzero(np.diff(x)) + 1))
    x_each, n_each = x[starts], np.add.reduceat(n, starts)
    value = people * (r * math.log(alpha) + s * math.log(beta))
    value += dot(n_each, gammaln(r + x_each) - gammaln(r))
    slopes = [
        people * math.log(alpha) + dot(n_each, psi(r + x_each) - psi(r)),
        people * r / alpha,
        people * math.log(beta),
        people * s / beta,
    ]
    end, end_beta = alpha + triples.age, beta + triples.age
    log_end, log_end_beta = np.log(end), np.log(end_beta)
    staying = -(r + x) * log_end - s * log_end_beta
    left, (by_r, by_alpha, by_s, by_beta) = leaving(parameters, triples, grid)
    value += dot(n, np.logaddexp(staying, left))
    gone = n * scipy.special.expit(left - staying)
    alive = n - gone
    slopes[0] += dot(gone, by_r) - dot(alive, log_end)
    slopes[1] += dot(gone, by_alpha) - dot(alive, (r + x) / end)
    slopes[2] += dot(gone, by_s) - dot(alive, log_end_beta)
    slopes[3] += dot(gone, by_beta) - dot(alive, s / end_beta)
    return value, np.array(slopes)


def fit(triples: Triples) -> BuyingFit:
    """Find the parameters that maximise the likelihood.

    Raises
    ------
    Invalid
        When nobody bought twice: then nothing is known about repeat buying.
    """
    grids: dict[int, tuple[Triples, Grid | None]] = {}

    def score(values: tuple[float, ...], some: Triples) -> tuple[float, Floats]:
        if id(some) not in grids:
            grids[id(some)] = some, grid_of(some)
        return _value_and_gradient(_parameters(values), some, grids[id(some)][1])

    found = maximise(score, triples, _BOUNDS)
    return BuyingFit(
        parameters=_parameters(found.values),
        log_likelihood=found.score,
        evaluations=found.evaluations,
        converged=found.converged,
    )


def _parameters(values: tuple[float, ...]) -> ParetoNbd:
    r, alpha, s, beta = values
    return ParetoNbd(r=r, alpha=alpha, s=s, beta=beta)


def probability_alive(
    parameters: ParetoNbd, frequency: Floats, recency: Floats, age: Floats
) -> Floats:
    """Give the probability that each person is still alive as a customer: equation (26)."""
    r, alpha, s, beta = parameters.r, parameters.alpha, parameters.s, parameters.beta
    people = Triples(frequency=frequency, recency=recency, age=age, count=np.ones(age.size))
    left = leaving(parameters, people, grid_of(people)).logarithm
    staying = -(r + frequency) * np.log(alpha + age) - s * np.log(beta + age)
    alive: Floats = scipy.special.expit(staying - left)
    return alive


def expected_purchases(
    parameters: ParetoNbd, alive: Floats, frequency: Floats, age: Floats, ahead: float
) -> Floats:
    """Give the purchases expected of each person in the next `ahead` units of time: (41).

    Parameters
    ----------
    alive
        Their `probability_alive`, with the same parameters.
    frequency, age
        As in `triples.group`.
    ahead
        Length of the time to come, >= 0.
    """
    r, alpha, s, beta = parameters.r, parameters.alpha, parameters.s, parameters.beta
    span = np.log1p(ahead / (beta + age))
    time = span if abs(s - 1) < _SAME else -np.expm1(-(s - 1) * span) / (s - 1)
    expected: Floats = alive * (r + frequency) * (beta + age) / (alpha + age) * time
    return expected


def person_alive(parameters: ParetoNbd, frequency: int, recency: float, age: float) -> float:
    """Give `probability_alive` of one person."""
    one = (np.array([float(number)]) for number in (frequency, recency, age))
    return float(probability_alive(parameters, *one)[0])


def person_expected(
    parameters: ParetoNbd, alive: float, frequency: int, age: float, ahead: float
) -> float:
    """Give `expected_purchases` of one person."""
    r, alpha, s, beta = parameters.r, parameters.alpha, parameters.s, parameters.beta
    span = math.log1p(ahead / (beta + age))
    time = span if abs(s - 1) < _SAME else -math.expm1(-(s - 1) * span) / (s - 1)
    return alive * (r + frequency) * (beta + age) / (alpha + age) * time
