"""The section of a report about groups: what each was offered, and what it took up."""

from customering.app.engine import Engine
from customering.app.fairness_evaluation import (
    FairnessEvaluation,
    declared_facts,
    evaluate_fairness,
)
from customering.app.report_model import Bar, IntervalChart, Section, cells
from customering.outcomes.fairness import MEASURES, Mean

TITLE = "How groups fared"

_COLUMNS = ("offered something", "seen", "worth", "expected to take up", "took up")
_SAID = dict(zip(MEASURES, _COLUMNS, strict=True))


def fairness_section(engine: Engine, by: str) -> Section:
    """Tell how groups fared; without a fact that names them, by the one most people declared."""
    by = by or next((name for name, _ in declared_facts(engine).most_common(1)), "")
    if not by:
        return Section(
            title=TITLE,
            command="customering evaluate fairness --by FACT",
            missing="Nobody declared anything that names a group, and nothing is guessed.",
        )
    return fairness_told(evaluate_fairness(engine, by))


def fairness_told(done: FairnessEvaluation) -> Section:
    """Write the section of groups from its figures."""
    command = f"customering evaluate fairness --by {done.by}"
    groups = done.found.groups
    if done.missing or not groups:
        few = f"No group has {done.least_people} people of whom something was decided."
        return Section(title=TITLE, command=command, missing=done.missing or few)
    differences = [
        f"{one.group}: {_SAID[one.measure]} {_told(one.measure, one.theirs)}, all others"
        f" {_told(one.measure, one.others)}"
        f"{' (less than four fifths: worth a look)' if one.is_far else ''}."
        for one in done.found.differences
    ]
    small = (
        f" {done.found.too_small:,} people are in groups too small to be told of."
        if done.found.too_small
        else ""
    )
    return Section(
        title=TITLE,
        command=command,
        headline=(
            f"{sum(one.is_far for one in done.found.differences)} differences by"
            f" {done.by.replace('_', ' ')} are worth a look"
        ),
        finding=(
            f"{done.decisions:,} decisions by what people declared as {done.by.replace('_', ' ')}."
            f"{small}{'' if differences else ' No difference that chance does not explain.'}"
        ),
        points=tuple(differences),
        columns=(done.by.replace("_", " "), "people", "decisions", *_COLUMNS),
        rows=tuple(
            cells(
                one.group,
                one.people,
                one.decisions,
                *(_between(measure, one.of(measure)) for measure in MEASURES),
            )
            for one in groups
        ),
        charts=(
            _chart("offered", "Share of decisions in which something was offered", done),
            _chart("accepted", "Share of offers that were taken up", done),
        ),
    )


def _chart(measure: str, title: str, done: FairnessEvaluation) -> IntervalChart:
    bars = []
    for one in done.found.groups:
        mean = one.of(measure)
        bars.append(
            Bar(
                label=one.group,
                value=None if mean is None else mean.value,
                low=None if mean is None else mean.low,
                high=None if mean is None else mean.high,
                text="–" if mean is None else _told(measure, mean.value),
            )
        )
    told = "; ".join(f"{bar.label} {bar.text}" for bar in bars)
    return IntervalChart(
        title=f"{title}, 95 % between people", bars=tuple(bars), alt=f"{title}: {told}."
    )


def _between(measure: str, one: Mean | None) -> str | None:
    if one is None:
        return None
    return f"{_told(measure, one.value)} ± {_told(measure, one.high - one.value)}"


def _told(measure: str, value: float) -> str:
    return f"{value / 100:,.2f}" if measure == "value_minor" else f"{value:.1%}"
