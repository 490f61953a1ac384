"""Idempotency keys: a write that is sent again under the same name is done once, answered alike.

References
----------
J. Jena, S. Dalal, "The Idempotency-Key HTTP Header Field",
draft-ietf-httpapi-idempotency-key-header.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from hashlib import blake2b

from litestar import Response

from customering.kernel.ids import stable_id
from customering.kernel.records import to_json
from customering.web.entrance import Entrance
from customering.web.problems import AnyRequest
from customering.web.tokens import Caller

HEADER = "idempotency-key"

Act = Callable[[str], Awaitable[object]]
"""Does the write and gives the answer. Told an id that is the same when it is done again."""


async def once(
    entrance: Entrance, request: AnyRequest, caller: Caller, body: bytes, act: Act
) -> Response[bytes]:
    """Do a write once for each idempotency key of a caller, and answer.

    Parameters
    ----------
    body
        What was sent; together with method and path it tells one request from another.
    act
        What is done. Its events take the id it is told, so that even a crash between writing them
        and keeping the answer doubles nothing.

    Raises
    ------
    Conflict
        When the key was used for another request.
    Invalid
        When the key is empty or too long.

    Notes
    -----
    A refusal is not kept: what was refused was not done, and may be asked for again.
    """
    name = request.headers.get(HEADER)
    if name is None:
        return _response(to_json(await act(stable_id("req", secrets.token_hex(16)))))
    # A token speaks for one person: others who come with the same key of the shop are others.
    whose = caller.key.key_id if caller.person is None else f"{caller.key.key_id} {caller.person}"
    digest = _digest(request, body)
    now_ms = entrance.live.engine.clock()
    control = entrance.keys.control
    kept = await asyncio.to_thread(control.recall, whose, name, digest, now_ms)
    if kept is None:
        told = to_json(await act(stable_id("req", whose, name)))
        kept = await asyncio.to_thread(control.remember, whose, name, digest, 200, told, now_ms)
    return _response(kept.body, kept.status)


def _digest(request: AnyRequest, body: bytes) -> bytes:
    path = request.scope.get("raw_path") or request.scope["path"].encode()
    head = b" ".join((request.method.encode(), path, request.scope["query_string"]))
    return blake2b(body, digest_size=32, key=blake2b(head, digest_size=32).digest()).digest()


def _response(told: bytes, status: int = 200) -> Response[bytes]:
    return Response(told, status_code=status, media_type="application/json")
