"""One server process on one home: uvicorn, set up, started and stopped with care."""

import asyncio
import gc
import json
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import uvicorn
import uvloop

from customering.api import browser, collect, decide, outcomes, stream
from customering.api.routes import routes
from customering.app.engine import Engine
from customering.app.keys import KeyRing
from customering.app.live import Live
from customering.app.rights_desk import desk_of
from customering.kernel.errors import Unavailable
from customering.portal.application import doors as portal_doors
from customering.serve.application import Application
from customering.serve.connection import Connection
from customering.web.answers import Handler
from customering.web.entrance import Entrance
from customering.web.figures import Figures
from customering.web.limiting import Limiter

_DOORS = (collect.doors, decide.doors, outcomes.doors, stream.doors, browser.doors)
# Objects more than before, then rounds of each generation. Each round is short, as a decision may
# wait for it; the long ones, over all there is, are as rare as some ten million new objects.
_COLLECTED_AFTER = (2_000, 1, 2_500)
_TURN_SECONDS = 0.002
_KEEP_ALIVE_SECONDS = 75  # longer than the 60 s of common proxies, so that they close, not we
_GRACE_SECONDS = 20
_CONNECTIONS_MAX = 5_000


class _JsonLines(logging.Formatter):
    """Writes each record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        line = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "what": record.name,
        }
        if record.name == "customering.access":
            return json.dumps(line)[:-1] + ", " + text[1:]
        line["message"] = text
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line)


def application(entrance: Entrance) -> Application:
    """Put the doors of one home together."""
    hot = {path: door for doors in _DOORS for path, door in doors(entrance).items()}
    return Application(
        entrance,
        hot=hot | portal_doors(entrance, desk_of(entrance.live)),
        others=cast("Handler", routes(entrance)),  # the same protocol, with types of its own
    )


def serve(
    engine: Engine,
    keys: KeyRing,
    *,
    host: str,
    port: int,
    is_verbose: bool,
    started: Callable[[str], None],
) -> None:
    """Serve a home until the process is told to stop (SIGINT or SIGTERM).

    Parameters
    ----------
    host, port
        Where to listen; port 0 takes a free one.
    is_verbose
        Log one line a request, beside what goes wrong.
    started
        Told the address as soon as requests are answered.

    Raises
    ------
    Conflict
        When another process writes this home.
    Unavailable
        When the address cannot be listened on.
    """
    with (
        _logging_to_stderr(is_verbose=is_verbose),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_serve(engine, keys, _listen(host, port), started))


async def _serve(
    engine: Engine, keys: KeyRing, listening: socket.socket, started: Callable[[str], None]
) -> None:
    live = Live(engine)
    await live.start()
    # What is here now stays: the collector of cycles need not look at it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTED_AFTER)
    # Threads that store and write give way sooner to whoever waits for an answer.
    sys.setswitchinterval(_TURN_SECONDS)
    try:
        limiter = Limiter(engine.settings.serve.limits)
        config = uvicorn.Config(
            application(Entrance(live, keys, limiter, Figures())),
            http=Connection,
            ws="none",
            lifespan="off",  # the home is started before, and stopped after, all requests
            log_config=None,
            access_log=False,
            proxy_headers=False,  # whose forwarding is believed is a setting of our own
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            limit_concurrency=_CONNECTIONS_MAX,
        )
        await _Server(config, live, started).serve(sockets=[listening])
    finally:
        await live.stop()
        keys.close()


class _Server(uvicorn.Server):
    """Tells where it listens once it does, and ends streams before it waits for requests."""

    def __init__(self, config: uvicorn.Config, live: Live, started: Callable[[str], None]) -> None:
        super().__init__(config)
        self._live = live
        self._tell = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        self._tell(f"http://{f'[{host}]' if ':' in host else host}:{port}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._live.stopping.set()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop with care when told to; the signal is not raised again afterwards."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)


def _listen(host: str, port: int) -> socket.socket:
    """Take the address before anything else, so that a taken one is told at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise Unavailable(
            f"{host} port {port} cannot be listened on: {error.strerror}",
            hint="choose another with --port, or end what uses it",
        ) from error
    return listening


@contextmanager
def _logging_to_stderr(*, is_verbose: bool) -> Iterator[None]:
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("customering.access").setLevel(
        logging.INFO if is_verbose else logging.WARNING
    )
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()
