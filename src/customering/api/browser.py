"""The browser helper ``/customering.js``: read once from the package, served with an ETag, packed.

The same bytes for everybody and every page, so caches may keep them; there is nothing of anybody in
them.
"""

import gzip
from hashlib import sha256
from importlib.resources import files

from customering.api.json_door import answer_method
from customering.web.answers import Handler, Receive, Scope, Send
from customering.web.entrance import Entrance

PATH = "/customering.js"
_CACHE_SECONDS = 3_600


def doors(entrance: Entrance) -> dict[str, tuple[str, Handler]]:
    """Give the door by path."""
    return {PATH: ("browser_helper", Helper().serve)}


class Helper:
    """Serves the one file.

    Notes
    -----
    ``Cross-Origin-Resource-Policy`` and ``Access-Control-Allow-Origin`` let pages of every origin
    load it, with subresource integrity too.
    """

    def __init__(self) -> None:
        self.source = files("customering.api").joinpath("static/customering.js").read_bytes()
        self._packed = gzip.compress(self.source, 9, mtime=0)
        tag = f'"{sha256(self.source).hexdigest()[:24]}"'.encode()
        self._tag = tag
        self._headers = [
            (b"content-type", b"text/javascript; charset=utf-8"),
            (b"cache-control", b"public, max-age=%d" % _CACHE_SECONDS),
            (b"etag", tag),
            (b"vary", b"Accept-Encoding"),
            (b"access-control-allow-origin", b"*"),
            (b"cross-origin-resource-policy", b"cross-origin"),
            (b"x-content-type-options", b"nosniff"),
        ]

    async def serve(self, request: Scope, receive: Receive, send: Send) -> None:
        """Answer ``GET`` and ``HEAD``."""
        if request["method"] not in ("GET", "HEAD"):
            await answer_method(send, (), b"GET, HEAD")
            return
        headers = dict(request["headers"])
        known = headers.get(b"if-none-match", b"")
        if self._tag in known or known.strip() == b"*":
            await _send(send, 304, self._headers, b"")
            return
        body, told = self.source, self._headers
        if b"gzip" in headers.get(b"accept-encoding", b""):
            body, told = self._packed, [*told, (b"content-encoding", b"gzip")]
        told = [*told, (b"content-length", str(len(body)).encode())]
        await _send(send, 200, told, body if request["method"] == "GET" else b"")


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
