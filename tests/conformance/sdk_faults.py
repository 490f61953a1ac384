"""A proxy between SDKs and the server that writes down what passes and fails when it is told to."""

import gzip
import http.client
import json
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

_NOT_PASSED_ON = frozenset({"connection", "keep-alive", "transfer-encoding"})
_UPSTREAM_SECONDS = 30


class Fault(NamedTuple):
    """What becomes of one POST in place of an answer of the server.

    Parameters
    ----------
    status
        Answered without asking the server; 0: the server is asked, and its answer is withheld and
        the connection cut, so that the server has the events and the SDK does not know.
    retry_after
        What the answer says in ``Retry-After``; empty for nothing.
    """

    status: int
    retry_after: str = ""


CUT = Fault(0)
BROKEN = Fault(503)
BUSY = Fault(429, "1")


class Seen(NamedTuple):
    """One POST as it passed.

    Parameters
    ----------
    status
        What was answered; 0 when the connection was cut.
    at
        When it came, seconds of the monotonic clock.
    headers
        Names in lower case.
    body
        Unpacked and read as JSON.
    """

    path: str
    status: int
    at: float
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events it carried."""
        batch: list[dict[str, Any]] = self.body.get("batch", [self.body])
        return batch


class Proxy:
    """Passes every request on to a server, but for the faults it is given.

    Parameters
    ----------
    server
        Address of the server.
    faults
        What becomes of the first POSTs, one each; those after them pass.
    """

    def __init__(self, server: str, faults: Iterable[Fault] = ()) -> None:
        place = urlsplit(server)
        self.upstream = (place.hostname or "", place.port or 80)
        self.seen: list[Seen] = []
        self._faults = deque(faults)
        self._lock = threading.Lock()
        self._listening = _Listening(("127.0.0.1", 0), _Handler)
        self._listening.proxy = self
        self._thread = threading.Thread(target=self._listening.serve_forever, args=(0.05,))

    @property
    def address(self) -> str:
        """Where SDKs reach it."""
        return f"http://127.0.0.1:{self._listening.server_address[1]}"

    def next_fault(self) -> Fault | None:
        """Give what becomes of the POST that has come; None: it passes."""
        with self._lock:
            return self._faults.popleft() if self._faults else None

    def message_ids(self) -> list[str]:
        """Give every message id that was sent, in the order in which they first came."""
        sent = (event["messageId"] for seen in self.seen for event in seen.events)
        return list(dict.fromkeys(sent))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown()
        self._listening.hang_up()
        self._listening.server_close()
        self._thread.join()


class _Listening(ThreadingHTTPServer):
    """Listens, and lets go of connections that clients keep open."""

    daemon_threads = False
    proxy: Proxy

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Cut what is still open."""
        for connection in tuple(self._open):
            _cut(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that has gone away is no fault of the proxy."""


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other end was quicker


class _Handler(BaseHTTPRequestHandler):
    """Passes one connection's requests on."""

    protocol_version = "HTTP/1.1"
    server: _Listening

    def do_GET(self) -> None:
        status, headers, answer = self._ask(b"")
        self._answer(status, headers, answer)

    do_OPTIONS = do_GET

    def do_POST(self) -> None:
        at = time.monotonic()
        body = self.rfile.read(int(self.headers["content-length"]))
        proxy = self.server.proxy
        fault = proxy.next_fault()
        if fault is not None and fault.status:
            self._note(fault.status, body, at)
            self._answer(*self._of(fault))
            return
        status, headers, answer = self._ask(body)
        if fault is not None:
            self._note(0, body, at)
            self.close_connection = True
            _cut(self.connection)
            return
        self._note(status, body, at)
        self._answer(status, headers, answer)

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """Ask the server behind."""
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _NOT_PASSED_ON}
        asking = http.client.HTTPConnection(*self.server.proxy.upstream, timeout=_UPSTREAM_SECONDS)
        try:
            asking.request(self.command, self.path, body, headers | {"Connection": "close"})
            answer = asking.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            asking.close()

    def _of(self, fault: Fault) -> tuple[int, list[tuple[str, str]], bytes]:
        headers = [("Content-Type", "application/json")]
        if fault.retry_after:
            headers.append(("Retry-After", fault.retry_after))
        if origin := self.headers["origin"]:
            headers.append(("Access-Control-Allow-Origin", origin))
            headers.append(("Access-Control-Allow-Credentials", "true"))
            headers.append(("Access-Control-Expose-Headers", "retry-after"))
        text = {"success": False, "code": "unavailable", "message": "later", "error": "later"}
        return fault.status, headers, json.dumps(text).encode()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _NOT_PASSED_ON | {"content-length"}:
                self.send_header(name, value)
        if status != http.HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _note(self, status: int, body: bytes, at: float) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        seen = Seen(self.path, status, at, headers, json.loads(body))
        self.server.proxy.seen.append(seen)

    def log_message(self, *_: Any) -> None:
        """Say nothing: what passes is written down in `Proxy.seen`."""
