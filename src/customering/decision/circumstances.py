"""What the circumstances and the last outcomes do to the score of a candidate.

The operator writes rules: where a condition over the person and the request holds, actions of a
group or kind, or of an id, weigh so much more or less. And what the person said to something of a
group weighs on the rest of the group for a while: less after "not this", more or less after taking
it up, as the operator says, fading by half in each half-life.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customering.decision.eligibility import condition_of
from customering.decision.policy import Case
from customering.decision.settings import ContextWeight, Influence
from customering.decision.table import Floats, Table
from customering.kernel.clock import MS_PER_DAY

_EVEN = 0.001  # a factor nearer to 1 than this is none


def weights_of(case: Case, readable: Mapping[str, Any] | None) -> Floats | None:
    """Give the weight of each candidate; None when all weigh the same.

    Parameters
    ----------
    readable
        What conditions may read; None where nothing known of the person may be used.
    """
    settings, tables, person = case.policy.settings, case.offer.tables, case.person
    may_weigh = settings.context_weights or person.dismissed or person.accepted
    if readable is None or not may_weigh:
        return None
    holding = [
        rule
        for rule in settings.context_weights
        if condition_of(rule.when).holds(readable, case.now_ms)
    ]
    pressed = [
        (days, influence)
        for days, influence in (
            (person.dismissed, settings.after_dismissed),
            (person.accepted, settings.after_accepted),
        )
        if days and influence.factor != 1.0
    ]
    if not holding and not pressed:
        return None
    parts = [np.ones(len(table)) for table in tables]
    for table, part in zip(tables, parts, strict=True):
        for rule in holding:
            part[_meant(rule, table)] *= rule.weight
    for days, influence in pressed:
        _press(parts, tables, days, influence, case.now_ms)
    return np.concatenate([np.zeros(0), *parts])


def _meant(rule: ContextWeight, table: Table) -> NDArray[np.bool_]:
    """Tell which candidates a rule is about; what it does not name is any."""
    columns = table.columns
    meant = np.ones(len(table), dtype=np.bool_)
    for wanted, column in (
        (rule.groups, columns.group),
        (rule.kinds, columns.kind),
        (rule.actions, columns.action_id),
    ):
        if wanted:
            meant &= np.array([one in wanted for one in column], dtype=np.bool_)
    return meant


def _press(
    parts: Sequence[Floats],
    tables: Sequence[Table],
    days: Mapping[str, int],
    influence: Influence,
    now_ms: int,
) -> None:
    """Weigh the groups of what a person said something to, by the strongest of its influences."""
    factors: dict[str, float] = {}
    for table in tables:
        for action_id, day in days.items():
            row = table.places.get(action_id)
            group = "" if row is None else table.columns.group[row]
            if group:
                factor = _faded(influence, now_ms, day)
                held = factors.get(group, 1.0)
                factors[group] = factor if abs(factor - 1.0) > abs(held - 1.0) else held
    factors = {group: factor for group, factor in factors.items() if abs(factor - 1.0) >= _EVEN}
    if factors:
        for table, part in zip(tables, parts, strict=True):
            np.multiply(part, [factors.get(one, 1.0) for one in table.columns.group], out=part)


def _faded(influence: Influence, now_ms: int, day: int) -> float:
    """Give what is left of an influence: it fades by half in each half-life."""
    passed = max(now_ms / MS_PER_DAY - day, 0.0)
    left: float = 0.5 ** (passed / influence.half_life_days)
    return 1.0 + (influence.factor - 1.0) * left
