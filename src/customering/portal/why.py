"""Why this? Each thing shown or sent, in words; with more of it, none of it, or a human."""

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec.structs import replace

from customering.app.attributing import find_decision
from customering.app.portal_reading import read_decisions
from customering.app.timeline import read_cursor, write_cursor
from customering.app.wishes import Wish
from customering.decision.model import LEAVE_ALONE, Considered, Decision
from customering.decision.record import decision_of
from customering.events.model import FACT_CORRECTED
from customering.kernel.errors import Absent, Invalid
from customering.outcomes.model import ACTION_DISMISSED
from customering.portal.desk import Desk
from customering.portal.guest import Visit
from customering.taste.intents import MORE_LIKE_THIS_FACT
from customering.web.problems import AnyRequest

BECAUSES = ("not_mine", "have_it", "too_often", "too_dear", "not_good", "other")
"""Why a person may say no to something."""

_DECISIONS_A_PAGE = 12
_MORE_MOST = 100
_LOST_SHOWN = 40


class ShownView(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was shown or sent.

    Parameters
    ----------
    decision_id, action_id
        What it was.
    title, kind
        What it is called, and what sort of act it is.
    words
        Why.
    placement, channel
        Where, or by what.
    decided_at
        When. Milliseconds since 1970.
    times
        How often it was shown on this page of them.
    is_dismissed
        Whether the person said no to it.
    is_more
        Whether they asked for more of it.
    """

    decision_id: str
    action_id: str
    title: str
    kind: str
    words: str
    placement: str
    channel: str
    decided_at: int
    is_dismissed: bool
    is_more: bool
    times: int = 1


class WhyView(msgspec.Struct, frozen=True, kw_only=True):
    """What was shown or sent lately.

    Parameters
    ----------
    shown
        Newest first.
    alone
        How often on this page the person was left alone.
    next
        Leads to what was before.
    becauses
        Reasons to choose from for a no.
    """

    shown: list[ShownView]
    alone: int
    next: str | None
    becauses: tuple[str, ...] = BECAUSES


class LostView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that came into question and was not chosen, and why."""

    title: str
    kind: str
    lost: str
    words: str


class DecisionView(msgspec.Struct, frozen=True, kw_only=True):
    """One decision, whole.

    Parameters
    ----------
    decision_id, placement, channel, decided_at, choice
        The decision.
    reasons
        What is told of it as a whole.
    shown
        What was chosen.
    lost
        What was not, and why; the first of them.
    lost_count
        How many there were.
    """

    decision_id: str
    placement: str
    channel: str
    decided_at: int
    choice: str
    reasons: tuple[str, ...]
    shown: list[ShownView]
    lost: list[LostView]
    lost_count: int
    becauses: tuple[str, ...] = BECAUSES


@get(["/me/why", "/me/why.json"])
async def why(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Show what was shown or sent, and why."""
    visit = await desk.visit(request)
    cursor = request.query_params.get("after", "")
    after = read_cursor(cursor) if cursor else None
    await desk.live.append([])  # whatever was decided before this is in the log when it returns
    found = await desk.live.in_thread(
        read_decisions, desk.engine, visit.names, after, _DECISIONS_A_PAGE
    )
    shown = _once([one for made in found.decisions for one in _shown(desk, visit, made)])
    view = WhyView(
        shown=shown,
        alone=sum(decision.chosen[:1] == (LEAVE_ALONE,) for decision in found.decisions),
        next=None if found.last is None else write_cursor(found.last),
    )
    return desk.page(visit, "why", view, said=request.query_params.get("told", "")[:60])


@get("/me/why/{decision_id:str}")
async def one_decision(
    request: AnyRequest, desk: NamedDependency[Desk], decision_id: FromPath[str]
) -> Response[bytes]:
    """Show one decision whole: also what was not chosen, and why."""
    visit = await desk.visit(request)
    decision = await _theirs(desk, visit, decision_id.removesuffix(".json"))
    lost = [one for one in decision.candidates if one.lost is not None]
    view = DecisionView(
        decision_id=decision.decision_id,
        placement=decision.placement,
        channel=decision.channel,
        decided_at=decision.decided_at,
        choice=decision.choice,
        reasons=decision.reasons,
        shown=_shown(desk, visit, decision),
        lost=[_lost(one) for one in lost if one.action_id != LEAVE_ALONE][:_LOST_SHOWN],
        lost_count=len(lost),
    )
    return desk.page(visit, "decision", view)


@post("/me/why/more")
async def more(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Keep that the person wants more like this."""
    visit, form = await desk.act(request)
    decision = await _theirs(desk, visit, form.text("decision_id"))
    action_id = _chosen(decision, form.text("action_id"))
    kept = dict(_more(visit))
    for name in about(desk, decision, action_id):
        kept[name] = desk.live.present
    newest = dict(sorted(kept.items(), key=lambda item: -item[1])[:_MORE_MOST])
    await desk.say(Wish(FACT_CORRECTED, visit.names[:1], {"facts": {MORE_LIKE_THIS_FACT: newest}}))
    return desk.done(visit, "/me/why", "why.more")


@post("/me/why/not-this")
async def not_this(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Keep that the person does not want this; it rests from the next decision on."""
    visit, form = await desk.act(request)
    decision = await _theirs(desk, visit, form.text("decision_id"))
    action_id = _chosen(decision, form.text("action_id"))
    because, own = form.text("because"), form.text("words", most=500)
    if because and because not in BECAUSES:
        raise Invalid("there is no such reason", hint=f"one of {', '.join(BECAUSES)}")
    told = {
        "decision_id": decision.decision_id,
        "action_id": action_id,
        "placement": decision.placement,
        "because": own or because,
    }
    told = {name: value for name, value in told.items() if value}
    await desk.note(ACTION_DISMISSED, visit.names[:1], told)
    await _take_back_more(desk, visit, decision, action_id)
    return desk.done(visit, "/me/why", "why.not_this")


@post("/me/why/human")
async def ask_human(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Ask a human to look at a decision."""
    visit, form = await desk.act(request)
    decision = await _theirs(desk, visit, form.text("decision_id"))
    action_id = form.text("action_id")
    if action_id:
        _chosen(decision, action_id)
    about_it = {"decision_id": decision.decision_id, "action_id": action_id}
    words = form.text("words", most=1_000)
    await desk.ask_human(visit, words, {name: text for name, text in about_it.items() if text})
    return desk.done(visit, "/me/why", "why.human")


handlers = [why, one_decision, more, not_this, ask_human]


def about(desk: Desk, decision: Decision, action_id: str) -> tuple[str, ...]:
    """Give what an action is about: its category where it has one, otherwise its title."""
    if action_id.startswith("item:"):
        item = desk.engine.models.items.get(action_id.removeprefix("item:"))
        if item is not None and item.category:
            return (item.category,)
    action = next((one for one in desk.engine.actions if one.action_id == action_id), None)
    if action is not None and action.categories:
        return action.categories
    return tuple(pick.title for pick in decision.picks if pick.action_id == action_id)


async def _theirs(desk: Desk, visit: Visit, decision_id: str) -> Decision:
    """Give a decision that was made for this person.

    Raises
    ------
    Absent
        When there is none, or it was made for somebody else: both read the same.
    """
    await desk.live.append([])
    event = await desk.live.in_thread(find_decision, desk.engine, decision_id[:100])
    if event is None or set(visit.names).isdisjoint(event.identifiers):
        raise Absent("there is no such decision", hint="load the page again")
    return decision_of(event)


def _chosen(decision: Decision, action_id: str) -> str:
    if action_id not in decision.chosen or action_id == LEAVE_ALONE:
        raise Absent("this was not chosen in this decision", hint="load the page again")
    return action_id


def _shown(desk: Desk, visit: Visit, decision: Decision) -> list[ShownView]:
    dismissed = visit.person.values.get("dismissed_actions") or {}
    wanted = set(_more(visit))
    return [
        ShownView(
            decision_id=decision.decision_id,
            action_id=pick.action_id,
            title=pick.title,
            kind=pick.kind,
            words=pick.words,
            placement=decision.placement,
            channel=decision.channel,
            decided_at=decision.decided_at,
            is_dismissed=pick.action_id in dismissed,
            is_more=not wanted.isdisjoint(about(desk, decision, pick.action_id)),
        )
        for pick in decision.picks
        if pick.action_id != LEAVE_ALONE
    ]


def _once(shown: Sequence[ShownView]) -> list[ShownView]:
    """Give each thing once, as it was shown last, with how often it was."""
    kept: dict[str, ShownView] = {}
    for one in shown:
        before = kept.get(one.action_id)
        kept[one.action_id] = one if before is None else replace(before, times=before.times + 1)
    return list(kept.values())


def _lost(one: Considered) -> LostView:
    return LostView(title=one.title or one.action_id, kind=one.kind, lost=one.lost or "",
                    words=one.words)  # fmt: skip


def _more(visit: Visit) -> dict[str, int]:
    kept: Any = visit.person.values["declared"].get(MORE_LIKE_THIS_FACT)
    if not isinstance(kept, dict):
        return {}
    return {name: at for name, at in kept.items() if isinstance(at, int)}


async def _take_back_more(desk: Desk, visit: Visit, decision: Decision, action_id: str) -> None:
    """Whoever says no to something wants no more of it either."""
    kept = _more(visit)
    names: Sequence[str] = about(desk, decision, action_id)
    left = {name: at for name, at in kept.items() if name not in names}
    if left != kept:
        facts = {MORE_LIKE_THIS_FACT: left or None}
        await desk.say(Wish(FACT_CORRECTED, visit.names[:1], {"facts": facts}))
