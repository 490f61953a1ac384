"""Whether groups of people that the operator names are treated alike: a count, and no verdict.

The groups are declared, such as by ``age_group``; nothing is guessed about anybody. What is counted
is what people got, not what was weighed.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from customering.decision.model import LEAVE_ALONE, Decision
from customering.kernel.records import Record

NOT_SAID = "not said"


class Treatment(Record, frozen=True, kw_only=True):
    """How one group was treated.

    Parameters
    ----------
    group
        The group; `NOT_SAID` for people who did not declare it.
    decisions
        Decisions made for its people.
    left_alone
        Share of these in which they were left alone, in [0, 1].
    shares
        By action the share of its decisions in which it was chosen, in [0, 1].
    mean_rank
        By action its mean place where it was chosen, from 1.
    """

    group: str
    decisions: int
    left_alone: float
    shares: dict[str, float]
    mean_rank: dict[str, float]


class Disparity(Record, frozen=True, kw_only=True):
    """How differently an action came to the groups.

    Parameters
    ----------
    action_id
        The action.
    least, most
        The groups that got it least and most often.
    ratio
        The least share divided by the greatest, in [0, 1]; below 0.8 it is worth a look.

    References
    ----------
    The four-fifths rule of the Uniform Guidelines on Employee Selection Procedures (1978), here a
    hint where to look and nothing more.
    """

    action_id: str
    least: str
    most: str
    ratio: float


def treatments(
    decided: Iterable[tuple[Decision, Mapping[str, Any]]], declared: str
) -> list[Treatment]:
    """Count what each group got, in order of group.

    Parameters
    ----------
    decided
        Decisions, each with what its person declared.
    declared
        The declared fact that names the group of a person, such as ``age_group``.
    """
    ranks: dict[str, dict[str, list[int]]] = {}
    counts: dict[str, int] = {}
    for decision, facts in decided:
        group = str(facts.get(declared) or NOT_SAID)
        counts[group] = counts.get(group, 0) + 1
        of_group = ranks.setdefault(group, {})
        for rank, action_id in enumerate(decision.chosen, start=1):
            of_group.setdefault(action_id, []).append(rank)
    return [
        Treatment(
            group=group,
            decisions=count,
            left_alone=len(ranks[group].pop(LEAVE_ALONE, ())) / count,
            shares={name: len(some) / count for name, some in sorted(ranks[group].items())},
            mean_rank={name: sum(some) / len(some) for name, some in sorted(ranks[group].items())},
        )
        for group, count in sorted(counts.items())
    ]


def disparities(found: Iterable[Treatment], *, decisions_least: int = 100) -> list[Disparity]:
    """Compare the shares of groups with enough decisions, the most different action first."""
    groups = [one for one in found if one.decisions >= decisions_least]
    if len(groups) < 2:
        return []
    made = []
    for action_id in sorted({name for one in groups for name in one.shares}):
        by_share = sorted(groups, key=lambda one: (one.shares.get(action_id, 0.0), one.group))
        least, most = by_share[0], by_share[-1]
        ratio = least.shares.get(action_id, 0.0) / most.shares[action_id]
        made.append(Disparity(action_id=action_id, least=least.group, most=most.group, ratio=ratio))
    return sorted(made, key=lambda one: (one.ratio, one.action_id))
