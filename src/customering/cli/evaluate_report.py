"""The command that puts all evaluations into one report, at the terminal and as one page."""

from pathlib import Path
from typing import Annotated

import typer

from customering.app.engine import Engine
from customering.app.home import find
from customering.app.report import make_report
from customering.app.report_model import Report, Section
from customering.app.report_page import page
from customering.cli.output import (
    HomeOption,
    JsonOption,
    SetOption,
    console,
    print_json,
    progress,
    table,
)


def evaluate_everything(
    out: Annotated[
        Path | None, typer.Option("--out", help="Also write one self-contained HTML file.")
    ] = None,
    held_out_days: Annotated[
        int, typer.Option("--held-out-days", help="Days at the end to hide.", min=1)
    ] = 28,
    by: Annotated[
        str, typer.Option("--by", help="The declared fact that names groups, such as age_group.")
    ] = "",
    home: HomeOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Report how good deciding is: predictions, policies, effect; and where we lose."""
    with Engine(find(home, overrides=overrides or ())) as engine, progress("Evaluating") as tell:
        report = make_report(engine, held_out_days=held_out_days, by=by, tell=tell)
    if out is not None:
        out.write_text(page(report), encoding="utf-8")
    if as_json:
        print_json(report)
        return
    print_report(report)
    if out is not None:
        console.print(f"\nwritten to {out}", style="dim", markup=False)


def print_report(report: Report) -> None:
    """Print a report."""
    console.print(report.title, style="bold", markup=False)
    console.print(f"{report.summary} {report.made_at}", style="dim", markup=False)
    for section in report.sections:
        _print_section(section)
    if report.losses:
        console.print("\nWhere we lose", style="bold")
        for loss in report.losses:
            console.print(f"- {loss}", markup=False)


def _print_section(section: Section) -> None:
    console.print(f"\n{section.title}", style="bold", markup=False)
    for words in (section.missing, section.finding):
        if words:
            console.print(words, markup=False)
    for point in section.points:
        console.print(f"- {point}", markup=False)
    if section.rows:
        numbers = "l" + "r" * (len(section.columns) - 1)
        console.print(table(section.columns, section.rows, numbers=numbers))
    console.print(section.command, style="dim", markup=False)
