"""Deciding through the doors: by the channel and hour of a person, and with whom they know."""

from typing import Any

from circle import ALLOWED, NOW, QUIET, circle, stocked
from customering.events.model import CONSENT_UPDATED
from customering.kernel.clock import MS_PER_DAY, MS_PER_HOUR, format_instant
from customering.kernel.ids import Identifier
from shop_doors import Doors, running
from town import OpenShop

LETTER = """
[[action]]
action_id = "letter"
kind = "ask_question"
title = "A letter"
purpose = "marketing.push"
channel = "push"
value_minor = 900
base_propensity = 0.5
"""


def test_the_answer_names_the_channel_and_from_when(open_shop: OpenShop) -> None:
    at_ten, permitted = "2026-06-01T10:00:00Z", (*ALLOWED, "marketing.push")
    engine = open_shop(permitted=permitted, present=at_ten, overrides=QUIET)
    (engine.home.folder / "actions.toml").write_text(LETTER)

    async def act(doors: Doors) -> None:
        for ago in (2, 3, 5, 8):
            at = NOW - ago * MS_PER_DAY + 18 * MS_PER_HOUR
            await doors.take(
                {
                    "type": "track", "event": "Push Notification Tapped", "userId": "ada",
                    "timestamp": format_instant(at), "messageId": f"tap{ago}",
                }
            )  # fmt: skip
        asked = {"identifiers": {"user_id": "ada"}, "placement": "mail", "channel": "best"}
        answer = await doors.post("/v1/decide", asked, key=doors.secret)
        told = answer.json
        assert told["channel"] == "push"
        assert told["not_before"] == "2026-06-01T18:00:00.000Z"
        assert "You answer most around 18:00." in told["reasons"]
        whole = await doors.get(f"/v1/decisions/{told['decision_id']}", key=doors.secret)
        assert whole.json["not_before"] == told["not_before"]
        assert whole.json["channel"] == "push"
        on_page = asked | {"channel": "", "placement": "home"}
        answer = await doors.post("/v1/decide", on_page, key=doors.secret)
        assert {"channel", "not_before"}.isdisjoint(answer.json)

    running(engine, engine.home.folder, act)


def test_a_friend_who_takes_it_back_counts_in_no_later_answer(open_shop: OpenShop) -> None:
    engine = stocked(open_shop(permitted=ALLOWED, overrides=QUIET))

    async def act(doors: Doors) -> None:
        async def shown() -> dict[str, Any]:
            asked = {"identifiers": {"user_id": "ada"}, "placement": "home", "n": 9}
            answer = await doors.post("/v1/decide", asked, key=doors.secret)
            return {one["action_id"]: one["reasons"] for one in answer.json["actions"]}

        await doors.take(*circle("ben", "cleo", "dora"))
        before = await shown()
        assert "At least 3 people you know" in before["item:lamp"][0]
        refusal = engine.own_event(
            CONSENT_UPDATED,
            (Identifier("user_id:cleo"),),
            {"purposes": {"share.friends": "deny"}},
            event_id="refusal",
            occurred_at=engine.present,
        )
        await doors.live.append([refusal])
        assert "item:lamp" not in await shown()

    running(engine, engine.home.folder, act)
