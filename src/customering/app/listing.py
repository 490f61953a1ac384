"""What one person may want: by habits, by what they do in this visit, or by where they are."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from customering.app.decision_facts import Bought
from customering.app.models import ModelShelf
from customering.kernel.clock import MS_PER_DAY, MS_PER_HOUR, day_of
from customering.taste.context import cells_of
from customering.taste.newcomers import popular_here
from customering.taste.rank import Shortlist, shortlist
from customering.taste.session import Looking, in_session

_THURSDAY = 3  # the day of the week, Monday being 0, on which 1970 began


def where_from(context: Mapping[str, Any], now_ms: int) -> tuple[str, ...]:
    """Name when, where and by which way somebody is here, as far as whoever asks told it.

    Parameters
    ----------
    context
        The circumstances of a request; ``store_id`` and ``channel`` are read.
    now_ms
        The present. Milliseconds since 1970.
    """
    store, channel = context.get("store_id"), context.get("channel")
    return cells_of(
        hour=now_ms % MS_PER_DAY // MS_PER_HOUR,
        weekday=(day_of(now_ms) + _THURSDAY) % 7,
        store=store if isinstance(store, str) else "",
        channel=channel if isinstance(channel, str) else "",
    )


class Lists:
    """Makes the lists of people.

    Parameters
    ----------
    models
        What people want and what the products are.
    """

    def __init__(self, models: ModelShelf) -> None:
        self._models = models

    def of(
        self,
        bought: Bought,
        looking: Looking,
        cells: tuple[str, ...],
        day: int,
        n: int,
        *,
        discover: int,
    ) -> Shortlist:
        """Give what one person may want next, most probable first.

        Parameters
        ----------
        bought
            What they bought.
        looking
            What they do in this visit.
        cells
            When, where and by which way they are here; only asked where nothing was bought.
        day
            UTC day number of asking.
        n, discover
            As for `taste.rank.suggest`.
        """
        model = self._models.taste
        if model is None:
            return Shortlist([], [], [], [], np.zeros(0, dtype=np.int64))
        habits, days = bought.habits, bought.days
        if not habits and model.context is not None and cells:
            listed = popular_here(model, model.context, cells, day, n)
        else:
            listed = shortlist(model, habits, days, day, n, discover=discover)
        if looking.is_idle:
            return listed
        words = self._models.words
        return in_session(model, listed, looking, words, n, shopping_days=len(days))
