"""A mapping applied to a file: DuckDB joins, converts and groups its rows, event after event.

Memory is bounded for any file: rows are handed over in batches, and the sort that brings the rows
of one event together spills to disk.
"""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from difflib import get_close_matches
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa

from customering.events.assemble import Mapped, Row, assemble
from customering.events.mapping import Mapping
from customering.kernel.errors import InvalidDefinition, InvalidFile, Unavailable
from customering.stores.casts import literal, text, without_missing
from customering.stores.mapped_sql import MappedQuery
from customering.stores.tables import Column, Reading, Table

_ROWS_A_BATCH = 8_192
_ROWS_AN_EVENT_MAX = 10_000  # a constant such as 0 in the place of an order number is no order
_MEMORY_LIMIT = "1GB"  # beyond it DuckDB spills sorts and joins into the scratch folder
# What DuckDB raises for a query of ours that is wrong; all else it raises is about the file.
_BUGS = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.InternalException,
    duckdb.ParserException,
    duckdb.ResourceInUseException,
)

_NO_ROOM = ("Out of Memory", "No space left")


def read_mapped(path: Path, mapping: Mapping) -> Generator[Mapped, None, None]:
    """Read a file as its mapping says, in the order in which the events begin in it.

    Yields
    ------
    Mapped
        One event, or the rows of one that cannot be made and the reason.

    Raises
    ------
    Absent
        When the file or a joined one is not there.
    InvalidFile
        When a file cannot be read; rows before the place may have been given already.
    InvalidDefinition
        When the mapping names a column that is not there, or a zone or format that does not exist.
    Unavailable
        When the disk has no room for sorting.
    """
    with (
        TemporaryDirectory(prefix="customering-") as scratch,
        closing(duckdb.connect(config=_config(scratch))) as connection,
    ):
        reading = Reading(connection)
        _check_times(connection, mapping)
        with _naming(path, reading):
            query = _query(reading, path, mapping)
            rows = _rows(connection, query)
            if mapping.group_by:
                for _, group in groupby(rows, key=attrgetter("key")):
                    yield _event(mapping, group)
            else:
                for row in rows:
                    yield assemble(mapping, [row])


def _event(mapping: Mapping, group: Iterator[Row]) -> Mapped:
    """Make an event of the rows of a group, unless its key is no key at all."""
    rows = list(islice(group, _ROWS_AN_EVENT_MAX))
    more = sum(1 for _ in group)
    if not more:
        return assemble(mapping, rows)
    columns = ", ".join(mapping.group_by)
    reason = f"{len(rows) + more} rows share one {columns}, more than {_ROWS_AN_EVENT_MAX}"
    return Mapped(rows[0].number, len(rows) + more, None, reason, rows[0].key)


def _config(scratch: str) -> dict[str, str | bool | int | float | list[str]]:
    """Give the settings of a connection: bounded memory, no network, nothing loaded by itself."""
    return {
        "memory_limit": _MEMORY_LIMIT,
        "temp_directory": scratch,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }


@contextmanager
def _naming(path: Path, reading: Reading) -> Iterator[None]:
    """Turn what DuckDB raises into an error of ours that names the file.

    An error in the middle of a result comes through Arrow, which keeps its text but not its type.
    """
    try:
        yield
    except _BUGS:
        raise
    except (duckdb.Error, OSError, pa.ArrowException) as error:
        if reading.failure is not None:
            raise reading.failure from error
        if any(sign in str(error) for sign in _NO_ROOM):
            raise Unavailable(
                f"There is no room to sort {path.name}",
                hint="Free space in the folder for temporary files and import again.",
            ) from error
        raise InvalidFile(
            f"{path.name} cannot be read to its end: it is damaged or cut off",
            hint="Copy or export the file again; what was imported already is not added twice.",
            file=str(path),
        ) from error


