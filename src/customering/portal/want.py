"""What I want: an intent is stated on the person's terms, watched, and taken back."""

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from customering.app.portal_reading import read_decisions
from customering.app.wishes import Wish, choice
from customering.decision.model import Decision
from customering.events.model import FACT_CORRECTED
from customering.kernel.clock import MS_PER_DAY, format_instant, parse_instant
from customering.kernel.errors import Absent, Invalid
from customering.kernel.ids import stable_id
from customering.kernel.money import to_minor
from customering.portal.desk import Desk
from customering.portal.forms import Form
from customering.portal.guest import Visit
from customering.portal.pages import as_json
from customering.portal.why import about
from customering.taste.intents import (
    INTENT_PREFIX,
    INTENT_PURPOSE,
    Intent,
    demand_of,
    live_intents,
    read_intent,
)
from customering.web.problems import AnyRequest

_LIVE_MOST = 20
_DAYS_MAX = 366
_DAYS_USUAL = 30
_ANSWERS_SHOWN = 6
_DECISIONS_LOOKED_AT = 50
_BUDGET_MAX = 10**9
_CATEGORIES_MOST = 200


class AnswerView(msgspec.Struct, frozen=True, kw_only=True):
    """One thing we showed that fits an intent."""

    decision_id: str
    title: str
    words: str
    decided_at: int


class IntentView(msgspec.Struct, frozen=True, kw_only=True):
    """One intent.

    Parameters
    ----------
    intent
        What was stated.
    demand
        The same as schema.org has it.
    answers
        What we showed since that fits it.
    """

    intent: Intent
    demand: dict[str, Any]
    answers: list[AnswerView]


class WantView(msgspec.Struct, frozen=True, kw_only=True):
    """What a person looks for.

    Parameters
    ----------
    live
        What holds now, the latest first.
    categories
        Categories of the shop to choose from.
    currency
        Of budgets.
    may_answer
        Whether the person permits us to use what they state.
    first_end, last_end, usual_end
        Days on which an intent may end.
    """

    live: list[IntentView]
    categories: tuple[str, ...]
    currency: str
    may_answer: bool
    first_end: str
    last_end: str
    usual_end: str


