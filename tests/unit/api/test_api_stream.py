"""The stream door: what is pushed to whom, and how a stream ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, NamedTuple

import pytest

from customering.api import following as follow
from customering.api import stream
from customering.identity.graph import IdentityGraph
from shop_doors import SHOP, Doors, running, scope_of
from town import OpenShop, order, view

ACTIONS = """
[[action]]
action_id = "club"
kind = "show_item"
title = "Join the club"
purpose = "personalize.web"
base_propensity = 0.1
value_minor = 100

[[action]]
action_id = "for_buyers"
kind = "show_item"
title = "Thank you for buying"
purpose = "personalize.web"
eligibility = "orders_total >= 1"
base_propensity = 0.5
value_minor = 1000
"""
CERTAIN = ("decision.exploration_share=0", "decision.control_share=0")
ADA = {"userId": "ada"}


@pytest.fixture
def shop(open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run an act on the doors of a shop whose streams settle at once."""
    monkeypatch.setattr(stream, "SETTLE_SECONDS", 0.0)
    number = count()

    def run(act: Any) -> Any:
        engine = open_shop(overrides=CERTAIN, folder=f"shop-{next(number)}")
        (engine.home.folder / "actions.toml").write_text(ACTIONS)
        return running(engine, engine.home.folder, act)

    return run


class Told(NamedTuple):
    name: str
    id: int
    data: Any


