"""The sections of a report that only a simulated town can have: what was missed, by its truth."""

from pathlib import Path

import msgspec

from customering.app.engine import Engine
from customering.app.report_model import (
    Bar,
    IntervalChart,
    Line,
    LineChart,
    Section,
    cells,
    percent,
)
from customering.kernel.errors import Corrupt
from customering.kernel.records import Record, from_json, to_json

FILE = "truth.json"
"""The file in the home of a town that tells what nobody in the town can know."""

OURS = "customering"
AIM = 0.8
"""The share of the way from drawing to knowing that we aim at."""

_WEEK = 7


class TrueDay(Record, frozen=True, kw_only=True):
    """One day of decisions, by the truth.

    Parameters
    ----------
    day
        Day of the town.
    decisions, accepted
        How many were made, and how many of them were accepted.
    chosen_minor, uniform_minor, best_minor
        Expected margin of what was chosen, of an offer drawn uniformly, and of the best for each;
        the sum over the decisions. Minor units.
    """

    day: int
    decisions: int
    accepted: int
    chosen_minor: float
    uniform_minor: float
    best_minor: float


class RivalFared(Record, frozen=True, kw_only=True):
    """How a policy fared among the same people.

    Parameters
    ----------
    name
        The policy.
    captured, low, high
        Share of the way from drawing uniformly to the best for each, and its 95 % interval between
        people.
    last_quarter
        The same in the last quarter of the decisions.
    accepted
        Share of decisions that were accepted.
    missed_minor
        Margin missed a decision. Minor units.
    """

    name: str
    captured: float
    low: float
    high: float
    last_quarter: float
    accepted: float
    missed_minor: float


class TownTruth(Record, frozen=True, kw_only=True):
    """What is true of the decisions in a town.

    Parameters
    ----------
    days
        The days it lived.
    rivals
        Policies that were tried on the same people; ours is one of them.
    rival_decisions
        Decisions each of them made.
    """

    days: tuple[TrueDay, ...]
    rivals: tuple[RivalFared, ...] = ()
    rival_decisions: int = 0


def keep_truth(folder: Path, truth: TownTruth) -> None:
    """Keep the truth in the home of a town."""
    (folder / FILE).write_bytes(to_json(truth))


