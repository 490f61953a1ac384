"""What a person says about themselves: what they permit, and how they want to stand with us.

A secret key with the scope ``people`` says it for everybody; a subject token for the person it
names. Both become events of the log, the same that the command line writes.
"""

from typing import Annotated, Literal

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency

from customering.api.idempotency import once
from customering.api.people import Standing, standing_of
from customering.api.reception import Reception, query_of, read_as
from customering.app.people import Person
from customering.app.wishes import Wish, choice, standing
from customering.consent.model import Answer
from customering.kernel.clock import format_instant, parse_instant
from customering.kernel.errors import Invalid
from customering.kernel.ids import stable_id
from customering.web.problems import AnyRequest


class ConsentRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person permits and refuses.

    Parameters
    ----------
    purposes
        Purpose to ``allow`` or ``deny``; a group of purposes may be denied as a whole.
    """

    purposes: Annotated[dict[str, Answer], msgspec.Meta(min_length=1, max_length=200)]


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What a person chose for one purpose.

    Parameters
    ----------
    answer
        What they said.
    since
        When. ISO 8601.
    """

    answer: Answer
    since: str


class ConsentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a person permits now.

    Parameters
    ----------
    person_id
        Who it is.
    chosen
        Their own choices by purpose.
    refused_purposes
        Purposes whose traits are not computed any more.
    """

    person_id: str
    chosen: dict[str, Choice]
    refused_purposes: tuple[str, ...]


class StatusRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a person wants to stand with us.

    Parameters
    ----------
    status
        ``none`` takes back what they set before.
    until
        When it ends; null leaves it open. ISO 8601.
    """

    status: Literal["on_a_break", "not_that_into_you", "none"]
    until: Annotated[str, msgspec.Meta(max_length=40)] | None = None


class StatusAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How we stand now.

    Parameters
    ----------
    person_id
        Who it is.
    status
        How we stand.
    """

    person_id: str
    status: Standing


@post("/v1/people/{who:str}/consent")
async def consent(request: AnyRequest, reception: NamedDependency[Reception]) -> Response[bytes]:
    """Keep what a person permits; it takes effect at once."""
    query_of(request, ())
    caller, found = await reception.person(request)
    body = await reception.body(request)
    asked = read_as(body, ConsentRequest)

    async def act(mark: str) -> ConsentAnswer:
        after = await _say(reception, choice(found, asked.purposes, reception.engine.consent), mark)
        return ConsentAnswer(
            person_id=after.person_id,
            chosen={
                purpose: Choice(answer=answer, since=format_instant(at_ms))
                for purpose, (at_ms, answer) in sorted(after.consent.items())
            },
            refused_purposes=after.refused,
        )

    return await once(reception.entrance, request, caller, body, act)


@post("/v1/people/{who:str}/status")
async def status(request: AnyRequest, reception: NamedDependency[Reception]) -> Response[bytes]:
    """Keep how a person wants to stand with us; it wins over what is observed."""
    query_of(request, ())
    caller, found = await reception.person(request)
    body = await reception.body(request)
    asked = read_as(body, StatusRequest)
    until_ms = None if asked.until is None else _instant(asked.until)

    async def act(mark: str) -> StatusAnswer:
        wish = standing(found, asked.status, reception.live.present, until_ms)
        after = await _say(reception, wish, mark)
        return StatusAnswer(person_id=after.person_id, status=standing_of(after.status, caller))

    return await once(reception.entrance, request, caller, body, act)


handlers = [consent, status]


async def _say(reception: Reception, wish: Wish, mark: str) -> Person:
    """Append what somebody said, and read them again."""
    live = reception.live
    event = reception.engine.own_event(
        wish.name,
        wish.identifiers,
        wish.properties,
        event_id=stable_id("evt", wish.name, *wish.identifiers, mark),
        occurred_at=live.present,
    )
    await live.append([event])
    return live.person(wish.identifiers[0])


def _instant(text: str) -> int:
    try:
        return parse_instant(text)
    except (ValueError, OverflowError) as error:
        raise Invalid(
            "until is no instant - at `$.until`", hint="write it as 2027-02-01T00:00:00Z"
        ) from error
