"""The calls both clients make: what is sent, and how the answer is read. No network in here."""

import random
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from customering.client.errors import ClientError, Rejected, Trouble, error_in, error_of
from customering.client.model import (
    Asked,
    Decision,
    Explanation,
    Page,
    Person,
    Pushed,
    Report,
)

BATCH_EVENTS_MOST = 500
BATCH_BYTES_MOST = 400_000  # the server takes 512,000
_WAIT_SECONDS = 0.5
_WAIT_SECONDS_MOST = 30.0
_RETRY_AFTER_SECONDS_MOST = 300.0
_RETRIED = frozenset({429, 500, 502, 503, 504})

T = TypeVar("T")
Identifiers = Mapping[str, str | int]
Event = dict[str, Any]
"""A call in the shape of the Segment spec, ready to be sent."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request and how its answer is read.

    Parameters
    ----------
    method, path
        Where it goes.
    body
        What is sent; None for nothing.
    kind
        What the answer is read as.
    """

    method: str
    path: str
    body: Any
    kind: type[T]

    @property
    def content(self) -> bytes | None:
        """The body as JSON."""
        return None if self.body is None else msgspec.json.encode(self.body)

    def read(self, body: bytes) -> T:
        """Read the answer.

        Raises
        ------
        Trouble
            When it is not what this client understands.
        """
        try:
            return msgspec.json.decode(body, type=self.kind)
        except ValueError as error:
            raise Trouble(
                "the answer cannot be read", hint="is this address a customering server?"
            ) from error


class _Result(msgspec.Struct, frozen=True):
    decision: Decision | None = None
    event_id: str = ""
    problem: dict[str, Any] | None = None


class Results(msgspec.Struct, frozen=True):
    """What became of each of many questions or reports."""

    results: tuple[_Result, ...]


class Taken(msgspec.Struct, frozen=True):
    """The event in which an outcome is kept."""

    event_id: str


def event(
    kind: str,
    *,
    user_id: str | int | None = None,
    anonymous_id: str | None = None,
    identifiers: Identifiers | None = None,
    at: datetime | str | None = None,
    message_id: str | None = None,
    context: Mapping[str, Any] | None = None,
    **said: Any,
) -> Event:
    """Make an event to be sent, alone or in a batch.

    Parameters
    ----------
    kind
        ``track``, ``identify``, ``page``, ``screen``, ``group`` or ``alias``.
    user_id, anonymous_id, identifiers
        Who it is about; at least one of them. Other types of identifiers by name, such as
        ``{"loyalty_card": "1029"}``.
    at
        When it happened; now when it is left out. A datetime without a zone is taken as UTC.
    message_id
        Its id, by which it counts once however often it is sent; made up when it is left out.
    context
        The circumstances.
    said
        What belongs to the kind: ``event`` and ``properties``, or ``traits``, and so on.

    Raises
    ------
    Rejected
        When nobody is named.
    """
    if user_id is None and anonymous_id is None and not identifiers:
        raise Rejected("nobody is named", hint="give a user_id, an anonymous_id or identifiers")
    given = {
        "userId": None if user_id is None else str(user_id),
        "anonymousId": anonymous_id,
        "identifiers": dict(identifiers) if identifiers else None,
        "context": dict(context) if context else None,
        **said,
    }
    return {
        "type": kind,
        "messageId": message_id or str(uuid.uuid4()),
        "timestamp": instant(datetime.now(UTC) if at is None else at),
        **{name: value for name, value in given.items() if value is not None},
    }


def instant(at: datetime | str) -> str:
    """Write an instant as ISO 8601."""
    if isinstance(at, str):
        return at
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()


def batches(events: Iterable[Event]) -> Iterator[Call[dict[str, Any]]]:
    """Give the calls that send events, in order, each small enough for the server."""
    waiting: list[msgspec.Raw] = []
    size = 0
    for one in events:
        text = msgspec.json.encode(one)
        if waiting and (len(waiting) >= BATCH_EVENTS_MOST or size + len(text) > BATCH_BYTES_MOST):
            yield Call("POST", "/v1/batch", {"batch": waiting}, dict[str, Any])
            waiting, size = [], 0
        waiting.append(msgspec.Raw(text))
        size += len(text) + 1
    if waiting:
        yield Call("POST", "/v1/batch", {"batch": waiting}, dict[str, Any])


