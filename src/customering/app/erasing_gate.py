"""What keeps erased people out: asked before events are appended, and before a home is used."""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from customering.app.erasing_scope import Part
from customering.events.model import Event
from customering.identity.anchors import RULINGS, anchor_of
from customering.identity.rules import IdentityRules
from customering.stores.admission import Admission
from customering.stores.erasing_journal import ErasureJournal
from customering.stores.tombstones import Tombstones

JOURNAL = "rights.sqlite"
"""The file in a home that says what was erased."""


def open_journal(folder: Path) -> ErasureJournal:
    """Open the journal of a home; it is made when there is none.

    Raises
    ------
    Corrupt, Conflict, Unavailable
        When it is damaged, held, or cannot be used.
    """
    return ErasureJournal(folder / JOURNAL, secrets.token_bytes(32))


def admission_of(
    tombstones: Tombstones, rules: IdentityRules, categories: Mapping[str, str]
) -> Admission | None:
    """Give what is asked before events are appended; None when nobody was ever erased.

    Kept out are an event that was erased, under the id it had then, and an event of an erased
    identifier that occurred before the erasure. One that occurred later is a new beginning. An
    event of somebody else that carries an erased identifier beside its own is kept without it.
    Of a person of whom a part was erased, that part of earlier events is kept out.

    Parameters
    ----------
    tombstones, rules
        Who and what was erased, and the rules of identity.
    categories
        Names of your own events to their category.
    """
    if not tombstones:
        return None

    def admitted(events: Sequence[Event]) -> list[Event | None]:
        erased = tombstones.is_erased([event.event_id for event in events])
        return [
            None if is_erased else _admitted(event, tombstones, rules, categories)
            for event, is_erased in zip(events, erased, strict=True)
        ]

    return admitted


def _admitted(
    event: Event, tombstones: Tombstones, rules: IdentityRules, categories: Mapping[str, str]
) -> Event | None:
    """Give what of an event may be kept."""
    whole = _of_people(event, tombstones, rules)
    if whole is None or not tombstones.has_parts_at(event.occurred_at):
        return whole
    anchor = anchor_of(whole.identifiers, rules)
    for scope in [] if anchor is None else tombstones.parts_of(anchor, whole.occurred_at):
        kept = Part(whole.identifiers, rules, scope, categories).judged(whole)
        if kept is None:
            return None
        whole = kept
    return whole


def _of_people(event: Event, tombstones: Tombstones, rules: IdentityRules) -> Event | None:
    """Give what of an event may be kept beside people who were erased."""
    at = event.occurred_at
    if not tombstones.may_concern(at):
        return event
    kept = tuple(name for name in event.identifiers if not tombstones.keeps_out(name, at))
    if len(kept) == len(event.identifiers):
        return event
    anchor = anchor_of(event.identifiers, rules)
    if anchor is None or anchor not in kept or event.name in RULINGS:
        return None
    return replace(event, identifiers=kept)
