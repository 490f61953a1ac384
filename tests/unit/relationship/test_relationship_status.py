from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.kernel.clock import MS_PER_DAY, day_of, format_day
from customering.relationship.model import (
    DeclaredStatus,
    Persuasion,
    SettableStatus,
    StatusFacts,
    StatusName,
    ValueEstimate,
)
from customering.relationship.settings import StatusSettings
from customering.relationship.status import judge, status_of
from customering.relationship.words import CONTRACTS

TODAY = 18_000
NOW = TODAY * MS_PER_DAY


def ada(**changes) -> StatusFacts:
    """Give the facts of Ada, who bought every week for a year and last did three days ago."""
    known = {
        "now_ms": NOW,
        "order_days": 52,
        "first_order_at": (TODAY - 360) * MS_PER_DAY,
        "last_order_at": (TODAY - 3) * MS_PER_DAY,
        "mean_gap_days": 7.0,
        "sd_gap_days": 2.0,
        "last_gap_days": 7.0,
        "orders_90d": 13,
        "orders_prior_90d": 13,
        "p_alive": 0.99,
        "expected_purchases_30": 4.2,
        "expected_purchases_90": 12.5,
        "usual_gap_days": 8.0,
    }
    return StatusFacts(**{**known, **changes})


def silent(days: int, **changes) -> StatusFacts:
    return ada(last_order_at=(TODAY - days) * MS_PER_DAY, **changes)


def bo(**changes) -> StatusFacts:
    """Give the facts of Bo, who bought once, five days ago."""
    known = {
        "now_ms": NOW,
        "order_days": 1,
        "first_order_at": (TODAY - 5) * MS_PER_DAY,
        "last_order_at": (TODAY - 5) * MS_PER_DAY,
        "usual_gap_days": 8.0,
    }
    return StatusFacts(**{**known, **changes})


def test_a_weekly_shopper_is_loyal():
    assert judge(ada()).name == "loyal"


def test_who_has_not_bought_is_a_stranger():
    assert judge(StatusFacts(now_ms=NOW)).name == "stranger"


def test_a_first_purchase_is_new_until_the_silence_is_unusual_here():
    assert judge(bo()).name == "new"
    assert status_of(bo()).since_ms == (TODAY - 5) * MS_PER_DAY
    late = (TODAY - 30) * MS_PER_DAY
    assert judge(bo(first_order_at=late, last_order_at=late)).name == "drifting"
    slow_business = bo(first_order_at=late, last_order_at=late, usual_gap_days=60.0)
    assert judge(slow_business).name == "new"


def test_has_bought_but_nobody_knows_when_is_new():
    found = status_of(StatusFacts(now_ms=NOW, order_days=3))
    assert found.name == "new"
    assert "not known when" in found.operator_words


def test_a_young_relationship_with_several_purchases_is_growing():
    young = ada(order_days=5, first_order_at=(TODAY - 40) * MS_PER_DAY)
    assert judge(young).name == "growing"
    assert any("Loyal from" in sentence for sentence in status_of(young).would_change)


def test_clearly_more_purchases_are_growing_and_a_few_more_are_not():
    assert judge(ada(orders_90d=22, orders_prior_90d=10)).why == "more"
    assert judge(ada(orders_90d=15, orders_prior_90d=11)).name == "loyal"
    assert judge(ada(orders_90d=300, orders_prior_90d=260)).name == "loyal"


def test_clearly_fewer_purchases_are_drifting_even_without_a_long_silence():
    assert judge(ada(orders_90d=5, orders_prior_90d=16)).name == "drifting"


def test_windows_compare_only_when_the_person_had_begun_before_both():
    began = (TODAY - 150) * MS_PER_DAY
    assert judge(ada(first_order_at=began, orders_90d=22, orders_prior_90d=10)).name == "loyal"


def test_silence_passes_from_loyal_to_drifting_to_at_risk_to_lost():
    gone = {"expected_purchases_90": 0.5, "orders_90d": None}
    order = ["loyal", "drifting", "at_risk", "lost"]
    seen = [judge(silent(days, **gone)).name for days in range(400)]
    assert list(dict.fromkeys(seen)) == order
    places = [order.index(name) for name in seen]
    assert places == sorted(places)
    assert seen.index("lost") == 91


def test_since_is_the_day_the_silence_became_that_long():
    for days in range(1, 200):
        facts = silent(days, expected_purchases_90=0.5, orders_90d=None)
        found = status_of(facts)
        if found.name in ("drifting", "at_risk", "lost"):
            before = msgspec.structs.replace(facts, now_ms=found.since_ms - 1)
            then = msgspec.structs.replace(facts, now_ms=found.since_ms)
            assert judge(then).name == found.name
            assert judge(before).name != found.name


