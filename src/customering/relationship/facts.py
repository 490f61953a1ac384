"""From trait values to facts: what is missing or not a number stays unknown, and nothing fails.

Traits read, by name; instants are milliseconds since 1970, amounts minor units:
``order_days`` (distinct purchase days: their number, or the list of them as days since 1970),
``shopping_days`` (that list, from which purchase days are counted where it is there),
``first_order_at``, ``previous_order_at``, ``last_order_at``, ``mean_gap_days``, ``sd_gap_days``,
``last_gap_days``, ``orders_90d``, ``orders_prior_90d``, ``messages_received_90d``,
``messages_answered_90d``, ``orders_total``, ``returns_total`` and ``spend_total_minor``;
``unsubscribed_at`` and ``sentiment_90d`` (-1 to 1) where somebody defines them, and
``dismissed_actions`` (by suggestion the days on which it was said no to).
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import fmean, pstdev
from typing import Any

from customering.kernel.clock import MS_PER_DAY, day_of
from customering.relationship.model import (
    DeclaredStatus,
    Persuasion,
    PurchaseHistory,
    StatusFacts,
    ValueEstimate,
)

TRAITS_JUDGED = frozenset(
    {
        "order_days", "shopping_days", "first_order_at", "previous_order_at", "last_order_at",
        "mean_gap_days", "sd_gap_days", "last_gap_days", "orders_90d", "orders_prior_90d",
        "messages_received_90d", "messages_answered_90d", "unsubscribed_at", "sentiment_90d",
        "dismissed_actions",
    }
)  # fmt: skip
"""The traits that a status is judged by, where they are defined."""

_WINDOW_DAYS = 90
_ABSENT: Any = object()


def facts_from(
    traits: Mapping[str, Any],
    estimate: ValueEstimate | None,
    declared: DeclaredStatus | None,
    now_ms: int,
    *,
    for_words: bool = True,
    persuasion: Persuasion | None = None,
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
    for_words
        Whether facts that are only told, and never judged by, are wanted.
    persuasion
        What was measured of contacting people like them.
    """
    today = day_of(now_ms)
    days = traits.get("shopping_days", _ABSENT)
    known = _Known(traits, traits.get("order_days") if days is _ABSENT else days, today)
    order_days, last = known.whole("order_days"), known.whole("last_order_at")
    # Without a last purchase there is no rhythm, and nothing else is judged by what makes one.
    has_rhythm = for_words or last is not None
    return StatusFacts(
        now_ms=now_ms,
        order_days=order_days if order_days is not None else int(last is not None),
        first_order_at=known.whole("first_order_at"),
        last_order_at=last,
        mean_gap_days=known.number("mean_gap_days") if has_rhythm else None,
        sd_gap_days=known.number("sd_gap_days") if has_rhythm else None,
        last_gap_days=_last_gap(known, last) if has_rhythm else None,
        orders_90d=known.counted("orders_90d"),
        orders_prior_90d=known.counted("orders_prior_90d") if has_rhythm else None,
        p_alive=estimate.p_alive if estimate else None,
        expected_purchases_30=estimate.expected_purchases_30 if estimate else None,
        expected_purchases_90=estimate.expected_purchases_90 if estimate else None,
        usual_gap_days=estimate.usual_gap_days if estimate else None,
        messages_received_90d=known.whole("messages_received_90d"),
        messages_answered_90d=known.whole("messages_answered_90d"),
        orders_total=known.whole("orders_total") if for_words else None,
        returns_total=known.whole("returns_total") if for_words else None,
        unsubscribed_at=known.whole("unsubscribed_at"),
        dismissed_days=_dismissed(traits.get("dismissed_actions"), today),
        sentiment_90d=_sentiment(traits.get("sentiment_90d")),
        persuasion=persuasion,
        declared=declared,
    )


