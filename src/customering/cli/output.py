"""What every command shares: where the home is, and how to read and print for people."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Protocol

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from customering.kernel.clock import parse_instant
from customering.kernel.errors import Invalid
from customering.kernel.records import to_json

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="The home folder; otherwise CUSTOMERING_HOME or this folder."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="A setting for this run only: section.key=value.", metavar="K=V"),
]

_PATIENCE_SECONDS = 1.0


class Tell(Protocol):
    """Takes how much of the work is done, and what is under way if that has changed."""

    def __call__(self, done: int, what: str | None = None) -> None:
        """Note the progress."""


# A file or a pipe has no width of its own: what is written there reads well at 100 columns.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
errors = Console(stderr=True, highlight=False)


def instant(text: str) -> int:
    """Read an instant given on the command line.

    Raises
    ------
    Invalid
        When it is not ISO 8601.
    """
    try:
        return parse_instant(text)
    except ValueError as error:
        raise Invalid(
            f"{text!r} is not a date or an instant", hint="write 2017-06-01 or 2017-06-01T12:00:00Z"
        ) from error


def print_json(value: Any) -> None:
    """Print one JSON document, indented."""
    sys.stdout.write(msgspec.json.format(to_json(value), indent=2).decode() + "\n")


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, numbers: str = "") -> Table:
    """Lay out rows for people.

    Parameters
    ----------
    columns
        Headings.
    rows
        Cells; integers are written with thousands separators.
    numbers
        One letter a column: ``r`` sets it flush right; others are flush left.
    """
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for index, column in enumerate(columns):
        right = index < len(numbers) and numbers[index] == "r"
        # Whoever copies a name from the first column must get all of it.
        made.add_column(
            column,
            justify="right" if right else "left",
            overflow="fold",
            no_wrap=index == 0 and column == "key",
        )
    for row in rows:
        made.add_row(*(cell(value) for value in row))
    return made


def cell(value: Any) -> str:
    """Write one value for people."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.3f}"
    return str(value)


@contextmanager
def progress(title: str, total: int | None = None) -> Iterator[Tell]:
    """Show a progress bar once the work has lasted a second; never when not on a terminal.

    Gives a function to be told how much is done so far, and of what if that has changed.
    """
    if not errors.is_terminal:
        yield lambda done, what=None: None
        return
    # Here, because only long work at a terminal needs it, and it takes as long as the rest of rich.
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=errors,
        transient=True,
        auto_refresh=True,
    )
    task = bar.add_task(title, total=total)
    started = bar.get_time()
    is_shown = False

    def tell(done: int, what: str | None = None) -> None:
        nonlocal is_shown
        bar.update(task, completed=done, description=what or title)
        if not is_shown and bar.get_time() - started > _PATIENCE_SECONDS:
            bar.start()
            is_shown = True

    try:
        yield tell
    finally:
        if is_shown:
            bar.stop()
