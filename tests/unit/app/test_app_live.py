"""The running home: what it acknowledges is durable and folded, and decisions never wait."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest

from customering.app.engine import Engine
from customering.app.live import Live
from customering.decision.model import DecisionRequest
from customering.events.model import CONSENT_UPDATED, Event
from customering.kernel.errors import Invalid, NoSuchPerson, Overloaded, Unavailable
from customering.kernel.ids import Identifier
from town import NOON, PERMITTED, OpenShop, assert_rebuild_changes_nothing, order, view

ADA = Identifier("user_id:ada")
HOME = DecisionRequest(placement="home", purpose="personalize.web", slots=3)


def running(engine: Engine, act: Callable[[Live], Awaitable[Any]]) -> Any:
    """Run an act on a running home, then stop it."""

    async def run() -> Any:
        live = Live(engine)
        await live.start()
        try:
            return await act(live)
        finally:
            await live.stop()

    return asyncio.run(run())


def choice(who: Identifier, number: int, *purposes: str, granted: bool) -> Event:
    """The event by which a person says what they allow."""
    return Event(
        event_id=f"choice-{who}-{number}",
        kind="track",
        name=CONSENT_UPDATED,
        identifiers=(who,),
        occurred_at=NOON + number,
        recorded_at=NOON + number,
        properties={"purposes": dict.fromkeys(purposes, "allow" if granted else "deny")},
        source="customering",
    )


def test_what_is_acknowledged_is_seen_by_the_next_read(open_shop: OpenShop) -> None:
    async def act(live: Live) -> None:
        for day in range(3):
            await live.take(live.read([order({"userId": "ada"}, day, "milk")], source="till"))
            assert live.person(ADA).values["orders_total"] == day + 1

    running(open_shop(), act)


def test_many_events_are_folded_in_turns_and_acknowledged_when_all_are(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("customering.app.live._FOLDED_AT_ONCE", 7)
    engine = open_shop()
    waiting: list[int] = []
    late: list[asyncio.Future[Any]] = []

    async def act(live: Live) -> None:
        turns: list[int] = []
        live.watch(lambda events: turns.append(len(events)))
        live.watch(lambda events: waiting.append(live.waiting_events))
        some = [order({"userId": "ada"}, day, "milk") for day in range(40)]
        others = [order({"userId": "bob"}, day, "tea") for day in range(3)]
        taking = asyncio.gather(
            live.take(live.read(some, source="till")), live.take(live.read(others, source="till"))
        )
        while len(turns) < 2:
            await asyncio.sleep(0)
        assert not taking.done()  # there is room for others between two turns
        await taking
        assert max(turns) == 7
        assert sum(turns) == 43
        assert live.person(ADA).values["orders_total"] == 40
        # What was not folded when the home stops is folded then.
        last = [order({"userId": "ada"}, day, "milk") for day in range(40, 60)]
        late.append(asyncio.ensure_future(live.take(live.read(last, source="till"))))
        await asyncio.sleep(0)

    running(engine, act)
    assert waiting[0] > waiting[-1] == 0
    assert late[0].result().events == 20
    assert engine.people.read(ADA, now_ms=engine.present).values["orders_total"] == 60
    assert_rebuild_changes_nothing(engine)


def test_what_is_sent_twice_counts_once_and_is_acknowledged_twice(open_shop: OpenShop) -> None:
    async def act(live: Live) -> None:
        payloads = [order({"userId": "ada"}, 1, "milk")] * 2
        both = await asyncio.gather(
            live.take(live.read(payloads, source="till")),
            live.take(live.read(payloads, source="till")),
        )
        assert [one.events for one in both] == [2, 2]
        assert live.person(ADA).values["orders_total"] == 1

    running(open_shop(), act)


def test_what_is_refused_is_in_quarantine_when_the_rest_is_acknowledged(
    open_shop: OpenShop,
) -> None:
    engine = open_shop()

    async def act(live: Live) -> None:
        taken = live.read([{"type": "track"}, view({"userId": "ada"}, 1, "milk")], source="web")
        accepted = await live.take(taken)
        assert (accepted.events, accepted.quarantined) == (1, 1)
        assert engine.quarantine.count() == 1

    running(engine, act)


def test_a_new_process_goes_on_where_the_old_one_stopped(open_shop: OpenShop) -> None:
    async def act(live: Live) -> int:
        await live.take(
            live.read([view({"userId": "ada"}, day, "milk") for day in range(5)], source="web")
        )
        return live.person(ADA).values["orders_total"]

    first = open_shop()
    running(first, act)
    first.__exit__(None, None, None)
    second = open_shop()
    assert second.state.offset == second.log.end == 5
    assert_rebuild_changes_nothing(second)


@pytest.mark.parametrize("seed", range(6))
def test_checkpoints_amid_the_fold_lose_and_double_nothing(
    open_shop: OpenShop, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures are drawn one anchor at a time while people shop, choose and are joined."""
    monkeypatch.setattr("customering.app.keeping._PICTURE_ANCHORS", 1)
    monkeypatch.setattr("customering.app.keeping._FREED_AT_ONCE", 1)
    random = Random(seed)
    people = [{"userId": f"p{n}"} for n in range(6)]
    engine = open_shop()

    async def shop(live: Live, worker: int) -> None:
        for number in range(25):
            who = random.choice(people)
            if random.random() < 0.2:
                who = who | {"anonymousId": f"a{random.randrange(3)}"}
            if random.random() < 0.1:
                await live.append(
                    [
                        choice(
                            Identifier(f"user_id:{who['userId']}"),
                            worker * 1_000 + number,
                            *random.sample(PERMITTED, 2),
                            granted=random.random() < 0.5,
                        )
                    ]
                )
            payload = random.choice([order, view])(who, random.randrange(60), f"item{number}")
            await live.take(live.read([payload], source=f"worker{worker}"))
            await asyncio.sleep(0)

    async def store(live: Live) -> None:
        for _ in range(8):
            await live.keeping.checkpoint()
            await asyncio.sleep(0.002)

    async def act(live: Live) -> None:
        await asyncio.gather(store(live), *(shop(live, worker) for worker in range(4)))

    running(engine, act)
    assert engine.state.offset == engine.log.end
    assert_rebuild_changes_nothing(engine)


