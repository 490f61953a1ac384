from typing import get_args

import pytest

from customering.kernel.clock import MS_PER_DAY
from customering.relationship.model import Persuasion, StatusFacts, StatusName
from customering.relationship.rhythm import Rhythm
from customering.relationship.words import (
    alive_in_words,
    fact_sentences,
    operator_words,
    person_words,
)

NOW = 18_000 * MS_PER_DAY
RHYTHM = Rhythm(gap_days=7.2, spread_days=2, patience_days=14, silence_days=0, lateness=0)
BO = StatusFacts(
    now_ms=NOW,
    order_days=1,
    first_order_at=NOW,
    last_order_at=NOW,
    p_alive=1.0,
    orders_90d=1,
    orders_total=1,
    returns_total=1,
)


def test_facts_are_sentences_with_numbers_and_units():
    assert fact_sentences(BO, RHYTHM) == (
        "Bought on 1 day since 2019-04-14.",
        "Last bought today, on 2019-04-14.",
        "A silence of up to 14 days is usual for this person.",
        "Bought on 1 day in the last 90 days.",
        "Sent back 1 order of 1.",
    )


@pytest.mark.parametrize(
    ("probability", "said"), [(0.001, "less than 0.01"), (0.5, "0.50"), (0.999, "more than 0.99")]
)
def test_a_probability_is_never_said_to_be_certain(probability, said):
    facts = StatusFacts(now_ms=NOW, order_days=2, p_alive=probability)
    assert f"Still a customer with a probability of {said}." in fact_sentences(facts, None)


def test_a_spread_needs_more_than_one_gap():
    known = {"now_ms": NOW, "last_order_at": NOW, "mean_gap_days": 7.0, "sd_gap_days": 2.0}
    twice = fact_sentences(StatusFacts(order_days=2, **known), RHYTHM)
    often = fact_sentences(StatusFacts(order_days=3, **known), RHYTHM)
    assert "7 days between purchases on average." in twice
    assert "7 days between purchases on average, give or take 2 days." in often


@pytest.mark.parametrize("name", get_args(StatusName))
def test_every_status_speaks_to_the_person_and_about_them(name):
    to_them = person_words(name, "", BO, RHYTHM)
    about_them = operator_words(name, "", BO, RHYTHM)
    assert "you" in to_them.lower()
    assert "you" not in about_them.lower()


@pytest.mark.parametrize(
    ("alive", "lateness", "said"),
    [
        (0.35, 0.4, "on time"),
        (0.95, 0.4, ""),
        (0.35, 1.5, ""),
        (0.95, 1.5, "late"),
    ],
)
def test_a_chance_that_contradicts_the_rhythm_says_why(
    alive: float, lateness: float, said: str
) -> None:
    rhythm = Rhythm(
        gap_days=10.0, spread_days=5.0, patience_days=20.0, silence_days=8, lateness=lateness
    )
    found = alive_in_words(alive, rhythm)
    assert (said in found) if said else not found
    facts = StatusFacts(now_ms=0, order_days=9, p_alive=alive)
    told = [one for one in fact_sentences(facts, rhythm) if "Still a customer" in one]
    assert len(told) == 1
    assert told[0].endswith(".")
    assert ("counts" in told[0]) == bool(said)
    assert "they" not in alive_in_words(alive, rhythm, "your")


def test_what_was_measured_of_people_like_them_is_told_with_both_rates() -> None:
    measured = Persuasion(
        effect=-0.05, low=-0.08, high=-0.02, kind="put off", share=0.0, rate_with=0.1,
        rate_without=0.15, days=28,
    )  # fmt: skip
    said = " ".join(fact_sentences(StatusFacts(now_ms=0, persuasion=measured), None))
    assert "10.0% bought within 28 days when we got in touch, and 15.0%" in said
    assert "So hearing from us puts them off." in said
