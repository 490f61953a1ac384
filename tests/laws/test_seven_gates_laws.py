"""The law of the seven gates: after a refusal nothing of a person is used at any of them.

Workers send, decide, change their minds and sign in on further browsers at once. What a person was
told is in force is compared with what each gate does: collect, store, join, compute, decide,
deliver, export.
"""

import asyncio
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from customering.app.delivering import ask_again
from customering.app.engine import Engine
from customering.app.exporting import export_ndjson
from customering.app.live import Live
from customering.app.views import PermittedViews
from customering.decision.model import Decision, DecisionRequest
from customering.events.model import (
    AGREEMENT_UPDATED,
    CONSENT_UPDATED,
    FACT_CORRECTED,
    OBJECTION_UPDATED,
    RESTRICTION_UPDATED,
    Event,
)
from customering.kernel.ids import Identifier
from town import OpenShop, assert_rebuild_changes_nothing, order

WORKERS, ROUNDS, NAMES_MOST = 5, 12, 5
PURPOSE, TRAITS = "club.invites", ("club_visits", "club_orders")
PURPOSES = f"""
[[purpose]]
key = "{PURPOSE}"
title = "Invitations"
text = "We invite you."
basis = "consent"
categories = ["visits"]
channels = ["email"]
serves = ["marketing"]
collects = ["club"]

[[collected]]
category = "club"
title = "When you come to the club"
events = ["Club *"]
context = ["club_card"]

[[status]]
status = "not_that_into_you"
words = "You are not that into us."
forbids = ["marketing", "club"]
"""
OWN_TRAITS = f"""
[[trait]]
name = "club_visits"
aggregate = "count"
events = ["Club Visited"]
purpose = "{PURPOSE}"
words = "your visits to the club"

[[trait]]
name = "club_orders"
aggregate = "count"
events = ["Order Completed"]
purpose = "{PURPOSE}"
words = "your orders, for the club"
"""
AUDIENCE = """
[[audience]]
name = "club_goers"
where = "club_visits > 0"
"""
ACTION = f"""
[[action]]
action_id = "invite"
kind = "send_message"
title = "An invitation"
purpose = "{PURPOSE}"
channel = "email"
placements = ["mail"]
value_minor = 90000
base_propensity = 0.9
"""
PLACE = DecisionRequest(placement="mail", purpose=PURPOSE, channel="email")
CARD = {"club_card": "gold"}
_STATUS = "relationship_status"
WAYS: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
    (CONSENT_UPDATED, {"purposes": {PURPOSE: "deny"}}, {"purposes": {PURPOSE: "allow"}}),
    (CONSENT_UPDATED, {"purposes": {"club": "deny"}}, {"purposes": {"club": "allow"}}),
    *(
        (name, {"purposes": {key: "deny"}}, {"purposes": {key: "allow"}})
        for name, key in (
            (OBJECTION_UPDATED, "objection:marketing"),
            (RESTRICTION_UPDATED, "restriction:all"),
            (AGREEMENT_UPDATED, "agreement:SD-BASE"),
        )
    ),
    (
        FACT_CORRECTED,
        {"facts": {_STATUS: {"status": "not_that_into_you", "since_ms": 1}}},
        {"facts": {_STATUS: None}},
    ),
)
"""Ways to refuse, each with what takes it back."""


class Individual:
    def __init__(self, number: int) -> None:
        self.number = number
        self.who = {"userId": f"p{number}", "anonymousId": f"b{number}"}
        self.names = [Identifier(f"user_id:p{number}"), Identifier(f"anonymous_id:b{number}")]
        self.speaking = asyncio.Lock()
        self.is_refused = False
        self.decided: list[Decision] = []
        self.must_not_be: set[str] = set()  # ids of events that were sent against the refusal


