"""What a person chose: the latest choice for a purpose stands; of two at once, the refusal.

A record is a join semilattice: `merge` is commutative, associative and idempotent, so the choices
may arrive in any order, twice, or filed under several identifiers of one person.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from customering.consent.model import Answer, ConsentRecord
from customering.events.model import PERMISSION_NAMES, Event
from customering.kernel.errors import InvalidEvent


def zero() -> ConsentRecord:
    """Give the record of somebody who never chose anything."""
    return {}


def step(record: ConsentRecord, event: Event) -> ConsentRecord:
    """Take what one event says into a record; events that say nothing of it change nothing.

    The instant of a choice is when it was made, but never after it reached us: a clock that runs
    ahead must not produce an agreement that no later refusal can outdo.
    """
    if event.name not in PERMISSION_NAMES:
        return record
    at_ms = min(event.occurred_at, event.recorded_at)
    chosen: ConsentRecord = {
        purpose: (at_ms, answer) for purpose, answer in _choices(event.properties).items()
    }
    return merge(record, chosen)


def merge(left: ConsentRecord, right: ConsentRecord) -> ConsentRecord:
    """Join two records of one person into a new one.

    Examples
    --------
    >>> merge({"marketing.email": (1, "allow")}, {"marketing.email": (2, "deny")})
    {'marketing.email': (2, 'deny')}
    >>> merge({"marketing.email": (1, "allow")}, {"marketing.email": (1, "deny")})
    {'marketing.email': (1, 'deny')}
    """
    joined = dict(left)
    for purpose, choice in right.items():
        joined[purpose] = _stronger(joined.get(purpose, choice), choice)
    return joined


def consent_of(records: Iterable[ConsentRecord]) -> ConsentRecord:
    """Give a person's record from the records of their anchors."""
    whole = zero()
    for record in records:
        whole = merge(whole, record)
    return whole


def check_choices(properties: Mapping[str, Any], purposes: Iterable[str]) -> None:
    """Check the choices of an event at the door, where the sender can still be told.

    Parameters
    ----------
    properties
        Properties of the event: ``{"purposes": {key: "allow" or "deny"}}``.
    purposes
        Keys that may be named: the purposes that exist, and their ancestors.

    Raises
    ------
    InvalidEvent
        When there is no choice, a purpose does not exist, or an answer is not one of the two words.
    """
    choices = properties.get("purposes")
    if not isinstance(choices, Mapping) or not choices:
        raise InvalidEvent(
            "The event names no purposes.",
            hint='Send {"purposes": {"marketing.email": "allow"}}.',
            path="properties.purposes",
        )
    known = set(purposes)
    for purpose, answer in choices.items():
        if purpose not in known:
            raise InvalidEvent(
                f"There is no purpose {purpose!r}.",
                hint="Use a key of the list of purposes.",
                path=f"properties.purposes.{purpose}",
            )
        if answer not in ("allow", "deny"):
            raise InvalidEvent(
                f"The answer for {purpose!r} is neither allow nor deny.",
                hint='Send "allow" or "deny".',
                path=f"properties.purposes.{purpose}",
            )


def _choices(properties: Mapping[str, Any]) -> dict[str, Answer]:
    """Read choices already in the log: whatever is not clearly an agreement is a refusal."""
    choices = properties.get("purposes")
    if not isinstance(choices, Mapping):
        return {}
    return {str(key): "allow" if answer == "allow" else "deny" for key, answer in choices.items()}


def _stronger(left: tuple[int, Answer], right: tuple[int, Answer]) -> tuple[int, Answer]:
    """Give the later choice, or the refusal when both were made at the same instant."""
    return max(left, right, key=lambda choice: (choice[0], choice[1] == "deny"))
