"""MBG/CNBD-k: as BG/NBD, but people buy regularly, and may leave after their first purchase too.

The time between two purchases takes k steps of pure chance (an Erlang-k). k = 1 is the MBG/NBD
model of Batislam et al. Which k is right, the likelihood tells; it needs, beside frequency, recency
and age, the sum over all people of the logarithms of the times between purchases.

Time may be in any unit as long as it is the same everywhere; `alpha` and rates follow it.

References
----------
Reutterer, Platzer & Schröder (2021). "Leveraging purchase regularity for predicting customer
behavior the easy way". International Journal of Research in Marketing 38(1), 194-215; the reference
implementation is Platzer (2016), R package BTYDplus.

Batislam, Denizel & Filiztekin (2007). "Empirical validation and comparison of models for customer
base analysis". International Journal of Research in Marketing 24(3), 201-209.
"""

import math

import numpy as np
import scipy  # each of its parts is imported at its first use: they take long

from customering.relationship import bgnbd
from customering.relationship.arrays import Floats, dot
from customering.relationship.coming import to_come
from customering.relationship.fitting import Bound, BuyingFit, maximise
from customering.relationship.parameters import BgNbd, MbgCnbd
from customering.relationship.triples import Triples, distinct_rows

_BOUNDS = (Bound(is_shape=True), Bound(is_time=True), Bound(is_shape=True), Bound())
_MOST_PURCHASES = 5_000


def log_likelihood(parameters: MbgCnbd, triples: Triples, sum_log_gaps: float = 0.0) -> float:
    """Give the log-likelihood of all people.

    Parameters
    ----------
    sum_log_gaps
        Sum over all people of the logarithms of the times between their purchases; of no
        consequence for ``k = 1``.
    """
    value = _value_and_gradient(parameters, triples)[0]
    return value + _of_regularity(parameters.k, triples, sum_log_gaps)


def gradient(parameters: MbgCnbd, triples: Triples) -> Floats:
    """Give the derivatives of the log-likelihood by r, alpha, a and b, in this order."""
    return _value_and_gradient(parameters, triples)[1]


def _of_regularity(k: int, triples: Triples, sum_log_gaps: float) -> float:
    """Give the part of the log-likelihood that depends on k alone."""
    purchases = dot(triples.count, triples.frequency)
    return (k - 1) * sum_log_gaps - math.lgamma(k) * purchases


def _value_and_gradient(parameters: MbgCnbd, triples: Triples) -> tuple[float, Floats]:
    """Give the log-likelihood but for what depends on k alone, and its derivatives.

    A person is alive and has since gone j < k steps, or left after the last purchase. With
    ``q = r + k x`` and ``u = (T - t_x) / (alpha + T)`` the first weighs
    ``S = sum over j of (q)_j u^j / j!`` times as much as having gone no step; all other factors are
    common but for ``exp(odds)``, as in `bgnbd`.
    """
    gammaln, psi = scipy.special.gammaln, scipy.special.psi
    k, r, alpha, a, b = parameters.k, parameters.r, parameters.alpha, parameters.a, parameters.b
    x, n = triples.frequency, triples.count
    people = float(n.sum())

    # Factors of the frequency alone: evaluated once for each frequency. Rows are sorted by it.
    starts = np.concatenate(([0], np.flatnonzero(np.diff(x)) + 1))
    x_each, n_each = x[starts], np.add.reduceat(n, starts)
    shape = r + k * x_each
    own = gammaln(shape) - gammaln(r)
    stay = gammaln(b + x_each + 1) - gammaln(a + b + x_each + 1) - gammaln(b) + gammaln(a + b)
    value = people * r * math.log(alpha) + dot(n_each, own + stay)
    d_r = people * math.log(alpha) + dot(n_each, psi(shape) - psi(r))
    d_a = dot(n_each, psi(a + b) - psi(a + b + x_each + 1))
    d_b = d_a + dot(n_each, psi(b + x_each + 1) - psi(b))

    q, start, end = r + k * x, alpha + triples.recency, alpha + triples.age
    log_end = np.log(end)
    silence = log_end - np.log(start)
    log_steps, by_q, by_u = _steps(k, q, (triples.age - triples.recency) / end)
    odds = math.log(a) - np.log(b + x) + q * silence - log_steps
    value += dot(n, log_steps + np.logaddexp(0.0, odds) - q * log_end)
    gone = n * scipy.special.expit(odds)
    alive = n - gone
    d_r += dot(alive, by_q) + dot(gone, silence) - dot(n, log_end)
    # by_u is the derivative by log u, and that of log u by alpha is -1 / (alpha + T).
    d_alpha = people * r / alpha - dot(alive, (by_u + q) / end) - dot(gone, q / start)
    d_a += float(gone.sum()) / a
    d_b -= dot(gone, 1 / (b + x))
    return value, np.array([d_r, d_alpha, d_a, d_b])


def _steps(k: int, q: Floats, u: Floats) -> tuple[Floats, Floats, Floats]:
    """Give log S and its derivatives by q and by log u."""
    total, by_q, by_u = np.ones(q.size), np.zeros(q.size), np.zeros(q.size)
    term, slope = np.ones(q.size), np.zeros(q.size)
    for j in range(1, k):
        slope = slope + 1 / (q + j - 1)
        term = term * ((q + j - 1) * u / j)
        total += term
        by_q += term * slope
        by_u += j * term
    return np.log(total), by_q / total, by_u / total


