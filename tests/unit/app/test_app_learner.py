"""A home learns from what came of its decisions, and loses nothing of it when it stops."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from customering.app.deciding import request_for
from customering.app.engine import Engine
from customering.app.learner import FILE
from customering.app.learner_gate import judge_placements
from customering.app.live import Live
from customering.decision.learner import place_of
from customering.decision.model import Decision
from customering.events.model import CONSENT_UPDATED, Event
from customering.kernel.clock import MS_PER_DAY
from customering.kernel.ids import Identifier
from customering.outcomes.model import ACTION_CLICKED, ACTION_SHOWN
from town import NOON, OpenShop

ACTIONS = """
[[action]]
action_id = "bread"
kind = "show_item"
title = "Bread"
purpose = "personalize.web"
base_propensity = 0.1
value_minor = 100

[[action]]
action_id = "wine"
kind = "show_item"
title = "Wine"
purpose = "personalize.web"
base_propensity = 0.1
value_minor = 99
"""
HOME = place_of("home", "")
REQUEST = request_for("home", "", 1)
CALM = ("decision.control_share=0", "decision.exploration_share=0.5", "clock.present=''")


class Shop:
    """A home whose clock is turned by hand, running as it does on a server."""

    def __init__(self, engine: Engine) -> None:
        (engine.home.folder / "actions.toml").write_text(ACTIONS)
        self.now_ms = NOON
        self.engine = engine
        engine.clock = lambda: self.now_ms
        self.told = 0

    def running(self, act: Callable[[Live], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            live = Live(self.engine)
            await live.start()
            try:
                return await act(live)
            finally:
                await live.stop()

        return asyncio.run(run())

    async def day(
        self, live: Live, people: range, likes: Callable[[int], str] = lambda who: "wine"
    ) -> None:
        """Everybody comes once; all see what is shown, and click what they like."""
        self.now_ms += MS_PER_DAY
        decisions = [(who, live.decide([name_of(who)], REQUEST)) for who in people]
        events = []
        for who, decision in decisions:
            events.append(self.outcome(who, decision, ACTION_SHOWN))
            if decision.chosen[0] == likes(who):
                events.append(self.outcome(who, decision, ACTION_CLICKED))
        await live.append(events)

    def outcome(self, who: int, decision: Decision, name: str) -> Event:
        self.told += 1
        return Event(
            event_id=f"told-{self.told}",
            kind="track",
            name=name,
            identifiers=(name_of(who),),
            occurred_at=self.now_ms,
            recorded_at=self.now_ms,
            properties={"decision_id": decision.decision_id, "action_id": decision.chosen[0]},
        )


def name_of(who: int) -> Identifier:
    return Identifier(f"user_id:{who}")


def opened(open_shop: OpenShop, **options: Any) -> Shop:
    options.setdefault("overrides", CALM)
    return Shop(open_shop(**options))


def test_a_running_home_learns_what_is_liked_and_decides_by_it(open_shop: OpenShop) -> None:
    shop = opened(open_shop)

    async def act(live: Live) -> tuple[Decision, Decision]:
        before = live.decide([name_of(99)], REQUEST, keep=False)
        for _ in range(5):
            await shop.day(live, range(30))
        shop.now_ms += 2 * MS_PER_DAY
        live.decide([name_of(98)], REQUEST)
        await live.append([])
        return before, live.decide([name_of(99)], REQUEST, keep=False)

    before, after = shop.running(act)
    counts = shop.engine.learner.feedback.counts
    assert counts.successes > 20 < counts.failures
    chances = {one.action_id: one.propensity for one in after.candidates}
    assert chances["wine"] > 0.5 > 0.3 > chances["bread"]
    assert {one.action_id: one.propensity for one in before.candidates}["wine"] < 0.11
    assert before.learner == ""
    assert after.learner == shop.engine.learner.learner.version
    best = max(after.candidates, key=lambda one: one.probability)
    assert best.action_id == "wine"


def test_what_was_learned_is_the_same_after_a_restart_and_from_the_log(
    open_shop: OpenShop,
) -> None:
    shop = opened(open_shop)

    async def act(live: Live) -> None:
        await shop.day(live, range(25))
        await live.keeping.checkpoint()
        await shop.day(live, range(25))

    shop.running(act)
    whole = shop.engine.learner
    # A second process begins with the file as it was at some moment, and folds the rest.
    shop.engine.learner.write(whole.picture())
    shop.engine.__exit__(None, None, None)
    again = opened(open_shop)
    again.now_ms = shop.now_ms
    again.running(lambda live: again.day(live, range(10)))
    # A third has no file at all.
    again.engine.__exit__(None, None, None)
    (Path(again.engine.home.models_folder) / FILE).unlink(missing_ok=True)
    third = opened(open_shop).engine
    third.learner.catch_up(third.reading_log)
    assert third.learner.feedback.counts.successes > 0
    assert third.learner.picture() == again.engine.learner.picture()


def test_who_refuses_teaches_nothing_from_then_on_and_nothing_when_learned_anew(
    open_shop: OpenShop,
) -> None:
    shop = opened(open_shop)

    async def act(live: Live) -> None:
        await shop.day(live, range(1, 5))
        refusal = {"purposes": {"personalize.offers": "deny"}}
        choice = replace(
            shop.outcome(1, live.decide([name_of(1)], REQUEST, keep=False), CONSENT_UPDATED),
            properties=refusal,
        )
        await live.append([choice])
        await shop.day(live, range(1, 5))
        await shop.day(live, range(1, 5))

    shop.running(act)
    feedback = shop.engine.learner.feedback
    assert feedback.counts.refused == 1
    assert shop.engine.learner.learner.taught(HOME) <= 2 * 3 + 1
    permission = shop.engine.permission("personalize.offers")
    shop.engine.learner.rebuild(shop.engine.reading_log, permission)
    assert shop.engine.learner.learner.taught(HOME) <= 2 * 3


def test_a_file_of_other_settings_is_left_aside(open_shop: OpenShop) -> None:
    shop = opened(open_shop)

    async def act(live: Live) -> None:
        for _ in range(3):
            await shop.day(live, range(10))

    shop.running(act)
    shop.engine.learner.write(shop.engine.learner.picture())
    shop.engine.__exit__(None, None, None)
    other = opened(open_shop, overrides=(*CALM, "learning.half_life_days=5")).engine
    other.learner.catch_up(other.reading_log)
    assert other.learner.offset == other.reading_log.end
    taught = other.learner.feedback.counts
    assert (taught.successes, taught.failures) == (
        shop.engine.learner.feedback.counts.successes,
        shop.engine.learner.feedback.counts.failures,
    )


def test_a_torn_file_is_made_anew_from_the_log(open_shop: OpenShop) -> None:
    shop = opened(open_shop)
    shop.running(lambda live: shop.day(live, range(10)))
    whole = shop.engine.learner.picture()
    shop.engine.learner.write(whole[: len(whole) // 2])
    shop.engine.__exit__(None, None, None)
    other = opened(open_shop).engine
    other.learner.catch_up(other.reading_log)
    assert other.learner.picture() == whole


@pytest.mark.parametrize("is_told_by_age", [True, False])
def test_features_are_used_where_they_surely_help_and_nowhere_else(
    open_shop: OpenShop, is_told_by_age: bool
) -> None:
    """The young like wine and the old bread; or what somebody likes has nothing to do with age."""
    shop = opened(open_shop)

    def likes(who: int) -> str:
        return ("wine", "bread")[who % 2 if is_told_by_age else who // 2 % 2]

    async def act(live: Live) -> None:
        ages = [
            replace(shop.outcome(who, nothing, ""), kind="identify", properties={"age_group": age})
            for who in range(1, 231)
            for age in [("young", "old")[who % 2]]
        ]
        await live.append(ages)
        for _ in range(6):
            await shop.day(live, range(1, 231), likes)

    nothing = shop.running(lambda live: decided_for_nobody(live))
    shop.running(act)
    shop.now_ms += 3 * MS_PER_DAY
    shop.engine.learner.rebuild(shop.engine.reading_log, lambda name: True)
    verdicts = judge_placements(shop.engine)
    assert verdicts["home"].passes == is_told_by_age, verdicts["home"].words
    assert verdicts["home"].effective_rows >= 200
    shop.engine.__exit__(None, None, None)
    again = opened(open_shop).engine
    again.learner.catch_up(again.reading_log)
    assert ("home" in again.learner.learner.open_places) == is_told_by_age


async def decided_for_nobody(live: Live) -> Decision:
    return live.decide([name_of(9_999)], REQUEST, keep=False)


def test_a_few_decisions_are_not_judged(open_shop: OpenShop) -> None:
    shop = opened(open_shop)
    shop.running(lambda live: shop.day(live, range(1, 10)))
    shop.now_ms += 3 * MS_PER_DAY
    verdict = judge_placements(shop.engine)["home"]
    assert not verdict.passes
    assert "9 decisions" in verdict.words