def test_the_day_named_for_the_next_status_is_the_day_it_comes():
    facts = ada()
    days = range(100)
    at = [msgspec.structs.replace(facts, now_ms=NOW + day * MS_PER_DAY) for day in days]
    first = next(later for later in at if judge(later).name == "drifting")
    comes = format_day(day_of(first.now_ms))
    said = f"By rhythm alone, without a purchase before {comes} they count as drifting."
    assert status_of(facts).would_change[-1] == said


def test_a_model_that_expects_little_makes_lateness_serious():
    assert judge(silent(20)).name == "drifting"
    assert judge(silent(20, p_alive=0.1)).name == "at_risk"
    assert judge(silent(20, expected_purchases_90=0.2)).name == "at_risk"
    assert judge(silent(20, expected_purchases_90=0.01)).name == "at_risk"
    assert judge(silent(5, p_alive=0.0, expected_purchases_90=0.0)).name == "loyal"


def test_nobody_is_lost_early_nor_while_purchases_are_expected():
    far = {"orders_90d": 0, "orders_prior_90d": 4}
    assert judge(silent(90, expected_purchases_90=0.01, **far)).name == "at_risk"
    assert judge(silent(91, expected_purchases_90=0.01, **far)).name == "lost"
    assert judge(silent(200, expected_purchases_90=5.0, **far)).name == "at_risk"
    assert judge(silent(731, expected_purchases_90=5.0, **far)).why == "ever"


def test_without_a_model_the_rhythm_decides_alone():
    bare = {"p_alive": None, "expected_purchases_30": None, "expected_purchases_90": None}
    assert judge(silent(200, **bare)).name == "lost"
    assert judge(silent(3, **bare)).name == "loyal"


def test_a_purchase_after_a_long_silence_is_a_return():
    back = ada(last_gap_days=60.0, mean_gap_days=8.0, sd_gap_days=7.7)
    assert judge(back).name == "returning"
    assert status_of(back).since_ms == back.last_order_at
    assert judge(ada(last_gap_days=12.0)).name == "loyal"


def test_months_of_unusual_silence_need_not_be_twice_the_patience_to_be_a_return():
    monthly = {"mean_gap_days": 32.0, "sd_gap_days": 16.0, "usual_gap_days": 30.0}
    assert judge(ada(last_gap_days=100.0, **monthly)).name == "returning"
    assert judge(ada(last_gap_days=85.0, **monthly)).name == "loyal"


def test_the_next_status_named_is_not_the_one_they_have():
    fewer = status_of(ada(orders_90d=5, orders_prior_90d=16))
    assert fewer.name == "drifting"
    assert fewer.would_change[-1].endswith("they count as at risk.")


def test_a_return_shows_in_the_windows_when_the_last_gap_is_unknown():
    facts = ada(last_gap_days=None, orders_90d=2, orders_prior_90d=0)
    assert judge(facts).name == "returning"
    slow = ada(
        last_gap_days=None,
        orders_90d=1,
        orders_prior_90d=0,
        mean_gap_days=80.0,
        sd_gap_days=40.0,
        order_days=12,
    )
    assert judge(slow).name != "returning"


def test_many_messages_and_no_answer_suggest_not_that_into_you():
    ignored = {"messages_received_90d": 8, "messages_answered_90d": 0}
    found = status_of(StatusFacts(now_ms=NOW, **ignored))
    assert (found.name, found.set_by) == ("not_that_into_you", "facts")
    assert "Received 8 messages in the last 90 days and answered none." in found.facts
    assert judge(silent(120, **ignored)).name == "not_that_into_you"


@pytest.mark.parametrize(
    "changes",
    [
        {"messages_received_90d": 7, "messages_answered_90d": 0},
        {"messages_received_90d": 30, "messages_answered_90d": 1},
        {"messages_received_90d": 30},
    ],
)
def test_few_or_answered_or_unknown_messages_suggest_nothing(changes):
    assert judge(StatusFacts(now_ms=NOW, **changes)).name == "stranger"


def test_who_buys_answers_in_the_way_that_counts():
    assert judge(ada(messages_received_90d=30, messages_answered_90d=0)).name == "loyal"


