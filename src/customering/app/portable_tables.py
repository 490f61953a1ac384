"""Tables for people: CSV as RFC 4180 has it, that no spreadsheet takes for a program."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from customering.kernel.records import to_json

_DANGEROUS = frozenset("=+-@\t\r\n\0＝＋－＠")


def safe_cell(value: Any) -> str:
    """Write a value so that a spreadsheet shows it and never computes it.

    A text that begins like a formula gets an apostrophe before it, as OWASP advises; a number is a
    number and stays one.

    Examples
    --------
    >>> safe_cell("=1+1"), safe_cell(-3), safe_cell(None), safe_cell(["a"])
    ("'=1+1", '-3', '', '["a"]')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value)
    text = value if isinstance(value, str) else to_json(value).decode()
    text = text.replace("\0", "")
    return f"'{text}" if text.lstrip(" ")[:1] in _DANGEROUS and text.lstrip(" ") else text


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterable[bytes]:
    """Write rows as CSV, one line at a time; the first tells spreadsheets that it is UTF-8."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")

    def line(cells: Sequence[str]) -> bytes:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow(cells)
        return buffer.getvalue().encode("utf-8", "replace")

    yield "\ufeff".encode() + line(list(header))
    for row in rows:
        yield line([safe_cell(value) for value in row])