def test_more_than_the_queue_holds_is_refused_and_nothing_of_it_taken(
    open_shop: OpenShop,
) -> None:
    engine = open_shop(overrides=("serve.queued_events_max=100",))

    async def act(live: Live) -> None:
        def batch(start: int) -> Any:
            payloads = [view({"userId": "ada"}, 1, f"p{n}") for n in range(start, start + 80)]
            return live.take(live.read(payloads, source="web"))

        first, second = await asyncio.gather(batch(0), batch(80), return_exceptions=True)
        assert first.events == 80
        assert isinstance(second, Overloaded)
        assert second.facts["retry_after_s"] >= 1
        assert engine.log.end == 80
        assert (await batch(80)).events == 80

    running(engine, act)


def test_a_log_that_cannot_be_written_is_told_and_later_taken_up_again(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_shop()

    async def act(live: Live) -> None:
        append = engine.log.append

        def full(events: object, lines: object) -> None:
            raise Unavailable("no room on the disk", hint="make room")

        monkeypatch.setattr(engine.log, "append", full)
        payload = order({"userId": "ada"}, 1, "milk")
        with pytest.raises(Unavailable):
            await live.take(live.read([payload], source="till"))
        with pytest.raises(NoSuchPerson):
            live.person(ADA)
        monkeypatch.setattr(engine.log, "append", append)
        await live.take(live.read([payload], source="till"))
        assert live.person(ADA).values["orders_total"] == 1

    running(engine, act)


def test_a_decision_sees_the_event_before_it_and_is_kept(open_shop: OpenShop) -> None:
    engine = open_shop()

    async def act(live: Live) -> str:
        await live.take(live.read([order({"userId": "ada"}, 1, "milk")], source="till"))
        decision = live.decide([ADA], HOME)
        assert await live.decision(decision.decision_id) == decision
        return decision.decision_id

    decision_id = running(engine, act)
    assert [event.event_id for event in engine.log.tail(1)] == [decision_id]


def test_whoever_is_not_known_gets_a_decision_too(open_shop: OpenShop) -> None:
    async def act(live: Live) -> None:
        decision = live.decide([Identifier("anonymous_id:new")], HOME, keep=False)
        assert decision.chosen

    running(open_shop(), act)


def test_a_channel_that_is_not_there_is_refused(open_shop: OpenShop) -> None:
    async def act(live: Live) -> None:
        request = DecisionRequest(placement="m", purpose="marketing.pigeon", channel="pigeon")
        with pytest.raises(Invalid, match="pigeon"):
            live.decide([ADA], request)

    running(open_shop(), act)


def test_alone_means_nothing_of_the_person_behind_a_browser(open_shop: OpenShop) -> None:
    async def act(live: Live) -> None:
        browser = Identifier("anonymous_id:b1")
        await live.take(
            live.read(
                [
                    order({"userId": "ada"}, 1, "milk"),
                    view({"userId": "ada", "anonymousId": "b1"}, 2, "milk"),
                ],
                source="web",
            )
        )
        known = live.decide([browser], HOME, keep=False)
        alone = live.decide([browser], HOME, alone=True, keep=False)
        assert known.person_id == live.person(ADA).person_id
        assert alone.person_id != known.person_id

    running(open_shop(), act)


def test_it_stops_in_order_when_the_last_checkpoint_cannot_be_stored(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may be further, or the disk full: everything is in the log all the same."""
    first = open_shop()

    def refuse(**named: object) -> None:
        raise Unavailable("no room on the disk", hint="make room")

    async def act(live: Live) -> None:
        await live.take(live.read([order({"userId": "ada"}, 1, "milk")], source="till"))
        monkeypatch.setattr(first.state, "commit", refuse)

    running(first, act)
    assert first.state.offset == 0
    first.__exit__(None, None, None)
    second = open_shop()
    second.catch_up()
    assert second.state.offset == second.log.end == 1
    assert_rebuild_changes_nothing(second)
