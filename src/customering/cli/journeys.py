"""Commands about the journeys that ship: what there is, and adding them to a home."""

from typing import Annotated

import typer

from customering.app.engine import Engine
from customering.app.home import find
from customering.app.journeys import add_journeys, journeys_of
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
            ", ".join(f"--{option}" for option in one.options) or "–",
            "yes" if one.name in here else "–",
        )
        for one in every_journey()
    ]
    console.print(table(("journey", "for whom", "lapses", "needs", "here"), rows))


@journeys.command("add")
def journeys_add(
    names: Annotated[list[str], typer.Argument(help="Which journeys, or all.")],
    channel: Annotated[str, typer.Option("--channel", help="How their messages go.")] = "email",
    product: Annotated[
        str | None, typer.Option("--product", help="For back_in_stock: the product that is here.")
    ] = None,
    month: Annotated[
        str | None, typer.Option("--month", help="For birthday: the month, such as 2026-11.")
    ] = None,
    home: HomeOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add journeys to actions.toml of the home, and the traits they need to traits.toml.

    `all` stands for those that need no option. Nothing is sent: what is written comes into question
    when somebody asks for a decision.
    """
    told = {"product": product, "month": month}
    if names == ["all"]:
        names = [one.name for one in every_journey() if told.keys().isdisjoint(one.options)]
    with Engine(find(home, overrides=overrides or ())) as engine:
        added = add_journeys(
            engine,
            names,
            channel=channel,
            options={name: value for name, value in told.items() if value is not None},
        )
    if as_json:
        print_json(added)
        return
    rows = [(one.journey, ", ".join(one.actions), ", ".join(one.traits) or "–") for one in added]
    console.print(table(("journey", "actions", "new traits"), rows))
    console.print("Written to actions.toml and traits.toml of the home: yours to change.")
