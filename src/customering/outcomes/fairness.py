"""Whether groups of people that they declared themselves fare alike: counts with intervals.

It says how often people of a group were offered something, what that was worth, what they were
expected to take up and what they took up. It is no verdict: groups may differ in what they want. A
difference that chance does not explain is worth a look. Small groups are not told of, for figures
about a few people are figures about people.
"""

from collections.abc import Iterable, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from customering.decision.fairness import NOT_SAID
from customering.decision.model import LEAVE_ALONE, Decision
from customering.kernel.records import Record
from customering.outcomes.evidence import SUCCESSES
from customering.outcomes.model import Attributed
from customering.outcomes.trials import Floats

LEAST_PEOPLE = 50
"""People a group must have to be told of."""

MEASURES = ("offered", "seen", "value_minor", "expected", "accepted")
"""Whatever is told of a group, in the order it is read."""

_SPREADS = 1.959963984540054
_FOUR_FIFTHS = 0.8
_BASE = {"offered": "decisions", "seen": "offers", "value_minor": "offers", "expected": "offers",
         "accepted": "offers"}  # fmt: skip


class Mean(Record, frozen=True, kw_only=True):
    """A mean with its 95 % interval between people."""

    value: float
    low: float
    high: float


class GroupFared(Record, frozen=True, kw_only=True):
    """How one group fared.

    Parameters
    ----------
    group
        What its people declared.
    people, decisions
        How many.
    offered
        Share of decisions in which they were not left alone.
    seen
        Share of offers that were told as seen.
    value_minor
        Margin of an offer if it is taken up. Minor units.
    expected, accepted
        Share of offers they were expected to take up, and did. None without offers.
    """

    group: str
    people: int
    decisions: int
    offered: Mean | None
    seen: Mean | None
    value_minor: Mean | None
    expected: Mean | None
    accepted: Mean | None

    def of(self, measure: str) -> Mean | None:
        """Give one of `MEASURES`."""
        found: Mean | None = getattr(self, measure)
        return found


class Difference(Record, frozen=True, kw_only=True):
    """In what a group fared otherwise than all other people, beyond chance.

    Parameters
    ----------
    group, measure
        Which group, and which of `MEASURES`.
    theirs, others
        The mean of the group, and of everybody else who declared something.
    low, high
        The interval of the difference, which holds for all that were looked at at once.
    is_far
        Whether the smaller is less than four fifths of the larger, so that it is worth a look.
    """

    group: str
    measure: str
    theirs: float
    others: float
    low: float
    high: float
    is_far: bool


class Fared(Record, frozen=True, kw_only=True):
    """How groups fared.

    Parameters
    ----------
    groups
        Those with enough people, in order of name; `NOT_SAID` last.
    too_small
        People of groups that are too small to be told of.
    differences
        What chance does not explain, the farthest first.
    """

    groups: tuple[GroupFared, ...]
    too_small: int
    differences: tuple[Difference, ...]


class Dealt(NamedTuple):
    """A decision, its person, the group they declared, what came of it, and what is success."""

    decision: Decision
    person: str
    group: str
    outcomes: Sequence[Attributed]
    success: Sequence[str] = SUCCESSES


def fared(
    dealt: Iterable[Dealt],
    *,
    least_people: int = LEAST_PEOPLE,
) -> Fared:
    """Count how groups fared.

    Parameters
    ----------
    dealt
        The decisions, in any order.
    least_people
        People a group must have.

    References
    ----------
    Intervals of ratios between people: Cochran, "Sampling Techniques" (1977), section 6.3. The hint
    of four fifths: Uniform Guidelines on Employee Selection Procedures (1978).
    """
    numbers: dict[tuple[str, str], int] = {}
    rows: list[list[float]] = []
    for one in dealt:
        place = numbers.setdefault((one.group, one.person), len(rows))
        if place == len(rows):
            rows.append([0.0] * (2 + len(MEASURES)))
        for at, value in enumerate(_counted(one)):
            rows[place][at] += value
    table = np.array(rows, dtype=np.float64).reshape(-1, 2 + len(MEASURES))
    group_of = np.array([group for group, _ in numbers], dtype=object)
    names = sorted(set(group_of), key=lambda name: (name == NOT_SAID, name))
    sizes = {name: int((group_of == name).sum()) for name in names}
    told = [name for name in names if sizes[name] >= least_people]
    return Fared(
        groups=tuple(_group(name, table[group_of == name]) for name in told),
        too_small=sum(size for name, size in sizes.items() if name not in told),
        differences=_differences(told, group_of, table),
    )


