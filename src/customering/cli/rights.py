"""Commands about people's rights: erase, take along, requests, and who looked at whom."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
import typer

from customering.app import rights_home
from customering.app.engine import Engine
from customering.app.home import find
from customering.app.portable import Subset
from customering.cli.output import HomeOption, JsonOption, console, print_json, table
from customering.consent.rights import DENIALS, Act, Again, Look, Reminder, Request, reminder
from customering.consent.rights_scope import CATEGORIES, MODELS, scope_of
from customering.consent.rights_told import Told
from customering.kernel.clock import format_instant
from customering.kernel.errors import Invalid
from customering.kernel.records import from_json

rights = typer.Typer(help="What people ask of us by law, and how far it is.", no_args_is_help=True)
audit = typer.Typer(help="Who looked at whom.", no_args_is_help=True)

Who = Annotated[str, typer.Argument(help="type:value, an e-mail address, or a person id.")]
RequestId = Annotated[str, typer.Argument(help="The id of the request.")]
Words = Annotated[str, typer.Option("--words", help="What the person is told.")]


def erase(
    who: Who,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    never_again: Annotated[
        bool,
        typer.Option("--never-again", help="Refuse later events of the same identifiers too."),
    ] = False,
    category: Annotated[
        str, typer.Option("--category", help=f"Only this: {', '.join(CATEGORIES)}.")
    ] = "",
    model: Annotated[
        str, typer.Option("--model", help=f"Only leave this model: {', '.join(MODELS)}.")
    ] = "",
    since: Annotated[
        str, typer.Option("--since", help="Only what occurred from this day or instant on.")
    ] = "",
    before: Annotated[
        str, typer.Option("--before", help="Only what occurred before this day or instant.")
    ] = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase one person, or a part: every byte of it in this home; it cannot be undone."""
    scope = scope_of({"category": category, "model": model, "since": since, "before": before})
    with Engine(find(home)) as engine:
        engine.catch_up()
        name = engine.people.known(who)
        names = engine.folding.graph.identifiers_of(name)
        if not yes:
            what = "everything" if scope.is_everything else scope.words
            console.print(f"This erases {what} of {', '.join(names)}.", markup=False)
            typer.confirm("It cannot be undone. Go on?", abort=True)
        again: Again = "never" if never_again else "new"
        request, _ = rights_home.erase(engine, name, again, scope=scope)
        if engine.settings.rights.processors:
            rights_home.tell(engine)
        certificate = engine.journal.certificate(request.request_id)
    if certificate is None:
        _print_left(request, as_json=as_json)
        return
    _print_certificate(from_json(certificate, dict[str, Any]), as_json=as_json)


def _print_left(request: Request, *, as_json: bool) -> None:
    if as_json:
        print_json(request)
        return
    console.print(
        f"Request {request.request_id}: not used for it any more from now on; complete when models"
        " are fitted anew (`customering learn`)."
    )


