"""The outcome doors: what is told of a decision is kept under its person, and explained with it."""

from itertools import count
from typing import Any

import pytest

from customering.app.engine import Engine
from customering.events.model import Event
from shop_doors import SHOP, Doors, running
from town import NOON, OpenShop, order

ACTIONS = """
[[action]]
action_id = "bread_week"
kind = "show_item"
title = "A week of bread"
purpose = "personalize.web"
base_propensity = 0.5
value_minor = 1000
products = ["bread"]

[[action]]
action_id = "club"
kind = "show_item"
title = "Join the club"
purpose = "personalize.web"
base_propensity = 0.1
value_minor = 100
"""
CERTAIN = ("decision.exploration_share=0", "decision.control_share=0")


@pytest.fixture
def shop(open_shop: OpenShop) -> Any:
    """Run acts on the doors of a shop with two actions, one after the other on the same home."""
    number = count()

    def run(act: Any, engine: Engine | None = None) -> Any:
        if engine is None:
            engine = open_shop(overrides=CERTAIN, folder=f"shop-{next(number)}")
            (engine.home.folder / "actions.toml").write_text(ACTIONS)
        return running(engine, engine.home.folder, act)

    return run


async def decided(doors: Doors, who: str, n: int = 2, **how: Any) -> dict[str, Any]:
    body = {"identifiers": {"user_id": who}, "placement": "home", "n": n}
    answer = await doors.post("/v1/decide", body, key=how.get("key", doors.secret))
    assert answer.status == 200
    told: dict[str, Any] = answer.json
    return told


def events_of(doors: Doors, name: str) -> list[Event]:
    return [
        event for block in doors.engine.log.read() for event in block.events() if event.name == name
    ]


