"""Chance in decisions: who is in the control group, and what gets the first place now and then.

All chance is a function of the seed and names, so it is repeatable and needs no storage. A person
meets the same chance at one placement all day, so a retry or a reload changes nothing.
"""

from collections.abc import Sequence

import numpy as np

from customering.decision.score import Floats
from customering.kernel.chance import draw


def is_control(seed: int, person_id: str, share: float) -> bool:
    """Tell whether a person is in the control group; the same for all placements and all days."""
    return draw(seed, "control", person_id) < share


def drawn_first(
    seed: int, person_id: str, placement: str, day: int, action_ids: Sequence[str], share: float
) -> int | None:
    """Draw what gets the first place, uniformly, in a share of cases; None in the others.

    Where only one is possible there is nothing to draw.

    Each action draws a number of its own and the lowest wins. So the draw is uniform, and when
    another action comes or goes during the day, the winner stays the winner.

    Returns
    -------
    int or None
        The place in `action_ids` of the one that was drawn.
    """
    if len(action_ids) < 2 or draw(seed, "explore", person_id, placement, str(day)) >= share:
        return None
    return min(
        range(len(action_ids)),
        key=lambda place: (
            draw(seed, "which", person_id, placement, str(day), action_ids[place]),
            action_ids[place],
        ),
    )


def first_place_probabilities(count: int, best: int, share: float) -> Floats:
    """Give each participant's exact chance of the first place, shape (count,); they sum to 1.

    With exploration share e and K participants the best has ``1 - e + e/K``, the others ``e/K``.

    Examples
    --------
    >>> first_place_probabilities(4, 1, 0.2).round(3).tolist()
    [0.05, 0.85, 0.05, 0.05]
    """
    chances = np.full(count, share / count)
    chances[best] += 1.0 - share
    return chances
