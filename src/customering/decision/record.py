"""A decision as an event of the log, compact, and read back equal.

Candidates are rows under one list of columns, and words that many candidates share stand once: 500
candidates take some 50 kB of JSON, which the log compresses further.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from customering.decision.model import Considered, Decision
from customering.events.model import DECISION_MADE, Event
from customering.kernel.errors import InvalidEvent
from customering.kernel.ids import Identifier

SOURCE = "customering"

_COLUMNS = tuple(name for name in Considered.__struct_fields__ if name != "words")


def event_of(decision: Decision, identifiers: Sequence[Identifier], recorded_at: int) -> Event:
    """Give the event that keeps a decision.

    Parameters
    ----------
    decision
        What was decided.
    identifiers
        Names of the person, at least one.
    recorded_at
        When it is appended. Milliseconds since 1970.
    """
    return Event(
        event_id=decision.decision_id,
        kind="track",
        name=DECISION_MADE,
        identifiers=tuple(identifiers),
        occurred_at=decision.decided_at,
        recorded_at=recorded_at,
        properties=properties_of(decision),
        source=SOURCE,
    )


def properties_of(decision: Decision) -> dict[str, Any]:
    """Give a decision as the properties of its event: plain data, ready for JSON."""
    properties: dict[str, Any] = {
        name: getattr(decision, name) for name in Decision.__struct_fields__ if name != "candidates"
    }
    distinct = dict.fromkeys(one.words for one in decision.candidates)
    places = {words: place for place, words in enumerate(distinct)}
    properties["chosen"] = list(decision.chosen)
    properties["reasons"] = list(decision.reasons)
    properties["candidates"] = {
        "columns": [*_COLUMNS, "words"],
        "rows": [
            [*(getattr(one, name) for name in _COLUMNS), places[one.words]]
            for one in decision.candidates
        ],
        "words": list(distinct),
    }
    return properties


def decision_of(event: Event) -> Decision:
    """Read a decision back from its event.

    Raises
    ------
    InvalidEvent
        When the event is not one of a decision, or its properties do not fit.
    """
    if event.name != DECISION_MADE:
        raise InvalidEvent(
            f"The event {event.event_id} is no decision.",
            hint=f"Read events named {DECISION_MADE!r}.",
            event_id=event.event_id,
        )
    try:
        table = event.properties["candidates"]
        words = table["words"]
        candidates = [
            {**dict(zip(table["columns"], row, strict=True)), "words": words[row[-1]]}
            for row in table["rows"]
        ]
        return msgspec.convert({**event.properties, "candidates": candidates}, type=Decision)
    except (msgspec.ValidationError, LookupError, TypeError, ValueError) as error:
        raise InvalidEvent(
            f"The decision {event.event_id} cannot be read: {error}.",
            hint="It was written by another version, or changed.",
            event_id=event.event_id,
        ) from error
