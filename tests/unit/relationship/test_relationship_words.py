from typing import get_args

import pytest

from customering.kernel.clock import MS_PER_DAY
from customering.relationship.model import StatusFacts, StatusName
from customering.relationship.rhythm import Rhythm
from customering.relationship.words import fact_sentences, operator_words, person_words

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
