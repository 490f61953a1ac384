"""What a person permits and why, with all they may ask about it, and the receipts that prove it."""

from typing import Any, Literal

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency

from customering.api.reception import Reception, answered, query_of, whole
from customering.app.consenting import Contradiction, Standpoint, conflicts, permissions
from customering.app.exchanging import given_to
from customering.app.folding import copy_to_history
from customering.app.people import Person
from customering.consent.banners import category_preferences
from customering.consent.collecting import NotKept
from customering.consent.exchange import Given, came_back
from customering.consent.model import Answer, Basis, Reason, ReturnKind
from customering.consent.voices import RESTRICTION_KEY, VoiceKind, standing
from customering.kernel.clock import format_instant
from customering.kernel.errors import Invalid
from customering.web.problems import AnyRequest

_NUMBER_MOST = 999_999_999
_RECEIPT_FORMS = ("receipt", "kantara")


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """What a person gets for a purpose: as promised, and as it came.

    Parameters
    ----------
    gives
        What they get, in words.
    returns
        The kind of it.
    low_minor, high_minor, currency
        What a year of it is usually worth; 0 and empty when nobody estimated it. Minor units.
    method, window
        How it was estimated, and from which data.
    terms_url
        Where the terms are.
    when_withdrawn
        What changes when the permission is taken back.
    offers, used, saved_minor
        What came back in the last 90 days: things done for them, used by them, and money saved.
    words
        The same in a sentence.
    """

    gives: str
    returns: ReturnKind
    low_minor: int
    high_minor: int
    currency: str
    method: str
    window: str
    terms_url: str
    when_withdrawn: str
    offers: int
    used: int
    saved_minor: int
    words: str


class PurposeState(msgspec.Struct, frozen=True, kw_only=True):
    """One purpose as it stands for a person.

    Parameters
    ----------
    key, title, text, basis
        The purpose, in the words people read, and its lawful basis.
    categories, retention, recipients
        Facts it may use, how long, and who else gets them.
    is_profiling, is_third_party, is_ai_training
        What it does.
    can_choose
        Whether it is a matter of choice.
    permitted, reason, words
        Whether it is permitted now, why, and what the person reads about it.
    answer, since
        What they chose themselves, and when; null when they did not. ISO 8601.
    exchange
        What they get for it.
    """

    key: str
    title: str
    text: str
    basis: Basis
    categories: tuple[str, ...]
    retention: str
    recipients: tuple[str, ...]
    is_profiling: bool
    is_third_party: bool
    is_ai_training: bool
    can_choose: bool
    permitted: bool
    reason: Reason
    words: str
    answer: Answer | None
    since: str | None
    exchange: Exchange


class ConflictAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Two things a person told us that cannot both hold.

    Parameters
    ----------
    purpose
        What it is about.
    voice
        What speaks against what they chose.
    wins
        Which of the two holds.
    words
        Both, as the person reads it.
    """

    purpose: str
    voice: str
    wins: Literal["choice", "voice"]
    words: str


class ConsentState(msgspec.Struct, frozen=True, kw_only=True):
    """What a person permits, and why.

    Parameters
    ----------
    person_id
        Who it is.
    as_of
        The instant all of it holds for. ISO 8601.
    purposes
        Every purpose, in the order people are shown them.
    signals, objections, agreements
        What stands beside their choices, each since when. ISO 8601.
    restricted_since
        Since when we may only store; null when we may do more. ISO 8601.
    conflicts
        Where they told us two things that cannot both hold.
    not_recorded
        What is not recorded of them at all, because they do not permit it.
    segment
        The stamp for events of Segment's SDKs: ``context.consent`` of an event.
    """

    person_id: str
    as_of: str
    purposes: list[PurposeState]
    signals: dict[str, str]
    objections: dict[str, str]
    agreements: dict[str, str]
    restricted_since: str | None
    conflicts: list[ConflictAnswer]
    not_recorded: tuple[NotKept, ...]
    segment: dict[str, dict[str, bool]]


class ReceiptItem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a person said about permission.

    Parameters
    ----------
    number
        Ask for the receipt by it.
    receipt_id
        Names the receipt for good.
    said_at
        When. ISO 8601.
    event
        What kind of thing.
    said
        Key to ``allow`` or ``deny``; a voice stands while it is ``deny``.
    """

    number: int
    receipt_id: str
    said_at: str
    event: str
    said: dict[str, str]


