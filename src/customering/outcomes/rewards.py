"""Predicts what each candidate would have earned, by models that did not see the row.

Doubly robust estimates need such predictions. They need not be right: they only make the interval
narrower. But a model that saw a row's own reward would make the estimate wrong, so the people are
dealt into folds, and each fold is predicted by a model of the others (cross-fitting).

References
----------
Chernozhukov et al. "Double/debiased machine learning", The Econometrics Journal 2018.
"""

import numpy as np
from numpy.typing import NDArray

from customering.outcomes.trials import Bools, Floats, Integers, Trials
from customering.taste.logistic import fit_additive

FOLDS = 3
_PRIOR_SUCCESSES = 5.0
_LEAST_ROWS = 20


def folds_of(people: Integers, folds: int, seed: int) -> Integers:
    """Deal people into folds of equal size, by chance: all rows of a person are in one fold."""
    known, person = np.unique(people, return_inverse=True)
    dealt = np.random.default_rng(seed).permutation(len(known)) % folds
    result: Integers = dealt[person].astype(np.intp)
    return result


def predict_success(
    trials: Trials,
    happened: Bools,
    features: NDArray[np.floating],
    *,
    folds: int = FOLDS,
    seed: int = 1,
) -> Floats:
    """Predict, for each candidate, the chance of success if it had been chosen.

    It is a logistic regression on the features, times how much more often the action itself
    succeeded than that says; drawn towards 1 where it was seldom done, as a gamma prior worth five
    successes does.

    Parameters
    ----------
    trials
        What was decided.
    happened
        Which rows were a success. Shape (rows,).
    features
        What is known of each candidate before it is done. Shape (candidates, features); there may
        be none.
    folds
        Into how many parts the people are dealt, at least 2.
    seed
        Seed of the dealing.

    Returns
    -------
    ndarray
        Chances in [0, 1]. Shape (candidates,). With a handful of rows it is the rate of all others.
    """
    fold, predicted = folds_of(trials.people, folds, seed), np.zeros(len(trials.chances))
    of_candidates = np.repeat(fold, np.diff(trials.begins))
    for held_out in range(folds):
        seen, wanted = fold != held_out, of_candidates == held_out
        if not wanted.any():
            continue
        if np.count_nonzero(seen) < _LEAST_ROWS:
            predicted[wanted] = _rate(happened[seen])
            continue
        chosen = trials.chosen[seen]
        model = fit_additive(_rows(features[chosen]), happened[seen])
        more = _own_factors(
            trials.actions[chosen], happened[seen], model.probability(_rows(features[chosen]))
        )
        action = trials.actions[wanted]
        own = np.where(action < len(more), more[np.minimum(action, len(more) - 1)], 1.0)
        predicted[wanted] = np.minimum(own * model.probability(_rows(features[wanted])), 1.0)
    return predicted


def predict_rewards(
    trials: Trials, chance: Floats, worth: Floats, *, folds: int = FOLDS, seed: int = 1
) -> Floats:
    """Predict the reward of each candidate from its chance of success and what success is worth.

    Parameters
    ----------
    chance
        As `predict_success` gives it, with the same folds and seed.
    worth
        What success with each candidate is held to be worth. Shape (candidates,).

    Notes
    -----
    What is claimed is not what is earned: the product is scaled to what the other folds earned.
    """
    fold, expected = folds_of(trials.people, folds, seed), chance * worth
    of_candidates = np.repeat(fold, np.diff(trials.begins))
    for held_out in range(folds):
        seen, wanted = fold != held_out, of_candidates == held_out
        claimed = float(expected[trials.chosen[seen]].sum())
        earned = float(trials.rewards[seen].sum())
        expected[wanted] *= earned / claimed if claimed > 0 else 0.0
    return expected


def _rate(happened: Bools) -> float:
    return (float(happened.sum()) + 0.5) / (len(happened) + 1.0)


def _own_factors(action: Integers, happened: Bools, expected: Floats) -> Floats:
    """Give for each action how much more often it succeeded than was expected of its rows."""
    result: Floats = (np.bincount(action, happened) + _PRIOR_SUCCESSES) / (
        np.bincount(action, expected) + _PRIOR_SUCCESSES
    )
    return result


def _rows(features: NDArray[np.floating]) -> NDArray[np.float32]:
    return features.astype(np.float32)
