"""The rhythm of one person: how long a silence is still usual for them, and for them alone.

1. Mean and spread of the days between their purchase days, drawn towards what is usual among all
   people by a prior worth a few gaps; the prior is as irregular as pure chance (spread = mean).
2. Patience is the mean plus some spreads. Regular people are missed early, irregular ones late.
3. Lateness is the silence since the last purchase, counted in patiences.
"""

import math

from customering.kernel.clock import day_of
from customering.kernel.records import Record
from customering.relationship.model import StatusFacts
from customering.relationship.settings import StatusSettings


class Rhythm(Record, frozen=True, kw_only=True):
    """What is usual for one person, and where they are in it now; all in days but `lateness`.

    Parameters
    ----------
    gap_days, spread_days
        Mean and standard deviation of the days between purchase days, after the prior.
    patience_days
        The longest silence that is still usual.
    silence_days
        Days since the last purchase day.
    lateness
        Silence over patience: above 1 the silence is unusual for this person.
    """

    gap_days: float
    spread_days: float
    patience_days: float
    silence_days: int
    lateness: float


def rhythm_of(facts: StatusFacts, settings: StatusSettings) -> Rhythm | None:
    """Give the rhythm of a person who has bought; None when the last purchase is unknown."""
    if facts.order_days < 1 or facts.last_order_at is None:
        return None
    gaps, mean, spread = _own_gaps(facts)
    gap, spread, patience = _with_prior(facts, settings, gaps, mean, spread)
    silence = max(day_of(facts.now_ms) - day_of(facts.last_order_at), 0)
    return Rhythm(
        gap_days=gap,
        spread_days=spread,
        patience_days=patience,
        silence_days=silence,
        lateness=silence / patience,
    )


def patience_before(facts: StatusFacts, settings: StatusSettings) -> float | None:
    """Give the patience as it stood before the last purchase, without the gap that ended then.

    None when the last gap is unknown. A long silence inflates the mean and spread it is judged by,
    so it has to be taken out: sums of gaps and of squared gaps lose one term each.
    """
    gaps, mean, spread = _own_gaps(facts)
    last = facts.last_gap_days
    if last is None or gaps < 1:
        return None
    if gaps == 1 or mean is None:
        return _with_prior(facts, settings, 0, None, None)[2]
    rest = gaps - 1
    mean_before = max((gaps * mean - last) / rest, 0.0)
    spread_before: float | None = None
    if spread is not None:
        squares = (gaps * (spread**2 + mean**2) - last**2) / rest
        spread_before = math.sqrt(max(squares - mean_before**2, 0.0))
    return _with_prior(facts, settings, rest, mean_before, spread_before)[2]


def _own_gaps(facts: StatusFacts) -> tuple[int, float | None, float | None]:
    """Give number, mean and spread of a person's own gaps, from whatever is known of them."""
    gaps = max(facts.order_days - 1, 0)
    mean, spread = facts.mean_gap_days, facts.sd_gap_days
    if (
        mean is None
        and gaps
        and facts.first_order_at is not None
        and facts.last_order_at is not None
    ):
        mean = max(day_of(facts.last_order_at) - day_of(facts.first_order_at), 0) / gaps
    return (gaps, mean, spread) if mean is not None else (0, None, None)


def _with_prior(
    facts: StatusFacts,
    settings: StatusSettings,
    gaps: int,
    mean: float | None,
    spread: float | None,
) -> tuple[float, float, float]:
    """Draw own mean and spread towards what is usual; give both and the patience, in days."""
    usual = facts.usual_gap_days or settings.usual_gap_days
    prior = settings.prior_gaps
    weight = gaps + prior
    own = usual if mean is None else mean
    gap = (gaps * own + prior * usual) / weight
    own_spread = own if spread is None else spread
    wide = math.sqrt((gaps * own_spread**2 + prior * gap**2) / weight)
    patience = gap + settings.patience_spreads * wide
    patience = min(max(patience, settings.patience_days_min), settings.patience_days_max)
    return gap, wide, patience