@pytest.mark.parametrize("name", get_args(SettableStatus))
def test_what_the_person_set_wins_until_it_ends(name):
    declared = DeclaredStatus(status=name, since_ms=NOW - 50, until_ms=NOW + 50)
    found = status_of(ada(declared=declared))
    assert (found.name, found.set_by, found.since_ms) == (name, "person", NOW - 50)
    if name != "partner":  # who wants to think along is the only one who may be sent anything
        shown = {"show"} if name == "just_a_transaction" else set()
        assert set(found.contract.kinds) == {"order", "answer"} | shown
        assert found.contract.unasked_messages_per_30_days == 0
    assert judge(ada(declared=declared, now_ms=NOW + 49)).name == name
    assert judge(ada(declared=declared, now_ms=NOW + 50)).name == "loyal"
    assert judge(ada(declared=declared, now_ms=NOW - 51)).name == "loyal"
    forever = DeclaredStatus(status=name, since_ms=NOW - 50)
    assert judge(ada(declared=forever, now_ms=NOW + 900 * MS_PER_DAY)).name == name


def test_a_break_names_its_end_to_the_person():
    declared = DeclaredStatus(status="on_a_break", since_ms=NOW, until_ms=NOW + 30 * MS_PER_DAY)
    found = status_of(ada(declared=declared))
    assert "until 2019-05-14" in found.person_words
    assert "until 2019-05-14" in found.facts[0]


def test_thresholds_are_settings():
    eager = StatusSettings(loyal_orders_min=2, loyal_days_min=0, new_orders_max=1)
    twice = bo(order_days=2)
    assert judge(twice).name == "new"
    assert judge(twice, eager).name == "loyal"
    with pytest.raises(msgspec.ValidationError, match="at_risk_p_alive"):
        msgspec.convert({"at_risk_p_alive": 2.0}, StatusSettings)


days = st.one_of(st.none(), st.integers(-400, 30_000).map(lambda day: day * MS_PER_DAY))
amounts = st.one_of(st.none(), st.floats(0, 1e5))
counts = st.one_of(st.none(), st.integers(0, 10_000))
anything = st.builds(
    StatusFacts,
    now_ms=st.integers(0, 30_000 * MS_PER_DAY),
    order_days=st.integers(0, 10_000),
    first_order_at=days,
    last_order_at=days,
    mean_gap_days=amounts,
    sd_gap_days=amounts,
    last_gap_days=amounts,
    orders_90d=counts,
    orders_prior_90d=counts,
    p_alive=st.one_of(st.none(), st.floats(0, 1)),
    expected_purchases_30=amounts,
    expected_purchases_90=amounts,
    usual_gap_days=amounts,
    messages_received_90d=counts,
    messages_answered_90d=counts,
    orders_total=counts,
    returns_total=counts,
    declared=st.one_of(
        st.none(),
        st.builds(
            DeclaredStatus,
            status=st.sampled_from(get_args(SettableStatus)),
            since_ms=st.integers(0, 30_000 * MS_PER_DAY),
            until_ms=days,
        ),
    ),
)


@settings(max_examples=300, deadline=None)
@given(anything)
def test_any_facts_give_exactly_one_status_with_words(facts):
    found = status_of(facts)
    assert found.name in get_args(StatusName)
    assert found.name == judge(facts).name
    assert found == status_of(facts)
    said = (found.person_words, found.operator_words, *found.facts, *found.would_change)
    assert len(said) >= 4
    for sentence in said:
        assert sentence.endswith(".")
        assert "None" not in sentence
        assert "nan" not in sentence
    assert found.contract == CONTRACTS[found.name]
    assert (found.set_by == "person") <= (facts.declared is not None)


@settings(max_examples=200, deadline=None)
@given(anything, st.integers(1, 3000))
def test_further_silence_never_makes_a_late_person_less_late(facts, more):
    facts = msgspec.structs.replace(
        facts, declared=None, messages_received_90d=None, p_alive=None, expected_purchases_90=None
    )
    order = ("drifting", "at_risk", "lost")
    now = judge(facts)
    later = judge(msgspec.structs.replace(facts, now_ms=facts.now_ms + more * MS_PER_DAY))
    if now.name in order and now.why == "":
        assert order.index(later.name) >= order.index(now.name)


def test_every_status_has_a_contract_and_all_may_order_and_get_answers():
    assert set(CONTRACTS) == set(get_args(StatusName))
    for contract in CONTRACTS.values():
        assert {"order", "answer"} <= set(contract.kinds)
        assert contract.words.endswith(".")
    silent_kinds = ("lost", "on_a_break", "not_that_into_you")
    assert all(CONTRACTS[name].unasked_messages_per_30_days == 0 for name in silent_kinds)


