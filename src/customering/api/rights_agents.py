"""The doors of the Data Rights Protocol 1.0: agents ask here on behalf of people.

They speak the protocol's language: a signed message as text, a token given to each agent, and
errors as ``{code, message}``. They are closed where the settings name no business id.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from customering.api.reception import Reception, answered
from customering.app.rights_acts import agent_status
from customering.app.rights_agents import Filed
from customering.kernel.errors import Absent, CustomeringError, Invalid, Refused
from customering.web.problems import AnyRequest

_BODY_BYTES_MAX = 65_536
_STATUS_OF = ((Absent, 404), (Refused, 403), (Invalid, 400))


class AgentToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token for one agent at this business.

    Parameters
    ----------
    agent_id
        The agent.
    token
        What it shows from now on; an older one has ended.
    """

    agent_id: str = msgspec.field(name="agent-id")
    token: str


class AgentKnown(msgspec.Struct, frozen=True, kw_only=True):
    """Says that a token holds.

    Parameters
    ----------
    agent_id
        Whose it is.
    """

    agent_id: str = msgspec.field(name="agent-id")


class AgentStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far a request is, in the words of the protocol.

    Parameters
    ----------
    request_id
        Our id.
    agent_request_id
        The agent's own; empty when it gave none.
    received_at, expected_by
        When it came, and when the answer is due. ISO 8601.
    status, reason
        How far it is, and why it is denied or what it waits for.
    processing_details
        The reason in words.
    """

    request_id: str
    agent_request_id: str
    received_at: str
    expected_by: str
    status: str
    reason: str
    processing_details: str


class AgentFault(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a request of an agent.

    Parameters
    ----------
    code
        The check that failed.
    message
        The same in words.
    fatal
        Whether sending the same again is in vain.
    """

    code: str
    message: str
    fatal: bool = True


class RevokeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request is taken back.

    Parameters
    ----------
    reason
        In words.
    """

    reason: str = ""


Handled = Callable[[], Awaitable[Any]]


@post("/v1/agent/{agent_id:str}", status_code=200)
async def pair(
    request: AnyRequest, reception: NamedDependency[Reception], agent_id: FromPath[str]
) -> Response[bytes]:
    """Give an agent a token of its own."""
    body = await reception.body(request, _BODY_BYTES_MAX)

    async def act() -> AgentToken:
        return AgentToken(agent_id=agent_id, token=await reception.agents.pair(agent_id, body))

    return await _handled(act)


@get("/v1/agent/{agent_id:str}")
async def known(
    request: AnyRequest, reception: NamedDependency[Reception], agent_id: FromPath[str]
) -> Response[bytes]:
    """Say whether the token of an agent holds."""

    async def act() -> AgentKnown:
        if await _agent_of(request, reception) != agent_id:
            raise _no_token()
        return AgentKnown(agent_id=agent_id)

    return await _handled(act)


@post("/v1/data-rights-request", status_code=200)
async def exercise(request: AnyRequest, reception: NamedDependency[Reception]) -> Response[bytes]:
    """Keep what an agent asks for."""

    async def act() -> AgentStatus:
        agent_id = await _agent_of(request, reception)
        body = await reception.body(request, _BODY_BYTES_MAX)
        return _told(await reception.agents.file(agent_id, body))

    return await _handled(act)


@get("/v1/data-rights-request/{request_id:str}")
async def status(
    request: AnyRequest, reception: NamedDependency[Reception], request_id: FromPath[str]
) -> Response[bytes]:
    """Say how far a request is."""

    async def act() -> AgentStatus:
        agent_id = await _agent_of(request, reception)
        return _told(await reception.agents.filed(agent_id, request_id))

    return await _handled(act)


@delete("/v1/data-rights-request/{request_id:str}", status_code=200)
async def revoke(
    request: AnyRequest, reception: NamedDependency[Reception], request_id: FromPath[str]
) -> Response[bytes]:
    """Take a request back."""

    async def act() -> AgentStatus:
        agent_id = await _agent_of(request, reception)
        body = await reception.body(request, _BODY_BYTES_MAX)
        try:
            said = msgspec.json.decode(body or b"{}", type=RevokeRequest)
        except msgspec.MsgspecError as error:
            raise Invalid("the body is not a reason", hint='send {"reason": "..."}') from error
        return _told(await reception.agents.revoke(agent_id, request_id, said.reason))

    return await _handled(act)


handlers = [pair, known, exercise, status, revoke]


def _told(filed: Filed) -> AgentStatus:
    return AgentStatus(**agent_status(filed.request, filed.agent_request_id))


async def _agent_of(request: AnyRequest, reception: Reception) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    agent_id = await reception.agents.agent_of(token) if scheme.lower() == "bearer" else None
    if agent_id is None:
        raise _no_token()
    return agent_id


def _no_token() -> Refused:
    return Refused("there is no agent with this token", hint="", check="token")


async def _handled(act: Handled) -> Response[bytes]:
    """Do what is asked, and tell what is wrong as the protocol has it."""
    try:
        return answered(await act(), headers={"cache-control": "no-store"})
    except CustomeringError as error:
        found = next((code for kind, code in _STATUS_OF if isinstance(error, kind)), None)
        if found is None:
            raise
        told = AgentFault(code=str(error.facts.get("check", error.code)), message=error.message)
        return answered(told, status=found, headers={"cache-control": "no-store"})
