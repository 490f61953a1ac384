"""What I allow: each purpose in plain words, what comes back for it, and one switch."""

from asyncio import to_thread
from collections.abc import Sequence

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from customering.app.consenting import (
    Standpoint,
    conflicts,
    ended_agreement,
    permissions,
    signal,
)
from customering.app.exchange_rates import Rates
from customering.consent.collecting import NotKept
from customering.consent.exchange import Given
from customering.consent.model import Answer
from customering.consent.receipt import ReceiptLine
from customering.consent.voices import standing
from customering.kernel.clock import parse_instant
from customering.kernel.errors import Invalid
from customering.portal.desk import Desk
from customering.portal.exchanges import (
    ExchangeView,
    HoldoutView,
    exchange_of,
    given_to_person,
    holdout_view,
)
from customering.portal.guest import Visit
from customering.portal.refusing import keep_answers
from customering.web.problems import AnyRequest


class PurposeView(msgspec.Struct, frozen=True, kw_only=True):
    """One purpose, as the person reads it.

    Parameters
    ----------
    key
        Its name.
    title, text, gives
        What it is, and what the person gets for it.
    permitted
        Whether we may, now.
    words
        Why we may or may not.
    answer
        What the person chose; None when they did not.
    since_ms
        When they chose; None when they did not.
    can_choose
        Whether it is a matter of choice.
    is_profiling
        Whether it judges the single person.
    categories, channels
        What it uses, and by what it may reach out.
    retention, recipients
        How long it is kept for, and who gets it.
    exchange
        What comes back for it.
    """

    key: str
    title: str
    text: str
    gives: str
    permitted: bool
    words: str
    answer: Answer | None
    since_ms: int | None
    can_choose: bool
    is_profiling: bool
    categories: tuple[str, ...]
    channels: tuple[str, ...]
    retention: str
    recipients: tuple[str, ...]
    exchange: ExchangeView


class ConflictView(msgspec.Struct, frozen=True, kw_only=True):
    """Two things the person told us that cannot both hold."""

    purpose: str
    words: str
    wins: str


class AllowView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a person may allow.

    Parameters
    ----------
    groups
        Purposes by what they are about, those of choice first.
    allowed, open
        How many matters of choice are allowed, and how many there are.
    conflicts
        What the person said that cannot all hold, and what does.
    signals
        Signals of their browsers that we heed.
    agreements
        Agreements in force.
    not_kept
        What is not recorded of the person, and why.
    holdout
        What people use of what is chosen for them, beside what everybody is given; None where
        there are too few people to tell.
    """

    groups: dict[str, list[PurposeView]]
    allowed: int
    open: int
    conflicts: list[ConflictView]
    signals: tuple[str, ...]
    agreements: tuple[str, ...]
    not_kept: tuple[NotKept, ...]
    holdout: HoldoutView | None


class AgreementView(msgspec.Struct, frozen=True, kw_only=True):
    """One agreement that was reached, with the record that both sides keep.

    Parameters
    ----------
    record_id
        Names the record.
    agreement, title
        Which one it is.
    accepted_at
        When it was accepted. Milliseconds since 1970.
    is_in_force
        Whether it holds now.
    """

    record_id: str
    agreement: str
    title: str
    accepted_at: int
    is_in_force: bool


class ReceiptsView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a person said about permission, each with a receipt; the latest first.

    Parameters
    ----------
    agreements
        The agreements they reached with us, ended ones too.
    receipts
        The receipts.
    titles
        Titles of the purposes they name, by key.
    """

    agreements: list[AgreementView]
    receipts: list[ReceiptLine]
    titles: dict[str, str]


_GROUPS = {"personalize": "you", "profile": "you", "analytics": "you", "research": "you",
           "marketing": "reach", "ads": "others", "share": "others", "train_ai": "others",
           "intent": "want", "cocreate": "want"}  # fmt: skip


