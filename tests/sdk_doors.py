"""The doors of SDKs on a running home, driven in one event loop, and what they leave behind."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterable
from itertools import count
from typing import Any, NamedTuple

from customering.api.collect import doors as collect_doors
from customering.app.engine import Engine
from customering.app.keys import KeyRing
from customering.app.live import Live
from customering.events.model import Event
from customering.events.store import Quarantined
from customering.serve.application import Application
from customering.web.entrance import Entrance
from customering.web.figures import Figures
from customering.web.limiting import Limiter
from town import OpenShop

SHOP = "https://shop.example"
SUCCESS = b'{"success": true}'
PEER = "203.0.113.7"


class Answer(NamedTuple):
    """What was answered; status 0 when nothing was."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class SdkDoors:
    """A running home whose doors are those of SDKs, with one key of each kind."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.keys = KeyRing(engine.home.control_url, engine.clock)
        self.live = Live(engine)
        limiter = Limiter(engine.settings.serve.limits)
        self.entrance = Entrance(self.live, self.keys, limiter, Figures())
        self.write = self.keys.create_write(name="web", source="web", origins=[SHOP])[1]
        self.server = self.keys.create_server(name="till", source="till")[1]
        self.secret = self.keys.create_secret(name="all", scopes=["collect"])[1]
        self.reader = self.keys.create_secret(name="reader", scopes=["people"])[1]
        self.app = Application(self.entrance, hot=collect_doors(self.entrance), others=_nothing)

    def events(self) -> list[Event]:
        """Give all events of the log."""
        return [event for block in self.engine.log.read() for event in block.events()]

    def event_ids(self) -> list[str]:
        return [event.event_id for event in self.events()]

    def aside(self) -> list[Quarantined]:
        """Give what was set aside, the oldest first."""
        held = self.engine.quarantine.newest(limit=10_000)
        return [one.quarantined for one in reversed(held)]

    def refused(self, code: str) -> float:
        """Give how many requests were refused for a reason."""
        return self.entrance.figures.refused.labels(code)._value.get()

    async def request(
        self,
        method: str,
        path: str,
        body: Any = b"",
        *,
        key: str = "",
        origin: str = "",
        headers: Iterable[tuple[bytes, bytes]] = (),
        query: bytes = b"",
        client: tuple[str, int] | None = (PEER, 5000),
        receive: Any = None,
    ) -> Answer:
        """Make one request; a body that is not bytes is sent as JSON, a key by Basic."""
        told = [(b"host", b"data.example"), *headers]
        if key:
            told.append((b"authorization", b"Basic " + b64encode(f"{key}:".encode())))
        if origin:
            told.append((b"origin", origin.encode()))
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        messages: list[Any] = []

        async def send(message: Any) -> None:
            messages.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query,
            "headers": told,
            "client": client,
            "scheme": "http",
        }
        await self.app(scope, receive or _receiver(sent), send)
        if not messages:
            return Answer(0, {}, b"")
        start = messages[0]
        return Answer(
            start["status"],
            {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]},
            b"".join(message.get("body", b"") for message in messages[1:]),
        )

    async def post(self, path: str, body: Any, **how: Any) -> Answer:
        return await self.request("POST", path, body, **how)

    async def get(self, path: str, **how: Any) -> Answer:
        return await self.request("GET", path, **how)


Act = Callable[[SdkDoors], Awaitable[Any]]
RunSdks = Callable[..., Any]


def sdk_runner(open_shop: OpenShop) -> RunSdks:
    """Make what runs an act on the doors of a fresh home, with these settings."""
    homes = count()

    def runner(act: Act, *overrides: str) -> Any:
        engine = open_shop(overrides=overrides, folder=f"shop-{next(homes)}")

        async def run() -> Any:
            doors = SdkDoors(engine)
            await doors.live.start()
            try:
                return await act(doors)
            finally:
                await doors.live.stop()
                doors.keys.close()

        return asyncio.run(run())

    return runner


def assert_success(answer: Answer) -> None:
    """The one answer that every SDK takes for success."""
    assert (answer.status, answer.body) == (200, SUCCESS)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(len(SUCCESS))


def assert_error(answer: Answer, status: int, code: str = "") -> None:
    """An error in the words that SDKs understand."""
    assert answer.status == status, answer
    told = answer.json
    assert set(told) == {"success", "code", "message", "error"}
    assert told["success"] is False
    assert told["message"] == told["error"] != ""
    assert code in ("", told["code"])
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(len(answer.body))


def _receiver(body: bytes) -> Callable[[], Awaitable[Any]]:
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    return receive


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError(f"no door at {scope['path']}")
