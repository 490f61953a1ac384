"""The rows of one event, as a store converted them, become one payload for intake."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from customering.events.mapping import Mapping
from customering.kernel.clock import format_instant
from customering.kernel.ids import stable_id


class Row(NamedTuple):
    """One row of a file, converted as its mapping says.

    Parameters
    ----------
    number
        Where it stands in the file: the line of a text file, the row of any other; from 1.
    fault
        Why it cannot be used; empty when it can.
    raw
        The columns the mapping reads as JSON text, when there is a fault; otherwise empty.
    key
        Equal for the rows of one event, which follow each other.
    head
        The `Head` as JSON; empty when there is a fault.
    line
        The line of ``products`` as JSON; empty when the mapping has none.
    """

    number: int
    fault: str
    raw: str
    key: str
    head: str
    line: str


class Head(msgspec.Struct):
    """What a row says about its event, apart from its line; values that are missing are None."""

    id: list[str]
    at_ms: int
    identifiers: dict[str, str | None]
    event: str | None = None
    properties: dict[str, Any] = {}
    traits: dict[str, Any] = {}
    context: dict[str, Any] = {}


class Mapped(NamedTuple):
    """What became of the rows of one event.

    Parameters
    ----------
    number
        Where the first of the rows stands in the file, or the first that has a fault.
    rows
        How many there are.
    payload
        The event as a payload for intake; None when it cannot be made.
    reason
        Why it cannot be made, without values; empty when it can.
    raw
        What the rows hold when there is a reason; otherwise None.
    """

    number: int
    rows: int
    payload: dict[str, Any] | None
    reason: str = ""
    raw: Any = None


_HEAD = msgspec.json.Decoder(Head)
_LINES = msgspec.json.Decoder(list[dict[str, Any]])


def assemble(mapping: Mapping, rows: Sequence[Row]) -> Mapped:
    """Make one payload of the rows of one event.

    One row that cannot be used sets the whole event aside: an order without one of its lines would
    be wrong, and could not be put right by importing the mended file, since its id stays the same.
    """
    for row in rows:
        if row.fault:
            raw = [msgspec.json.decode(other.raw) for other in rows if other.fault]
            left_out = f"; the event's {len(rows)} rows are left out" if len(rows) > 1 else ""
            return Mapped(row.number, len(rows), None, row.fault + left_out, raw)
    heads = [_HEAD.decode(text) for text in dict.fromkeys(row.head for row in rows)]
    head = heads[0]
    for other in heads[1:]:
        if head.identifiers != other.identifiers:
            reason = "the rows of one event do not name the same person"
            raw = [{"identifiers": each.identifiers} for each in heads]
            return Mapped(rows[0].number, len(rows), None, reason, raw)
        _add(head, other)
    identifiers = _present(head.identifiers)
    if not identifiers:
        reason = f"it names nobody: {', '.join(mapping.identifiers.values())} is missing"
        return Mapped(rows[0].number, len(rows), None, reason, msgspec.to_builtins(head))
    payload: dict[str, Any] = {
        "type": mapping.kind,
        "messageId": stable_id("imp", mapping.name, *head.id),
        "timestamp": format_instant(head.at_ms),
        "identifiers": identifiers,
    }
    _fill(payload, mapping, head, rows)
    return Mapped(rows[0].number, len(rows), payload)


def _fill(payload: dict[str, Any], mapping: Mapping, head: Head, rows: Sequence[Row]) -> None:
    """Put name, properties or traits, and context into a payload."""
    if head.event:
        payload["event" if mapping.kind == "track" else "name"] = head.event
    if mapping.kind == "identify":
        payload["traits"] = _present(head.traits)
    else:
        properties = _present(head.properties)
        if mapping.products:
            lines = properties["products"] = _lines(rows)
            for target, source in mapping.totals.items():
                properties[target] = sum([line.get(source) or 0 for line in lines])
        if mapping.has_money:
            properties.setdefault("currency", mapping.currency)
        payload["properties"] = properties
    if context := _present(head.context):
        payload["context"] = context


def _lines(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Give the lines of an event, in the order of its rows."""
    text = f"[{','.join([row.line for row in rows])}]"
    lines = _LINES.decode(text)
    return [_present(line) for line in lines] if "null" in text else lines


def _add(head: Head, other: Head) -> None:
    """Add what a later row says: the latest time, and fields the earlier rows have not."""
    head.at_ms = max(head.at_ms, other.at_ms)
    for mine, theirs in (
        (head.properties, other.properties),
        (head.traits, other.traits),
        (head.context, other.context),
    ):
        mine.update({key: value for key, value in theirs.items() if mine.get(key) is None})


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is missing."""
    if None not in fields.values():
        return fields
    return {key: value for key, value in fields.items() if value is not None}