class ReceiptList(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a person ever said about permission, the latest first."""

    receipts: list[ReceiptItem]


@get("/v1/people/{who:str}/consent")
async def consent_state(
    request: AnyRequest, reception: NamedDependency[Reception]
) -> Response[bytes]:
    """Read what a person permits, and why."""
    query_of(request, ())
    _, found = await reception.person(request)
    given = await reception.live.in_thread(_given, reception, found)
    return answered(state_of(reception, found, given))


@get("/v1/people/{who:str}/receipts")
async def receipts(request: AnyRequest, reception: NamedDependency[Reception]) -> Response[bytes]:
    """List what a person ever said about permission."""
    query_of(request, ())
    _, found = await reception.person(request)
    lines = await reception.live.in_thread(reception.engine.receipts.of, found.identifiers)
    items = [
        ReceiptItem(
            number=line.seq,
            receipt_id=line.receipt_id,
            said_at=format_instant(line.at_ms),
            event=line.name,
            said=line.said,
        )
        for line in lines
    ]
    return answered(ReceiptList(receipts=items))


@get("/v1/people/{who:str}/receipts/{number:str}")
async def receipt(request: AnyRequest, reception: NamedDependency[Reception]) -> Response[bytes]:
    """Give one receipt, signed."""
    form = query_of(request, ("form",)).get("form", "receipt")
    if form not in _RECEIPT_FORMS:
        raise Invalid(
            "there is no such form - at `?form`", hint=f"forms: {', '.join(_RECEIPT_FORMS)}"
        )
    seq = whole(request.path_params["number"], "number", 0, 0, _NUMBER_MOST)
    _, found = await reception.person(request)
    receipts_of_all = reception.engine.receipts
    if form == "kantara":
        document: dict[str, Any] = await reception.live.in_thread(
            receipts_of_all.kantara, found.identifiers, seq
        )
        return answered(document)
    text = await reception.live.in_thread(receipts_of_all.receipt, found.identifiers, seq)
    name = f'attachment; filename="consent-receipt-{seq}.json"'
    return Response(
        text,
        media_type="application/json",
        headers={"content-disposition": name, "cache-control": "private, no-store"},
    )


handlers = [consent_state, receipts, receipt]


def _given(reception: Reception, found: Person) -> list[Given]:
    """Read what was done for a person; for the thread that reads the history."""
    engine = reception.engine
    copy_to_history(engine.reading_log, engine.history, engine.rules)
    events = engine.history.events_of(found.identifiers)
    return given_to(events, {action.action_id: action for action in engine.actions})


def state_of(reception: Reception, found: Person, given: list[Given]) -> ConsentState:
    """Write what a person permits as an answer."""
    policy, now_ms = reception.engine.consent, found.as_of
    currency = reception.engine.settings.events.default_currency
    restricted = found.consent.get(RESTRICTION_KEY, (0, "allow"))
    return ConsentState(
        person_id=found.person_id,
        as_of=format_instant(now_ms),
        purposes=[
            _purpose(point, given, now_ms, currency) for point in permissions(found, policy, now_ms)
        ],
        signals=_since(found, "signal"),
        objections=_since(found, "objection"),
        agreements=_since(found, "agreement"),
        restricted_since=None if restricted[1] == "allow" else format_instant(restricted[0]),
        conflicts=[_conflict(one) for one in conflicts(found, policy, now_ms)],
        not_recorded=reception.engine.collecting.told(found.identifiers),
        segment={"categoryPreferences": category_preferences(policy, found.consent)},
    )


def _since(found: Person, kind: VoiceKind) -> dict[str, str]:
    return {name: format_instant(at) for name, at in standing(found.consent, kind).items()}


def _conflict(one: Contradiction) -> ConflictAnswer:
    return ConflictAnswer(purpose=one.purpose, voice=one.voice, wins=one.wins, words=one.words)


def _purpose(point: Standpoint, given: list[Given], now_ms: int, currency: str) -> PurposeState:
    purpose, value = point.purpose, point.purpose.value
    back = came_back(given, purpose.key, now_ms, currency=currency)
    return PurposeState(
        key=purpose.key,
        title=purpose.title,
        text=purpose.text,
        basis=purpose.basis,
        categories=purpose.categories,
        retention=purpose.retention,
        recipients=purpose.recipients,
        is_profiling=purpose.is_profiling,
        is_third_party=purpose.is_third_party,
        is_ai_training=purpose.is_ai_training,
        can_choose=point.can_choose,
        permitted=point.is_permitted,
        reason=point.reason,
        words=point.words,
        answer=point.answer,
        since=None if point.since_ms is None else format_instant(point.since_ms),
        exchange=Exchange(
            gives=purpose.gives,
            returns=value.returns,
            low_minor=value.low_minor,
            high_minor=value.high_minor,
            currency=value.currency,
            method=value.method,
            window=value.window,
            terms_url=value.terms_url,
            when_withdrawn=value.when_withdrawn,
            offers=back.offers,
            used=back.used,
            saved_minor=back.saved_minor,
            words=back.words,
        ),
    )
