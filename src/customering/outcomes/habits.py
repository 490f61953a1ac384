"""What is looked at of a person to tell whom acting changes: their purchase days, and nothing else.

The same from the history, for many people as of some day, and from one profile as it stands now.
"""

import math

import numpy as np
from numpy.typing import NDArray

from customering.outcomes.trials import Floats

FEATURES = (
    "purchase days so far",
    "purchase days in the last 90 days",
    "days since the last purchase",
    "days since the first purchase",
    "usual value of a purchase day",
    "never bought",
)
"""What is looked at of a person; counts, days and amounts on a logarithmic scale."""

_LONG_AGO = 365.0


def features_of(
    purchase_days: float,
    recent_days: float,
    last_ago: float | None,
    first_ago: float | None,
    day_value_minor: float | None,
) -> tuple[float, ...]:
    """Give the features of one person, as of the end of some day; those of `FEATURES`.

    Parameters
    ----------
    purchase_days, recent_days
        Days with a purchase, ever and in the last 90 days.
    last_ago, first_ago
        Days since the last and the first of them; None where there is none.
    day_value_minor
        Mean value of a purchase day, minor units; None where it is not known.
    """
    return (
        math.log1p(purchase_days),
        math.log1p(recent_days),
        math.log1p(_LONG_AGO if last_ago is None else min(max(last_ago, 0.0), _LONG_AGO)),
        math.log1p(0.0 if first_ago is None else max(first_ago, 0.0)),
        math.log1p(max(day_value_minor or 0.0, 0.0)),
        float(purchase_days < 1),
    )


def features_of_many(
    purchase_days: Floats,
    recent_days: Floats,
    last_ago: Floats,
    first_ago: Floats,
    day_value_minor: Floats,
) -> NDArray[np.float32]:
    """Give the features of many people, one row each: what `features_of` gives of one.

    Who never bought has infinity as `last_ago` and 0 elsewhere.
    """
    columns = (
        np.log1p(purchase_days),
        np.log1p(recent_days),
        np.log1p(np.clip(last_ago, 0.0, _LONG_AGO)),
        np.log1p(np.maximum(first_ago, 0.0)),
        np.log1p(np.maximum(day_value_minor, 0.0)),
        (purchase_days < 1).astype(np.float64),
    )
    found: NDArray[np.float32] = np.column_stack(columns).astype(np.float32)
    return found
