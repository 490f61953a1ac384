"""Gamma-gamma: what an order of one person is worth, drawn towards what is usual for all.

References
----------
Fader & Hardie (2013). "The Gamma-Gamma Model of Monetary Value". brucehardie.com/notes/025.
Equations (1a) and (5). They leave the first order out because it starts the clock of their model of
buying; we keep it when the caller does, so that one-time buyers are known a little too.
"""

import math

import numpy as np
import scipy  # each of its parts is imported at its first use: they take long
from numpy.typing import ArrayLike

from customering.kernel.errors import Invalid
from customering.kernel.records import Record
from customering.relationship.arrays import Floats, dot
from customering.relationship.parameters import GammaGamma

_LOWEST, _HIGHEST = 1e-3, 1e5
# The mean over people exists for q > 1 only.
_LOWEST_Q = 1.01


class SpendingFit(Record, frozen=True, kw_only=True):
    """Parameters that maximise the likelihood, and how they were found."""

    parameters: GammaGamma
    log_likelihood: float
    evaluations: int
    converged: bool


class People(Record, frozen=True, kw_only=True):
    """Everything in equation (1a) that does not depend on the parameters, people sorted by orders.

    Parameters
    ----------
    orders, total
        Number of orders of each person, and what they add up to.
    orders_each, people_each
        Every number of orders that occurs, and the people who have it.
    weighted_log_total, log_mean
        Sums over people of ``orders * log(total)`` and of ``log(mean)``.
    """

    orders: Floats
    total: Floats
    orders_each: Floats
    people_each: Floats
    weighted_log_total: float
    log_mean: float


def gather(orders: ArrayLike, mean_value: ArrayLike) -> People:
    """Prepare people for `fit` and `log_likelihood`.

    Parameters
    ----------
    orders
        Number of orders behind each person's mean, >= 1.
    mean_value
        Mean order value of each person, > 0: people without a value are left out by the caller.

    Raises
    ------
    Invalid
        When there are fewer than two people, lengths differ, or a value is out of range.
    """
    counts = np.asarray(orders, dtype=np.float64)
    means = np.asarray(mean_value, dtype=np.float64)
    if counts.shape != means.shape or counts.size < 2:
        raise Invalid(
            "order values of fewer than two people",
            hint="give one number of orders and one mean value a person",
        )
    if not ((counts >= 1) & (means > 0) & np.isfinite(counts * means)).all():
        raise Invalid("an order value is out of range", hint="leave out people without a value > 0")
    order = np.argsort(counts, kind="stable")
    counts, means = counts[order], means[order]
    orders_each, people_each = np.unique(counts, return_counts=True)
    total = counts * means
    return People(
        orders=counts,
        total=total,
        orders_each=orders_each,
        people_each=people_each.astype(np.float64),
        weighted_log_total=dot(counts, np.log(total)),
        log_mean=float(np.log(means).sum()),
    )


def log_likelihood(parameters: GammaGamma, people: People) -> float:
    """Give the log-likelihood of all people's mean order values: equation (1a), summed."""
    return _value_and_gradient(parameters, people)[0]


def gradient(parameters: GammaGamma, people: People) -> Floats:
    """Give the derivatives of the log-likelihood by p, q and v, in this order."""
    return _value_and_gradient(parameters, people)[1]


def _value_and_gradient(parameters: GammaGamma, people: People) -> tuple[float, Floats]:
    """Give equation (1a) and its derivatives."""
    gammaln, psi = scipy.special.gammaln, scipy.special.psi
    p, q, v = parameters.p, parameters.q, parameters.v
    x, n = people.orders_each, people.people_each
    number = people.orders.size
    rest = v + people.total
    log_rest = np.log(rest)
    sum_log_rest = float(log_rest.sum())
    share = people.weighted_log_total - dot(people.orders, log_rest)
    np.reciprocal(rest, out=rest)

    value = number * (q * math.log(v) - float(gammaln(q))) + p * share
    value += dot(n, gammaln(p * x + q) - gammaln(p * x)) - q * sum_log_rest - people.log_mean
    d_p = share + dot(n, x * (psi(p * x + q) - psi(p * x)))
    d_q = number * (math.log(v) - float(psi(q))) + dot(n, psi(p * x + q)) - sum_log_rest
    d_v = number * q / v - p * dot(people.orders, rest) - q * float(rest.sum())
    return value, np.array([d_p, d_q, d_v])


def fit(people: People) -> SpendingFit:
    """Find the parameters that maximise the likelihood, over their logarithms and within bounds."""
    number = people.orders.size
    scale = float(people.total.sum() / people.orders.sum())

    def loss(logs: Floats) -> tuple[float, Floats]:
        p, q, v = np.exp(logs).tolist()
        value, slope = _value_and_gradient(GammaGamma(p=p, q=q, v=v), people)
        return -value / number, -slope * np.exp(logs) / number

    low, high = math.log(_LOWEST), math.log(_HIGHEST)
    shift = math.log(scale)
    # Here, because fitting alone needs it and it takes longer to import than all the rest.
    from scipy.optimize import minimize

    found = minimize(
        loss,
        np.array([0.0, math.log(2.0), shift]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(low, high), (math.log(_LOWEST_Q), high), (low + shift, high + shift)],
        options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-7},
    )
    p, q, v = np.exp(found.x).tolist()
    return SpendingFit(
        parameters=GammaGamma(p=p, q=q, v=v),
        log_likelihood=-float(found.fun) * number,
        evaluations=int(found.nfev),
        converged=bool(found.success),
    )


def expected_order_value(parameters: GammaGamma, orders: Floats, mean_value: Floats) -> Floats:
    """Give the value expected of each person's next order: equation (5).

    It lies between their own mean and everybody's, ``v p / (q - 1)``, nearer to their own the more
    orders there were. Works on plain floats as well; with no orders it is everybody's mean.
    """
    p, q, v = parameters.p, parameters.q, parameters.v
    return p * (v + orders * mean_value) / (p * orders + q - 1)
