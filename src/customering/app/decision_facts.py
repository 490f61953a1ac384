"""What a decision may know of a person, read from a glance at them."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from customering.app.glance import Glance
from customering.app.persuaded import effects_of
from customering.decision.model import Contact, PersonFacts
from customering.profile.lazy import LazyValues
from customering.relationship.contact_wishes import CONTACT_WISHES_FACT, read_contact_wishes

CONTACTS_TRAIT = "recent_contacts"
"""The trait of earlier contacts, each as `contact_text` writes it."""

ACCEPTED_TRAIT = "accepted_actions"
"""The trait of what a person took up: by action the last day."""

NOTHING_BOUGHT = (0, 0)
"""The hash of somebody who has bought nothing."""


class Bought:
    """What a person bought, as it was observed, whatever they declared; read when asked for.

    Parameters
    ----------
    values
        The person's trait values.

    Attributes
    ----------
    hash
        A hash of all that was bought, and the length of its text: two texts of equal length agree
        by chance once in 2**64.
    """

    __slots__ = ("_habits", "_values", "hash")

    def __init__(self, values: LazyValues) -> None:
        self._values = values
        habits = values.kept("habits")
        kept = [habits, values.kept("shopping_days")]
        # What is kept of one anchor is the value: nothing is copied.
        self._habits: Mapping[str, Sequence[int]] | None = habits[0] if len(habits) == 1 else None
        self.hash = NOTHING_BOUGHT
        if any(kept):
            text = msgspec.msgpack.encode(kept)
            self.hash = hash(text), len(text)

    @property
    def habits(self) -> Mapping[str, Sequence[int]]:
        """For each product the days on which it was bought."""
        if self._habits is None:
            self._habits = self._values.observed("habits") or {}
        return self._habits

    @property
    def days(self) -> Sequence[int]:
        """The days with an order."""
        return self._values.observed("shopping_days") or ()

    def days_of(self, product: str) -> Sequence[int]:
        """Give the days on which one product was bought."""
        return self.habits.get(product, ())


def facts_of(person: Glance) -> PersonFacts:
    """Give all that a decision may know of a person, beside what they may want."""
    values, said = person.values, person.values.declared
    contacts: Sequence[str] = values.observed(CONTACTS_TRAIT) or ()
    return PersonFacts(
        person_id=person.person_id,
        traits=values,
        consent=person.consent,
        status=person.status_set,
        contract=person.contract,
        contacts=tuple(_contacts(contacts)) if contacts else (),
        dismissed=person.dismissed,
        accepted=_accepted(values),
        zone=str(said.get("zone", "")),
        wishes=read_contact_wishes(said.get(CONTACT_WISHES_FACT)),
        effects=effects_of(person.persuasions),
    )


def _accepted(values: LazyValues) -> dict[str, int]:
    """Give what the person took up, with the last day on which they did."""
    days: Mapping[str, Sequence[int]] = values.observed(ACCEPTED_TRAIT) or {}
    return {action_id: some[-1] for action_id, some in days.items() if some}


def contact_text(at_ms: int, channel: str, action_id: str) -> str:
    """Write a contact as the trait of recent contacts keeps it."""
    return f"{at_ms} {channel} {action_id}"


def _contacts(texts: Sequence[str]) -> Iterator[Contact]:
    for text in texts:
        at_ms, channel, action_id = text.split(" ", 2)
        yield Contact(at_ms=int(at_ms), channel=channel, action_id=action_id)
