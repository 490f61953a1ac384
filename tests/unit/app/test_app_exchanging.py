"""What was done for a person, read from real decisions, acceptances and purchases."""

from pathlib import Path
from typing import Any

import pytest

from all_doors import AllDoors, Run, running_all
from town import OpenShop, order

ACTIONS = """
[[action]]
action_id = "milk_cheaper"
kind = "show_item"
title = "Milk for less"
purpose = "personalize.offers"
placements = ["home"]
products = ["milk"]
value_minor = 900
base_propensity = 0.9

[[action]]
action_id = "bread_cheaper"
kind = "show_item"
title = "Bread for less"
purpose = "personalize.offers"
placements = ["home"]
products = ["bread"]
value_minor = 800
base_propensity = 0.9
"""


@pytest.fixture
def shop(open_shop: OpenShop, tmp_path: Path) -> Run:
    def run(act: Any) -> Any:
        engine = open_shop(overrides=("decision.control_share=0", "events.default_currency='EUR'"))
        (engine.home.folder / "actions.toml").write_text(ACTIONS)
        return running_all(engine, tmp_path, act)

    return run


def test_offers_used_and_money_saved_are_those_of_the_persons_own_purchases(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order({"userId": "ada"}, 0, "rice"))
        asked = {"placement": "home", "identifiers": {"user_id": "ada"}, "n": 2}
        made = (await doors.post("/v1/decide", asked, key=doors.secret)).json
        assert {one["action_id"] for one in made["actions"]} == {"milk_cheaper", "bread_cheaper"}
        day = 92
        bought = order({"userId": "ada"}, day, "milk", "salt")
        for line, discount in zip(bought["properties"]["products"], (150, 70), strict=True):
            line["discount_minor"] = discount
        bought["properties"]["decision_id"] = made["decision_id"]
        bought["properties"]["action_id"] = "milk_cheaper"
        await doors.take(bought)
        told = (await doors.get("/v1/people/user_id:ada/consent", key=doors.secret)).json
        offers = next(one for one in told["purposes"] if one["key"] == "personalize.offers")
        exchange = offers["exchange"]
        # Two were offered, one was bought, and the discount on salt was not due to an offer.
        assert (exchange["offers"], exchange["used"], exchange["saved_minor"]) == (2, 1, 150)
        assert exchange["words"] == (
            "In the last 90 days: 2 for you, 1 of them used, 1.50 EUR saved."
        )
        web = next(one for one in told["purposes"] if one["key"] == "personalize.web")
        assert web["exchange"]["offers"] == 0

    shop(act)
