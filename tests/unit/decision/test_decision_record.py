"""A decision in the log and back."""

from typing import Any

import pytest

from customering.decision.model import Considered
from customering.decision.record import decision_of, event_of, properties_of
from customering.decision.weighed import WeighedDecision
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


def test_what_all_share_stands_once_and_each_fate_is_a_letter(shop: Any):
    decision = shop.decide(*(shop.candidate(f"item{n}") for n in range(200)))
    table = from_json(to_json(properties_of(decision)["candidates"]), dict[str, Any])
    assert table["fates"].count("x") == 197
    assert table["tables"][0]["kind"] == {"all": "show_item"}


def test_a_record_of_the_first_version_is_read(shop: Any):
    decision = shop.decide(shop.candidate("bread"), shop.candidate("wine", 0.1))
    columns = [name for name in Considered.__struct_fields__ if name != "words"]
    rows = [
        [*(getattr(one, name) for name in columns), place]
        for place, one in enumerate(decision.candidates)
    ]
    words = [one.words for one in decision.candidates]
    event = event_of(decision, ADA, shop.now_ms)
    old = {"columns": [*columns, "words"], "rows": rows, "words": words}
    written = Event(**{**_fields(event), "properties": {**event.properties, "candidates": old}})
    read = decision_of(from_json(to_json(written), Event))
    assert read == decision
    assert read.picks == decision.picks
    again = event_of(read, ADA, shop.now_ms)
    assert decision_of(from_json(to_json(again), Event)) == decision


def test_fates_that_do_not_fit_are_named(shop: Any):
    event = event_of(shop.decide(shop.candidate()), ADA, shop.now_ms)
    table = {**event.properties["candidates"], "fates": ".."}
    broken = Event(**{**_fields(event), "properties": {**event.properties, "candidates": table}})
    with pytest.raises(InvalidEvent, match="2 fates of 1 candidates"):
        decision_of(broken)


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


def test_a_record_of_the_format_before_learning_is_read(shop: Any):
    candidates = [shop.candidate(name, (n + 1) / 10) for n, name in enumerate("abcd")]
    decision = shop.decide(*candidates, exploration_share=0.25)
    event = from_json(to_json(event_of(decision, ADA, 0)), Event)
    table = event.properties["candidates"]
    table |= {"format": 2, **table.pop("first")}
    del event.properties["learning"]
    read = decision_of(event)
    assert read == decision
    assert [one.probability for one in read.candidates] == [
        one.probability for one in decision.candidates
    ]
    assert isinstance(read, WeighedDecision)
    assert read.examples == ()
