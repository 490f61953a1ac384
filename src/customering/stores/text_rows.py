"""Text files of rows, CSV and NDJSON, read line by line with true line numbers.

A line that cannot be read becomes a `Line` with a fault, so that it ends up in the quarantine and
the rows after it do not. Only what makes the whole file doubtful is an error.
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

import msgspec

from customering.events.mapping import Layout
from customering.kernel.errors import InvalidFile

_ROWS_SAMPLED = 1_000  # NDJSON has no header: its columns are those of this many first rows
_RAW_CHARACTERS_MAX = 2_000  # of a line that cannot be read, kept for whoever looks at it


class Line(NamedTuple):
    """One row of a text file: cells, or the reason there are none."""

    number: int
    cells: Sequence[str | None]
    fault: str | None = None
    raw: str | None = None


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Name the file in what goes wrong while it is read."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidFile(
            f"{path.name} cannot be unpacked: it is cut off, damaged or not gzip",
            hint="Copy or export the file again.",
            file=str(path),
        ) from error


def empty_file(path: Path) -> InvalidFile:
    """Build the error of a file without a row."""
    return InvalidFile(f"{path.name} is empty", hint="Export the file again.", file=str(path))


def _open_binary(path: Path) -> BinaryIO:
    """Open a file that may be packed."""
    if path.suffix.lower() == ".gz":
        return cast("BinaryIO", gzip.open(path, "rb"))
    return path.open("rb")


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


def csv_header(path: Path, layout: Layout) -> list[str]:
    """Read the names of the columns from the first line."""
    with reading(path):
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
        raise empty_file(path)
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        raise InvalidFile(
            f"{path.name} has two columns of the name {repeated[0]!r}",
            hint="Give each column a name of its own in the first line.",
            file=str(path),
            line=1,
        )
    return names


def csv_lines(path: Path, layout: Layout, width: int) -> Iterator[Line]:
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
            yield Line(number, nothing, f"the line cannot be read: {error}{span}", "")
            continue
        if len(cells) == width:
            yield Line(number, cells)
        elif cells:
            raw = layout.delimiter.join(cells)[:_RAW_CHARACTERS_MAX]
            yield Line(number, nothing, f"it has {len(cells)} cells, not {width}", raw)


def ndjson_keys(path: Path) -> list[str]:
    """Give the columns of an NDJSON file: every key of its first rows."""
    keys: dict[str, None] = {}
    with reading(path), _open_binary(path) as stream:
        sample = list(islice((line for line in stream if line.strip()), _ROWS_SAMPLED))
    if not sample:
        raise empty_file(path)
    for line in sample:
        keys |= dict.fromkeys(_members(line) or {})
    return list(keys)


def ndjson_lines(path: Path, keys: Sequence[str]) -> Iterator[Line]:
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
                yield Line(number, nothing, "the line is no JSON object", raw)
                continue
            values = (members.get(key) for key in keys)
            cells = [None if value is None else encode(value).decode() for value in values]
            yield Line(number, cells)


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
