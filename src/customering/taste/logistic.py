"""Additive logistic regression: each feature adds a bent line to the log odds, fitted by Newton."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from customering.kernel.errors import InvalidDefinition

Matrix = NDArray[np.float32]
Floats = NDArray[np.float64]

_ROWS_AT_ONCE = 1 << 15
_STEPS_MAX = 30
_HALVINGS_MAX = 20
_ENOUGH = 1e-7
"""A step that lowers the loss by a smaller share than this is the last."""


@dataclass(frozen=True, slots=True, eq=False)
class Additive:
    """Fitted log odds: intercept plus, for each feature, a line with a bend at every knot.

    Parameters
    ----------
    mean, scale
        Of each feature over the training rows; a feature that never varies has scale 1.
    knots
        Shape (features, knots): where a feature's line may bend; no columns for straight lines.
    weights
        Shape (features, 1 + knots): the slope, then the change of slope at each knot, per `scale`.
    intercept
        Log odds where every feature is at its mean and below its first knot.
    """

    mean: Floats
    scale: Floats
    knots: Floats
    weights: Floats
    intercept: float

    def log_odds(self, rows: Matrix) -> Floats:
        """Score rows of features. Shape (rows,)."""
        basis = _basis(rows, self.mean, self.scale, self.knots)
        result: Floats = (basis @ self.weights.ravel()) + self.intercept
        return result

    def probability(self, rows: Matrix) -> Floats:
        """Give the probability of each row, in (0, 1)."""
        result: Floats = 1.0 / (1.0 + np.exp(-np.clip(self.log_odds(rows), -30.0, 30.0)))
        return result

    def parts(self, rows: Matrix) -> Floats:
        """Split the log odds of rows into what each feature adds. Shape (rows, features)."""
        basis = _basis(rows, self.mean, self.scale, self.knots) * self.weights.ravel()
        result: Floats = basis.reshape(len(rows), *self.weights.shape).sum(axis=2)
        return result


def fit_additive(
    rows: Matrix, happened: NDArray[np.bool_], *, knots: int = 0, ridge: float = 1.0
) -> Additive:
    """Fit an additive logistic regression.

    Parameters
    ----------
    rows
        Features, shape (rows, features).
    happened
        The label of each row. Where all are alike no feature tells anything: then every row gets
        the one rate, with half a row added to either side (Jeffreys' prior).
    knots
        Bends of each feature's line, at its inner quantiles, >= 0.
    ridge
        Penalty on half the squared weights (of standardised features), > 0.

    Raises
    ------
    InvalidDefinition
        When there is no row.

    Notes
    -----
    Newton's method with step halving on the penalised likelihood: 6 to 12 passes over the rows
    where L-BFGS needs some hundreds, since the features are strongly correlated. The Hessian is
    summed over blocks of rows, so memory beyond the rows themselves is bounded.

    References
    ----------
    Hastie, Tibshirani, Friedman. "The Elements of Statistical Learning", 2nd edition, 2009,
    section 4.4.1 (Newton's method for logistic regression) and 5.2 (piecewise polynomials).
    """
    if not len(rows):
        raise InvalidDefinition(
            "there is no training row",
            hint="Train on more purchases: people must have come back after the training cut.",
        )
    if happened.all() or not happened.any():
        return _same_for_all(rows.shape[1], int(happened.sum()), len(rows))
    mean = rows.mean(axis=0, dtype=np.float64)
    spread = rows.std(axis=0, dtype=np.float64)
    scale = np.where(spread > 0, spread, 1.0)
    places = np.linspace(0, 1, knots + 2)[1:-1]
    bends = np.zeros((rows.shape[1], knots))
    if knots:
        bends[:] = np.quantile(rows, places, axis=0).T
    basis = _basis(rows, mean, scale, bends)
    weights, intercept = _newton(basis, happened.astype(np.float32), ridge)
    return Additive(mean, scale, bends, weights.reshape(rows.shape[1], 1 + knots), intercept)


def _same_for_all(features: int, happened: int, rows: int) -> Additive:
    """Give the model in which no feature counts, as befits a shop that is small or just begins."""
    return Additive(
        mean=np.zeros(features),
        scale=np.ones(features),
        knots=np.zeros((features, 0)),
        weights=np.zeros((features, 1)),
        intercept=float(np.log((happened + 0.5) / (rows - happened + 0.5))),
    )


def _basis(rows: Matrix, mean: Floats, scale: Floats, knots: Floats) -> Matrix:
    """Spread each feature into its standardised value and its excess over each knot."""
    width = 1 + knots.shape[1]
    basis = np.empty((len(rows), rows.shape[1] * width), dtype=np.float32)
    basis[:, ::width] = (rows - mean) / scale
    for bend in range(knots.shape[1]):
        basis[:, bend + 1 :: width] = np.maximum(rows - knots[:, bend], 0.0) / scale
    return basis


def _newton(basis: Matrix, label: NDArray[np.float32], ridge: float) -> tuple[Floats, float]:
    rate = float(label.mean())
    weights = np.zeros(basis.shape[1])
    intercept = float(np.log(rate / (1 - rate)))
    odds, loss = _loss(basis, label, weights, intercept, ridge)
    for _ in range(_STEPS_MAX):
        step = _newton_step(basis, label, odds, weights, ridge)
        size = 1.0
        for _ in range(_HALVINGS_MAX):
            trial = weights - size * step[:-1], intercept - size * float(step[-1])
            trial_odds, trial_loss = _loss(basis, label, *trial, ridge)
            if trial_loss <= loss:
                break
            size /= 2
        else:
            break
        gain = loss - trial_loss
        (weights, intercept), odds, loss = trial, trial_odds, trial_loss
        if gain <= _ENOUGH * abs(loss):
            break
    return weights, intercept


def _loss(
    basis: Matrix, label: NDArray[np.float32], weights: Floats, intercept: float, ridge: float
) -> tuple[Matrix, float]:
    """Give the log odds of the rows and the penalised negative log likelihood."""
    odds = basis @ weights.astype(np.float32) + np.float32(intercept)
    surprise = np.maximum(odds, 0) - label * odds + np.log1p(np.exp(-np.abs(odds)))
    return odds, float(surprise.sum(dtype=np.float64) + ridge * (weights @ weights) / 2)


def _newton_step(
    basis: Matrix, label: NDArray[np.float32], odds: Matrix, weights: Floats, ridge: float
) -> Floats:
    chance = 1.0 / (1.0 + np.exp(-np.clip(odds, -30.0, 30.0)))
    width = basis.shape[1]
    gradient = np.zeros(width + 1)
    curvature = np.zeros((width + 1, width + 1))
    for begin in range(0, len(basis), _ROWS_AT_ONCE):
        part = slice(begin, begin + _ROWS_AT_ONCE)
        block, error = basis[part], (chance - label)[part]
        weight = (chance * (1 - chance))[part]
        weighted = block * weight[:, np.newaxis]
        gradient[:-1] += error @ block
        gradient[-1] += error.sum()
        curvature[:-1, :-1] += weighted.T @ block
        curvature[-1, :-1] += weighted.sum(axis=0)
        curvature[-1, -1] += weight.sum()
    curvature[:-1, -1] = curvature[-1, :-1]
    gradient[:-1] += ridge * weights
    curvature[np.diag_indices(width)] += ridge
    # Here, because fitting alone needs it and it takes longer to import than all the rest.
    from scipy.linalg import cho_factor, cho_solve

    step: Floats = cho_solve(cho_factor(curvature), gradient)
    return step
