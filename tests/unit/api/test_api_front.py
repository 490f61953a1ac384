"""What is told of the server itself: that it lives, what it counts, and how to begin."""

import re
import shlex
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import typer

from all_doors import AllDoors, Run, running_all
from customering.api import health
from customering.cli.main import every_command
from shop_doors import SHOP, scope_of
from town import OpenShop, order

ADA = {"userId": "ada"}


@pytest.fixture
def shop(open_shop: OpenShop, tmp_path: Path) -> Run:
    def run(act: Any, *overrides: str) -> Any:
        return running_all(open_shop(overrides=overrides), tmp_path, act)

    return run


def test_health_and_readiness_need_no_key(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"))
        assert (await doors.get("/v1/health")).json == {"status": "ok"}
        ready = await doors.get("/v1/ready")
        assert ready.status == 200
        assert ready.json["checkpoint_lag_events"] == 1
        with patch.object(health, "_FREE_BYTES_MIN", 1 << 80):
            full = await doors.get("/v1/ready")
        assert (full.status, full.json["reasons"]) == (503, ["the disk is full"])
        doors.live.stopping.set()
        assert (await doors.get("/v1/ready")).status == 503

    shop(act)


def test_metrics_are_for_a_key_of_that_scope(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"))
        assert (await doors.get("/metrics")).status == 401
        assert (await doors.get("/metrics", key=doors.secret_with("people"))).status == 403
        assert (await doors.get("/metrics", key=doors.write)).status == 403
        answer = await doors.get("/metrics", key=doors.secret_with("metrics"))
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert b"customering_log_events 1.0" in answer.body
        assert b"customering_checkpoint_lag_events 1.0" in answer.body

    shop(act)


async def metrics_from(doors: AllDoors, address: str, headers: dict[str, str]) -> int:
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = scope_of("GET", "/metrics", headers) | {"client": (address, 5000)}
    await doors.app(scope, receive, send)
    return int(messages[0]["status"])


def test_metrics_need_no_key_from_this_machine_but_through_a_proxy_they_do(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        assert await metrics_from(doors, "127.0.0.1", {}) == 200
        assert await metrics_from(doors, "::1", {}) == 200
        assert await metrics_from(doors, "10.0.0.7", {}) == 401
        assert await metrics_from(doors, "127.0.0.1", {"x-forwarded-for": "127.0.0.1"}) == 401
        assert await metrics_from(doors, "127.0.0.1", {"origin": SHOP}) == 401
        assert await metrics_from(doors, "127.0.0.1", {"host": "shop.example"}) == 401
        assert await metrics_from(doors, "127.0.0.1", {"host": "localhost:8000"}) == 200

    shop(act)


def test_the_page_tells_what_runs_and_nothing_of_anybody(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        who = {"userId": "grace-hopper"}
        await doors.take(order(who, 0, "bread"), {"type": "track"})
        doors.entrance.figures.refused.labels("bad_<b>reason</b>").inc(3)
        answer = await doors.get("/", headers={"host": "data.example.org", "accept": "text/html"})
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        text = answer.body.decode()
        assert 'href="/docs"' in text
        assert "http://data.example.org/v1/track" in text
        assert "bad &lt;b&gt;reason" in text
        assert "grace-hopper" not in text
        for key in (doors.write, doors.server, doors.secret):
            assert key not in text
        assert str(doors.engine.home.folder) not in text
        assert "<script" not in text
        assert not re.search(r'(?:src|href)="https?:', text), "nothing comes from elsewhere"

    shop(act)


def test_the_commands_of_the_page_are_ones_the_program_takes(shop: Run) -> None:
    async def act(doors: AllDoors) -> str:
        return (await doors.get("/")).body.decode()

    lines = re.findall(r"^(?:<pre.*>)?customering (.*)$", shop(act), re.MULTILINE)
    assert len(lines) == 2
    program = typer.main.get_command(every_command())
    for line in lines:
        words, command = shlex.split(line), program
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        command.make_context("customering", words)


def test_refusals_are_counted_by_reason(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.get("/v1/people/user_id:ada")
        await doors.get("/v1/people/user_id:ada", key=doors.secret)
        await doors.get("/v1/spaces/x/collections/users/profiles/user_id:ada/links")
        told = (await doors.get("/?format=json")).json["refused"]
        assert told == {"unauthorized": 2, "no_such_person": 1}

    shop(act)


def test_a_made_up_host_is_not_repeated(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        answer = await doors.get("/", headers={"host": "x'\"><img src=y>"})
        assert answer.status == 400
        assert b"<img" not in answer.body
        odd = await doors.get("/", headers={"host": "data_2.example"})
        assert b"localhost:8000" in odd.body

    shop(act)


def test_programs_get_the_same_as_json(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"))
        for told in (
            await doors.get("/?format=json"),
            await doors.get("/", headers={"accept": "application/json"}),
        ):
            assert told.headers["content-type"] == "application/json"
            assert told.json["events"] == 1
            assert told.json["decisions"] == 0
        both = {"accept": "text/html,application/json;q=0.9"}
        assert (await doors.get("/", headers=both)).headers["content-type"].startswith("text/html")
        assert (await doors.get("/?format=xml")).status == 400

    shop(act)


def test_the_reference_page_shows_every_operation(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        document = (await doors.get("/openapi.json")).json
        page = (await doors.get("/docs")).body.decode()
        for methods in document["paths"].values():
            for one in methods.values():
                assert f'<details id="{one["operationId"]}">' in page
        assert page.count("<details") == page.count("</details>")
        assert "<script" not in page

    shop(act)