def test_an_outcome_is_an_event_of_the_person_decided_for(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        made = await decided(doors, "ada")
        report = {
            "decision_id": made["decision_id"],
            "action_id": "club",
            "outcome": "bought",
            "revenue": 12.5,
            "currency": "EUR",
        }
        for _ in range(2):
            answer = await doors.post("/v1/outcomes", report, key=doors.secret)
            assert answer.status == 200
        [event] = events_of(doors, "Action Bought")
        assert event.event_id == answer.json["event_id"]
        assert event.identifiers == ("user_id:ada",)
        assert event.properties["revenue_minor"] == 1250
        assert event.properties["placement"] == "home"

    shop(act)


def test_an_outcome_of_a_decision_of_before_the_restart_is_taken(shop: Any) -> None:
    kept: dict[str, Any] = {}

    async def decide_once(doors: Doors) -> None:
        kept.update(await decided(doors, "ada"), engine=doors.engine)

    async def tell(doors: Doors) -> None:
        report = {"decision_id": kept["decision_id"], "action_id": "club", "outcome": "shown"}
        assert (await doors.post("/v1/outcomes", report, key=doors.secret)).status == 200
        report = {"decision_id": "dec_unknown", "outcome": "shown"}
        assert (await doors.post("/v1/outcomes", report, key=doors.secret)).status == 404

    shop(decide_once)
    shop(tell, kept["engine"])


def test_a_list_takes_each_by_itself(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        name = (await decided(doors, "ada"))["decision_id"]
        reports = [
            {"decision_id": name, "outcome": "shown", "action_id": "club"},
            {"decision_id": name, "outcome": "liked"},
            {"decision_id": name, "outcome": "shown", "action_id": "not chosen"},
            {"decision_id": name, "outcome": "dismissed"},
            {"decision_id": name, "outcome": "shown", "at": "yesterday"},
            {"decision_id": "dec_unknown", "outcome": "shown"},
            {
                "decision_id": name,
                "outcome": "clicked",
                "action_id": "bread_week",
                "at": "2026-06-01T12:00:00Z",
            },
        ]
        answer = await doors.post("/v1/outcomes", reports, key=doors.secret)
        results = answer.json["results"]
        problems = [one["problem"]["status"] if "problem" in one else 0 for one in results]
        assert problems == [0, 400, 400, 400, 400, 404, 0]
        assert "$.outcome" in results[1]["problem"]["detail"]
        assert len(events_of(doors, "Action Shown")) == 1
        assert len(events_of(doors, "Action Clicked")) == 1
        for wrong in ([], [{}] * 101, 5, b"[", b""):
            assert (await doors.post("/v1/outcomes", wrong, key=doors.secret)).status == 400

    shop(act)


def test_a_token_tells_of_its_own_decisions_only_and_a_write_key_of_none(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        mine, others = await decided(doors, "ada"), await decided(doors, "bo")
        token = doors.token("user_id:ada")
        report = {"decision_id": mine["decision_id"], "action_id": "club", "outcome": "shown"}
        answer = await doors.post("/v1/outcomes", report, key=token, origin=SHOP)
        assert answer.status == 200
        assert answer.headers["access-control-allow-origin"] == SHOP
        unknown = await doors.post(
            "/v1/outcomes", report | {"decision_id": "dec_unknown"}, key=token
        )
        foreign = await doors.post(
            "/v1/outcomes", report | {"decision_id": others["decision_id"]}, key=token
        )
        assert (foreign.status, foreign.body) == (unknown.status, unknown.body)
        assert foreign.status == 404
        narrow = doors.keys.create_secret(name="narrow", scopes=["decide"])[1]
        for key, status in ((doors.write, 403), (doors.server, 403), (narrow, 403), ("", 401)):
            answer = await doors.post("/v1/outcomes", report, key=key)
            assert answer.status == status

    shop(act)


def test_a_dismissal_becomes_a_trait(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        made = await decided(doors, "ada")
        report = {
            "decision_id": made["decision_id"],
            "action_id": "club",
            "outcome": "dismissed",
            "because": "I am in it",
            "at": "2026-05-31T10:00:00Z",
        }
        assert (await doors.post("/v1/outcomes", report, key=doors.secret)).status == 200
        person = doors.live.person("user_id:ada")  # type: ignore[arg-type]
        assert person.values["dismissed_actions"] == {"club": [20604]}

    shop(act)


# The explanation


def test_a_decision_is_explained_whole_with_what_came_of_it(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        made = await decided(doors, "ada", n=1)
        name = made["decision_id"]
        report = {"decision_id": name, "outcome": "clicked"}
        assert (await doors.post("/v1/outcomes", report, key=doors.secret)).status == 200
        days = (doors.live.present - NOON) // 86_400_000 + 2
        await doors.take(order({"userId": "ada"}, days, "bread", "wine", cents=300))
        answer = await doors.get(f"/v1/decisions/{name}", key=doors.secret)
        assert answer.status == 200
        told = answer.json
        assert told["chosen"] == ["bread_week"]
        fates = {one["action_id"]: one["lost"] for one in told["candidates"]}
        assert fates["bread_week"] is None
        assert fates["club"] == "outscored"
        assert all(one["words"] for one in told["candidates"])
        assert told["candidates"][0]["weighing"]["score"] > 0
        assert told["policy_version"]
        assert [(one["outcome"], one["how"]) for one in told["outcomes"]] == [
            ("clicked", "named"),
            ("bought", "last_touch"),
        ]
        assert told["outcomes"][1]["revenue_minor"] == 300
        tag = answer.headers["etag"]
        again = await doors.get(
            f"/v1/decisions/{name}", key=doors.secret, headers={"if-none-match": tag}
        )
        assert (again.status, again.body) == (304, b"")

    shop(act)


def test_a_token_reads_its_own_decisions_in_words(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        mine, others = await decided(doors, "ada"), await decided(doors, "bo")
        token = doors.token("user_id:ada")
        answer = await doors.get(f"/v1/decisions/{mine['decision_id']}", key=token)
        assert answer.status == 200
        assert b'"score"' not in answer.body
        assert b'"value_minor"' not in answer.body
        assert "seed" not in answer.json
        assert all(one["words"] for one in answer.json["candidates"])
        foreign = await doors.get(f"/v1/decisions/{others['decision_id']}", key=token)
        unknown = await doors.get("/v1/decisions/dec_unknown", key=token)
        assert (foreign.status, foreign.body) == (unknown.status, unknown.body)
        assert foreign.status == 404
        for scope, status in (("people", 200), ("decide", 200), ("outcomes", 403)):
            key = doors.keys.create_secret(name=scope, scopes=[scope])[1]
            answer = await doors.get(f"/v1/decisions/{mine['decision_id']}", key=key)
            assert answer.status == status
        for key, status in ((doors.write, 403), ("", 401)):
            answer = await doors.get(f"/v1/decisions/{mine['decision_id']}", key=key)
            assert answer.status == status

    shop(act)


# The counts


def test_counts_are_of_decisions_by_placement_and_action(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        one, other = await decided(doors, "ada"), await decided(doors, "bo", n=1)
        track = {"type": "track", "event": "Product Clicked", "userId": "ada"}
        told = {"decision_id": one["decision_id"], "action_id": "bread_week"}
        await doors.take(
            track | {"properties": told},
            track | {"properties": told | {"again": True}},
            track | {"properties": told | {"action_id": "not chosen"}},
            track | {"properties": {"decision_id": "dec_unknown", "action_id": "club"}},
            track | {"event": "Action Shown", "properties": told},
            track | {"event": "Action Shown", "properties": told | {"action_id": "club"}},
            track
            | {"event": "Order Completed", "properties": {"decision_id": other["decision_id"]}},
        )
        answer = await doors.get("/v1/outcomes/summary?days=366", key=doors.secret)
        assert answer.status == 200
        assert answer.json["counts"] == [
            {"placement": "home", "action_id": "bread_week", "shown": 1, "clicked": 1, "bought": 1},
            {"placement": "home", "action_id": "club", "shown": 1},
        ]
        elsewhere = await doors.get("/v1/outcomes/summary?placement=cart", key=doors.secret)
        assert elsewhere.json["counts"] == []
        for query in ("days=0", "days=a", "when=now"):
            bad = await doors.get(f"/v1/outcomes/summary?{query}", key=doors.secret)
            assert bad.status == 400
        token = doors.token("user_id:ada")
        for key, status in ((token, 403), (doors.write, 403), ("", 401)):
            assert (await doors.get("/v1/outcomes/summary", key=key)).status == status

    shop(act)
