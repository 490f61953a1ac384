"""One request and its answer: uvicorn's, with a whole answer in one write to the system.

uvicorn writes the head of an answer and its body one after the other: two calls of the system, and
often two packets. Nearly all answers here are whole and say how long they are. These are written at
once; every other one goes uvicorn's way, message by message.
"""

from functools import lru_cache
from typing import Any, cast

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)

_NAMES_MAX = 256
_LENGTH = b"content-length"
# What these say bears on how the connection goes on: uvicorn understands them.
_FRAMING = frozenset((b"connection", b"transfer-encoding"))


class Exchange(RequestResponseCycle):
    """A request and its answer on a `Connection`.

    Notes
    -----
    The head of an answer is held until the first message of its body, which the doors send at once,
    unless it is one of many to come: streams say no length, and their heads are written at once.
    """

    _held: ASGISendEvent | None = None
    _pieces: list[bytes]

    async def send(self, message: ASGISendEvent) -> None:
        """Take a message of the answer."""
        held = self._held
        if held is None:
            if not self.response_started and self._begin(cast("dict[str, Any]", message)):
                self._held, self.response_started = message, True
                return
        else:
            self._held = None
            if self._answer_whole(cast("dict[str, Any]", message)):
                return
            self.response_started = False
            await super().send(held)
        await super().send(message)

    async def receive(self) -> ASGIReceiveEvent:
        """Give the next part of the request; at once when it is there already."""
        if (
            not self.message_event.is_set()
            or self.waiting_for_100_continue
            or self.disconnected
            or self.response_complete
        ):
            return await super().receive()
        self.flow.resume_reading()
        self.message_event.clear()
        body, self.body = bytes(self.body), bytearray()
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    def _begin(self, message: dict[str, Any]) -> bool:
        """Write the head of an answer down; give False when it is uvicorn's to write."""
        headers = message.get("headers")
        if (
            not isinstance(headers, list | tuple)  # others may be gone through only once
            or self.access_log
            or self.scope["method"] == "HEAD"
        ):
            return False
        length = None
        pieces = [STATUS_LINE[message["status"]]]
        for name, value in (*self.default_headers, *headers):
            plain = _plain_name(name)
            if plain is None or HEADER_VALUE_RE.search(value) is not None:
                return False
            if plain == _LENGTH:
                if length is not None:
                    return False
                length = int(value)
            pieces += (plain, b": ", value, b"\r\n")
        if length is None:
            return False
        self._pieces, self.expected_content_length = pieces, length
        return True

    def _answer_whole(self, message: dict[str, Any]) -> bool:
        """Write a whole answer at once; give False when this is not the whole body of one."""
        body = message.get("body", b"")
        if (
            message["type"] != "http.response.body"
            or message.get("more_body", False)
            or len(body) != self.expected_content_length
            or self.flow.write_paused
            or self.disconnected
        ):
            return False
        end = b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n"
        self.transport.write(b"".join((*self._pieces, end, body)))
        self._complete()
        return True

    def _complete(self) -> None:
        """Let the connection go on: the answer is written."""
        self.waiting_for_100_continue = False
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


@lru_cache(maxsize=_NAMES_MAX)
def _plain_name(name: bytes) -> bytes | None:
    """Give the name of a header as it is written; None for one that uvicorn must look at."""
    lower = name.lower()
    return None if lower in _FRAMING or HEADER_RE.search(name) is not None else lower
