"""What usually comes back, and whether choosing is to be thanked for it, from a control group."""

from pathlib import Path
from typing import Any

import pytest
from test_app_exchanging import ACTIONS

from all_doors import AllDoors, running_all
from customering.app.deciding import request_for
from customering.app.exchange_rates import (
    NO_RATES,
    PEOPLE_LEAST,
    Holdout,
    _holdout,
    exchange_rates,
)
from customering.app.exchanging import done_for, given_to
from customering.app.timeline import life_of
from customering.kernel.ids import Identifier
from town import OpenShop, order

PEOPLE = 2 * PEOPLE_LEAST + 60
ALLOWED = ("analytics.product", "personalize.web", "personalize.offers")


def test_a_difference_is_told_only_where_chance_would_not_make_it() -> None:
    chosen, alike = [(10, 4)] * 30 + [(10, 2)] * 30, [(10, 1)] * 60
    found = _holdout(chosen, alike)
    assert found is not None
    assert (found.people, found.people_alike) == (60, 60)
    assert (found.share, found.share_alike) == pytest.approx((0.3, 0.1))
    assert found.low < 0.2 < found.high
    assert found.owed == pytest.approx(2 / 3)
    assert _holdout(alike, alike) is not None
    assert _holdout(alike, alike).owed is None  # type: ignore[union-attr]
    assert _holdout(alike, chosen).owed is None  # type: ignore[union-attr]


def test_few_people_tell_nothing() -> None:
    enough, few = [(1, 1)] * PEOPLE_LEAST, [(1, 0)] * (PEOPLE_LEAST - 1)
    assert _holdout(enough, few) is None
    assert _holdout(few, enough) is None
    assert _holdout([*few, (0, 0)], enough) is None, "who was shown nothing does not count"


def test_the_interval_is_that_of_a_ratio_between_people() -> None:
    """For equal numbers shown it is the usual one of the mean."""
    chosen = [(10, 5)] * 50 + [(10, 3)] * 50
    found = _holdout(chosen, [(10, 2)] * 100)
    assert found is not None
    variance = (50 * 0.1**2 + 50 * 0.1**2) / 99 / 100
    assert found.high - found.low == pytest.approx(2 * 1.96 * variance**0.5)


def test_nothing_is_owed_where_nothing_is_used() -> None:
    assert Holdout(60, 60, 0.0, 0.0, 0.0, 0.0).owed is None


def lively(open_shop: OpenShop, tmp_path: Path, act: Any) -> Any:
    engine = open_shop(
        permitted=ALLOWED,
        present="2026-06-01",
        overrides=("decision.control_share=0.5", "decision.exploration_share=0",
                   "events.default_currency='EUR'"),
    )  # fmt: skip
    (engine.home.folder / "actions.toml").write_text(ACTIONS)
    return running_all(engine, tmp_path, act)


def test_the_control_group_tells_what_would_have_been_anyhow(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    """Everybody for whom we choose buys with a discount; of the control group one in three."""

    async def act(doors: AllDoors) -> None:
        live = doors.live
        assert await live.in_thread(exchange_rates, live.engine, live.present) == NO_RATES
        bought = 0
        for number in range(PEOPLE):
            who = {"userId": f"p{number}"}
            await doors.take(order(who, 0, "rice"))
            made = live.decide([Identifier(f"user_id:p{number}")], request_for("home", "", 1))
            if made.choice == "control" and number % 3:
                continue
            bought += made.choice != "control"
            product = "milk" if made.chosen[0] == "milk_cheaper" else "bread"
            sold = order(who, 92, product)
            sold["properties"]["products"][0]["discount_minor"] = 150
            sold["properties"] |= {"decision_id": made.decision_id, "action_id": made.chosen[0]}
            await doors.take(sold)
        await live.append([])
        rates = await live.in_thread(exchange_rates, live.engine, live.present)
        holdout = rates.holdout
        assert holdout is not None
        assert holdout.people + holdout.people_alike == PEOPLE
        assert (holdout.people, holdout.share) == (bought, 1.0)
        assert 0.2 < holdout.share_alike < 0.5
        assert holdout.owed == pytest.approx(1 - holdout.share_alike)
        usual = rates.usual["personalize.offers"]
        # The control group was given nothing for its permission, so it is no part of the average.
        assert usual == (bought, 1.0, 1.0, 150.0)

    lively(open_shop, tmp_path, act)


def test_what_everybody_gets_or_what_came_back_is_no_return(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    async def act(doors: AllDoors) -> None:
        live = doors.live
        actions = {action.action_id: action for action in live.engine.actions}
        seen = set()
        for number in range(12):
            who, name = {"userId": f"p{number}"}, Identifier(f"user_id:p{number}")
            await doors.take(order(who, 0, "rice"))
            made = live.decide([name], request_for("home", "", 1))
            product = "milk" if made.chosen[0] == "milk_cheaper" else "bread"
            sold = order(who, 92, product)
            named = {"decision_id": made.decision_id, "action_id": made.chosen[0]}
            sold["properties"] |= {**named, "order_id": f"o{number}"}
            await doors.take(sold)
            if number % 2:
                back = {**order(who, 93, product), "event": "Order Refunded"}
                back["messageId"] = f"back-{number}"
                back["properties"] |= {**named, "order_id": f"o{number}"}
                await doors.take(back)
            await live.append([])
            events = await live.in_thread(life_of, live.engine, [name])
            (done,) = done_for(events, actions)
            given = given_to(events, actions)
            kept = not number % 2
            assert done.is_used is kept, number
            assert done.is_alike is (made.choice == "control")
            expected = [] if done.is_alike else [("personalize.offers", kept)]
            assert [(one.purpose, one.is_used) for one in given] == expected
            seen.add((done.is_alike, kept))
        assert len(seen) == 4, "each case came up"

    lively(open_shop, tmp_path, act)
