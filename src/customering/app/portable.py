"""Everything of one person in one ZIP: for machines, for spreadsheets, and to be read.

It is written event by event, so that a long life takes no more memory than a short one.
"""

import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, BinaryIO, Literal

import msgspec

from customering.app.engine import Engine
from customering.app.folding import copy_to_history
from customering.app.people import Person
from customering.app.portable_page import page
from customering.app.portable_tables import csv_lines
from customering.decision.record import decision_of
from customering.events.model import DECISION_MADE, Event, products_of
from customering.identity.explain import say_link
from customering.identity.model import Link
from customering.kernel.clock import format_instant
from customering.kernel.records import from_json, to_json

Subset = Literal["all", "portable"]
"""``all`` answers article 15; ``portable`` is what article 20 covers: provided and observed."""

_NOT_PROVIDED = frozenset({DECISION_MADE})
_JSONL = "application/x-ndjson"
_DAY = (1980, 1, 1, 0, 0, 0)


class _Package:
    """A ZIP that is written part by part, and knows what is in it."""

    def __init__(self, out: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED)
        self.listed: list[dict[str, Any]] = []

    def write(self, name: str, words: str, parts: Iterable[bytes]) -> None:
        """Write one file from its parts, and note its length, its digest and its rows."""
        digest, length, rows = sha256(), 0, 0
        entry = zipfile.ZipInfo(name, _DAY)
        entry.compress_type = zipfile.ZIP_DEFLATED
        with self._zip.open(entry, "w", force_zip64=True) as file:
            for part in parts:
                file.write(part)
                digest.update(part)
                length += len(part)
                rows += 1
        self.listed.append(
            {
                "file": name,
                "what": words,
                "bytes": length,
                "sha256": digest.hexdigest(),
                "rows": rows if name.endswith((".ndjson", ".csv")) else None,
            }
        )

    def close(self) -> None:
        """Write the end of the ZIP."""
        self._zip.close()


@contextmanager
def _package(out: BinaryIO) -> Iterator[_Package]:
    package = _Package(out)
    try:
        yield package
    finally:
        package.close()


def write_takeout(
    engine: Engine,
    person: Person,
    links: Sequence[Link],
    out: BinaryIO,
    *,
    subset: Subset = "all",
    beside: Mapping[str, Sequence[Any]] | None = None,
    words: Mapping[str, str] | None = None,
) -> None:
    """Write everything of a person, and of nobody else, as a ZIP.

    Parameters
    ----------
    engine
        The home; for the thread that reads the history.
    person
        The person.
    links
        Why their identifiers are one person.
    out
        A file opened for writing.
    subset
        What is in it.
    beside
        Further lists by the name of their file: requests, and who looked.
    words
        What each further list is, for those that are not our own.
    """
    told = {**(words or {}), **_BESIDE}
    copy_to_history(engine.reading_log, engine.history, engine.rules)
    is_whole = subset == "all"
    profile = profile_of(engine, person, links, is_whole=is_whole)

    def events() -> Iterator[Event]:
        for event in engine.history.stream_of(person.identifiers):
            if is_whole or event.name not in _NOT_PROVIDED:
                yield event

    with _package(out) as package:
        package.write(
            "profile.json",
            "who you are to us, what we know and how we know it",
            [msgspec.json.format(to_json(profile), indent=2)],
        )
        package.write(
            "events.ndjson",
            "everything that happened, as we keep it, one JSON object a line",
            (to_json(event) + b"\n" for event in events()),
        )
        package.write("events.csv", "the same as a table", _events_csv(events()))
        package.write("purchases.csv", "what you bought, line by line", _lines_csv(events()))
        package.write("facts.csv", "what we know, as a table", _facts_csv(profile["facts"]))
        package.write(
            "consents.jsonld",
            "what you permitted and refused, as ISO/IEC TS 27560 records",
            [msgspec.json.format(to_json(_consents(engine, person)), indent=2)],
        )
        if is_whole:
            package.write(
                "decisions.ndjson",
                "what was decided for you and why, one JSON object a line",
                _decisions(events()),
            )
            for name, held in (beside or {}).items():
                package.write(f"{name}.ndjson", told[name], (to_json(one) + b"\n" for one in held))
        package.write(
            "index.html",
            "this overview",
            page(profile, package.listed, events(), is_whole=is_whole),
        )
        package.write(
            "manifest.json",
            "the list of the files before",
            [msgspec.json.format(to_json({"subset": subset, "files": package.listed}), indent=2)],
        )


