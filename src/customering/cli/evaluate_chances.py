"""The command that says whether what is expected of people comes true."""

from typing import Annotated

import typer

from customering.app.engine import Engine
from customering.app.home import find
from customering.app.report_chances import MOST_DECISIONS, ChancesEvaluation, evaluate_chances
from customering.cli.output import HomeOption, JsonOption, SetOption, console, print_json, table


def evaluate_the_chances(
    most: Annotated[
        int, typer.Option("--most", help="Most decisions to read, the newest first.", min=1)
    ] = MOST_DECISIONS,
    home: HomeOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the chances of what was shown with what was taken up: calibration and lift."""
    with Engine(find(home, overrides=overrides or ())) as engine:
        done = evaluate_chances(engine, most=most)
    if as_json:
        print_json(done)
        return
    print_chances(done)


def print_chances(done: ChancesEvaluation) -> None:
    """Print how true chances are, tenth by tenth."""
    found = done.found
    if done.unseen:
        console.print(f"{done.unseen:,} decisions were not told as shown", style="dim")
    if found is None:
        console.print(done.missing, markup=False)
        return
    console.print(
        f"{found.cases:,} first places that were seen, for {found.people:,} people; expected"
        f" {found.expected:.2%}, taken up {found.real:.2%}"
    )
    rows = [
        (
            number,
            part.cases,
            f"{part.expected:.2%}",
            f"{part.real:.2%}",
            f"{part.low:.2%} to {part.high:.2%}",
            f"{part.lift:.2f}",
        )
        for number, part in enumerate(found.parts, 1)
    ]
    columns = ("tenth by chance", "decisions", "expected", "real", "between", "lift")
    console.print(table(columns, rows, numbers="rrrrlr"))
    if found.off is not None:
        console.print(f"Off by {found.off:.1%} of all that was taken up, over the tenths")
    before = (
        "" if found.surprise_before is None else f"; before learning {found.surprise_before:.4f}"
    )
    console.print(f"Surprise {found.surprise:.4f} nats a decision{before}")
