"""Errors of the Litestar doors: whatever goes wrong is told as problem details, in one shape."""

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from customering.kernel.errors import CustomeringError, Unavailable
from customering.kernel.records import to_json
from customering.web.answers import problem, retry_after, status_of
from customering.web.keys import Denied
from customering.web.tokens import problem_of_denied

PROBLEM_TYPE = "application/problem+json"

_logger = logging.getLogger("customering.serve")
_HINTS = {
    HTTPStatus.NOT_FOUND: "GET /openapi.json lists every address",
    HTTPStatus.METHOD_NOT_ALLOWED: "the header Allow names the methods of this address",
}

AnyRequest = Request[Any, Any, Any]
"""A request at a Litestar door; who sent it is told by `Reception.caller`, not by Litestar."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong, as RFC 9457 has it.

    Parameters
    ----------
    type
        Names the kind of problem: ``urn:customering:problem:`` and the code.
    title
        The words of the status.
    status
        The HTTP status.
    detail
        What is wrong, in one sentence without personal data; a field is named by its path.
    code
        One word for programs.
    hint
        What to do about it; may be empty.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str


class NotLetIn(Exception):
    """A request is not let in.

    Parameters
    ----------
    denied
        Why.
    """

    def __init__(self, denied: Denied) -> None:
        super().__init__(denied.message)
        self.denied = denied


def exception_handlers() -> ExceptionHandlersMap:
    """Give what answers each kind of exception."""
    return {
        NotLetIn: _answer_not_let_in,
        CustomeringError: _answer_error,
        HTTPException: _answer_http,
        Exception: _answer_bug,
    }


def count_refusal(request: AnyRequest, code: str) -> None:
    """Count a refusal by its reason, for the metrics."""
    entrance = request.app.state.get("entrance")
    if entrance is not None:
        entrance.figures.refused.labels(code).inc()


def _response(
    request: AnyRequest, status: int, told: dict[str, Any], headers: dict[str, str]
) -> Response[bytes]:
    count_refusal(request, told["code"])
    return Response(to_json(told), status_code=status, media_type=PROBLEM_TYPE, headers=headers)


def _answer_not_let_in(request: AnyRequest, error: NotLetIn) -> Response[bytes]:
    denied = error.denied
    asks = {"www-authenticate": "Bearer"} if denied.status == HTTPStatus.UNAUTHORIZED else {}
    return _response(request, denied.status, problem_of_denied(denied), asks)


def _answer_error(request: AnyRequest, error: CustomeringError) -> Response[bytes]:
    headers = {name.decode(): value.decode() for name, value in retry_after(error)}
    return _response(request, status_of(error), problem(error), headers)


def _answer_http(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """Tell of what Litestar itself refuses: no such address, a method it does not take."""
    status = HTTPStatus(error.status_code)
    code = status.name.lower()
    told = {
        "type": f"urn:customering:problem:{code}",
        "title": status.phrase,
        "status": status.value,
        "detail": status.description or status.phrase,
        "code": code,
        "hint": _HINTS.get(status, ""),
    }
    allowed = (error.headers or {}).get("allow")
    return _response(request, status, told, {} if allowed is None else {"allow": allowed})


def _answer_bug(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Tell nothing of a bug but that it is one; the log has the rest."""
    _logger.error(
        "a bug while serving %s %s",
        request.method,
        request.scope["path"],
        exc_info=error,
    )
    return _answer_error(
        request, Unavailable("something is wrong with the server", hint="see its log")
    )
