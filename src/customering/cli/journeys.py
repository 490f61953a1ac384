"""Commands about the journeys that ship: what there is, and adding them to a home."""

from typing import Annotated

import typer

from customering.app.engine import Engine
from customering.app.home import find
from customering.app.journeys import add_journeys, journeys_of
from customering.app.restocking import restock
from customering.cli.output import HomeOption, JsonOption, SetOption, console, print_json, table
from customering.examples.journeys import journeys as every_journey

journeys = typer.Typer(
    help="Ready actions with rules: welcome, abandoned cart, win back and others.",
    no_args_is_help=True,
)


@journeys.command("list")
def journeys_list(
    home: HomeOption = None, overrides: SetOption = None, as_json: JsonOption = False
) -> None:
    """List the journeys that ship: for whom each is, when it lapses, and whether it is here."""
    with Engine(find(home, overrides=overrides or ())) as engine:
        here = journeys_of(engine)
    if as_json:
        print_json([{"journey": one, "is_here": one.name in here} for one in every_journey()])
        return
    rows = [
        (
            one.name,
            one.when,
            one.lapses,
            "yes" if one.name in here else "–",
        )
        for one in every_journey()
    ]
    console.print(table(("journey", "for whom", "lapses", "here"), rows))


@journeys.command("add")
def journeys_add(
    names: Annotated[list[str], typer.Argument(help="Which journeys, or all.")],
    channel: Annotated[str, typer.Option("--channel", help="How their messages go.")] = "email",
    home: HomeOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add journeys to actions.toml of the home.

    Nothing is sent: what is written comes into question when somebody asks for a decision.
    """
    if names == ["all"]:
        names = [one.name for one in every_journey()]
    with Engine(find(home, overrides=overrides or ())) as engine:
        added = add_journeys(engine, names, channel=channel)
    if as_json:
        print_json(added)
        return
    rows = [(one.journey, ", ".join(one.actions)) for one in added]
    console.print(table(("journey", "actions"), rows))
    console.print("Written to actions.toml of the home: yours to change.")


@journeys.command("restocked")
def journeys_restocked(
    product: Annotated[str, typer.Argument(help="Id of the product that is here again.")],
    home: HomeOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Note for everybody who wished for a product that it is here again.

    The journey back_in_stock then comes into question for them, for three days.
    """
    with Engine(find(home, overrides=overrides or ())) as engine:
        people = restock(engine, product)
    if as_json:
        print_json({"product_id": product, "people": people})
        return
    console.print(f"{people:,} people have waited for it")
