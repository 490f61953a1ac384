"""One small shop: Ada, who agreed to everything, and actions about bread and wine."""

from typing import Any

import pytest

from customering.consent.gate import CompiledPolicy
from customering.consent.model import ConsentRecord, ConsentSettings
from customering.consent.purposes import shipped_purposes
from customering.decision.decide import decide
from customering.decision.model import (
    Action,
    Candidate,
    Decision,
    DecisionRequest,
    DecisionSettings,
    PersonFacts,
)
from customering.decision.policy import DecisionPolicy, compile_policy

CONSENT = CompiledPolicy(shipped_purposes(), ConsentSettings())
NOON_MS = 1_496_318_400_000  # 2017-06-01T12:00:00Z
PURPOSES = ("personalize.web", "personalize.offers", "marketing.email", "marketing.sms")
AGREED: ConsentRecord = dict.fromkeys(PURPOSES, (1, "allow"))


class Shop:
    """Makes what a decision needs, with one thing changed at a time."""

    now_ms = NOON_MS
    agreed = AGREED
    consent = CONSENT
    home = DecisionRequest(placement="home", purpose="personalize.web", slots=3)
    mail = DecisionRequest(placement="weekly_mail", purpose="marketing.email", channel="email")

    def policy(self, **settings: Any) -> DecisionPolicy:
        """Give a policy without chance, unless it is asked for."""
        calm = {"exploration_share": 0.0, "control_share": 0.0}
        return compile_policy(DecisionSettings(**{**calm, **settings}), CONSENT)

    def ada(self, **facts: Any) -> PersonFacts:
        return PersonFacts(**{"person_id": "per_ada", "consent": AGREED, **facts})

    def action(self, action_id: str = "bread", **fields: Any) -> Action:
        usual = {"kind": "show_item", "title": action_id.title(), "purpose": "personalize.web"}
        return Action(**{"action_id": action_id, "base_propensity": 0.01, **usual, **fields})

    def candidate(
        self,
        action_id: str = "bread",
        propensity: float = 0.5,
        value_minor: int = 100,
        found_by: str = "repeat",
        facts: dict[str, Any] | None = None,
        **fields: Any,
    ) -> Candidate:
        return Candidate(
            action=self.action(action_id, **fields),
            propensity=propensity,
            value_minor=value_minor,
            found_by=found_by,
            facts=facts or {},
        )

    def decide(
        self,
        *candidates: Candidate,
        request: DecisionRequest | None = None,
        person: PersonFacts | None = None,
        now_ms: int = NOON_MS,
        **settings: Any,
    ) -> Decision:
        return decide(
            request or self.home,
            candidates,
            person or self.ada(),
            self.policy(**settings),
            now_ms,
        )


@pytest.fixture
def shop() -> Shop:
    return Shop()
