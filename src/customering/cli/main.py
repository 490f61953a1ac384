"""The command `customering`: every command, and one clear line when something goes wrong."""

import gc
import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from customering.cli.output import errors, print_json
from customering.kernel.errors import CustomeringError, Unavailable

_INTERRUPTED = 130

# Where each command is and what it does. A command is imported when it is called: help and small
# commands need not wait for the second that the imports of all of them take.
_COMMANDS = {
    "init": ("setup.init_home", "Make a home: one folder that holds one business."),
    "demo": (
        "demo.demo",
        "Run a year of a real retailer: from events to the right next step for one person.",
    ),
    "town": (
        "town.town",
        "Make a simulated town whose true wishes are known, live in it, and say what was missed.",
    ),
    "import": (
        "data.import_data",
        "Import files: once, however often it is run and wherever it is cut off.",
    ),
    "rebuild": (
        "data.rebuild",
        "Compute all profiles anew from the log, in batch, and swap them in.",
    ),
    "learn": (
        "data.learn",
        "Fit the models of value, taste and persuasion on everybody who permits it.",
    ),
    "models": ("models.models", "Fitted models: which there are, which is in use, and back again."),
    "person": (
        "people.person",
        "Show one person: who they are, how we stand, what is known and how we know it.",
    ),
    "decide": (
        "deciding.decide",
        "Decide what to do next for one person, or for everybody, with the reasons.",
    ),
    "serve": (
        "serve.serve",
        "Take events from any Segment SDK, and decide in milliseconds; stop with Ctrl-C.",
    ),
    "doctor": (
        "doctor.doctor",
        "Look at a home and say what is well, what is not and what to do; exit 1 on a problem.",
    ),
    "backup": (
        "backup.backup",
        "Copy the home, also while a server runs on it; the copy is checked before this ends.",
    ),
    "restore": (
        "backup.restore",
        "Make a home from a backup; profiles are computed from its log at the first use.",
    ),
    "config": ("setup.config", "What the home is set to, and why."),
    "evaluate": (
        "deciding.evaluate",
        "How good predictions and decisions are: held-out days, other policies, control group.",
    ),
    "identity": ("people.identity", "Who is one person, and why."),
    "status": ("people.status", "How a person wants to stand with us."),
    "consent": ("consent.consent", "What a person permits, and the proof of it."),
    "audience": ("people.audience", "Saved questions over people."),
    "trait": ("people.trait", "What is computed about people."),
    "catalog": ("data.catalog", "What you may do for people: offers and messages."),
    "journeys": (
        "journeys.journeys",
        "Ready actions with rules: welcome, abandoned cart, win back and others.",
    ),
    "erase": (
        "rights.erase",
        "Erase one person, or a part: every byte of it in this home; it cannot be undone.",
    ),
    "takeout": (
        "rights.takeout",
        "Write everything of one person into a ZIP: JSON, CSV, JSON-LD and a page to read.",
    ),
    "rights": ("rights.rights", "What people ask of us by law, and how far it is."),
    "audit": ("rights.audit", "Who looked at whom."),
    "views": (
        "views.views",
        "Ask the history in SQL, and see only people who permit the purpose you ask for.",
    ),
    "log": ("log.log", "The log: everything that happened."),
    "quarantine": ("log.quarantine", "What was refused, and why."),
    "keys": ("keys.keys", "Who may send events and who may read."),
    "portal": ("portal.portal", "The person's own page."),
}


class _Program(TyperGroup):
    """All commands by their names and a line of help each; the one that is called is imported."""

    def __init__(self) -> None:
        super().__init__(
            name="customering",
            help="Treat every customer as an individual, with that individual's trust.",
            commands=[TyperCommand(name, short_help=line) for name, (_, line) in _COMMANDS.items()],
            no_args_is_help=True,
            rich_markup_mode=None,
        )

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Find the command that is called, and import it."""
        name, _, rest = super().resolve_command(ctx, args)
        found = name and typer.main.get_group(_app(name)).commands[name]
        inside = getattr(found, "commands", {})
        from customering.app.auditing_name import doing  # with the command: help imports no part

        doing(f"{name} {rest[0]}" if rest and rest[0] in inside else str(name))
        return name, found, rest


def every_command() -> typer.Typer:
    """Import all commands, for who looks at them all: documentation and tests."""
    return _app(*_COMMANDS)


def _app(*names: str) -> typer.Typer:
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    for name in names:
        module, attribute = _COMMANDS[name][0].split(".")
        found = getattr(import_module(f"customering.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


def main() -> None:
    """Run one command; exit 1 with one clear line and a hint on any error of ours."""
    # Millions of small records without cycles: looking for cycles often costs more than it frees.
    gc.set_threshold(100_000, 50, 1_000)
    try:
        _Program()(prog_name="customering")
    except CustomeringError as error:
        _print_error(error)
        sys.exit(1)
    except OSError as error:
        _print_error(_unusable(error))
        sys.exit(1)
    except SystemExit as ended:
        if ended.code == _INTERRUPTED:
            errors.print("interrupted; everything acknowledged so far is kept")
        raise


def _unusable(error: OSError) -> CustomeringError:
    """Say of a file that cannot be read or written what the system says of it."""
    what = error.strerror or str(error)
    return Unavailable(
        what if error.filename is None else f"{error.filename}: {what}",
        hint="check the path, the permissions and the room on the disk",
    )


def _print_error(error: CustomeringError) -> None:
    if "--json" in sys.argv:
        told = {
            "code": error.code,
            "message": error.message,
            "hint": error.hint,
            "facts": error.facts,
        }
        print_json({"error": told})
        return
    errors.print(f"error: {error.message}", style="red", markup=False, soft_wrap=True)
    if error.hint:
        errors.print(f"hint: {error.hint}", markup=False, soft_wrap=True)
