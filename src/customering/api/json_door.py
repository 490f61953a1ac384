"""A plain door that takes JSON by POST: who asks, the body, the act, the answer; for pages too."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from customering.app.key_model import Scope as KeyScope
from customering.kernel.errors import CustomeringError, Invalid
from customering.web.answers import Handler, Headers, Receive, Scope, Send, answer, answer_problem
from customering.web.bodies import BodyReader, no_json
from customering.web.cors import answer_before, beside
from customering.web.entrance import Entrance
from customering.web.keys import Denied
from customering.web.tokens import Caller, Gate, answer_denied

_ARRIVING_BYTES_MAX = 16_000_000
_JSON = b"application/json"
_NO_STORE = (b"cache-control", b"no-store")
_HINT = "GET /openapi.json says what to send"

Act = Callable[[bytes, Caller], Awaitable[bytes | Denied]]
"""Takes a body from whoever was let in, and gives the JSON of the answer or why not."""

_Read = TypeVar("_Read")


class JsonDoors:
    """Makes doors of one kind.

    Parameters
    ----------
    entrance
        What all doors share.
    """

    def __init__(self, entrance: Entrance) -> None:
        self.gate = Gate(entrance)
        self._bodies = BodyReader(entrance.live.settings.body_seconds_max, _ARRIVING_BYTES_MAX)

    def door(
        self, act: Act, scope: KeyScope, bytes_max: int, *, or_public: bool = False
    ) -> Handler:
        """Make a door; pages of elsewhere may read every answer of it, refusals too.

        Parameters
        ----------
        act
            What is done.
        scope
            What the key must be allowed.
        bytes_max
            Largest body.
        or_public
            Whether a public write key is let in too.
        """

        async def serve(request: Scope, receive: Receive, send: Send) -> None:
            headers = dict(request["headers"])
            if request["method"] == "OPTIONS":
                await answer_before(send, headers)
                return
            around = beside(headers.get(b"origin"))
            if request["method"] != "POST":
                await answer_method(send, around)
                return
            try:
                caller = self.gate.caller(request, headers, scope, or_public=or_public)
                if isinstance(caller, Denied):
                    await answer_denied(send, caller, around)
                    return
                body = await self._bodies.read(receive, headers, bytes_max)
                if body is None:
                    return
                answered = await act(body, caller)
            except CustomeringError as error:
                await answer_problem(send, error, around)
                return
            if isinstance(answered, Denied):
                await answer_denied(send, answered, around)
            else:
                await answer(send, 200, answered, _JSON, [_NO_STORE, *around])

        return serve


def read(decode: Callable[[bytes], _Read], body: bytes) -> _Read:
    """Read a body strictly.

    Raises
    ------
    Invalid
        When it does not fit; the message names the path.
    """
    try:
        return decode(body)
    except msgspec.ValidationError as error:
        raise Invalid(str(error), hint=_HINT) from error
    except (ValueError, RecursionError) as error:
        raise no_json(error) from error


async def answer_method(send: Send, headers: Headers, methods: bytes = b"POST, OPTIONS") -> None:
    """Say that this address takes other methods."""
    denied = Denied(405, "method_not_allowed", f"this address takes {methods.decode()}")
    await answer_denied(send, denied, [(b"allow", methods), *headers])
