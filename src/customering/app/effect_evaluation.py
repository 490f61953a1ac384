"""What deciding for each person brought, against the groups that did without; and for whom."""

import math

import numpy as np

from customering.app.arms import (
    HABITS,
    Brought,
    Entered,
    brought_by,
    habits_before,
    read_groups,
    read_groups_of_action,
)
from customering.app.decided import PURPOSE, latest_ms
from customering.app.engine import Engine
from customering.app.persuading import DAYS as SUCCESS_DAYS
from customering.app.persuading import bought_within
from customering.kernel.clock import day_of, format_day
from customering.kernel.errors import Absent
from customering.kernel.records import Record
from customering.outcomes.effect import Effect, in_words, incremental_effect
from customering.outcomes.uplift import Uplift, judge_uplift

MOST_DECISIONS = 100_000
_SURELY_WRONG = 1e-4


class Measured(Record, frozen=True, kw_only=True):
    """One outcome a person: what it is, its unit, the effect, and what that means."""

    what: str
    unit: str
    effect: Effect
    words: str


class Comparison(Record, frozen=True, kw_only=True):
    """One group of people against another.

    Parameters
    ----------
    title
        Which groups.
    since, until
        First and last UTC day.
    share_by_design, share_found
        The share of the first group among both, as set and as found.
    in_both
        People whose decisions put them into more than one group; they count for their first.
    measured
        The effect, by outcome.
    missing
        What keeps this from being told, in words; empty when nothing does.
    """

    title: str
    since: str
    until: str
    share_by_design: float
    share_found: float
    in_both: int
    measured: tuple[Measured, ...]
    missing: str = ""


class UpliftReport(Record, frozen=True, kw_only=True):
    """Whom acting changes.

    Parameters
    ----------
    title
        Which groups are compared, and what counts as success.
    features
        What was known of people before.
    uplift
        What is known of it; None without people.
    missing
        What keeps this from being told, in words; empty when nothing does.
    """

    title: str
    features: tuple[str, ...]
    uplift: Uplift | None
    missing: str = ""


def evaluate_effect(
    engine: Engine, *, action_id: str = "", since_ms: int = 0
) -> tuple[Comparison, ...]:
    """Compare people who are treated with those who are not.

    Parameters
    ----------
    action_id
        Compare those from whom this action is held out; empty to compare with the control group,
        and with those for whom chance chooses where there are any.
    since_ms
        Only decisions from this instant on: the day the groups were dealt.

    Raises
    ------
    Absent
        When there is no action of this name.
    """
    if action_id:
        share = 1.0 - _holdout_share(engine, action_id)
        entered = read_groups_of_action(engine, action_id, most=MOST_DECISIONS, since_ms=since_ms)
        title = f"{action_id} against those from whom it is held out"
        return (_compared(engine, title, entered, ("personal", "control"), share),)
    entered = read_groups(engine, since_ms)
    settings = engine.settings.decision
    control, chance = settings.control_share, float(getattr(settings, "random_share", 0.0))
    personal = (1.0 - control) * (1.0 - chance)
    found = [
        _compared(
            engine,
            "chosen for each person, against the control group",
            entered,
            ("personal", "control"),
            personal / (personal + control) if control else 1.0,
        )
    ]
    if any(one.group == "random" for one in entered):
        title = "chosen for each person, against chosen by chance"
        found.append(_compared(engine, title, entered, ("personal", "random"), 1.0 - chance))
    return tuple(found)


def evaluate_uplift(engine: Engine, *, action_id: str = "", seed: int = 1) -> UpliftReport:
    """Say whether it can be told whom acting changes: who buys only because of it.

    Parameters
    ----------
    action_id
        The action; empty for all that is chosen for each person.
    seed
        Seed of all chance.

    Raises
    ------
    Absent
        When there is no action of this name.
    """
    if action_id:
        _holdout_share(engine, action_id)
        entered = read_groups_of_action(engine, action_id, most=MOST_DECISIONS)
    else:
        entered = read_groups(engine)
    what = action_id or "chosen for each person"
    last = day_of(latest_ms(engine))
    ripe = [
        one
        for one in entered
        if one.group in ("personal", "control") and one.day + SUCCESS_DAYS <= last + 1
    ]
    title = f"{what}: who buys within {SUCCESS_DAYS} days because of it"
    if not ripe:
        missing = f"Nobody has been in a group for {SUCCESS_DAYS} days yet."
        return UpliftReport(title=title, features=(), uplift=None, missing=missing)
    data = engine.purchases(PURPOSE)
    happened = bought_within(data, ripe, SUCCESS_DAYS)
    treated = np.array([one.group == "personal" for one in ripe])
    found = judge_uplift(habits_before(data, ripe), treated, happened, seed=seed)
    return UpliftReport(title=title, features=HABITS, uplift=found)


def _compared(
    engine: Engine, title: str, entered: list[Entered], groups: tuple[str, str], share: float
) -> Comparison:
    """Compare two groups; a share of 1 says that there is nobody in the second."""
    among = [one for one in entered if one.group in groups]
    found = sum(one.group == groups[0] for one in among) / max(len(among), 1)
    missing = _missing(among, share, found)
    measured: list[Measured] = []
    if among and 0.0 < share < 1.0:
        brought = brought_by(engine, among)
        treated = np.array([one.group == groups[0] for one in among])
        measured = _measured(brought, treated, share, engine.settings.events.default_currency)
    return Comparison(
        title=title,
        since=format_day(min((one.day for one in among), default=0)) if among else "",
        until=format_day(day_of(latest_ms(engine))) if among else "",
        share_by_design=share,
        share_found=found,
        in_both=sum(one.groups > 1 for one in among),
        measured=tuple(measured),
        missing=missing,
    )


def _measured(
    brought: Brought, treated: "np.ndarray[tuple[int], np.dtype[np.bool_]]", share: float, unit: str
) -> list[Measured]:
    found: list[Measured] = []
    # The scale alone, from both groups together: it says nothing of their difference.
    usual = float(brought.margin.sum() / max(brought.orders.sum(), 1.0)) or 1.0
    for what, kind, outcome, before, one in (
        ("orders", "orders", brought.orders, brought.orders_before, 1.0),
        ("margin", f"minor units of {unit}", brought.margin, brought.margin_before, usual),
    ):
        planned = float(before.std()) or one
        effect = incremental_effect(
            treated, outcome, before, treated_share=share, planned_sd=planned
        )
        found.append(Measured(what=what, unit=kind, effect=effect, words=in_words(effect, what)))
    return found


def _missing(among: list[Entered], share: float, found: float) -> str:
    if not 0.0 < share < 1.0:
        return "Nobody is left out by design: set `decision.control_share`, or `holdout_share`."
    if not among:
        return "No decision shows anybody's group yet: decide for people first."
    error = math.sqrt(share * (1.0 - share) / len(among))
    if math.erfc(abs(found - share) / error / math.sqrt(2.0)) < _SURELY_WRONG:
        return (
            f"The groups are not of the size that is set: {1 - found:.1%} instead of"
            f" {1 - share:.1%} are left out. Were the settings changed? Then say --since the day of"
            " the change; what is below is not to be trusted."
        )
    return ""


def _holdout_share(engine: Engine, action_id: str) -> float:
    for action in engine.actions:
        if action.action_id == action_id:
            return float(getattr(action, "holdout_share", 0.0))
    raise Absent(
        f"there is no action {action_id!r}", hint="`customering catalog list` names them all"
    )
