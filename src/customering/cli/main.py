"""The command `customering`: every command, and one clear line when something goes wrong."""

import gc
import sys

import typer

from customering.cli import backup, data, deciding, demo, doctor, keys, log, people, serve, setup
from customering.cli.output import errors, print_json
from customering.kernel.errors import CustomeringError, Unavailable

_INTERRUPTED = 130

app = typer.Typer(
    name="customering",
    help="Treat every customer as an individual, with that individual's trust.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("init")(setup.init_home)
app.add_typer(setup.config, name="config")
app.command("demo")(demo.demo)
app.command("import")(data.import_data)
app.command("rebuild")(data.rebuild)
app.command("learn")(data.learn)
app.command("person")(people.person)
app.command("decide")(deciding.decide)
app.add_typer(deciding.evaluate, name="evaluate")
app.add_typer(people.identity, name="identity")
app.add_typer(people.status, name="status")
app.add_typer(people.consent, name="consent")
app.add_typer(people.audience, name="audience")
app.add_typer(people.trait, name="trait")
app.add_typer(data.catalog, name="catalog")
app.add_typer(log.log, name="log")
app.add_typer(log.quarantine, name="quarantine")
app.command("serve")(serve.serve)
app.command("doctor")(doctor.doctor)
app.add_typer(keys.keys, name="keys")
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)


def main() -> None:
    """Run one command; exit 1 with one clear line and a hint on any error of ours."""
    # Millions of small records without cycles: looking for cycles often costs more than it frees.
    gc.set_threshold(100_000, 50, 1_000)
    try:
        app()
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
