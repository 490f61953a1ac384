"""An answer leaves this server byte for byte as it leaves uvicorn, in fewer writes."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from customering.serve.connection import Connection

Message = dict[str, Any]
Application = Callable[[Any, Any, Any], Any]
DATE = (b"date", b"Sun, 22 Nov 2026 14:00:00 GMT")


class Wire(asyncio.Transport):
    """What was written to a connection, and whether it is open."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.is_closed = False
        self.is_reading = True

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("192.0.2.1", 4_000), "sockname": ("192.0.2.2", 80)}.get(name, default)

    def write(self, data: Any) -> None:
        assert not self.is_closed, "nothing is written to a closed connection"
        self.writes.append(bytes(data))

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def pause_reading(self) -> None:
        self.is_reading = False

    def resume_reading(self) -> None:
        self.is_reading = True


class Seen(NamedTuple):
    """What came of a talk."""

    said: bytes
    writes: int
    is_closed: bool
    heard: list[Any]


def start(status: int = 200, *headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(data: bytes = b"", *, is_more: bool = False) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": is_more}


def length(number: int) -> tuple[bytes, bytes]:
    return (b"content-length", str(number).encode())


async def settle() -> None:
    for _ in range(12):
        await asyncio.sleep(0)


def talk(protocol: type[HttpToolsProtocol], answer: Application, pieces: Iterable[bytes]) -> Seen:
    """Send pieces to an application behind a protocol, and give what came of it."""

    async def run() -> Seen:
        heard: list[Any] = []

        async def application(scope: Any, receive: Any, send: Any) -> None:
            heard.append({name: scope[name] for name in scope if name != "state"})
            await answer(scope, receive, send)

        config = uvicorn.Config(
            application, http=protocol, ws="none", lifespan="off", log_config=None, access_log=False
        )
        config.load()
        state = ServerState()
        state.default_headers = [DATE]
        made = protocol(config, state, {}, asyncio.get_running_loop())
        wire = Wire()
        made.connection_made(wire)
        for piece in pieces:
            if wire.is_closed:
                break
            made.data_received(piece)
            await settle()
        seen = Seen(b"".join(wire.writes), len(wire.writes), wire.is_closed, heard)
        made.connection_lost(None)
        await settle()
        return seen

    return asyncio.run(run())


def says(*messages: Message, reads: bool = True) -> Application:
    async def answer(_: Any, receive: Any, send: Any) -> None:
        if reads:
            while (await receive()).get("more_body"):
                pass
        for message in messages:
            await send(message)

    return answer


def request(
    method: bytes = b"GET", *headers: bytes, version: bytes = b"1.1", data: bytes = b""
) -> bytes:
    head = [method + b" /v1/track?a=%20b HTTP/" + version, b"Host: shop.example", *headers]
    if data:
        head.append(b"Content-Length: %d" % len(data))
    return b"\r\n".join([*head, b"", data])


WHOLE = (start(200, (b"content-type", b"application/json"), length(2)), body(b"{}"))
ANSWERS: dict[str, Sequence[Message]] = {
    "whole": WHOLE,
    "empty": (start(200, length(0)), body()),
    "body left out": (start(200, length(0)), {"type": "http.response.body"}),
    "names in capitals": (start(200, (b"Content-Length", b"2"), (b"X-Who", b"Ada")), body(b"ok")),
    "closing": (start(400, length(2), (b"connection", b"close")), body(b"no")),
    "no length": (start(200), body(b"one", is_more=True), body(b"two")),
    "chunked by name": (start(200, (b"transfer-encoding", b"chunked")), body(b"one")),
    "in pieces": (start(200, length(6)), body(b"one", is_more=True), body(b"two")),
    "length twice": (start(200, length(2), length(2)), body(b"ok")),
    "nothing to say": (start(204), body()),
    "not modified": (start(304, (b"etag", b'"a"')), body()),
    "headers of any kind": ({**WHOLE[0], "headers": {b"content-length": b"2"}.items()}, WHOLE[1]),
    "no headers": ({"type": "http.response.start", "status": 200}, body(b"ok")),
    "too long": (start(200, length(1)), body(b"ok")),
    "too short": (start(200, length(3)), body(b"ok")),
    "two heads": (start(200, length(2)), start(200, length(2)), body(b"ok")),
    "no head": (body(b"ok"),),
    "head alone": (start(200),),
    "more after the end": (*WHOLE, body(b"more")),
    "a value that breaks out": (start(200, length(2), (b"x", b"a\r\nb: c")), body(b"ok")),
    "a name that is none": (start(200, length(2), (b"x y", b"a")), body(b"ok")),
    "nothing": (),
}
REQUESTS: dict[str, list[bytes]] = {
    "get": [request()],
    "head": [request(b"HEAD")],
    "post": [request(b"POST", data=b'{"a":1}')],
    "post in pieces": [request(b"POST", data=b'{"a":1}')[:-3], b":1}"],
    "closing": [request(b"GET", b"Connection: close")],
    "old": [request(version=b"1.0")],
    "old, kept alive": [request(b"GET", b"Connection: keep-alive", version=b"1.0")],
    "expecting": [request(b"POST", b"Expect: 100-continue", data=b"abc")[:-3], b"abc"],
    "one after the other": [request(), request(b"POST", data=b"abc"), request()],
    "all at once": [request() + request(b"POST", data=b"abc") + request(b"HEAD")],
    "upgrading": [request(b"GET", b"Connection: upgrade", b"Upgrade: websocket")],
    "no request": [b"tea, please\r\n\r\n"],
}


@pytest.mark.parametrize("asked", REQUESTS.values(), ids=list(REQUESTS))
@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_said_and_heard_is_what_uvicorn_says_and_hears(
    asked: list[bytes], name: str
) -> None:
    usual = talk(HttpToolsProtocol, says(*ANSWERS[name]), asked)
    ours = talk(Connection, says(*ANSWERS[name]), asked)
    assert ours.heard == usual.heard
    assert (ours.said, ours.is_closed) == (usual.said, usual.is_closed)


@pytest.mark.parametrize("name", ["whole", "empty", "names in capitals"])
def test_a_whole_answer_is_one_write(name: str) -> None:
    assert talk(Connection, says(*ANSWERS[name]), [request(b"POST", data=b"{}")]).writes == 1


def test_a_stream_says_its_head_before_there_is_a_body() -> None:
    async def answer(_: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(start(200, (b"content-type", b"text/event-stream")))
        await asyncio.Event().wait()

    seen = talk(Connection, answer, [request()])
    assert seen.said.endswith(b"\r\ntransfer-encoding: chunked\r\n\r\n")


def test_who_goes_away_is_told_to_whoever_listens() -> None:
    told: list[str] = []

    async def answer(_: Any, receive: Any, send: Any) -> None:
        await receive()
        told.append("read")
        told.append((await receive())["type"])

    for protocol in (HttpToolsProtocol, Connection):
        talk(protocol, answer, [request()])
    assert told == ["read", "http.disconnect"] * 2


def test_an_answer_begun_while_the_client_reads_nothing_waits_until_it_reads() -> None:
    async def run() -> list[int]:
        config = uvicorn.Config(says(*WHOLE), http=Connection, ws="none", lifespan="off")
        config.load()
        made, wire = Connection(config, ServerState(), {}), Wire()
        made.connection_made(wire)
        made.pause_writing()
        made.data_received(request())
        await settle()
        before = len(wire.writes)
        made.resume_writing()
        await settle()
        made.connection_lost(None)
        return [before, len(b"".join(wire.writes)) > 0]

    assert asyncio.run(run()) == [0, True]


@pytest.mark.parametrize(("rests", "is_closed"), [(0.5, False), (1.0, True)])
def test_a_connection_that_rests_for_so_long_is_closed_and_no_sooner(
    rests: float, is_closed: bool
) -> None:
    async def run() -> bool:
        config = uvicorn.Config(
            says(*WHOLE), http=Connection, ws="none", lifespan="off", timeout_keep_alive=1
        )
        config.load()
        made, wire = Connection(config, ServerState(), {}), Wire()
        made.connection_made(wire)
        for _ in range(2):
            made.data_received(request())
            await settle()
        made._rests_since = made.loop.time() - rests
        timer = made.timeout_keep_alive_task
        made.timeout_keep_alive_handler()
        was_closed, watches_on = wire.is_closed, made.timeout_keep_alive_task is not None
        made.connection_lost(None)
        assert timer is not None
        timer.cancel()
        assert watches_on is not was_closed
        return was_closed

    assert asyncio.run(run()) is is_closed


def test_a_busy_connection_is_not_closed_and_rests_again_later() -> None:
    async def run() -> tuple[bool, bool]:
        config = uvicorn.Config(says(*WHOLE), http=Connection, ws="none", lifespan="off")
        config.load()
        made, wire = Connection(config, ServerState(), {}), Wire()
        made.connection_made(wire)
        made.data_received(request())
        made.timeout_keep_alive_handler()  # while the request is served
        is_closed, is_watched = wire.is_closed, made.timeout_keep_alive_task is not None
        await settle()
        is_watched_later = made.timeout_keep_alive_task is not None
        made.connection_lost(None)
        return is_closed or is_watched, is_watched_later

    assert asyncio.run(run()) == (False, True)
