"""A decision as an event of the log: complete, compact, and read back equal.

Everything is in the event itself, so that a decision can be explained from the log alone however
old it is: each candidate with the parts of its score and one letter for its fate; the words follow
from these (`weighed`). What is the same for everybody (the columns of the catalogue) is turned into
JSON once and copied into each record; blocks of the log hold it once, for they are compressed.

What was drawn from is kept exactly: chances of the first place are whole numbers of 2**-31, and
chances that were learned are numbers of 32 bits, as base64 of a little-endian array. What may be
learned from the decision stands beside them in a few plain fields (`examples_in`).

Records of format 2 had no learning and knew the chance of the best and that of all others; those of
version 0.1 had one row a candidate. Both are read as well.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from customering.decision.explore import UNIT, WHOLE, FirstPlace
from customering.decision.learner import Example, place_of
from customering.decision.losses import from_letters, to_letters
from customering.decision.model import Decision, FoundBy
from customering.decision.offer import Offer
from customering.decision.settings import ArbitrationSettings
from customering.decision.table import Columns, Floats, Rules, Table, unpacked
from customering.decision.weighed import Quiet, Weighed, WeighedDecision
from customering.events.model import DECISION_MADE, Event
from customering.kernel.errors import InvalidEvent
from customering.kernel.ids import Identifier

SOURCE = "customering"
FORMAT = 3
FEATURES_FORMAT = 1
ITEM = "item:"
"""How the id of an action that shows a product begins; the product follows."""

_FIELDS = tuple(one.name for one in fields(Decision) if one.name != "candidates")
_values = attrgetter(*_FIELDS)
_FACTORS = ArbitrationSettings.__struct_fields__
_ALL_FACTORS = ArbitrationSettings()
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
    properties: dict[str, Any] = dict(zip(_FIELDS, _values(decision), strict=True))
    for name in ("context", "contents", "arm", "learner", "not_before"):
        if not properties[name]:
            del properties[name]
    if isinstance(decision, WeighedDecision):
        properties["candidates"] = _written(decision.weighed)
        if decision.weighed.features is not None and decision.weighed.chosen:
            properties["learning"] = _learning(decision)
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
        "quiet": weighed.quiet,
        "first": _first_written(weighed),
    }
    if not weighed.is_common:
        written["chances"] = offer.written_chances
    if weighed.blocked_words:
        written["blocked"] = weighed.blocked_words
    if weighed.refusals:
        written["refusals"] = [[*asked, words] for asked, words in weighed.refusals.items()]
    if weighed.rested:
        written["rested"] = list(weighed.rested.items())
    if weighed.is_learned:
        written["learned"] = _packed(weighed.chances, "<f4")
        written["model"] = "personal" if weighed.is_personal else "plain"
    if weighed.weights is not None:
        at = np.flatnonzero(weighed.weights != 1.0)
        written["weights"] = {"at": at.tolist(), "of": weighed.weights[at].tolist()}
    if weighed.effects is not None:
        at = np.flatnonzero(weighed.effects != 1.0)
        written["effects"] = {"at": at.tolist(), "of": weighed.effects[at].tolist()}
    if weighed.factors != _ALL_FACTORS:
        written["off"] = [name for name in _FACTORS if not getattr(weighed.factors, name)]
    return written


def _learning(decision: WeighedDecision) -> dict[str, Any]:
    """Give what may be learned from the chosen, as `examples_in` reads it."""
    weighed = decision.weighed
    written: dict[str, Any] = {
        "format": FEATURES_FORMAT,
        "features": weighed.features,
        "seen": _seen(weighed),
    }
    about = weighed.products() if weighed.notes_products else {}
    return {**written, "about": about} if about else written


def _seen(weighed: Weighed) -> list[tuple[str, str, FoundBy, float]]:
    """Give id, group, way and prior of the chosen, which `Weighed.examples` tells in words."""
    seen = []
    for place in weighed.chosen:
        table, row = weighed.offer.at(place)
        columns, prior = table.columns, float(weighed.offer.propensities[place])
        seen.append((columns.action_id[row], columns.group[row], columns.found_by[row], prior))
    return seen


def examples_in(event: Event) -> tuple[Example, ...]:
    """Give what may be learned from the chosen of a decision, best place first; quick.

    Parameters
    ----------
    event
        The event of a decision. One that says nothing of learning, because the person does not
        permit it or the version was older, has none.
    """
    learning = event.properties.get("learning")
    if not isinstance(learning, dict) or learning.get("format") != FEATURES_FORMAT:
        return ()
    place = place_of(event.properties["placement"], event.properties["channel"])
    features = learning["features"]
    return tuple(
        Example(place, group, action_id, found_by, prior, rank, features)
        for rank, (action_id, group, found_by, prior) in enumerate(learning["seen"], start=1)
    )


def has_examples(event: Event) -> bool:
    """Tell whether anything may be learned from a decision, at less cost than `examples_in`."""
    learning = event.properties.get("learning")
    if not isinstance(learning, dict) or learning.get("format") != FEATURES_FORMAT:
        return False
    return bool(learning["seen"])


def products_in(event: Event) -> dict[str, tuple[str, ...]]:
    """Give the products that the chosen actions of a decision are about, as far as it says so."""
    learning = event.properties.get("learning")
    if not isinstance(learning, dict):
        return {}
    said = learning.get("about")
    found = {action_id: tuple(some) for action_id, some in said.items()} if said else {}
    for action_id, *_ in learning["seen"]:
        if action_id.startswith(ITEM):
            found[action_id] = (action_id.removeprefix(ITEM),)
    return found


def _first_written(weighed: Weighed) -> Any:
    """Write the chances of the first place: of the best, of the others, and of those listed."""
    first = weighed.first
    shares = [first.best_units * UNIT, first.other_units * UNIT]
    written = {"best": first.best, "shares": shares}
    if first.listed is not None and first.units is not None:
        written |= {"at": first.listed.tolist(), "units": first.units.tolist()}
    return written


def _first_read(written: Any) -> FirstPlace:
    best_share, other_share = written["shares"]
    first = FirstPlace(written["best"], best_share * WHOLE, other_share * WHOLE)
    if "units" not in written:
        return first
    listed, units = np.array(written["at"]), np.array(written["units"])
    return first._replace(listed=listed, units=units)


def _packed(values: NDArray[Any], kind: str) -> str:
    return b64encode(values.astype(kind).tobytes()).decode()


def _unpacked(text: str, kind: str) -> Floats:
    return np.frombuffer(b64decode(text), dtype=kind).astype(np.float64)


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
        return WeighedDecision(_read(properties), **{name: getattr(told, name) for name in _FIELDS})
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


def _read(properties: Mapping[str, Any]) -> Weighed:
    table = properties["candidates"]
    tables = [_table(columns) for columns in table["tables"]]
    base: Floats = np.concatenate([np.zeros(0), *(each.base for each in tables)])
    codes = from_letters(table["fates"])
    if len(codes) != len(base):
        raise ValueError(f"{len(codes)} fates of {len(base)} candidates")
    is_common = "chances" not in table
    priors = base if is_common else _sparse(table["chances"], base)
    weights, effects = table.get("weights"), table.get("effects")
    learning = properties.get("learning")
    return Weighed(
        offer=Offer(tables, priors, lambda place: {}),
        is_common=is_common,
        chances=_unpacked(table["learned"], "<f4") if "learned" in table else priors,
        codes=codes,
        chosen=table["chosen"],
        reasons=table["reasons"],
        first=_first_read(table.get("first", table)),
        quiet=Quiet(**table["quiet"]),
        blocked_words=table.get("blocked", ""),
        refusals={tuple(asked): words for *asked, words in table.get("refusals", ())},
        rested=dict(table.get("rested", ())),
        weights=None if weights is None else _sparse(weights, np.ones(len(codes))),
        effects=None if effects is None else _sparse(effects, np.ones(len(codes))),
        factors=ArbitrationSettings(**dict.fromkeys(table.get("off", ()), False)),
        features=None if learning is None else learning["features"],
        is_learned="learned" in table,
        is_personal=table.get("model") == "personal",
    )


def _table(written: Mapping[str, Any]) -> Table:
    count = written["count"]
    columns = {
        name: unpacked(written[name], count)
        for name in Columns.__dataclass_fields__
        if name in written
    }
    return Table(Columns(**columns), _NO_RULES)


def _sparse(written: Any, base: Floats) -> Floats:
    """Read numbers of which only those that differ from a base may have been written."""
    if not isinstance(written, dict):
        return np.array(written, dtype=np.float64)
    read = base.copy()
    read[written["at"]] = written["of"]
    return read
