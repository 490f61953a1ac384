"""Files of rows (CSV, NDJSON, Parquet) as tables of DuckDB, with true row numbers.

1. Parquet is read by DuckDB itself, which knows the number of each row.
2. Text is read here, line by line, and streamed to DuckDB in batches: only so are the numbers of
   lines real where a cell holds a line end, and only so does a broken line become a row with a
   ``fault`` instead of the end of the import.

Nothing is held but the batch being read, so a file may be larger than memory.
"""

import csv
import gzip
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import duckdb
import msgspec
import pyarrow as pa

from customering.events.mapping import Layout
from customering.kernel.errors import Absent, CustomeringError, InvalidFile

_ROWS_A_BATCH = 8_192
_ROWS_SAMPLED = 1_000  # NDJSON has no header: its columns are those of this many first rows
_RAW_CHARACTERS_MAX = 2_000  # of a line that cannot be read, kept for whoever looks at it


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


class _Line(NamedTuple):
    """One row of a text file: cells, or the reason there are none."""

    number: int
    cells: Sequence[str | None]
    fault: str | None = None
    raw: str | None = None


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
        if _is_empty(path):
            raise _empty(path)
        match _format(path):
            case "csv":
                header = _csv_header(path, layout)
                lines = _csv_lines(path, layout, len(header))
                return self._stream(path, alias, header, "VARCHAR", lines)
            case "ndjson":
                keys = _ndjson_keys(path)
                return self._stream(path, alias, keys, "JSON", _ndjson_lines(path, keys))
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
        self, path: Path, alias: str, names: Sequence[str], kind: str, lines: Iterator[_Line]
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
        self, path: Path, schema: pa.Schema, lines: Iterator[_Line]
    ) -> Iterator[pa.RecordBatch]:
        """Pack lines into batches, and keep what goes wrong for the caller."""
        try:
            with _reading(path):
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


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Name the file in what goes wrong while it is read."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidFile(
            f"{path.name} cannot be unpacked: it is cut off, damaged or not gzip",
            hint="Copy or export the file again.",
            file=str(path),
        ) from error


def _open_binary(path: Path) -> BinaryIO:
    """Open a file that may be packed."""
    if path.suffix.lower() == ".gz":
        return cast("BinaryIO", gzip.open(path, "rb"))
    return path.open("rb")


def _is_empty(path: Path) -> bool:
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


def _empty(path: Path) -> InvalidFile:
    """Build the error of a file without a row."""
    return InvalidFile(f"{path.name} is empty", hint="Export the file again.", file=str(path))


def _text_lines(path: Path, layout: Layout) -> Iterator[str]:
    """Decode a text file line by line; its line ends are kept."""
    with _open_binary(path) as stream:
        for number, line in enumerate(stream, 1):
            content = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            try:
                yield content.decode(layout.encoding)
            except UnicodeDecodeError as error:
                raise InvalidFile(
                    f"{path.name}, line {number}: the text is not {layout.encoding}",
                    hint="Say how it is written in the mapping, such as [file] encoding = "
                    '"cp1252", or save it as UTF-8.',
                    file=str(path),
                    line=number,
                ) from error


def _csv_header(path: Path, layout: Layout) -> list[str]:
    """Read the names of the columns from the first line."""
    with _reading(path):
        lines = _text_lines(path, layout)
        try:
            names = next(csv.reader(lines, delimiter=layout.delimiter, strict=True), [])
        except csv.Error as error:
            raise InvalidFile(
                f"{path.name}, line 1: the names of the columns cannot be read ({error})",
                hint="The first line holds one name a column.",
                file=str(path),
                line=1,
            ) from error
    names = [name.strip() for name in names]
    if not any(names):
        raise _empty(path)
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        raise InvalidFile(
            f"{path.name} has two columns of the name {repeated[0]!r}",
            hint="Give each column a name of its own in the first line.",
            file=str(path),
            line=1,
        )
    return names


def _csv_lines(path: Path, layout: Layout, width: int) -> Iterator[_Line]:
    """Read the rows of a CSV file; each is numbered by the line it starts on."""
    reader = csv.reader(_text_lines(path, layout), delimiter=layout.delimiter, strict=True)
    next(reader, None)
    nothing: tuple[None, ...] = (None,) * width
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            span = f" (up to line {reader.line_num})" if reader.line_num > number else ""
            yield _Line(number, nothing, f"the line cannot be read: {error}{span}", "")
            continue
        if len(cells) == width:
            yield _Line(number, cells)
        elif cells:
            raw = layout.delimiter.join(cells)[:_RAW_CHARACTERS_MAX]
            yield _Line(number, nothing, f"it has {len(cells)} cells, not {width}", raw)


def _ndjson_keys(path: Path) -> list[str]:
    """Give the columns of an NDJSON file: every key of its first rows."""
    keys: dict[str, None] = {}
    with _reading(path), _open_binary(path) as stream:
        sample = list(islice((line for line in stream if line.strip()), _ROWS_SAMPLED))
    if not sample:
        raise _empty(path)
    for line in sample:
        keys |= dict.fromkeys(_members(line) or {})
    return list(keys)


def _ndjson_lines(path: Path, keys: Sequence[str]) -> Iterator[_Line]:
    """Read the rows of an NDJSON file; each cell is the JSON of its value."""
    encode: Callable[[Any], bytes] = msgspec.json.encode
    nothing: tuple[None, ...] = (None,) * len(keys)
    with _open_binary(path) as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            members = _members(line)
            if members is None:
                raw = line.decode(errors="replace").rstrip()[:_RAW_CHARACTERS_MAX]
                yield _Line(number, nothing, "the line is no JSON object", raw)
                continue
            values = (members.get(key) for key in keys)
            cells = [None if value is None else encode(value).decode() for value in values]
            yield _Line(number, cells)


def _members(line: bytes) -> dict[str, Any] | None:
    """Decode an object, its objects inside written out as ``outer.inner``; None when it is none."""
    try:
        decoded = msgspec.json.decode(line)
        return dict(_flat(decoded.items(), "")) if isinstance(decoded, dict) else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _flat(items: Iterable[tuple[str, Any]], prefix: str) -> Iterator[tuple[str, Any]]:
    """Give the members of an object and of the objects in it."""
    for key, value in items:
        if isinstance(value, dict):
            yield from _flat(value.items(), f"{prefix}{key}.")
        else:
            yield prefix + key, value
