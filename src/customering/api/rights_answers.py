"""What the doors of rights take and give."""

from typing import Annotated, Any

import msgspec

from customering.consent.rights import Kind, Look, Request, Status
from customering.kernel.clock import format_instant


class RightsRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody asks for.

    Parameters
    ----------
    kind
        The right.
    words
        What the person said.
    details
        What exactly: ``{"facts": {...}}`` to rectify, ``{"purpose": "marketing"}`` to object.
    """

    kind: Kind
    words: Annotated[str, msgspec.Meta(max_length=10_000)] = ""
    details: dict[str, Any] = {}


class ActRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done about a request.

    Parameters
    ----------
    reason
        Why it is denied: a reason of the Data Rights Protocol 1.0.
    words
        What the person is told; a denial for other reasons and an extension need it.
    """

    reason: Annotated[str, msgspec.Meta(max_length=100)] = ""
    words: Annotated[str, msgspec.Meta(max_length=10_000)] = ""


class StepAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was done about a request.

    Parameters
    ----------
    at
        When. ISO 8601.
    act
        What.
    actor
        Who: ``person``, ``operator``, or a key by its id.
    words
        What was said about it.
    """

    at: str
    act: str
    actor: str
    words: str


class RightsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One request of one person.

    Parameters
    ----------
    request_id
        Its id.
    kind
        The right.
    status
        How far it is, in the words of the Data Rights Protocol 1.0.
    reason
        Why it was denied, or what it waits for; empty otherwise.
    received_at, expected_by
        When it came, and when the answer is due. ISO 8601.
    is_extended
        Whether the answer was put off.
    ended_at
        When it ended; null while it has not. ISO 8601.
    words
        What the person said.
    details
        What exactly is asked for.
    steps
        Everything that was done about it, in order.
    """

    request_id: str
    kind: Kind
    status: Status
    reason: str
    received_at: str
    expected_by: str
    is_extended: bool
    ended_at: str | None
    words: str
    details: dict[str, Any]
    steps: list[StepAnswer]


class RightsList(msgspec.Struct, frozen=True, kw_only=True):
    """Requests, the latest first.

    Parameters
    ----------
    requests
        The requests.
    due
        Ids of those whose answer is due soon or overdue, the most urgent first.
    """

    requests: list[RightsAnswer]
    due: list[str]


class LookAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One thing somebody did with what is known of a person.

    Parameters
    ----------
    at
        When. ISO 8601.
    actor
        Who: ``person``, ``operator``, or a key by its id.
    act
        What: ``read``, ``export``, ``erase``.
    words
        More about it.
    """

    at: str
    actor: str
    act: str
    words: str


class LooksAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Who looked at a person.

    Parameters
    ----------
    looks
        The latest first.
    """

    looks: list[LookAnswer]


class AuditAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the trail of looks is as it was written.

    Parameters
    ----------
    rows
        Rows that follow on each other.
    head
        SHA-256 over all of them, hexadecimal. Kept elsewhere, it shows that rows were cut off.
    fault
        What is wrong; empty when nothing is.
    """

    rows: int
    head: str
    fault: str


def answer_of(request: Request) -> RightsAnswer:
    """Write a request as an answer."""
    return RightsAnswer(
        request_id=request.request_id,
        kind=request.kind,
        status=request.status,
        reason=request.reason,
        received_at=format_instant(request.received_at),
        expected_by=format_instant(request.expected_by),
        is_extended=request.is_extended,
        ended_at=None if request.ended_at is None else format_instant(request.ended_at),
        words=request.words,
        details=request.details,
        steps=[
            StepAnswer(
                at=format_instant(step.at_ms), act=step.act, actor=step.actor, words=step.words
            )
            for step in request.steps
        ],
    )


def look_of(look: Look) -> LookAnswer:
    """Write a look as an answer."""
    return LookAnswer(
        at=format_instant(look.at_ms), actor=look.actor, act=look.act, words=look.words
    )
