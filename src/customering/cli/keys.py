"""Commands about keys: making them, listing them, ending them."""

import time
from typing import Annotated

import typer

from customering.app.home import find
from customering.app.key_model import SUBJECT_SCOPES, SUBJECT_SCOPES_ALL, Key
from customering.app.keys import KeyRing
from customering.cli.output import HomeOption, JsonOption, console, instant, print_json, table
from customering.identity.claims import BELIEVED
from customering.kernel.clock import format_instant

keys = typer.Typer(help="Who may send events and who may read.", no_args_is_help=True)
create = typer.Typer(help="Make a key.", no_args_is_help=True)
keys.add_typer(create, name="create")

NameOption = Annotated[
    str | None, typer.Option("--name", help="What you call it; otherwise its source or its kind.")
]
OriginOption = Annotated[
    list[str] | None,
    typer.Option(
        "--origin",
        help="A site whose pages may use it: https://shop.example, http://localhost:*, or * for"
        " every page there is. Several times for several sites; without it no page may.",
    ),
]
ExpiresOption = Annotated[
    str | None, typer.Option("--expires", help="When it ends, such as 2027-06-01.")
]


def _present() -> int:
    return time.time_ns() // 1_000_000


def _end(expires: str | None) -> int | None:
    return None if expires is None else instant(expires)


