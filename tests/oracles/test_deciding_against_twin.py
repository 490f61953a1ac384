"""A glance at a person leads to the decision that reading all of them leads to."""

from typing import Any, cast

import deciding_twin
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.app.deciding import Deciding, request_for
from customering.app.decision_facts import contact_text
from customering.app.models import ModelShelf
from customering.app.people import People
from customering.app.purchases import Item
from customering.app.settings import CustomeringSettings
from customering.consent.gate import CompiledPolicy
from customering.consent.model import ConsentSettings, StatedDefault
from customering.consent.purposes import shipped_purposes
from customering.decision.model import Action, DecisionSettings
from customering.decision.policy import compile_policy
from customering.decision.record import decision_of, event_of
from customering.events.model import CONSENT_UPDATED, DECISION_MADE, Event
from customering.kernel.clock import MS_PER_DAY
from customering.kernel.ids import Identifier, PersonId
from customering.kernel.records import from_json, to_json
from customering.profile.definitions import shipped_traits
from customering.profile.fold import fold_events, merge_states
from customering.profile.model import State
from customering.profile.traits import TraitSet
from customering.relationship.histories import summarise
from customering.relationship.model import Purchases as Orders
from customering.relationship.model import ValueModel
from customering.relationship.value import fit_value
from customering.taste.answering import NOBODY
from customering.taste.history import gather
from customering.taste.model import TasteModel, TasteSettings
from customering.taste.train import train

TODAY = 400
NOW_MS = TODAY * MS_PER_DAY + 12 * 3_600_000
NAME = Identifier("user_id:ada")
CONSENT = CompiledPolicy(
    shipped_purposes(),
    ConsentSettings(
        defaults={
            key: StatedDefault(answer="allow", ground="a test")
            for key in ("personalize.web", "personalize.offers", "profile.value_scoring")
        }
    ),
)
TRAITS = TraitSet(shipped_traits(), sorted(CONSENT.keys))
SETTINGS = CustomeringSettings()
PRODUCTS = [f"p{number:02d}" for number in range(40)]
ACTIONS = tuple(
    Action(
        action_id=f"offer:{number}",
        kind=("make_offer", "send_message")[number % 2],
        title=f"Offer {number % 5}",
        purpose="personalize.offers",
        group=f"group {number % 4}" if number % 3 else "",
        eligibility=("", "orders_total >= 3", "orders_90d > 1 or missing(orders_90d)")[number % 3],
        base_propensity=(0.0, 0.02)[number % 2],
        value_minor=20 * (number % 7),
        products=tuple(PRODUCTS[number : number + 3]),
        categories=("dairy",) if number % 5 == 0 else (),
        cooldown_days=number % 3,
        valid_until=NOW_MS + (number - 6) * MS_PER_DAY if number % 2 else None,
        content={"subject": "Hello"} if number % 2 else {},
    )
    for number in range(24)
)


class Shelf:
    """Models in memory."""

    def __init__(self, taste: TasteModel | None, value: ValueModel | None) -> None:
        self.taste, self.value = taste, value
        self.arrivals, self.answering, self.persuasion = None, NOBODY, None
        self.items = {
            product: Item(
                product_id=product,
                title=f"Title {number}",
                category=("dairy", "bakery", "")[number % 3],
                price_minor=100 * (number % 4),
            )
            for number, product in enumerate(PRODUCTS[:35])
        }


def _shelf() -> Shelf:
    chance = np.random.default_rng(5)
    rows = 6_000
    person = chance.integers(0, 150, rows)
    item = (chance.integers(0, 20, rows) + person) % 40
    day = chance.integers(0, TODAY, rows)
    lines = gather(person, item, day, people=150, items=40)
    taste = train(
        lines,
        PRODUCTS,
        through_day=TODAY - 1,
        settings=TasteSettings(
            discovery_items_max=30,
            neighbours_kept=8,
            supported_candidates=6,
            popular_candidates=5,
        ),
    )
    orders = Orders(person=person, day=day, amount_minor=chance.random(rows) * 1000)
    value = fit_value(summarise(orders, until_day=TODAY), until_day=TODAY, fitted_at_ms=0)
    return Shelf(taste, value)


