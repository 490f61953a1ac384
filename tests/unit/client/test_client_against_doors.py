"""The client and the doors understand each other."""

from typing import Any

import httpx
import pytest

from customering.client import Asked, AsyncClient, Forbidden, NotFound, Rejected, subject_token
from shop_doors import Doors, running
from town import OpenShop, order

ACTIONS = """
[[action]]
action_id = "club"
kind = "show_item"
title = "Join the club"
purpose = "personalize.web"
base_propensity = 0.1
value_minor = 100
"""


@pytest.fixture
def shop(open_shop: OpenShop) -> Any:
    def run(act: Any) -> Any:
        engine = open_shop(overrides=("decision.exploration_share=0", "decision.control_share=0"))
        (engine.home.folder / "actions.toml").write_text(ACTIONS)
        return running(engine, engine.home.folder, act)

    return run


def client_of(doors: Doors, key: str) -> AsyncClient:
    return AsyncClient("http://shop", key, transport=httpx.ASGITransport(doors.app), retries=0)


def test_a_decision_from_the_question_to_its_outcome(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        await doors.take(order({"userId": "ada"}, 0, "bread"))
        async with client_of(doors, doors.secret) as client:
            made = await client.decide("home", {"user_id": "ada"})
            assert made.actions[0].action_id == "club"
            await client.outcome(made.decision_id, "dismissed", because="no")
            whole = await client.decision(made.decision_id)
            assert whole.chosen == ("club",)
            assert [one.outcome for one in whole.outcomes] == ["dismissed"]
            assert whole.outcomes[0].because == "no"
            assert whole.candidates[0].weighing is not None
            many = await client.decide_batch(
                [Asked(placement="home", identifiers={"user_id": "bo"}), Asked(placement="?")]
            )
            assert not isinstance(many[0], Exception)
            assert isinstance(many[1], Rejected)
            with pytest.raises(NotFound):
                await client.decision("dec_unknown")

    shop(act)


def test_a_token_made_here_is_believed_there(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        token = subject_token(doors.private, "user_id:ada", 5, clock=lambda: doors.now_ms / 1_000)
        async with client_of(doors, token) as client:
            made = await client.decide("home")
            assert made.person_id == doors.engine.folding.graph.person_of("user_id:ada")  # type: ignore[arg-type]
            whole = await client.decision(made.decision_id)
            assert whole.candidates[0].weighing is None
            with pytest.raises(Forbidden):
                await client.decide("home", {"user_id": "bo"})

    shop(act)


def test_a_token_is_refused_before_it_is_made(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        for person, minutes in (
            ("ada", 5),
            ("user_id:", 5),
            ("user_id:ada", 0),
            ("user_id:ada", 16),
        ):
            with pytest.raises(Rejected):
                subject_token(doors.private, person, minutes)
        public = doors.keys.get(doors.keys.list()[-1].key_id).public
        for key in ("", "{}", "[]", public, doors.secret):
            with pytest.raises(Rejected) as refused:
                subject_token(key, "user_id:ada")
            assert doors.secret not in refused.value.message

    shop(act)