def _check_times(connection: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Set the time zone and try the formats, which only DuckDB can judge."""
    zones = [name for (name,) in connection.execute(_ZONES).fetchall()]
    if mapping.zone not in zones:
        raise InvalidDefinition(
            f"In the mapping, zone {mapping.zone!r} is no time zone",
            hint=_did_you_mean(mapping.zone, zones, "Write it as Europe/Amsterdam or UTC."),
            path="zone",
        )
    connection.execute(f"SET TimeZone = {literal(mapping.zone)}")
    for path, field in mapping.fields():
        try:
            connection.execute("SELECT try_strptime('', ?)", [field.format or "%Y"]).fetchall()
        except duckdb.Error as error:
            raise InvalidDefinition(
                f"In the mapping, {path} has a format that cannot be read: {field.format!r}",
                hint="Use the codes of strptime, such as %d/%m/%Y %H:%M.",
                path=path,
            ) from error


_ZONES = "SELECT name FROM pg_timezone_names()"


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[Row]:
    """Run a query and give its rows, a batch in memory at a time."""
    for batch in connection.sql(query).to_arrow_reader(_ROWS_A_BATCH):
        columns = [batch.column(name).to_pylist() for name in Row._fields]
        yield from map(Row._make, zip(*columns, strict=True))


def _query(reading: Reading, path: Path, mapping: Mapping) -> str:
    """Write the query for a file and the files joined to it."""
    main = reading.open(path, "main", mapping.file)
    scan, columns = main.scan, dict(main.columns)
    for index, (name, join) in enumerate(mapping.joins.items()):
        other_path = path.parent / join.file
        with _naming(other_path, reading):
            other = reading.open_joined(other_path, f"j{index}", mapping.file)
            use = f"joins.{name}.on"
            keys = [_key(main, here, path, use, mapping) for here in join.on]
            other_keys = [_key(other, key, other_path, use, mapping) for key in join.on.values()]
            _check_unique(reading, other, other_keys, other_path)
        on = " AND ".join(map(_equal, keys, other_keys))
        scan += f" LEFT JOIN {other.scan} ON {on}"
        columns |= {f"{name}.{each}": column for each, column in other.columns.items()}
    used = {name: _find(columns, name, path, use) for name, use in mapping.columns().items()}
    return MappedQuery(mapping, used).sql(main, scan)


def _find(columns: dict[str, Column], name: str, path: Path, use: str) -> Column:
    """Give a column by its name, or say which there are."""
    if name not in columns:
        raise InvalidDefinition(
            f"{path.name} has no column {name!r}, which the mapping names in {use}",
            hint=_did_you_mean(name, list(columns), f"It has: {', '.join(columns)}."),
            path=use,
            file=str(path),
        )
    return columns[name]


def _did_you_mean(name: str, names: list[str], otherwise: str) -> str:
    """Name what is most alike, before another hint."""
    close = get_close_matches(name, names, n=1)
    return f"Did you mean {close[0]}? {otherwise}" if close else otherwise


def _key(table: Table, name: str, path: Path, use: str, mapping: Mapping) -> Column:
    """Give a column to join on; what is missing equals nothing."""
    column = _find(table.columns, name, path, use)
    return Column(without_missing(column, mapping.file), column.type)


def _equal(here: Column, there: Column) -> str:
    """Compare two columns, as text unless they are of one type."""
    if here.type == there.type != "JSON":
        return f"{here.sql} = {there.sql}"
    return f"{text(here)} = {text(there)}"


def _check_unique(reading: Reading, table: Table, keys: list[Column], path: Path) -> None:
    """Refuse a joined file that would multiply rows."""
    texts = [text(key) for key in keys]
    repeated = reading.connection.execute(
        f"SELECT 1 FROM {table.scan} WHERE {' AND '.join(f'{t} IS NOT NULL' for t in texts)} "
        f"GROUP BY {', '.join(texts)} HAVING count(*) > 1 LIMIT 1"
    ).fetchall()
    if repeated:
        raise InvalidFile(
            f"{path.name} has two rows with the same key, so joining it would repeat rows",
            hint="Join on more columns, or remove the repeated rows.",
            file=str(path),
        )
