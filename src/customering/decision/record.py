"""A decision as an event of the log: complete, compact, and read back equal.

Everything is in the event itself, so that a decision can be explained from the log alone however
old it is: each candidate with the parts of its score and one letter for its fate; the words follow
from these (`weighed`). What is the same for everybody (the columns of the catalogue) is turned into
JSON once and copied into each record; blocks of the log hold it once, for they are compressed.

Records of version 0.1 had one row a candidate; they are read as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import msgspec
import numpy as np

from customering.decision.losses import from_letters, to_letters
from customering.decision.model import Decision
from customering.decision.offer import Offer
from customering.decision.table import Columns, Floats, Rules, Table, unpacked
from customering.decision.weighed import Quiet, Weighed, WeighedDecision
from customering.events.model import DECISION_MADE, Event
from customering.kernel.errors import InvalidEvent
from customering.kernel.ids import Identifier

SOURCE = "customering"
FORMAT = 2

_FIELDS = tuple(one.name for one in fields(Decision) if one.name != "candidates")
_NO_RULES = Rules(asked=(), asked_of=np.zeros(0, dtype=np.intp))


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
    """Give a decision as the properties of its event, ready for JSON.

    Columns that many decisions share are JSON already (`msgspec.Raw`).
    """
    properties: dict[str, Any] = {name: getattr(decision, name) for name in _FIELDS}
    for name in ("context", "contents"):
        if not properties[name]:
            del properties[name]
    if isinstance(decision, WeighedDecision):
        properties["candidates"] = _written(decision.weighed)
    else:
        properties["candidates"] = {"format": 1, "rows": decision.candidates}
    return properties


def _written(weighed: Weighed) -> dict[str, Any]:
    offer = weighed.offer
    written: dict[str, Any] = {
        "format": FORMAT,
        "tables": [table.written for table in offer.tables],
        "fates": to_letters(weighed.codes),
        "chosen": weighed.chosen,
        "reasons": weighed.reasons,
        "best": weighed.best,
        "shares": weighed.shares,
        "quiet": weighed.quiet,
    }
    if not weighed.is_common:
        written["chances"] = offer.written_chances
    if weighed.blocked_words:
        written["blocked"] = weighed.blocked_words
    if weighed.refusals:
        written["refusals"] = [[*asked, words] for asked, words in weighed.refusals.items()]
    if weighed.rested:
        written["rested"] = list(weighed.rested.items())
    return written


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
        # Columns of an event that was never written are JSON inside; others are as plain data.
        properties = msgspec.json.decode(msgspec.json.encode(event.properties))
        table = properties["candidates"]
        if "columns" in table:
            return _of_version_0_1(properties, table)
        if table["format"] == 1:
            return msgspec.convert({**properties, "candidates": table["rows"]}, type=Decision)
        told = msgspec.convert({**properties, "candidates": []}, type=Decision)
        return WeighedDecision(_read(table), **{name: getattr(told, name) for name in _FIELDS})
    except (msgspec.ValidationError, LookupError, TypeError, ValueError) as error:
        raise InvalidEvent(
            f"The decision {event.event_id} cannot be read: {error}.",
            hint="It was written by another version, or changed.",
            event_id=event.event_id,
        ) from error


def _of_version_0_1(properties: Mapping[str, Any], table: Mapping[str, Any]) -> Decision:
    words = table["words"]
    candidates = [
        {**dict(zip(table["columns"], row, strict=True)), "words": words[row[-1]]}
        for row in table["rows"]
    ]
    return msgspec.convert({**properties, "candidates": candidates}, type=Decision)


def _read(table: Mapping[str, Any]) -> Weighed:
    tables = [_table(columns) for columns in table["tables"]]
    base: Floats = np.concatenate([np.zeros(0), *(each.base for each in tables)])
    codes = from_letters(table["fates"])
    if len(codes) != len(base):
        raise ValueError(f"{len(codes)} fates of {len(base)} candidates")
    is_common = "chances" not in table
    chances = base if is_common else _chances(table["chances"], base)
    shares = table["shares"]
    return Weighed(
        offer=Offer(tables, chances, lambda place: {}),
        is_common=is_common,
        chances=chances,
        codes=codes,
        chosen=table["chosen"],
        reasons=table["reasons"],
        best=table["best"],
        shares=(float(shares[0]), float(shares[1])),
        quiet=Quiet(**table["quiet"]),
        blocked_words=table.get("blocked", ""),
        refusals={tuple(asked): words for *asked, words in table.get("refusals", ())},
        rested=dict(table.get("rested", ())),
    )


def _table(written: Mapping[str, Any]) -> Table:
    count = written["count"]
    columns = {name: unpacked(written[name], count) for name in Columns.__dataclass_fields__}
    return Table(Columns(**columns), _NO_RULES)


def _chances(written: Any, base: Floats) -> Floats:
    if not isinstance(written, dict):
        return np.array(written, dtype=np.float64)
    chances = base.copy()
    chances[written["at"]] = written["of"]
    return chances
