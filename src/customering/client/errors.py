"""The errors of the client, one tree; each says what the server said, and what to do.

::

    ClientError         code, hint, status
    ├── NoAnswer        the server cannot be reached, or went away
    ├── Rejected        400: what was sent cannot be accepted
    ├── Unauthorized    401: no valid key
    ├── Forbidden       403: this key may not do this
    ├── NotFound        404: there is no such thing
    ├── TooMuch         429: too often, or too much waits; comes after all retries
    └── Trouble         every other answer; comes after all retries
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from customering.kernel.errors import CustomeringError


class ClientError(CustomeringError):
    """Root of what the client raises.

    Parameters
    ----------
    message
        What went wrong.
    hint
        What to do about it.
    status
        HTTP status; 0 without an answer.
    said_code
        The server's own word for it, such as ``invalid`` or ``no_such_person``.
    """

    code = "client_error"

    def __init__(
        self, message: str, *, hint: str = "", status: int = 0, said_code: str = "", **facts: Any
    ) -> None:
        super().__init__(message, hint=hint, status=status, said_code=said_code, **facts)
        self.status = status
        self.said_code = said_code


class NoAnswer(ClientError):
    """The server cannot be reached, or went away before it answered."""

    code = "no_answer"
    retryable = True


class Rejected(ClientError):
    """What was sent cannot be accepted."""

    code = "rejected"


class Unauthorized(ClientError):
    """The request carried no valid key."""

    code = "unauthorized"


class Forbidden(ClientError):
    """The key of the request may not do this."""

    code = "forbidden"


class NotFound(ClientError):
    """There is no such thing."""

    code = "not_found"


class TooMuch(ClientError):
    """The server asks to come again later, and did so after every retry."""

    code = "too_much"
    retryable = True


class Trouble(ClientError):
    """The server answered otherwise than it should, after every retry."""

    code = "trouble"
    retryable = True


_OF_STATUS: dict[int, type[ClientError]] = {
    400: Rejected,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    429: TooMuch,
}


class Problem(msgspec.Struct, frozen=True):
    """An error as the server tells it: problem details, or the words of the Segment paths."""

    detail: str = ""
    code: str = ""
    hint: str = ""
    message: str = ""
    status: int = 0


def error_of(status: int, body: bytes) -> ClientError:
    """Give the error that an answer means."""
    try:
        said = msgspec.json.decode(body, type=Problem)
    except ValueError:  # a proxy in between may answer anything
        said = Problem()
    message = said.detail or said.message or f"the server answered {status}"
    kind = _OF_STATUS.get(status, Trouble)
    return kind(message, hint=said.hint, status=status, said_code=said.code)


def error_in(problem: Mapping[str, Any]) -> ClientError:
    """Give the error of one question or report among many."""
    return error_of(int(problem.get("status", 0)), msgspec.json.encode(problem))
