"""The sections of a report about predictions: value, next basket, discovery, status."""

from customering.app.engine import Engine
from customering.app.evaluating import (
    BasketEvaluation,
    MethodGrades,
    evaluate_next_basket,
    evaluate_value,
)
from customering.app.learning import TASTE_PURPOSE, VALUE_PURPOSE
from customering.app.report_model import (
    Bar,
    Chart,
    Grid,
    IntervalChart,
    Line,
    LineChart,
    Section,
    cells,
)
from customering.app.status_history import StatusEvaluation, evaluate_status
from customering.relationship.evaluate import HoldOutReport
from customering.relationship.transitions import STATUSES

OURS = "customering"


def value_section(engine: Engine, held_out_days: int) -> Section:
    """Tell how well purchases were predicted."""
    done = evaluate_value(
        engine.purchases(VALUE_PURPOSE),
        held_out_days=held_out_days,
        now_ms=engine.present,
        currency=engine.settings.events.default_currency,
    )
    return value_told(done, held_out_days)


def value_told(done: HoldOutReport, held_out_days: int) -> Section:
    """Write the section of value from its figures."""
    ours, rival = done.held_out, done.own_rate
    numbered = list(enumerate(done.deciles, 1))
    mean = ours.actual_total / max(ours.people, 1)
    off = done.calibration_error
    losses = []
    if rival.mean_absolute_error < ours.mean_absolute_error:
        losses.append(
            f"Value: each person's own rate so far is nearer by mean error"
            f" ({rival.mean_absolute_error:.3f} against {ours.mean_absolute_error:.3f})."
        )
    if _less(ours.top_tenth_capture, done.recency.top_tenth_capture):
        losses.append(
            "Value: who bought last is a better list of the best tenth"
            f" ({done.recency.top_tenth_capture:.1%} of purchases against"
            f" {ours.top_tenth_capture or 0:.1%})."
        )
    return Section(
        title="What people are worth",
        command=f"customering evaluate value --held-out-days {held_out_days}",
        headline="" if off is None else f"off by {off:.1%} of all purchases over the deciles",
        finding=(
            f"Purchases of {ours.people:,} people in the last {held_out_days} days, which the model"
            " did not see"
            + (f": off by {off:.1%} of all purchases over the deciles." if off is not None else ".")
        ),
        columns=("decile", "people", "predicted", "real", "lift"),
        rows=tuple(
            cells(
                n,
                one.people,
                one.mean_predicted,
                one.mean_actual,
                f"{one.mean_actual / mean:.2f}" if mean else None,
            )
            for n, one in numbered
        ),
        charts=_value_charts(done, held_out_days, mean),
        losses=tuple(losses),
    )


def _value_charts(done: HoldOutReport, held_out_days: int, mean: float) -> tuple[Chart, ...]:
    """Draw predicted against real purchases by decile, and the lift by the mean of all."""
    numbered, last = list(enumerate(done.deciles, 1)), done.deciles[-1]
    predicted = tuple((float(n), one.mean_predicted) for n, one in numbered)
    real = tuple((float(n), one.mean_actual) for n, one in numbered)
    return (
        LineChart(
            title=f"Purchase days a person in {held_out_days} unseen days, by decile",
            across="decile of prediction",
            upward="purchase days",
            lines=(
                Line(label="predicted", points=predicted),
                Line(label="real", points=real),
            ),
            alt=(
                f"In the highest decile {last.mean_predicted:.2f} were predicted and"
                f" {last.mean_actual:.2f} came; in the lowest"
                f" {done.deciles[0].mean_predicted:.2f} and"
                f" {done.deciles[0].mean_actual:.2f}."
            ),
        ),
        IntervalChart(
            title="Lift: purchase days of each decile, by the mean of all",
            bars=tuple(
                Bar(
                    label=f"decile {n}",
                    value=one.mean_actual / mean if mean else None,
                    text=f"{one.mean_actual / mean:.2f}" if mean else "–",
                    is_ours=True,
                )
                for n, one in numbered
            ),
            reference=1.0,
            alt=f"The highest decile buys {last.mean_actual / mean if mean else 0:.1f} times as"
            " often as the mean.",
        ),
    )


def basket_sections(engine: Engine, held_out_days: int) -> tuple[Section, ...]:
    """Tell how well baskets were foretold."""
    done = evaluate_next_basket(engine.purchases(TASTE_PURPOSE), held_out_days=held_out_days)
    return baskets_told(done)


