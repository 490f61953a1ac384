"""What a person says they look for, in what is weighed for them: it outranks every inference.

It lifts what fits it, and stops reminders of what they looked at or left behind in its domain.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from customering.app.looking import CART_TRAIT, VIEWS_TRAIT
from customering.app.purchases import Item
from customering.consent.gate import CompiledPolicy
from customering.consent.model import ConsentRecord, SetStatus
from customering.decision.model import Action
from customering.decision.offer import Offer
from customering.profile.lazy import LazyValues
from customering.taste.intents import INTENT_PURPOSE, Intent, Wanted, live_intents, wanted

_STATED_CHANCE = 0.6
"""The least chance of what somebody says they look for; what is inferred is seldom above 0.3."""

_CHANCE_MOST = 0.95
_PRODUCTS_OF = {"cart": CART_TRAIT, "views": VIEWS_TRAIT}


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


def outranked_by(
    declared: Mapping[str, Any],
    reminders: Iterable[Action],
    values: LazyValues,
    items: Mapping[str, Item],
    now_ms: int,
) -> frozenset[str]:
    """Give the reminders that yield to what somebody says they look for.

    A reminder yields while an intent holds that fits anything it reminds of, also when the intent
    was answered: whoever states what they want is not to be followed by what was guessed before. A
    reminder of something we cannot tell yields to every intent. This only withholds, so it asks for
    no permission: an intent stops what follows a person also when we may not answer it.

    Parameters
    ----------
    declared
        What the person declared, by name.
    reminders
        The actions that remind of something.
    values
        The person's trait values.
    items
        The products there are, by id.
    now_ms
        The present. Milliseconds since 1970.
    """
    intents = live_intents(declared, now_ms)
    if not intents:
        return frozenset()
    return frozenset(
        action.action_id for action in reminders if _yields(action, intents, values, items)
    )


def _yields(
    action: Action, intents: Sequence[Intent], values: LazyValues, items: Mapping[str, Item]
) -> bool:
    about = tuple(_subjects(action, values, items))
    return not about or any(
        subject is None or intent.fits(*subject) for intent in intents for subject in about
    )


def _subjects(
    action: Action, values: LazyValues, items: Mapping[str, Item]
) -> Iterator[tuple[str, str] | None]:
    """Give category and title of all that an action reminds of; None for what we cannot tell."""
    trait = _PRODUCTS_OF.get(action.reminds_of)
    products = action.products if trait is None else values.observed(trait) or ()
    for product in products:
        item = items.get(str(product))
        yield None if item is None else (item.category, item.words)
    if trait is None:
        for category in action.categories:
            yield category, action.title
