"""The section of a report about chances: whether what was expected of what was shown came true."""

from typing import NamedTuple

import numpy as np

from customering.app.decided import latest_ms, open_decided, read_decided
from customering.app.engine import Engine
from customering.app.report_model import (
    Bar,
    Chart,
    IntervalChart,
    Line,
    LineChart,
    Section,
    cells,
)
from customering.decision.model import LEAVE_ALONE, Decision
from customering.kernel.clock import MS_PER_HOUR
from customering.kernel.records import Record
from customering.outcomes.calibration import LEAST, Calibration, calibration

MOST_DECISIONS = 20_000
TITLE = "Whether chances come true"
COMMAND = "customering evaluate chances"


class ChancesEvaluation(Record, frozen=True, kw_only=True):
    """Whether what was expected of first places came true.

    Parameters
    ----------
    found
        How true they are; None with too few cases.
    unseen
        Decisions of which nobody told that they were seen.
    missing
        What keeps this from being told, in words; empty when nothing does.
    """

    found: Calibration | None
    unseen: int
    missing: str = ""


class _Case(NamedTuple):
    chance: float
    before: float
    happened: bool
    person: int


def evaluate_chances(engine: Engine, *, most: int = MOST_DECISIONS) -> ChancesEvaluation:
    """Compare the chances of what had the first place with what came of it.

    Success and being seen are what learning takes for them at each placement; decisions whose
    window has not closed are left out.

    Parameters
    ----------
    most
        Most decisions to read; of more, the newest.
    """
    open_decided(engine)
    last_ms = max(engine.present, latest_ms(engine))
    cases: list[_Case] = []
    unseen = 0
    for number, one in enumerate(read_decided(engine, most=most)):
        for decision in one.decisions:
            learning = engine.settings.learning
            how = learning.at(decision.placement, decision.channel)
            window_ms = (how.window_hours or 0.0) * MS_PER_HOUR
            if decision.decided_at + window_ms > last_ms or decision.chosen[0] == LEAVE_ALONE:
                continue
            told = {
                each.outcome
                for each in one.outcomes.get(decision.decision_id, ())
                if each.action_id == decision.chosen[0]
            }
            is_success = not told.isdisjoint(
                learning.success_of(decision.chosen[0], decision.placement, decision.channel)
            )
            if how.exposure == "shown" and "shown" not in told:
                unseen += 1
                continue
            cases.append(_case(decision, number, is_success))
    if len(cases) < LEAST:
        missing = (
            f"{len(cases):,} decisions were told as shown, and {LEAST} are needed: tell what was"
            " shown and what came of it (`/v1/outcomes`)."
        )
        return ChancesEvaluation(found=None, unseen=unseen, missing=missing)
    chance, before, happened, person = (np.array(column) for column in zip(*cases, strict=True))
    found = calibration(chance, happened, person, before)
    return ChancesEvaluation(found=found, unseen=unseen)


def _case(decision: Decision, person: int, happened: bool) -> _Case:
    first = decision.ranked[0]
    before = first.propensity if first.prior is None else first.prior
    return _Case(first.propensity, before, happened, person)


def chances_section(engine: Engine) -> Section:
    """Tell whether what was expected came true."""
    return chances_told(evaluate_chances(engine))


def chances_told(done: ChancesEvaluation) -> Section:
    """Write the section of chances from its figures."""
    found = done.found
    if found is None:
        return Section(title=TITLE, command=COMMAND, missing=done.missing)
    numbered = list(enumerate(found.parts, 1))
    top = found.parts[-1]
    losses: tuple[str, ...] = ()
    if found.surprise_before is not None and found.surprise > found.surprise_before + 1e-9:
        losses = (
            "Chances: what was expected before learning foretold better"
            f" ({found.surprise_before:.4f} nats against {found.surprise:.4f}).",
        )
    off = "" if found.off is None else f" The tenths are off by {found.off:.1%} of it in sum."
    return Section(
        title=TITLE,
        command=COMMAND,
        headline=(
            f"{found.expected:.1%} expected, {found.real:.1%} came true; lift of the best tenth"
            f" {top.lift:.1f}"
        ),
        finding=(
            f"{found.cases:,} first places that were seen, for {found.people:,} people:"
            f" {found.expected:.2%} were expected to be taken up, {found.real:.2%} were.{off} The"
            f" tenth with the highest chances was taken up {top.lift:.1f} times as often as all."
        ),
        columns=("tenth by chance", "decisions", "expected", "real", "between", "lift"),
        rows=tuple(
            cells(
                number,
                part.cases,
                f"{part.expected:.2%}",
                f"{part.real:.2%}",
                f"{part.low:.2%} to {part.high:.2%}",
                f"{part.lift:.2f}",
            )
            for number, part in numbered
        ),
        charts=_charts(found),
        losses=losses,
    )


def _charts(found: Calibration) -> tuple[Chart, ...]:
    """Draw calibration and lift."""
    numbered, top = list(enumerate(found.parts, 1)), found.parts[-1]
    return (
        LineChart(
            title="Share taken up, by tenth of what was expected",
            across="tenth by chance",
            upward="share taken up",
            is_percent_upward=True,
            lines=(
                Line(
                    label="real",
                    points=tuple((float(n), part.real) for n, part in numbered),
                    band=tuple((float(n), part.low, part.high) for n, part in numbered),
                ),
                Line(
                    label="expected",
                    points=tuple((float(n), part.expected) for n, part in numbered),
                ),
            ),
            alt=(
                f"In the highest tenth {top.expected:.1%} were expected and {top.real:.1%} came"
                f" true; in the lowest {found.parts[0].expected:.1%} and"
                f" {found.parts[0].real:.1%}."
            ),
        ),
        IntervalChart(
            title="Lift: how many times as often as all it was taken up",
            bars=tuple(
                Bar(
                    label=f"tenth {number}",
                    value=part.lift,
                    low=part.low / found.real if found.real else None,
                    high=part.high / found.real if found.real else None,
                    text=f"{part.lift:.2f}",
                    is_ours=True,
                )
                for number, part in numbered
            ),
            reference=1.0,
            alt=f"From {found.parts[0].lift:.2f} in the lowest tenth to {top.lift:.2f}.",
        ),
    )
