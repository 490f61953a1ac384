"""Our own policy: the real decision, its record, and the fold that learns from outcomes."""

from collections.abc import Iterable
from itertools import count
from typing import Any

from msgspec.structs import replace

from customering.consent.gate import CompiledPolicy
from customering.consent.model import ConsentSettings, StatedDefault
from customering.consent.purposes import shipped_purposes
from customering.decision.decide import decide
from customering.decision.learning_settings import LearningSettings
from customering.decision.model import LEAVE_ALONE, Contact, DecisionRequest, PersonFacts
from customering.decision.offer import Offer
from customering.decision.policy import compile_policy
from customering.decision.record import event_of
from customering.decision.settings import DecisionSettings
from customering.decision.table import Table, table_of
from customering.events.model import Event
from customering.kernel.clock import MS_PER_DAY, MS_PER_HOUR
from customering.kernel.ids import Identifier, PersonId, stable_id
from customering.outcomes.feedback import Feedback
from customering.outcomes.model import ACTION_ACCEPTED, ACTION_SHOWN
from customering.testing.contest import Choice, Turn
from customering.testing.days import user_id
from customering.testing.world import FIRST_INSTANT_MS, Response, Town

PLACEMENT, MAIL = "home", "mail"
_PERMITTED = ("personalize.web", "personalize.offers", "marketing.email")
_SECOND_MS = 1_000


class Ours:
    """Decides by `customering.decision.decide`, and learns by `customering.outcomes.feedback`.

    Decisions and outcomes go through the events in which the log keeps them. Outcomes are told when
    they happen, up to three days after the decision.

    Parameters
    ----------
    town
        The town; only its actions are looked at.
    decision
        Settings of decisions; by default the usual ones without a control group, which is the same
        for all policies and would only dilute the comparison.
    learning
        Settings of learning; None learns nothing.
    name
        What it is called in the table.
    """

    def __init__(
        self,
        town: Town,
        *,
        decision: DecisionSettings | None = None,
        learning: LearningSettings | None = None,
        name: str = "customering",
    ) -> None:
        self.name = name
        self._town = town
        stated = StatedDefault(answer="allow", ground="everybody is simulated")
        consent = CompiledPolicy(
            shipped_purposes(), ConsentSettings(defaults=dict.fromkeys(_PERMITTED, stated))
        )
        settings = decision or DecisionSettings(control_share=0.0)
        self._policy = compile_policy(
            replace(settings, seed=town.seed),
            consent,
            learning or LearningSettings(context="always"),
        )
        self.feedback = Feedback(self._policy.learning)
        self._tables: dict[tuple[str, ...], Table] = {}
        self._people = [
            PersonId(stable_id("per", f"user_id:{user_id(one)}")) for one in range(town.people)
        ]
        self._log: list[tuple[int, int, Event]] = []
        self._numbers = count()

    def choose(self, turn: Turn) -> Choice:
        """Decide, and keep the decision for the fold."""
        here = turn.circumstances
        table = self._table(turn.ids)
        request = DecisionRequest(
            placement=MAIL if here.channel else PLACEMENT,
            purpose=f"marketing.{here.channel}" if here.channel else "personalize.web",
            channel=here.channel,
            context=here.as_context(),
        )
        decision = decide(
            request,
            Offer((table,), table.base, lambda place: {}),
            PersonFacts(
                person_id=self._people[turn.person],
                traits=turn.facts,
                contacts=tuple(_contacts(turn)),
            ),
            self._policy,
            turn.at_ms,
            learner=self.feedback.learner,
        )
        name = Identifier(f"user_id:{user_id(turn.person)}")
        self._note(event_of(decision, (name,), turn.at_ms))
        return Choice(decision.chosen[0], decision.weighed.probabilities(), decision.decision_id)

    def _table(self, ids: Iterable[str]) -> Table:
        key = tuple(ids)
        if key not in self._tables:
            actions = [self._town.actions[self._town.place_of(one)] for one in key]
            self._tables[key] = table_of(actions)
        return self._tables[key]

    def learn(self, turn: Turn, choice: Choice, response: Response) -> None:
        """Write down what came of it, for the fold to take in its turn."""
        if choice.action_id == LEAVE_ALONE:
            return
        if response.shown:
            self._tell(ACTION_SHOWN, turn, choice, turn.at_ms + _SECOND_MS)
        if response.accepted:
            self._tell(ACTION_ACCEPTED, turn, choice, turn.at_ms + response.delay_ms)

    def _tell(self, name: str, turn: Turn, choice: Choice, at_ms: int) -> None:
        properties: dict[str, Any] = {
            "decision_id": choice.trace,
            "action_id": choice.action_id,
        }
        self._note(
            Event(
                event_id=stable_id("evt", name, choice.trace),
                kind="track",
                name=name,
                identifiers=(Identifier(f"user_id:{user_id(turn.person)}"),),
                occurred_at=at_ms,
                recorded_at=at_ms,
                properties=properties,
            )
        )

    def _note(self, event: Event) -> None:
        self._log.append((event.occurred_at, next(self._numbers), event))

    def end_day(self, day: int) -> None:
        """Fold what happened until the end of the day."""
        now_ms = FIRST_INSTANT_MS + (day + 1) * MS_PER_DAY
        due = sorted(one for one in self._log if one[0] < now_ms)
        self._log = [one for one in self._log if one[0] >= now_ms]
        self.feedback.fold(event for _, _, event in due)


def _contacts(turn: Turn) -> Iterable[Contact]:
    """Give the earlier messages, each at noon of its day."""
    for day in turn.contacts:
        at_ms = FIRST_INSTANT_MS + day * MS_PER_DAY + 12 * MS_PER_HOUR
        yield Contact(at_ms=at_ms, channel=turn.circumstances.channel, action_id="")
