"""The command that says how people pass from one status to another, and what follows a status."""

from collections.abc import Sequence

from customering.app.engine import Engine
from customering.app.glance import VALUE_PURPOSE
from customering.app.home import find
from customering.app.status_history import StatusEvaluation
from customering.app.status_history import evaluate_status as evaluated
from customering.cli.output import (
    HomeOption,
    JsonOption,
    SetOption,
    console,
    print_json,
    progress,
    table,
)
from customering.relationship.model import StatusName
from customering.relationship.transitions import STATUSES, Passage


def evaluate_status(
    home: HomeOption = None, overrides: SetOption = None, as_json: JsonOption = False
) -> None:
    """Judge everybody at the end of every month: who passes where, and what they do then."""
    with Engine(find(home, overrides=overrides or ())) as engine:
        permission = engine.permission(VALUE_PURPOSE)
        engine.copy_to_history()
        with progress("Judging, in month ends") as tell:
            done = evaluated(
                history=engine.history,
                traits=engine.traits,
                person_of=engine.person_of,
                permission=permission,
                settings=engine.settings.relationship,
                progress=tell,
            )
    if as_json:
        print_json(done)
        return
    print_status(done)


def print_status(done: StatusEvaluation) -> None:
    """Print statuses over time, passages between them, and what followed."""
    names = [name for name in STATUSES if any(name in one.statuses for one in done.standings)]
    words = [name.replace("_", " ") for name in names]
    console.print("People by status at the end of each month, as it was known then")
    rows = [
        (one.day, one.people, *(one.statuses.get(name, 0) for name in names))
        for one in done.standings
    ]
    console.print(table(("day", "people", *words), rows, numbers="l" + "r" * (len(names) + 1)))
    _print_passages(done, names, words)
    console.print(
        f"\nWhat followed within {done.following_days} days, over {done.dates_followed} dates"
    )
    told = [
        (
            one.status.replace("_", " "),
            one.people,
            f"{one.bought_share:.1%}",
            one.purchase_days,
            one.purchase_days_before,
        )
        for one in done.followings
    ]
    columns = ("status", "people", "bought", "purchase days", "in as many days before")
    console.print(table(columns, told, numbers="lrrrr"))
    if done.explained is not None and done.explained_by_both is not None:
        console.print(
            f"Of the differences in those purchase days, {done.explained:.1%} lie between statuses,"
            f" {done.explained_by_last_days or 0:.1%} between tenths by purchase days before,"
            f" {done.explained_by_both:.1%} between both together."
        )


def _print_passages(done: StatusEvaluation, names: Sequence[StatusName], words: list[str]) -> None:
    console.print("\nFrom one month end to the next: people, and share of the row")
    found: dict[tuple[StatusName, StatusName], Passage] = {
        (one.before, one.after): one for one in done.passages
    }
    rows = []
    for before, word in zip(names, words, strict=True):
        cells = [found.get((before, after)) for after in names]
        if any(cells):
            told = ("–" if one is None else f"{one.people:,} {one.share:.0%}" for one in cells)
            rows.append((word, *told))
    console.print(table(("from, to", *words), rows, numbers="l" + "r" * len(names)))