def fit(triples: Triples, k: int, sum_log_gaps: float = 0.0) -> BuyingFit:
    """Find the parameters that maximise the likelihood for one k.

    Raises
    ------
    Invalid
        When nobody bought twice: then nothing is known about repeat buying.
    """

    def score(values: tuple[float, ...], some: Triples) -> tuple[float, Floats]:
        return _value_and_gradient(_parameters(k, values), some)

    found = maximise(score, triples, _BOUNDS)
    return BuyingFit(
        parameters=_parameters(k, found.values),
        log_likelihood=found.score + _of_regularity(k, triples, sum_log_gaps),
        evaluations=found.evaluations,
        converged=found.converged,
    )


def _parameters(k: int, values: tuple[float, ...]) -> MbgCnbd:
    r, alpha, a, b = values
    return MbgCnbd(k=k, r=r, alpha=alpha, a=a, b=b)


def probability_alive(
    parameters: MbgCnbd, frequency: Floats, recency: Floats, age: Floats
) -> Floats:
    """Give the probability that each person is still alive as a customer."""
    k, alpha, a, b = parameters.k, parameters.alpha, parameters.a, parameters.b
    q = parameters.r + k * frequency
    log_steps, _, _ = _steps(k, q, (age - recency) / (alpha + age))
    silence = np.log((alpha + age) / (alpha + recency))
    odds = math.log(a) - np.log(b + frequency) + q * silence - log_steps
    alive: Floats = scipy.special.expit(-odds)
    return alive


def expected_purchases(
    parameters: MbgCnbd,
    alive: Floats,
    frequency: Floats,
    recency: Floats,
    age: Floats,
    ahead: float,
) -> Floats:
    """Give the purchases expected of each person in the next `ahead` units of time.

    Parameters
    ----------
    alive
        Their `probability_alive`, with the same parameters.
    frequency, recency, age
        As in `triples.group`.
    ahead
        Length of the time to come, >= 0.

    Notes
    -----
    For ``k = 1`` the closed form of `bgnbd`, in which a first purchase more is survived. For larger
    k the published form is an approximation, so we add up what is exact: the n-th purchase to come
    needs ``n k - j`` more steps, whose number is negative binomial, and to have stayed n - 1 times.
    """
    if parameters.k == 1:
        return bgnbd.expected_purchases(_shifted(parameters), alive, frequency, age, ahead)
    rows, place = distinct_rows(frequency, age)
    x, end = frequency[rows], age[rows]
    u = (age - recency) / (parameters.alpha + age)
    weight = np.ones(age.size)
    total, expected = np.zeros(age.size), np.zeros(age.size)
    for j in range(parameters.k):
        if j:
            weight = weight * ((parameters.r + parameters.k * frequency + j - 1) * u / j)
        total += weight
        expected += weight * _after_steps(parameters, j, x, end, ahead)[place]
    return expected / total * alive


def _shifted(parameters: MbgCnbd) -> BgNbd:
    """Give the BG/NBD model that expects the same of people who are alive."""
    return BgNbd(r=parameters.r, alpha=parameters.alpha, a=parameters.a, b=parameters.b + 1)


def _after_steps(parameters: MbgCnbd, j: int, x: Floats, age: Floats, ahead: float) -> Floats:
    """Give the purchases expected of people who are alive and j steps from their last purchase."""
    return to_come(
        shape=parameters.r + parameters.k * x + j,
        z=ahead / (parameters.alpha + age + ahead),
        leaving=parameters.a,
        staying=parameters.b + x + 1,
        k=parameters.k,
        gone=j,
    )


def person_alive(parameters: MbgCnbd, frequency: int, recency: float, age: float) -> float:
    """Give `probability_alive` of one person, in about a microsecond."""
    q = parameters.r + parameters.k * frequency
    steps = sum(_weights(parameters, frequency, recency, age))
    silence = math.log((parameters.alpha + age) / (parameters.alpha + recency))
    odds = math.log(parameters.a / (parameters.b + frequency) / steps) + q * silence
    return 1 / (1 + math.exp(odds)) if odds < 700 else 0.0


def person_expected(
    parameters: MbgCnbd, alive: float, frequency: int, recency: float, age: float, ahead: float
) -> float:
    """Give `expected_purchases` of one person, in some 10 to 100 microseconds."""
    if parameters.k == 1:
        return bgnbd.person_expected(_shifted(parameters), alive, frequency, age, ahead)
    k, stayed = parameters.k, parameters.b + frequency + 1
    z = ahead / (parameters.alpha + age + ahead)
    if z <= 0:
        return 0.0
    weights = _weights(parameters, frequency, recency, age)
    count = _purchases_most(parameters.r + k * (frequency + 1), z, k)
    stays = stayed + np.arange(count - 1)
    chances = np.cumprod(np.concatenate(([1.0], stays / (parameters.a + stays))))
    needed = k * np.arange(1.0, count + 1)
    expected = 0.0
    for j, weight in enumerate(weights):
        shape = parameters.r + k * frequency + j
        expected += weight * float((chances * scipy.special.betainc(needed - j, shape, z)).sum())
    return expected / sum(weights) * alive


def _weights(parameters: MbgCnbd, frequency: int, recency: float, age: float) -> list[float]:
    """Give how likely each number of steps since the last purchase is, against none."""
    q = parameters.r + parameters.k * frequency
    u = (age - recency) / (parameters.alpha + age)
    weights = [1.0]
    for j in range(1, parameters.k):
        weights.append(weights[-1] * (q + j - 1) * u / j)
    return weights


def _purchases_most(shape: float, z: float, k: int) -> int:
    """Give a number of purchases that next to nobody of this shape exceeds."""
    mean = shape * z / (1 - z)
    steps = mean + 8 * math.sqrt(mean / (1 - z)) + 16 / -math.log(z)
    return min(math.ceil(steps / k) + 2, _MOST_PURCHASES)
