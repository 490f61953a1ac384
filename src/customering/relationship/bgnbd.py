"""BG/NBD: how often people buy while alive as customers, and whether they still are.

The gradient is analytic, so a fit takes a few dozen passes over the distinct triples.

Time may be in any unit as long as it is the same everywhere; `alpha` and rates follow it.

References
----------
Fader, Hardie & Lee (2005). "Counting Your Customers the Easy Way: An Alternative to the Pareto/NBD
Model". Marketing Science 24(2), 275-284. Equations (6) and (10).

Fader, Hardie & Lee (2008). "Computing P(alive) Using the BG/NBD Model". brucehardie.com/notes/021.
"""

import math

import numpy as np
import scipy  # each of its parts is imported at its first use: they take long

from customering.relationship.arrays import Floats, dot
from customering.relationship.coming import to_come
from customering.relationship.fitting import Bound, BuyingFit, maximise
from customering.relationship.parameters import BgNbd
from customering.relationship.triples import Triples

# Beyond some `r` or `a`, people buy at one and the same rate (or leave with one and the same
# probability) for all that data can tell, and equation (10) runs out of digits: both are shapes.
_BOUNDS = (Bound(is_shape=True), Bound(is_time=True), Bound(is_shape=True), Bound())
# Equation (10) is 0/0 where a = 1 and where a + b + x = 1, and loses digits near by. Within the
# first distance of a = 1 it is interpolated; the second, hardly ever met, is kept away from.
_NEAR_ONE = 1e-4
_NEAR_ZERO = 1e-6


def log_likelihood(parameters: BgNbd, triples: Triples) -> float:
    """Give the log-likelihood of all people: equation (6), summed."""
    return _value_and_gradient(parameters, triples)[0]


def gradient(parameters: BgNbd, triples: Triples) -> Floats:
    """Give the derivatives of the log-likelihood by r, alpha, a and b, in this order."""
    return _value_and_gradient(parameters, triples)[1]


def _value_and_gradient(parameters: BgNbd, triples: Triples) -> tuple[float, Floats]:
    """Give equation (6) and its derivatives.

    With ``B(a+1, b+x-1) / B(a, b+x) = a / (b+x-1)`` the two terms of equation (6) share all their
    factors but one, so that its logarithm is the first term's plus ``log(1 + exp(odds))``; the
    derivatives of the latter carry the factor ``gone = 1 - P(alive)``.
    """
    gammaln, psi = scipy.special.gammaln, scipy.special.psi
    r, alpha, a, b = parameters.r, parameters.alpha, parameters.a, parameters.b
    x, n = triples.frequency, triples.count
    people = float(n.sum())
    log_end = np.log(alpha + triples.age)
    value = people * r * math.log(alpha) - dot(n, (r + x) * log_end)
    d_r = people * math.log(alpha) - dot(n, log_end)
    d_alpha = people * r / alpha - dot(n, (r + x) / (alpha + triples.age))

    # Factors of the frequency alone: evaluated once for each frequency. Rows are sorted by it.
    starts = np.concatenate(([0], np.flatnonzero(np.diff(x)) + 1))
    x_each, n_each = x[starts], np.add.reduceat(n, starts)
    own = gammaln(r + x_each) - gammaln(r)
    leave = gammaln(b + x_each) - gammaln(a + b + x_each) - gammaln(b) + gammaln(a + b)
    value += dot(n_each, own + leave)
    d_r += dot(n_each, psi(r + x_each) - psi(r))
    d_a = dot(n_each, psi(a + b) - psi(a + b + x_each))
    d_b = d_a + dot(n_each, psi(b + x_each) - psi(b))

    bought = int(np.searchsorted(x, 1.0))
    x, n = x[bought:], n[bought:]
    start, end = alpha + triples.recency[bought:], alpha + triples.age[bought:]
    silence = log_end[bought:] - np.log(start)
    odds = math.log(a) - np.log(b + x - 1) + (r + x) * silence
    value += dot(n, np.logaddexp(0.0, odds))
    gone = n * scipy.special.expit(odds)
    d_r += dot(gone, silence)
    d_alpha += dot(gone, (r + x) * (1 / end - 1 / start))
    d_a += float(gone.sum()) / a
    d_b -= dot(gone, 1 / (b + x - 1))
    return value, np.array([d_r, d_alpha, d_a, d_b])


def fit(triples: Triples) -> BuyingFit:
    """Find the parameters that maximise the likelihood.

    Raises
    ------
    Invalid
        When nobody bought twice: then nothing is known about repeat buying.
    """

    def score(values: tuple[float, ...], some: Triples) -> tuple[float, Floats]:
        return _value_and_gradient(_parameters(values), some)

    found = maximise(score, triples, _BOUNDS)
    return BuyingFit(
        parameters=_parameters(found.values),
        log_likelihood=found.score,
        evaluations=found.evaluations,
        converged=found.converged,
    )


def _parameters(values: tuple[float, ...]) -> BgNbd:
    r, alpha, a, b = values
    return BgNbd(r=r, alpha=alpha, a=a, b=b)