def baskets_told(done: BasketEvaluation) -> tuple[Section, ...]:
    """Write the sections of next basket and discovery from their figures."""
    command = f"customering evaluate next-basket --held-out-days {done.held_out_days}"
    seen = f"{done.people:,} people, {done.products:,} products, {done.held_out_days} days unseen"
    return (
        _graded("What people buy next", f"Next basket: {seen}.", command, done.next_basket),
        _graded(
            "What people discover",
            f"Products they had never bought: {seen}.",
            command,
            done.discovery,
        ),
    )


def _graded(title: str, finding: str, command: str, grades: list[MethodGrades]) -> Section:
    ours = next((one for one in grades if one.method == OURS), grades[0])
    bars = tuple(
        Bar(
            label=one.method,
            value=one.ndcg,
            low=one.ndcg_low,
            high=one.ndcg_high,
            text=f"{one.ndcg:.3f}",
            is_ours=one.method == ours.method,
        )
        for one in grades
    )
    losses = [
        f"{title}: {one.method} has an NDCG@10 of {one.ndcg:.3f}, ours {ours.ndcg:.3f}"
        f"{', which may be chance' if one.ndcg_low <= ours.ndcg_high else ''}."
        for one in grades
        if one.ndcg > ours.ndcg
    ]
    for kind, of in (("repeats", _repeat), ("new products", _explore)):
        best = max(grades, key=lambda one, of=of: of(one) or 0.0)  # type: ignore[misc]
        if (of(best) or 0.0) > (of(ours) or 0.0):
            losses.append(
                f"{title}: {best.method} finds more {kind}"
                f" (recall@10 {of(best) or 0:.3f} against {of(ours) or 0:.3f})."
            )
    told = "; ".join(f"{one.method} {one.ndcg:.3f}" for one in grades)
    return Section(
        title=title,
        command=command,
        headline=f"NDCG@10 {told}",
        finding=finding,
        columns=("method", "recall@10", "NDCG@10", "hit@10", "repeat", "explore"),
        rows=tuple(
            cells(g.method, g.recall, g.ndcg, g.hit, g.repeat_recall, g.explore_recall)
            for g in grades
        ),
        charts=(
            IntervalChart(
                title="NDCG@10, with 95 % interval over people",
                bars=bars,
                alt=f"NDCG@10: {told}.",
            ),
        ),
        losses=tuple(losses),
    )


def status_section(engine: Engine) -> Section:
    """Tell how people pass from one status to another."""
    permission = engine.permission(VALUE_PURPOSE)
    engine.copy_to_history()
    done = evaluate_status(
        history=engine.history,
        traits=engine.traits,
        person_of=engine.person_of,
        permission=permission,
        settings=engine.settings.relationship,
    )
    return status_told(done)


def status_told(done: StatusEvaluation) -> Section:
    """Write the section of statuses from its figures."""
    found = {(one.before, one.after): one.share for one in done.passages}
    names = [name for name in STATUSES if any(name in pair for pair in found)]
    words = tuple(name.replace("_", " ") for name in names)
    stays = [(found.get((name, name), 0.0), word) for name, word in zip(names, words, strict=True)]
    most = max(stays, default=(0.0, "nobody"))
    losses: tuple[str, ...] = ()
    rival, ours = done.explained_by_last_days, done.explained
    if _less(ours, rival):
        losses = (
            f"Status: purchase days before tell more of what follows ({rival:.1%} of the"
            f" differences) than the status does ({ours or 0:.1%}).",
        )
    return Section(
        title="How we stand",
        command="customering evaluate status",
        finding=(
            f"Everybody at {len(done.standings)} month ends, as it was known then, and what they"
            f" did within {done.following_days} days."
        ),
        columns=("status", "people", "bought", "purchase days", "in as many days before"),
        rows=tuple(
            cells(
                one.status.replace("_", " "),
                one.people,
                f"{one.bought_share:.1%}",
                one.purchase_days,
                one.purchase_days_before,
            )
            for one in done.followings
        ),
        charts=(
            Grid(
                title="From one month end (row) to the next (column), share of the row",
                names=words,
                shares=tuple(
                    tuple(found.get((before, after)) for after in names) for before in names
                ),
                alt=f"Who is {most[1]} stays so most often: {most[0]:.0%} from month to month.",
            ),
        )
        if names
        else (),
        losses=losses,
    )


def _repeat(one: MethodGrades) -> float | None:
    return one.repeat_recall


def _explore(one: MethodGrades) -> float | None:
    return one.explore_recall


def _less(ours: float | None, rival: float | None) -> bool:
    return rival is not None and (ours is None or ours < rival)
