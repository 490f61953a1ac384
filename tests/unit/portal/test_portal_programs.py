"""Programs that act for a person: let in by a grant, for what was granted, and for nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from customering.portal import mcp
from customering.portal.application import doors as portal_paths
from customering.portal.granting import scope_of
from portal_doors import HOST, Browser, PortalDoors, with_portal
from shop_doors import Answer
from town import OpenShop, order

ADA = {"userId": "ada"}
ADDRESS = "ada@example.org"


async def known(doors: PortalDoors) -> Browser:
    """Ada has bought something and is signed in."""
    told = {"type": "identify", "messageId": "i1", "traits": {"email": ADDRESS}, **ADA}
    await doors.take(told, order(ADA, 0, "apple", "bread"))
    return await Browser(doors).sign_in(ADDRESS)


async def granted(browser: Browser, *scopes: str) -> str:
    await browser.get("/me/programs")
    answer = await browser.send(
        "/me/programs", {"label": "<b>my assistant</b>", "scope": scopes, "days": "3"}
    )
    assert answer.status == 200
    assert "<b>my" not in browser.page
    return next(word for word in browser.text.split() if word.startswith("cg_"))


async def asked(
    doors: PortalDoors, text: str, method: str, path: str, fields: dict[str, str] | None = None
) -> Answer:
    headers = {"host": HOST, "authorization": f"Bearer {text}", "content-type": "application/json"}
    return await doors.asked(method, path, json.dumps(fields or {}).encode(), headers)


def test_a_program_reads_what_the_person_reads_and_changes_what_it_was_given(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    engine = open_shop()

    async def story(doors: PortalDoors) -> None:
        browser = await known(doors)
        text = await granted(browser, "permit")
        theirs = await browser.json("/me/facts.json")
        answer = await asked(doors, text, "GET", "/me/facts.json")
        assert answer.status == 200
        assert answer.json == theirs
        refusal = {"purpose.personalize.offers": "deny"}
        assert (await asked(doors, text, "POST", "/me/allow", refusal)).status == 200
        allowed = await browser.json("/me/allow.json")
        (one,) = [
            purpose
            for group in allowed["groups"].values()
            for purpose in group
            if purpose["key"] == "personalize.offers"
        ]
        assert (one["permitted"], one["answer"]) == (False, "deny")

    with_portal(engine, tmp_path, story)


def test_what_was_not_given_is_refused_and_some_things_are_never_given(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    engine = open_shop()

    async def story(doors: PortalDoors) -> None:
        browser = await known(doors)
        text = await granted(browser, "read")
        for method, path in (
            ("POST", "/me/allow"), ("POST", "/me/want"), ("POST", "/me/facts/forget"),
            ("POST", "/me/programs"), ("GET", "/me/programs.json"), ("GET", "/me/devices.json"),
            ("POST", "/me/sign-out-everywhere"), ("POST", "/me/identity/not-me"),
        ):  # fmt: skip
            answer = await asked(doors, text, method, path)
            assert answer.status == 403, (method, path, answer)
        for wrong in ("", "cg_", text[:-1] + ("1" if text[-1] == "0" else "0"), text.upper()):
            assert (await asked(doors, wrong or "x", "GET", "/me/facts.json")).status == 401

    with_portal(engine, tmp_path, story)


def test_an_ended_grant_lets_nobody_in(open_shop: OpenShop, tmp_path: Path) -> None:
    engine = open_shop()

    async def story(doors: PortalDoors) -> None:
        browser = await known(doors)
        text = await granted(browser, "read")
        (one,) = (await browser.json("/me/programs.json"))["programs"]
        assert one["scopes"] == ["read"]
        await browser.send("/me/programs/end", {"grant_id": one["grant_id"]})
        assert (await asked(doors, text, "GET", "/me/facts.json")).status == 401
        assert (await browser.json("/me/programs.json"))["programs"] == []

    with_portal(engine, tmp_path, story)


def test_every_tool_stands_for_a_door_that_its_scope_opens() -> None:
    for tool in mcp.TOOLS:
        path, _ = mcp.request_of(tool, dict.fromkeys(tool.fields, "x"))
        assert scope_of(tool.method, path) == tool.scope, tool.name
        assert set(tool.required) <= tool.fields.keys()


class Agent:
    """An agent that speaks the protocol over the door of a running shop."""

    def __init__(self, door: Any, text: str) -> None:
        self._door = door
        self._text = text
        self._number = 0

    async def ask(self, method: str, **params: Any) -> tuple[int, Any]:
        self._number += 1
        body = json.dumps(
            {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        ).encode()
        headers = [
            (b"host", HOST.encode()),
            (b"authorization", b"Bearer " + self._text.encode()),
            (b"content-type", b"application/json"),
            (b"accept", b"application/json, text/event-stream"),
            (b"content-length", str(len(body)).encode()),
        ]
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1",
                 "method": "POST", "path": "/me/mcp", "raw_path": b"/me/mcp", "root_path": "",
                 "query_string": b"", "scheme": "http", "headers": headers,
                 "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}  # fmt: skip
        messages: list[Any] = []
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            return waiting.pop() if waiting else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            messages.append(message)

        await self._door(scope, receive, send)
        told = b"".join(message.get("body", b"") for message in messages[1:])
        return messages[0]["status"], json.loads(told)


def test_an_agent_sees_its_tools_and_uses_them(open_shop: OpenShop, tmp_path: Path) -> None:
    if not mcp.is_installed():
        pytest.skip("the library mcp is not installed")
    engine = open_shop()

    async def story(doors: PortalDoors) -> None:
        browser = await known(doors)
        door = portal_paths(doors.entrance, doors.desk.rights)["/me/mcp"][1]
        agent = Agent(door, await granted(browser, "read", "want"))
        hello = {"protocolVersion": "2025-06-18", "capabilities": {},
                 "clientInfo": {"name": "an agent", "version": "1"}}  # fmt: skip
        status, told = await agent.ask("initialize", **hello)
        assert (status, told["result"]["serverInfo"]["name"]) == (200, "customering")
        _, told = await agent.ask("tools/list")
        names = {tool["name"] for tool in told["result"]["tools"]}
        assert "wish_for" in names
        assert "allow_or_refuse" not in names, "it was not given that"
        _, told = await agent.ask(
            "tools/call", name="wish_for", arguments={"what": "rye bread", "made_up": 1}
        )
        assert not told["result"]["isError"], told
        (wish,) = (await browser.json("/me/want.json"))["live"]
        assert "rye bread" in json.dumps(wish)
        _, told = await agent.ask(
            "tools/call",
            name="allow_or_refuse",
            arguments={"purpose": "personalize.offers", "answer": "deny"},
        )
        assert told["result"]["isError"]
        assert "not given that" in told["result"]["content"][0]["text"]
        status, _ = await Agent(door, "cg_nonsense").ask("tools/list")
        assert status == 401

    with_portal(engine, tmp_path, story)
