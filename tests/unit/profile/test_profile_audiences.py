"""Audiences: asked again only when an event touched what they read."""

import pytest

from customering.events.model import Event
from customering.kernel.errors import InvalidDefinition, InvalidExpression
from customering.kernel.ids import Identifier
from customering.profile.audiences import AudienceIndex
from customering.profile.definitions import shipped_traits
from customering.profile.fold import fold_event
from customering.profile.model import AudienceDefinition
from customering.profile.traits import TraitSet

TRAITS = TraitSet(shipped_traits())
NOW_MS = 20_000 * 86_400_000


def asked(**questions: str) -> AudienceIndex:
    definitions = [AudienceDefinition(name=n, where=where) for n, where in questions.items()]
    return AudienceIndex(definitions, TRAITS)


def happened(name: str, kind: str = "track", **properties: object) -> Event:
    return Event(
        event_id="e",
        kind=kind,  # type: ignore[arg-type]
        name=name,
        identifiers=(Identifier("user_id:1"),),
        occurred_at=NOW_MS,
        recorded_at=NOW_MS,
        properties=properties,
    )


INDEX = asked(
    buyers="orders_total >= 1",
    searchers="searches_30d >= 2",
    mediums='declared.size == "M"',
    both="orders_total >= 1 and searches_30d >= 1",
)


def test_only_what_reads_a_touched_slot_is_asked() -> None:
    def names(name: str, kind: str = "track") -> set[str]:
        touched = TRAITS.program(kind, name).slots
        return {audience.name for audience in INDEX.affected(touched)}

    assert names("Order Completed") == {"buyers", "both"}
    assert names("Products Searched") == {"searchers", "both"}
    assert names("Product Viewed") == set()
    # What is declared can overrule any trait.
    assert names("", "identify") == {"buyers", "searchers", "mediums", "both"}


def test_updates_lead_to_the_same_memberships() -> None:
    state, current = TRAITS.zero(), frozenset[str]()
    steps = [
        (happened("Products Searched", query="tea"), set()),
        (happened("Order Completed", revenue_minor=100), {"buyers", "both"}),
        (happened("Products Searched", query="tea"), {"buyers", "both", "searchers"}),
        (happened("", "identify", size="M"), {"buyers", "both", "searchers", "mediums"}),
        (happened("Fact Corrected", facts={"size": None}), {"buyers", "both", "searchers"}),
        (happened("Fact Corrected", facts={"orders_total": 0}), {"searchers"}),
    ]
    for event, expected in steps:
        fold_event(TRAITS, state, event)
        touched = TRAITS.program(event.kind, event.name).slots
        current = INDEX.update(current, state, touched, NOW_MS)
        assert current == expected == INDEX.members(state, NOW_MS)


def test_what_is_not_permitted_is_missing() -> None:
    state = TRAITS.zero()
    fold_event(TRAITS, state, happened("Order Completed"))
    assert INDEX.members(state, NOW_MS) == {"buyers"}
    assert INDEX.members(state, NOW_MS, allowed_mask=0) == frozenset()


def test_questions_are_checked() -> None:
    with pytest.raises(InvalidExpression, match="audience regulars, where: column 1") as caught:
        asked(regulars="order_total > 3")
    assert caught.value.hint == "Did you mean orders_total?"
    definition = AudienceDefinition(name="a", where="orders_total > 3")
    with pytest.raises(InvalidDefinition, match="two audiences a"):
        AudienceIndex([definition, definition], TRAITS)
