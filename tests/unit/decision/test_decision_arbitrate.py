"""How places are filled: variety, room for discovery, quiet, and a first place by chance."""

from typing import Any

import numpy as np
import pytest

from customering.decision.arbitrate import Slate, displaced, fill
from customering.decision.losses import CODE_OF, RULES
from customering.decision.offer import offer_of
from customering.kernel.errors import Invalid


def filled(candidates: list[Any], **changes: Any) -> tuple[list[str], dict[str, str]]:
    offer = offer_of(candidates)
    view = offer.view(is_common=False)
    usual = {"slots": 3, "quiet_score": 0.0, "most_per_group": 9, "discovery_slots": 0}
    remains = np.zeros(len(candidates), dtype=np.uint8)
    order = offer.ranked(view.scores, remains == 0)
    slate = fill(order, offer, view.scores, remains, **{**usual, **changes})
    ids = [candidate.action.action_id for candidate in candidates]
    return (
        [ids[place] for place in slate.chosen],
        {ids[place]: str(RULES[code]) for place, code in enumerate(slate.codes) if code},
    )


def test_the_best_first_and_the_rest_outscored(shop: Any):
    candidates = [shop.candidate(name, n / 10) for n, name in enumerate("abcde")]
    chosen, losses = filled(candidates)
    assert chosen == ["e", "d", "c"]
    assert losses == {"b": "outscored", "a": "quiet_better"}


def test_ties_go_by_action_id_whatever_the_order(shop: Any):
    forth = [shop.candidate(name) for name in "abcd"]
    assert filled(forth)[0] == filled(forth[::-1])[0] == ["a", "b", "c"]


def test_the_lever_weighs_and_can_silence(shop: Any):
    candidates = [
        shop.candidate("plain", 0.5),
        shop.candidate("pushed", 0.3, lever=2.0),
        shop.candidate("silenced", 0.9, lever=0.0),
    ]
    assert filled(candidates) == (["pushed", "plain"], {"silenced": "quiet_better"})


def test_variety_limits_a_group_but_not_the_groupless(shop: Any):
    candidates = [
        *(shop.candidate(name, 0.9, group="bread") for name in "ab"),
        *(shop.candidate(name, 0.1) for name in "xyz"),
    ]
    chosen, losses = filled(candidates, slots=4, most_per_group=1)
    assert chosen == ["a", "x", "y", "z"]
    assert losses == {"b": "variety"}


def test_room_is_kept_for_discovery_but_never_the_first_place(shop: Any):
    candidates = [
        *(shop.candidate(name, 0.9) for name in "abc"),
        shop.candidate("new", 0.1, found_by="discover"),
    ]
    chosen, losses = filled(candidates, discovery_slots=1)
    assert chosen == ["a", "b", "new"]
    assert losses == {"c": "room_for_discovery"}
    assert filled(candidates, slots=1, discovery_slots=5)[0] == ["a"]


def test_a_discovery_among_the_best_needs_no_further_room(shop: Any):
    candidates = [
        shop.candidate("new", 0.95, found_by="discover"),
        shop.candidate("newer", 0.1, found_by="discover"),
        *(shop.candidate(name, 0.9) for name in "ab"),
    ]
    assert filled(candidates, discovery_slots=1)[0] == ["new", "a", "b"]


def test_room_that_discovery_cannot_use_is_given_back(shop: Any):
    candidates = [
        shop.candidate("a", 0.9, group="bread"),
        shop.candidate("b", 0.8),
        shop.candidate("new", 0.1, found_by="discover", group="bread"),
    ]
    chosen, losses = filled(candidates, slots=2, discovery_slots=1, most_per_group=1)
    assert chosen == ["a", "b"]
    assert losses == {"new": "variety"}


def test_a_worthless_discovery_gets_no_room(shop: Any):
    candidates = [
        *(shop.candidate(name, 0.9) for name in "ab"),
        shop.candidate("new", 0.0, found_by="discover"),
    ]
    assert filled(candidates, slots=2, discovery_slots=1)[0] == ["a", "b"]


def test_nothing_is_chosen_that_is_not_worth_more_than_quiet(shop: Any):
    candidates = [shop.candidate("a", 0.5, 20), shop.candidate("b", 0.5, 22)]
    assert filled(candidates, quiet_score=10.0) == (["b"], {"a": "quiet_better"})
    assert filled(candidates, quiet_score=11.0)[0] == []


def test_a_first_place_by_chance_stands_whatever_its_score(shop: Any):
    candidates = [shop.candidate(name, n / 10) for n, name in enumerate("abcde")]
    chosen, losses = filled(candidates, first=0)
    assert chosen == ["a", "e", "d"]
    assert losses == {"c": "outscored", "b": "outscored"}


def test_what_chance_pushed_out_says_so():
    outscored = CODE_OF["outscored"]
    best = Slate([4, 3, 2], np.array([outscored, outscored, 0, 0, 0], dtype=np.uint8))
    drawn = Slate([0, 4, 3], np.array([0, outscored, outscored, 0, 0], dtype=np.uint8))
    told = displaced(best, drawn)
    assert told.chosen == [0, 4, 3]
    assert [RULES[code] for code in told.codes] == [None, "outscored", "exploration", None, None]


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_propensity_that_is_no_chance_is_refused(shop: Any, wrong: float):
    candidates = [shop.candidate("fine"), shop.candidate("odd", wrong)]
    with pytest.raises(Invalid, match="odd"):
        offer_of(candidates).view(is_common=False)