@get(["/me/allow", "/me/allow.json"])
async def allow(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Show what is allowed."""
    visit = await desk.visit(request)
    told = request.query_params.get("told", "")[:60]
    given = await desk.live.in_thread(given_to_person, desk.engine, visit.person)
    rates = await desk.exchanges.rates()
    return desk.page(visit, "allow", view_of(desk, visit, given, rates), said=told)


@post("/me/allow")
async def choose(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Keep one or more answers; they hold from the next decision on."""
    visit, form = await desk.act(request)
    answers = form.beginning("purpose.")
    if not answers:
        raise Invalid("no purpose is named", hint="send purpose.marketing.email=deny")
    await keep_answers(desk, visit.person, answers)
    said = "allow.yes" if set(answers.values()) == {"allow"} else "allow.no"
    return desk.done(visit, "/me/allow", said)


@post("/me/allow/nothing")
async def allow_nothing(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Refuse everything that is a matter of choice, in one click."""
    visit, _ = await desk.act(request)
    purposes = desk.engine.consent.purposes
    answers = {key: "deny" for key, one in purposes.items() if not one.is_essential}
    await keep_answers(desk, visit.person, answers)
    return desk.done(visit, "/me/allow", "allow.nothing")


@post("/me/allow/signal")
async def end_signal(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Heed a browser's signal no longer, because the person says so themselves."""
    visit, form = await desk.act(request)
    await desk.say(signal(visit.person, form.text("signal"), is_on=False))
    return desk.done(visit, "/me/allow", "allow.signal")


@post("/me/allow/agreement")
async def end_agreement(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """End an agreement."""
    visit, form = await desk.act(request)
    await desk.say(ended_agreement(visit.person, form.text("agreement")))
    return desk.done(visit, "/me/allow", "allow.agreement")


@get(["/me/receipts", "/me/receipts.json"])
async def receipts(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Show every receipt."""
    visit = await desk.visit(request)
    lines = await to_thread(desk.engine.receipts.of, visit.names)
    named = {key for line in lines for key in line.said}
    purposes = desk.engine.consent.purposes
    titles = {key: purposes[key].title for key in sorted(named) if key in purposes}
    reached = await to_thread(desk.engine.agreements.of, visit.names)
    in_force = standing(visit.person.consent, "agreement")
    view = ReceiptsView(
        agreements=[
            AgreementView(
                record_id=one.record_id,
                agreement=one.agreement,
                title=one.title,
                accepted_at=parse_instant(one.accepted_at),
                is_in_force=one.agreement in in_force,
            )
            for one in reached
        ],
        receipts=lines[::-1],
        titles=titles,
    )
    return desk.page(visit, "receipts", view)


@get("/me/receipts/{number:int}")
async def receipt(
    request: AnyRequest, desk: NamedDependency[Desk], number: FromPath[int]
) -> Response[bytes]:
    """Give one signed receipt to keep; it can be checked without us."""
    visit = await desk.visit(request)
    signed = await to_thread(desk.engine.receipts.receipt, visit.names, number)
    return Response(
        signed,
        media_type="application/json",
        headers={"content-disposition": f'attachment; filename="receipt-{number}.json"'},
    )


@get("/me/agreements/{record_id:str}")
async def agreement(
    request: AnyRequest, desk: NamedDependency[Desk], record_id: FromPath[str]
) -> Response[bytes]:
    """Give the record of an agreement, in the very bytes that both sides keep."""
    visit = await desk.visit(request)
    record = await to_thread(desk.engine.agreements.record, record_id[:100], visit.names)
    return Response(
        record,
        media_type="application/json",
        headers={"content-disposition": 'attachment; filename="agreement.json"'},
    )


handlers = [allow, choose, allow_nothing, end_signal, end_agreement, receipts, receipt, agreement]


def view_of(desk: Desk, visit: Visit, given: Sequence[Given], rates: Rates) -> AllowView:
    """Give what the page tells.

    Parameters
    ----------
    given
        What was done for the person.
    rates
        What usually comes back.
    """
    person, policy, now_ms = visit.person, desk.engine.consent, desk.live.present
    groups: dict[str, list[PurposeView]] = {name: [] for name in ("you", "reach", "want", "others")}
    groups["needed"] = []
    points = permissions(person, policy, now_ms)
    for point in points:
        group = _GROUPS.get(point.purpose.key.partition(".")[0], "others")
        back = exchange_of(point.purpose, given, rates, now_ms, desk.currency)
        groups[group if point.can_choose else "needed"].append(_purpose(point, back))
    chosen = [point for point in points if point.can_choose]
    return AllowView(
        groups={name: some for name, some in groups.items() if some},
        allowed=sum(point.is_permitted for point in chosen),
        open=len(chosen),
        conflicts=[
            ConflictView(purpose=one.purpose, words=one.words, wins=one.wins)
            for one in conflicts(person, policy, now_ms)
        ],
        signals=tuple(standing(person.consent, "signal")),
        agreements=tuple(standing(person.consent, "agreement")),
        not_kept=desk.engine.collecting.told(visit.names),
        holdout=holdout_view(rates.holdout),
    )


def _purpose(point: Standpoint, exchange: ExchangeView) -> PurposeView:
    purpose = point.purpose
    return PurposeView(
        key=purpose.key,
        title=purpose.title,
        text=purpose.text,
        gives=purpose.gives,
        permitted=point.is_permitted,
        words=point.words,
        answer=point.answer,
        since_ms=point.since_ms,
        can_choose=point.can_choose,
        is_profiling=purpose.is_profiling,
        categories=purpose.categories,
        channels=purpose.channels,
        retention=purpose.retention,
        recipients=purpose.recipients,
        exchange=exchange,
    )
