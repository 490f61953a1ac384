"""A decision in the log and back."""

from typing import Any

import pytest

from customering.decision.record import decision_of, event_of, properties_of
from customering.events.model import DECISION_MADE, Event
from customering.kernel.errors import InvalidEvent
from customering.kernel.ids import identifier
from customering.kernel.records import from_json, to_json

ADA = (identifier("user_id", "ada"),)


def test_a_decision_survives_the_log(shop: Any):
    candidates = [shop.candidate(name, 1 / (n + 3)) for n, name in enumerate("abcdef")]
    decision = shop.decide(*candidates, exploration_share=0.3)
    event = event_of(decision, ADA, shop.now_ms + 5)
    assert (event.name, event.event_id) == (DECISION_MADE, decision.decision_id)
    assert (event.occurred_at, event.recorded_at) == (shop.now_ms, shop.now_ms + 5)
    assert decision_of(from_json(to_json(event), Event)) == decision


def test_words_that_many_share_stand_once(shop: Any):
    decision = shop.decide(*(shop.candidate(f"item{n}") for n in range(200)))
    table = properties_of(decision)["candidates"]
    assert len(table["rows"]) == 201
    assert len(table["words"]) < 5


def test_an_event_of_another_name_is_no_decision(shop: Any):
    event = event_of(shop.decide(), ADA, shop.now_ms)
    with pytest.raises(InvalidEvent, match="is no decision"):
        decision_of(Event(**{**_fields(event), "name": "Order Completed"}))


@pytest.mark.parametrize(
    "change",
    [
        {"candidates": None},
        {"candidates": {"columns": [], "rows": [[1]], "words": []}},
        {"propensity": "high"},
        {"chosen": None},
    ],
)
def test_properties_that_do_not_fit_are_named(shop: Any, change: dict[str, Any]):
    event = event_of(shop.decide(), ADA, shop.now_ms)
    broken = Event(**{**_fields(event), "properties": {**event.properties, **change}})
    with pytest.raises(InvalidEvent, match="cannot be read") as caught:
        decision_of(broken)
    assert caught.value.hint


def _fields(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in Event.__struct_fields__}
