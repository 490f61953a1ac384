"""What each candidate is worth: propensity times value times lever, in one sweep.

Where what is known of the person may not be used, the propensity is that of anybody, so that the
order is the same for everybody.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from customering.decision.model import Candidate
from customering.kernel.errors import Invalid

Floats = NDArray[np.float64]


def propensities(candidates: Sequence[Candidate], *, is_common: bool) -> Floats:
    """Give the chance of acceptance of each candidate, shape (candidates,), in [0, 1].

    Raises
    ------
    Invalid
        When one is not a number in [0, 1].
    """
    chances = np.array(
        [
            candidate.action.base_propensity if is_common else candidate.propensity
            for candidate in candidates
        ],
        dtype=np.float64,
    )
    within = (chances >= 0.0) & (chances <= 1.0)
    if not within.all():
        wrong = candidates[int(np.argmin(within))].action.action_id
        raise Invalid(
            f"The propensity of {wrong!r} is not a number in [0, 1].",
            hint="Give the chance that the person accepts.",
            action=wrong,
        )
    return chances


def priorities(chances: Floats, candidates: Sequence[Candidate]) -> Floats:
    """Give the expected value of each candidate, weighted by its lever. Minor units.

    References
    ----------
    The arbitration of Pega Customer Decision Hub, "Priority = Propensity x Context weight x Value x
    Levers", without the context weight, which our propensity holds already.
    """
    values = np.array([candidate.value_minor for candidate in candidates], dtype=np.float64)
    levers = np.array([candidate.action.lever for candidate in candidates], dtype=np.float64)
    scores: Floats = chances * values * levers
    return scores


def order_of(
    among: Sequence[int], scores: Sequence[float], candidates: Sequence[Candidate]
) -> list[int]:
    """Give indices from the highest score down; ties by action id, so that input order is moot.

    Parameters
    ----------
    among
        The indices to put in order.
    candidates, scores
        All candidates, whose ids are unique among those indices, and their scores.
    """
    return sorted(among, key=lambda index: (-scores[index], candidates[index].action.action_id))
