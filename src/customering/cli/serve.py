"""The command that runs the live server."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import typer

from customering.app.engine import Engine
from customering.app.home import find
from customering.app.keys import KeyRing
from customering.cli.output import HomeOption, SetOption, errors
from customering.kernel.errors import Invalid

_HINT = "no key yet: `customering keys create write --source web --origin https://shop.example`"


def serve(
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on; otherwise serve.host.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Port to listen on; otherwise serve.port.")
    ] = None,
    is_verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log one line a request.")
    ] = False,
    home: HomeOption = None,
    overrides: SetOption = None,
) -> None:
    """Take events from any Segment SDK, and decide in milliseconds; stop with Ctrl-C."""
    # Here, because these imports take half a second that no other command should spend.
    from customering.serve.process import serve as run

    with (
        Engine(find(home, overrides=overrides or ())) as engine,
        ThreadPoolExecutor(1, thread_name_prefix="keys") as notes,
    ):
        settings = engine.settings.serve
        place = port if port is not None else settings.port
        if not 0 <= place <= 65_535:
            raise Invalid(f"{place} is no port", hint="choose one from 1 to 65535, or 0 for any")
        keys = KeyRing(engine.home.control_url, engine.clock, run=notes.submit)

        def started(address: str) -> None:
            errors.print(f"customering serves {engine.home.folder} at {address}", soft_wrap=True)
            if not keys.list():
                errors.print(_HINT, soft_wrap=True)
            errors.print("stop with Ctrl-C")

        run(
            engine,
            keys,
            host=host or settings.host,
            port=place,
            is_verbose=is_verbose,
            started=started,
        )
    errors.print("stopped; everything acknowledged is kept")
    # Everything is closed and on disk. While the interpreter takes itself apart, DuckDB would write
    # a page about objects that are still referred to from somewhere.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
