"""The gate: a personalised policy is published only when it is not worse than one action for all.

Nothing is easier than to be worse than the best single message: most of what a model calls a
difference between people is noise. So both are judged on the same held-out decisions, and the
lower bound of the difference decides.
"""

from customering.kernel.records import Record
from customering.outcomes.off_policy import Estimate, Estimator, difference, estimate_all, weights
from customering.outcomes.policies import always, best_single_action
from customering.outcomes.support import LEAST_EFFECTIVE_ROWS, effective_rows
from customering.outcomes.trials import Floats, Trials


class Gated(Record, frozen=True, kw_only=True):
    """Whether a personalised policy may be published, and why.

    Parameters
    ----------
    passes
        Whether it may.
    best_single
        The number of the action that is best for everybody on the held-out decisions.
    policy, single
        What each would have earned a decision; None where the log says nothing.
    gain
        By how much the policy would have earned more, row by row; None without rows.
    effective_rows
        As how many decisions of its own the log speaks of the policy, and of the single action,
        whichever is less.
    words
        The verdict, as a person reads it.
    """

    passes: bool
    best_single: int
    policy: Estimate | None
    single: Estimate | None
    gain: Estimate | None
    effective_rows: float
    words: str


def gate(
    trials: Trials,
    target: Floats,
    predicted: Floats | None = None,
    *,
    tolerance: float = 0.0,
    seed: int = 1,
    level: float = 0.95,
) -> Gated:
    """Decide whether a personalised policy may take the place of the best single action.

    Parameters
    ----------
    trials
        Decisions that neither the policy nor the predictions have seen.
    target
        The chance that the policy gives each candidate.
    predicted
        The reward that is predicted for each candidate; with it the values are doubly robust.
    tolerance
        How much worse the lower bound may be, in the unit of the rewards.
    seed
        Seed of the bootstrap.
    level
        Coverage of the interval of the difference, in (0, 1).

    Notes
    -----
    The single action is the one that did best on these very decisions, which flatters it: the gate
    errs on the side of the simpler policy. Where it is no candidate, it does what the policy does.
    """
    if not len(trials):
        words = "Not published: there is no held-out decision to judge it by."
        return Gated(
            passes=False,
            best_single=-1,
            policy=None,
            single=None,
            gain=None,
            effective_rows=0.0,
            words=words,
        )
    best = best_single_action(trials, target, predicted)
    alone = always(trials, best, target)
    gain = difference(trials, target, alone, predicted, seed=seed, level=level)
    enough = min(effective_rows(weights(trials, one)) for one in (target, alone))
    low = min(gain.low, gain.normal_low)
    passes = enough >= LEAST_EFFECTIVE_ROWS and low >= -tolerance
    name: Estimator = "IPS" if predicted is None else "DR"
    return Gated(
        passes=passes,
        best_single=best,
        policy=estimate_all(trials, target, predicted, seed=seed, level=level).get(name),
        single=estimate_all(trials, alone, predicted, seed=seed, level=level).get(name),
        gain=gain,
        effective_rows=enough,
        words=_words(passes, enough, low, gain),
    )


def _words(passes: bool, enough: float, low: float, gain: Estimate) -> str:
    between = f"{gain.value:+.4g} a decision, 95 % between {gain.low:+.4g} and {gain.high:+.4g}"
    if enough < LEAST_EFFECTIVE_ROWS:
        return (
            f"Not published: the log says as much as {enough:,.0f} decisions would;"
            f" {LEAST_EFFECTIVE_ROWS} are needed."
        )
    if not passes:
        return (
            "Not published: that it is as good as one action for everybody is not sure"
            f" ({between}). Everybody gets the same."
        )
    return f"Published: it is not worse than one action for everybody ({between})."
