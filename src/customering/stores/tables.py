"""Files of rows (CSV, NDJSON, Parquet) as tables of DuckDB, with true row numbers.

1. Parquet is read by DuckDB itself, which knows the number of each row.
2. Text is read here, line by line, and streamed to DuckDB in batches: only so are the numbers of
   lines real where a cell holds a line end, and only so does a broken line become a row with a
   ``fault`` instead of the end of the import.

Nothing is held but the batch being read, so a file may be larger than memory.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa

from customering.events.mapping import Layout
from customering.kernel.errors import Absent, CustomeringError, InvalidFile
from customering.stores.text_rows import (
    Line,
    csv_header,
    csv_lines,
    empty_file,
    ndjson_keys,
    ndjson_lines,
    reading,
)

_ROWS_A_BATCH = 8_192


class Column(NamedTuple):
    """A column as SQL: an expression and the DuckDB type it has."""

    sql: str
    type: str


class Table(NamedTuple):
    """A file as DuckDB sees it.

    Parameters
    ----------
    scan
        What stands after FROM.
    columns
        The columns by their name in the file.
    number
        SQL of the number of the row: the line of a text file, the row of any other; from 1.
    fault
        SQL of why the row cannot be read; NULL when it can.
    raw
        SQL of the text of a row that cannot be read.
    """

    scan: str
    columns: dict[str, Column]
    number: str
    fault: str = "NULL::VARCHAR"
    raw: str = "NULL::VARCHAR"


class Reading:
    """A connection to DuckDB and the files that are read through it.

    Parameters
    ----------
    connection
        Open connection; the caller closes it.

    Notes
    -----
    DuckDB hides what a source of batches raised behind an error of its own. `failure` keeps the
    first, so that the caller can raise it in its place.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.failure: CustomeringError | None = None

    def open_joined(self, path: Path, alias: str, layout: Layout) -> Table:
        """Open a file that other rows are joined to: it can be scanned often and must be sound.

        Raises
        ------
        InvalidFile
            When a line of it cannot be read, and for the reasons of `open`.
        """
        table = self.open(path, alias, layout)
        if _format(path) == "parquet":
            return table
        self.connection.execute(f"CREATE TEMP TABLE {alias}_kept AS FROM {alias}_lines")
        broken = self.connection.execute(
            f"SELECT n, fault FROM {alias}_kept WHERE fault IS NOT NULL ORDER BY n LIMIT 1"
        ).fetchall()
        for line, fault in broken:
            raise InvalidFile(
                f"{path.name}, line {line}: {fault}",
                hint="A joined file must be sound throughout.",
                file=str(path),
                line=line,
            )
        return table._replace(scan=f"{alias}_kept AS {alias}")

    def open(self, path: Path, alias: str, layout: Layout) -> Table:
        """Open a file; a text file can be scanned once.

        Parameters
        ----------
        alias
            Name of the table in SQL: lower-case letters and digits.

        Raises
        ------
        Absent
            When there is no such file.
        InvalidFile
            When it is empty, cut off, of an unknown format or no table.
        """
        if not path.is_file():
            raise Absent(f"There is no file {path.name}", hint="Check the path.", file=str(path))
        if _isempty_file(path):
            raise empty_file(path)
        match _format(path):
            case "csv":
                header = csv_header(path, layout)
                lines = csv_lines(path, layout, len(header))
                return self._stream(path, alias, header, "VARCHAR", lines)
            case "ndjson":
                keys = ndjson_keys(path)
                return self._stream(path, alias, keys, "JSON", ndjson_lines(path, keys))
            case _:
                return self._parquet(path, alias)

    def _parquet(self, path: Path, alias: str) -> Table:
        """Open a Parquet file, which DuckDB reads itself."""
        literal = str(path).replace("'", "''")
        for special in "[*?":  # else read as a pattern of several files
            literal = literal.replace(special, f"[{special}]")
        scan = f"read_parquet('{literal}', file_row_number = true) AS {alias}"
        try:
            described = self.connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
        except duckdb.Error as error:
            raise InvalidFile(
                f"{path.name} cannot be read as Parquet: it is damaged, cut off or something else",
                hint="Copy or export the file again.",
                file=str(path),
            ) from error
        columns = {
            name: Column(f"{alias}.{quoted(name)}", kind)
            for name, kind, *_ in described
            if name != "file_row_number"
        }
        return Table(scan, columns, f"{alias}.file_row_number + 1")

    def _stream(
        self, path: Path, alias: str, names: Sequence[str], kind: str, lines: Iterator[Line]
    ) -> Table:
        """Offer the lines of a text file to DuckDB, all cells as text."""
        texts = [*(f"c{index}" for index in range(len(names))), "fault", "raw"]
        types: dict[str, pa.DataType] = dict.fromkeys(texts, pa.string())
        schema = pa.schema(types | {"n": pa.int64()})
        batches = self._batches(path, schema, lines)
        reader = pa.RecordBatchReader.from_batches(schema, batches)
        self.connection.register(f"{alias}_lines", reader)
        columns = {
            name: Column(f"{alias}.c{index}" + ("::JSON" if kind == "JSON" else ""), kind)
            for index, name in enumerate(names)
        }
        return Table(
            f"{alias}_lines AS {alias}", columns, f"{alias}.n", f"{alias}.fault", f"{alias}.raw"
        )

    def _batches(
        self, path: Path, schema: pa.Schema, lines: Iterator[Line]
    ) -> Iterator[pa.RecordBatch]:
        """Pack lines into batches, and keep what goes wrong for the caller."""
        try:
            with reading(path):
                while batch := list(islice(lines, _ROWS_A_BATCH)):
                    cells = zip(*(line.cells for line in batch), strict=True)
                    rest = zip(*((one.fault, one.raw, one.number) for one in batch), strict=True)
                    arrays = [
                        pa.array(column, field.type)
                        for column, field in zip((*cells, *rest), schema, strict=True)
                    ]
                    yield pa.RecordBatch.from_arrays(arrays, schema=schema)
        except CustomeringError as error:
            self.failure = self.failure or error
            raise


def quoted(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def _format(path: Path) -> str:
    """Tell the format by the end of the name."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    match suffixes[-1] if suffixes else "":
        case ".csv" | ".tsv" | ".txt":
            return "csv"
        case ".ndjson" | ".jsonl":
            return "ndjson"
        case ".parquet":
            return "parquet"
    raise InvalidFile(
        f"{path.name} is of no format that can be imported",
        hint="Files end in .csv, .ndjson, .jsonl (each also with .gz) or .parquet.",
        file=str(path),
    )


def _isempty_file(path: Path) -> bool:
    """Tell whether a file has no byte, and that it can be opened at all."""
    try:
        with path.open("rb") as stream:
            return not stream.read(1)
    except OSError as error:
        raise InvalidFile(
            f"{path.name} cannot be opened: {error.strerror}",
            hint="Check who may read it.",
            file=str(path),
        ) from error
