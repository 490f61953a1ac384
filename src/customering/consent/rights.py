"""What a person may ask of us, and how far each request is: one state machine for all of them.

The kinds are the rights of the General Data Protection Regulation, articles 15 to 22; the states
and reasons are those of the Data Rights Protocol 1.0. The answer is due one calendar month after
the request came, and two months later when it was extended with a reason (article 12(3)).
"""

import calendar
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from msgspec import field
from msgspec.structs import replace

from customering.consent.rights_scope import Scope, scope_of
from customering.consent.rights_settings import RightsSettings as RightsSettings
from customering.kernel.clock import MS_PER_DAY
from customering.kernel.errors import Invalid, Refused
from customering.kernel.records import Record

Kind = Literal["access", "rectify", "erase", "restrict", "object", "port", "human_review"]
Status = Literal["open", "in_progress", "fulfilled", "revoked", "denied", "expired"]
Act = Literal["begin", "verify", "fulfil", "deny", "extend", "revoke", "expire"]

Again = Literal["new", "never"]
"""What a later event of an erased identifier is: a new beginning, or refused for good."""

KINDS: dict[Kind, str] = {
    "access": "See what is known, and why (article 15)",
    "rectify": "Correct what is known (article 16)",
    "erase": "Erase what is known (article 17)",
    "restrict": "Store it and do nothing else with it (article 18)",
    "port": "Take it along (article 20)",
    "object": "Stop using it for a purpose (article 21)",
    "human_review": "Have a person look at a decision (article 22)",
}
"""Every kind of request, and what it asks for."""

DENIALS: dict[str, str] = {
    "suspected_fraud": "we have reason to believe that somebody else asks",
    "insuf_verification": "we could not tell that it is you who asks",
    "no_match": "we know nothing of the person named",
    "claim_not_covered": "the right does not reach that far",
    "outside_jurisdiction": "the law named does not hold here",
    "too_many_requests": "the same was asked too often in a short time",
    "other": "for the reason given",
}
"""Why a request may be denied, in the words of the Data Rights Protocol 1.0 and in plain ones."""

