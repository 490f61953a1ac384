"""What a person tells us to do with them: what they permit, and how they want to stand with us."""

from collections.abc import Mapping
from typing import Any, NamedTuple, get_args

from customering.app.people import STATUS_FACT, Person
from customering.consent.gate import CompiledPolicy
from customering.consent.ledger import check_choices
from customering.events.model import CONSENT_UPDATED, FACT_CORRECTED
from customering.kernel.errors import Invalid
from customering.kernel.ids import Identifier
from customering.relationship.model import SettableStatus

WORDS = (*get_args(SettableStatus), "none")
"""How a person may want to stand with us; ``none`` takes it back."""


class Wish(NamedTuple):
    """What becomes one of the system's own events.

    Parameters
    ----------
    name
        Name of the event.
    identifiers
        Whom it is about.
    properties
        What it says.
    """

    name: str
    identifiers: tuple[Identifier, ...]
    properties: dict[str, Any]


def choice(person: Person, answers: Mapping[str, str], policy: CompiledPolicy) -> Wish:
    """Give the wish of a person who permits or refuses purposes.

    Parameters
    ----------
    answers
        Purpose, or a group of them to deny, to ``allow`` or ``deny``.

    Raises
    ------
    InvalidEvent
        When a purpose does not exist or an answer is neither of the two.
    """
    chosen = {"purposes": dict(answers)}
    check_choices(chosen, policy.keys)
    return Wish(CONSENT_UPDATED, person.identifiers[:1], chosen)


def standing(person: Person, word: str, now_ms: int, until_ms: int | None = None) -> Wish:
    """Give the wish of a person who says how they want to stand with us.

    Parameters
    ----------
    word
        One of `WORDS`.
    now_ms
        The present.
    until_ms
        When it ends; None leaves it open. Milliseconds since 1970.

    Raises
    ------
    Invalid
        When it is another word, or it would have ended before it begins.
    """
    if word not in WORDS:
        raise Invalid(
            f"{word!r} cannot be set by a person",
            hint=f"{', '.join(WORDS[:-1])}, or none to take it back",
        )
    if until_ms is not None and until_ms <= now_ms:
        raise Invalid("it would have ended before it begins", hint="name an instant still to come")
    fact: dict[str, Any] | None = None
    if word != "none":
        fact = {"status": word, "since_ms": now_ms}
        if until_ms is not None:
            fact["until_ms"] = until_ms
    return Wish(FACT_CORRECTED, person.identifiers[:1], {"facts": {STATUS_FACT: fact}})
