"""Commands about what people told us of permission, and the proof of it: ledger and receipts."""

from pathlib import Path
from typing import Annotated

import typer

from customering.app.consenting import objection, restriction
from customering.app.engine import Engine
from customering.app.home import find
from customering.app.people import Person
from customering.app.proving import read_keys, verify, verify_receipt
from customering.app.wishes import Wish
from customering.cli.output import HomeOption, JsonOption, console, errors, print_json, table
from customering.cli.people import Who
from customering.cli.people import consent as consent
from customering.consent.voices import EVERYTHING
from customering.kernel.clock import format_instant
from customering.kernel.errors import InvalidFile

KeysOption = Annotated[
    Path | None,
    typer.Option(
        "--keys", help="A saved consent-log.json or JWK set; without it the keys of the home."
    ),
]
ReceiptFile = Annotated[Path, typer.Argument(help="The receipt, as it was given to the person.")]


@consent.command("object")
def consent_object(
    who: Who,
    purpose: Annotated[str, typer.Argument(help="A purpose, a group, or all.")],
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take it back.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep that a person objects to a purpose and to all that serves it; it holds at once."""
    key = EVERYTHING if purpose == "all" else purpose
    with Engine(find(home)) as engine:
        person = _read(engine, who)
        wish = objection(person, key, engine.consent, is_raised=not withdraw)
        found = _note(engine, who, wish)
    _print_voices(found, as_json=as_json)


@consent.command("restrict")
def consent_restrict(
    who: Who,
    lift: Annotated[bool, typer.Option("--lift", help="Take it back.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep that we may only store what we know of a person, until they take it back."""
    with Engine(find(home)) as engine:
        wish = restriction(_read(engine, who), is_on=not lift)
        found = _note(engine, who, wish)
    _print_voices(found, as_json=as_json)


def _read(engine: Engine, who: str) -> Person:
    engine.catch_up()
    return engine.people.read(engine.people.identifier(who), now_ms=engine.present)


def _note(engine: Engine, who: str, wish: Wish) -> Person:
    engine.note(*wish)
    return _read(engine, who)


def _print_voices(found: Person, *, as_json: bool) -> None:
    """Print what stands beside the choices of a person."""
    voices = {
        key: at_ms
        for key, (at_ms, answer) in sorted(found.consent.items())
        if ":" in key and answer != "allow"
    }
    if as_json:
        print_json({"stands": {key: format_instant(at_ms) for key, at_ms in voices.items()}})
    elif voices:
        rows = [(key, format_instant(at_ms)) for key, at_ms in voices.items()]
        console.print(table(("stands", "since"), rows))
    else:
        console.print("Nothing stands beside the choices of this person.")


@consent.command("verify")
def consent_verify(
    folder: Annotated[Path | None, typer.Argument(help="The home, instead of --home.")] = None,
    keys: KeysOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check every row of the consent ledger: nothing changed, removed, added or cut off; or exit 1.

    With --keys, also against the heads in a consent-log.json that somebody kept elsewhere.
    """
    with Engine(find(folder or home)) as engine:
        kept = None if keys is None else read_keys(keys)
        verdict = verify(engine.receipts, kept=kept)
    if as_json:
        print_json(verdict)
    elif verdict.is_whole:
        console.print(f"{verdict.rows:,} rows, every one as it was written")
        console.print(f"root {verdict.root}", soft_wrap=True)
    else:
        for fault in verdict.faults:
            errors.print(fault, soft_wrap=True)
    if not verdict.is_whole:
        raise typer.Exit(1)


@consent.command("verify-receipt")
def consent_verify_receipt(
    file: ReceiptFile,
    keys: KeysOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a consent receipt, offline with --keys; exit 1 when it is not as it was issued."""
    if not file.is_file():
        raise InvalidFile(f"{file} is no file", hint="name the receipt")
    if keys is not None:
        trusted = read_keys(keys)
    else:
        with Engine(find(home)) as engine:
            trusted = engine.receipts.key.jwks()
    fault = verify_receipt(file, trusted)
    if as_json:
        print_json({"is_genuine": fault is None, "fault": fault})
    elif fault is None:
        console.print("genuine: it is as it was issued, and its row is in the ledger")
    else:
        errors.print(f"not genuine: {fault}", soft_wrap=True)
    if fault is not None:
        raise typer.Exit(1)


@consent.command("receipts")
def consent_receipts(who: Who, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List what a person ever said about permission, the latest first, each with its receipt."""
    with Engine(find(home)) as engine:
        engine.catch_up()
        engine.receipts.catch_up(engine.reading_log)
        found = engine.people.read(engine.people.identifier(who), now_ms=engine.present)
        lines = engine.receipts.of(found.identifiers)
    if as_json:
        print_json(lines)
        return
    rows = [
        (line.seq, format_instant(line.at_ms), line.name, ", ".join(
            f"{key} {answer}" for key, answer in line.said.items()
        ))
        for line in lines
    ]  # fmt: skip
    if rows:
        console.print(table(("number", "when", "event", "said"), rows))
    else:
        console.print("This person has not said anything about permission.")


@consent.command("receipt")
def consent_receipt(
    who: Who,
    number: Annotated[int, typer.Argument(help="As `customering consent receipts` lists it.")],
    kantara: Annotated[bool, typer.Option("--kantara", help="As a Kantara receipt.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Write it to this file.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a person's receipt as JSON: signed, with the proof that it stands in the ledger."""
    with Engine(find(home)) as engine:
        engine.catch_up()
        found = engine.people.read(engine.people.identifier(who), now_ms=engine.present)
        receipts, names = engine.receipts, found.identifiers
        text = receipts.receipt(names, number)
        document = receipts.kantara(names, number) if kantara else None
    if out is not None and document is None:
        out.write_bytes(text)
        console.print(f"written to {out}", soft_wrap=True)
    elif document is not None:
        print_json(document)
    else:
        typer.echo(text)