@create.command("write")
def create_write(
    source: Annotated[
        str, typer.Option("--source", help="What events that come with it come from.")
    ] = "web",
    origins: OriginOption = None,
    believed: Annotated[
        list[str] | None,
        typer.Option(
            "--believed",
            help="A type of identifier that pages are believed about; otherwise"
            f" {', '.join(BELIEVED)}.",
        ),
    ] = None,
    name: NameOption = None,
    expires: ExpiresOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a public key for web pages and apps: it adds events and asks what to show a visitor."""
    with KeyRing(find(home).control_url, _present) as ring:
        key, text = ring.create_write(
            name=name or source,
            source=source,
            origins=origins or (),
            believed=believed or BELIEVED,
            expires_at=_end(expires),
        )
    if as_json:
        _print_json(key, text)
        return
    _print_text(
        text,
        "Put it into your pages or your app. It is public: it adds events and asks what to show\n"
        "the visitor who is there; it reads nothing of what is known of people.",
    )
    if key.origins:
        console.print(f"Pages that may use it: {', '.join(key.origins)}", markup=False)
    else:
        console.print(
            "No web page may use it, only apps: name your site with --origin https://shop.example",
            markup=False,
        )
    _print_example(f'analytics.load("{text}")')


@create.command("server")
def create_server(
    source: Annotated[
        str, typer.Option("--source", help="What events that come with it come from.")
    ] = "server",
    name: NameOption = None,
    expires: ExpiresOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key for a server that sends events; what it says about identity is believed."""
    with KeyRing(find(home).control_url, _present) as ring:
        key, text = ring.create_server(name=name or source, source=source, expires_at=_end(expires))
    if as_json:
        _print_json(key, text)
        return
    _print_text(
        text, "Keep it on your server, out of pages and source code. It is not shown again."
    )
    _print_example(f'segment.analytics.write_key = "{text}"')


@create.command("secret")
def create_secret(
    scopes: Annotated[
        list[str],
        typer.Option(
            "--scope",
            help="What it may do: collect, decide, outcomes, people, stream, import or metrics."
            " Several times for several.",
        ),
    ],
    source: Annotated[
        str, typer.Option("--source", help="What events that come with it come from.")
    ] = "server",
    origins: OriginOption = None,
    name: NameOption = None,
    expires: ExpiresOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key for programs of yours that decide, read or import."""
    with KeyRing(find(home).control_url, _present) as ring:
        key, text = ring.create_secret(
            name=name or "secret",
            scopes=scopes,
            source=source,
            origins=origins or (),
            expires_at=_end(expires),
        )
    if as_json:
        _print_json(key, text)
        return
    _print_text(
        text,
        "Keep it where your other secrets are. It is not shown again; if it is lost, revoke it and"
        " make another.",
    )
    _print_example(f'curl -H "Authorization: Bearer {text}" http://127.0.0.1:8000/v1/...')


@create.command("subject")
def create_subject(
    origins: OriginOption = None,
    scopes: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            help="What a page may do for the one person a token names:"
            f" {', '.join(sorted(SUBJECT_SCOPES_ALL))}; otherwise all but people.",
        ),
    ] = None,
    source: Annotated[
        str, typer.Option("--source", help="What outcomes that pages report come from.")
    ] = "web",
    name: NameOption = None,
    expires: ExpiresOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a pair of keys with which your server lets a page read what is decided for a person."""
    with KeyRing(find(home).control_url, _present) as ring:
        key, text = ring.create_subject(
            name=name or "subject",
            origins=origins or (),
            scopes=scopes or SUBJECT_SCOPES,
            source=source,
            expires_at=_end(expires),
        )
    if as_json:
        _print_json(key, text)
        return
    _print_text(
        text,
        "This is the private half. Keep it on your server, which signs tokens of at most 15 minutes"
        " for the person it has signed in. It is not shown again.",
    )
    if not key.origins:
        console.print(
            "No web page may use its tokens, only apps: name your site with"
            " --origin https://shop.example",
            markup=False,
        )
    _print_example('mint(private_jwk, "user_id:ada", now_ms)   # see docs/how-to/keys.md')


@keys.command("list")
def keys_list(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List every key, the ended ones too; secrets are not kept and cannot be shown."""
    now_ms = _present()
    with KeyRing(find(home).control_url, _present) as ring:
        found = ring.list()
    if as_json:
        print_json([_plain(key) for key in found])
        return
    if not found:
        console.print("There is no key yet: `customering keys create` makes one.", markup=False)
        return
    rows = [
        (
            key.key_id,
            key.kind,
            key.name,
            ", ".join(sorted(key.scopes)),
            _day(key.last_used_at),
            _standing(key, now_ms),
        )
        for key in found
    ]
    console.print(table(("key", "kind", "name", "may", "last used", "holds"), rows))
    for key in found:
        if key.kind == "write" and key.holds(now_ms):
            pages = ", ".join(key.origins) or "no page, only apps"
            console.print(f"\n{key.key_id} is {key.public}\n  for {pages}", markup=False)


@keys.command("revoke")
def keys_revoke(
    key_id: Annotated[str, typer.Argument(help="Its id, as keys list shows it.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a key for good; a running server refuses it within two seconds."""
    with KeyRing(find(home).control_url, _present) as ring:
        key = ring.revoke(key_id)
    if as_json:
        print_json(_plain(key))
        return
    console.print(f"{key.key_id} ({key.name}) does not hold any more.", markup=False)


def _plain(key: Key) -> dict[str, object]:
    """Give what is known of a key for programs, in an order that does not change."""
    return {
        "key_id": key.key_id,
        "kind": key.kind,
        "name": key.name,
        "source": key.source,
        "origins": key.origins,
        "scopes": sorted(key.scopes),
        "believed": None if key.believed is None else sorted(key.believed),
        "public": key.public,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }


def _print_json(key: Key, text: str) -> None:
    print_json({"key": _plain(key), "text": text})


def _print_text(text: str, what_to_do: str) -> None:
    """Print a key on a line of its own, so that it can be copied whole."""
    typer.echo(text)
    console.print(f"\n{what_to_do}", markup=False)


def _print_example(line: str) -> None:
    typer.echo(f"\n  {line}")


def _standing(key: Key, now_ms: int) -> str:
    if key.revoked_at is not None:
        return f"revoked {_day(key.revoked_at)}"
    if key.expires_at is None:
        return "yes"
    return f"{'until' if key.holds(now_ms) else 'ended'} {_day(key.expires_at)}"


def _day(instant_ms: int | None) -> str | None:
    return None if instant_ms is None else format_instant(instant_ms)[:16].replace("T", " ")