def _last_gap(known: "_Known", last: int | None) -> float | None:
    """Give the days between the last two purchases, counted if need be."""
    gap = known.number("last_gap_days")
    previous = known.whole("previous_order_at") if gap is None else None
    if gap is None and last is not None and previous is not None:
        gap = float(day_of(last) - day_of(previous))
    return gap


def _dismissed(days_by_action: Any, today: int) -> tuple[int, ...]:
    """Give the days in the last 90 on which something was said no to."""
    if not isinstance(days_by_action, Mapping):
        return ()
    return tuple(
        sorted(
            day
            for days in days_by_action.values()
            for day in days
            if today - _WINDOW_DAYS < day <= today
        )
    )


def _sentiment(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and -1 <= value <= 1 else None


def history_from(traits: Mapping[str, Any], now_ms: int) -> PurchaseHistory | None:
    """Give the purchase history that a value model needs, as it stands now.

    Returns
    -------
    PurchaseHistory or None
        None when the person has not bought, or the traits do not say when.
    """
    today = day_of(now_ms)
    known = _Known(traits, traits.get("order_days"), today)
    order_days = known.whole("order_days")
    first, last = known.whole("first_order_at"), known.whole("last_order_at")
    if first is None or last is None or order_days is None or order_days < 1:
        return None
    recency = max(day_of(last) - day_of(first), 0)
    # A frequency without a span would contradict the model: a day holds one order.
    frequency = min(order_days - 1, recency)
    spend = known.number("spend_total_minor")
    return PurchaseHistory(
        frequency=frequency,
        recency_days=float(recency) if frequency else 0.0,
        age_days=float(max(today - day_of(first), recency)),
        mean_order_value_minor=spend / order_days if spend is not None and spend > 0 else None,
    )


class _Known:
    """Numbers by name, each read when it is asked for: from the traits, or from purchase days.

    Parameters
    ----------
    traits
        Values by name; only finite numbers of at least 0 count.
    days
        Purchase days, if it is a list of them; those after today are left out.
    """

    def __init__(self, traits: Mapping[str, Any], days: Any, today: int) -> None:
        self._get = traits.get
        self._today = today
        self._bought: list[int] | None = None
        if isinstance(days, Sequence) and not isinstance(days, str | bytes):
            self._bought = sorted(
                {day for day in days if isinstance(day, int) and 0 <= day <= today}
            )

    def number(self, name: str) -> float | None:
        """Give a trait, or else what the purchase days say of it."""
        value: float | None = self._get(name)
        # Types are compared and not asked for their kind: it is done ten times a decision.
        if (type(value) is int or type(value) is float) and 0 <= value < math.inf:
            return value
        return None if self._bought is None else self._from_days(self._bought, name)

    def whole(self, name: str) -> int | None:
        """Give a number as a whole one."""
        value: float | None = self._get(name)
        if type(value) is int and value >= 0:
            return value
        if value is None and self._bought is None:
            return None
        value = self.number(name)
        return None if value is None else int(value)

    def counted(self, name: str) -> int | None:
        """Give a count of purchase days: orders of one day are one, so the days come first."""
        value = None if self._bought is None else self._from_days(self._bought, name)
        return self.whole(name) if value is None else int(value)

    def _from_days(self, days: list[int], name: str) -> float | None:
        today = self._today
        match name:
            case "order_days":
                return len(days)
            case "orders_90d":
                return len(days) - bisect_right(days, today - _WINDOW_DAYS)
            case "orders_prior_90d":
                before = bisect_right(days, today - 2 * _WINDOW_DAYS)
                return bisect_right(days, today - _WINDOW_DAYS) - before
            case "first_order_at" if days:
                return days[0] * MS_PER_DAY
            case "last_order_at" if days:
                return days[-1] * MS_PER_DAY
            case "mean_gap_days" if len(days) > 1:
                return fmean(after - before for before, after in pairwise(days))
            case "sd_gap_days" if len(days) > 1:
                return pstdev(after - before for before, after in pairwise(days))
            case "last_gap_days" if len(days) > 1:
                return days[-1] - days[-2]
        return None
