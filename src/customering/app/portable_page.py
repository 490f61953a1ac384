"""The page in a takeout that a person opens first: all of it to be read, in one file.

It holds no script and asks no other server for anything; everything in it is text.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from customering.events.model import Event
from customering.kernel.clock import format_instant
from customering.kernel.records import to_json

_EVENTS_MOST = 5_000
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color:#1a1a1a}
table{border-collapse:collapse;width:100%;margin:1rem 0}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #ddd;
overflow-wrap:anywhere}
h2{margin-top:2.5rem}
@media (prefers-color-scheme:dark){body{background:#161616;color:#eee}th,td{border-color:#444}}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(
    profile: Mapping[str, Any],
    files: Sequence[Mapping[str, Any]],
    events: Iterable[Event],
    *,
    is_whole: bool,
) -> Iterator[bytes]:
    """Give the page piece by piece.

    Parameters
    ----------
    profile
        As in ``profile.json``.
    files
        What else is in the ZIP.
    events
        In order of time; the page shows the first 5,000 and says so.
    is_whole
        Whether it is everything, or what can be taken elsewhere.
    """
    title = "Everything we know about you" if is_whole else "Your data, to take along"
    yield (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>"
        f"<p>As of {_text(profile['as_of'])}.</p>"
    ).encode()
    yield from _section("Who you are to us", [[name] for name in profile["identifiers"]], ())
    if profile["why_they_are_one_person"]:
        yield from _section(
            "Why these are one person", [[one] for one in profile["why_they_are_one_person"]], ()
        )
    if "status" in profile:
        status = profile["status"]
        yield from _section(
            "How we stand", [[status["words"]], *([f] for f in status["because"])], ()
        )
    facts = [
        (name, fact["value"], fact["how_we_know"], fact["words"], fact["purpose"] or "you told us")
        for name, fact in profile["facts"].items()
    ]
    yield from _section(
        "What we know", facts, ("fact", "value", "how we know", "what it says", "what for")
    )
    yield from _section("What happened", _told(events), ("when", "what", "where from", "details"))
    yield from _section(
        "What else is in this archive",
        [(one["file"], one["what"], one["rows"], one["bytes"]) for one in files],
        ("file", "what is in it", "lines", "bytes"),
    )
    yield b"</html>\n"


def _told(events: Iterable[Event]) -> Iterator[Sequence[Any]]:
    for number, event in enumerate(events):
        if number == _EVENTS_MOST:
            yield ("", "...", "", "the others are in events.ndjson and events.csv")
            return
        yield (
            format_instant(event.occurred_at)[:19].replace("T", " "),
            event.name or event.kind,
            event.source,
            event.properties or "",
        )


def _section(title: str, rows: Iterable[Sequence[Any]], columns: Sequence[str]) -> Iterator[bytes]:
    heads = "".join(f'<th scope="col">{_text(column)}</th>' for column in columns)
    yield f"<h2>{_text(title)}</h2><table>{heads and f'<tr>{heads}</tr>'}".encode()
    for row in rows:
        cells = "".join(f"<td>{_text(value)}</td>" for value in row)
        yield f"<tr>{cells}</tr>".encode("utf-8", "replace")
    yield b"</table>"


def _text(value: Any) -> str:
    """Write a value as text that can be nothing else than text on a page."""
    if value is None:
        return ""
    return escape(value if isinstance(value, str) else to_json(value).decode())
