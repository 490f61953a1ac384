"""The act: what another policy would have earned, estimated from decisions whose chances are known.

Each estimator is a mean, or a ratio of means, of one term a row, so one piece of code gives all of
them their intervals. Where ``w`` is the new policy's chance of what was done over the log's chance,
``r`` the reward, ``q`` a prediction of it and ``v`` the new policy's mean prediction in the row:

========== ===================================== ================================================
IPS        mean of ``w r``                       unbiased; wide where ``w`` is large
SNIPS      mean of ``w r`` over mean of ``w``    within the rewards that were seen
DM         mean of ``v``                         narrow; as wrong as the predictions
DR         mean of ``v + w (r - q)``             unbiased, and narrower with good predictions
Switch-DR  as DR where ``w`` is at most ``t``,   a little bias for less width
           ``v`` alone where it is more
========== ===================================== ================================================

References
----------
Horvitz, Thompson. "A generalization of sampling without replacement from a finite universe", JASA
1952 (IPS). Swaminathan, Joachims. "The self-normalized estimator for counterfactual learning",
NeurIPS 2015 (SNIPS). Dudík, Erhan, Langford, Li. "Doubly robust policy evaluation and
optimization", Statistical Science 2014 (DM, DR). Wang, Agarwal, Dudík. "Optimal and adaptive
off-policy evaluation in contextual bandits", ICML 2017 (Switch-DR and the choice of its threshold).
"""

from typing import Literal, NamedTuple

import numpy as np
import scipy  # its parts are imported at their first use: they take long

from customering.kernel.errors import Invalid
from customering.kernel.records import Record
from customering.outcomes.trials import Floats, Integers, Trials

Estimator = Literal["IPS", "SNIPS", "DM", "DR", "Switch-DR"]

_BOOTSTRAPS = 1_000
_BLOCKS_MOST = 4_000
_DRAWS_AT_ONCE = 1 << 22
_THRESHOLDS = 12
_SUM_TOLERANCE = 1e-6


class Estimate(Record, frozen=True, kw_only=True):
    """A value with its uncertainty, in the unit of the rewards, as a mean per decision.

    Parameters
    ----------
    value
        The estimate.
    standard_error
        Its standard error, over people.
    normal_low, normal_high
        Interval by the normal approximation.
    low, high
        Interval by bootstrap over people: it need not be symmetric, as befits rare rewards.
    """

    value: float
    standard_error: float
    normal_low: float
    normal_high: float
    low: float
    high: float


class Terms(NamedTuple):
    """The terms of an estimator: it is the sum of the first over the sum of the second."""

    above: Floats
    below: Floats


def weights(trials: Trials, target: Floats) -> Floats:
    """Give how much more often the new policy does what was done. Shape (rows,), >= 0."""
    result: Floats = trials.at_chosen(target) / trials.at_chosen(trials.chances)
    return result


def estimator_terms(
    trials: Trials,
    target: Floats,
    predicted: Floats | None = None,
    *,
    switch_at: float | None = None,
) -> dict[Estimator, Terms]:
    """Give the terms of every estimator that can be worked out.

    Parameters
    ----------
    trials
        What was decided and earned.
    target
        The chance that the new policy gives each candidate; each row sums to 1.
    predicted
        The reward that is predicted for each candidate, by a model that did not see the row.
        Without it there are only IPS and SNIPS.
    switch_at
        The largest weight that Switch-DR trusts, >= 0; chosen by `best_threshold` when None.

    Raises
    ------
    Invalid
        When the chances of the new policy do not sum to 1 in a row.
    """
    _check_target(trials, target)
    one, weight = np.ones(len(trials)), weights(trials, target)
    found: dict[Estimator, Terms] = {
        "IPS": Terms(weight * trials.rewards, one),
        "SNIPS": Terms(weight * trials.rewards, weight),
    }
    if predicted is not None:
        mean = trials.sums(target * predicted)
        surprise = weight * (trials.rewards - trials.at_chosen(predicted))
        found["DM"] = Terms(mean, one)
        found["DR"] = Terms(mean + surprise, one)
        most = best_threshold(trials, target, predicted) if switch_at is None else switch_at
        found["Switch-DR"] = Terms(mean + np.where(weight <= most, surprise, 0.0), one)
    return found


def best_threshold(trials: Trials, target: Floats, predicted: Floats) -> float:
    """Give the largest weight to trust: that with the least bound on the squared error.

    It is the estimated variance plus the square of the bias at worst, which is the new policy's
    mass beyond the threshold times the largest reward (Wang, Agarwal, Dudík 2017, section 4).
    """
    if not len(trials):
        return 0.0
    weight = weights(trials, target)
    mean = trials.sums(target * predicted)
    surprise = weight * (trials.rewards - trials.at_chosen(predicted))
    ratio = np.divide(
        target, trials.chances, out=np.full_like(target, np.inf), where=trials.chances > 0
    )
    finite = np.unique(weight)
    places = np.linspace(0, len(finite) - 1, _THRESHOLDS).round().astype(np.intp)
    largest = float(np.abs(trials.rewards).max())
    best, least = np.inf, np.inf
    for most in finite[np.unique(places)]:
        terms = mean + np.where(weight <= most, surprise, 0.0)
        beyond = float(trials.sums(np.where(ratio > most, target, 0.0)).mean())
        error = float(terms.var()) / len(trials) + (beyond * largest) ** 2
        if error <= least:
            best, least = float(most), error
    return best


