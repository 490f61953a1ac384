"""Candidates from what a person may like and from the catalogue."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candidates_twin import (
    ItemSuggestion,
    catalogue_candidates,
    item_candidates,
    suggestion_of,
)
from customering.decision.model import Action
from customering.taste.model import Facts, Suggestion


def suggestion(product_id: str, probability: float, **fields: Any) -> ItemSuggestion:
    usual = {"title": product_id.title(), "category": "bakery", "kind": "repeat"}
    return ItemSuggestion(
        **{"product_id": product_id, "probability": probability, **usual, **fields}
    )


def offer(**fields: Any) -> Action:
    return Action(
        **{
            "action_id": "offer",
            "kind": "make_offer",
            "title": "Offer",
            "purpose": "personalize.offers",
            "base_propensity": 0.1,
            "value_minor": 50,
            **fields,
        }
    )


def test_what_taste_found_is_told_with_titles():
    found = Suggestion(
        product_id="1",
        probability=0.4,
        kind="repeat",
        facts=Facts(times=9, every_days=12.0, last_days_ago=0, because_of=("2", "3")),
    )
    bread = suggestion_of(found, {"1": "Bread", "2": "Wine"}, price_minor=300)
    assert (bread.title, bread.kind, bread.probability) == ("Bread", "repeat", 0.4)
    assert bread.facts == {
        "times_bought": 9,
        "gap_days": 12.0,
        "days_since_last": 0,
        "bought_with": ["Wine"],
    }
    assert suggestion_of(found, {}).title == "1"


def test_an_item_is_worth_its_margin():
    priced, unpriced = item_candidates(
        [suggestion("bread", 0.5, price_minor=300), suggestion("cake", 0.2, kind="discover")],
        purpose="personalize.web",
        margin_share=0.25,
        usual_price_minor=200,
    )
    assert (priced.action.action_id, priced.value_minor) == ("item:bread", 75)
    assert (unpriced.value_minor, unpriced.found_by) == (50, "discover")
    assert priced.action.group == "bakery"
    assert priced.action.base_propensity == 0.0


def test_an_offer_on_what_the_person_buys_is_likelier():
    suggestions = [suggestion("bread", 0.5), suggestion("wine", 0.9, category="cellar")]
    (about_bread,) = catalogue_candidates([offer(products=("bread",))], suggestions)
    assert about_bread.propensity == pytest.approx(1 - 0.9 * (1 - 0.5 * 0.5))
    assert about_bread.facts == {"about_bought": ["Bread"]}


def test_an_offer_about_nothing_has_its_base_propensity():
    (plain,) = catalogue_candidates([offer()], [suggestion("bread", 0.9)])
    assert plain.propensity == pytest.approx(0.1)
    assert plain.facts == {}


def test_a_product_that_is_named_and_in_a_named_category_counts_once():
    suggestions = [suggestion("bread", 0.5)]
    (twice,) = catalogue_candidates(
        [offer(products=("bread", "bread"), categories=("bakery",))], suggestions
    )
    (once,) = catalogue_candidates([offer(products=("bread",))], suggestions)
    assert twice == catalogue_candidates([twice.action], suggestions)[0]
    assert twice.propensity == once.propensity


def test_what_is_new_to_the_person_is_not_told_as_bought():
    (fresh,) = catalogue_candidates(
        [offer(categories=("bakery",))], [suggestion("cake", 0.5, kind="discover")]
    )
    assert fresh.facts == {}
    assert fresh.propensity > 0.1


@settings(max_examples=100, deadline=None)
@given(
    base=st.floats(0, 1),
    weight=st.floats(0, 1),
    chances=st.lists(st.floats(0, 1), max_size=5),
    more=st.floats(0, 1),
)
def test_the_propensity_of_an_offer_is_bounded_and_grows_with_wishes(
    base: float, weight: float, chances: list[float], more: float
):
    suggestions = [suggestion(f"p{n}", chance) for n, chance in enumerate(chances)]
    action = offer(base_propensity=base, categories=("bakery",))
    (fewer,) = catalogue_candidates([action], suggestions, interest_weight=weight)
    (greater,) = catalogue_candidates(
        [action], [*suggestions, suggestion("more", more)], interest_weight=weight
    )
    assert base - 1e-12 <= fewer.propensity <= greater.propensity + 1e-12 <= 1 + 1e-12
    assert 0.0 <= fewer.propensity <= 1.0
