"""What a command need not wait for is not imported before it runs."""

import subprocess
import sys

import pytest
import typer

from customering.cli.main import _COMMANDS, every_command

_SLOW = ("joserfc", "scipy.linalg", "scipy.optimize", "scipy.special")
_STORES = ("duckdb", "numpy", "pyarrow", "sqlalchemy", "sqlglot")
_LATER = ("cryptography", "duckdb", "numpy.testing", "pyarrow", "scipy.sparse", "webauthn")
_DOORS = ("limits", "litestar", "prometheus_client", "uvicorn")


def _imported(module: str) -> set[str]:
    """Import a module in an interpreter of its own, and give every module that came with it."""
    told = subprocess.run(
        [sys.executable, "-c", f"import {module}, sys; print(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return set(told.stdout.split())


@pytest.mark.parametrize(
    ("module", "spared"),
    [
        ("customering.cli.main", (*_SLOW, *_STORES, *_DOORS, "customering.app")),
        ("customering.cli.keys", (*_SLOW, *_DOORS, "duckdb", "pyarrow", "scipy.sparse", "sqlglot")),
        ("customering.app.engine", (*_SLOW, *_DOORS)),
        ("customering.serve.process", (*_SLOW, *_LATER, "rich")),
    ],
)
def test_what_takes_long_to_import_waits_for_its_use(module: str, spared: tuple[str, ...]) -> None:
    imported = _imported(module)
    assert module in imported
    assert imported.isdisjoint(spared), sorted(imported.intersection(spared))


def test_help_says_of_each_command_what_the_command_says_of_itself() -> None:
    program = typer.main.get_command(every_command())
    for name, command in program.commands.items():  # type: ignore[attr-defined]
        assert command.help.partition("\n")[0] == _COMMANDS[name][1]
