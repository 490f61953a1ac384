"""Commands on the log: check it, read its end, take it along; and on what was refused."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from customering.app.engine import Engine
from customering.app.exporting import export_ndjson, export_parquet
from customering.app.home import find
from customering.cli.output import (
    HomeOption,
    JsonOption,
    SetOption,
    console,
    print_json,
    progress,
    table,
)
from customering.kernel.clock import format_instant
from customering.kernel.errors import Invalid, InvalidFile
from customering.kernel.records import from_json

log = typer.Typer(help="The log: everything that happened.", no_args_is_help=True)
quarantine = typer.Typer(help="What was refused, and why.", no_args_is_help=True)


@log.command("verify")
def log_verify(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Read the whole log and check every block against its checksum."""
    with Engine(find(home)) as engine:
        found = engine.reading_log.verify()
    if as_json:
        print_json(found)
        return
    console.print(
        f"The log is sound: {found.events:,} events in {found.blocks:,} blocks,"
        f" {found.payload_bytes / 1e6:,.1f} MB."
    )


@log.command("tail")
def log_tail(
    count: Annotated[int, typer.Option("--count", "-n", help="How many events.", min=1)] = 10,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the latest events."""
    with Engine(find(home)) as engine:
        events = engine.reading_log.tail(count)
    if as_json:
        print_json(events)
        return
    rows = [
        (format_instant(e.occurred_at), e.name or e.kind, ", ".join(e.identifiers), e.source)
        for e in events
    ]
    console.print(table(("occurred at", "what", "who", "source"), rows))


@log.command("export")
def log_export(
    out: Annotated[Path, typer.Argument(help="A file ending in .ndjson or .parquet.")],
    purpose: Annotated[
        str, typer.Option("--purpose", help="What for; events of people who refuse stay here.")
    ] = "essential.service",
    home: HomeOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the events of everybody who permits the purpose to a file."""
    writers = {".ndjson": export_ndjson, ".parquet": export_parquet}
    if out.suffix not in writers:
        raise Invalid(
            f"{out.name} is neither .ndjson nor .parquet", hint="end the name of the file in one"
        )
    with (
        Engine(find(home, overrides=overrides or ())) as engine,
        progress("Exporting", engine.reading_log.end) as tell,
    ):
        done = writers[out.suffix](engine, out, purpose, tell)
    if as_json:
        print_json(done)
        return
    console.print(f"{done.written:,} events written to {out}")
    if done.withheld:
        console.print(f"{done.withheld:,} events of people who do not permit {purpose} stay here")


@quarantine.command("list")
def quarantine_list(
    count: Annotated[int, typer.Option("--count", "-n", help="How many.", min=1)] = 20,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what was refused, newest first."""
    with Engine(find(home)) as engine:
        held = engine.quarantine.newest(limit=count)
        total = engine.quarantine.count()
    if as_json:
        print_json({"open": total, "items": held})
        return
    if not held:
        console.print("Nothing is in quarantine.")
        return
    rows = [(h.quarantined.quarantine_id, h.quarantined.place, h.quarantined.reason) for h in held]
    console.print(table(("id", "where it stood", "why it was refused"), rows))
    console.print(f"\n{total:,} in all. `customering quarantine show ID` prints one.")


@quarantine.command("show")
def quarantine_show(
    quarantine_id: Annotated[str, typer.Argument(help="Its id.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print one refused payload whole."""
    with Engine(find(home)) as engine:
        held = engine.quarantine.get(quarantine_id)
    if as_json:
        print_json(held)
        return
    item = held.quarantined
    console.print(f"{item.quarantine_id}  ({held.resolution})", markup=False)
    console.print(f"{item.place}: {item.reason}\n", markup=False)
    print_json(item.raw)


@quarantine.command("replay")
def quarantine_replay(
    quarantine_id: Annotated[str, typer.Argument(help="Its id.")],
    mended: Annotated[
        Path | None, typer.Option("--with", help="A JSON file with the mended payload.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a refused payload in after all: mended, or as it is once the plan is mended."""
    payload = None if mended is None else _payload(mended)
    with Engine(find(home)) as engine:
        event = engine.replay(quarantine_id, payload)
    if as_json:
        print_json(event)
        return
    console.print(f"Taken in as event {event.event_id} of {', '.join(event.identifiers)}")


def _payload(path: Path) -> dict[str, Any]:
    try:
        return from_json(path.read_bytes(), dict[str, Any])
    except msgspec.DecodeError as error:
        raise InvalidFile(
            f"{path} is not a payload: {error}",
            hint="write one JSON object, like the one that `customering quarantine show` prints",
        ) from error


@quarantine.command("discard")
def quarantine_discard(
    quarantine_id: Annotated[str, typer.Argument(help="Its id.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Note that a refused payload is not wanted; it stays on record as discarded."""
    with Engine(find(home)) as engine:
        engine.quarantine.resolve(quarantine_id, "discarded", engine.clock())
    if as_json:
        print_json({"quarantine_id": quarantine_id, "resolution": "discarded"})
        return
    console.print(f"{quarantine_id} is discarded")
