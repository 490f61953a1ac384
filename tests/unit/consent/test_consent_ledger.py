"""What one event does to a person's choices."""

from typing import Any

import pytest

from customering.consent.ledger import check_choices, consent_of, merge, step, zero
from customering.events.model import CONSENT_UPDATED, Event
from customering.kernel.errors import InvalidEvent
from customering.kernel.ids import identifier


def consent_event(
    purposes: Any, *, at_ms: int, recorded_at: int | None = None, name: str = CONSENT_UPDATED
) -> Event:
    return Event(
        event_id=f"e{at_ms}",
        kind="track",
        name=name,
        identifiers=(identifier("user_id", "ada"),),
        occurred_at=at_ms,
        recorded_at=at_ms if recorded_at is None else recorded_at,
        properties={"purposes": purposes},
    )


def test_the_latest_choice_stands():
    record = step(zero(), consent_event({"marketing.email": "allow"}, at_ms=10))
    record = step(record, consent_event({"marketing.email": "deny"}, at_ms=20))
    assert record == {"marketing.email": (20, "deny")}


def test_a_choice_that_arrives_late_does_not_undo_a_later_one():
    record = step(zero(), consent_event({"marketing.email": "deny"}, at_ms=20))
    record = step(record, consent_event({"marketing.email": "allow"}, at_ms=10))
    assert record == {"marketing.email": (20, "deny")}


def test_of_two_at_the_same_instant_the_refusal_stands():
    allow = {"marketing.email": (5, "allow")}
    deny = {"marketing.email": (5, "deny")}
    assert merge(allow, deny) == merge(deny, allow) == deny


def test_a_clock_that_runs_ahead_cannot_outdo_a_later_refusal():
    record = step(
        zero(), consent_event({"marketing.email": "allow"}, at_ms=10**15, recorded_at=100)
    )
    record = step(record, consent_event({"marketing.email": "deny"}, at_ms=200))
    assert record["marketing.email"] == (200, "deny")


@pytest.mark.parametrize("answer", ["yes", True, None, 1, "ALLOW", ["allow"]])
def test_what_is_not_clearly_an_agreement_is_a_refusal(answer: Any):
    record = step(zero(), consent_event({"marketing.email": answer}, at_ms=1))
    assert record == {"marketing.email": (1, "deny")}


@pytest.mark.parametrize("purposes", [None, "marketing.email", ["marketing.email"], 3])
def test_an_event_without_readable_choices_changes_nothing(purposes: Any):
    before = {"marketing.email": (1, "allow")}
    assert step(before, consent_event(purposes, at_ms=9)) == before


def test_events_of_other_names_change_nothing():
    event = consent_event({"marketing.email": "allow"}, at_ms=9, name="Order Completed")
    assert step(zero(), event) == {}


def test_neither_input_of_a_merge_is_changed():
    left, right = {"a": (1, "allow")}, {"a": (2, "deny")}
    merge(left, right)
    assert left == {"a": (1, "allow")}
    assert right == {"a": (2, "deny")}


def test_a_person_has_the_choices_of_all_anchors():
    whole = consent_of([{"a": (1, "allow")}, {}, {"a": (3, "deny"), "b": (2, "allow")}])
    assert whole == {"a": (3, "deny"), "b": (2, "allow")}


@pytest.mark.parametrize(
    ("properties", "path"),
    [
        ({}, "properties.purposes"),
        ({"purposes": {}}, "properties.purposes"),
        ({"purposes": ["marketing.email"]}, "properties.purposes"),
        ({"purposes": {"marketing.fax": "allow"}}, "properties.purposes.marketing.fax"),
        ({"purposes": {"marketing.email": "yes"}}, "properties.purposes.marketing.email"),
    ],
)
def test_the_door_names_what_is_wrong(properties: dict[str, Any], path: str):
    with pytest.raises(InvalidEvent) as caught:
        check_choices(properties, ["marketing.email"])
    assert caught.value.facts["path"] == path
    assert caught.value.hint


def test_the_door_lets_readable_choices_in():
    check_choices({"purposes": {"marketing.email": "deny"}}, ["marketing.email"])
