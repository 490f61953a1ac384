"""The command that says what another policy would have earned."""

from typing import Annotated

import typer

from customering.app.engine import Engine
from customering.app.home import find
from customering.app.policy_evaluation import (
    MOST_DECISIONS,
    PolicyEvaluation,
    PolicyRow,
    Question,
    evaluate_policies,
    told,
)
from customering.cli.output import HomeOption, JsonOption, SetOption, console, print_json, table
from customering.kernel.errors import Invalid
from customering.outcomes.evidence import SUCCESSES, Success
from customering.outcomes.model import EVENT_OF, Outcome, OutcomeSettings
from customering.outcomes.off_policy import Estimate
from customering.outcomes.support import Verdict
from customering.outcomes.what_if import BUILT_IN

OutcomeOption = Annotated[
    list[str] | None,
    typer.Option("--outcome", help=f"What counts as success; otherwise {' or '.join(SUCCESSES)}."),
]
DaysOption = Annotated[
    int, typer.Option("--days", help="Only so many days before the latest event; 0 for all.", min=0)
]

_VERDICTS: dict[Verdict, str] = {
    "better": "earns more",
    "worse": "earns less",
    "level": "no difference",
    "too_little": "no verdict",
    "unsupported": "no verdict",
    "not_as_logged": "no verdict",
}


def evaluate_policy(
    policies: Annotated[
        list[str] | None,
        typer.Argument(
            help=f"{', '.join(BUILT_IN)}, or a .toml file; all built-in ones when none is named.",
            metavar="NEW...",
        ),
    ] = None,
    outcome: OutcomeOption = None,
    placement: Annotated[str, typer.Option("--placement", help="Only this place.")] = "",
    days: DaysOption = 0,
    window_days: Annotated[
        int, typer.Option("--window-days", help="Leave out decisions younger than this.", min=0)
    ] = OutcomeSettings().window_days,
    most: Annotated[
        int, typer.Option("--most", help="Most decisions to read, the newest first.", min=1)
    ] = MOST_DECISIONS,
    home: HomeOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say from the log what another policy would have earned, and how sure that is."""
    with Engine(find(home, overrides=overrides or ())) as engine:
        question = Question(
            policies=tuple(policies or BUILT_IN),
            success=Success(
                outcomes=outcomes_named(outcome),
                margin_share=engine.settings.catalog.margin_share,
            ),
            placement=placement,
            days=days,
            window_days=window_days,
            most=most,
        )
        done = evaluate_policies(engine, question)
    if as_json:
        print_json(done)
        return
    print_policies(done)


def outcomes_named(names: list[str] | None) -> tuple[Outcome, ...]:
    """Read the outcomes that count as success.

    Raises
    ------
    Invalid
        When there is none of a name.
    """
    found: list[Outcome] = [known for known in EVENT_OF if known in (names or SUCCESSES)]
    unknown = sorted(set(names or ()) - set(found))
    if unknown:
        raise Invalid(
            f"there is no outcome {unknown[0]!r}", hint=f"outcomes: {', '.join(EVENT_OF)}"
        )
    return tuple(found)


def print_policies(done: PolicyEvaluation) -> None:
    """Print what policies would have earned, and what keeps the log from saying more."""
    console.print(
        f"{done.decisions:,} decisions for {done.people:,} people; per 1,000 decisions, doubly"
        " robust, 95 % between people"
    )
    for why, count in done.left_out.items():
        console.print(f"left out: {count:,} ({why})", style="dim", markup=False)
    if done.decisions:
        rows = [_cells(row) for row in done.rows]
        columns = (
            "policy", "successes", "between", f"margin {done.currency}", "between", "as much as",
            "against as it was",
        )  # fmt: skip
        console.print(table(columns, rows, numbers="lrlrlrl"))
        for row in done.rows:
            if not row.margin.has_verdict:
                console.print(f"{row.policy}: {row.margin.words}", style="dim", markup=False)
    if done.gate is not None:
        console.print(f"\nChosen for each person: {done.gate.words}", markup=False)
    for words in done.missing:
        console.print(words, markup=False)


def _cells(row: PolicyRow) -> tuple[str, ...]:
    rate, margin = told(row)
    return (
        row.policy,
        "–" if rate is None else f"{1_000 * rate.value:,.1f}",
        _between(rate, 1_000),
        "–" if margin is None else f"{10 * margin.value:,.2f}",
        _between(margin, 10),
        f"{row.margin.diagnostics.effective_rows:,.0f}",
        _VERDICTS[row.margin.verdict],
    )


def _between(one: Estimate | None, factor: float) -> str:
    if one is None:
        return "–"
    return f"{factor * one.low:,.1f} to {factor * one.high:,.1f}"
