"""The operations of the Data Rights Protocol, for the OpenAPI document."""

from typing import Any

from customering.api.operation import Body, Operation, Parameter
from customering.api.rights_agents import AgentFault, AgentKnown, AgentStatus, AgentToken

_CHAPTER = "Rights"
_AGENT_ID = Parameter(
    name="agent_id",
    place="path",
    words="An agent of `[rights.agents]` in the settings.",
    schema={"type": "string", "minLength": 1, "maxLength": 200},
    example="CR_AA_DRP_ID_001",
)
_REQUEST_ID = Parameter(
    name="request_id",
    place="path",
    words="As it was answered.",
    schema={"type": "string", "minLength": 1, "maxLength": 64},
    example="req_d7lrkbkpv2g5sdti",
)
_TOKEN = Parameter(
    name="Authorization",
    place="header",
    words="`Bearer` and the token that the agent was given.",
    schema={"type": "string"},
)
_SIGNED = Body(
    kind={"type": "string"},
    example="KyEvf5c6O2rH",
    media=("text/plain",),
    words="Base64 of an Ed25519 signature followed by the JSON that it signs.",
)
_FAULT = Body(
    kind=AgentFault,
    example={"code": "signature", "message": "the signature is not that of this agent",
             "fatal": True},
)  # fmt: skip
_STATUS: dict[str, Any] = {
    "request_id": "req_d7lrkbkpv2g5sdti",
    "agent_request_id": "a-17",
    "received_at": "2026-06-01T10:00:00.000Z",
    "expected_by": "2026-07-01T10:00:00.000Z",
    "status": "open",
    "reason": "",
    "processing_details": "",
}
_ANSWER = Body(kind=AgentStatus, example=_STATUS)

AGENTS = (
    Operation(
        method="post",
        path="/v1/agent/{agent_id}",
        name="pairAgent",
        chapter=_CHAPTER,
        summary="Give an agent a token of its own",
        words="Data Rights Protocol 1.0. The body is signed by the agent.",
        parameters=(_AGENT_ID,),
        body=_SIGNED,
        answers={
            200: Body(kind=AgentToken, example={"agent-id": "CR_AA_DRP_ID_001", "token": "3mTz1c"}),
            400: _FAULT,
            403: _FAULT,
        },
        errors=(429, 503),
    ),
    Operation(
        method="get",
        path="/v1/agent/{agent_id}",
        name="checkAgent",
        chapter=_CHAPTER,
        summary="Say whether the token of an agent holds",
        parameters=(_AGENT_ID, _TOKEN),
        answers={
            200: Body(kind=AgentKnown, example={"agent-id": "CR_AA_DRP_ID_001"}),
            403: _FAULT,
        },
        errors=(429, 503),
    ),
    Operation(
        method="post",
        path="/v1/data-rights-request",
        name="exerciseRight",
        chapter=_CHAPTER,
        summary="Ask on behalf of a person",
        words="Data Rights Protocol 1.0. It is checked in the protocol's order: base64, signature,"
        " agent, business, issued, not expired. The same request sent again is kept once.",
        parameters=(_TOKEN,),
        body=_SIGNED,
        answers={200: _ANSWER, 400: _FAULT, 403: _FAULT},
        errors=(429, 503),
    ),
    Operation(
        method="get",
        path="/v1/data-rights-request/{request_id}",
        name="readRightStatus",
        chapter=_CHAPTER,
        summary="Say how far a request of an agent is",
        parameters=(_REQUEST_ID, _TOKEN),
        answers={200: _ANSWER, 403: _FAULT, 404: _FAULT},
        errors=(429, 503),
    ),
    Operation(
        method="delete",
        path="/v1/data-rights-request/{request_id}",
        name="revokeRight",
        chapter=_CHAPTER,
        summary="Take a request of an agent back",
        parameters=(_REQUEST_ID, _TOKEN),
        answers={200: _ANSWER, 400: _FAULT, 403: _FAULT, 404: _FAULT},
        errors=(429, 503),
    ),
)
