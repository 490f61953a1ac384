"""What one weight of a learner is: what it belongs to, what is expected of it, and how it adds."""

from collections.abc import Iterable
from enum import IntEnum

from customering.decision.features import BIAS
from customering.kernel.records import Record

PLAIN = "plain"
"""The feature of the plain model: always 1, whoever asks."""

# Prior variances of the weights, of `BIAS` and `PLAIN` and of all other features, by level. That
# tastes differ by group and hardly by action of one group was best in the simulated town.
_BIAS_VARIANCE = (1.0, 0.5, 0.25, 0.25)
_FEATURE_VARIANCE = (0.1, 0.05, 0.5, 0.02)


class Level(IntEnum):
    """What a row of weights belongs to."""

    ALL = 0
    PLACE = 1
    GROUP = 2
    ACTION = 3


class Delta(Record, frozen=True):
    """What was learned beyond a base.

    Parameters
    ----------
    weights
        By level, key and feature: the added precision, and the added precision times mean.
    counts
        Outcomes by place.
    updates
        How many steps were taken.
    """

    weights: dict[tuple[int, str, str], tuple[float, float]]
    counts: dict[str, float]
    updates: int

    def __add__(self, other: "Delta") -> "Delta":
        """Give both together."""
        weights = dict(self.weights)
        for name, (precision, product) in other.weights.items():
            mine = weights.get(name, (0.0, 0.0))
            weights[name] = (mine[0] + precision, mine[1] + product)
        counts = dict(self.counts)
        for place, count in other.counts.items():
            counts[place] = counts.get(place, 0.0) + count
        return Delta(weights=weights, counts=counts, updates=self.updates + other.updates)


def joined(parts: Iterable[Delta]) -> Delta:
    """Give several deltas as one."""
    whole = Delta(weights={}, counts={}, updates=0)
    for part in parts:
        whole += part
    return whole


def precision_of(level: Level, feature: str) -> float:
    """Give the precision of a weight before anything was learned."""
    variances = _BIAS_VARIANCE if feature in (BIAS, PLAIN) else _FEATURE_VARIANCE
    return 1.0 / variances[level]
