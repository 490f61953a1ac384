"""Questions and answers of deciding, the same at every door: what is asked, who for, what to do."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from customering.api.contents import Contents
from customering.app.deciding import request_for
from customering.decision.model import LEAVE_ALONE, Decision, DecisionRequest
from customering.events.identifiers import normalise
from customering.identity.anchors import usable
from customering.kernel.clock import format_instant
from customering.kernel.errors import Invalid, InvalidEvent
from customering.kernel.ids import Identifier, kind_of
from customering.web.entrance import Entrance
from customering.web.keys import Denied
from customering.web.tokens import NOT_ABOUT_THEM, Caller

_PLACEMENTS_MOST = 200  # told apart in the metrics; a name costs memory for good
_NAMES_MOST = 50
_ONLY_BROWSERS = Denied(
    403, "forbidden", "a write key may decide for one anonymous_id only, and no other identifier"
)

Placement = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]


class DecideRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked.

    Parameters
    ----------
    placement
        The place to fill, such as ``home``.
    identifiers
        Names of the person by type, such as ``{"user_id": "ada"}``; the most trusted one says who
        it is. May be left out with a subject token.
    context
        The circumstances, such as the page; conditions read them as ``context.<name>``, and the
        decision keeps them.
    n
        How many actions fit, 1 to 50.
    mode
        ``preview`` decides without keeping anything.
    channel
        By which the person would be reached, such as ``email``; ``best`` takes the one they answer
        most, and the answer names it; empty where they already are.
    """

    placement: Placement
    identifiers: dict[str, str | int] = {}
    context: dict[str, Any] = {}
    n: Annotated[int, msgspec.Meta(ge=1, le=50)] = 1
    mode: Literal["decide", "preview"] = "decide"
    channel: Annotated[str, msgspec.Meta(max_length=64)] = ""


class ChosenAction(msgspec.Struct, frozen=True, kw_only=True):
    """One action of an answer.

    Parameters
    ----------
    action_id, kind, title
        What to do.
    content
        What to show: the texts of the action, or the product.
    reasons
        Why, as the person reads it.
    rank
        Its place, from 1.
    probability
        Chance, known exactly, with which it got the first place, in [0, 1].
    """

    action_id: str
    kind: str
    title: str
    content: msgspec.Raw
    reasons: tuple[str, ...]
    rank: int
    probability: float


class DecideAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was decided.

    Parameters
    ----------
    decision_id
        Names the decision in outcomes; absent in a preview, of which nothing is kept.
    person_id
        Whom it is for; absent where a public key asked.
    placement
        The place that was asked about.
    decided_at, expires_at
        ISO 8601 instants: when it was made, and from when it must not be carried out any more.
    propensity
        Chance, known exactly, with which this very choice was made, in (0, 1].
    actions
        What to do, best place first; empty to leave the person alone.
    reasons
        What the person is told.
    channel
        The channel by which the person is to be reached; absent where they already are.
    not_before
        ISO 8601 instant from which on a message should go out; absent for at once.
    """

    decision_id: str | msgspec.UnsetType = msgspec.UNSET
    person_id: str | msgspec.UnsetType = msgspec.UNSET
    placement: str
    decided_at: str
    expires_at: str
    propensity: float
    actions: list[ChosenAction]
    reasons: tuple[str, ...]
    channel: str | msgspec.UnsetType = msgspec.UNSET
    not_before: str | msgspec.UnsetType = msgspec.UNSET


class Asking:
    """Answers questions within what a caller may ask.

    Parameters
    ----------
    entrance
        What all doors share.
    """

    def __init__(self, entrance: Entrance) -> None:
        engine = entrance.live.engine
        self._figures = entrance.figures
        self._live = entrance.live
        self._rules = engine.rules
        self._region = engine.settings.events.default_region
        self.contents = Contents(engine)
        self._requests: dict[tuple[str, str, int], DecisionRequest] = {}
        self._counts: dict[str, Any] = {}

    def decide(self, asked: DecideRequest, caller: Caller) -> DecideAnswer | Denied:
        """Decide, or say why this caller may not ask about this person.

        Raises
        ------
        Invalid
            When nobody is named, or not by a usable name, or the channel does not exist.
        Overloaded
            When the decision could not be kept.
        """
        names = self.names_of(asked.identifiers, caller)
        if isinstance(names, Denied):
            return names
        return self.decide_for(names, asked, is_public=caller.is_public)

    def decide_for(
        self, names: Sequence[Identifier], asked: DecideRequest, *, is_public: bool = False
    ) -> DecideAnswer:
        """Decide for somebody whom the caller may ask about."""
        is_kept = asked.mode == "decide"
        decision = self._live.decide(names, self._request(asked), alone=is_public, keep=is_kept)
        if is_kept:
            self._count(asked.placement)
        return self.answer_of(decision, is_kept=is_kept, is_public=is_public)

    def names_of(
        self, given: dict[str, str | int], caller: Caller
    ) -> Sequence[Identifier] | Denied:
        """Give the names of the person asked about, the most trusted first, or why they may not.

        Raises
        ------
        Invalid
            When nobody is named, or not by a usable name.
        """
        if len(given) > _NAMES_MOST:
            raise Invalid(
                f"more than {_NAMES_MOST} identifiers - at `$.identifiers`",
                hint="name one person, by the few names you know",
            )
        names = [self._normal(kind, value) for kind, value in given.items()]
        if caller.person is not None:
            if any(name != caller.person for name in names):
                return NOT_ABOUT_THEM
            return (caller.person,)
        if caller.is_public and [kind_of(name) for name in names] != ["anonymous_id"]:
            return _ONLY_BROWSERS
        found = usable(names, self._rules)
        if not found:
            raise Invalid(
                "nobody is named - at `$.identifiers`",
                hint='name the person, such as {"user_id": "ada"}',
            )
        return found

    def _normal(self, kind: str, value: str | int) -> Identifier:
        try:
            return normalise(kind, value, self._region)
        except InvalidEvent as error:
            # The type is the caller's own word and may be anything: only a plain one is repeated.
            shown = kind if kind.isidentifier() and len(kind) <= _NAMES_MOST else "..."
            raise Invalid(
                f"{error.message} - at `$.identifiers.{shown}`", hint=error.hint
            ) from error

    def answer_of(self, decision: Decision, *, is_kept: bool, is_public: bool) -> DecideAnswer:
        """Write a decision as an answer."""
        return DecideAnswer(
            decision_id=decision.decision_id if is_kept else msgspec.UNSET,
            person_id=msgspec.UNSET if is_public else decision.person_id,
            placement=decision.placement,
            decided_at=format_instant(decision.decided_at),
            expires_at=format_instant(decision.expires_at),
            propensity=decision.propensity,
            actions=[
                ChosenAction(
                    action_id=pick.action_id,
                    kind=pick.kind,
                    title=pick.title,
                    content=self.contents.of(pick.action_id),
                    reasons=(pick.words,),
                    rank=pick.rank,
                    probability=pick.probability,
                )
                for pick in decision.picks
                if pick.action_id != LEAVE_ALONE
            ],
            reasons=decision.reasons,
            channel=decision.channel or msgspec.UNSET,
            not_before=(
                format_instant(decision.not_before) if decision.not_before else msgspec.UNSET
            ),
        )

    def _request(self, asked: DecideRequest) -> DecisionRequest:
        """Give the request for a place; made once for each, but for the circumstances."""
        key = (asked.placement, asked.channel, asked.n)
        request = self._requests.get(key)
        if request is None:
            if len(self._requests) > _PLACEMENTS_MOST:
                self._requests.clear()
            request = self._requests[key] = request_for(*key)
        if asked.context:
            return msgspec.structs.replace(request, context=asked.context)
        return request

    def _count(self, placement: str) -> None:
        count = self._counts.get(placement)
        if count is None:
            is_full = len(self._counts) >= _PLACEMENTS_MOST
            count = self._figures.decisions.labels("other" if is_full else placement)
            if not is_full:
                self._counts[placement] = count
        count.inc()
