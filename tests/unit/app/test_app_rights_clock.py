"""The clocks of requests: what is due is said in the list, of one request, and by the server."""

import asyncio
import logging
from typing import Any

import pytest

from canary import fill, of_others
from customering.app.engine import Engine
from customering.app.live import Live
from customering.app.rights_desk import RightsDesk
from customering.cli import rights as commands
from customering.consent.rights import days_left
from customering.kernel.clock import MS_PER_DAY
from customering.kernel.ids import Identifier
from town import OpenShop

BEN, CLEO = Identifier("user_id:ben"), Identifier("user_id:cleo")


class Clock:
    def __init__(self, engine: Engine) -> None:
        self._begun, self.days = engine.clock(), 0.0
        engine.clock = lambda: int(self._begun + self.days * MS_PER_DAY)


def test_an_answer_is_called_due_and_overdue_until_it_was_given(
    open_shop: OpenShop, caplog: pytest.LogCaptureFixture
) -> None:
    engine = open_shop()
    fill(engine, of_others())
    clock = Clock(engine)

    async def act() -> None:
        live = Live(engine)
        await live.start()
        desk = RightsDesk(live)
        asked = await desk.open_request(BEN, "access", actor="person")
        later = await desk.open_request(CLEO, "access", actor="person")
        await desk.act(later.request_id, "extend", actor="key_1", words="holidays")
        whole = (asked.expected_by - asked.received_at) / MS_PER_DAY
        assert whole in (28, 29, 30, 31)
        assert await desk.reminders() == []
        for days, left in ((whole - 15.5, None), (whole - 14, 14), (whole - 0.5, 0),
                           (whole + 0.5, -1)):  # fmt: skip
            clock.days = days
            told = [(one.request_id, one.days_left) for one in await desk.reminders()]
            assert told == ([] if left is None else [(asked.request_id, left)])
        caplog.clear()
        with caplog.at_level(logging.WARNING, "customering.rights"):
            desk._once_a_minute()
            desk._once_a_minute()
            clock.days += 1
            desk._once_a_minute()
        assert [one.getMessage().rpartition(") ")[2] for one in caplog.records] == [
            "is overdue by 1 days", "is overdue by 2 days",
        ]  # fmt: skip
        await desk.act(asked.request_id, "fulfil", actor="key_1")
        assert await desk.reminders() == []
        assert days_left(await desk.request(asked.request_id), engine.clock()) is None
        assert days_left(await desk.request(later.request_id), engine.clock()) > 30
        await live.stop()

    asyncio.run(act())


def test_the_list_of_requests_says_what_is_due(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = open_shop()
    fill(engine, of_others())
    clock = Clock(engine)
    from customering.app import rights_home

    asked = rights_home.open_request(engine, BEN, "access", "", {})
    engine.__exit__(None, None, None)

    def opened(home: Any) -> Engine:
        again = open_shop()
        again.clock = engine.clock
        return again

    monkeypatch.setattr(commands, "Engine", opened)
    monkeypatch.setattr(commands, "find", lambda home: home)
    for days, said in ((1, ""), (20, "due in"), (40, "overdue by")):
        clock.days = days
        commands.list_requests()
        shown = capsys.readouterr().out
        assert asked.request_id in shown
        assert ("due" in shown) == bool(said)
        assert said in " ".join(shown.split())
        commands.show(asked.request_id)
        assert said in " ".join(capsys.readouterr().out.split())
