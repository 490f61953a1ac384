"""What a learner learned beyond a base, by names, so that workers with other tables may add it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from customering.decision.table import Floats

Arm = tuple[str, str]
"""A group and an action of it."""


@dataclass(frozen=True, slots=True, eq=False)
class NamedSums:
    """Sums of a model as in `Moments`, by names.

    Parameters
    ----------
    columns
        The names of the columns, sorted.
    groups
        By group the sums of ``c z z'`` and of ``v z``.
    arms
        By arm the sums of ``c z``, of ``c`` and of ``v``.
    """

    columns: tuple[str, ...] = ()
    groups: Mapping[str, tuple[Floats, Floats]] = field(default_factory=dict)
    arms: Mapping[Arm, tuple[Floats, float, float]] = field(default_factory=dict)

    def over(self, columns: tuple[str, ...]) -> "NamedSums":
        """Give the same over more columns."""
        if columns == self.columns:
            return self
        places = {name: at for at, name in enumerate(columns)}
        at = np.array([places[name] for name in self.columns], dtype=np.intp)
        count = len(columns)
        groups = {}
        for key, (gram, pull) in self.groups.items():
            wider, longer = np.zeros((count, count)), np.zeros(count)
            wider[np.ix_(at, at)], longer[at] = gram, pull
            groups[key] = wider, longer
        arms = {}
        for arm, (row, mass, arm_pull) in self.arms.items():
            wide = np.zeros(count)
            wide[at] = row
            arms[arm] = wide, mass, arm_pull
        return NamedSums(columns, groups, arms)

    def plus(self, other: "NamedSums", sign: float = 1.0) -> "NamedSums":
        """Give both together, or the difference with a sign of -1."""
        columns = tuple(sorted({*self.columns, *other.columns}))
        mine, its = self.over(columns), other.over(columns)
        groups, arms = dict(mine.groups), dict(mine.arms)
        nothing = np.zeros((len(columns), len(columns))), np.zeros(len(columns))
        for key, (gram, pull) in its.groups.items():
            before = groups.get(key, nothing)
            groups[key] = before[0] + sign * gram, before[1] + sign * pull
        for arm, (row, mass, arm_pull) in its.arms.items():
            had = arms.get(arm, (nothing[1], 0.0, 0.0))
            arms[arm] = had[0] + sign * row, had[1] + sign * mass, had[2] + sign * arm_pull
        return NamedSums(columns, groups, arms)


@dataclass(frozen=True, slots=True, eq=False)
class Delta:
    """What was learned beyond a base.

    Parameters
    ----------
    personal, plain
        What was added to each of the two models.
    counts
        Outcomes by place.
    updates
        How many outcomes there were.
    """

    personal: NamedSums
    plain: NamedSums
    counts: Mapping[str, float]
    updates: int

    def __add__(self, other: "Delta") -> "Delta":
        """Give both together."""
        counts = dict(self.counts)
        for place, count in other.counts.items():
            counts[place] = counts.get(place, 0.0) + count
        return Delta(
            self.personal.plus(other.personal),
            self.plain.plus(other.plain),
            counts,
            self.updates + other.updates,
        )


NOTHING = Delta(NamedSums(), NamedSums(), {}, 0)


def joined(parts: Iterable[Delta]) -> Delta:
    """Give several deltas as one."""
    whole = NOTHING
    for part in parts:
        whole += part
    return whole