def read_truth(folder: Path) -> TownTruth | None:
    """Read the truth; None where the home is of no town.

    Raises
    ------
    Corrupt
        When it cannot be read.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        return from_json(path.read_bytes(), TownTruth)
    except msgspec.DecodeError as error:
        raise Corrupt(
            f"{path} cannot be read: {error}", hint="make the town again: `customering town`"
        ) from error


def town_sections(engine: Engine) -> tuple[Section, ...]:
    """Tell what was missed in a town, and how other policies fare there; nothing of a real shop."""
    truth = read_truth(engine.home.folder)
    if truth is None or not truth.days:
        return ()
    currency = engine.settings.events.default_currency
    told = (missed_told(truth.days, currency),)
    return (*told, rivals_told(truth, currency)) if truth.rivals else told


def missed_told(days: tuple[TrueDay, ...], currency: str) -> Section:
    """Write the section of what was missed."""
    weeks = [days[at : at + _WEEK] for at in range(0, len(days), _WEEK)]
    whole, last = _way(days), _way(weeks[-1])
    losses = (
        (f"Regret: {whole:.0%} of what could be had was had; the aim is {AIM:.0%}.",)
        if whole < AIM
        else ()
    )
    count = sum(day.decisions for day in days)
    return Section(
        title="What was missed",
        command="customering town",
        headline=f"{whole:.0%} of the way from drawing to knowing; {last:.0%} in the last week",
        finding=(
            f"{count:,} decisions of which the town knows what would have been best. Of the way"
            f" from an offer drawn uniformly to the best one for each, {whole:.0%} was gone, in the"
            f" last week {last:.0%}."
        ),
        columns=("week", "decisions", "drawn", "chosen", "best", "of the way", "missed"),
        rows=tuple(
            cells(
                number,
                sum(day.decisions for day in week),
                *(f"{_mean(week, name):.2f}" for name in ("uniform", "chosen", "best")),
                f"{_way(week):.0%}",
                f"{_mean(week, 'best') - _mean(week, 'chosen'):.2f}",
            )
            for number, week in enumerate(weeks, 1)
        ),
        charts=(_margin_chart(weeks, currency), _regret_chart(days, currency)),
        losses=losses,
    )


def _margin_chart(weeks: list[tuple[TrueDay, ...]], currency: str) -> LineChart:
    def points(name: str) -> tuple[tuple[float, float], ...]:
        return tuple((float(n), _mean(week, name)) for n, week in enumerate(weeks, 1))

    last = weeks[-1]
    return LineChart(
        title=f"Expected margin a decision, week by week (hundredths of {currency})",
        across="week",
        upward="margin a decision",
        lines=(
            Line(label="chosen", points=points("chosen")),
            Line(label="best for each", points=points("best")),
            Line(label="drawn uniformly", points=points("uniform")),
        ),
        alt=(
            f"In the last week {_mean(last, 'chosen'):.1f} was chosen, {_mean(last, 'best'):.1f}"
            f" could be had, and drawing has {_mean(last, 'uniform'):.1f}."
        ),
    )


def _regret_chart(days: tuple[TrueDay, ...], currency: str) -> LineChart:
    chosen = drawn = 0.0
    ours, theirs = [(0.0, 0.0)], [(0.0, 0.0)]
    for number, day in enumerate(days, 1):
        chosen += (day.best_minor - day.chosen_minor) / 100.0
        drawn += (day.best_minor - day.uniform_minor) / 100.0
        ours.append((float(number), chosen))
        theirs.append((float(number), drawn))
    return LineChart(
        title=f"Regret: margin missed since the first day ({currency})",
        across="days",
        upward="missed in all",
        lines=(
            Line(label="as it was chosen", points=tuple(ours)),
            Line(label="drawn uniformly", points=tuple(theirs)),
        ),
        alt=f"{chosen:,.0f} was missed in all; drawing uniformly would have missed {drawn:,.0f}.",
    )


def rivals_told(truth: TownTruth, currency: str) -> Section:
    """Write the section of other policies in the same town."""
    rivals = sorted(truth.rivals, key=lambda one: -one.captured)
    ours = next((one for one in rivals if one.name == OURS), None)
    losses = tuple(
        f"In the town, {one.name} goes {one.captured:.0%} of the way, ours {ours.captured:.0%}"
        f"{', which may be chance' if one.low <= ours.high else ''}."
        for one in rivals
        if ours is not None and one.captured > ours.captured
    )
    told = "; ".join(f"{one.name} {percent(one.captured)}" for one in rivals)
    return Section(
        title="Other policies in the same town",
        command="customering town --rivals",
        headline=told,
        finding=(
            f"Each made {truth.rival_decisions:,} decisions for the same people on the same days,"
            " over 90 days, with the same luck, and learned only from its own."
        ),
        columns=("policy", "of the way", "in the last quarter", "accepted", "missed a decision"),
        rows=tuple(
            cells(
                one.name,
                percent(one.captured),
                percent(one.last_quarter),
                f"{one.accepted:.1%}",
                f"{one.missed_minor:.2f}",
            )
            for one in rivals
        ),
        charts=(
            IntervalChart(
                title="Of the way from drawing uniformly to the best for each, 95 % between people",
                bars=tuple(
                    Bar(
                        label=one.name,
                        value=one.captured,
                        low=one.low,
                        high=one.high,
                        text=percent(one.captured),
                        is_ours=one.name == OURS,
                    )
                    for one in rivals
                ),
                reference=0.0,
                alt=f"Of the way: {told}. 0 % is drawing; missed is told in hundredths of"
                f" {currency}.",
            ),
        ),
        losses=losses,
    )


def _mean(days: tuple[TrueDay, ...], name: str) -> float:
    """Give the mean expected margin a decision. Minor units."""
    total: float = sum(getattr(day, f"{name}_minor") for day in days)
    return total / max(sum(day.decisions for day in days), 1)


def _way(days: tuple[TrueDay, ...]) -> float:
    """Give the share of the way from drawing uniformly to the best for each; 0 where both agree."""
    there = _mean(days, "best") - _mean(days, "uniform")
    return (_mean(days, "chosen") - _mean(days, "uniform")) / there if there else 0.0
