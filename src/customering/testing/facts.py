"""What a shop knows of the people of a town: their history through the real intake and fold."""

from typing import Any

from customering.events.commerce import tracking_plan
from customering.events.intake import intake
from customering.events.settings import EventsSettings
from customering.profile.definitions import shipped_traits
from customering.profile.fold import fold_event, values
from customering.profile.model import State
from customering.profile.traits import TraitSet
from customering.testing.days import history, user_id
from customering.testing.world import FIRST_INSTANT_MS, Town


def facts_of(town: Town) -> list[dict[str, Any]]:
    """Give the trait values of everybody as of day 0, one mapping a person.

    Those who come later are known by nothing but that they declared nothing.
    """
    traits = TraitSet(shipped_traits())
    taken = intake(
        history(town),
        plan=tracking_plan(None),
        settings=EventsSettings(),
        source="town",
        received_at=FIRST_INSTANT_MS,
    )
    assert not taken.quarantined, "everything the town tells is well said"
    states: dict[str, State] = {}
    for event in taken.accepted:
        state = states.setdefault(event.identifiers[0], traits.zero())
        fold_event(traits, state, event)
    found = []
    for person in range(town.people):
        state = states.get(f"user_id:{user_id(person)}", traits.zero())
        found.append(values(traits, state, FIRST_INSTANT_MS))
    return found
