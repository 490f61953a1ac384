"""The file of actions: what it may say, and that a mistake is named with action and key."""

from typing import Any

import pytest

from customering.decision.actions import read_actions
from customering.decision.model import Action
from customering.kernel.clock import parse_instant
from customering.kernel.errors import InvalidDefinition, InvalidFile

OFFER = """
[[action]]
action_id = "bread_week"
kind = "make_offer"
title = "10 % off bread"
purpose = "personalize.offers"
base_propensity = 0.05
value_minor = 40
categories = ["bread"]
"""


def read(shop: Any, text: str, traits: Any = None) -> tuple[Action, ...]:
    return read_actions(text, file="actions.toml", policy=shop.consent, traits=traits)


def test_an_action_is_read_as_written(shop: Any):
    (action,) = read(shop, OFFER)
    assert action.action_id == "bread_week"
    assert action.categories == ("bread",)
    assert action.lever == 1.0
    assert action.valid_until is None


@pytest.mark.parametrize(
    ("written", "valid_until"),
    [
        ("2017-06-30", "2017-07-01"),
        ('"2017-06-30"', "2017-07-01"),
        ("2017-06-30T10:00:00Z", "2017-06-30T10:00:00Z"),
        ("2017-06-30T10:00:00+02:00", "2017-06-30T08:00:00Z"),
        ("2017-06-30T10:00:00", "2017-06-30T10:00:00Z"),
        ('"2017-06-30T10:00:00Z"', "2017-06-30T10:00:00Z"),
    ],
)
def test_a_last_day_is_included(shop: Any, written: str, valid_until: str):
    (action,) = read(shop, OFFER + f"valid_from = 2017-06-01\nvalid_until = {written}\n")
    assert action.valid_from == parse_instant("2017-06-01")
    assert action.valid_until == parse_instant(valid_until)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (OFFER + "colour = 1", "colour"),
        (OFFER + "lever = -1.0", "lever"),
        (OFFER + 'stock = "many"', "stock"),
        (OFFER.replace("0.05", "1.05"), "base_propensity"),
        (OFFER.replace("make_offer", "nag"), "kind"),
        (OFFER.replace("make_offer", "leave_alone"), "kind"),
        (OFFER.replace("personalize.offers", "personalize.everything"), "purpose"),
        (OFFER.replace('purpose = "personalize.offers"', ""), "purpose"),
        (OFFER.replace('title = "10 % off bread"', ""), "title"),
        (OFFER + 'channel = "email"', "channel"),
        (OFFER + 'valid_from = "tomorrow"', "valid_from"),
        (OFFER + "valid_until = 10:00:00", "valid_until"),
        (OFFER + "valid_from = 2017-06-02\nvalid_until = 2017-06-01", "valid_until"),
        (OFFER + 'eligibility = "orders >"', "eligibility"),
        (OFFER + 'eligibility = "shoesize > 40"', "eligibility"),
        (OFFER + OFFER, "action_id"),
    ],
)
def test_a_mistake_names_action_and_key(shop: Any, text: str, key: str):
    with pytest.raises(InvalidDefinition) as caught:
        read(shop, text, traits={"orders"})
    assert caught.value.facts["action"] == "bread_week"
    assert caught.value.facts["key"] == key
    assert "bread_week" in caught.value.message
    assert key in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("text", ["[offer]\na = 1\n", 'action = "x"\n', "action = [1]\n"])
def test_other_tables_are_refused(shop: Any, text: str):
    with pytest.raises(InvalidDefinition):
        read(shop, text)


def test_text_that_is_not_toml_is_an_invalid_file(shop: Any):
    with pytest.raises(InvalidFile, match=r"actions\.toml is not TOML"):
        read(shop, "[[action]\n")


@pytest.mark.parametrize("key", ["eligibility", "applicability", "suitability"])
def test_each_of_the_three_policies_is_read_when_the_catalogue_is(shop: Any, key: str):
    text = f"""
        [[action]]
        action_id = "bread"
        kind = "make_offer"
        title = "Bread"
        purpose = "personalize.offers"
        {key} = "orders >"
    """
    with pytest.raises(InvalidDefinition, match=key):
        read(shop, text)


def test_what_the_service_needs_is_held_back_from_nobody(shop: Any):
    text = """
        [[action]]
        action_id = "receipt"
        kind = "send_message"
        title = "Receipt"
        purpose = "essential.service"
        holdout_share = 0.1
    """
    with pytest.raises(InvalidDefinition, match="holdout_share"):
        read(shop, text)
