"""The doors of rights: erase, take along, ask for a right, answer it, and see who looked.

They are for a secret key with the scope ``people``. A person exercises the same rights on their own
page, after a sign-in that is fresh; a token in a web page is not enough to be erased by.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from typing import IO, Any

import msgspec
from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from customering.api.reception import Reception, answered, query_of, read_as, whole
from customering.api.rights_answers import (
    ActRequest,
    AuditAnswer,
    LooksAnswer,
    RightsAnswer,
    RightsList,
    RightsRequest,
    answer_of,
    look_of,
    many_of,
)
from customering.app.portable import Subset
from customering.consent.rights import Act, Again, Request
from customering.consent.rights_scope import scope_of
from customering.kernel.errors import Invalid
from customering.web.keys import Denied
from customering.web.problems import AnyRequest, NotLetIn
from customering.web.tokens import Caller

LOOKS_USUAL, LOOKS_MOST = 100, 1_000
_CHUNK_BYTES = 1 << 16
_OPERATORS_ONLY = Denied(403, "forbidden", "this takes a secret key with the scope people")
_NO_STORE = {"cache-control": "no-store"}


@delete("/v1/people/{who:str}", status_code=202)
async def erase(request: AnyRequest, reception: NamedDependency[Reception]) -> Response[bytes]:
    """Erase a person or a part of them; in force when this is answered."""
    asked = query_of(request, ("later", "category", "model", "since", "before"))
    caller, found = await reception.person(request)
    _only_operators(caller)
    later = _one_of(asked.pop("later", "new"), "later", Again)
    desk = reception.desk
    erasure = await desk.erase(
        found.identifiers[0], actor=caller.key.key_id, again=later, scope=scope_of(asked)
    )
    answer = await _answer(reception, await desk.request(erasure.request_id))
    return answered(answer, status=202, headers=_NO_STORE)


@get("/v1/people/{who:str}/takeout")
async def takeout(request: AnyRequest, reception: NamedDependency[Reception]) -> Stream:
    """Give everything of a person as a ZIP."""
    asked = query_of(request, ("subset",))
    subset = _one_of(asked.get("subset", "all"), "subset", Subset)
    caller, found = await reception.person(request)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it was sent
    try:
        await reception.desk.takeout(
            found.identifiers[0], actor=actor_of(caller), out=file, subset=subset
        )
    except BaseException:
        file.close()
        raise
    file.seek(0)
    headers = {**_NO_STORE, "content-disposition": 'attachment; filename="takeout.zip"'}
    return Stream(_pieces(file), media_type="application/zip", headers=headers)


@get("/v1/people/{who:str}/rights")
async def requests_of(
    request: AnyRequest, reception: NamedDependency[Reception]
) -> Response[bytes]:
    """Give the requests of one person."""
    query_of(request, ())
    _, found = await reception.person(request)
    return answered(await _listed(reception, found.identifiers[0]), headers=_NO_STORE)


@post("/v1/people/{who:str}/rights", status_code=201)
async def open_request(
    request: AnyRequest, reception: NamedDependency[Reception]
) -> Response[bytes]:
    """Keep what a person asks for; its clock runs from now."""
    query_of(request, ())
    caller, found = await reception.person(request)
    asked = read_as(await reception.body(request), RightsRequest)
    made = await reception.desk.open_request(
        found.identifiers[0],
        asked.kind,
        actor=actor_of(caller),
        words=asked.words,
        details=asked.details,
    )
    return answered(await _answer(reception, made), status=201, headers=_NO_STORE)


@get("/v1/people/{who:str}/looks")
async def looks(request: AnyRequest, reception: NamedDependency[Reception]) -> Response[bytes]:
    """Give who looked at a person."""
    asked = query_of(request, ("limit",))
    limit = whole(asked.get("limit"), "limit", LOOKS_USUAL, 1, LOOKS_MOST)
    _, found = await reception.person(request)
    told = await reception.desk.looks_at(found.identifiers[0], limit)
    many = await reception.desk.acts_on_many(found.identifiers[0], limit)
    answer = LooksAnswer(looks=[look_of(one) for one in told], many=[many_of(*one) for one in many])
    return answered(answer, headers=_NO_STORE)


@get("/v1/rights")
async def all_requests(
    request: AnyRequest, reception: NamedDependency[Reception]
) -> Response[bytes]:
    """Give everybody's requests."""
    query_of(request, ())
    _only_operators(reception.caller(request, "people"))
    return answered(await _listed(reception), headers=_NO_STORE)


