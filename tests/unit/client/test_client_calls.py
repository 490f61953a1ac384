"""What the client sends, how often it tries, and how it tells what went wrong."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

import customering
from customering.client import (
    Asked,
    AsyncClient,
    Client,
    ClientError,
    Forbidden,
    NoAnswer,
    NotFound,
    Rejected,
    Report,
    TooMuch,
    Trouble,
    Unauthorized,
    calls,
)

DECISION = {
    "decision_id": "dec_1",
    "placement": "home",
    "decided_at": "2026-06-01T00:00:00.000Z",
    "expires_at": "2026-06-02T00:00:00.000Z",
    "propensity": 0.9,
    "actions": [{"action_id": "club", "title": "Club", "content": {"a": 1}, "rank": 1, "new": 1}],
    "reasons": ["Because."],
    "a_field_of_tomorrow": 1,
}
PROBLEM = {
    "type": "urn:customering:problem:invalid", "title": "Bad Request", "status": 400,
    "detail": "no", "code": "invalid", "hint": "say yes",
}  # fmt: skip

Handler = Callable[[httpx.Request], httpx.Response]


def client_of(handler: Handler, **more: Any) -> tuple[Client, list[float]]:
    """A client of a made-up server, and how long it waited each time."""
    waited: list[float] = []
    client = Client("http://shop", "ck", transport=httpx.MockTransport(handler), **more)
    client._sleep = waited.append
    return client, waited


def both(handler: Handler, act: str, *args: Any, **named: Any) -> list[Any]:
    """What both clients give or raise for one call."""

    async def ask() -> Any:
        transport = httpx.MockTransport(handler)
        async with AsyncClient("http://shop", "ck", transport=transport, retries=0) as shop:
            return await getattr(shop, act)(*args, **named)

    found: list[Any] = []
    for run in (
        lambda: getattr(client_of(handler, retries=0)[0], act)(*args, **named),
        lambda: asyncio.run(ask()),
    ):
        try:
            found.append(run())
        except ClientError as error:
            found.append((type(error), error.message, error.hint, error.status, error.said_code))
    return found


def sent(request: httpx.Request) -> Any:
    return json.loads(request.content)


def test_the_package_gives_the_client_when_it_is_asked_for() -> None:
    assert customering.Client is Client
    assert customering.AsyncClient is AsyncClient
    with pytest.raises(AttributeError):
        customering.Nothing  # noqa: B018


def test_events_are_calls_of_the_segment_spec() -> None:
    seen: list[tuple[str, Any]] = []

    def server(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer ck"
        seen.append((request.url.path, sent(request)))
        return httpx.Response(200, json={"success": True})

    client, _ = client_of(server)
    name = client.track("Product Viewed", user_id=7, properties={"product_id": "bread"})
    client.identify({"email": "ada@example.org"}, anonymous_id="w", at="2026-05-01")
    client.page("Home", identifiers={"loyalty_card": 5}, message_id="mine")
    client.group("acme", {"size": 3}, user_id="ada")
    client.alias("w", user_id="ada")
    client.screen("Start", user_id="ada")
    paths = [path for path, _ in seen]
    assert paths == [f"/v1/{k}" for k in ("track", "identify", "page", "group", "alias", "screen")]
    track, identify, page, group, alias, _ = (body for _, body in seen)
    assert track["messageId"] == name
    assert (track["event"], track["userId"]) == ("Product Viewed", "7")
    assert track["properties"] == {"product_id": "bread"}
    assert identify["timestamp"] == "2026-05-01"
    assert page["messageId"] == "mine"
    assert page["identifiers"] == {"loyalty_card": 5}
    assert group["groupId"] == "acme"
    assert alias["previousId"] == "w"
    with pytest.raises(Rejected):
        client.track("Nobody")


def test_what_is_sent_again_has_the_same_ids_and_waits_as_it_is_told() -> None:
    answers = [
        httpx.Response(503),
        httpx.Response(429, headers={"retry-after": "7"}),
        httpx.ConnectError("down"),
        httpx.Response(200, json={"success": True}),
    ]
    bodies = []

    def server(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    client, waited = client_of(server)
    events = [calls.event("track", event="E", user_id="ada") for _ in range(3)]
    assert client.batch(events) == 3
    assert len(bodies) == 4
    assert len(set(bodies)) == 1
    assert 0.25 <= waited[0] <= 0.5
    assert waited[1] == 7.0
    assert 1.0 <= waited[2] <= 2.0
    ids = [event["messageId"] for event in json.loads(bodies[0])["batch"]]
    assert ids == [event["messageId"] for event in events]


def test_it_gives_up_in_the_end_and_at_once_where_trying_is_no_use() -> None:
    tries = []

    def server(request: httpx.Request) -> httpx.Response:
        tries.append(request)
        return httpx.Response(429, json=PROBLEM | {"status": 429}, headers={"retry-after": "1"})

    client, waited = client_of(server, retries=2)
    with pytest.raises(TooMuch):
        client.decide("home", {"user_id": "ada"})
    assert (len(tries), waited) == (3, [1.0, 1.0])
    client, waited = client_of(lambda request: httpx.Response(400, json=PROBLEM))
    with pytest.raises(Rejected):
        client.decide("home", {"user_id": "ada"})
    assert waited == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Rejected), (401, Unauthorized), (403, Forbidden), (404, NotFound), (429, TooMuch),
        (500, Trouble), (503, Trouble), (418, Trouble), (302, Trouble),
    ],
)  # fmt: skip
def test_problems_become_errors_of_one_tree(status: int, kind: type[ClientError]) -> None:
    one, other = both(lambda request: httpx.Response(status, json=PROBLEM), "person", "user_id:a")
    assert one == other == (kind, "no", "say yes", status, "invalid")
    for odd in (b"<html>", b"", b"[]"):
        found = both(lambda request, odd=odd: httpx.Response(status, content=odd), "decision", "d")
        assert {error[0] for error in found} == {kind}


def test_no_answer_and_no_sense_are_told_apart() -> None:
    def down(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow")

    assert {error[0] for error in both(down, "person", "user_id:a")} == {NoAnswer}
    odd = both(lambda request: httpx.Response(200, content=b"<html>"), "person", "user_id:a")
    assert {error[0] for error in odd} == {Trouble}


def test_decisions_are_read_and_newer_fields_left_out() -> None:
    asked = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.path, sent(request)))
        return httpx.Response(200, json=DECISION)

    one, other = both(server, "decide", "home", {"user_id": "ada"}, n=3, context={"page": "/"})
    assert one == other
    assert one.actions[0].content == {"a": 1}
    body = {
        "placement": "home",
        "identifiers": {"user_id": "ada"},
        "n": 3,
        "context": {"page": "/"},
    }
    assert asked == [("/v1/decide", body)] * 2


def test_each_of_many_becomes_an_answer_or_an_error() -> None:
    def server(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/outcomes":
            assert all(one["message_id"] for one in sent(request))
            return httpx.Response(200, json={"results": [{"event_id": "e"}, {"problem": PROBLEM}]})
        return httpx.Response(200, json={"results": [{"decision": DECISION}, {"problem": PROBLEM}]})

    for decision, error in both(server, "decide_batch", [Asked(placement="home")] * 2):
        assert decision.decision_id == "dec_1"
        assert isinstance(error, Rejected)
    reports = [Report(decision_id="d", outcome="shown")] * 2
    for name, error in both(server, "outcomes", reports):
        assert name == "e"
        assert error.said_code == "invalid"


def test_outcomes_carry_an_id_of_their_own() -> None:
    bodies = []

    def server(request: httpx.Request) -> httpx.Response:
        bodies.append(sent(request))
        return (
            httpx.Response(503) if len(bodies) == 1 else httpx.Response(200, json={"event_id": "e"})
        )

    client, _ = client_of(server)
    assert client.outcome("dec_1", "bought", revenue="12.50", currency="EUR") == "e"
    assert bodies[0] == bodies[1]
    assert bodies[0]["message_id"]
    assert bodies[0]["revenue"] == "12.50"


def test_a_timeline_is_read_page_by_page() -> None:
    def server(request: httpx.Request) -> httpx.Response:
        assert request.url.raw_path.startswith(b"/v1/people/email:ada@x.org%2Fy/timeline?limit=2")
        page = int(request.url.params.get("cursor", 0))
        events = [{"event_id": f"{page}-{n}"} for n in range(2)]
        return httpx.Response(
            200, json={"events": events, "next": str(page + 1) if page < 2 else None}
        )

    client, _ = client_of(server)
    found = [event.event_id for event in client.timeline("email:ada@x.org/y", page_events=2)]
    assert found == ["0-0", "0-1", "1-0", "1-1", "2-0", "2-1"]

    async def read() -> list[str]:
        transport = httpx.MockTransport(server)
        async with AsyncClient("http://shop", "ck", transport=transport) as shop:
            return [e.event_id async for e in shop.timeline("email:ada@x.org/y", page_events=2)]

    assert asyncio.run(read()) == found


def test_a_stream_gives_messages_as_they_come() -> None:
    text = (
        f"event: decision\nid: 5\ndata: {json.dumps(DECISION)}\n\n: still here\n\n"
        'event: profile\nid: 6\ndata: {"events": []}\n\n'
    )

    def server(request: httpx.Request) -> httpx.Response:
        assert request.headers["last-event-id"] == "4"
        assert sent(request)["placement"] == "home"
        return httpx.Response(200, text=text)

    client, _ = client_of(server)
    found = list(client.stream({"user_id": "ada"}, "home", last_id="4"))
    assert [(one.kind, one.id) for one in found] == [("decision", "5"), ("profile", "6")]
    assert found[0].decision is not None
    assert found[0].decision.decision_id == "dec_1"

    async def read() -> list[Any]:
        transport = httpx.MockTransport(server)
        async with AsyncClient("http://shop", "ck", transport=transport) as shop:
            return [one async for one in shop.stream({"user_id": "ada"}, "home", last_id="4")]

    assert asyncio.run(read()) == found
    refused, _ = client_of(lambda request: httpx.Response(403, json=PROBLEM))
    with pytest.raises(Forbidden):
        list(refused.stream({"user_id": "ada"}))


def test_batches_are_small_enough_for_the_server() -> None:
    small = [calls.event("track", event="E", user_id="ada")] * 1_201
    assert [len(call.body["batch"]) for call in calls.batches(small)] == [500, 500, 201]
    large = [calls.event("track", event="E", user_id="ada", properties={"x": "y" * 150_000})] * 5
    made = list(calls.batches(large))
    assert [len(call.body["batch"]) for call in made] == [2, 2, 1]
    assert all(len(call.content or b"") < 512_000 for call in made)
    assert list(calls.batches([])) == []
