"""When a status that a model decided began: the first day since the last purchase it would hold."""

from collections.abc import Callable

from msgspec.structs import replace

from customering.kernel.clock import MS_PER_DAY, day_of
from customering.relationship.model import StatusFacts, ValueEstimate


def began(
    facts: StatusFacts,
    outlook_at: Callable[[int], ValueEstimate | None],
    holds: Callable[[StatusFacts], bool],
) -> int | None:
    """Give the first day since the last purchase from which on a status would have held.

    Parameters
    ----------
    facts
        The facts now.
    outlook_at
        What the model expected at an instant since the last purchase.
    holds
        Whether facts lead to the status. Since the last purchase only silence has grown, and what
        the model expects has only fallen, so that what holds once holds from then on.

    Returns
    -------
    int or None
        The beginning of the day, milliseconds since 1970; None when the last purchase is unknown.
    """
    if facts.last_order_at is None:
        return None

    def held(day: int) -> bool:
        expected = outlook_at(day * MS_PER_DAY)
        then = replace(
            facts,
            now_ms=day * MS_PER_DAY,
            p_alive=expected.p_alive if expected else None,
            expected_purchases_90=expected.expected_purchases_90 if expected else None,
        )
        return holds(then)

    low, high = day_of(facts.last_order_at), day_of(facts.now_ms)
    while low < high:
        middle = (low + high) // 2
        if held(middle):
            high = middle
        else:
            low = middle + 1
    return high * MS_PER_DAY