NEED_VERIFICATION = "need_user_verification"
_ANSWER_MONTHS, _EXTENDED_MONTHS = 1, 3
_NEXT: dict[Act, Status | None] = {
    "begin": "in_progress",
    "verify": "in_progress",
    "fulfil": "fulfilled",
    "deny": "denied",
    "extend": None,
    "revoke": "revoked",
    "expire": "expired",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Step(Record, frozen=True, kw_only=True):
    """One thing that was done about a request.

    Parameters
    ----------
    at_ms
        When. Milliseconds since 1970.
    act
        What.
    actor
        Who did it: ``person``, ``operator``, or a key by its id.
    words
        What was said about it.
    """

    at_ms: int
    act: str
    actor: str
    words: str = ""


class Request(Record, frozen=True, kw_only=True):
    """One request of one person; it names nobody.

    Parameters
    ----------
    request_id
        Its id.
    kind
        What is asked for.
    status, reason
        How far it is, and why it is denied or what it waits for.
    received_at, expected_by
        When it came, and when the answer is due. Milliseconds since 1970.
    is_extended
        Whether the answer was put off.
    ended_at
        When it ended; None while it has not. Milliseconds since 1970.
    words
        What the person said.
    details
        What exactly is asked for, such as the facts to correct or the purpose to object to.
    subjects
        Keyed hashes of the person's identifiers, hexadecimal.
    steps
        Everything that was done about it, in order.
    """

    request_id: str
    kind: Kind
    status: Status = "open"
    reason: str = ""
    received_at: int
    expected_by: int
    is_extended: bool = False
    ended_at: int | None = None
    words: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    subjects: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def has_ended(self) -> bool:
        """Whether nothing can be done about it any more."""
        return self.ended_at is not None

    @property
    def scope(self) -> Scope:
        """What a request to erase is about.

        Raises
        ------
        Invalid
            When its details do not say what is meant.
        """
        return scope_of(self.details.get("scope") or {})


class Reminder(Record, frozen=True, kw_only=True):
    """Says that an answer is due.

    Parameters
    ----------
    request_id, kind
        Of the request.
    days_left
        Whole days until it is due; negative when it is overdue.
    """

    request_id: str
    kind: Kind
    days_left: int


class Look(Record, frozen=True, kw_only=True):
    """One thing somebody did with what is known of a person.

    Parameters
    ----------
    at_ms
        When. Milliseconds since 1970.
    actor
        Who: ``person``, ``operator``, or a key by its id.
    act
        What, such as ``read``, ``export``, ``erase``.
    words
        More about it, without personal data.
    purposes, profiles
        Of an act on many people, ``many``: what they had to permit, and how many identifiers that
        events are filed under it reached; None where nobody counted.
    members
        Of such an act, the SHA-256 over the keyed hashes of those it reached, hexadecimal; empty
        where they were too many to be kept.
    """

    at_ms: int
    actor: str
    act: str
    words: str = ""
    purposes: tuple[str, ...] = ()
    profiles: int | None = None
    members: str = ""


def opened(
    request_id: str,
    kind: str,
    *,
    now_ms: int,
    actor: str,
    words: str = "",
    details: dict[str, Any] | None = None,
    subjects: tuple[str, ...] = (),
) -> Request:
    """Make a request that has just come.

    Raises
    ------
    Invalid
        When there is no such kind, or what is to be erased is not said rightly.

    Examples
    --------
    >>> from customering.kernel.clock import format_instant, parse_instant
    >>> came = parse_instant("2026-01-31T10:00:00Z")
    >>> format_instant(opened("req_1", "access", now_ms=came, actor="person").expected_by)
    '2026-02-28T10:00:00.000Z'
    """
    known = next((one for one in KINDS if one == kind), None)
    if known is None:
        raise Invalid(f"there is no right {kind!r}", hint=f"rights: {', '.join(KINDS)}")
    made = Request(
        request_id=request_id,
        kind=known,
        received_at=now_ms,
        expected_by=months_after(now_ms, _ANSWER_MONTHS),
        words=words,
        details=details or {},
        subjects=subjects,
        steps=(Step(at_ms=now_ms, act="open", actor=actor, words=words),),
    )
    if known == "erase":
        _ = made.scope  # says so now when nobody could tell what is to be erased
    return made


def moved(
    request: Request, act: Act, *, now_ms: int, actor: str, reason: str = "", words: str = ""
) -> Request:
    """Do something about a request.

    Parameters
    ----------
    reason
        For a denial, one of `DENIALS`.
    words
        What is said about it; a denial for ``other`` reasons and an extension need some.

    Raises
    ------
    Refused
        When the request has ended, or was extended already.
    Invalid
        When a reason is missing or unknown.
    """
    if act not in _NEXT:
        raise Invalid(f"a request cannot be {act!r}", hint=f"acts: {', '.join(_NEXT)}")
    if request.has_ended:
        raise Refused(
            f"this request has ended: it is {request.status}", hint="open a new one if need be"
        )
    if act == "deny" and reason not in DENIALS:
        raise Invalid("a denial needs a reason", hint=f"reasons: {', '.join(DENIALS)}")
    if (act == "extend" or reason == "other") and not words:
        raise Invalid("the person is owed a reason in words", hint="say it in words")
    step = Step(at_ms=now_ms, act=act, actor=actor, words=words)
    changed = replace(request, steps=(*request.steps, step))
    if act == "extend":
        return _extended(changed)
    status = _NEXT[act] or request.status
    has_ended = status not in ("open", "in_progress")
    return replace(
        changed,
        status=status,
        reason=NEED_VERIFICATION if act == "verify" else reason,
        ended_at=now_ms if has_ended else None,
    )


def _extended(request: Request) -> Request:
    if request.is_extended:
        raise Refused(
            "the answer was put off once already", hint="the law allows it once, by two months"
        )
    return replace(
        request,
        is_extended=True,
        expected_by=months_after(request.received_at, _EXTENDED_MONTHS),
    )


def days_left(request: Request, now_ms: int) -> int | None:
    """Give the whole days until the answer is due, negative when it is overdue; None at its end."""
    if request.has_ended:
        return None
    return (request.expected_by - now_ms) // MS_PER_DAY


def reminder(request: Request, settings: RightsSettings, now_ms: int) -> Reminder | None:
    """Say that an answer is due soon or overdue; None when it is neither."""
    left = days_left(request, now_ms)
    if left is None or left > max(settings.remind_days, default=0):
        return None
    return Reminder(request_id=request.request_id, kind=request.kind, days_left=left)


def due(requests: Iterable[Request], settings: RightsSettings, now_ms: int) -> list[Reminder]:
    """Give which answers are due soon or overdue, the most urgent first."""
    found = (reminder(one, settings, now_ms) for one in requests)
    return sorted(filter(None, found), key=lambda one: one.days_left)


def reminding(requests: Iterable[Request], settings: RightsSettings, now_ms: int) -> Iterator[str]:
    """Say of the requests to be reminded of today how long there is; to be asked once a day."""
    for one in due(requests, settings, now_ms):
        what = f"the answer to the request {one.request_id} ({one.kind})"
        if one.days_left < 0:
            yield f"{what} is overdue by {-one.days_left} days"
        elif one.days_left == 0 or one.days_left in settings.remind_days:
            yield f"{what} is due in {one.days_left} days"


def months_after(instant_ms: int, months: int) -> int:
    """Give the same day and time some months later; the last day of a month too short for it.

    Examples
    --------
    >>> months_after(0, 1) // 86_400_000
    31
    """
    moment = _EPOCH + timedelta(milliseconds=instant_ms)
    year, month = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + year, month + 1
    day = min(moment.day, calendar.monthrange(year, month)[1])
    return (moment.replace(year=year, month=month, day=day) - _EPOCH) // timedelta(milliseconds=1)
