"""What the doors of rights take and give."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from customering.consent.rights import Kind, Look, Request, Status, days_left
from customering.consent.rights_told import Told, ToldStatus
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


class RecipientAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A business that processes data for you, and how far it is with a request.

    Parameters
    ----------
    recipient
        What it is called.
    status
        ``waiting`` until it was reached, then its own word: ``pending``, ``in_progress``,
        ``completed``, ``cancelled``; ``nothing`` when it knows nobody of that name, ``given_up``
        when it could not be reached.
    told_at, ended_at
        When it took the request in, and when it ended; null while it has not. ISO 8601.
    results_url
        Where it says that its answer to a request for access is; empty otherwise.
    words
        Why the last try failed; empty otherwise.
    """

    recipient: str
    status: ToldStatus
    told_at: str | None
    ended_at: str | None
    results_url: str
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
    days_left
        Whole days until the answer is due, negative when it is overdue; null when it has ended.
    recipients
        Who else was told of it; only where one request is read.
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
    days_left: int | None
    recipients: list[RecipientAnswer]


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


class ManyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One act on the data of many people.

    Parameters
    ----------
    at
        When. ISO 8601.
    actor, words
        Who, and what they did.
    purposes
        What people had to permit for it.
    profiles
        How many identifiers that events are filed under it reached; null where nobody counted.
    was_among_them
        Whether this person was reached; null where that was not kept, because it reached too many.
    """

    at: str
    actor: str
    words: str
    purposes: list[str]
    profiles: int | None
    was_among_them: bool | None


class LooksAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Who looked at a person.

    Parameters
    ----------
    looks
        The latest first.
    many
        Acts on the data of many people, the latest first.
    """

    looks: list[LookAnswer]
    many: list[ManyAnswer]


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


def answer_of(request: Request, now_ms: int, told: Sequence[Told] = ()) -> RightsAnswer:
    """Write a request, and who else was told of it, as an answer."""
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
        days_left=days_left(request, now_ms),
        recipients=[
            RecipientAnswer(
                recipient=one.name or one.recipient,
                status=one.status,
                told_at=None if one.told_at is None else format_instant(one.told_at),
                ended_at=None if one.ended_at is None else format_instant(one.ended_at),
                results_url=one.results_url,
                words=one.words,
            )
            for one in told
        ],
    )


def many_of(look: Look, was_in: bool | None) -> ManyAnswer:
    """Write an act on many people as an answer about one of them."""
    return ManyAnswer(
        at=format_instant(look.at_ms),
        actor=look.actor,
        words=look.words,
        purposes=list(look.purposes),
        profiles=look.profiles,
        was_among_them=was_in,
    )


def look_of(look: Look) -> LookAnswer:
    """Write a look as an answer."""
    return LookAnswer(
        at=format_instant(look.at_ms), actor=look.actor, act=look.act, words=look.words
    )
