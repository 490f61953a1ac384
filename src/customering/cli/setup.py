"""Commands that make a home and show what it is set to."""

from pathlib import Path
from typing import Annotated

import typer

from customering.app.engine import Engine
from customering.app.home import find, init
from customering.app.settings import show
from customering.cli.output import HomeOption, JsonOption, SetOption, console, print_json, table

config = typer.Typer(help="What the home is set to, and why.", no_args_is_help=True)


def init_home(
    folder: Annotated[Path, typer.Argument(help="The folder to make into a home.")] = Path(),
    as_json: JsonOption = False,
) -> None:
    """Make a home: one folder that holds one business."""
    written = init(folder)
    with Engine(find(folder)) as engine:
        engine.create()
    if as_json:
        print_json({"home": str(folder.resolve()), "written": written})
        return
    console.print(f"Made a customering home in {folder.resolve()}")
    console.print(table(("file", "what it is"), [(name, _MEANING[name]) for name in _MEANING]))
    console.print(
        "\nNext: state in customering.toml, section \\[consent], what you may use facts for before"
        "\npeople have chosen; then `customering import FILE --mapping MAPPING`."
    )


_MEANING = {
    "customering.toml": "every setting, with its default and meaning",
    "traits.toml": "your own traits, beside the shipped ones",
    "audiences.toml": "saved questions over traits",
    "actions.toml": "what you may do for one person",
    "plan.toml": "your own events and fields",
    "log.sqlite": "everything that happened: `customering backup` copies what matters",
    "control.sqlite": "keys, made when the first one is",
    "state.sqlite": "profiles, made from the log",
    "history/": "the log in columns, for analysis",
    "models/": "fitted models",
    "catalog/": "imported offers",
    "mappings/": "how uploaded files become events",
}


@config.command("show")
def config_show(
    home: HomeOption = None, overrides: SetOption = None, as_json: JsonOption = False
) -> None:
    """Print every setting, its value and where the value came from."""
    shown = show(find(home, overrides=overrides or ()).loaded)
    if as_json:
        print_json(shown)
        return
    rows = [(one.key, one.value, one.origin, one.meaning) for one in shown]
    console.print(table(("setting", "value", "from", "meaning"), rows))
