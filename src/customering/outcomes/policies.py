"""Other policies, as the chance each gives to the candidates of decisions that were made."""

import numpy as np

from customering.kernel.errors import Invalid
from customering.outcomes.off_policy import weights
from customering.outcomes.support import LEAST_EFFECTIVE_ROWS
from customering.outcomes.trials import Bools, Floats, Integers, Trials


def uniform(trials: Trials, possible: Bools | None = None) -> Floats:
    """Give everything that was possible the same chance.

    Parameters
    ----------
    possible
        Which candidates may be done; without it, all.
    """
    kept = _kept(trials, possible)
    return kept / trials.sums(kept)[trials.rows]


def greedy(trials: Trials, scores: Floats, possible: Bools | None = None) -> Floats:
    """Do what has the highest score, and of equals the first.

    Parameters
    ----------
    scores
        Of each candidate.
    possible
        Which candidates may be done; without it, all.
    """
    kept = _kept(trials, possible) > 0
    ranked = np.where(kept, scores, -np.inf)
    best = np.maximum.reduceat(ranked, trials.begins[:-1]) if len(trials) else np.zeros(0)
    is_best = kept & (ranked == best[trials.rows])
    first = np.zeros(len(trials.chances))
    places = np.flatnonzero(is_best)
    rows, begins = np.unique(trials.rows[places], return_index=True)
    if len(rows) != len(trials):
        raise Invalid("A score is not a number.", hint="Score every candidate.")
    first[places[begins]] = 1.0
    return first


def mixed(first: Floats, second: Floats, share: float) -> Floats:
    """Do as the second policy in a share of cases, and as the first in the others."""
    return (1.0 - share) * first + share * second


def always(trials: Trials, action: int, otherwise: Floats) -> Floats:
    """Do one action wherever it is a candidate, else what another policy does."""
    is_it = (trials.actions == action).astype(np.float64)
    there = trials.sums(is_it) > 0
    return np.where(there[trials.rows], is_it, otherwise)


def popular(
    trials: Trials, happened: Bools, fold: Integers, possible: Bools | None = None
) -> Floats:
    """Do, of what is possible, what succeeded most often with other people.

    Parameters
    ----------
    happened
        Which rows were a success.
    fold
        The fold of each row: a row is judged by the successes of the other folds.
    """
    count = int(trials.actions.max(initial=-1)) + 1
    chosen = trials.actions[trials.chosen]
    times = np.zeros(len(trials.chances))
    of_candidates = np.repeat(fold, np.diff(trials.begins))
    for held_out in np.unique(fold):
        seen = (fold != held_out) & happened
        often = np.bincount(chosen[seen], minlength=count)
        wanted = of_candidates == held_out
        times[wanted] = often[trials.actions[wanted]]
    return greedy(trials, times, possible)


def best_single_action(
    trials: Trials,
    otherwise: Floats,
    predicted: Floats | None = None,
    *,
    least_effective: float = LEAST_EFFECTIVE_ROWS,
) -> int:
    """Give the number of the action that would earn most if everybody got it who can.

    Parameters
    ----------
    otherwise
        The policy where the action is no candidate.
    predicted
        The reward that is predicted for each candidate; with it the values are doubly robust.
    least_effective
        Effective rows below which an action is not considered: the luckiest of many that were
        seldom tried looks best. When all are below, it is the one of which the log says most.
    """
    done = np.zeros(len(trials.chances))
    done[trials.chosen] = 1.0 / trials.at_chosen(trials.chances)
    rows = trials.rows
    earned, expected = done * trials.rewards[rows], 0.0 if predicted is None else predicted
    terms = earned + expected - done * expected
    other = trials.sums(otherwise * terms)
    value = np.bincount(trials.actions, terms - other[rows])
    # Rows in which the action is no candidate weigh as the other policy weighs them.
    weight = weights(trials, otherwise)
    total = weight.sum() + np.bincount(trials.actions, done - weight[rows])
    squares = (weight**2).sum() + np.bincount(trials.actions, done**2 - (weight**2)[rows])
    effective = np.divide(total**2, squares, out=np.zeros_like(total), where=squares > 0)
    known = np.bincount(trials.actions) > 0
    enough = known & (effective >= least_effective)
    if not enough.any():
        return int(np.argmax(np.where(known, effective, -np.inf)))
    return int(np.argmax(np.where(enough, value, -np.inf)))


def best_single(
    trials: Trials, fold: Integers, otherwise: Floats, predicted: Floats | None = None
) -> Floats:
    """Do the one action that earned most with other people, wherever it is a candidate.

    Parameters
    ----------
    fold
        The fold of each row: the action is the best of the other folds, so that luck is not taken
        for merit.
    """
    target = otherwise.copy()
    of_candidates = np.repeat(fold, np.diff(trials.begins))
    for held_out in np.unique(fold):
        others, kept = trials.only(fold != held_out)
        if not len(others):
            continue
        best = best_single_action(
            others,
            otherwise[kept],
            None if predicted is None else predicted[kept],
            least_effective=LEAST_EFFECTIVE_ROWS * len(others) / len(trials),
        )
        wanted = of_candidates == held_out
        target[wanted] = always(trials, best, otherwise)[wanted]
    return target


def _kept(trials: Trials, possible: Bools | None) -> Floats:
    """Give 1 for what may be done; where nothing may, everything that was possible is kept."""
    if possible is None:
        return np.ones(len(trials.chances))
    kept = possible.astype(np.float64)
    return np.where((trials.sums(kept) > 0)[trials.rows], kept, 1.0)