def decide(asked: Asked) -> Call[Decision]:
    """Ask what to do."""
    return Call("POST", "/v1/decide", asked, Decision)


def decide_batch(asked: Sequence[Asked]) -> Call[Results]:
    """Ask many questions at once."""
    return Call("POST", "/v1/decide/batch", {"requests": list(asked)}, Results)


def decisions_in(results: Results) -> list[Decision | ClientError]:
    """Give what became of each question."""
    return [
        error_in(one.problem or {}) if one.decision is None else one.decision
        for one in results.results
    ]


def outcome(report: Report) -> Call[Taken]:
    """Tell what came of a decision."""
    return Call("POST", "/v1/outcomes", named(report), Taken)


def outcomes(reports: Sequence[Report]) -> Call[Results]:
    """Tell what came of many decisions."""
    return Call("POST", "/v1/outcomes", [named(report) for report in reports], Results)


def ids_in(results: Results) -> list[str | ClientError]:
    """Give what became of each report."""
    return [
        one.event_id if one.problem is None else error_in(one.problem) for one in results.results
    ]


def named(report: Report) -> Report:
    """Give a report with a message id, so that it counts once when it is sent again."""
    if report.message_id:
        return report
    return msgspec.structs.replace(report, message_id=str(uuid.uuid4()))


def person(name: str) -> Call[Person]:
    """Read one person."""
    return Call("GET", f"/v1/people/{quote(name, safe=':@')}", None, Person)


def timeline(name: str, limit: int, cursor: str | None) -> Call[Page]:
    """Read a part of what happened to one person."""
    asked: dict[str, Any] = {"limit": limit}
    if cursor is not None:
        asked["cursor"] = cursor
    path = f"/v1/people/{quote(name, safe=':@')}/timeline?{urlencode(asked)}"
    return Call("GET", path, None, Page)


def explanation(decision_id: str) -> Call[Explanation]:
    """Read one decision whole."""
    return Call("GET", f"/v1/decisions/{quote(decision_id, safe='')}", None, Explanation)


def wait_before(attempt: int, retry_after: str | None) -> float:
    """Give how many seconds to wait before sending again.

    Parameters
    ----------
    attempt
        How often it was sent already, from 1.
    retry_after
        The header of the answer. It counts, up to five minutes; without one the wait doubles each
        time, up to half a minute, less up to a half by chance so that senders do not all come back
        at once.
    """
    if retry_after is not None and retry_after.strip().isdigit():
        return min(float(retry_after), _RETRY_AFTER_SECONDS_MOST)
    longest = min(_WAIT_SECONDS * 2.0 ** (attempt - 1), _WAIT_SECONDS_MOST)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


def should_retry(status: int) -> bool:
    """Tell whether an answer may be another one when the same is sent again."""
    return status in _RETRIED


def failed(status: int, body: bytes) -> ClientError:
    """Give the error of an answer that is none."""
    return error_of(status, body)


class Messages:
    """Reads server-sent events line by line.

    References
    ----------
    WHATWG, "HTML", section 9.2.6 "Interpreting an event stream".
    """

    def __init__(self) -> None:
        self._fields: dict[str, list[str]] = {}

    def take(self, line: str) -> Pushed | None:
        """Take the next line; a message when it ends one."""
        if line:
            name, _, value = line.partition(":")
            if name:
                self._fields.setdefault(name, []).append(value.removeprefix(" "))
            return None
        fields, self._fields = self._fields, {}
        if "data" not in fields:
            return None
        kind = fields.get("event", ["message"])[-1]
        text = "\n".join(fields["data"]).encode()
        decision = msgspec.json.decode(text, type=Decision) if kind == "decision" else None
        return Pushed(
            kind=kind,
            id=fields.get("id", [""])[-1],
            decision=decision,
            data=msgspec.json.decode(text),
        )
