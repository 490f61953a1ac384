"""What each candidate is worth for one person: a product of factors, each shown and switchable.

The chance is what is expected of it, corrected by what was learned from outcomes as far as that may
be used: of people who do not permit it nothing is looked at, and nothing is learned.
"""

from collections.abc import Mapping
from typing import NamedTuple

from customering.consent.model import Permit
from customering.decision.effects import effects_of
from customering.decision.learner import Learner, place_of
from customering.decision.offer import View
from customering.decision.policy import Case
from customering.decision.stance import Stance, permission
from customering.decision.table import Floats


class Weighing(NamedTuple):
    """How the candidates are weighed for one person.

    Parameters
    ----------
    view
        Chances, scores and order.
    place
        What weights of the place belong to.
    features
        What was looked at of the person and the circumstances; None where that is not permitted,
        and then nothing is learned from what comes of it either.
    learner
        What was learned and used; None where nothing was.
    is_personal
        Whether the features were used, beside being noted.
    """

    view: View
    place: str
    features: Mapping[str, float] | None = None
    learner: Learner | None = None
    is_personal: bool = False


def weigh(case: Case, stance: Stance, learner: Learner | None, weights: Floats | None) -> Weighing:
    """Weigh the candidates.

    Parameters
    ----------
    learner
        What was learned so far; None for nothing.
    weights
        The weight of each candidate in these circumstances; None for 1.
    """
    offer, policy, request = case.offer, case.policy, case.request
    place = place_of(request.placement, request.channel)
    factors = policy.settings.arbitration
    if stance.is_common or stance.blocked is not None:
        return Weighing(view=offer.view(factors, weights, is_common=stance.is_common), place=place)
    effects = effects_of(case, stance)
    if not policy.learning.is_on:
        view = offer.view(factors, weights, effects, is_common=False)
        return Weighing(view=view, place=place)
    features = _features(case)
    if learner is None or not learner.state.updates:
        view = offer.view(factors, weights, effects, is_common=False)
        return Weighing(view=view, place=place, features=features)
    is_personal = features is not None and _is_open(case, learner)
    asked = features if is_personal else None

    def chances() -> Floats:
        return learner.chances(offer.tables, offer.propensities, offer.logits, place, asked)

    is_own = asked is not None or weights is not None or effects is not None
    return Weighing(
        view=offer.look(chances(), factors, weights, effects)
        if is_own or not offer.keeps
        else offer.taught(chances, factors, place, learner.stamp),
        place=place,
        features=features,
        learner=learner,
        is_personal=is_personal,
    )


def _features(case: Case) -> Mapping[str, float] | None:
    """Give the features of a person who permits to be learned from; None for others."""
    policy = case.policy
    if not isinstance(permission(case, policy.learning.purpose, ""), Permit):
        return None
    return policy.features.of(
        case.person.traits,
        case.request.context,
        case.now_ms,
        policy.quiet_hours.zone_of(case.person.zone),
    )


def _is_open(case: Case, learner: Learner) -> bool:
    """Tell whether features may be used at the place of a case."""
    placement, channel = case.request.placement, case.request.channel
    use = case.policy.learning.at(placement, channel).context
    return use == "always" or (use == "gate" and placement in learner.open_places)
