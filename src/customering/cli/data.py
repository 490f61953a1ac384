"""Commands that bring data in and compute everything from it."""

import time
from pathlib import Path
from typing import Annotated

import typer

from customering.app.catalog import import_actions, read_catalog_mapping
from customering.app.engine import Engine
from customering.app.home import find, read_text
from customering.app.importing import ImportReport, import_files, preview_files
from customering.app.learner_gate import judge_placements
from customering.app.persuading import learn_persuasion
from customering.app.product_catalog import read_products
from customering.cli.output import (
    HomeOption,
    JsonOption,
    SetOption,
    console,
    print_json,
    progress,
    table,
)
from customering.events.mapping import Mapping
from customering.events.mapping_file import read_mapping
from customering.events.store import Appended
from customering.kernel.clock import format_instant
from customering.kernel.errors import Absent

catalog = typer.Typer(help="What you may do for people: offers and messages.", no_args_is_help=True)


def import_data(
    files: Annotated[list[Path], typer.Argument(help="CSV, NDJSON or Parquet files, or .gz.")],
    mapping: Annotated[Path, typer.Option("--mapping", "-m", help="How rows become events.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the first ten events; write nothing.")
    ] = False,
    home: HomeOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import files: once, however often it is run and wherever it is cut off."""
    how = read_mapping(_text(mapping))
    with Engine(find(home, overrides=overrides or ())) as engine:
        if dry_run:
            _preview(engine, [(file, how) for file in files], as_json=as_json)
            return
        report, folded, seconds = run_import(engine, [(file, how) for file in files])
    if as_json:
        print_json({"import": report, "folded": folded, "fold_seconds": seconds})
        return
    console.print(
        f"{report.rows:,} rows made {report.events:,} events: {report.appended:,} new,"
        f" {report.duplicates:,} already here, {report.quarantined:,} in quarantine"
        f"  ({report.seconds:.1f} s)"
    )
    console.print(f"{folded:,} events folded into profiles  ({seconds:.1f} s)")
    if report.not_kept:
        console.print(f"{report.not_kept:,} not recorded: people do not permit it")
    if report.quarantined:
        console.print("`customering quarantine list` tells what was refused and why")


def run_import(
    engine: Engine, sources: list[tuple[Path, Mapping]]
) -> tuple[ImportReport, int, float]:
    """Import with progress, then fold; give the report, the events folded, and the seconds."""
    with progress("Importing") as tell:

        def on_block(appended: Appended, report: ImportReport) -> None:
            tell(report.events)

        engine.catch_up()  # what people refuse is known as of everything in the log
        report = import_files(
            sources,
            log=engine.log,
            quarantine=engine.quarantine,
            plan=engine.plan,
            settings=engine.settings.events,
            now_ms=engine.clock,
            sift=engine.collecting.sift,
            on_block=on_block,
        )
    started = time.monotonic()
    with progress("Folding", engine.log.end) as tell:
        folded = engine.catch_up(tell)
    return report, folded, time.monotonic() - started


def _preview(engine: Engine, sources: list[tuple[Path, Mapping]], *, as_json: bool) -> None:
    shown = preview_files(
        sources, plan=engine.plan, settings=engine.settings.events, now_ms=engine.clock()
    )
    if as_json:
        print_json(shown)
        return
    for event in shown.events:
        when = format_instant(event.occurred_at)
        who = ", ".join(event.identifiers)
        console.print(f"{when}  {event.name or event.kind}  {who}", style="bold", markup=False)
        print_json(event.properties)
    for item in shown.quarantined:
        console.print(f"would be refused: {item.place}: {item.reason}", style="red", markup=False)
    console.print("\nNothing was written. Leave out --dry-run to import.")


def _text(path: Path) -> str:
    if not path.exists():
        raise Absent(f"there is no file {path}", hint="check the path of the mapping")
    return read_text(path)


def rebuild(
    home: HomeOption = None, overrides: SetOption = None, as_json: JsonOption = False
) -> None:
    """Compute all profiles anew from the log, in batch, and swap them in."""
    started = time.monotonic()
    with (
        Engine(find(home, overrides=overrides or ())) as engine,
        progress("Rebuilding", engine.reading_log.end) as tell,
    ):
        done = engine.rebuild(tell)
    seconds = time.monotonic() - started
    if as_json:
        print_json({"rebuilt": done, "seconds": seconds})
        return
    console.print(
        f"{done.events:,} events made {done.profiles:,} profiles and {done.links:,} links"
        f"  ({seconds:.1f} s)"
    )


def learn(
    home: HomeOption = None, overrides: SetOption = None, as_json: JsonOption = False
) -> None:
    """Fit the models of value, taste and persuasion on everybody who permits it."""
    started = time.monotonic()
    with Engine(find(home, overrides=overrides or ())) as engine:
        learned = engine.learn()
        gates = judge_placements(engine)
        persuading = learn_persuasion(engine)
    seconds = time.monotonic() - started
    if as_json:
        found = {"learned": learned, "gates": gates, "persuasion": persuading, "seconds": seconds}
        print_json(found)
        return
    if learned.value is None:
        console.print(f"Value: not fitted: {learned.value_skipped}")
    else:
        model = learned.value.model
        console.print(
            f"Value: {model.people:,} people, {model.repeaters:,} came back; expectations scaled by"
            f" {model.scale:.2f}. {learned.value.choice}"
        )
    if learned.taste_skipped:
        console.print(f"Taste: not fitted: {learned.taste_skipped}")
    else:
        console.print(f"Taste: {learned.products:,} products")
    for kind, verdict in learned.verdicts.items():
        console.print(f"Model of {kind}: {verdict}", markup=False)
    for placement, gate in gates.items():
        console.print(f"Features of people at {placement}: {gate.words}", markup=False)
    console.print(f"Persuasion: {persuading.words}", markup=False)
    console.print(f"({seconds:.1f} s)")


@catalog.command("import")
def catalog_import(
    file: Annotated[Path, typer.Argument(help="A CSV or Parquet file.")],
    mapping: Annotated[Path, typer.Option("--mapping", "-m", help="How rows become actions.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import offers and messages; those of the same id are replaced."""
    how = read_catalog_mapping(_text(mapping), str(mapping))
    with Engine(find(home)) as engine:
        actions = import_actions(file, how, engine.consent)
        new, total = engine.catalog.put(actions)
    if as_json:
        print_json({"read": len(actions), "new": new, "total": total})
        return
    console.print(f"{len(actions):,} actions read, {new:,} of them new; {total:,} in the catalogue")


@catalog.command("products")
def catalog_products(
    file: Annotated[Path, typer.Argument(help="A CSV or Parquet file.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell which products there are; those nobody has bought yet are shown where they may suit."""
    products = read_products(file)
    with Engine(find(home)) as engine:
        new, total = engine.product_catalog.put(products)
    if as_json:
        print_json({"read": len(products), "new": new, "total": total})
        return
    console.print(f"{len(products):,} products read, {new:,} of them new; {total:,} in all")


@catalog.command("list")
def catalog_list(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List what may be done beside showing products."""
    with Engine(find(home)) as engine:
        actions = engine.actions
    if as_json:
        print_json(actions)
        return
    rows = [
        (
            a.action_id,
            a.title,
            a.channel or "any",
            "–" if a.valid_until is None else format_instant(a.valid_until)[:10],
            len(a.products),
            a.base_propensity,
        )
        for a in actions
    ]
    columns = ("action", "title", "channel", "until", "products", "base propensity")
    console.print(table(columns, rows, numbers="llllrr"))
