"""The commands that say what acting brought, and whom it changes."""

from typing import Annotated

import typer

from customering.app.effect_evaluation import (
    Comparison,
    UpliftReport,
    evaluate_effect,
    evaluate_uplift,
)
from customering.app.engine import Engine
from customering.app.home import find
from customering.cli.output import (
    HomeOption,
    JsonOption,
    SetOption,
    console,
    instant,
    print_json,
    table,
)
from customering.outcomes.uplift import Uplift

ActionOption = Annotated[
    str, typer.Option("--action", help="Only this action; otherwise all that is decided.")
]


def evaluate_the_effect(
    action: ActionOption = "",
    since: Annotated[
        str, typer.Option("--since", help="The day the groups were dealt, such as 2026-03-01.")
    ] = "",
    home: HomeOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare with the control group: what is bought that would not have been. Look any day."""
    with Engine(find(home, overrides=overrides or ())) as engine:
        found = evaluate_effect(engine, action_id=action, since_ms=instant(since) if since else 0)
    if as_json:
        print_json(found)
        return
    for comparison in found:
        print_comparison(comparison)


def print_comparison(done: Comparison) -> None:
    """Print one group against another."""
    console.print(done.title[0].upper() + done.title[1:], style="bold", markup=False)
    if done.missing:
        console.print(done.missing, markup=False)
    if not done.measured:
        return
    first = done.measured[0].effect
    console.print(
        f"{first.treated:,} people against {first.control:,}, from {done.since} to {done.until};"
        f" {done.in_both:,} were in more than one group"
    )
    rows = [
        (
            f"{one.what} a person ({one.unit})",
            one.effect.mean_treated,
            one.effect.mean_control,
            f"{one.effect.effect:+,.3f}",
            _between(one.effect.low, one.effect.high),
            _between(one.effect.once_low, one.effect.once_high),
            f"{one.effect.variance_kept:.0%}",
        )
        for one in done.measured
    ]
    columns = (
        "", "with", "without", "effect", "95 %, any day", "95 %, one look", "variance left",
    )  # fmt: skip
    console.print(table(columns, rows, numbers="lrrrllr"))
    for one in done.measured:
        console.print(one.words, markup=False)


def _between(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{low:+,.3f} to {high:+,.3f}"


def evaluate_the_uplift(
    action: ActionOption = "",
    home: HomeOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether it can be told whom acting changes, so that the others are left alone."""
    with Engine(find(home, overrides=overrides or ())) as engine:
        found = evaluate_uplift(engine, action_id=action)
    if as_json:
        print_json(found)
        return
    print_uplift(found)


def print_uplift(done: UpliftReport) -> None:
    """Print whom acting changes."""
    console.print(done.title[0].upper() + done.title[1:], style="bold", markup=False)
    if done.uplift is None:
        console.print(done.missing, markup=False)
        return
    found = done.uplift
    console.print(
        f"{found.treated:,} with, {found.people - found.treated:,} without:"
        f" {found.rate_treated:.2%} against {found.rate_control:.2%};"
        f" effect {found.effect:+.2%}, 95 % between {found.effect_low:+.2%} and"
        f" {found.effect_high:+.2%}"
    )
    if found.tenths:
        _print_ranking(found)
    console.print(found.words, markup=False)


def _print_ranking(found: Uplift) -> None:
    console.print(
        f"Qini {found.qini:.3f} ± {found.qini_sd:.3f} between folds (as scikit-uplift counts it);"
        f" of all {found.pooled_qini:.3f}, by chance {abs(found.null_mean):.3f}"
        f" ± {found.null_sd:.3f}"
    )
    if found.effect_low <= 0.0:
        return  # a share of nothing, or of harm
    kept = [
        (f"{one.contacted:.0%}", f"{one.kept:.1%}", f"{one.low:.1%} to {one.high:.1%}")
        for one in found.kept
    ]
    console.print(table(("contacted", "of the effect kept", "between"), kept, numbers="rrl"))
