"""The command that says how groups of people fared."""

from typing import Annotated

import typer

from customering.app.engine import Engine
from customering.app.fairness_evaluation import FairnessEvaluation, evaluate_fairness
from customering.app.home import find
from customering.cli.output import HomeOption, JsonOption, SetOption, console, print_json, table
from customering.outcomes.fairness import LEAST_PEOPLE, GroupFared, Mean

_MOST_ACTIONS = 10


def evaluate_how_groups_fared(
    by: Annotated[
        str, typer.Option("--by", help="The declared fact that names the group: age_group.")
    ],
    placement: Annotated[str, typer.Option("--placement", help="Only this place.")] = "",
    days: Annotated[
        int,
        typer.Option("--days", help="Only so many days before the latest event; 0 for all.", min=0),
    ] = 0,
    least: Annotated[
        int, typer.Option("--least", help="People a group must have to be told of.", min=20)
    ] = LEAST_PEOPLE,
    home: HomeOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count what groups that people declared themselves were offered, and what they took up."""
    with Engine(find(home, overrides=overrides or ())) as engine:
        done = evaluate_fairness(engine, by, placement=placement, days=days, least_people=least)
    if as_json:
        print_json(done)
        return
    print_fairness(done)


def print_fairness(done: FairnessEvaluation) -> None:
    """Print how groups fared, and what chance does not explain."""
    console.print(f"{done.decisions:,} decisions by {done.by}; 95 % between people", markup=False)
    if done.missing:
        console.print(done.missing, markup=False)
        return
    for count, why in (
        (done.withheld, "decisions left out: their people do not permit to be counted"),
        (done.found.too_small, f"people in groups of less than {done.least_people}: not told of"),
    ):
        if count:
            console.print(f"{count:,} {why}", style="dim", markup=False)
    columns = (
        done.by, "people", "decisions", "offered something", "seen", f"worth, {done.currency}",
        "expected to take up", "took up",
    )  # fmt: skip
    console.print(table(columns, [_row(one) for one in done.found.groups], numbers="lrrrrrrr"))
    for one in done.found.differences:
        far = "; less than four fifths: worth a look" if one.is_far else ""
        console.print(
            f"{one.group}: {_SAID[one.measure]} {_told(one.measure, one.theirs)}, all others"
            f" {_told(one.measure, one.others)}{far}",
            markup=False,
        )
    if not done.found.differences:
        console.print("No difference between groups that chance does not explain.")
    if done.actions:
        rows = [
            (one.action_id, one.least, one.most, f"{one.ratio:.2f}")
            for one in done.actions[:_MOST_ACTIONS]
        ]
        console.print()
        console.print(table(("action", "least to", "most to", "ratio"), rows, numbers="lllr"))


_SAID = {
    "offered": "offered something in",
    "seen": "offers seen",
    "value_minor": "offers worth",
    "expected": "expected to take up",
    "accepted": "took up",
}


def _told(measure: str, value: float) -> str:
    return f"{value / 100:,.2f}" if measure == "value_minor" else f"{value:.1%}"


def _row(one: GroupFared) -> tuple[str, ...]:
    return (
        one.group,
        f"{one.people:,}",
        f"{one.decisions:,}",
        *(
            _between(measure, one.of(measure))
            for measure in ("offered", "seen", "value_minor", "expected", "accepted")
        ),
    )


def _between(measure: str, one: Mean | None) -> str:
    if one is None:
        return "–"
    away = one.high - one.value
    return f"{_told(measure, one.value)} ± {_told(measure, away)}"
