"""The estimators of another policy's value once more, row by row, as their papers write them."""

from collections.abc import Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """One decision: chances of the log and of the policy, predictions, what was done, reward."""

    chances: Sequence[float]
    target: Sequence[float]
    predicted: Sequence[float]
    chosen: int
    reward: float

    @property
    def weight(self) -> float:
        return self.target[self.chosen] / self.chances[self.chosen]

    @property
    def mean_prediction(self) -> float:
        return sum(chance * q for chance, q in zip(self.target, self.predicted, strict=True))


def ips(rows: Sequence[Row]) -> float:
    return sum(row.weight * row.reward for row in rows) / len(rows)


def snips(rows: Sequence[Row]) -> float:
    return sum(row.weight * row.reward for row in rows) / sum(row.weight for row in rows)


def direct(rows: Sequence[Row]) -> float:
    return sum(row.mean_prediction for row in rows) / len(rows)


def doubly_robust(rows: Sequence[Row]) -> float:
    total = 0.0
    for row in rows:
        total += row.mean_prediction + row.weight * (row.reward - row.predicted[row.chosen])
    return total / len(rows)


def switched(rows: Sequence[Row], most: float) -> float:
    total = 0.0
    for row in rows:
        total += row.mean_prediction
        if row.weight <= most:
            total += row.weight * (row.reward - row.predicted[row.chosen])
    return total / len(rows)


def effective(rows: Sequence[Row]) -> float:
    squares = sum(row.weight**2 for row in rows)
    return sum(row.weight for row in rows) ** 2 / squares if squares else 0.0


def unsupported(rows: Sequence[Row]) -> float:
    total = 0.0
    for row in rows:
        for logged, wanted in zip(row.chances, row.target, strict=True):
            total += wanted if logged == 0 else 0.0
    return total / len(rows)