class Shop:
    """People and decisions over models in memory."""

    def __init__(self, shelf: Shelf) -> None:
        self.models = cast("ModelShelf", shelf)
        self.policy = compile_policy(
            DecisionSettings(exploration_share=0.3, control_share=0.2), CONSENT
        )
        self.known: dict[str, Any] = {
            "models": self.models,
            "policy": self.policy,
            "actions": ACTIONS,
            "settings": SETTINGS,
        }
        self.deciding = Deciding(**self.known)
        nowhere: Any = None
        self.people = People(
            log=nowhere,
            history=nowhere,
            state=nowhere,
            traits=TRAITS,
            policy=CONSENT,
            settings=SETTINGS,
            models=self.models,
        )


@pytest.fixture(scope="module")
def town() -> Shop:
    return Shop(_shelf())


def _event(name: str, day: float, properties: dict[str, Any]) -> Event:
    at_ms = int(day * MS_PER_DAY)
    kind = "track" if name else "identify"
    return Event(
        event_id=f"{name}{day}{sorted(properties)}",
        kind=kind,
        name=name,
        identifiers=(NAME,),
        occurred_at=at_ms,
        recorded_at=max(at_ms, NOW_MS),
        properties=properties,
    )


orders = st.builds(
    lambda day, products, minor: _event(
        "Order Completed",
        day,
        {"revenue_minor": minor, "products": [{"product_id": each} for each in products]},
    ),
    st.one_of(st.integers(1, TODAY), st.integers(TODAY - 60, TODAY)),
    st.lists(st.sampled_from([*PRODUCTS[:12], "never seen"]), min_size=1, max_size=5),
    st.integers(0, 5000),
)
others = st.one_of(
    st.builds(lambda day: _event("Message Sent", day, {}), st.integers(TODAY - 90, TODAY)),
    st.builds(
        lambda day, action, channel: _event(
            DECISION_MADE, day, {"contact": contact_text(day * MS_PER_DAY, channel, action)}
        ),
        st.integers(TODAY - 9, TODAY),
        st.sampled_from(["offer:2", "offer:5", "item:p01"]),
        st.sampled_from(["", "email"]),
    ),
    st.builds(
        lambda day, action: _event("Action Dismissed", day, {"action_id": action}),
        st.integers(TODAY - 33, TODAY),
        st.sampled_from(["offer:1", "offer:2", "item:p01", "item:p20", "leave_alone"]),
    ),
    st.builds(
        lambda key, answer: _event(CONSENT_UPDATED, 9, {"purposes": {key: answer}}),
        st.sampled_from(["personalize", "profile.value_scoring", "marketing.email"]),
        st.sampled_from(["allow", "deny"]),
    ),
    st.builds(
        lambda status: _event("", 5, {"relationship_status": status, "zone": "Europe/Vienna"}),
        st.sampled_from([{"status": "on_a_break", "since_ms": 5}, {"status": "loyal"}, None]),
    ),
)
lives = st.lists(st.lists(st.one_of(orders, orders, orders, others), max_size=25), max_size=3).map(
    lambda some: [fold_events(TRAITS, events) for events in some]
)
requests = st.sampled_from([request_for("home", "", 5), request_for("mail", "email", 1)])


@settings(max_examples=120, deadline=None)
@given(life=lives, request_=requests, number=st.integers(0, 30))
def test_a_glance_decides_as_a_full_reading(
    town: Shop, life: list[State], request_: Any, number: int
):
    person_id = PersonId(f"per_{number}")
    merged = merge_states(TRAITS, life)
    person = town.people.judge(person_id, [NAME], merged, NOW_MS)
    glance = town.people.glance(person_id, [NAME], life, NOW_MS)
    assert glance.contract == person.status.contract
    assert dict(glance.values) == person.values
    slow = deciding_twin.decide(person, request_, NOW_MS, **town.known)
    first = town.deciding.decide(glance, request_, NOW_MS)
    assert first.candidates == slow.candidates
    assert first == slow
    # What was remembered of this person gives the same again, and so does the merged state.
    quick = town.deciding.decide(glance, request_, NOW_MS)
    assert quick == slow
    whole = town.people.glance(person_id, [NAME], [merged], NOW_MS)
    assert town.deciding.decide(whole, request_, NOW_MS) == slow
    event = event_of(quick, (NAME,), NOW_MS)
    assert decision_of(from_json(to_json(event), Event)) == slow


