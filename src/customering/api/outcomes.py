"""The outcome doors: what came of a decision is told here, and counted.

A secret key with the scope ``outcomes`` tells of every decision; a subject token of those made for
its person. Pages with a public write key tell the same by track events (``Action Shown`` and so on,
with ``decision_id`` and ``action_id``), which need no door of their own.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency

from customering.api.json_door import JsonDoors, read
from customering.api.reception import Reception, answered, query_of, whole
from customering.app.attributing import OutcomeCount, count_outcomes, find_decision
from customering.app.live import Live
from customering.decision.model import LEAVE_ALONE
from customering.events.model import DECISION_MADE, Event
from customering.kernel.clock import day_of, format_day, parse_instant
from customering.kernel.errors import Absent, CustomeringError, Invalid
from customering.kernel.ids import Identifier, kind_of, stable_id, value_of
from customering.outcomes.model import EVENT_OF, Outcome
from customering.web.answers import Handler
from customering.web.answers import problem as problem_of
from customering.web.entrance import Entrance
from customering.web.keys import WRONG_SCOPE, Denied
from customering.web.problems import AnyRequest, NotLetIn
from customering.web.tokens import Caller

REPORTS_MOST = 100
DAYS_USUAL, DAYS_MOST = 30, 366
_BODY_BYTES_MAX = 131_072
_DECISIONS_KNOWN = 20_000


class OutcomeReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came of a decision.

    Parameters
    ----------
    decision_id
        The decision.
    outcome
        What came of it.
    action_id
        Which of its actions; may be left out where there is only one.
    because
        Why the person said no, in their words or yours.
    revenue, currency
        What was paid or given back, decimal, and its currency (ISO 4217).
    at
        When it happened, ISO 8601; now when it is left out.
    message_id
        Yours, so that the same report sent again counts once. Without one the same outcome of the
        same action at the same instant counts once.
    """

    decision_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    outcome: Outcome
    action_id: Annotated[str, msgspec.Meta(max_length=255)] = ""
    because: Annotated[str, msgspec.Meta(max_length=500)] = ""
    revenue: int | float | str | None = None
    currency: Annotated[str, msgspec.Meta(pattern=r"^([A-Z]{3})?$")] = ""
    at: str | None = None
    message_id: Annotated[str, msgspec.Meta(max_length=255)] = ""


class OutcomeTaken(msgspec.Struct, frozen=True):
    """The event in which an outcome is kept, durably."""

    event_id: str


class OutcomeSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What was told of decisions in the last so many days, by placement and action."""

    since: str
    counts: list[OutcomeCount]


class KnownDecision(NamedTuple):
    """What outcomes need of a decision."""

    identifiers: tuple[Identifier, ...]
    placement: str
    chosen: tuple[str, ...]


_read_report = msgspec.json.Decoder(OutcomeReport).decode
_read_reports = msgspec.json.Decoder(
    Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=REPORTS_MOST)]
).decode
_encode = msgspec.json.Encoder().encode


def doors(entrance: Entrance) -> dict[str, tuple[str, Handler]]:
    """Give the door that takes outcomes, by path."""
    reporting = Reporting(entrance.live)
    door = JsonDoors(entrance).door(reporting.report, "outcomes", _BODY_BYTES_MAX)
    return {"/v1/outcomes": ("outcomes", door)}


@get("/v1/outcomes/summary")
async def summary(request: AnyRequest, reception: NamedDependency[Reception]) -> Response[bytes]:
    """Count what was told of decisions, by placement and action, from the log as it is now."""
    asked = query_of(request, ("days", "placement"))
    days = whole(asked.get("days"), "days", DAYS_USUAL, 1, DAYS_MOST)
    caller = reception.caller(request, "outcomes")
    if not caller.is_operator:
        raise NotLetIn(WRONG_SCOPE)
    first = day_of(reception.live.present) - days + 1
    counts = await reception.live.in_thread(
        count_outcomes, reception.engine, first, asked.get("placement", "")
    )
    return answered(OutcomeSummary(since=format_day(first), counts=counts))


handlers = [summary]


class Reporting:
    """Takes reports of outcomes and appends them as events of the person the decision was for.

    Parameters
    ----------
    live
        The running home; it is watched for decisions, so that new ones are found at once.
    """

    def __init__(self, live: Live) -> None:
        self._live = live
        self._known: OrderedDict[str, KnownDecision] = OrderedDict()
        live.watch(self._note)

    def _note(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.name == DECISION_MADE:
                self._known[event.event_id] = _known_of(event)
        while len(self._known) > _DECISIONS_KNOWN:
            self._known.popitem(last=False)

    async def report(self, body: bytes, caller: Caller) -> bytes | Denied:
        """Answer ``POST /v1/outcomes``: one report, or a list of which each is taken by itself."""
        if body.lstrip()[:1] != b"[":
            taken = await self._take([await self._payload(body, caller)], caller)
            if isinstance(taken[0], CustomeringError):
                raise taken[0]
            return _encode(taken[0])
        results: list[OutcomeTaken | CustomeringError] = []
        payloads: list[dict[str, Any]] = []
        places: list[int] = []
        for text in read(_read_reports, body):
            try:
                payloads.append(await self._payload(bytes(text), caller))
                places.append(len(results))
                results.append(OutcomeTaken(""))
            except CustomeringError as error:
                results.append(error)
        for place, one in zip(places, await self._take(payloads, caller), strict=True):
            results[place] = one
        return _encode(
            {
                "results": [
                    {"problem": problem_of(one)} if isinstance(one, CustomeringError) else one
                    for one in results
                ]
            }
        )

    async def _payload(self, body: bytes, caller: Caller) -> dict[str, Any]:
        """Read one report, and give it as a track call in the shape of the Segment spec.

        Raises
        ------
        Invalid
            When it does not fit, or its action was not chosen.
        Absent
            When there is no such decision, or it was made for another person.
        """
        report = read(_read_report, body)
        known = await self.known(report.decision_id)
        if known is None or not self.is_theirs(known, caller):
            raise Absent(
                "there is no decision of this id", hint="check the id; previews are not kept"
            )
        action_id = _action_of(report, known)
        identifiers: dict[str, list[str]] = {}
        for name in known.identifiers:
            identifiers.setdefault(kind_of(name), []).append(value_of(name))
        told = {
            "decision_id": report.decision_id,
            "action_id": action_id,
            "placement": known.placement,
            "because": report.because,
            "revenue": report.revenue,
            "currency": report.currency,
        }
        payload: dict[str, Any] = {
            "type": "track",
            "event": EVENT_OF[report.outcome],
            "messageId": report.message_id
            or stable_id("out", report.decision_id, action_id, report.outcome, report.at or ""),
            "identifiers": identifiers,
            "properties": {name: value for name, value in told.items() if value not in ("", None)},
        }
        if report.at is not None:
            payload["timestamp"] = _instant(report.at)
        return payload

    async def _take(
        self, payloads: list[dict[str, Any]], caller: Caller
    ) -> list[OutcomeTaken | CustomeringError]:
        """Append reports; what intake sets aside is told as a problem, at its place."""
        taken = self._live.read(
            payloads, source=caller.key.source, places=[str(n) for n in range(len(payloads))]
        )
        await self._live.take(taken)
        refused = {item.place: item.reason for item in taken.quarantined}
        return [
            Invalid(refused[str(number)], hint="mend the report and send it again")
            if str(number) in refused
            else OutcomeTaken(payload["messageId"])
            for number, payload in enumerate(payloads)
        ]

    async def known(self, decision_id: str) -> KnownDecision | None:
        """Find a decision: among the latest, among those just being written, in the history."""
        known = self._known.get(decision_id)
        if known is None:
            await self._live.append(
                []
            )  # whatever was decided before this is folded when it returns
            known = self._known.get(decision_id)
        if known is None:
            event = await self._live.in_thread(find_decision, self._live.engine, decision_id)
            known = None if event is None else _known_of(event)
        return known

    def is_theirs(self, known: KnownDecision, caller: Caller) -> bool:
        """Tell whether a caller may speak of a decision."""
        if caller.person is None:
            return True
        names = self._live.engine.folding.graph.identifiers_of(caller.person)
        return not set(names).isdisjoint(known.identifiers)


def _known_of(event: Event) -> KnownDecision:
    properties = event.properties
    chosen = properties["chosen"]
    if LEAVE_ALONE in chosen:
        chosen = [one for one in chosen if one != LEAVE_ALONE]
    return KnownDecision(event.identifiers, properties["placement"], tuple(chosen))


def _action_of(report: OutcomeReport, known: KnownDecision) -> str:
    """Give the action a report is about.

    Raises
    ------
    Invalid
        When it was not chosen, or must be named and is not.
    """
    if report.action_id:
        if report.action_id not in known.chosen:
            raise Invalid(
                "this action was not chosen in this decision - at `$.action_id`",
                hint="name one of the actions of the answer",
            )
        return report.action_id
    if len(known.chosen) == 1:
        return known.chosen[0]
    if report.outcome == "dismissed":
        raise Invalid(
            "which action was dismissed is not said - at `$.action_id`",
            hint="name one of the actions of the answer",
        )
    return ""


def _instant(text: str) -> str:
    """Check an instant.

    Raises
    ------
    Invalid
        When it is not ISO 8601.
    """
    try:
        parse_instant(text)
    except (ValueError, OverflowError) as error:
        raise Invalid(
            "not an instant in ISO 8601 - at `$.at`", hint="such as 2026-05-01T12:00:00Z"
        ) from error
    return text