def probability_alive(parameters: BgNbd, frequency: Floats, recency: Floats, age: Floats) -> Floats:
    """Give the probability that each person is still alive as a customer.

    It is 1 for people who bought once: in this model only a purchase can be a last one *after* the
    first, and the first one is where counting starts.

    References
    ----------
    Fader, Hardie & Lee (2008), last equation; computed by its log odds, so that it cannot overflow.
    """
    r, alpha, a, b = parameters.r, parameters.alpha, parameters.a, parameters.b
    again = np.maximum(frequency, 1.0)
    silence = np.log((alpha + age) / (alpha + recency))
    odds = math.log(a) - np.log(b + again - 1) + (r + frequency) * silence
    alive: Floats = np.where(frequency > 0, scipy.special.expit(-odds), 1.0)
    return alive


def expected_purchases(
    parameters: BgNbd, alive: Floats, frequency: Floats, age: Floats, ahead: float
) -> Floats:
    """Give the purchases expected of each person in the next `ahead` units of time.

    Parameters
    ----------
    alive
        Their `probability_alive`, with the same parameters.
    frequency, age
        As in `group`.
    ahead
        Length of the time to come, >= 0.

    References
    ----------
    Fader, Hardie & Lee (2005), equation (10), in which ``(1-z)^(r+x) 2F1(r+x, b+x; a+b+x-1; z)``
    overflows for frequent buyers. By Euler's transformation (Abramowitz & Stegun 15.3.3) it equals
    ``(1-z)^(a-1) 2F1(a+b-1-r, a-1; a+b+x-1; z)``; we take the form with the smaller exponent.
    """
    expected = np.zeros(frequency.size)
    for a, weight in _beside_one(parameters.a):
        expected += weight * _if_alive(parameters, a, frequency, age, ahead)
    return np.maximum(expected * alive, 0.0)


def _beside_one(a: float) -> tuple[tuple[float, float], ...]:
    """Give values of `a` to evaluate equation (10) at, with weights that interpolate it."""
    if abs(a - 1) >= _NEAR_ONE:
        return ((a, 1.0),)
    upper_weight = (a - 1 + _NEAR_ONE) / (2 * _NEAR_ONE)
    return ((1 - _NEAR_ONE, 1 - upper_weight), (1 + _NEAR_ONE, upper_weight))


def _if_alive(parameters: BgNbd, a: float, frequency: Floats, age: Floats, ahead: float) -> Floats:
    """Give the purchases expected of people who are alive, for an `a` that is not 1."""
    r, alpha, b = parameters.r, parameters.alpha, parameters.b
    upper = a + b - 1 + frequency
    upper = np.where(np.abs(upper) < _NEAR_ZERO, _NEAR_ZERO, upper)
    z = ahead / (alpha + age + ahead)
    bought = r + frequency
    as_printed = bought < a - 1
    power = np.where(as_printed, bought, a - 1)
    left = np.where(as_printed, bought, a + b - 1 - r)
    right = np.where(as_printed, b + frequency, a - 1)
    stays = (1 - z) ** power * scipy.special.hyp2f1(left, right, upper, z)
    expected: Floats = upper / (a - 1) * (1 - stays)
    # SciPy's 2F1 gives up where many purchases are sure to come and parameters lie unluckily.
    unknown = np.flatnonzero(~np.isfinite(expected))
    if unknown.size:
        expected[unknown] = to_come(
            shape=bought[unknown], z=z[unknown], leaving=a, staying=b + frequency[unknown]
        )
    return expected


def person_alive(parameters: BgNbd, frequency: int, recency: float, age: float) -> float:
    """Give `probability_alive` of one person, in about a microsecond."""
    if frequency < 1:
        return 1.0
    r, alpha, a, b = parameters.r, parameters.alpha, parameters.a, parameters.b
    silence = math.log((alpha + age) / (alpha + recency))
    odds = math.log(a) - math.log(b + frequency - 1) + (r + frequency) * silence
    return 1 / (1 + math.exp(odds)) if odds < 700 else 0.0


def person_expected(
    parameters: BgNbd, alive: float, frequency: int, age: float, ahead: float
) -> float:
    """Give `expected_purchases` of one person, in a few microseconds."""
    r, alpha, b = parameters.r, parameters.alpha, parameters.b
    z = ahead / (alpha + age + ahead)
    bought = r + frequency
    expected = 0.0
    for a, weight in _beside_one(parameters.a):
        upper = a + b - 1 + frequency
        if abs(upper) < _NEAR_ZERO:
            upper = _NEAR_ZERO
        if bought < a - 1:
            stays = (1 - z) ** bought * float(scipy.special.hyp2f1(bought, b + frequency, upper, z))
        else:
            stays = (1 - z) ** (a - 1) * float(scipy.special.hyp2f1(a + b - 1 - r, a - 1, upper, z))
        expected += weight * upper / (a - 1) * (1 - stays)
    if not math.isfinite(expected):
        one = [np.array([float(number)]) for number in (alive, frequency, age)]
        return float(expected_purchases(parameters, one[0], one[1], one[2], ahead)[0])
    return max(float(expected * alive), 0.0)
