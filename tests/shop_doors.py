"""Drives the doors of a running shop as a client would, in one event loop and without a network."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

from litestar import Litestar
from litestar.di import Provide

from customering.api import browser, decisions, outcomes
from customering.api.decide import doors as decide_doors
from customering.api.reception import Reception
from customering.api.stream import Streams
from customering.app.engine import Engine
from customering.app.keys import KeyRing
from customering.app.limit_settings import LimitSettings
from customering.app.live import Live
from customering.app.subject_tokens import mint
from customering.serve.application import Application
from customering.web.entrance import Entrance
from customering.web.figures import Figures
from customering.web.limiting import Limiter
from customering.web.problems import exception_handlers

SHOP = "https://shop.example"
EVERYTHING = ("collect", "decide", "outcomes", "people", "stream", "import", "metrics")


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Doors:
    """A running shop with one key of each kind."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.now_ms = engine.clock()
        self.keys = KeyRing(f"sqlite:///{folder / 'control.sqlite'}", engine.clock)
        self.live = Live(engine)
        self.entrance = Entrance(self.live, self.keys, Limiter(LimitSettings()), Figures())
        self.write = self.keys.create_write(name="web", source="web", origins=[SHOP])[1]
        self.server = self.keys.create_server(name="till", source="till")[1]
        self.secret = self.keys.create_secret(name="all", scopes=EVERYTHING)[1]
        self.private = self.keys.create_subject(name="shop", origins=[SHOP])[1]
        self.streams = Streams(self.entrance)
        self.app = Application(self.entrance, hot=self.hot(), others=self.others())

    def hot(self) -> dict[str, Any]:
        return {
            **decide_doors(self.entrance),
            **outcomes.doors(self.entrance),
            **browser.doors(self.entrance),
            "/v1/live": ("stream", self.streams.serve),
        }

    def others(self) -> Litestar:
        reception = Reception(self.entrance)
        return Litestar(
            [*decisions.handlers, *outcomes.handlers],
            dependencies={"reception": Provide(lambda: reception, sync_to_thread=False)},
            exception_handlers=exception_handlers(),
            signature_types=[Reception],
            openapi_config=None,
            logging_config=None,
        )

    def token(self, person: str, *, at_ms: int | None = None, minutes: int = 15) -> str:
        return mint(self.private, person, self.now_ms if at_ms is None else at_ms, minutes)

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str = "",
        basic: str = "",
        origin: str = "",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Make one request and give the whole answer."""
        told = dict(headers or {})
        if key:
            told["authorization"] = f"Bearer {key}"
        if basic:
            told["authorization"] = "Basic " + b64encode(f"{basic}:".encode()).decode()
        if origin:
            told["origin"] = origin
        sent = body if isinstance(body, bytes) else b"" if body is None else _json(body)
        messages: list[Any] = []

        async def send(message: Any) -> None:
            messages.append(message)

        await self.app(scope_of(method, path, told), _receiver(sent), send)
        start = messages[0]
        return Answer(
            start["status"],
            {k.decode().lower(): v.decode() for k, v in start["headers"]},
            b"".join(message.get("body", b"") for message in messages[1:]),
        )

    async def post(self, path: str, body: Any, **how: Any) -> Answer:
        return await self.call("POST", path, body, **how)

    async def get(self, path: str, **how: Any) -> Answer:
        return await self.call("GET", path, **how)

    async def take(self, *payloads: Any) -> None:
        """Take payloads in, as a trusted server sends them; acknowledged when this returns."""
        await self.live.take(self.live.read(payloads, source="server"))


def scope_of(method: str, path: str, headers: dict[str, str]) -> dict[str, Any]:
    """Give the ASGI scope of a request."""
    path, _, query = path.partition("?")
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        "client": ("203.0.113.7", 5000),
        "server": ("127.0.0.1", 8000),
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
        "asgi": {"version": "3.0"},
        "extensions": {},
        "state": {},
    }


def running(engine: Engine, folder: Path, act: Callable[[Doors], Awaitable[Any]]) -> Any:
    """Run an act on the doors of a running home, then stop it."""

    async def run() -> Any:
        doors = Doors(engine, folder)
        await doors.live.start()
        try:
            return await act(doors)
        finally:
            await doors.live.stop()
            doors.keys.close()

    return asyncio.run(run())


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()


def _receiver(body: bytes) -> Callable[[], Awaitable[Any]]:
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        if waiting:
            return waiting.pop()
        return {"type": "http.disconnect"}

    return receive