@get(["/me/want", "/me/want.json"])
async def want(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Show what the person looks for, and who answered."""
    visit = await desk.visit(request)
    said = visit.person.values["declared"]
    live = live_intents(said, desk.live.present)
    made: Sequence[Decision] = ()
    if live:
        await desk.live.append([])
        found = await desk.live.in_thread(
            read_decisions, desk.engine, visit.names, None, _DECISIONS_LOOKED_AT
        )
        made = found.decisions
    view = _view(desk, visit, live, made)
    return desk.page(visit, "want", view, said=request.query_params.get("told", "")[:60])


@post("/me/want")
async def cast(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Keep what the person looks for, and that we may use it to answer, and for nothing else."""
    visit, form = await desk.act(request)
    now_ms = desk.live.present
    if len(live_intents(visit.person.values["declared"], now_ms)) >= _LIVE_MOST:
        raise Invalid(f"there are {_LIVE_MOST} already", hint="withdraw one first")
    intent = intent_of(form, now_ms, desk.engine.settings.events.default_currency,
                       desk.sessions.new_token())  # fmt: skip
    await desk.say(choice(visit.person, {INTENT_PURPOSE: "allow"}, desk.engine.consent))
    fact = msgspec.to_builtins(intent)
    facts = {f"{INTENT_PREFIX}{intent.intent_id}": fact}
    await desk.say(Wish(FACT_CORRECTED, visit.names[:1], {"facts": facts}))
    return desk.done(visit, "/me/want", "want.cast")


@post("/me/want/withdraw")
async def withdraw(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Take an intent back; nothing is weighed by it from now on."""
    visit, form = await desk.act(request)
    name = _theirs(visit, form.text("intent_id"))
    await desk.say(Wish(FACT_CORRECTED, visit.names[:1], {"facts": {name: None}}))
    return desk.done(visit, "/me/want", "want.withdrawn")


@get("/me/want/{intent_id:str}")
async def demand(
    request: AnyRequest, desk: NamedDependency[Desk], intent_id: FromPath[str]
) -> Response[bytes]:
    """Give an intent as JSON-LD, to take elsewhere; nothing of the person is in it."""
    visit = await desk.visit(request)
    name = _theirs(visit, intent_id.removesuffix(".jsonld"))
    intent = read_intent(visit.person.values["declared"][name])
    assert intent is not None, "it was read before"
    answer = as_json(demand_of(intent))
    answer.media_type = "application/ld+json"
    answer.headers["content-disposition"] = f'attachment; filename="{intent.intent_id}.jsonld"'
    return answer


handlers = [want, cast, withdraw, demand]


def intent_of(form: Form, now_ms: int, currency: str, chance: str) -> Intent:
    """Read an intent from a form.

    Raises
    ------
    Invalid
        When something of it cannot be read, or makes no sense.
    """
    expires_at = _day_end(form.text("until")) or now_ms + _DAYS_USUAL * MS_PER_DAY
    if not now_ms < expires_at <= now_ms + (_DAYS_MAX + 1) * MS_PER_DAY:
        raise Invalid("it would end too early or too late", hint="name a day of the next year")
    told = {
        "intent_id": stable_id("int", chance),
        "what": form.text("what"),
        "category": form.text("category"),
        "must": _lines(form.text("must", most=1_000)),
        "nice": _lines(form.text("nice", most=1_000)),
        "budget_from_minor": _amount(form.text("budget_from"), currency),
        "budget_to_minor": _amount(form.text("budget_to"), currency),
        "currency": currency,
        "where": form.text("where"),
        "begins_at": _day_start(form.text("begins")),
        "ends_at": _day_end(form.text("ends")),
        "anonymity": form.text("anonymity") or "hidden",
        "cast_at": now_ms,
        "expires_at": expires_at,
    }
    try:
        intent = msgspec.convert(told, type=Intent)
    except msgspec.ValidationError as error:
        raise Invalid(str(error), hint="say what you look for in a few words") from error
    low, high = intent.budget_from_minor, intent.budget_to_minor
    if low is not None and high is not None and low > high:
        raise Invalid("the budget begins above its end", hint="the smaller sum comes first")
    if None not in (intent.begins_at, intent.ends_at) and intent.begins_at >= intent.ends_at:  # type: ignore[operator]
        raise Invalid("it would be needed until before it is", hint="the earlier day comes first")
    return intent


def _view(desk: Desk, visit: Visit, live: Sequence[Intent], made: Sequence[Decision]) -> WantView:
    now_ms = desk.live.present
    policy = desk.engine.consent
    items = desk.engine.models.items.values()
    named = {category for one in desk.engine.actions for category in one.categories}
    known = sorted({item.category for item in items if item.category} | named)[:_CATEGORIES_MOST]
    return WantView(
        live=[
            IntentView(intent=one, demand=demand_of(one), answers=_answers(desk, one, made))
            for one in live
        ],
        categories=tuple(known),
        currency=desk.engine.settings.events.default_currency,
        may_answer=policy.allows(policy.mask(visit.person.consent), INTENT_PURPOSE),
        first_end=_day(now_ms),
        last_end=_day(now_ms + _DAYS_MAX * MS_PER_DAY),
        usual_end=_day(now_ms + _DAYS_USUAL * MS_PER_DAY),
    )


def _answers(desk: Desk, intent: Intent, made: Sequence[Decision]) -> list[AnswerView]:
    """Give what was chosen for the person since they stated it, and fits it, the newest first."""
    found: dict[str, AnswerView] = {}
    for decision in made:
        if decision.decided_at < intent.cast_at:
            break
        for pick in decision.picks:
            categories = about(desk, decision, pick.action_id) or ("",)
            is_answer = any(intent.fits(category, pick.title) for category in categories)
            if is_answer and pick.action_id not in found:
                found[pick.action_id] = AnswerView(
                    decision_id=decision.decision_id,
                    title=pick.title,
                    words=pick.words,
                    decided_at=decision.decided_at,
                )
    return list(found.values())[:_ANSWERS_SHOWN]


def _theirs(visit: Visit, intent_id: str) -> str:
    """Give the name of the fact of an intent of this person.

    Raises
    ------
    Absent
        When they have none of this id.
    """
    name = f"{INTENT_PREFIX}{intent_id}"
    fact = visit.person.values["declared"].get(name)
    if read_intent(fact) is None:
        raise Absent("there is no such wish", hint="load the page again")
    return name


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.replace(",", "\n").splitlines() if line.strip()]


def _amount(text: str, currency: str) -> int | None:
    if not text:
        return None
    plain = text.replace(" ", "").replace(",", ".")
    is_amount = plain.isascii() and plain.replace(".", "", 1).isdigit() and len(plain) <= 12
    if not is_amount or float(plain) > _BUDGET_MAX:
        raise Invalid(
            "a sum of the budget cannot be read", hint="write digits, such as 120 or 79.90"
        )
    return to_minor(plain, currency)


def _day(instant_ms: int) -> str:
    return format_instant(instant_ms)[:10]


def _day_start(text: str) -> int | None:
    """Read a day as its first instant; None where none is written.

    Raises
    ------
    Invalid
        When it is no day.
    """
    if not text:
        return None
    try:
        instant_ms = parse_instant(text)
    except (ValueError, OverflowError) as error:
        raise Invalid("this is no day", hint="such as 2027-02-01") from error
    if instant_ms % MS_PER_DAY or not 0 < instant_ms < 4_102_444_800_000:
        raise Invalid("this is no day", hint="such as 2027-02-01")
    return instant_ms


def _day_end(text: str) -> int | None:
    start = _day_start(text)
    return None if start is None else start + MS_PER_DAY
