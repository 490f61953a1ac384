"""The sections of a report about decisions: other policies, the control group, uplift."""

from customering.app.effect_evaluation import (
    Comparison,
    UpliftReport,
    evaluate_effect,
    evaluate_uplift,
)
from customering.app.engine import Engine
from customering.app.policy_evaluation import (
    AS_DONE,
    PolicyEvaluation,
    PolicyRow,
    Question,
    evaluate_policies,
    told,
)
from customering.app.report_model import Bar, IntervalChart, Line, LineChart, Section, cells
from customering.outcomes.evidence import Success
from customering.outcomes.uplift import Uplift


def policy_section(engine: Engine) -> Section:
    """Tell what other policies would have earned."""
    success = Success(margin_share=engine.settings.catalog.margin_share)
    return policies_told(evaluate_policies(engine, Question(success=success)))


def policies_told(done: PolicyEvaluation) -> Section:
    """Write the section of policies from its figures."""
    title, command = "What another policy would have earned", "customering evaluate policy"
    if not done.decisions:
        return Section(title=title, command=command, missing=" ".join(done.missing))
    bars = tuple(_bar(row) for row in done.rows)
    better = [
        row
        for row in done.rows
        if row.margin.verdict == "better" and row.policy not in (AS_DONE, "greedy", "quiet")
    ]
    passed = "" if done.gate is None else f" Chosen for each person: {done.gate.words}"
    words = "; ".join(f"{bar.label} {bar.text}" for bar in bars)
    return Section(
        title=title,
        command=command,
        headline="" if done.gate is None else f"chosen for each person: {done.gate.words}",
        finding=(
            f"{done.decisions:,} decisions for {done.people:,} people, judged by their logged"
            f" chances (doubly robust).{passed}"
        ),
        columns=("policy", "successes", "margin", "effective decisions", "verdict"),
        rows=tuple(_row(row) for row in done.rows),
        charts=(
            IntervalChart(
                title=f"Margin per 1,000 decisions, {done.currency}, 95 % between people",
                bars=bars,
                reference=bars[0].value,
                alt=f"Margin per 1,000 decisions: {words}. The dashed line is what was done.",
            ),
        ),
        losses=tuple(
            f"Policy: {row.policy} ({row.title}) would have earned more than what was done."
            for row in better
        )
        + tuple(done.missing),
    )


def _bar(row: PolicyRow) -> Bar:
    _, margin = told(row)
    if margin is None:
        return Bar(label=row.policy, value=None, text="no verdict")
    return Bar(
        label=row.policy,
        value=10 * margin.value,
        low=10 * margin.low,
        high=10 * margin.high,
        text=f"{10 * margin.value:,.0f}",
        is_ours=row.policy == AS_DONE,
    )


def _row(row: PolicyRow) -> tuple[str, ...]:
    rate, margin = told(row)
    return cells(
        row.policy,
        None if rate is None else f"{1_000 * rate.value:,.1f}",
        None if margin is None else f"{10 * margin.value:,.2f}",
        round(row.margin.diagnostics.effective_rows),
        row.margin.words,
    )


def effect_section(engine: Engine) -> Section:
    """Tell what deciding for each person brought."""
    return effect_told(evaluate_effect(engine))


def effect_told(found: tuple[Comparison, ...]) -> Section:
    """Write the section of effects from its figures."""
    title, command = "What deciding brings", "customering evaluate effect"
    rows, charts, words, losses = [], [], [], []
    for one in found:
        for measured in one.measured:
            effect = measured.effect
            rows.append(
                cells(
                    one.title,
                    f"{measured.what} ({measured.unit})",
                    effect.mean_treated,
                    effect.mean_control,
                    f"{effect.effect:+,.3f}",
                    _between(effect.low, effect.high),
                )
            )
            words.append(f"{measured.what.capitalize()}: {measured.words}")
            if effect.verdict == "less":
                losses.append(f"Effect: {one.title}: {measured.words}")
            if effect.low is not None:
                charts.append(
                    _effect_chart(
                        one, measured.what, measured.unit, effect.effect, effect.low, effect.high
                    )
                )
    missing = " ".join(one.missing for one in found if one.missing)
    return Section(
        title=title,
        command=command,
        headline=" ".join(words) if charts else "",
        finding=" ".join(words),
        columns=("comparison", "a person", "with", "without", "effect", "95 %, any day"),
        rows=tuple(rows),
        charts=tuple(charts),
        losses=tuple(losses),
        missing=missing,
    )


