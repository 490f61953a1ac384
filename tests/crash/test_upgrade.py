"""Homes that earlier versions wrote are opened by this one: nothing is lost, nothing counts twice.

Each home in ``homes/`` was written by the code of an earlier day, by the same acts: orders and
views of 24 people, half of them signed in, one refusal, one payload that was set aside, models
fitted, three decisions made.
"""

import asyncio
import tarfile
from pathlib import Path

import pytest

from customering.app.engine import Engine
from customering.app.home import find
from customering.app.live import Live
from customering.decision.record import decision_of
from customering.events.model import DECISION_MADE
from customering.kernel.ids import Identifier
from town import NOON, assert_rebuild_changes_nothing

HOMES = sorted((Path(__file__).parent / "homes").glob("*.tar.xz"))
EVENTS = 110
CHOSEN = {
    "dec_4olj6xuzksiqxkui": ("item:cup1", "item:tea2", "item:cup3"),
    "dec_hd4k4h4yzojo3ew4": ("item:tea2", "item:tea3", "item:cup3"),
    "dec_mwce7g7wfmy32y4d": ("item:tea5", "item:cup1", "item:cup2"),
}


@pytest.fixture(params=HOMES, ids=lambda path: path.name.partition(".")[0])
def old_home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with tarfile.open(request.param) as packed:
        packed.extractall(tmp_path, filter="data")
    return tmp_path


def opened(home: Path) -> Engine:
    return Engine(find(home, environment={}), clock=lambda: NOON * 2)


def test_everybody_is_who_they_were(old_home: Path) -> None:
    with opened(old_home) as engine:
        engine.catch_up()
        assert engine.log.end == EVENTS
        for number in range(24):
            person = engine.people.read(Identifier(f"user_id:u{number}"), now_ms=engine.present)
            assert person.values["orders_total"] == 1 + number % 5
            # What serves suggestions alone is not kept of the one who refuses them.
            assert (person.values.get("top_products") is None) == (number == 3), number
            signed_in = f"anonymous_id:a{number}" in person.identifiers
            assert signed_in == (number % 2 == 1), number


def test_old_decisions_are_read_and_new_ones_made(old_home: Path) -> None:
    with opened(old_home) as engine:
        engine.catch_up()
        events = [event for block in engine.log.read() for event in block.events()]
        made = [decision_of(event) for event in events if event.name == DECISION_MADE]
        assert {one.decision_id: one.chosen for one in made} == CHOSEN
        assert all(sum(c.probability for c in one.candidates) == pytest.approx(1) for one in made)


def test_live_and_rebuilt_agree_on_what_the_old_version_wrote(old_home: Path) -> None:
    with opened(old_home) as engine:
        engine.catch_up()
        assert_rebuild_changes_nothing(engine)


def test_the_server_runs_on_it(old_home: Path) -> None:
    async def serve() -> int:
        with opened(old_home) as engine:
            live = Live(engine)
            await live.start()
            payload = {"type": "track", "event": "Order Completed", "userId": "u1",
                       "messageId": "today", "properties": {"order_id": "new"}}  # fmt: skip
            taken = await live.take(live.read([payload], source="shop"))
            orders = live.person(Identifier("user_id:u1")).values["orders_total"]
            await live.stop()
        assert taken.events == 1
        return int(orders)

    assert asyncio.run(serve()) == 3
