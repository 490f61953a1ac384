import math

import pytest

from customering.kernel.clock import MS_PER_DAY
from customering.relationship.facts import facts_from, history_from
from customering.relationship.model import (
    DeclaredStatus,
    Persuasion,
    StatusFacts,
    ValueEstimate,
)

NOW = 1000 * MS_PER_DAY + 5
ESTIMATE = ValueEstimate(
    p_alive=0.8, expected_purchases_30=1.5, expected_purchases_90=4.0, usual_gap_days=9.0
)


def test_nothing_known_is_no_purchase():
    assert facts_from({}, None, None, NOW) == StatusFacts(now_ms=NOW)


def test_traits_estimate_and_declared_status_become_facts():
    declared = DeclaredStatus(status="on_a_break", since_ms=3)
    facts = facts_from(
        {
            "order_days": 4,
            "first_order_at": 900 * MS_PER_DAY,
            "previous_order_at": 980 * MS_PER_DAY + 7,
            "last_order_at": 990 * MS_PER_DAY,
            "mean_gap_days": 30.0,
            "sd_gap_days": 2.5,
            "orders_90d": 3,
            "orders_prior_90d": 1,
            "messages_received_90d": 6,
            "messages_answered_90d": 0,
            "orders_total": 5,
            "returns_total": 1,
            "favourite_colour": "blue",
        },
        ESTIMATE,
        declared,
        NOW,
    )
    assert facts == StatusFacts(
        now_ms=NOW,
        order_days=4,
        first_order_at=900 * MS_PER_DAY,
        last_order_at=990 * MS_PER_DAY,
        mean_gap_days=30.0,
        sd_gap_days=2.5,
        last_gap_days=10.0,
        orders_90d=3,
        orders_prior_90d=1,
        p_alive=0.8,
        expected_purchases_30=1.5,
        expected_purchases_90=4.0,
        usual_gap_days=9.0,
        messages_received_90d=6,
        messages_answered_90d=0,
        orders_total=5,
        returns_total=1,
        declared=declared,
    )


def test_a_list_of_purchase_days_fills_everything_it_holds():
    days = [820, 821, 910, 911, 911, 1000, 1001]
    facts = facts_from({"order_days": days}, None, None, NOW)
    assert facts.order_days == 5
    assert facts.first_order_at == 820 * MS_PER_DAY
    assert facts.last_order_at == 1000 * MS_PER_DAY
    assert facts.mean_gap_days == 45.0
    assert facts.sd_gap_days == pytest.approx(math.sqrt((44**2 + 44**2 + 44**2 + 44**2) / 4))
    assert facts.last_gap_days == 89
    assert (facts.orders_90d, facts.orders_prior_90d) == (2, 2)


def test_a_trait_of_its_own_outranks_what_the_list_gives():
    facts = facts_from({"order_days": [900, 950], "mean_gap_days": 7.0}, None, None, NOW)
    assert (facts.order_days, facts.mean_gap_days) == (2, 7.0)


@pytest.mark.parametrize("value", [None, "12", math.nan, math.inf, -3, True, {"n": 1}])
def test_what_is_not_a_number_stays_unknown(value):
    facts = facts_from({"orders_90d": value, "last_gap_days": value}, None, None, NOW)
    assert facts == StatusFacts(now_ms=NOW)


def test_a_last_order_without_a_count_is_one_purchase_day():
    assert facts_from({"last_order_at": 5}, None, None, NOW).order_days == 1


def test_a_history_counts_days_to_now():
    history = history_from(
        {
            "order_days": 3,
            "first_order_at": 900 * MS_PER_DAY + 50,
            "last_order_at": 960 * MS_PER_DAY,
            "spend_total_minor": 6000,
        },
        NOW,
    )
    assert history.frequency == 2
    assert (history.recency_days, history.age_days) == (60, 100)
    assert history.mean_order_value_minor == 2000


def test_a_history_of_one_day_has_no_recency_and_an_unknown_value_stays_unknown():
    history = history_from({"order_days": [1000]}, NOW)
    assert (history.frequency, history.recency_days, history.age_days) == (0, 0, 0)
    assert history.mean_order_value_minor is None


def test_a_count_that_does_not_fit_between_first_and_last_is_cut():
    traits = {
        "order_days": 9,
        "first_order_at": 998 * MS_PER_DAY,
        "last_order_at": 999 * MS_PER_DAY,
    }
    assert history_from(traits, NOW).frequency == 1


@pytest.mark.parametrize(
    "traits",
    [{}, {"order_days": 3}, {"order_days": []}, {"first_order_at": 5, "last_order_at": 5}],
)
def test_without_a_dated_purchase_there_is_no_history(traits):
    assert history_from(traits, NOW) is None


def test_what_was_said_no_to_counts_for_ninety_days():
    traits = {"dismissed_actions": {"a": [910, 911], "b": [1000], "c": [1001], "d": []}}
    assert facts_from(traits, None, None, NOW).dismissed_days == (911, 1000)
    assert facts_from({"dismissed_actions": None}, None, None, NOW).dismissed_days == ()


def test_when_they_unsubscribed_is_an_instant():
    assert facts_from({"unsubscribed_at": 5}, None, None, NOW).unsubscribed_at == 5
    assert facts_from({"unsubscribed_at": "today"}, None, None, NOW).unsubscribed_at is None


@pytest.mark.parametrize(
    ("value", "known"), [(-0.7, -0.7), (1, 1.0), (1.2, None), ("bad", None), (True, None)]
)
def test_a_sentiment_lies_between_minus_one_and_one(value, known):
    assert facts_from({"sentiment_90d": value}, None, None, NOW).sentiment_90d == known


def test_a_measured_effect_is_handed_through():
    found = Persuasion(effect=0.01, low=-0.01, high=0.03)
    assert facts_from({}, None, None, NOW, persuasion=found).persuasion == found
