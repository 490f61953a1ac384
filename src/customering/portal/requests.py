"""What a person asked of us and how far it is, and who looked at what is known of them."""

import msgspec

from customering.consent.rights import Request, days_left
from customering.portal.desk import Desk
from customering.portal.guest import Visit

_LOOKS_SHOWN = 30
_TELLINGS_OF = 10
"""Of so many erasures, the latest, it is shown who was told."""


class TellingView(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who got data of the person and was told of a request.

    Parameters
    ----------
    name
        Who.
    status
        How far they are.
    """

    name: str
    status: str


class RequestView(msgspec.Struct, frozen=True, kw_only=True):
    """One request, and how far it is.

    Parameters
    ----------
    request_id, kind, status, reason
        The request.
    category, model, before
        What part an erasure is about: a category, a model, and before which day; empty for all.
    received_at, expected_by, ended_at
        When it came, is to be answered, and was. Milliseconds since 1970.
    days_left
        Whole days until the answer is due, negative when it is overdue; None at its end.
    words
        What the person said.
    can_revoke
        Whether the person may still take it back.
    has_certificate
        Whether there is a signed certificate of it.
    told
        Who else was told of it.
    """

    request_id: str
    kind: str
    status: str
    reason: str
    category: str
    model: str
    before: str
    received_at: int
    expected_by: int | None
    ended_at: int | None
    days_left: int | None
    words: str
    can_revoke: bool
    has_certificate: bool
    told: list[TellingView]


class LookView(msgspec.Struct, frozen=True, kw_only=True):
    """One look at what is known of the person."""

    at_ms: int
    actor: str
    act: str
    words: str


class ManyView(msgspec.Struct, frozen=True, kw_only=True):
    """Something done with the data of many people.

    Parameters
    ----------
    at_ms, words
        When, and what.
    purposes
        Titles of what these people had to permit, by key.
    profiles
        How many profiles; None where nobody counted.
    was_among
        Whether the person was among them; None where that was not kept.
    """

    at_ms: int
    words: str
    purposes: dict[str, str]
    profiles: int | None
    was_among: bool | None


async def requests_of(desk: Desk, visit: Visit) -> list[RequestView]:
    """Give the requests of a person, the latest first."""
    found = await desk.rights.requests_of(visit.session.person)
    erasures = [one.request_id for one in found if one.kind == "erase"][:_TELLINGS_OF]
    told = {name: await desk.rights.told_of(name) for name in erasures}
    now_ms = desk.engine.clock()
    return [
        _request(
            one,
            now_ms,
            [
                TellingView(name=each.name, status=each.status)
                for each in told.get(one.request_id, ())
            ],
        )
        for one in found
    ]


async def looks_at(desk: Desk, visit: Visit) -> list[LookView]:
    """Give who looked at a person, the latest first."""
    looks = await desk.rights.looks_at(visit.session.person, _LOOKS_SHOWN)
    return [
        LookView(at_ms=one.at_ms, actor=one.actor, act=one.act, words=one.words) for one in looks
    ]


async def acts_on_many(desk: Desk, visit: Visit) -> list[ManyView]:
    """Give what was done with the data of many people, the latest first."""
    acts = await desk.rights.acts_on_many(visit.session.person, _LOOKS_SHOWN)
    known = desk.engine.consent.purposes
    return [
        ManyView(
            at_ms=look.at_ms,
            words=look.words,
            purposes={key: known[key].title if key in known else key for key in look.purposes},
            profiles=look.profiles,
            was_among=was_among,
        )
        for look, was_among in acts
    ]


def _request(one: Request, now_ms: int, told: list[TellingView]) -> RequestView:
    scope = one.scope.told()
    return RequestView(
        request_id=one.request_id,
        kind=one.kind,
        status=one.status,
        reason=one.reason,
        category=scope.get("category", ""),
        model=scope.get("model", ""),
        before=scope.get("before", "")[:10],
        received_at=one.received_at,
        expected_by=one.expected_by,
        ended_at=one.ended_at,
        days_left=days_left(one, now_ms),
        words=one.words,
        can_revoke=not one.has_ended and one.kind != "erase",
        has_certificate=one.kind == "erase" and one.status == "fulfilled",
        told=told,
    )