def _print_certificate(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(told)
        return
    rows = [
        (one["store"], one["rows_deleted"], one["rows_kept"], one["reason"])
        for one in told["per_store"]
        if one["rows_deleted"] or one["rows_kept"] or one["reason"]
    ]
    console.print(f"Erased. Request {told['request_id']}, complete {told['completed_at']}.")
    console.print(table(("store", "deleted", "kept", "why"), rows, numbers="-rr"))
    for one in told["models"]:
        console.print(f"model {one['model']}: {one['influence']}", markup=False)


def takeout(
    who: Who,
    out: Annotated[Path, typer.Option("--out", help="The ZIP to write.")],
    portable: Annotated[
        bool,
        typer.Option("--portable", help="Only what they provided and what was observed."),
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write everything of one person into a ZIP: JSON, CSV, JSON-LD and a page to read."""
    subset: Subset = "portable" if portable else "all"
    with Engine(find(home)) as engine:
        engine.catch_up()
        rights_home.takeout(engine, engine.people.known(who), out, subset)
    if as_json:
        print_json({"file": str(out), "subset": subset, "bytes": out.stat().st_size})
        return
    console.print(f"Written to {out}; open index.html in it first.", markup=False)


@rights.command("list")
def list_requests(
    all_of_them: Annotated[bool, typer.Option("--all", help="Those that ended too.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what people asked for, the latest first, with what is due."""
    with Engine(find(home)) as engine:
        requests = engine.rights.requests()
        settings, now_ms = engine.settings.rights, engine.clock()
    shown = [one for one in requests if all_of_them or not one.has_ended]
    if as_json:
        print_json(shown)
        return
    rows = []
    for one in shown:
        due = reminder(one, settings, now_ms)
        left = "" if due is None else _left(due)
        rows.append((one.request_id, one.kind, one.status, _day(one.expected_by), left))
    console.print(table(("request", "right", "status", "answer by", ""), rows))


@rights.command()
def show(request_id: RequestId, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show one request and everything that was done about it."""
    with Engine(find(home)) as engine:
        request, who = engine.rights.get(request_id)
        told = rights_home.told_of(engine, request_id)
        due = reminder(request, engine.settings.rights, engine.clock())
    _print_request(request, as_json=as_json, who=who, due=due, told=told)


@rights.command()
def tell(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Tell processors and agents what is due to be told; a server does it by itself."""
    with Engine(find(home)) as engine:
        calls = rights_home.tell(engine)
    if as_json:
        print_json({"calls": calls})
        return
    console.print(f"{calls} calls were made. `customering rights show` says what came of each.")


@rights.command("open")
def open_request(
    who: Who,
    kind: Annotated[
        str,
        typer.Argument(help="access, rectify, erase, restrict, object, port or human_review."),
    ],
    words: Annotated[str, typer.Option("--words", help="What the person said.")] = "",
    details: Annotated[
        str, typer.Option("--details", help='What exactly, as JSON, such as {"facts": {...}}.')
    ] = "{}",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep what a person asked for by letter, telephone or e-mail; the clock runs from now."""
    try:
        exactly = msgspec.json.decode(details, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise Invalid("--details is not a JSON object", hint='write {"facts": {}}') from error
    with Engine(find(home)) as engine:
        engine.catch_up()
        name = engine.people.known(who)
        request = rights_home.open_request(engine, name, kind, words, exactly)
    _print_request(request, as_json=as_json)


@rights.command()
def fulfil(
    request_id: RequestId, words: Words = "", home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Fulfil a request: what is to be corrected, restricted, objected to or erased, is."""
    _act(request_id, "fulfil", "", words, home, as_json=as_json)


@rights.command()
def deny(
    request_id: RequestId,
    reason: Annotated[str, typer.Option("--reason", help=f"One of: {', '.join(DENIALS)}.")],
    words: Words = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Deny a request, with a reason."""
    _act(request_id, "deny", reason, words, home, as_json=as_json)


@rights.command()
def extend(
    request_id: RequestId,
    words: Annotated[str, typer.Option("--words", help="Why, as the person is told.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put the answer off by two months, once, with a reason."""
    _act(request_id, "extend", "", words, home, as_json=as_json)


@rights.command()
def certificate(request_id: RequestId, home: HomeOption = None) -> None:
    """Print the signed certificate of an erasure."""
    with Engine(find(home)) as engine:
        text = engine.journal.certificate(request_id)
    print_json(None if text is None else from_json(text, dict[str, Any]))


@rights.command()
def replay(
    folder: Annotated[
        Path, typer.Argument(help="The home this one was restored from, or a copy of its journal.")
    ],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """After restoring a backup: erase again whoever was erased since it was made."""
    with Engine(find(home)) as engine:
        count = engine.take_erasures_from(folder)
    if as_json:
        print_json({"erased_again": count})
        return
    console.print(f"{count} erasures were new here and are done again.")


@audit.command()
def verify(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Check that no row of the trail was changed or taken out; exit 1 when one was."""
    with Engine(find(home)) as engine:
        found = engine.rights.verify()
    if as_json:
        print_json(found)
    elif found.fault:
        console.print(f"The trail is not whole: {found.fault}.", style="red")
    else:
        console.print(
            f"{found.rows:,} rows of the trail, each as it was written. Head: {found.head}"
        )
    if found.fault:
        raise typer.Exit(1)


@audit.command("show")
def show_looks(
    who: Who,
    last: Annotated[int, typer.Option("--last", help="How many to show.", min=1)] = 20,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who looked at a person, the latest first."""
    with Engine(find(home)) as engine:
        engine.catch_up()
        name = engine.people.identifier(who)
        subjects = rights_home.subjects_of(engine, name)
        looks = engine.rights.looks(subjects, last)
        of_many = engine.rights.looks_at_many(subjects, last)
    if as_json:
        among = [
            {**msgspec.to_builtins(look), "was_among_them": was_in} for look, was_in in of_many
        ]
        print_json([*looks, *among])
        return
    rows = [(format_instant(one.at_ms), one.actor, one.act, one.words) for one in looks]
    console.print(table(("when", "who", "what", ""), rows))
    if of_many:
        console.print("With the data of many people:")
        console.print(
            table(
                ("when", "who", "what", "profiles", "this person"),
                [_row_of_many(look, was_in) for look, was_in in of_many],
                numbers="lllr",
            )
        )


def _row_of_many(look: Look, was_in: bool | None) -> tuple[Any, ...]:
    told = {True: "was among them", False: "was not", None: "not kept: too many"}[was_in]
    purposes = f" ({', '.join(look.purposes)})" if look.purposes else ""
    profiles = "" if look.profiles is None else look.profiles
    return format_instant(look.at_ms), look.actor, look.words + purposes, profiles, told


def _act(
    request_id: str, what: str, reason: str, words: str, home: Path | None, *, as_json: bool
) -> None:
    with Engine(find(home)) as engine:
        done = rights_home.act(engine, request_id, cast("Act", what), reason, words)
    _print_request(done, as_json=as_json)


def _print_request(
    request: Request,
    *,
    as_json: bool,
    who: str | None = None,
    due: Reminder | None = None,
    told: Sequence[Told] = (),
) -> None:
    if as_json:
        print_json({**msgspec.to_builtins(request), "recipients": told} if told else request)
        return
    console.print(f"{request.request_id}  {request.kind}  {request.status} {request.reason}")
    if who is not None:
        console.print(who, markup=False)
    left = "" if due is None else f" ({_left(due)})"
    console.print(f"came {_day(request.received_at)}, answer by {_day(request.expected_by)}{left}")
    for step in request.steps:
        console.print(
            f"  {format_instant(step.at_ms)}  {step.act}  {step.actor}  {step.words}",
            markup=False,
        )
    for one in told:
        console.print(
            f"  told {one.name or one.recipient}: {one.status}  {one.words}", markup=False
        )


def _left(due: Reminder) -> str:
    if due.days_left < 0:
        return f"overdue by {-due.days_left} days"
    return f"due in {due.days_left} days"


def _day(at_ms: int) -> str:
    return format_instant(at_ms)[:10]
