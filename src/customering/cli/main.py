"""The command `customering`: every command, and one clear line when something goes wrong."""

import sys

import typer

from customering.cli.output import errors, print_json
from customering.kernel.errors import CustomeringError

app = typer.Typer(
    name="customering",
    help="Treat every customer as an individual, with that individual's trust.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run one command; exit 1 with one clear line and a hint on any error of ours."""
    try:
        app()
    except CustomeringError as error:
        if "--json" in sys.argv:
            print_json(
                {
                    "error": {
                        "code": error.code,
                        "message": error.message,
                        "hint": error.hint,
                        "facts": error.facts,
                    }
                }
            )
        else:
            errors.print(f"error: {error.message}", style="red", markup=False, soft_wrap=True)
            if error.hint:
                errors.print(f"hint: {error.hint}", markup=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        errors.print("interrupted; everything acknowledged so far is kept")
        sys.exit(130)
