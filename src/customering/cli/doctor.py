"""The command that looks at a home folder and says what to do."""

from typing import Annotated

import typer

from customering.app.doctor import as_rows, examine
from customering.app.engine import Engine
from customering.app.home import find
from customering.cli.output import HomeOption, JsonOption, SetOption, console, print_json, table


def doctor(
    deep: Annotated[
        bool, typer.Option("--deep", help="Read the whole log and every file of the history.")
    ] = False,
    home: HomeOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at a home and say what is well, what is not and what to do; exit 1 on a problem."""
    with Engine(find(home, overrides=overrides or ())) as engine:
        found = examine(engine, deep=deep)
    problems = sum(one.level == "problem" for one in found)
    if as_json:
        print_json(found)
    else:
        console.print(table(("", "what", "found", "what to do"), as_rows(found)))
        notes = sum(one.level == "note" for one in found)
        console.print(f"\n{problems} problems, {notes} notes")
    if problems:
        raise typer.Exit(1)
