"""Erasure of a part: what it is about, what is said again so that nobody is freer than before."""

from collections.abc import Mapping, Sequence
from typing import Any

from customering.app.erasing import StoreReport
from customering.app.erasing_beside import (
    remove_exports,
    remove_from_control,
    remove_from_quarantine,
)
from customering.app.erasing_match import Naming
from customering.app.erasing_scope import KEPT_FACTS, Part
from customering.app.home import Home
from customering.app.learning import TASTE_PURPOSE, VALUE_PURPOSE
from customering.app.settings import CustomeringSettings
from customering.consent.model import ConsentRecord
from customering.consent.rights_scope import CONTACT_KINDS, Scope
from customering.consent.voices import voice_key
from customering.events.model import (
    AGREEMENT_UPDATED,
    CONSENT_UPDATED,
    FACT_CORRECTED,
    OBJECTION_UPDATED,
    RESTRICTION_UPDATED,
    SIGNAL_UPDATED,
    Event,
)
from customering.kernel.errors import Refused
from customering.kernel.ids import Identifier, kind_of, stable_id
from customering.profile.declared import standing
from customering.profile.model import State as ProfileState
from customering.profile.traits import DECLARED

_EVENT_OF = {
    "": CONSENT_UPDATED,
    "signal": SIGNAL_UPDATED,
    "objection": OBJECTION_UPDATED,
    "restriction": RESTRICTION_UPDATED,
    "agreement": AGREEMENT_UPDATED,
}
_ANSWERS = "idempotency"


def names_meant(scope: Scope, names: Sequence[Identifier]) -> tuple[Identifier, ...]:
    """Give the identifiers an erasure is about, of all that a person has.

    Raises
    ------
    Refused
        When the part is an identifier, and there is none of it, or nothing else.
    """
    if not scope.is_of_names:
        return tuple(names)
    gone = tuple(name for name in names if kind_of(name) in CONTACT_KINDS[scope.category])
    if not gone:
        raise Refused(
            f"nothing of {scope.category} is known of this person", hint="there is nothing to erase"
        )
    if len(gone) == len(names):
        raise Refused(
            "this is all that the person is known by", hint="erase everything, or nothing of it"
        )
    return gone


def purpose_of(model: str, settings: CustomeringSettings) -> str:
    """Give the purpose by which a model uses people: who objects to it has left the model."""
    purposes = {
        "value": VALUE_PURPOSE,
        "taste": TASTE_PURPOSE,
        "decisions": settings.learning.purpose,
    }
    return purposes[model]


def said_again(
    request_id: str,
    left: Sequence[Identifier],
    *,
    at_ms: int,
    recorded_at: int,
    record: ConsentRecord,
    state: ProfileState,
) -> list[Event]:
    """Give what a person said under identifiers that go and that must go on to hold.

    Parameters
    ----------
    request_id
        Of the erasure; the same again gives the same events.
    left
        The identifiers that stay, the canonical one first.
    at_ms, recorded_at
        The present, as everything is judged at and by the real clock. Milliseconds since 1970.
    record
        What they permit and refuse.
    state
        Their merged state.
    """
    said: dict[str, dict[str, Any]] = {}
    for key, (_, answer) in record.items():
        kind, colon, _ = key.partition(":")
        if answer != "allow":
            name = _EVENT_OF.get(kind if colon else "")
            if name is not None:
                said.setdefault(name, {"purposes": {}})["purposes"][key] = answer
    told = standing(state[DECLARED])
    facts = {name: told[name][2] for name in sorted(KEPT_FACTS & told.keys())}
    if facts:
        said[FACT_CORRECTED] = {"facts": facts}
    return [
        _own(request_id, name, left[:1], properties, at_ms, recorded_at)
        for name, properties in sorted(said.items())
    ]


def leaving(
    request_id: str,
    model: str,
    names: Sequence[Identifier],
    settings: CustomeringSettings,
    *,
    at_ms: int,
    recorded_at: int,
) -> Event:
    """Give the event by which a person leaves a model."""
    key = voice_key("objection", purpose_of(model, settings))
    properties = {"purposes": {key: "deny"}}
    return _own(request_id, OBJECTION_UPDATED, names[:1], properties, at_ms, recorded_at)


def _own(
    request_id: str,
    name: str,
    names: Sequence[Identifier],
    properties: Mapping[str, Any],
    at_ms: int,
    recorded_at: int,
) -> Event:
    return Event(
        event_id=stable_id("evt", request_id, name),
        kind="track",
        name=name,
        identifiers=tuple(names),
        occurred_at=at_ms,
        recorded_at=recorded_at,
        properties=dict(properties),
        source="customering",
    )


def unmentioned(naming: Naming, state: ProfileState) -> ProfileState:
    """Give a state whose facts do not name what goes."""
    told = state[DECLARED]
    if not told:
        return state
    kept = list(state)
    kept[DECLARED] = {
        name: (rank, at_ms, naming.mended(value, name), source)
        for name, (rank, at_ms, value, source) in told.items()
    }
    return kept


def remove_part_beside(home: Home, naming: Naming, part: Part) -> list[StoreReport]:
    """Remove what small stores keep of a part: refused payloads, remembered answers, exports."""
    return [
        remove_from_quarantine(home.folder, naming, part),
        *remove_from_control(home.folder, naming, only=(_ANSWERS,)),
        remove_exports(home.folder, naming),
    ]
