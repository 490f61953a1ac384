"""How groups of people that they declared themselves fared in this home's decisions."""

from collections import Counter
from collections.abc import Iterator

from customering.app.decided import begin_of, open_decided, read_decided
from customering.app.engine import Engine
from customering.decision.fairness import NOT_SAID, Disparity, disparities, treatments
from customering.decision.model import Decision
from customering.kernel.records import Record
from customering.outcomes.fairness import LEAST_PEOPLE, Dealt, Fared, fared

MOST_DECISIONS = 50_000

_PREFIX = "declared."
_MOST_GROUPS = 12
_LONGEST = 40  # what is longer is no name of a group


class FairnessEvaluation(Record, frozen=True, kw_only=True):
    """How groups fared.

    Parameters
    ----------
    by
        The declared fact that names the group of a person.
    decisions, withheld
        Decisions that were counted, and those that were not because their people do not permit it.
    least_people
        People a group must have to be told of.
    found
        How they fared.
    actions
        How differently each action came to the groups, the most different first.
    currency
        Of the amounts.
    missing
        What keeps this from being told, in words; empty when nothing does.
    """

    by: str
    decisions: int
    withheld: int
    least_people: int
    found: Fared
    actions: tuple[Disparity, ...]
    currency: str
    missing: str = ""


def evaluate_fairness(
    engine: Engine,
    by: str,
    *,
    placement: str = "",
    days: int = 0,
    least_people: int = LEAST_PEOPLE,
    most: int = MOST_DECISIONS,
) -> FairnessEvaluation:
    """Count how groups fared, among people who permit to be counted.

    Parameters
    ----------
    by
        The declared fact that names the group, such as ``age_group``; nothing is guessed.
    placement
        Only decisions of this place; empty for all.
    days
        Only decisions of so many days before the latest event; 0 for all.
    least_people
        People a group must have to be told of.
    most
        Most decisions to read; of more, the newest.

    """
    by = by.removeprefix(_PREFIX)
    groups = _groups(engine, by)
    counted = open_decided(engine, begin_of(engine, days))
    dealt: list[Dealt] = []
    told: list[tuple[Decision, dict[str, str]]] = []
    for one in _dealt(engine, groups, placement, most):
        dealt.append(one)
        told.append((one.decision, {by: one.group}))
    return FairnessEvaluation(
        by=by,
        decisions=len(dealt),
        withheld=counted.withheld,
        least_people=least_people,
        found=fared(dealt, least_people=least_people),
        actions=tuple(
            disparities(
                (one for one in treatments(told, by) if one.group != NOT_SAID),
                decisions_least=2 * least_people,
            )
        ),
        currency=engine.settings.events.default_currency,
        missing=_missing(engine, by, groups, dealt),
    )


def declared_facts(engine: Engine) -> Counter[str]:
    """Count who declared a fact that may name a group: a short text, one of a few."""
    people: Counter[str] = Counter()
    values: dict[str, set[str]] = {}
    for person in engine.everybody():
        for name, value in person.values["declared"].items():
            if isinstance(value, str) and len(value) <= _LONGEST:
                people[name] += 1
                if len(values.setdefault(name, set())) <= _MOST_GROUPS:
                    values[name].add(value)
    for name, some in values.items():
        if not 2 <= len(some) <= _MOST_GROUPS:
            del people[name]
    return people


def _missing(engine: Engine, by: str, groups: dict[str, str], dealt: list[Dealt]) -> str:
    if not groups:
        known = ", ".join(name for name, _ in declared_facts(engine).most_common(8))
        told = f"Declared are: {known}." if known else "Nobody declared anything of that kind."
        return f"Nobody declared {by!r}. {told}"
    return "" if dealt else "No decision is there yet: decide for people first."


def _groups(engine: Engine, by: str) -> dict[str, str]:
    """Give the group of each person who declared one."""
    found: dict[str, str] = {}
    for person in engine.everybody():
        value = person.values["declared"].get(by)
        if isinstance(value, str | int | bool):
            for name in person.identifiers:
                found[name] = str(value)
    return found


def _dealt(engine: Engine, groups: dict[str, str], placement: str, most: int) -> Iterator[Dealt]:
    for one in read_decided(engine, most=most):
        group = groups.get(one.person, NOT_SAID)
        for decision in one.decisions:
            if placement in ("", decision.placement):
                outcomes = one.outcomes.get(decision.decision_id, ())
                success = engine.settings.learning.success_of(
                    decision.chosen[0], decision.placement, decision.channel
                )
                yield Dealt(decision, one.person, group, outcomes, success)
