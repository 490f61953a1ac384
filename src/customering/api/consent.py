"""What a person says about themselves: what they permit, and how they want to stand with us.

A secret key with the scope ``people`` says it for everybody; a subject token for the person it
names. Both become events of the log, the same that the command line writes.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, TypeAlias, TypeVar

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency

from customering.api.idempotency import once
from customering.api.people import Standing, standing_of
from customering.api.reception import Reception, query_of, read_as
from customering.app.consenting import ended_agreement, objection, restriction, signal
from customering.app.people import Person
from customering.app.wishes import Wish, choice, standing
from customering.consent.banners import klaro_choices
from customering.consent.gate import CompiledPolicy
from customering.consent.model import Answer
from customering.consent.voices import choices_of
from customering.kernel.clock import format_instant, parse_instant
from customering.kernel.errors import Invalid
from customering.kernel.ids import stable_id
from customering.web.problems import AnyRequest

_Said = TypeVar("_Said")
_Some: TypeAlias = Annotated[dict[str, _Said], msgspec.Meta(min_length=1, max_length=200)]


class ConsentRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person permits and refuses, and what else they tell us about permission.

    Parameters
    ----------
    purposes
        Purpose to ``allow`` or ``deny``; a group of purposes may be denied as a whole.
    objections
        Purpose, group, or ``*`` for all that is not needed, to ``raise`` or ``withdraw``
        (Art. 21 GDPR).
    restriction
        ``on``: we store their facts and do no more (Art. 18 GDPR); ``off`` takes it back.
    signals
        ``gpc`` or ``gpp`` to ``heed`` or ``ignore`` what the browser says.
    agreements
        Agreement in force to ``end``.
    klaro
        What a banner of Klaro holds, service by service, whose configuration is
        ``/v1/consent/klaro.json``; services of other configurations are left out.
    """

    purposes: _Some[Answer] | msgspec.UnsetType = msgspec.UNSET
    objections: _Some[Literal["raise", "withdraw"]] | msgspec.UnsetType = msgspec.UNSET
    restriction: Literal["on", "off"] | msgspec.UnsetType = msgspec.UNSET
    signals: _Some[Literal["heed", "ignore"]] | msgspec.UnsetType = msgspec.UNSET
    agreements: _Some[Literal["end"]] | msgspec.UnsetType = msgspec.UNSET
    klaro: _Some[bool] | msgspec.UnsetType = msgspec.UNSET


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

    status: Literal[
        "on_a_break", "just_a_transaction", "not_that_into_you", "partner", "left", "none"
    ]
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
        wishes = list(_wishes(asked, found, reception.engine.consent))
        if not wishes:
            raise Invalid("nothing is said - at `$.purposes`", hint="say something of permission")
        after = await _say(reception, wishes, mark)
        return ConsentAnswer(
            person_id=after.person_id,
            chosen={
                purpose: Choice(answer=answer, since=format_instant(at_ms))
                for purpose, (at_ms, answer) in sorted(choices_of(after.consent).items())
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
        after = await _say(reception, [wish], mark)
        return StatusAnswer(person_id=after.person_id, status=standing_of(after.status, caller))

    return await once(reception.entrance, request, caller, body, act)


handlers = [consent, status]


def _wishes(asked: ConsentRequest, found: Person, policy: CompiledPolicy) -> Iterable[Wish]:
    """Give what a person says, one event for each kind of thing."""
    chosen = klaro_choices(asked.klaro or {}, policy) | (asked.purposes or {})
    if chosen:
        yield choice(found, chosen, policy)
    if asked.restriction:
        yield restriction(found, is_on=asked.restriction == "on")
    for key, word in (asked.objections or {}).items():
        yield objection(found, key, policy, is_raised=word == "raise")
    for name, heeded in (asked.signals or {}).items():
        yield signal(found, name, is_on=heeded == "heed")
    for agreement in asked.agreements or {}:
        yield ended_agreement(found, agreement)


async def _say(reception: Reception, wishes: Sequence[Wish], mark: str) -> Person:
    """Append what somebody said, all at once, and read them again."""
    live = reception.live
    await live.append(
        [
            reception.engine.own_event(
                wish.name,
                wish.identifiers,
                wish.properties,
                event_id=stable_id("evt", wish.name, *wish.identifiers, mark, *_keys(wish)),
                occurred_at=live.present,
            )
            for wish in wishes
        ]
    )
    return live.person(wishes[0].identifiers[0])


def _keys(wish: Wish) -> tuple[str, ...]:
    """Give what tells a wish from others of its name in one request: nothing for a choice."""
    keys = wish.properties.get("purposes", {})
    return tuple(sorted(key for key in keys if ":" in key))


def _instant(text: str) -> int:
    try:
        return parse_instant(text)
    except (ValueError, OverflowError) as error:
        raise Invalid(
            "until is no instant - at `$.until`", hint="write it as 2027-02-01T00:00:00Z"
        ) from error
