"""By which channel to get in touch, where whoever asks leaves it to us."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from customering.app.glance import Glance
from customering.app.models import ModelShelf
from customering.consent.gate import CompiledPolicy
from customering.decision.model import Action, DecisionRequest
from customering.kernel.clock import day_of
from customering.taste.answering import best_channel

BEST_CHANNEL = "best"
"""What stands in a request in the place of a channel, to take the one the person answers most."""

ANSWERED_TRAIT = "answered_channels"
CONTACTED_TRAIT = "contacted_channels"
"""The traits of the days on which a person answered and was contacted, by channel."""

_MARKETING = "marketing."


class Reaching:
    """Chooses channels.

    Parameters
    ----------
    models
        How everybody answers.
    policy
        What is permitted.
    actions
        The catalogue: only a channel that something in it goes by comes into question.
    """

    def __init__(
        self, models: ModelShelf, policy: CompiledPolicy, actions: Sequence[Action]
    ) -> None:
        self._models = models
        self._policy = policy
        purposes = [key.removeprefix(_MARKETING) for key in policy.keys if _MARKETING in key]
        used = {action.channel for action in actions}
        self._channels = [one for one in purposes if one in used] or purposes

    def request(self, person: Glance, request: DecisionRequest, now_ms: int) -> DecisionRequest:
        """Give a request with the channel by which a person answers most, of those they permit.

        Where they permit none, it is the first one, so that the decision says what they refuse.
        """
        among = [
            one for one in self._channels if person.permits(f"{_MARKETING}{one}", one, self._policy)
        ]
        best = best_channel(
            _days(person.values.observed(ANSWERED_TRAIT)),
            _days(person.values.observed(CONTACTED_TRAIT)),
            among or self._channels[:1],
            day_of(now_ms),
            self._models.answering,
        )
        return replace(
            request,
            channel=best.channel,
            purpose=f"{_MARKETING}{best.channel}",
            why_channel=best.words if among else "",
        )


def _days(value: Any) -> dict[str, list[int]]:
    return value if isinstance(value, dict) else {}
