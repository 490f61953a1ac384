"""From trait values to facts: what is missing or not a number stays unknown, and nothing fails.

Traits read, by name; instants are milliseconds since 1970, amounts minor units:
``order_days`` (distinct purchase days: their number, or the list of them as days since 1970),
``shopping_days`` (that list, from which purchase days are counted where it is there),
``first_order_at``, ``previous_order_at``, ``last_order_at``, ``mean_gap_days``, ``sd_gap_days``,
``last_gap_days``, ``orders_90d``, ``orders_prior_90d``, ``messages_received_90d``,
``messages_answered_90d``, ``orders_total``, ``returns_total`` and ``spend_total_minor``.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import fmean, pstdev
from typing import Any

from customering.kernel.clock import MS_PER_DAY, day_of
from customering.relationship.model import (
    DeclaredStatus,
    PurchaseHistory,
    StatusFacts,
    ValueEstimate,
)

_WINDOW_DAYS = 90
_COUNTS_OF_DAYS = ("orders_90d", "orders_prior_90d")


def facts_from(
    traits: Mapping[str, Any],
    estimate: ValueEstimate | None,
    declared: DeclaredStatus | None,
    now_ms: int,
) -> StatusFacts:
    """Gather the facts of a status from trait values, an estimate and what the person set.

    Parameters
    ----------
    traits
        Trait values by name; see the module. A list of purchase days fills whatever else it can.
    estimate
        What the value model expects; None without a model.
    declared
        The status the person set, also when it has ended.
    now_ms
        The instant the status is asked for.
    """
    days = _from_days(traits.get("shopping_days", traits.get("order_days")), day_of(now_ms))
    # Orders of one day are one purchase day: where the days are known, they count, not the orders.
    counted = {name: days[name] for name in _COUNTS_OF_DAYS if name in days}
    known = days | _numbers(traits) | counted
    order_days = _whole(known.get("order_days"))
    last, previous = _whole(known.get("last_order_at")), _whole(known.get("previous_order_at"))
    gap = known.get("last_gap_days")
    if gap is None and last is not None and previous is not None:
        gap = float(day_of(last) - day_of(previous))
    return StatusFacts(
        now_ms=now_ms,
        order_days=order_days if order_days is not None else int(last is not None),
        first_order_at=_whole(known.get("first_order_at")),
        last_order_at=last,
        mean_gap_days=known.get("mean_gap_days"),
        sd_gap_days=known.get("sd_gap_days"),
        last_gap_days=gap,
        orders_90d=_whole(known.get("orders_90d")),
        orders_prior_90d=_whole(known.get("orders_prior_90d")),
        p_alive=estimate.p_alive if estimate else None,
        expected_purchases_30=estimate.expected_purchases_30 if estimate else None,
        expected_purchases_90=estimate.expected_purchases_90 if estimate else None,
        usual_gap_days=estimate.usual_gap_days if estimate else None,
        messages_received_90d=_whole(known.get("messages_received_90d")),
        messages_answered_90d=_whole(known.get("messages_answered_90d")),
        orders_total=_whole(known.get("orders_total")),
        returns_total=_whole(known.get("returns_total")),
        declared=declared,
    )


def history_from(traits: Mapping[str, Any], now_ms: int) -> PurchaseHistory | None:
    """Give the purchase history that a value model needs, as it stands now.

    Returns
    -------
    PurchaseHistory or None
        None when the person has not bought, or the traits do not say when.
    """
    today = day_of(now_ms)
    known = {**_from_days(traits.get("order_days"), today), **_numbers(traits)}
    order_days = _whole(known.get("order_days"))
    first, last = _whole(known.get("first_order_at")), _whole(known.get("last_order_at"))
    if first is None or last is None or order_days is None or order_days < 1:
        return None
    recency = max(day_of(last) - day_of(first), 0)
    # A frequency without a span would contradict the model: a day holds one order.
    frequency = min(order_days - 1, recency)
    spend = known.get("spend_total_minor")
    return PurchaseHistory(
        frequency=frequency,
        recency_days=float(recency) if frequency else 0.0,
        age_days=float(max(today - day_of(first), recency)),
        mean_order_value_minor=spend / order_days if spend is not None and spend > 0 else None,
    )


def _numbers(traits: Mapping[str, Any]) -> dict[str, float]:
    """Keep the traits that are finite numbers of at least 0."""
    return {
        name: value
        for name, value in traits.items()
        if isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and value >= 0
    }


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _from_days(days: Any, today: int) -> dict[str, float]:
    """Derive every fact that a list of purchase days holds; days after today are left out."""
    if not isinstance(days, Sequence) or isinstance(days, str | bytes):
        return {}
    bought = sorted({day for day in days if isinstance(day, int) and 0 <= day <= today})
    known: dict[str, float] = {
        "order_days": len(bought),
        "orders_90d": sum(today - _WINDOW_DAYS < day for day in bought),
        "orders_prior_90d": sum(
            today - 2 * _WINDOW_DAYS < day <= today - _WINDOW_DAYS for day in bought
        ),
    }
    if bought:
        known |= {
            "first_order_at": bought[0] * MS_PER_DAY,
            "last_order_at": bought[-1] * MS_PER_DAY,
        }
    if len(bought) > 1:
        gaps = [after - before for before, after in pairwise(bought)]
        known |= {
            "mean_gap_days": fmean(gaps),
            "sd_gap_days": pstdev(gaps),
            "last_gap_days": gaps[-1],
        }
    return known
