"""A door for a person's own AI agent: the Model Context Protocol, over the same doors as the pages.

Each tool is one door of the portal, asked with the grant that the agent shows. So an agent can do
what its person granted and nothing else, within the same limits, and no rule stands twice.

References
----------
Model Context Protocol, "Streamable HTTP"; the protocol itself is spoken by the library ``mcp``,
which is installed with ``customering[agents]``.
"""

import json
from asyncio import to_thread
from functools import cache
from importlib.util import find_spec
from typing import Any, NamedTuple, cast
from urllib.parse import quote

from customering.app.grants import Grants, GrantScope
from customering.portal.granting import bearer_of
from customering.web.answers import Handler, Receive, Scope, Send, answer_json

_TEXT = {"type": "string"}
_INSTRUCTIONS = (
    "You act for one person at a business: you see what it knows of them, what they allow, why they"
    " were shown things, and you may change what they granted you to change. Ask them before you"
    " change anything. What you cannot do here, only they can, on their own page."
)
_UNKNOWN = {
    "type": "urn:customering:problem:unauthorized",
    "title": "Unauthorized",
    "status": 401,
    "detail": "no program is known by what this request carries",
    "code": "unauthorized",
    "hint": "the person makes a grant on their page, under programs",
}


class Tool(NamedTuple):
    """One thing an agent can do.

    Parameters
    ----------
    name, about
        What it is called, and what it does, as the agent reads it.
    method, path
        The door behind it; ``{name}`` in the path is filled from the arguments.
    scope
        What must be granted.
    fields
        The JSON Schema of each argument.
    required
        Those that must be given.
    """

    name: str
    about: str
    method: str
    path: str
    scope: GrantScope
    fields: dict[str, dict[str, Any]] = {}  # noqa: RUF012 - a tuple's default is never changed
    required: tuple[str, ...] = ()


def _one_of(*words: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(words)}


TOOLS: tuple[Tool, ...] = (
    Tool("how_we_stand", "How the business and the person stand, why, and what would change it.",
         "GET", "/me/index.json", "read"),
    Tool("what_is_known", "Every fact that is known of the person: its source, since when, why.",
         "GET", "/me/facts.json", "read"),
    Tool("what_happened", "The latest things that happened, newest first.",
         "GET", "/me/timeline.json", "read"),
    Tool("what_is_allowed", "Each purpose in plain words, whether it is allowed, and why.",
         "GET", "/me/allow.json", "read"),
    Tool("allow_or_refuse", "Allow or refuse one purpose; it holds from the next decision on.",
         "POST", "/me/allow", "permit",
         {"purpose": _TEXT, "answer": _one_of("allow", "deny")}, ("purpose", "answer")),
    Tool("refuse_everything", "Refuse every purpose that is a matter of choice.",
         "POST", "/me/allow/nothing", "permit"),
    Tool("set_how_we_stand", "Say how the person wants to stand with the business.",
         "POST", "/me/standing", "permit",
         {"standing": _one_of("none", "on_a_break", "just_a_transaction", "not_that_into_you",
                              "partner", "left"),
          "until": {"type": "string", "description": "A day, 2027-02-01; only of a break."}},
         ("standing",)),
    Tool("correct_a_fact", "Say what is true in the place of what is known.",
         "POST", "/me/facts/correct", "permit", {"name": _TEXT, "value": _TEXT},
         ("name", "value")),
    Tool("why_was_this_shown", "What was shown or sent to the person lately, each with its reason.",
         "GET", "/me/why.json", "read"),
    Tool("explain_a_decision", "One decision in full: what was weighed, and why the rest lost.",
         "GET", "/me/why/{decision_id}", "read", {"decision_id": _TEXT}, ("decision_id",)),
    Tool("not_this", "Say no to something that was shown, and why; it rests.",
         "POST", "/me/why/not-this", "answer",
         {"decision_id": _TEXT, "action_id": _TEXT, "words": _TEXT}, ("decision_id", "action_id")),
    Tool("what_is_wished", "What the person looks for, and who answered.",
         "GET", "/me/want.json", "read"),
    Tool("wish_for", "Say what the person looks for, until a day; it is used to answer it alone.",
         "POST", "/me/want", "want",
         {"what": _TEXT, "category": _TEXT, "must": _TEXT, "nice": _TEXT, "budget_from": _TEXT,
          "budget_to": _TEXT, "where": _TEXT,
          "until": {"type": "string", "description": "The last day it holds, 2027-02-01."}},
         ("what",)),
    Tool("withdraw_a_wish", "Take a wish back.",
         "POST", "/me/want/withdraw", "want", {"intent_id": _TEXT}, ("intent_id",)),
)  # fmt: skip


