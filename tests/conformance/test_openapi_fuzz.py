"""Requests made up from the OpenAPI document, right and wrong ones: never a fault of the server.

Schemathesis makes them; each goes through every layer of a running home but the socket. Bounded to
about a minute: the number of requests to an operation can be raised with
``CUSTOMERING_FUZZ_EXAMPLES``.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from importlib import resources
from threading import Thread
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from all_doors import AllDoors
from customering.api.openapi import document
from customering.app.engine import Engine
from customering.app.home import find, init
from town import order
from webhook_messages import SHOPIFY_SECRET

EXAMPLES = int(os.environ.get("CUSTOMERING_FUZZ_EXAMPLES", "15"))
SCHEMA = schemathesis.openapi.from_dict(document())
OPERATIONS = [
    pytest.param(result.ok(), id=result.ok().label)
    for result in SCHEMA.get_all_operations()
    # A stream that is let in does not end by itself; its own tests fuzz it.
    if result.ok().path != "/v1/live"
]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SETTINGS = """
[history]
buckets = 4
[consent.defaults."personalize.web"]
answer = "allow"
ground = "a test"
"""
MAPPING = """
name = "visits"
event = "Visit Booked"
id = ["visit"]
occurred_at = "day"
identifiers.email = "mail"
"""


class Running:
    """All doors of one home in an event loop of their own, called from the thread of the tests."""

    def __init__(self, doors: Callable[[], AllDoors]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.doors = self.run(self._start(doors))

    async def _start(self, make: Callable[[], AllDoors]) -> AllDoors:
        doors = make()
        await doors.live.start()
        await doors.take(
            order({"userId": "ada", "anonymousId": "a1"}, 0, "bread"),
            order({"userId": "eve"}, 1, "milk"),
        )
        return doors

    def run(self, act: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(act, self._loop).result(timeout=30)

    def call(self, case: Any) -> httpx.Response:
        """Send a made-up request with a key that opens every door."""
        headers = {"authorization": f"Bearer {self.doors.secret}"}
        made = requests.Request(**case.as_transport_kwargs("http://localhost", headers)).prepare()
        return self.run(self._call(made))

    async def _call(self, made: requests.PreparedRequest) -> httpx.Response:
        transport = httpx.ASGITransport(self.doors.app, client=("203.0.113.7", 5000))
        sent = httpx.Request(
            made.method or "GET",
            made.url or "",
            headers=[(_bytes(name), _bytes(value)) for name, value in made.headers.items()],
            content=made.body or b"",
        )
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.send(sent)

    def settle(self) -> int:
        """Wait until what was decided is written, and give how many events wait even then."""

        async def waiting() -> int:
            for _ in range(500):
                if not self.doors.live.waiting_events:
                    break
                await asyncio.sleep(0.01)
            return self.doors.live.waiting_events

        return int(self.run(waiting()))

    def stop(self) -> None:
        self.run(self.doors.live.stop())
        self.doors.keys.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _bytes(text: str | bytes) -> bytes:
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("fuzz")
    init(folder / "home")
    (folder / "home" / "customering.toml").write_text(SETTINGS)
    shipped = resources.files("customering.app") / "templates" / "webhooks.toml"
    (folder / "home" / "webhooks.toml").write_text(shipped.read_text(encoding="utf-8"))
    (folder / "home" / "mappings").mkdir(exist_ok=True)
    (folder / "home" / "mappings" / "visits.toml").write_text(MAPPING)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SHOPIFY_WEBHOOK_SECRET", SHOPIFY_SECRET)
        patched.setenv("STRIPE_WEBHOOK_SECRET", SHOPIFY_SECRET)
        engine = Engine(find(folder / "home", environment={}))
        running = Running(lambda: AllDoors(engine, folder))
        yield running
        running.stop()
        engine.__exit__(None, None, None)


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_nothing_that_is_sent_is_a_fault_of_the_server(
    server: Running, operation: Any, mode: GenerationMode
) -> None:
    """Every answer is documented: its status, its type, and its shape; and never a 5xx."""
    made = False

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize="CUSTOMERING_FUZZ_EXAMPLES" not in os.environ,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def fuzz(case: Any) -> None:
        nonlocal made
        made = True
        answer = server.call(case)
        case.validate_response(answer, checks=CHECKS)

    try:
        fuzz()
    except Unsatisfiable:
        pytest.skip("nothing wrong can be sent to this operation")
    assert made
    assert server.settle() == 0


def test_the_home_is_sound_after_all_of_it(server: Running) -> None:
    """What was taken in is in the log and folded, and a rebuild gives the same profiles."""
    engine = server.doors.engine
    assert engine.folding.offset == engine.log.end
    assert engine.log.verify().events == engine.log.end
    # Anybody may have been erased meanwhile: somebody who comes now is known at once.
    server.run(server.doors.take({"type": "page", "userId": "afterwards", "messageId": "last"}))
    path = "/v1/people/user_id:afterwards"
    person = server.run(server.doors.get(path, key=server.doors.secret))
    assert person.status == 200