_BESIDE = {
    "requests": "what you asked of us, and how far it is",
    "looks": "who looked at what we know of you",
}


def profile_of(
    engine: Engine, person: Person, links: Sequence[Link], *, is_whole: bool
) -> dict[str, Any]:
    """Give who a person is and what is known, as plain data; for article 20, without inferences."""
    purposes = {one.key: one for one in engine.purposes.purposes}
    units = {name: one.definition.unit for name, one in engine.traits.traits.items()}
    facts = {
        name: {
            "value": fact.value,
            "how_we_know": fact.provenance,
            "as_of": format_instant(fact.as_of),
            "words": fact.words,
            "unit": units.get(name, ""),
            "source": fact.source,
            "purpose": fact.purpose,
        }
        for name, fact in sorted(engine.people.facts(person).items())
        if is_whole or fact.provenance != "inferred"
    }
    told: dict[str, Any] = {
        "person_id": person.person_id,
        "as_of": format_instant(person.as_of),
        "identifiers": list(person.identifiers),
        "why_they_are_one_person": [say_link(link) for link in links],
        "facts": facts,
    }
    if is_whole:
        told |= {
            "status": {
                "name": person.status.name,
                "set_by": person.status.set_by,
                "words": person.status.person_words,
                "because": list(person.status.facts),
            },
            "audiences": list(engine.people.audiences(person, engine.audiences)),
            "estimate": person.estimate,
            "not_computed_because_refused": list(person.refused),
            "processors": [
                {"name": one.name or key, "receives": one.receives}
                for key, one in engine.settings.rights.processors.items()
            ],
            "purposes": {
                key: {"what": one.title, "kept": one.retention, "given_to": list(one.recipients)}
                for key, one in sorted(purposes.items())
            },
        }
    return told


def _events_csv(events: Iterable[Event]) -> Iterable[bytes]:
    header = ("occurred_at", "recorded_at", "kind", "name", "identifiers", "source", "event_id")
    return csv_lines(
        (*header, "properties", "context"),
        (
            (
                format_instant(event.occurred_at),
                format_instant(event.recorded_at),
                event.kind,
                event.name,
                " ".join(event.identifiers),
                event.source,
                event.event_id,
                event.properties,
                event.context,
            )
            for event in events
        ),
    )


_LINE = ("product_id", "name", "category", "brand", "quantity", "price_minor", "amount_minor")


def _lines_csv(events: Iterable[Event]) -> Iterable[bytes]:
    return csv_lines(
        ("occurred_at", "order_id", "currency", *_LINE),
        (
            (
                format_instant(event.occurred_at),
                event.properties.get("order_id"),
                event.properties.get("currency"),
                *(line.get(field) for field in _LINE),
            )
            for event in events
            if event.name == "Order Completed"
            for line in products_of(event.properties)
        ),
    )


def _facts_csv(facts: Mapping[str, Mapping[str, Any]]) -> Iterable[bytes]:
    columns = ("value", "how_we_know", "as_of", "words", "unit", "source", "purpose")
    return csv_lines(
        ("fact", *columns),
        ((name, *(fact[column] for column in columns)) for name, fact in facts.items()),
    )


def _consents(engine: Engine, person: Person) -> dict[str, Any]:
    """Give the consent records of a person as one JSON-LD document."""
    receipts = engine.receipts
    receipts.catch_up(engine.reading_log)
    lines = receipts.of(person.identifiers)
    documents = [
        from_json(receipts.receipt(person.identifiers, line.seq), dict[str, Any])["receipt"]
        for line in lines
    ]
    contexts = [document.pop("@context") for document in documents]
    return {"@context": contexts[0] if contexts else {}, "@graph": documents}


def _decisions(events: Iterable[Event]) -> Iterable[bytes]:
    for event in events:
        if event.name != DECISION_MADE:
            continue
        made = decision_of(event)
        told = {
            "decision_id": made.decision_id,
            "decided_at": format_instant(made.decided_at),
            "placement": made.placement,
            "channel": made.channel,
            "purpose": made.purpose,
            "choice": made.choice,
            "chosen": made.chosen,
            "reasons": made.reasons,
            "policy_version": made.policy_version,
            "seed": made.seed,
            "context": made.context,
            "candidates": made.candidates,
        }
        yield to_json(told) + b"\n"
