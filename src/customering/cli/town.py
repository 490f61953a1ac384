"""The command that makes a home in which a simulated town lives."""

from pathlib import Path
from typing import Annotated

import typer

from customering.app.report_town import keep_truth
from customering.cli.output import JsonOption, console, print_json, progress, table
from customering.testing.living import LivedDay, captured, make_home, opened
from customering.testing.truth import truth_of
from customering.testing.world import Town

_WEEK = 7


def town(
    folder: Annotated[Path, typer.Option("--home", help="Where to make the town.")] = Path(
        "town-home"
    ),
    people: Annotated[int, typer.Option("--people", help="How many live there.", min=10)] = 200,
    days: Annotated[
        int, typer.Option("--days", help="Days of decisions, after 90 days of history.", min=0)
    ] = 28,
    visits: Annotated[int, typer.Option("--visits", help="Decisions a day.", min=1)] = 100,
    seed: Annotated[int, typer.Option("--seed", help="Another seed is another town.")] = 1,
    drifts: Annotated[
        bool, typer.Option("--drifts", help="Let what people like change as time passes.")
    ] = False,
    warmth: Annotated[
        float,
        typer.Option(
            "--warmth", help="How many times as often as usual people accept.", min=0.2, max=6
        ),
    ] = 1.0,
    rivals: Annotated[
        bool,
        typer.Option(
            "--rivals", help="Also try other policies on the same people, for the report."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a simulated town whose true wishes are known, live in it, and say what was missed."""
    place = Town(seed, people=people, drifts=drifts, warmth=warmth)
    make_home(folder, place)
    lived: list[LivedDay] = []
    with progress("Remembering") as tell, opened(folder, place) as life:
        events = life.remember(tell)
        for day in range(days):
            tell(day, "Living")
            lived.append(life.live(day, visits))
    with progress("Trying") as tell:
        made = sum(day.decisions for day in lived) if rivals else 0
        keep_truth(folder, truth_of(place, lived, decisions=made, tell=tell))
    if as_json:
        print_json({"home": str(folder.resolve()), "events": events, "days": lived})
        return
    console.print(
        f"{people:,} people; {events:,} events in the 90 days before the first decision;"
        f" {len(place.actions)} offers and messages"
    )
    if lived:
        console.print(table(_COLUMNS, _weeks(lived), numbers="rrrrrrr"))
        console.print(
            "\nMargin a decision, in cents: of what was drawn uniformly, of what was chosen, and of"
            "\nthe best for each, which only the town knows. Captured is how far it is from drawn"
            "\nto best."
        )
    console.print("\nWhat to type next", style="bold")
    console.print(f"  export CUSTOMERING_HOME={folder}", markup=False)
    console.print("  customering person user_id:t1", markup=False)
    console.print("  customering decide user_id:t1 --n 3", markup=False)
    console.print("  customering evaluate report --out report.html", markup=False)


_COLUMNS = ("week", "decisions", "accepted", "drawn", "chosen", "best", "captured")


def _weeks(lived: list[LivedDay]) -> list[tuple[str, int, str, str, str, str, str]]:
    """Give one row a week."""
    rows = []
    for begins in range(0, len(lived), _WEEK):
        week = lived[begins : begins + _WEEK]
        made = max(sum(day.decisions for day in week), 1)
        amounts = (
            sum(day.uniform_minor for day in week),
            sum(day.chosen_minor for day in week),
            sum(day.best_minor for day in week),
        )
        drawn, chosen, best = (f"{amount / made:.1f}" for amount in amounts)
        accepted = f"{sum(day.accepted for day in week) / made:.1%}"
        number = f"{begins // _WEEK + 1}"
        rows.append((number, made, accepted, drawn, chosen, best, f"{captured(week):.0%}"))
    return rows