def test_saying_no_to_suggestions_without_buying_means_stop_persuading():
    no = (TODAY - 40, TODAY - 9, TODAY - 2)
    quiet = silent(100, messages_received_90d=3, messages_answered_90d=0, dismissed_days=no)
    found = status_of(quiet)
    assert (found.name, judge(quiet).why) == ("not_that_into_you", "dismissed")
    assert "Stop persuading" in found.operator_words
    assert found.since_ms == (TODAY - 2) * MS_PER_DAY
    assert any("said no to 3 suggestions" in fact.lower() for fact in found.facts)
    assert found.contract == CONTRACTS["not_that_into_you"]
    for heard in ({"messages_answered_90d": 1}, {"dismissed_days": no[1:]}):
        assert judge(msgspec.structs.replace(quiet, **heard)).name == "at_risk"
    assert judge(ada(messages_answered_90d=0, dismissed_days=no)).name == "loyal"


def test_who_unsubscribed_and_bought_nothing_since_is_left_alone():
    at = (TODAY - 50) * MS_PER_DAY
    found = status_of(silent(100, unsubscribed_at=at))
    assert (found.name, found.since_ms) == ("not_that_into_you", at)
    assert any("Unsubscribed on" in fact for fact in found.facts)
    assert judge(silent(10, unsubscribed_at=at)).why != "unsubscribed"
    assert judge(silent(100, unsubscribed_at=(TODAY - 200) * MS_PER_DAY)).name == "at_risk"
    few_days = StatusSettings(unsubscribed_days=20)
    assert judge(silent(100, unsubscribed_at=at), few_days).name == "at_risk"
    never_bought = StatusFacts(now_ms=NOW, unsubscribed_at=at)
    assert judge(never_bought).name == "not_that_into_you"


def test_whom_contact_does_not_move_is_not_persuaded_unless_they_buy_anyway():
    unmoved = Persuasion(effect=-0.01, low=-0.03, high=0.0)
    unsure = Persuasion(effect=-0.01, low=-0.03, high=0.02)
    assert judge(silent(100, persuasion=unmoved)).why == "unmoved"
    assert judge(silent(100, persuasion=unsure)).name == "at_risk"
    assert judge(ada(persuasion=unmoved)).name == "loyal"
    generous = StatusSettings(persuasion_least=0.05)
    assert judge(silent(100, persuasion=unsure), generous).why == "unmoved"


def test_whom_contact_puts_off_is_left_alone_even_while_they_buy():
    found = status_of(ada(persuasion=Persuasion(effect=-0.04, low=-0.07, high=-0.01)))
    assert found.name == "not_that_into_you"
    assert any("by -4.0% (between -7.0% and -1.0%)" in fact for fact in found.facts)
    assert any("does no harm" in change for change in found.would_change)


def test_the_unhappy_are_at_risk_although_they_buy():
    found = status_of(ada(sentiment_90d=-0.8))
    assert (found.name, judge(ada(sentiment_90d=-0.8)).why) == ("at_risk", "unhappy")
    assert "settle that" in found.operator_words
    assert any("-0.8" in fact for fact in found.facts)
    assert judge(ada(sentiment_90d=-0.4)).name == "loyal"
    assert judge(silent(400, sentiment_90d=-0.8, expected_purchases_90=0.01)).name == "lost"


def test_a_status_the_model_decided_began_on_the_first_day_it_held():
    def outlook_at(now_ms: int) -> ValueEstimate:
        days = day_of(now_ms) - (TODAY - 60)
        left = max(0.0, 1 - days / 58)
        return ValueEstimate(
            p_alive=left, expected_purchases_30=left, expected_purchases_90=3 * left
        )

    irregular = {"mean_gap_days": 20.0, "sd_gap_days": 8.0, "orders_90d": None}
    facts = silent(60, p_alive=0.0, expected_purchases_90=0.0, **irregular)
    assert (judge(facts).name, judge(facts).why) == ("at_risk", "model")
    assert status_of(facts).since_ms is None
    found = status_of(facts, outlook_at=outlook_at)
    assert found.since_ms is not None
    began = day_of(found.since_ms)
    for day, name in ((began - 1, "drifting"), (began, "at_risk")):
        expected = outlook_at(day * MS_PER_DAY)
        then = msgspec.structs.replace(
            facts,
            now_ms=day * MS_PER_DAY,
            p_alive=expected.p_alive,
            expected_purchases_90=expected.expected_purchases_90,
        )
        assert judge(then).name == name
