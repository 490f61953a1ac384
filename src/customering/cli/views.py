"""The command for analysis: SQL over people who permit a purpose, and nobody else."""

from typing import Annotated

import typer

from customering.app.engine import Engine
from customering.app.home import find
from customering.app.views import PermittedViews
from customering.cli.output import HomeOption, JsonOption, console, print_json, table

_ROWS_SHOWN = 50


def views(
    sql: Annotated[
        str | None, typer.Argument(help="One SELECT; without it the views are listed.")
    ] = None,
    rows: Annotated[
        int, typer.Option("--rows", min=1, max=100_000, help="Most rows shown.")
    ] = _ROWS_SHOWN,
    columns: Annotated[
        str | None, typer.Option("--columns", help="List the columns of one view instead.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the history in SQL, and see only people who permit the purpose you ask for."""
    with Engine(find(home)) as engine, PermittedViews(engine) as permitted:
        if columns is not None:
            _print([("column", "type"), *permitted.columns(columns)], as_json=as_json)
        elif sql is None:
            listed = [
                (one.key, one.people, len(one.traits), one.views[1]) for one in permitted.purposes()
            ]
            _print([("purpose", "people", "traits", "events"), *listed], as_json=as_json)
        else:
            found = permitted.query(sql)
            some = found.slice(0, rows)
            told = [tuple(row.values()) for row in some.to_pylist()]
            _print([tuple(found.column_names), *told], as_json=as_json)
            if found.num_rows > rows and not as_json:
                console.print(f"{found.num_rows - rows:,} rows more; --rows shows them")


def _print(rows: list[tuple[object, ...]], *, as_json: bool) -> None:
    """Print a heading and rows below it."""
    heading, *others = rows
    if as_json:
        names = [str(name) for name in heading]
        print_json([dict(zip(names, row, strict=True)) for row in others])
    else:
        texts = [tuple("" if cell is None else str(cell) for cell in row) for row in others]
        console.print(table(tuple(str(name) for name in heading), texts))
