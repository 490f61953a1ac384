"""Commands about the person's own page."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from customering.app.engine import Engine
from customering.app.home import find
from customering.app.sessions import Sessions
from customering.cli.output import HomeOption, JsonOption, console, print_json
from customering.kernel.errors import NoSuchPerson
from customering.kernel.ids import Identifier

portal = typer.Typer(help="The person's own page.", no_args_is_help=True)

_MINUTES_USUAL = 10


@portal.command("link")
def portal_link(
    who: Annotated[
        str, typer.Argument(help="The person: type:value, an e-mail address or a person id.")
    ],
    minutes: Annotated[
        int, typer.Option("--minutes", help="How long it holds.", min=2, max=60)
    ] = _MINUTES_USUAL,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a link that lets one person into their page once, for your care desk to hand over.

    Whoever opens it first is in: give it to nobody but the person, and only once you know that it
    is them. A server must run on this home for the link to be opened.
    """
    with Engine(find(home)) as engine, _sessions(engine) as sessions:
        begun = sessions.begin(_known(engine, who), "care", minutes=minutes)
        serve = engine.settings.serve
    address = serve.public_url or f"http://{serve.host}:{serve.port}"
    link = f"{address}/me/enter#{begun.token}"
    if as_json:
        print_json({"link": link, "minutes": minutes})
        return
    typer.echo(link)
    console.print(f"\nIt works once, for {minutes} minutes.", markup=False)


@portal.command("sign-out")
def portal_sign_out(
    who: Annotated[
        str, typer.Argument(help="The person: type:value, an e-mail address or a person id.")
    ],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """End every session of one person on their page, at once."""
    with Engine(find(home)) as engine, _sessions(engine) as sessions:
        name = _known(engine, who)
        ended = sessions.end_all(engine.people.graph_of(name).identifiers_of(name))
    if as_json:
        print_json({"ended": ended})
        return
    console.print(f"Sessions ended: {ended}.", markup=False)


@contextmanager
def _sessions(engine: Engine) -> Iterator[Sessions]:
    sessions = Sessions(engine.home.control_url, engine.settings.portal, engine.clock)
    try:
        yield sessions
    finally:
        sessions.close()


def _known(engine: Engine, who: str) -> Identifier:
    """Read how an operator names somebody of whom something is known.

    Raises
    ------
    NoSuchPerson
        When nothing is.
    """
    name = engine.people.identifier(who)
    if not engine.state.get([name]) and not engine.state.touching([name]):
        raise NoSuchPerson(
            "nothing is known under this identifier", hint="check the type and the spelling"
        )
    return name
