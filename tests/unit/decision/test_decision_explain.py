"""Sentences from facts."""

from typing import Any

import pytest

from customering.decision.explain import drawn_reason, quiet_reason, reasons_of


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (
            {"times_bought": 9, "gap_days": 12.2, "days_since_last": 14.0},
            "You bought it 9 times, about every 12 days, last 14 days ago.",
        ),
        ({"times_bought": 1, "days_since_last": 1.0}, "You bought it once, 1 day ago."),
        ({"times_bought": 2, "days_since_last": 0}, "You bought it 2 times, last today."),
        ({"times_bought": 1, "gap_days": 3.0}, "You bought it once."),
        ({"times_bought": 0, "gap_days": 3.0}, "It fits you best by what we know."),
        ({"repeat_rate": 0.61}, "61 % of those who bought it buy it again."),
        ({"buyers_share": 0.0123}, "1.2 % of all people bought it."),
        ({"bought_with": ["Bread"]}, "People who buy Bread also buy it."),
        ({"bought_with": ["Bread", "Wine"]}, "People who buy Bread and Wine also buy it."),
        (
            {"about_bought": ["Bread", "Wine", "Cheese", "Figs"]},
            "It is on products you buy: Bread, Wine and Cheese.",
        ),
        ({"wished_for": "a tent"}, "You told us that you look for a tent."),
        ({"bought_with": []}, "It fits you best by what we know."),
        ({}, "It fits you best by what we know."),
        (
            {"repeat_rate": 0.5, "times_bought": 2},
            "You bought it 2 times. 50 % of those who bought it buy it again.",
        ),
    ],
)
def test_facts_become_sentences(shop: Any, facts: dict[str, Any], words: str):
    assert reasons_of(facts) == words


def test_what_everybody_gets_is_not_explained_by_the_person(shop: Any):
    candidate = shop.candidate(facts={"times_bought": 9})
    decision = shop.decide(candidate, control_share=1.0)
    assert decision.candidates[0].words == "Everybody is shown this."


def test_chance_and_quiet_are_told():
    assert "among 40" in drawn_reason(40, 0.0005)
    assert "0.05 %" in drawn_reason(40, 0.0005)
    assert quiet_reason(0) != quiet_reason(3)