def estimate_all(
    trials: Trials,
    target: Floats,
    predicted: Floats | None = None,
    *,
    seed: int = 1,
    level: float = 0.95,
    switch_at: float | None = None,
) -> dict[Estimator, Estimate]:
    """Estimate what a policy would have earned a decision, by every estimator that can be.

    Parameters
    ----------
    trials, target, predicted, switch_at
        As for `estimator_terms`.
    seed
        Seed of the bootstrap.
    level
        Coverage of the intervals, in (0, 1).

    Returns
    -------
    dict
        Empty without rows; SNIPS is left out where the new policy does nothing that was done.
    """
    if not len(trials):
        return {}
    found = estimator_terms(trials, target, predicted, switch_at=switch_at)
    if not found["SNIPS"].below.any():
        del found["SNIPS"]
    return intervals(found, trials.people, seed=seed, level=level)


def difference(
    trials: Trials,
    target: Floats,
    other: Floats | None,
    predicted: Floats | None,
    *,
    seed: int = 1,
    level: float = 0.95,
) -> Estimate:
    """Estimate by how much a policy would have earned more than another, row by row.

    Both are judged on the same rows, so what they share cancels, and the interval is narrower than
    those of the two values. It is DR with predictions and IPS without.

    Parameters
    ----------
    other
        The chances of the other policy; None for the one that was in force.

    Raises
    ------
    Invalid
        Without rows, or when chances do not sum to 1.
    """
    if not len(trials):
        raise Invalid("There is no decision to compare on.", hint="Decide, and tell what came.")
    by: Estimator = "IPS" if predicted is None else "DR"
    ours = estimator_terms(trials, target, predicted)[by].above
    against = trials.chances if other is None else other
    theirs = estimator_terms(trials, against, predicted)[by].above
    terms: dict[Estimator, Terms] = {by: Terms(ours - theirs, np.ones(len(trials)))}
    return intervals(terms, trials.people, seed=seed, level=level)[by]


def intervals(
    found: dict[Estimator, Terms], people: Integers, *, seed: int, level: float
) -> dict[Estimator, Estimate]:
    """Work out ratios of sums, and their intervals over people."""
    _, person = np.unique(people, return_inverse=True)
    count = int(person.max()) + 1
    # What one person adds stands together: people are independent, their decisions are not.
    sums = np.stack(
        [np.bincount(person, part, count) for terms in found.values() for part in terms], axis=1
    )
    again = _resampled(sums.astype(np.float64), seed)
    tail = (1.0 - level) / 2
    reach = reach_of(level)
    estimates: dict[Estimator, Estimate] = {}
    for place, name in enumerate(found):
        above, below = sums[:, 2 * place], sums[:, 2 * place + 1]
        value = float(above.sum() / below.sum())
        influence = (above - value * below) * count / below.sum()
        error = float(np.sqrt(influence.var(ddof=1) / count)) if count > 1 else float("inf")
        part = again[:, 2 * place + 1]
        ratios = again[part != 0, 2 * place] / part[part != 0]
        low, high = np.quantile(ratios, [tail, 1.0 - tail])
        estimates[name] = Estimate(
            value=value,
            standard_error=error,
            normal_low=value - reach * error,
            normal_high=value + reach * error,
            low=float(low),
            high=float(high),
        )
    return estimates


def reach_of(level: float) -> float:
    """Give how many standard errors a normal interval reaches to either side."""
    return float(scipy.special.ndtri((1.0 + level) / 2.0))


def _resampled(sums: Floats, seed: int) -> Floats:
    """Draw people with replacement and add up what they have. Shape (draws, columns).

    Of very many people some are put together by chance, and such blocks are drawn: their sums vary
    as those of single people do, at a fraction of the time.
    """
    rng = np.random.default_rng(seed)
    if len(sums) > _BLOCKS_MOST:
        begins = np.linspace(0, len(sums), _BLOCKS_MOST, endpoint=False).astype(np.intp)
        sums = np.add.reduceat(sums[rng.permutation(len(sums))], begins)
    count = len(sums)
    at_once = max(1, min(_BOOTSTRAPS, _DRAWS_AT_ONCE // count))
    drawn: list[Floats] = []
    for begin in range(0, _BOOTSTRAPS, at_once):
        size = min(at_once, _BOOTSTRAPS - begin)
        who = rng.integers(0, count, (size, count)) + count * np.arange(size)[:, np.newaxis]
        times = np.bincount(who.ravel(), minlength=size * count).reshape(size, count)
        drawn.append(times.astype(np.float64) @ sums)
    return np.concatenate(drawn)


def _check_target(trials: Trials, target: Floats) -> None:
    if len(target) != len(trials.chances):
        raise Invalid(
            f"The new policy has {len(target)} chances, the log {len(trials.chances)}.",
            hint="Give a chance for every candidate.",
        )
    wrong = np.flatnonzero(np.abs(trials.sums(target) - 1.0) > _SUM_TOLERANCE)
    if len(wrong) or (target < 0).any():
        raise Invalid(
            "The chances of the new policy are not a distribution in every row.",
            hint="They are 0 or more and sum to 1.",
        )
