"""Answers as plain ASGI messages: JSON, problem details of RFC 9457, and what every answer says."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http import HTTPStatus
from typing import Any

from customering.kernel.errors import (
    Absent,
    Conflict,
    CustomeringError,
    Invalid,
    Overloaded,
    Refused,
)
from customering.kernel.records import to_json

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Handler = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]

_STATUS_OF = (
    (Invalid, 400),
    (Absent, 404),
    (Refused, 403),
    (Conflict, 409),
    (Overloaded, 429),
)
"""The status of each kind of error, the first that fits; every other one is 503."""


async def answer(
    send: Send, status: int, body: bytes, content_type: bytes, headers: Headers = ()
) -> None:
    """Send one whole answer."""
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", content_type),
                (b"content-length", str(len(body)).encode()),
                *headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def answer_json(send: Send, status: int, value: Any, headers: Headers = ()) -> None:
    """Send a value as JSON."""
    await answer(send, status, to_json(value), b"application/json", headers)


def status_of(error: CustomeringError) -> int:
    """Give the HTTP status that says what kind of error it is."""
    return next((status for kind, status in _STATUS_OF if isinstance(error, kind)), 503)


def problem(error: CustomeringError) -> dict[str, Any]:
    """Give an error as problem details.

    References
    ----------
    M. Nottingham, E. Wilde, S. Dalal, RFC 9457 "Problem Details for HTTP APIs", 2023.
    """
    status = status_of(error)
    return {
        "type": f"urn:customering:problem:{error.code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": error.message,
        "code": error.code,
        "hint": error.hint,
    }


def retry_after(error: CustomeringError) -> list[tuple[bytes, bytes]]:
    """Give the header that says when to come again; none when the error does not say."""
    seconds = error.facts.get("retry_after_s")
    return [] if seconds is None else [(b"retry-after", str(seconds).encode())]


async def answer_problem(send: Send, error: CustomeringError, headers: Headers = ()) -> None:
    """Send an error as problem details."""
    await answer(
        send,
        status_of(error),
        to_json(problem(error)),
        b"application/problem+json",
        [*retry_after(error), *headers],
    )