def _counted(one: Dealt) -> tuple[float, ...]:
    """Give of one decision: itself, whether it offers, and the measures in their order."""
    first = next((each for each in one.decision.ranked if each.rank == 1), None)
    if first is None or first.action_id == LEAVE_ALONE:
        return (1.0, *([0.0] * (1 + len(MEASURES))))
    mine = {each.outcome for each in one.outcomes if each.action_id in (first.action_id, "")}
    return (
        1.0,
        1.0,
        1.0,
        float("shown" in mine),
        float(first.value_minor),
        first.propensity,
        float(not mine.isdisjoint(one.success)),
    )


def _column(measure: str) -> tuple[int, int]:
    """Give the columns of a measure: of its sum, and of what it is a share of."""
    return 2 + MEASURES.index(measure), 0 if _BASE[measure] == "decisions" else 1


def _group(name: str, rows: Floats) -> GroupFared:
    means = {measure: _mean(rows, measure) for measure in MEASURES}
    return GroupFared(group=name, people=len(rows), decisions=int(rows[:, 0].sum()), **means)


def _ratio(rows: Floats, measure: str) -> tuple[float, float] | None:
    """Give a mean over decisions or offers, and its standard error between people."""
    top, base = (rows[:, column] for column in _column(measure))
    if base.sum() <= 0 or len(rows) < 2:
        return None
    ratio = float(top.sum() / base.sum())
    away = top - ratio * base
    error = float(np.sqrt((away**2).sum() * len(rows) / (len(rows) - 1)) / base.sum())
    return ratio, error


def _mean(rows: Floats, measure: str) -> Mean | None:
    found = _ratio(rows, measure)
    if found is None:
        return None
    value, error = found
    return Mean(value=value, low=value - _SPREADS * error, high=value + _SPREADS * error)


def _differences(
    told: Sequence[str], group_of: "np.ndarray[tuple[int], np.dtype[np.object_]]", table: Floats
) -> tuple[Difference, ...]:
    """Compare each group with all others that said something; nobody is compared with silence."""
    names = [name for name in told if name != NOT_SAID]
    if len(names) < 2:
        return ()
    compared = np.isin(group_of, names)
    spreads = NormalDist().inv_cdf(1 - 0.025 / (len(names) * len(MEASURES)))
    found = []
    for name in names:
        theirs, others = table[group_of == name], table[compared & (group_of != name)]
        for measure in MEASURES:
            one, rest = _ratio(theirs, measure), _ratio(others, measure)
            if one is None or rest is None:
                continue
            away = spreads * (one[1] ** 2 + rest[1] ** 2) ** 0.5
            gap = one[0] - rest[0]
            if abs(gap) > away:
                small, large = sorted((one[0], rest[0]))
                found.append(
                    Difference(
                        group=name,
                        measure=measure,
                        theirs=one[0],
                        others=rest[0],
                        low=gap - away,
                        high=gap + away,
                        is_far=small < _FOUR_FIFTHS * large,
                    )
                )
    return tuple(sorted(found, key=_nearness))


def _nearness(one: Difference) -> tuple[float, str, str]:
    small, large = sorted((one.theirs, one.others))
    return small / large if large else 1.0, one.group, one.measure
