"""The law of withdrawal: once it is acknowledged, nothing is decided or computed against it."""

import asyncio
from random import Random
from typing import Any

import pytest

from customering.app.live import Live
from customering.consent.voices import voice_key
from customering.decision.model import DecisionRequest
from customering.events.model import (
    AGREEMENT_UPDATED,
    CONSENT_UPDATED,
    OBJECTION_UPDATED,
    RESTRICTION_UPDATED,
    SIGNAL_UPDATED,
    Event,
)
from customering.kernel.ids import Identifier
from town import OpenShop, assert_rebuild_changes_nothing, order, view

SENDERS, ROUNDS = 8, 24
PURPOSE = "club.invites"
PLACE = DecisionRequest(placement="home", purpose="personalize.web", slots=3)
OWN_PURPOSE = f"""
[[purpose]]
key = "{PURPOSE}"
title = "Invitations"
text = "We invite you."
basis = "consent"
categories = ["visits"]
serves = ["marketing"]
is_third_party = true
"""
ACTION = f"""
[[action]]
action_id = "chosen_for_you"
kind = "show_item"
title = "Chosen for you"
purpose = "{PURPOSE}"
placements = ["home"]
value_minor = 900
base_propensity = 0.9
"""
WAYS: tuple[tuple[str, dict[str, str]], ...] = (
    (CONSENT_UPDATED, {PURPOSE: "deny"}),
    (CONSENT_UPDATED, {"club": "deny"}),
    (OBJECTION_UPDATED, {"objection:marketing": "deny"}),
    (RESTRICTION_UPDATED, {"restriction:all": "deny"}),
    (SIGNAL_UPDATED, {"signal:gpc": "deny"}),
    (AGREEMENT_UPDATED, {voice_key("agreement", "SD-BASE"): "deny"}),
)
"""Ways to withdraw; each is undone by allowing the same."""


class Individual:
    """One person of the test: what they were told is in force."""

    def __init__(self, number: int) -> None:
        self.names = (Identifier(f"user_id:p{number}"), Identifier(f"anonymous_id:b{number}"))
        self.who = {"userId": f"p{number}", "anonymousId": f"b{number}"}
        self.is_withdrawn = True  # nobody has agreed yet
        self.saying = asyncio.Lock()
        self.seen_permitted = 0


async def say(live: Live, person: Individual, name: str, said: dict[str, str]) -> None:
    """Say something under either of the person's names, and wait for the acknowledgement."""
    number = live.engine.folding.offset + live.waiting_events
    event = Event(
        event_id=f"{name}-{person.names[0]}-{number}-{sorted(said)}",
        kind="track",
        name=name,
        identifiers=(person.names[number % 2],),
        occurred_at=live.present,
        recorded_at=live.present,
        properties={"purposes": said},
        source="customering",
    )
    await live.append([event])


async def change_mind(live: Live, person: Individual, random: Random) -> None:
    async with person.saying:
        await say(live, person, *random.choice(WAYS))
        person.is_withdrawn = True
        await asyncio.sleep(0)
        if random.random() < 0.7:
            person.is_withdrawn = False  # from here on it may be in force again
            for name, withdrawn in WAYS:
                await say(live, person, name, dict.fromkeys(withdrawn, "allow"))


def check(live: Live, person: Individual, random: Random) -> None:
    """Decide, and judge it by what was acknowledged at this very moment."""
    decision = live.decide([random.choice(person.names)], PLACE)
    if person.is_withdrawn:
        assert "chosen_for_you" not in decision.chosen
        found = live.person(person.names[0])
        mask = live.engine.consent.mask(found.consent)
        assert not live.engine.consent.allows(mask, PURPOSE)
    elif "chosen_for_you" in decision.chosen:
        person.seen_permitted += 1


@pytest.mark.parametrize("seed", range(2))
def test_nothing_is_decided_after_an_acknowledged_withdrawal(
    open_shop: OpenShop, seed: int
) -> None:
    engine = open_shop(permitted=("personalize.web",), overrides=("decision.control_share=0",))
    (engine.home.folder / "purposes.toml").write_text(OWN_PURPOSE)
    (engine.home.folder / "actions.toml").write_text(ACTION)
    random = Random(seed)

    async def send(live: Live, people: list[Individual], worker: int) -> None:
        for number in range(ROUNDS):
            person = random.choice(people)
            if random.random() < 0.25:
                await change_mind(live, person, random)
            payload: Any = random.choice([order, view])(
                person.who, random.randrange(60), f"item{worker}-{number}"
            )
            await live.take(live.read([payload], source=f"worker{worker}"))
            check(live, person, random)
            if number % 12 == 11:
                await live.keeping.checkpoint()
            check(live, random.choice(people), random)

    async def run() -> int:
        live = Live(engine)
        await live.start()
        people = [Individual(number) for number in range(3)]
        for person in people:  # both names are one person from the beginning
            await live.take(live.read([view(person.who, 0, "first")], source="web"))
        try:
            await asyncio.gather(*(send(live, people, worker) for worker in range(SENDERS)))
        finally:
            await live.stop()
        return sum(person.seen_permitted for person in people)

    seen_permitted = asyncio.run(run())
    assert seen_permitted > 0  # it is decided when it is permitted
    assert_rebuild_changes_nothing(engine)
