"""Intervals that may be looked at any day: valid at all looks together, however many there are.

An ordinary 95 % interval is right at one look that was fixed beforehand. Who looks every day and
stops when it excludes zero is wrong far more often than 1 time in 20. A confidence sequence covers
the truth at all times at once with the chance it names, for the price of being wider.

With a sum S of n terms, whose variance is estimated as V, the interval of the mean at level
``1 - alpha`` is::

    S / n  ±  sqrt((V + h) * log((V + h) / (h * alpha^2))) / n

This is the Gaussian-mixture asymptotic confidence sequence of Waudby-Smith et al., in the form for
terms whose means and variances differ; with their ``t sigma^2`` for V and ``rho^2`` for 1 / h::

    mean ± sqrt(2 (t sigma^2 rho^2 + 1) / (t^2 rho^2) * log(sqrt(t sigma^2 rho^2 + 1) / alpha))

``h`` says where it is narrowest and must be fixed before the outcomes are seen.

References
----------
Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas. "Time-uniform central limit theory and asymptotic
confidence sequences", Annals of Statistics 52(6), 2024 (arXiv 2103.06476, 2021). Robbins.
"Statistical methods related to the law of the iterated logarithm", Annals of Mathematical
Statistics 1970 (the boundary).
"""

import math

from customering.outcomes.off_policy import reach_of


def spread(planned_variance: float, alpha: float) -> float:
    """Give the ``h`` by which a sequence is narrowest where its variance is as planned.

    Parameters
    ----------
    planned_variance
        Variance of the sum at the time one cares about most, > 0. Rather too little than too much:
        a tenth of the truth makes the interval wider by 7 %, ten times the truth by 27 %.
    alpha
        Chance that the sequence ever misses the truth, in (0, 1).

    Notes
    -----
    The approximation ``rho^2 t = -2 log alpha + log(1 - 2 log alpha)`` of Waudby-Smith et al.
    """
    surprise = -2.0 * math.log(alpha)
    return planned_variance / (surprise + math.log1p(surprise))


def radius(variance: float, planned_variance: float, alpha: float) -> float:
    """Give how far a sum is from its expectation at most, at all times together.

    Parameters
    ----------
    variance
        The estimated variance of the sum so far, >= 0.
    planned_variance
        As for `spread`.
    alpha
        Chance that it is ever farther, in (0, 1).
    """
    least = spread(planned_variance, alpha)
    total = variance + least
    return math.sqrt(total * (math.log(total / least) - 2.0 * math.log(alpha)))


def fixed_radius(variance: float, alpha: float) -> float:
    """Give how far a sum is from its expectation at one look that was fixed beforehand."""
    return reach_of(1.0 - alpha) * math.sqrt(variance)
