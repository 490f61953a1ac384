"""What the town does by itself is taken in as it is, and tells of the people."""

from collections import Counter

import numpy as np
import pytest

from customering.events.commerce import tracking_plan
from customering.events.intake import intake
from customering.events.settings import EventsSettings
from customering.testing.assortment import DEPARTMENTS
from customering.testing.days import HISTORY_DAYS, events_of_day, history, joined_on
from customering.testing.facts import facts_of
from customering.testing.world import FIRST_INSTANT_MS, Town, town_day


@pytest.fixture(scope="module")
def town() -> Town:
    return Town(2, people=120)


def test_a_day_is_the_same_however_often_it_is_asked(town: Town) -> None:
    assert events_of_day(town, 3) == events_of_day(Town(2, people=120), 3)
    assert events_of_day(town, 3) != events_of_day(Town(3, people=120), 3)


def test_everything_is_taken_in_once_and_on_its_day(town: Town) -> None:
    payloads = list(history(town))
    taken = intake(
        payloads,
        plan=tracking_plan(None),
        settings=EventsSettings(),
        source="town",
        received_at=FIRST_INSTANT_MS,
    )
    assert taken.quarantined == []
    assert len({event.event_id for event in taken.accepted}) == len(payloads)
    days = [town_day(event.occurred_at) for event in taken.accepted]
    assert min(days) == -HISTORY_DAYS
    assert max(days) == -1
    names = Counter(event.name or event.kind for event in taken.accepted)
    assert names["identify"] <= town.people
    assert names["Order Completed"] > town.people
    assert {"Product Viewed", "Products Searched", "Product Added", "Coupon Redeemed"} <= set(names)


def test_people_are_met_from_the_day_they_join(town: Town) -> None:
    first = {person: joined_on(town, person) for person in range(town.people)}
    assert 0 < sum(day > -HISTORY_DAYS for day in first.values()) < town.people / 3
    seen: dict[str, int] = {}
    for day in range(-HISTORY_DAYS, 60):
        for payload in events_of_day(town, day):
            seen.setdefault(payload["userId"], day)
    assert seen == {f"t{person}": day for person, day in first.items()}


def test_what_is_known_tells_of_what_is_liked(town: Town) -> None:
    known = facts_of(town)
    assert len(known) == town.people
    shares, observed = [], []
    for person, facts in enumerate(known):
        top = dict(facts.get("top_departments", []))
        if sum(top.values()) < 10:
            continue
        observed += [top.get(name, 0) / sum(top.values()) for name in DEPARTMENTS]
        shares += town.residents.shares[person].tolist()
    assert np.corrcoef(shares, observed)[0, 1] > 0.9


def test_who_came_later_is_not_known_yet(town: Town) -> None:
    later = [person for person in range(town.people) if joined_on(town, person) >= 0]
    known = facts_of(town)
    assert later
    assert all(known[person]["declared"] == {} for person in later)