def _effect_chart(
    one: Comparison, what: str, unit: str, effect: float, low: float | None, high: float | None
) -> IntervalChart:
    return IntervalChart(
        title=f"{what.capitalize()} a person ({unit}): {one.title}",
        bars=(
            Bar(label="effect", value=effect, low=low, high=high, text=f"{effect:+,.2f}",
                is_ours=True),
        ),
        reference=0.0,
        alt=f"The effect is {effect:+,.3f}; its interval at any day is {_between(low, high)}.",
    )  # fmt: skip


def uplift_section(engine: Engine) -> Section:
    """Tell whom acting changes."""
    return uplift_told(evaluate_uplift(engine))


def uplift_told(done: UpliftReport) -> Section:
    """Write the section of uplift from its figures."""
    title, command = "Whom it changes", "customering evaluate uplift"
    if done.uplift is None:
        return Section(title=title, command=command, missing=done.missing)
    found = done.uplift
    finding = f"{done.title[0].upper()}{done.title[1:]}. {found.words}"
    if not found.tenths:
        return Section(title=title, command=command, headline=found.words, finding=finding)
    return Section(
        title=title,
        command=command,
        headline=found.words,
        finding=(
            f"{finding} Qini {found.qini:.3f} ± {found.qini_sd:.3f} (as scikit-uplift counts it);"
            f" by chance {abs(found.null_mean):.3f} ± {found.null_sd:.3f}."
        ),
        columns=("tenth by uplift", "people", "foretold", "measured", "between"),
        rows=tuple(
            cells(
                number,
                one.people,
                f"{one.predicted:+.2%}",
                f"{one.effect:+.2%}",
                f"{one.low:+.2%} to {one.high:+.2%}",
            )
            for number, one in enumerate(found.tenths, 1)
        ),
        charts=(
            _qini_chart(found),
            _tenths_chart(found),
            *([_kept_chart(found)] if _has_effect(found) else []),
        ),
    )


def _tenths_chart(found: Uplift) -> IntervalChart:
    first, last = found.tenths[0], found.tenths[-1]
    return IntervalChart(
        title="Effect in each tenth of people, those it is said to change most first",
        bars=tuple(
            Bar(
                label=f"tenth {number}",
                value=one.effect,
                low=one.low,
                high=one.high,
                text=f"{one.effect:+.1%}",
            )
            for number, one in enumerate(found.tenths, 1)
        ),
        reference=0.0,
        alt=f"In the first tenth {first.effect:+.1%}, in the last {last.effect:+.1%}.",
    )


def _qini_chart(found: Uplift) -> LineChart:
    """Draw how many more buy because of it, among the so many contacted first."""
    people, gained = 0.0, 0.0
    points = [(0.0, 0.0)]
    for tenth in found.tenths:
        people += tenth.people
        gained += tenth.people * tenth.effect
        points.append((people / found.people, 1_000.0 * gained / found.people))
    best = max(points, key=lambda point: point[1])
    return LineChart(
        title="Qini curve: more buyers in 1,000 people, when only the first are contacted",
        across="share of people contacted",
        upward="more buyers in 1,000",
        lines=(
            Line(label="by uplift", points=tuple(points)),
            Line(label="by chance", points=((0.0, 0.0), points[-1])),
        ),
        is_percent_across=True,
        alt=(
            f"Contacting everybody brings {points[-1][1]:+.1f} in 1,000; the most,"
            f" {best[1]:+.1f}, come when the first {best[0]:.0%} are contacted."
        ),
    )


def _has_effect(found: Uplift) -> bool:
    """Tell whether there is a good effect of which a share can be kept."""
    return bool(found.kept) and found.effect_low > 0.0


def _kept_chart(found: Uplift) -> LineChart:
    points = ((0.0, 0.0), *((one.contacted, one.kept) for one in found.kept), (1.0, 1.0))
    band = ((0.0, 0.0, 0.0), *((k.contacted, k.low, k.high) for k in found.kept), (1.0, 1.0, 1.0))
    half = min(found.kept, key=lambda one: abs(one.contacted - 0.5))
    return LineChart(
        title="What is kept of the effect when only the first are contacted",
        across="share of people contacted",
        upward="share of the effect",
        lines=(
            Line(label="by uplift", points=points, band=band),
            Line(label="by chance", points=((0.0, 0.0), (1.0, 1.0))),
        ),
        is_percent=True,
        alt=(
            f"Contacting {half.contacted:.0%} keeps {half.kept:.0%} of the effect"
            f" ({half.low:.0%} to {half.high:.0%})."
        ),
    )


def _between(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{low:+,.3f} to {high:+,.3f}"
