"""Whether the log can say anything about a policy: how much it holds, and whether it is sound."""

from typing import Literal

import numpy as np
import scipy  # its parts are imported at their first use: they take long

from customering.kernel.records import Record
from customering.outcomes.off_policy import Estimate, Estimator, difference, estimate_all, weights
from customering.outcomes.trials import Floats, Integers, Trials

LEAST_EFFECTIVE_ROWS = 200
"""Below this the log says too little about a policy for a verdict."""

MOST_UNSUPPORTED = 0.05
"""More of a policy's mass than this, on what was never tried, leaves no verdict."""

_SURELY_WRONG = 1e-4
_OWN_GROUPS = 20
_BANDS = (0.01, 0.05, 0.2, 0.5)
_LEAST_VARIANCE = 5.0

Verdict = Literal["too_little", "unsupported", "not_as_logged", "better", "worse", "level"]


class Diagnostics(Record, frozen=True, kw_only=True):
    """How much a log says about a policy.

    Parameters
    ----------
    rows, people
        Decisions, and people they were for.
    effective_rows
        ``(sum of w)^2 / sum of w^2``: as many rows of the policy itself would say as much (Kish
        1965, "Survey Sampling").
    unsupported_share
        Share of what the policy would do that the log never gave a chance, in [0, 1]. Of it nothing
        can be known; only the predictions speak of it.
    largest_weight, mean_weight
        How much one row counts at most; and on average, which should be near 1.
    chi_square, degrees, chi_square_p
        How far what was done is from the chances the log names, and the chance to be as far as that
        when they are true. Near 0 the chances are wrong, and with them all that rests on them.
    """

    rows: int
    people: int
    effective_rows: float
    unsupported_share: float
    largest_weight: float
    mean_weight: float
    chi_square: float
    degrees: int
    chi_square_p: float


class PolicyValue(Record, frozen=True, kw_only=True):
    """What a policy would have earned a decision, how sure that is, and the verdict.

    Parameters
    ----------
    estimates
        By estimator; empty without rows.
    gain
        How much more than the policy in force would have earned; None without rows.
    diagnostics
        How much the log says about it.
    verdict, words
        The verdict, as a code and in words.
    """

    estimates: dict[Estimator, Estimate]
    gain: Estimate | None
    diagnostics: Diagnostics
    verdict: Verdict
    words: str

    @property
    def best(self) -> Estimate | None:
        """The estimate to read: DR, or what is nearest to it."""
        for name in _IN_ORDER:
            if name in self.estimates:
                return self.estimates[name]
        return None

    @property
    def has_verdict(self) -> bool:
        """Whether the log says enough to judge the policy."""
        return self.verdict in ("better", "worse", "level")


_IN_ORDER: tuple[Estimator, ...] = ("DR", "SNIPS", "IPS")


def judge(
    trials: Trials, target: Floats, predicted: Floats | None = None, *, seed: int = 1
) -> PolicyValue:
    """Say what a policy would have earned, against what was done.

    Parameters
    ----------
    trials
        What was decided and earned.
    target
        The chance that the policy gives each candidate; each row sums to 1.
    predicted
        The reward that is predicted for each candidate, by a model that did not see the row.
    seed
        Seed of the bootstrap.
    """
    estimates = estimate_all(trials, target, predicted, seed=seed)
    gain = difference(trials, target, None, predicted, seed=seed) if len(trials) else None
    diagnostics = diagnose(trials, target)
    verdict, words = _verdict(diagnostics, gain)
    return PolicyValue(
        estimates=estimates, gain=gain, diagnostics=diagnostics, verdict=verdict, words=words
    )


def diagnose(trials: Trials, target: Floats) -> Diagnostics:
    """Say how much a log says about a policy."""
    weight = weights(trials, target) if len(trials) else np.zeros(0)
    chi_square, degrees = chi_square_of_choices(trials)
    return Diagnostics(
        rows=len(trials),
        people=trials.number_of_people,
        effective_rows=effective_rows(weight),
        unsupported_share=_unsupported(trials, target),
        largest_weight=float(weight.max(initial=0.0)),
        mean_weight=float(weight.mean()) if len(weight) else 0.0,
        chi_square=chi_square,
        degrees=degrees,
        chi_square_p=float(scipy.special.chdtrc(degrees, chi_square)) if degrees else 1.0,
    )


