"""What a town knows of the decisions made in it, for a report: what was missed, and rivals."""

from collections.abc import Callable, Iterable

import numpy as np

from customering.app.report_town import OURS, RivalFared, TownTruth, TrueDay
from customering.decision.learning_settings import LearningSettings
from customering.decision.settings import DecisionSettings
from customering.testing.assortment import Floats
from customering.testing.contest import Policy, Result, compete
from customering.testing.facts import facts_of
from customering.testing.living import LivedDay
from customering.testing.ours import Ours
from customering.testing.rivals import Popularity, Random, Rules, Thompson
from customering.testing.world import Town

_SPREADS = 1.959963984540054


def ours(town: Town) -> Policy:
    """Give our policy, without a control group, which would be the same for all and only dilute."""
    settings, learning = DecisionSettings(control_share=0.0), LearningSettings(context="always")
    return Ours(town, decision=settings, learning=learning, name=OURS)


RIVALS: tuple[Callable[[Town], Policy], ...] = (Random, Rules, Popularity, Thompson, ours)


def truth_of(
    town: Town,
    lived: Iterable[LivedDay],
    *,
    decisions: int,
    tell: Callable[[int, str | None], None] = lambda done, what: None,
) -> TownTruth:
    """Gather what is true of the days lived, and try other policies on the same people.

    Parameters
    ----------
    decisions
        How many each policy makes; 0 tries none.
    tell
        Takes how many policies are done, and which is under way.
    """
    days = tuple(
        TrueDay(
            day=one.day,
            decisions=one.decisions,
            accepted=one.accepted,
            chosen_minor=one.chosen_minor,
            uniform_minor=one.uniform_minor,
            best_minor=one.best_minor,
        )
        for one in lived
    )
    rivals = []
    if decisions:
        facts = facts_of(town)
        for number, make in enumerate(RIVALS):
            policy = make(town)
            tell(number, policy.name)
            rivals.append(fared(compete(town, facts, policy, decisions)))
    return TownTruth(days=days, rivals=tuple(rivals), rival_decisions=decisions)


def fared(result: Result) -> RivalFared:
    """Tell how a policy fared, with the interval of a ratio between people."""
    margin, uniform, best = (result.column(name) for name in ("margin", "uniform", "best"))
    captured, error = _ratio(margin - uniform, best - uniform, result.column("person"))
    return RivalFared(
        name=result.name,
        captured=captured,
        low=captured - _SPREADS * error,
        high=captured + _SPREADS * error,
        last_quarter=result.captured(last_quarter=True),
        accepted=float(result.column("accepted").mean()),
        missed_minor=result.regret_minor,
    )


def _ratio(top: Floats, base: Floats, person: Floats) -> tuple[float, float]:
    """Give the ratio of two sums, and its standard error between people (Cochran 1977, 6.3)."""
    ratio = float(top.sum() / base.sum())
    _, mine = np.unique(person, return_inverse=True)
    away = np.bincount(mine, top - ratio * base)
    people = len(away)
    return ratio, float(np.sqrt((away**2).sum() * people / max(people - 1, 1)) / base.sum())