def test_what_is_remembered_follows_purchases_days_and_the_catalogue(town: Shop):
    before = fold_events(TRAITS, [_event("Order Completed", 390, _lines("p01"))])
    after = fold_events(
        TRAITS,
        [
            _event("Order Completed", 390, _lines("p01")),
            _event("Order Completed", 399, _lines("p02")),
        ],
    )
    request = request_for("home", "", 3)
    for state, now_ms in (
        (before, NOW_MS),
        (after, NOW_MS),
        (after, NOW_MS + MS_PER_DAY),
        (before, NOW_MS - 3 * MS_PER_DAY),
        (before, NOW_MS),
    ):
        person = town.people.judge(PersonId("per_x"), [NAME], state, now_ms)
        glance = town.people.glance(PersonId("per_x"), [NAME], [state], now_ms)
        slow = deciding_twin.decide(person, request, now_ms, **town.known)
        assert town.deciding.decide(glance, request, now_ms) == slow


def test_what_was_dismissed_is_not_offered_until_it_has_rested(town: Shop):
    """The wished for product and the offer alike, by the ids they are shown under."""
    orders = [_event("Order Completed", day, _lines("p01")) for day in range(300, TODAY, 7)]
    request = request_for("home", "", 40)

    def fates(events: list[Event], now_ms: int) -> dict[str, str | None]:
        state = fold_events(TRAITS, events)
        glance = town.people.glance(PersonId("per_x"), [NAME], [state], now_ms)
        decision = town.deciding.decide(glance, request, now_ms)
        return {one.action_id: one.lost for one in decision.candidates}

    names = ("item:p01", "offer:4")
    before = fates(orders, NOW_MS)
    assert all(before[name] not in ("dismissed", "not_eligible") for name in names)
    said_no = [_event("Action Dismissed", TODAY - 30, {"action_id": name}) for name in names]
    after = fates([*orders, *said_no], NOW_MS)
    assert {name for name, lost in after.items() if lost == "dismissed"} == set(names)
    tomorrow = fates([*orders, *said_no], (TODAY + 1) * MS_PER_DAY)
    assert "dismissed" not in tomorrow.values()
    assert tomorrow.keys() >= set(names)


def test_somebody_unknown_is_offered_what_many_buy(town: Shop):
    stranger = town.people.glance(PersonId("per_new"), [NAME], [], NOW_MS)
    decision = town.deciding.decide(stranger, request_for("home", "", 3), NOW_MS)
    person = town.people.judge(PersonId("per_new"), [NAME], TRAITS.zero(), NOW_MS)
    assert decision == deciding_twin.decide(
        person, request_for("home", "", 3), NOW_MS, **town.known
    )
    assert len(decision.picks) == 3


def test_without_models_there_is_only_the_catalogue():
    shop = Shop(Shelf(None, None))
    glance = shop.people.glance(PersonId("per_new"), [NAME], [], NOW_MS)
    decision = shop.deciding.decide(glance, request_for("home", "", 3), NOW_MS)
    assert {one.kind for one in decision.candidates} == {
        "make_offer",
        "send_message",
        "leave_alone",
    }


@settings(max_examples=40, deadline=None)
@given(many=st.lists(lives, min_size=2, max_size=4), request_=requests)
def test_without_models_all_are_offered_the_same_and_each_is_decided_for(
    many: list[list[State]], request_: Any
):
    shop = Shop(Shelf(None, None))
    for number, life in enumerate([*many, *many]):
        person_id = PersonId(f"per_{number}")
        person = shop.people.judge(person_id, [NAME], merge_states(TRAITS, life), NOW_MS)
        glance = shop.people.glance(person_id, [NAME], life, NOW_MS)
        slow = deciding_twin.decide(person, request_, NOW_MS, **shop.known)
        assert shop.deciding.decide(glance, request_, NOW_MS) == slow


def test_new_models_are_noticed(town: Shop):
    shelf = Shelf(town.models.taste, town.models.value)
    shop = Shop(shelf)
    glance = shop.people.glance(PersonId("per_new"), [NAME], [], NOW_MS)
    first = shop.deciding.decide(glance, request_for("home", "", 3), NOW_MS)
    shelf.items = {name: item for name, item in shelf.items.items() if name > "p20"}
    second = shop.deciding.decide(glance, request_for("home", "", 3), NOW_MS)
    assert first.candidates != second.candidates


def _lines(product: str) -> dict[str, Any]:
    return {"revenue_minor": 500, "products": [{"product_id": product}]}