def effective_rows(weight: Floats) -> float:
    """Give how many rows of equal weight would say as much."""
    squares = float((weight**2).sum())
    return float(weight.sum()) ** 2 / squares if squares else 0.0


def chi_square_of_choices(trials: Trials) -> tuple[float, int]:
    """Compare what was done with the chances the log names.

    Returns
    -------
    tuple
        The statistic, and its degrees of freedom; 0 of them when nothing was left to chance.

    Notes
    -----
    Candidates are put into groups: the actions expected most often each by itself, the rest by how
    likely they were. Each row is one draw from its own distribution, so the covariance of the
    counts is the sum over rows of ``diag(p) - p p'``; the statistic is the squared distance of the
    counts from their expectation in that metric, asymptotically chi-square (for equal rows it is
    Pearson's).
    """
    if not len(trials):
        return 0.0, 0
    group = _groups(trials)
    width = int(group.max()) + 1
    flat = trials.rows * width + group
    chances = np.bincount(flat, trials.chances, len(trials) * width).reshape(-1, width)
    counts = np.bincount(group[trials.chosen], minlength=width).astype(np.float64)
    apart = counts - chances.sum(axis=0)
    covariance = np.diag(chances.sum(axis=0)) - chances.T @ chances
    values, vectors = np.linalg.eigh(covariance)
    real = values > max(1e-9 * float(values.max(initial=0.0)), 1e-9)
    along = apart @ vectors[:, real]
    return float((along**2 / values[real]).sum()), int(real.sum())


def _groups(trials: Trials) -> Integers:
    """Put each candidate into a group whose count varies enough to be compared."""
    doubt = np.bincount(trials.actions, trials.chances * (1.0 - trials.chances))
    often = np.argsort(-doubt, kind="stable")[:_OWN_GROUPS]
    own = np.full(len(doubt), -1, dtype=np.intp)
    often = often[doubt[often] >= _LEAST_VARIANCE]
    own[often] = np.arange(len(often))
    bands = len(often) + np.searchsorted(_BANDS, trials.chances)
    group = np.where(own[trials.actions] >= 0, own[trials.actions], bands)
    varies = np.bincount(group, trials.chances * (1.0 - trials.chances))
    rest = len(varies)
    group = np.where(varies[group] < _LEAST_VARIANCE, rest, group)
    _, found = np.unique(group, return_inverse=True)
    return found.astype(np.intp)


def _unsupported(trials: Trials, target: Floats) -> float:
    if not len(trials):
        return 0.0
    return float(trials.sums(np.where(trials.chances > 0, 0.0, target)).mean())


def _verdict(found: Diagnostics, gain: Estimate | None) -> tuple[Verdict, str]:
    if gain is None:
        return "too_little", "No verdict: there is no decision of which an outcome can be known."
    if found.effective_rows < LEAST_EFFECTIVE_ROWS:
        return "too_little", (
            f"No verdict: the log says as much about it as {found.effective_rows:,.0f} decisions of"
            f" its own would; {LEAST_EFFECTIVE_ROWS} are needed."
        )
    if found.chi_square_p < _SURELY_WRONG:
        return "not_as_logged", (
            "No verdict: what was done does not fit the chances in the log"
            f" (chi-square {found.chi_square:,.0f} with {found.degrees} degrees of freedom)."
        )
    if found.unsupported_share > MOST_UNSUPPORTED:
        return "unsupported", (
            f"No verdict: {found.unsupported_share:.0%} of what it would do was never given a"
            " chance."
        )
    if min(gain.low, gain.normal_low) > 0:
        return "better", "It would have earned more than what was done."
    if max(gain.high, gain.normal_high) < 0:
        return "worse", "It would have earned less than what was done."
    return "level", "No difference from what was done can be told."
