"""A connection that waits only so long for the head of a request, and reads only so much of it.

uvicorn bounds how long an idle connection is kept, and the doors bound bodies. Between the two lies
the head: who sends it byte by byte, without an end, or never, would hold a connection for ever.
"""

import asyncio
from typing import cast
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from customering.serve.exchange import Exchange

HEAD_SECONDS_MAX = 10.0
HEAD_BYTES_MAX = 65_536
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class Connection(HttpToolsProtocol):
    """uvicorn's connection, with bounds on the heads of requests, for HTTP alone.

    Notes
    -----
    A head that arrives in one piece, as nearly all do, costs no timer. Nor does each rest between
    two requests cost one: a timer goes on while requests come, and sees at its end whether the
    connection has rested since.
    """

    _in_head = True
    _head_bytes = 0
    _timer: asyncio.TimerHandle | None = None
    _rests_since: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request."""
        super().connection_made(cast("asyncio.Transport", transport))
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._wait_no_longer()
        super().connection_lost(exc)
        super()._unset_keepalive_if_required()

    def on_message_begin(self) -> None:
        """Note that a head begins."""
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin to serve a request, or let it wait for the answers to those before it."""
        self._in_head = False
        scope, parser = self.scope, self.parser
        scope["method"] = parser.get_method().decode("ascii")
        scope["http_version"] = http_version = parser.get_http_version()
        url = httptools.parse_url(self.url)
        raw_path = url.path
        path = raw_path.decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = raw_path
        scope["query_string"] = url.query or b""
        app = service_unavailable if self._is_crowded() else self.app
        before = self.cycle
        self.cycle = exchange = Exchange(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=http_version != "1.0" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(exchange, app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((exchange, app))

    def _is_crowded(self) -> bool:
        """Tell whether there are more connections or requests than are served at once."""
        most = self.limit_concurrency
        if most is None or (len(self.connections) < most and len(self.tasks) < most):
            return False
        self.logger.warning("Exceeded concurrency limit.")
        return True

    def on_response_complete(self) -> None:
        """Go on with the next request, or rest until one comes."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._rests_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_after(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if it has rested for so long; else look again when it may have."""
        self.timeout_keep_alive_task = None
        if self._rests_since is None:
            return
        left = self._rests_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._look_after(left)
        else:
            super().timeout_keep_alive_handler()

    def _look_after(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )

    def _unset_keepalive_if_required(self) -> None:
        """Note that the connection rests no longer."""
        self._rests_since = None

    def data_received(self, data: bytes) -> None:
        """Take what arrived."""
        super().data_received(data)
        if not self._in_head:
            if self._timer is not None:
                self._wait_no_longer()
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES_MAX:
            self._give_up(_TOO_LARGE)
        elif self._timer is None:
            self._wait()

    def _wait(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS_MAX, self._give_up, _TOO_SLOW)

    def _wait_no_longer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self, words: bytes) -> None:
        self._wait_no_longer()
        if self.transport is None or self.transport.is_closing():
            return
        # Who sent nothing at all has asked nothing: there is nothing to answer.
        if self._head_bytes:
            self.transport.write(words)
        self.transport.close()