class Client:
    """One client of the stream: reads messages as they come, and hangs up."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self.gone = asyncio.Event()
        self.may_read = asyncio.Event()
        self.may_read.set()

    async def send(self, message: Any) -> None:
        await self.may_read.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            self.pieces.put_nowait(message.get("body", b""))

    async def piece(self) -> bytes:
        return await asyncio.wait_for(self.pieces.get(), 5)

    async def messages(self) -> list[Told]:
        """The messages of the next piece."""
        told = []
        for block in (await self.piece()).decode().split("\n\n"):
            if block and not block.startswith(":"):
                fields = dict(line.split(": ", 1) for line in block.split("\n"))
                told.append(Told(fields["event"], int(fields["id"]), json.loads(fields["data"])))
        return told


@asynccontextmanager
async def following(
    doors: Doors, path: str, body: Any = None, *, key: str = "", **headers: str
) -> AsyncIterator[Client]:
    client = Client()
    sent = [b"" if body is None else json.dumps(body).encode()]

    async def receive() -> Any:
        if sent:
            return {"type": "http.request", "body": sent.pop(), "more_body": False}
        await client.gone.wait()
        return {"type": "http.disconnect"}

    told = {name.replace("_", "-"): value for name, value in headers.items()}
    if key:
        told["authorization"] = f"Bearer {key}"
    method = "GET" if body is None else "POST"
    task = asyncio.create_task(doors.app(scope_of(method, path, told), receive, client.send))
    try:
        yield client
    finally:
        client.gone.set()
        client.may_read.set()
        await asyncio.wait_for(task, 5)


HOME = "/v1/live?person=user_id:ada&placement=home"


def test_a_change_is_told_with_a_new_decision(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        async with following(doors, HOME, key=doors.secret) as client:
            [first] = await client.messages()
            assert client.status == 200
            assert client.headers["content-type"].startswith("text/event-stream")
            assert first.name == "decision"
            assert first.data["actions"][0]["action_id"] == "club"
            await doors.take(order(ADA, 0, "bread"))
            profile, decision = await client.messages()
            assert profile.name == "profile"
            assert [one["name"] for one in profile.data["events"]] == ["Order Completed"]
            assert decision.data["actions"][0]["action_id"] == "for_buyers"
            assert decision.id >= first.id
            # Neither other people nor our own decisions are changes of this profile.
            await doors.take(order({"userId": "bo"}, 0, "bread"))
            await doors.live.append([])
            await asyncio.sleep(0.05)
            assert client.pieces.empty()
        assert doors.streams.count == 0

    shop(act)


def test_the_same_by_post_without_a_placement(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        body = {"identifiers": {"user_id": "ada"}}
        async with following(doors, "/v1/live", body, key=doors.secret) as client:
            assert await client.messages() == []
            await doors.take(view(ADA, 0, "bread"), view(ADA, 0, "wine"))
            [profile] = await client.messages()
            assert len(profile.data["events"]) == 2

    shop(act)


def test_a_name_that_joins_the_person_is_followed_too(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        async with following(doors, HOME, key=doors.secret) as client:
            await client.messages()
            await doors.take(view({"anonymousId": "w"}, 0, "bread"))
            await doors.take(view({"userId": "ada", "anonymousId": "w"}, 1, "bread"))
            assert (await client.messages())[0].name == "profile"
            await doors.take(view({"anonymousId": "w"}, 2, "bread"))
            assert (await client.messages())[0].name == "profile"

    shop(act)


def test_a_token_follows_its_own_person_and_nobody_else(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        token = doors.token("user_id:ada")
        path = "/v1/live?placement=home"
        async with following(doors, path, key=token, origin=SHOP) as client:
            await client.messages()
            assert client.headers["access-control-allow-origin"] == SHOP
        foreign = "/v1/live?placement=home&person=user_id:bo"
        for key, where, status in (
            (token, foreign, 403),
            (doors.write, HOME, 403),
            (doors.server, HOME, 403),
            ("", HOME, 401),
            (doors.token("user_id:ada", at_ms=0), path, 401),
            (doors.secret, path, 400),
            (doors.secret, HOME + "&n=0", 400),
            (doors.secret, "/v1/live?placement=a%20b&person=user_id:ada", 400),
        ):
            answer = await doors.get(where, key=key)
            assert answer.status == status, where
        narrow = doors.keys.create_secret(name="narrow", scopes=["decide"])[1]
        assert (await doors.get(HOME, key=narrow)).status == 403
        assert (await doors.call("PUT", HOME, key=doors.secret)).status == 405

    shop(act)


def test_a_stream_ends_with_its_key(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(doors: Doors) -> None:
        key, text = doors.keys.create_secret(name="soon", scopes=["stream"])
        async with following(doors, HOME, key=text) as client:
            await client.messages()
            doors.keys.revoke(key.key_id)
            await doors.take(order(ADA, 0, "bread"))
            [end] = await client.messages()
            assert (end.name, end.data) == ("end", {"reason": "key_ended"})
        monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.01)
        key, text = doors.keys.create_secret(name="later", scopes=["stream"])
        async with following(doors, HOME, key=text) as client:
            await client.messages()
            assert await client.piece() == b": still here\n\n"
            doors.keys.revoke(key.key_id)
            while not (told := await client.messages()):
                pass
            assert told[0].data == {"reason": "key_ended"}

    shop(act)


def test_streams_end_when_the_server_stops(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        async with following(doors, HOME, key=doors.secret) as client:
            await client.messages()
            doors.live.stopping.set()
            [end] = await client.messages()
            assert end.data == {"reason": "server_stops"}
            assert await client.piece() == b""
        assert (await doors.get(HOME, key=doors.secret)).status == 429

    shop(act)


def test_who_reads_too_slowly_is_let_go(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "EVENTS_WAITING_MOST", 3)

    async def act(doors: Doors) -> None:
        async with following(doors, HOME, key=doors.secret) as client:
            await client.messages()
            client.may_read.clear()
            await doors.take(view(ADA, 0, "bread"))
            await asyncio.sleep(0.05)
            await doors.take(*(view(ADA, day, "bread") for day in range(1, 6)))
            client.may_read.set()
            names = []
            while "end" not in names:
                names += [one.name for one in await client.messages()]
            assert names == ["profile", "decision", "end"]
            assert doors.streams.count <= 1
        async with following(doors, HOME, key=doors.secret) as client:
            await client.messages()
            monkeypatch.setattr(stream, "_SEND_SECONDS_MAX", 0.01)
            client.may_read.clear()
            await doors.take(view(ADA, 7, "bread"))
            await asyncio.sleep(0.1)
            assert doors.streams.count == 0

    shop(act)


def test_there_is_room_for_so_many_only(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "CLIENTS_OF_ONE_PERSON_MOST", 1)
    monkeypatch.setattr(stream, "CLIENTS_MOST", 2)

    async def act(doors: Doors) -> None:
        token = doors.token("user_id:ada")
        path = "/v1/live?placement=home"
        async with following(doors, path, key=token) as client:
            await client.messages()
            again = await doors.get(path, key=token)
            assert again.status == 429
            assert again.headers["retry-after"] == "30"
            async with following(doors, HOME, key=doors.secret) as other:
                await other.messages()
                assert (await doors.get(HOME, key=doors.secret)).status == 429

    shop(act)


def test_who_missed_nothing_is_told_nothing(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        await doors.take(order(ADA, 0, "bread"))
        await doors.live.append([])
        seen = str(doors.live.engine.folding.offset)
        async with following(doors, HOME, key=doors.secret, last_event_id=seen) as client:
            assert await client.messages() == []
        for other in ("0", "nonsense", "9" * 40):
            async with following(doors, HOME, key=doors.secret, last_event_id=other) as client:
                assert [one.name for one in await client.messages()] == ["decision"]

    shop(act)


def test_a_name_that_leaves_the_person_is_followed_no_more(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(doors: Doors) -> None:
        await doors.take(view({"userId": "ada", "anonymousId": "w"}, 0, "bread"))
        async with following(doors, HOME, key=doors.secret) as client:
            await client.messages()
            # As when the browser turns out to be shared by many: it names nobody any more.
            monkeypatch.setattr(
                IdentityGraph, "identifiers_of", lambda graph, name: ("user_id:ada",)
            )
            await doors.take(view({"anonymousId": "w"}, 1, "bread"))
            await asyncio.sleep(0.05)
            assert client.pieces.empty()

    shop(act)
