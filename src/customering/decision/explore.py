"""Chance in decisions: who is in the control group, and what gets the first place now and then.

All chance is a function of the seed and names, so it is repeatable and needs no storage. A person
meets the same chance at one placement all day, so a retry or a reload changes nothing.
"""

from collections.abc import Sequence
from hashlib import blake2b

from customering.kernel.chance import draw


def is_control(seed: int, person_id: str, share: float) -> bool:
    """Tell whether a person is in the control group; the same for all placements and all days."""
    return draw(seed, "control", person_id) < share


def explores(seed: int, person_id: str, placement: str, day: int, share: float) -> bool:
    """Tell whether it is the turn of chance, as it is in a share of cases."""
    return draw(seed, "explore", person_id, placement, str(day)) < share


def drawn_among(
    seed: int, person_id: str, placement: str, day: int, action_ids: Sequence[str]
) -> int:
    """Draw what gets the first place, uniformly.

    Each action draws a number of its own and the lowest wins. So the draw is uniform, and when
    another action comes or goes during the day, the winner stays the winner.

    Returns
    -------
    int
        The place in `action_ids` of the one that was drawn.
    """
    # `chance.draw` of the same names, whose beginning is taken in once for all.
    begun = blake2b(
        "\x1f".join((str(seed), "which", person_id, placement, str(day), "")).encode(),
        digest_size=8,
    )

    def drawn(place: int) -> tuple[float, str]:
        own = begun.copy()
        own.update(action_ids[place].encode())
        return int.from_bytes(own.digest(), "big") * 2.0**-64, action_ids[place]

    return min(range(len(action_ids)), key=drawn)


def first_place_probabilities(count: int, share: float) -> tuple[float, float]:
    """Give the exact chance of the first place of the best, and of each other participant.

    With exploration share e and K participants the best has ``1 - e + e/K``, the others ``e/K``.

    Examples
    --------
    >>> best, other = first_place_probabilities(4, 0.2)
    >>> round(best, 3), round(other, 3)
    (0.85, 0.05)
    """
    other = share / count
    return other + (1.0 - share), other
