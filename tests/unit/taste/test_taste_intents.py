"""Stated intents: read strictly, holding until their end, fitting what is meant."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.taste.intents import (
    MORE_LIFT,
    STATED_LIFT,
    Intent,
    demand_of,
    live_intents,
    read_intent,
    wanted,
)

NOW = 1_800_000_000_000
DAY = 86_400_000
ID = "int_" + "a" * 16


def told(**changes: Any) -> dict[str, Any]:
    return {
        "intent_id": ID,
        "what": "bicycle bag",
        "cast_at": NOW,
        "expires_at": NOW + DAY,
    } | changes


def declared(**changes: Any) -> dict[str, Any]:
    return {f"intent:{ID}": told(**changes)}


def test_an_intent_holds_until_its_end() -> None:
    assert [one.what for one in live_intents(declared(), NOW + DAY - 1)] == ["bicycle bag"]
    assert live_intents(declared(), NOW + DAY) == ()


@pytest.mark.parametrize(
    ("category", "title", "fits"),
    [
        ("Bags", "Bicycle bag, waterproof", True),
        ("bicycle", "A waterproof BAG", True),
        ("Bags", "Handbag for the bicycle", False),
        ("Bags", "Bag", False),
        ("", "", False),
    ],
)
def test_it_fits_what_its_words_say(category: str, title: str, fits: bool) -> None:
    intent = read_intent(told())
    assert intent is not None
    assert intent.fits(category, title) is fits


def test_it_fits_its_category_whatever_the_title() -> None:
    intent = read_intent(told(what="something quiet", category="Dishwashers"))
    assert intent is not None
    assert intent.fits("dishwashers", "Model 7")
    assert not intent.fits("", "Model 7")


@pytest.mark.parametrize(
    "fact",
    [None, "text", 7, [], {}, told(what=""), told(what="x" * 300), told(cast_at="soon"),
     told(intent_id="int_1"), told(must=["x"] * 11), told(budget_to_minor=-1),
     told(anonymity="famous")],
)  # fmt: skip
def test_what_anybody_declares_is_not_believed(fact: Any) -> None:
    assert read_intent(fact) is None
    assert live_intents({f"intent:{ID}": fact}, NOW) == ()


def test_an_intent_under_another_name_is_none() -> None:
    assert live_intents({"intent:int_" + "b" * 16: told()}, NOW) == ()


def test_what_is_stated_lifts_more_than_what_is_liked() -> None:
    found = wanted(declared() | {"more_like_this": {"Bread": NOW}}, NOW)
    assert found.lift("Bags", "Bicycle bag") == STATED_LIFT
    assert found.lift("bread", "Rye") == MORE_LIFT
    assert found.lift("Oil", "Olive oil") == 1.0
    assert found.words_for("Bags", "Bicycle bag") == "bicycle bag"
    assert found.words_for("bread", "Rye") is None


def test_without_permission_nothing_stated_is_used() -> None:
    assert not wanted(declared(), NOW, may_answer=False)
    assert not wanted({}, NOW)


def test_a_demand_says_what_is_wanted_and_nothing_of_who() -> None:
    fact = told(category="Bags", must=("waterproof",), nice=("blue",), budget_from_minor=1_000,
                budget_to_minor=4_990, currency="EUR", where="1010", begins_at=NOW,
                ends_at=NOW + DAY, anonymity="named")  # fmt: skip
    intent = read_intent(fact)
    assert intent is not None
    assert demand_of(intent) == {
        "@context": "https://schema.org",
        "@type": "Demand",
        "identifier": ID,
        "itemOffered": {
            "@type": "Product",
            "name": "bicycle bag",
            "category": "Bags",
            "additionalProperty": [
                {"@type": "PropertyValue", "name": "must", "value": "waterproof"},
                {"@type": "PropertyValue", "name": "nice to have", "value": "blue"},
            ],
        },
        "validFrom": "2027-01-15T08:00:00.000Z",
        "validThrough": "2027-01-16T08:00:00.000Z",
        "availabilityStarts": "2027-01-15T08:00:00.000Z",
        "availabilityEnds": "2027-01-16T08:00:00.000Z",
        "areaServed": "1010",
        "priceSpecification": {
            "@type": "PriceSpecification",
            "minPrice": 10.0,
            "maxPrice": 49.9,
            "priceCurrency": "EUR",
        },
    }


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_a_lift_never_lowers(category: str, title: str) -> None:
    found = wanted(declared() | {"more_like_this": {"x": 1}}, NOW)
    assert found.lift(category, title) >= 1.0


def test_the_newest_comes_first() -> None:
    other = "int_" + "b" * 16
    facts = declared() | {f"intent:{other}": told(intent_id=other, cast_at=NOW + 1)}
    assert [one.intent_id for one in live_intents(facts, NOW)] == [other, ID]
    assert Intent(**told()).holds(NOW)
