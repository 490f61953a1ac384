"""What decides, made ready once, and the case it decides."""

from dataclasses import dataclass, field
from typing import NamedTuple

from customering.consent.gate import CompiledPolicy
from customering.consent.model import Permit, Refusal
from customering.decision.contact import QuietHours
from customering.decision.features import FeatureSpec
from customering.decision.learning_settings import LearningSettings
from customering.decision.model import DecisionRequest, PersonFacts
from customering.decision.offer import Offer
from customering.decision.settings import DecisionSettings
from customering.kernel.ids import stable_id
from customering.kernel.records import to_json


@dataclass(frozen=True, slots=True)
class DecisionPolicy:
    """Everything but the person, the place and the candidates that a decision depends on.

    Parameters
    ----------
    settings
        How decisions are made.
    consent
        What is permitted.
    quiet_hours
        The quiet hours of the settings, read.
    version
        The same for the same settings and purposes; kept with every decision.
    learning
        How decisions learn.
    features
        What is looked at of people and circumstances.
    unchosen
        What the gate answers, by purpose and channel, for people who chose and set nothing; filled
        as it is asked.
    """

    settings: DecisionSettings
    consent: CompiledPolicy
    quiet_hours: QuietHours
    version: str
    learning: LearningSettings
    features: FeatureSpec
    unchosen: dict[tuple[str, str], Permit | Refusal] = field(default_factory=dict, compare=False)


class Case(NamedTuple):
    """All that one decision depends on; `now_ms` is the present, milliseconds since 1970."""

    request: DecisionRequest
    offer: Offer
    person: PersonFacts
    policy: DecisionPolicy
    now_ms: int


def compile_policy(
    settings: DecisionSettings,
    consent: CompiledPolicy,
    learning: LearningSettings | None = None,
) -> DecisionPolicy:
    """Make a policy ready for deciding.

    Parameters
    ----------
    settings
        How decisions are made.
    consent
        What is permitted.
    learning
        How decisions learn; None for the usual way.

    Raises
    ------
    InvalidSettings
        When the default time zone does not exist.
    """
    learning = learning or LearningSettings()
    return DecisionPolicy(
        settings=settings,
        consent=consent,
        quiet_hours=QuietHours(settings),
        version=stable_id(
            "policy", to_json(settings).decode(), to_json(learning).decode(), consent.version
        ),
        learning=learning,
        features=FeatureSpec(learning.features),
    )
