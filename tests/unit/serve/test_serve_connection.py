"""Heads of requests: who sends them slowly, endlessly or never does not hold a connection."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn

from customering.serve import connection
from customering.serve.connection import HEAD_BYTES_MAX, Connection

Act = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]]


async def application(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    head = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    await send(head)
    await send({"type": "http.response.body", "body": b"ok"})


def connected(act: Act) -> Any:
    """Run a server, connect, and act."""

    async def run() -> Any:
        config = uvicorn.Config(application, http=Connection, lifespan="off", log_config=None)
        config.load()
        server = uvicorn.Server(config)
        state = server.server_state
        listening = await asyncio.get_running_loop().create_server(
            lambda: Connection(config=config, server_state=state, app_state={}), "127.0.0.1", 0
        )
        async with listening:
            reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
            try:
                return await asyncio.wait_for(act(reader, writer), 10)
            finally:
                writer.close()

    return asyncio.run(run())


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS_MAX", 0.2)


ASKED = b"GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n"


@pytest.mark.usefixtures("impatient")
def test_who_sends_nothing_is_sent_away_without_a_word() -> None:
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        return await reader.read()

    assert connected(act) == b""


@pytest.mark.usefixtures("impatient")
def test_who_sends_a_head_byte_by_byte_is_sent_away() -> None:
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        told = asyncio.ensure_future(reader.read())
        for byte in ASKED[:-2]:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)
            if told.done():
                break
        return await told

    assert connected(act).startswith(b"HTTP/1.1 408 ")


def test_a_head_without_an_end_is_refused() -> None:
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(ASKED[:-2])
        for number in range(HEAD_BYTES_MAX // 1_000 + 1):
            writer.write(b"x-%d: %s\r\n" % (number, b"a" * 1_000))
            await asyncio.sleep(0)
        return await reader.read()

    assert connected(act).startswith(b"HTTP/1.1 431 ")


@pytest.mark.usefixtures("impatient")
def test_a_slow_but_patient_talk_goes_on() -> None:
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> list[bytes]:
        answers = []
        for _ in range(3):
            writer.write(ASKED[:20])
            await asyncio.sleep(0.1)
            writer.write(ASKED[20:])
            answers.append(await reader.readuntil(b"ok"))
            await asyncio.sleep(0.3)  # longer than a head may take: between two requests it may
        return answers

    answers = connected(act)
    assert [answer[:15] for answer in answers] == [b"HTTP/1.1 200 OK"] * 3