def is_installed() -> bool:
    """Tell whether the library that speaks the protocol is here."""
    return find_spec("mcp") is not None


def request_of(tool: Tool, given: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Give the path and the fields that stand for the arguments of a tool.

    Arguments the tool does not have are left out: a model may make some up.

    Examples
    --------
    >>> tool = next(one for one in TOOLS if one.name == "allow_or_refuse")
    >>> request_of(tool, {"purpose": "marketing.email", "answer": "deny"})
    ('/me/allow', {'purpose.marketing.email': 'deny'})
    """
    fields = {name: str(given[name]) for name in tool.fields if given.get(name) is not None}
    path = tool.path
    for name in [name for name in fields if "{" + name + "}" in path]:
        path = path.replace("{" + name + "}", quote(fields.pop(name), safe=""))
    if "purpose" in fields:
        fields = {f"purpose.{fields['purpose']}": fields.get("answer", "")}
    return path, fields


def door(portal: Handler, grants: Grants) -> Handler:
    """Give the door, an ASGI application.

    Parameters
    ----------
    portal
        The pages, which do the work.
    grants
        Who is let in.
    """
    speaker = cache(lambda: _speaker(portal, grants))

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if await to_thread(grants.find, _shown(scope)) is None:
            await answer_json(send, 401, _UNKNOWN, [(b"www-authenticate", b"Bearer")])
            return
        speak = await to_thread(speaker)  # the first one takes long to make
        await speak(scope, receive, send)

    return serve


def _speaker(portal: Handler, grants: Grants) -> Handler:
    """Give what speaks the protocol with somebody who is let in."""
    # Imported here: they take half a second and 30 MB, for the first agent that comes.
    import httpx
    import mcp_types as types
    from mcp.server.lowlevel import Server
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    tools = {tool.name: tool for tool in TOOLS}

    async def list_tools(context: Any, params: Any) -> types.ListToolsResult:
        grant = await to_thread(grants.find, _shown(context.request.scope))
        held = frozenset() if grant is None else grant.scopes
        return types.ListToolsResult(
            tools=[types.Tool(**_told_of(tool)) for tool in TOOLS if tool.scope in held]
        )

    def told(text: str, *, is_error: bool) -> types.CallToolResult:
        words = types.TextContent(type="text", text=text)
        return types.CallToolResult(content=[words], is_error=is_error)

    async def call_tool(context: Any, params: Any) -> types.CallToolResult:
        tool = tools.get(params.name)
        if tool is None:
            return told(f"there is no tool {params.name[:60]!r}", is_error=True)
        path, fields = request_of(tool, params.arguments or {})
        scope = context.request.scope
        transport = httpx.ASGITransport(
            app=cast("Any", portal), client=scope.get("client") or ("", 0)
        )
        base = f"{scope.get('scheme', 'http')}://portal"
        async with httpx.AsyncClient(transport=transport, base_url=base) as pages:
            answer = await pages.request(
                tool.method,
                path,
                headers=_passed_on(scope),
                content=json.dumps(fields) if tool.method == "POST" else None,
            )
        return told(answer.text, is_error=answer.status_code >= 400)

    server = Server(
        "customering",
        instructions=_INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )

    async def speak(scope: Scope, receive: Receive, send: Send) -> None:
        # One for each request: nothing is remembered between them, so nothing has to be ended.
        manager = StreamableHTTPSessionManager(server, json_response=True, stateless=True)
        async with manager.run():
            await manager.asgi_app(scope, receive, send)

    return speak


def _told_of(tool: Tool) -> dict[str, Any]:
    """Give a tool as the protocol tells it."""
    return {
        "name": tool.name,
        "description": tool.about,
        "input_schema": {
            "type": "object",
            "properties": tool.fields,
            "required": list(tool.required),
        },
        "annotations": {"read_only_hint": tool.scope == "read"},
    }


def _passed_on(scope: Scope) -> dict[str, str]:
    """Give the headers with which a page is asked in the place of a sender."""
    sent = dict(scope["headers"])
    passed = {
        name: sent[name.encode()].decode("latin-1")
        for name in ("authorization", "host")
        if name.encode() in sent
    }
    return {**passed, "accept": "application/json", "content-type": "application/json"}


def _shown(scope: Scope) -> str:
    """Give what a request shows to be let in."""
    return bearer_of(dict(scope["headers"]).get(b"authorization", b"").decode("latin-1"))