class Town:
    def __init__(self, engine: Engine, seed: int) -> None:
        self.engine, self.random = engine, Random(seed)
        self.live = Live(engine)
        self.people = [Individual(number) for number in range(3)]
        self.sent = 0
        self.seen: Counter[str] = Counter()  # that each gate lets through what is permitted

    async def send(self, who: dict[str, str], name: str) -> str:
        self.sent += 1
        event_id = f"e{self.sent}"
        payload: Any = order(who, self.sent % 50, f"item{self.sent}")
        if name != "Order Completed":
            payload = {**payload, "event": name, "properties": {}}
        payload |= {"messageId": event_id, "context": CARD}
        await self.live.take(self.live.read([payload], source="worker"))
        return event_id

    async def say(self, person: Individual, name: str, said: dict[str, Any]) -> None:
        self.sent += 1
        now_ms = self.live.present
        await self.live.append([
            Event(
                event_id=f"e{self.sent}", kind="track", name=name, properties=said,
                identifiers=(self.random.choice(person.names),), source="customering",
                occurred_at=now_ms, recorded_at=now_ms,
            )
        ])  # fmt: skip

    # What people do

    async def change_mind(self, person: Individual) -> None:
        async with person.speaking:
            name, no, _ = self.random.choice(WAYS)
            await self.say(person, name, no)
            person.is_refused = True
            for _ in range(3):
                sent = await self.send(person.who, "Club Visited")
                person.must_not_be.add(sent)
                await self.sign_in_elsewhere(person)
                await self.check(person)
            if self.random.random() < 0.6:
                person.is_refused = False
                for name, _, yes in WAYS:
                    await self.say(person, name, yes)

    async def sign_in_elsewhere(self, person: Individual) -> None:
        """Use a browser nobody knows, and then say who one is."""
        if len(person.names) >= NAMES_MOST:  # rules of identity refuse too many
            return
        self.sent += 1
        browser = f"x{self.sent}"
        await self.send({"anonymousId": browser}, "Club Visited")  # it may be anybody's
        await self.send({**person.who, "anonymousId": browser}, "Order Completed")
        person.names.append(Identifier(f"anonymous_id:{browser}"))

    # What the gates do

    async def check(self, person: Individual) -> None:
        decision = self.live.decide([self.random.choice(person.names)], PLACE, keep=False)
        if person.is_refused:
            assert "invite" not in decision.chosen  # decide
        elif "invite" in decision.chosen:
            self.seen["decide"] += 1
            person.decided.append(decision)
        for name in person.names:  # join: under whichever name
            found = self.live.person(name)
            glance = self.engine.people.glance(
                found.person_id,
                found.identifiers,
                self.engine.folding.states_of(found.identifiers),
                self.live.present,
            )
            known = {trait: glance.values.get(trait) for trait in TRAITS}
            audiences = self.engine.people.audiences(found, self.engine.audiences)
            if person.is_refused:
                assert not any(known.values()), known  # compute
                assert audiences == ()
            self.seen["compute"] += audiences == ("club_goers",)
            for made in person.decided[-3:]:
                (answer,) = ask_again(
                    made, found, self.actions, self.engine.consent, made.decided_at
                )
                if person.is_refused:
                    assert not answer.is_permitted  # deliver
                self.seen["deliver"] += answer.is_permitted

    async def check_store(self, person: Individual) -> None:
        async with person.speaking:
            await self.live.keeping.checkpoint()
            states = self.engine.state.get(person.names).values()
            slots = [self.engine.traits.traits[trait].slot for trait in TRAITS]
            kept = [self.engine.traits.decode(state)[slot] for state in states for slot in slots]
            if person.is_refused:
                # A status is no reason to forget: it may end, and is asked at every use instead.
                if not self.live.person(person.names[0]).declared_status:
                    assert not any(kept)
            else:
                self.seen["store"] += any(kept)

    async def work(self) -> None:
        for _ in range(ROUNDS):
            person = self.random.choice(self.people)
            draw = self.random.random()
            if draw < 0.2:
                await self.change_mind(person)
            elif draw < 0.35:
                await self.check_store(person)
            else:
                await self.send(person.who, self.random.choice(["Club Visited", "Order Completed"]))
            await self.check(self.random.choice(self.people))

    async def run(self) -> None:
        await self.live.start()
        self.actions = {action.action_id: action for action in self.engine.actions}
        for person in self.people:
            await self.send(person.who, "Order Completed")
            await self.say(person, CONSENT_UPDATED, {"purposes": {PURPOSE: "allow"}})
        try:
            await asyncio.gather(*(self.work() for _ in range(WORKERS)))
        finally:
            await self.live.stop()


def check_collect(town: Town) -> None:
    events = [event for block in town.engine.reading_log.read() for event in block.events()]
    ids = {event.event_id for event in events}
    for person in town.people:
        assert not ids & person.must_not_be
    orders = [event for event in events if event.name == "Order Completed"]
    carried = Counter("club_card" in event.context for event in orders)
    town.seen["collect"] += sum(event.name == "Club Visited" for event in events)
    town.seen["reduced"] += carried[False]
    assert carried[True]


def check_export(town: Town, folder: Path) -> None:
    out = folder / "out.ndjson"
    export_ndjson(town.engine, out, PURPOSE, lambda _: None)
    text = out.read_text()
    with PermittedViews(town.engine) as views:
        seen = set(views.query("SELECT person FROM people_for_club_invites")["person"].to_pylist())
        used = views.query("SELECT DISTINCT person FROM events_for_club_invites")
        assert set(used["person"].to_pylist()) == seen
    masks = town.engine.masks()
    for person in town.people:
        is_in = any(f'"{name}"' in text for name in person.names)
        allowed = town.engine.consent.allows(masks.own[person.names[0]], PURPOSE)
        assert is_in == (person.names[0] in seen) == allowed == (not person.is_refused)
        town.seen["export"] += is_in


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_used_at_any_gate_after_a_refusal(
    open_shop: OpenShop, tmp_path: Path, seed: int
) -> None:
    engine = open_shop(
        present="2026-06-01T12:00:00Z",
        overrides=("decision.control_share=0", "decision.exploration_share=0"),
    )
    for file, text in (
        ("purposes.toml", PURPOSES), ("traits.toml", OWN_TRAITS), ("actions.toml", ACTION),
        ("audiences.toml", AUDIENCE),
    ):  # fmt: skip
        (engine.home.folder / file).write_text(text)
    town = Town(engine, seed)
    asyncio.run(town.run())
    check_collect(town)
    check_export(town, tmp_path)
    assert_rebuild_changes_nothing(engine)
    # The law is not kept by letting nothing through.
    gates = ("collect", "reduced", "store", "compute", "decide", "deliver")
    assert all(town.seen[gate] for gate in gates), town.seen
