"""A glance from one anchor alone is bound by what the person said under their other identifiers."""

from typing import Any

import pytest

from customering.app.glance import Glance
from customering.app.models import ModelShelf
from customering.app.people import People
from customering.app.settings import CustomeringSettings
from customering.consent.gate import CompiledPolicy
from customering.consent.model import ConsentSettings, StatedDefault
from customering.consent.purposes import shipped_purposes
from customering.events.model import CONSENT_UPDATED, FACT_CORRECTED, Event
from customering.kernel.clock import MS_PER_DAY
from customering.kernel.ids import Identifier, PersonId
from customering.profile.definitions import shipped_traits
from customering.profile.fold import fold_events
from customering.profile.model import State
from customering.profile.traits import TraitSet

TODAY = 400
NOW_MS = TODAY * MS_PER_DAY + 5
BROWSER, CARD = Identifier("anonymous_id:b"), Identifier("loyalty_card:1")
POLICY = CompiledPolicy(
    shipped_purposes(),
    ConsentSettings(
        defaults={
            key: StatedDefault(answer="allow", ground="a test")
            for key in ("personalize.web", "personalize.offers", "profile.value_scoring")
        }
    ),
)
TRAITS = TraitSet(shipped_traits(), sorted(POLICY.keys))


def life(name: Identifier, *told: tuple[str, int, dict[str, Any]]) -> State:
    return fold_events(
        TRAITS,
        [
            Event(
                event_id=f"{name}{place}",
                kind="track" if event else "identify",
                name=event,
                identifiers=(name,),
                occurred_at=day * MS_PER_DAY,
                recorded_at=NOW_MS,
                properties=properties,
            )
            for place, (event, day, properties) in enumerate(told)
        ],
    )


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> People:
    nowhere: Any = None
    return People(
        log=nowhere,
        history=nowhere,
        state=nowhere,
        traits=TRAITS,
        policy=POLICY,
        settings=CustomeringSettings(),
        models=ModelShelf(tmp_path_factory.mktemp("models")),
    )


def alone(people: People, own: State, *others: State) -> Glance:
    return people.glance(PersonId("per_b"), [BROWSER], [own], NOW_MS, also=others)


BOUGHT: dict[str, Any] = {"revenue_minor": 500, "products": [{"product_id": "p1"}]}
SEEN = life(BROWSER, ("Order Completed", 390, BOUGHT))


def test_a_refusal_under_another_identifier_binds(people: People):
    refusing = life(CARD, (CONSENT_UPDATED, 9, {"purposes": {"personalize": "deny"}}))
    assert "habits" in alone(people, SEEN).values
    glance = alone(people, SEEN, refusing)
    assert glance.consent == {"personalize": (9 * MS_PER_DAY, "deny")}
    assert "habits" not in glance.values


def test_the_latest_choice_stands_wherever_it_was_made(people: People):
    own = life(BROWSER, (CONSENT_UPDATED, 12, {"purposes": {"marketing": "deny"}}))
    card = life(CARD, (CONSENT_UPDATED, 11, {"purposes": {"marketing": "allow"}}))
    assert alone(people, own, card).consent["marketing"] == (12 * MS_PER_DAY, "deny")


def test_a_status_set_under_another_identifier_binds(people: People):
    on_a_break = {"relationship_status": {"status": "on_a_break", "since_ms": 1}}
    card = life(CARD, (FACT_CORRECTED, 9, {"facts": on_a_break}))
    glance = alone(people, SEEN, card)
    assert glance.declared_status is not None
    assert glance.declared_status.status == "on_a_break"
    assert glance.contract != alone(people, SEEN).contract
    taken_back = life(CARD, (FACT_CORRECTED, 10, {"facts": {"relationship_status": None}}))
    assert alone(people, SEEN, card, taken_back).declared_status is None


def test_what_was_dismissed_under_another_identifier_rests(people: People):
    own = life(BROWSER, ("Action Dismissed", 380, {"action_id": "item:p1"}))
    card = life(
        CARD,
        ("Action Dismissed", 395, {"action_id": "item:p1"}),
        ("Action Dismissed", 396, {"action_id": "offer:2"}),
    )
    assert alone(people, own).dismissed == {"item:p1": 380}
    assert alone(people, own, card).dismissed == {"item:p1": 395, "offer:2": 396}


def test_nothing_else_is_read_from_other_identifiers(people: People):
    card = life(
        CARD,
        ("Order Completed", 395, {"revenue_minor": 900, "products": [{"product_id": "p7"}]}),
        ("", 9, {"zone": "Europe/Vienna", "size": "L"}),
        ("Decision Made", 399, {"contact": f"{399 * MS_PER_DAY} email offer:2"}),
    )
    glance = alone(people, SEEN, card)
    assert dict(glance.values) == dict(alone(people, SEEN).values)
    assert glance.contract == alone(people, SEEN).contract
    assert dict(people.glance(PersonId("per_b"), [BROWSER], [SEEN, card], NOW_MS).values) != dict(
        glance.values
    )
