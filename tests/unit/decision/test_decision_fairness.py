"""What groups got, counted from decisions."""

from typing import Any

import pytest

from customering.decision.fairness import NOT_SAID, disparities, treatments


def test_shares_ranks_and_quiet_are_counted_by_declared_group(shop: Any):
    both = shop.decide(shop.candidate("bread", 0.9), shop.candidate("wine", 0.1))
    one = shop.decide(shop.candidate("wine"))
    none = shop.decide()
    young, old = treatments(
        [(both, {"age_group": "young"}), (one, {"age_group": "old"}), (none, {"age_group": "old"})],
        "age_group",
    )[::-1]
    assert (young.group, old.group) == ("young", "old")
    assert young.shares == {"bread": 1.0, "wine": 1.0}
    assert young.mean_rank == {"bread": 1.0, "wine": 2.0}
    assert (old.decisions, old.left_alone) == (2, 0.5)
    assert old.shares == {"wine": 0.5}


def test_who_declared_nothing_is_a_group_of_its_own(shop: Any):
    (found,) = treatments([(shop.decide(), {})], "age_group")
    assert found.group == NOT_SAID


def test_the_most_different_action_comes_first_and_small_groups_say_nothing(shop: Any):
    bread, wine = shop.decide(shop.candidate("bread")), shop.decide(shop.candidate("wine"))
    told = [(bread, {"age": "a"})] * 10 + [(wine, {"age": "a"})] * 10
    told += [(bread, {"age": "b"})] * 5 + [(wine, {"age": "b"})] * 15 + [(bread, {"age": "c"})]
    found = disparities(treatments(told, "age"), decisions_least=10)
    assert [one.action_id for one in found] == ["bread", "wine"]
    assert found[0].ratio == pytest.approx(0.5)
    assert (found[0].least, found[0].most) == ("b", "a")
    assert disparities(treatments(told[-1:], "age")) == []