@get("/v1/rights/{request_id:str}")
async def one_request(
    request: AnyRequest, reception: NamedDependency[Reception], request_id: FromPath[str]
) -> Response[bytes]:
    """Give one request."""
    query_of(request, ())
    _only_operators(reception.caller(request, "people"))
    found = await reception.desk.request(request_id)
    return answered(await _answer(reception, found), headers=_NO_STORE)


@post("/v1/rights/{request_id:str}/{act:str}", status_code=200)
async def act_on(
    request: AnyRequest,
    reception: NamedDependency[Reception],
    request_id: FromPath[str],
    act: FromPath[str],
) -> Response[bytes]:
    """Do something about a request."""
    query_of(request, ())
    caller = reception.caller(request, "people")
    _only_operators(caller)
    body = await reception.body(request)
    asked = read_as(body or b"{}", ActRequest)
    done = await reception.desk.act(
        request_id,
        _one_of(act, "act", Act),
        actor=caller.key.key_id,
        reason=asked.reason,
        words=asked.words,
    )
    return answered(await _answer(reception, done), headers=_NO_STORE)


@get("/v1/rights/{request_id:str}/certificate")
async def certificate(
    request: AnyRequest, reception: NamedDependency[Reception], request_id: FromPath[str]
) -> Response[bytes]:
    """Give the certificate of an erasure, once it is complete."""
    query_of(request, ())
    _only_operators(reception.caller(request, "people"))
    text = await reception.desk.certificate(request_id)
    return Response(text, media_type="application/json", headers=_NO_STORE)


@get("/v1/audit")
async def audit(request: AnyRequest, reception: NamedDependency[Reception]) -> Response[bytes]:
    """Check the trail of looks."""
    query_of(request, ())
    _only_operators(reception.caller(request, "people"))
    found = await reception.desk.verify()
    return answered(AuditAnswer(rows=found.rows, head=found.head, fault=found.fault))


handlers = [
    erase,
    takeout,
    requests_of,
    open_request,
    looks,
    all_requests,
    one_request,
    act_on,
    certificate,
    audit,
]


def actor_of(caller: Caller) -> str:
    """Name who acts, for requests and for the trail."""
    return caller.key.key_id if caller.person is None else "person"


async def _listed(reception: Reception, who: Any = None) -> RightsList:
    desk = reception.desk
    requests = await (desk.requests() if who is None else desk.requests_of(who))
    ids = {one.request_id for one in requests}
    due = [one.request_id for one in await desk.reminders() if one.request_id in ids]
    now_ms = reception.engine.clock()
    return RightsList(requests=[answer_of(one, now_ms) for one in requests], due=due)


async def _answer(reception: Reception, request: Request) -> RightsAnswer:
    """Write one request with all there is to say of it."""
    told = await reception.desk.told_of(request.request_id)
    return answer_of(request, reception.engine.clock(), told)


def _only_operators(caller: Caller) -> None:
    if not caller.is_operator:
        raise NotLetIn(_OPERATORS_ONLY)


def _one_of(text: str, name: str, kind: Any) -> Any:
    try:
        return msgspec.convert(text, kind)
    except msgspec.ValidationError as error:
        words = ", ".join(kind.__args__)
        raise Invalid(f"{name} is none of the known words", hint=f"one of: {words}") from error


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while piece := await asyncio.to_thread(file.read, _CHUNK_BYTES):
            yield piece
