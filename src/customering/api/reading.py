"""Doors that SDKs read from with GET: one way to ask, one way to answer, for every page."""

from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

from customering.api.segment_answers import JSON, METHOD_NOT_ALLOWED, refusal
from customering.web.answers import Handler, Receive, Scope, Send, answer
from customering.web.cors import ANYBODY, answer_before

_ALLOWED = ((b"allow", b"GET, HEAD, OPTIONS"),)


class Page(NamedTuple):
    """What is answered.

    Parameters
    ----------
    status
        HTTP status.
    body
        The bytes.
    content_type
        Of the body.
    headers
        The others.
    """

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


Find = Callable[[Scope, dict[bytes, bytes]], Page]
"""Gives the answer to a request, whose headers are handed in with names in lower case."""


def reading_door(find: Find) -> Handler:
    """Make a handler that answers GET and HEAD, and lets pages of every origin read that."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        method = scope["method"]
        if method == "OPTIONS":
            await answer_before(send, headers)
            return
        if method in ("GET", "HEAD"):
            page = find(scope, headers)
        else:
            body = refusal(METHOD_NOT_ALLOWED, "this address takes GET")
            page = Page(HTTPStatus.METHOD_NOT_ALLOWED, body, JSON, _ALLOWED)
        await answer(send, page.status, page.body, page.content_type, (*ANYBODY, *page.headers))

    return serve
