"""What a person says they look for, in what is weighed for them: it outranks every inference."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from customering.consent.gate import CompiledPolicy
from customering.consent.model import ConsentRecord, SetStatus
from customering.decision.offer import Offer
from customering.taste.intents import INTENT_PURPOSE, Wanted, wanted

_STATED_CHANCE = 0.6
"""The least chance of what somebody says they look for; what is inferred is seldom above 0.3."""

_CHANCE_MOST = 0.95


def wanted_by(
    declared: Mapping[str, Any],
    consent: ConsentRecord,
    status: SetStatus | None,
    policy: CompiledPolicy,
    now_ms: int,
) -> Wanted:
    """Give what somebody looks for now, as far as they permit that it is used to answer them."""
    mask = policy.restrict(policy.mask(consent), status, now_ms)
    return wanted(declared, now_ms, may_answer=policy.allows(mask, INTENT_PURPOSE))


def lifted(offer: Offer, looked_for: Wanted, categories: Mapping[str, Sequence[str]]) -> Offer:
    """Give the offer of somebody who looks for something.

    What fits a stated intent becomes at least as likely as anything else that is weighed, and
    likelier than not; what fits what they want more of becomes likelier by half.

    Parameters
    ----------
    offer
        What is weighed.
    looked_for
        What they look for.
    categories
        The categories of actions by id; of others the group says what they are.
    """
    chances = offer.propensities.copy()
    highest = float(chances.max()) if len(chances) else 0.0
    stated: dict[int, str] = {}
    place = 0
    for table in offer.tables:
        columns = table.columns
        for action_id, title, group in zip(
            columns.action_id, columns.title, columns.group, strict=True
        ):
            named = categories.get(action_id) or (group,)
            words = next(filter(None, (looked_for.words_for(one, title) for one in named)), None)
            lift = max(looked_for.lift(one, title) for one in named)
            if lift > 1.0:
                raised = float(chances[place]) * lift
                if words is not None:
                    raised = max(raised, highest, _STATED_CHANCE)
                    stated[place] = words
                chances[place] = min(max(raised, float(chances[place])), max(_CHANCE_MOST, highest))
            place += 1

    def facts(at: int) -> Mapping[str, Any]:
        told = offer.facts(at)
        return {**told, "wished_for": stated[at]} if at in stated else told

    return Offer(offer.tables, np.asarray(chances, dtype=np.float64), facts)
