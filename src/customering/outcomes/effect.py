"""What acting brought that would not have come without: treated people against a control group.

People are in a group by the hash of their name, so the groups differ by chance alone before anybody
is treated. What a person did before says much about what they do anyhow; the part of the outcome
that it explains is taken out, which narrows the interval and moves nothing (CUPED). The interval
may be looked at any day (`sequences`).

References
----------
Deng, Xu, Kohavi, Walker. "Improving the sensitivity of online controlled experiments by utilizing
pre-experiment data", WSDM 2013, equations 4 and 5 (CUPED). Robins, Rotnitzky, Zhao. "Estimation of
regression coefficients when some regressors are not always observed", JASA 1994 (the augmented
terms). Lindon, Kallus. "Design-based anytime-valid inference for randomized experiments with
delayed outcomes and staggered entry", arXiv 2603.25971, 2026 (sums of outcomes so far, as a
function of time).
"""

from typing import Literal

import numpy as np

from customering.kernel.errors import Invalid
from customering.kernel.records import Record
from customering.outcomes.sequences import fixed_radius, radius
from customering.outcomes.trials import Bools, Floats

LEAST_BUYERS = 50
"""People with an outcome in each group, below which no interval is given."""

PLANNED_PEOPLE = 1_000
"""The size of group the intervals are made for; they are valid for any."""

Verdict = Literal["too_few", "more", "less", "unknown"]


class Effect(Record, frozen=True, kw_only=True):
    """The effect of being treated, a person so far.

    Parameters
    ----------
    treated, control
        How many people are in each group.
    mean_treated, mean_control
        Outcome a person in each group, after what was there before has been taken out.
    effect
        The difference; of the treated, how much is the doing of the treatment.
    low, high
        Interval that may be looked at any day; None with too few people.
    once_low, once_high
        Interval for who looks a single time, at a time fixed beforehand.
    variance_kept
        Variance that is left after CUPED, as a share, in [0, 1].
    verdict
        What can be told.
    """

    treated: int
    control: int
    mean_treated: float
    mean_control: float
    effect: float
    low: float | None
    high: float | None
    once_low: float | None
    once_high: float | None
    variance_kept: float
    verdict: Verdict


def incremental_effect(
    treated: Bools,
    outcome: Floats,
    before: Floats,
    *,
    treated_share: float,
    planned_sd: float,
    alpha: float = 0.05,
) -> Effect:
    """Estimate what being treated brought a person so far.

    Parameters
    ----------
    treated
        Who is treated. Shape (people,).
    outcome
        What each brought since they were first treated, or would have been, to this day.
    before
        The same of a time before that; zeros when it is not known. Shape (people,).
    treated_share
        The share that is treated by design, in (0, 1).
    planned_sd
        The standard deviation of the outcome between people, as it was expected before anything
        was seen; > 0. It only says where the interval is narrowest.
    alpha
        Chance that the interval ever misses the effect, in (0, 1).

    Raises
    ------
    Invalid
        When nobody, or everybody, is treated by design.

    Notes
    -----
    With the outcome predicted as a mean of the group plus a common slope on `before`, each person
    gives the term ``f1 - f0 + t (y - f1) / p - (1 - t) (y - f0) / (1 - p)``, whose mean is the
    effect. Who brought much so far tends to bring more, so from day to day the sum strays less than
    the random walk of equal variance for which the boundary is made.
    """
    if not 0.0 < treated_share < 1.0:
        raise Invalid(
            f"a share of {treated_share:g} is treated: there is nobody to compare with",
            hint="set decision.control_share above 0 and below 1",
        )
    groups = (treated, ~treated)
    counts = [int(np.count_nonzero(group)) for group in groups]
    if min(counts) == 0:
        means = [float(outcome[group].sum()) / max(1, int(group.sum())) for group in groups]
        return _told(counts, means, 1.0, None)
    slope, kept = _cuped(groups, outcome, before)
    left = outcome - slope * (before - before.mean())
    means = [float(left[group].mean()) for group in groups]
    share = np.where(treated, treated_share, treated_share - 1.0)
    terms = means[0] - means[1] + (left - np.where(treated, means[0], means[1])) / share
    enough = min(int(np.count_nonzero(outcome[group])) for group in groups) >= LEAST_BUYERS
    planned = PLANNED_PEOPLE * planned_sd**2 / (treated_share * (1.0 - treated_share))
    return _told(counts, means, kept, _reaches(terms, planned, alpha) if enough else None)


def _reaches(terms: Floats, planned_variance: float, alpha: float) -> tuple[float, float]:
    """Give how far the mean of the terms may be off: at any day, and at one look."""
    variance, count = float(((terms - terms.mean()) ** 2).sum()), len(terms)
    return radius(variance, planned_variance, alpha) / count, fixed_radius(variance, alpha) / count


def _told(
    counts: list[int], means: list[float], kept: float, reaches: tuple[float, float] | None
) -> Effect:
    """Put an effect together; without reaches there is no interval and no verdict."""
    effect = means[0] - means[1]
    away, once = reaches or (0.0, 0.0)
    verdict: Verdict = "too_few"
    if reaches is not None:
        verdict = "more" if effect > away else "less" if effect < -away else "unknown"
    return Effect(
        treated=counts[0],
        control=counts[1],
        mean_treated=means[0],
        mean_control=means[1],
        effect=effect,
        low=effect - away if reaches else None,
        high=effect + away if reaches else None,
        once_low=effect - once if reaches else None,
        once_high=effect + once if reaches else None,
        variance_kept=kept,
        verdict=verdict,
    )


def _cuped(groups: tuple[Bools, Bools], outcome: Floats, before: Floats) -> tuple[float, float]:
    """Give the slope of the outcome on what was before within groups, and the variance left."""
    outcome_within, before_within = outcome.astype(np.float64), before.astype(np.float64)
    for group in groups:
        outcome_within = np.where(group, outcome_within - outcome[group].mean(), outcome_within)
        before_within = np.where(group, before_within - before[group].mean(), before_within)
    squares = float(before_within @ before_within)
    total = float(outcome_within @ outcome_within)
    if squares <= 0 or total <= 0:
        return 0.0, 1.0
    slope = float(before_within @ outcome_within) / squares
    return slope, 1.0 - slope**2 * squares / total


def in_words(found: Effect, what: str) -> str:
    """Say what can be told of an effect.

    Parameters
    ----------
    what
        What the outcome is, such as ``orders``.
    """
    if found.verdict == "too_few":
        return (
            f"Too few people: {LEAST_BUYERS} with {what} are needed in each group. Let it run; the"
            " control group must not be made smaller."
        )
    if found.verdict == "unknown":
        return f"That it changes {what} cannot be told yet. You may look again any day."
    fewer = "fewer" if what.endswith("s") else "less"
    direction = "more" if found.verdict == "more" else fewer
    return f"It brings {direction} {what}; this holds at whatever day you looked."
