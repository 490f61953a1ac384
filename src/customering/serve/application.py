"""One ASGI application out of all doors: hot paths are plain handlers, everything else Litestar."""

import logging
import time
from collections.abc import Awaitable, Mapping

from customering.kernel.errors import CustomeringError, Unavailable
from customering.kernel.records import to_json
from customering.web.answers import (
    Handler,
    Message,
    Receive,
    Scope,
    Send,
    answer_json,
    answer_problem,
    problem,
)
from customering.web.bodies import closing
from customering.web.entrance import Entrance

# Problem details, with the members that SDKs read: an old one stumbles where they are not there.
_TROUBLE = {
    **problem(Unavailable("something is wrong with the server", hint="see its log")),
    "success": False,
    "message": "something is wrong with the server",
    "error": "something is wrong with the server",
}
_access = logging.getLogger("customering.access")
_logger = logging.getLogger("customering.serve")


class Application:
    """Sends each request to its door, and counts, logs and forgives.

    Parameters
    ----------
    entrance
        What all doors share.
    hot
        Plain handlers by path: an exact one, or the beginning of one where it ends with a slash.
    others
        Everything else.
    """

    def __init__(
        self,
        entrance: Entrance,
        *,
        hot: Mapping[str, tuple[str, Handler]],
        others: Handler,
    ) -> None:
        self._entrance = entrance
        self._hot = dict(hot)
        self._beginnings = tuple((path, door) for path, door in hot.items() if path[-1] == "/")
        self._others = ("api", others)

    def _door(self, path: str) -> tuple[str, Handler]:
        found = None
        if path.endswith("/"):
            found = self._hot.get(path.rstrip("/"))
        if found is None:
            beginnings = (door for start, door in self._beginnings if path.startswith(start))
            found = next(beginnings, self._others)
        return found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        assert scope["type"] == "http", f"no door for {scope['type']}"
        path = scope["path"]
        name, door = self._hot.get(path) or self._door(path)
        begun = time.perf_counter()
        status = 0

        def noted(message: Message) -> Awaitable[None]:
            nonlocal status
            if not status:  # the first message is the head
                status = message["status"]
            return send(message)

        try:
            await door(scope, receive, noted)
        except CustomeringError as error:
            if not status:
                await answer_problem(noted, error, closing(error))
        except Exception:
            _logger.exception("a bug while serving %s %s", scope["method"], scope["path"])
            if not status:
                await answer_json(noted, 503, _TROUBLE)
        seconds = time.perf_counter() - begun
        self._entrance.figures.observe(name, seconds)
        if _access.isEnabledFor(logging.INFO):
            line = {
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "ms": round(seconds * 1_000, 1),
            }
            _access.info(to_json(line).decode())
