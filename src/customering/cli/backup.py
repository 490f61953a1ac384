"""Commands that copy a home while it is in use, and make a home from such a copy."""

from pathlib import Path
from typing import Annotated

import typer

from customering.app.auditing import note_whole_home
from customering.app.backup import back_up
from customering.app.backup import restore as restore_home
from customering.app.engine import real_clock
from customering.app.home import find
from customering.cli.output import HomeOption, JsonOption, console, print_json


def backup(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder for the copy.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the home, also while a server runs on it; the copy is checked before this ends."""
    found = find(home)
    note_whole_home(found.folder, "backup", real_clock())
    manifest = back_up(found, folder, real_clock())
    if as_json:
        print_json(manifest)
        return
    console.print(
        f"{manifest.events:,} events and {len(manifest.digests)} files are in {folder}; every"
        f" block of the log was read and is whole",
        soft_wrap=True,
    )
    console.print(f"`customering restore {folder} NEW_FOLDER` makes a home of it", soft_wrap=True)


def restore(
    folder: Annotated[Path, typer.Argument(help="The folder that `customering backup` made.")],
    target: Annotated[Path, typer.Argument(help="A new or empty folder to become the home.")],
    as_json: JsonOption = False,
) -> None:
    """Make a home from a backup; profiles are computed from its log at the first use."""
    manifest = restore_home(folder, target)
    if as_json:
        print_json(manifest)
        return
    console.print(
        f"{target} is a home again, as of {manifest.made_at}, with {manifest.events:,} events",
        soft_wrap=True,
    )
    console.print(f"Next: `customering rebuild --home {target}`", soft_wrap=True)
