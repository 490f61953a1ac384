"""What one person may want: by habits, by what they do in this visit, or by where they are."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from customering.app.decision_facts import Bought
from customering.app.models import ModelShelf
from customering.kernel.clock import MS_PER_DAY, MS_PER_HOUR, day_of
from customering.taste.context import cells_of
from customering.taste.history import history_of
from customering.taste.list_settings import ListSettings
from customering.taste.newcomers import popular_here
from customering.taste.rank import Shortlist, shortlist
from customering.taste.session import Looking, in_session
from customering.taste.sources import Found, joined

_DEFAULTS = ListSettings()
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
    settings
        What comes into a list beside habits.
    """

    def __init__(self, models: ModelShelf, settings: ListSettings = _DEFAULTS) -> None:
        self._models = models
        self._settings = settings

    def of(
        self,
        bought: Bought,
        looking: Looking,
        cells: tuple[str, ...],
        day: int,
        n: int,
        *,
        discover: int,
        tips: Sequence[Found] = (),
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
        tips
            What people they know speak for.
        """
        model = self._models.taste
        if model is None:
            return Shortlist([], [], [], [], np.zeros(0, dtype=np.int64))
        habits, days = bought.habits, bought.days
        if not habits and model.context is not None and cells:
            listed = popular_here(model, model.context, cells, day, n)
        else:
            listed = shortlist(model, habits, days, day, n, discover=discover)
        tipped = {one.product_id for one in tips}
        new = [one for one in self._arrivals(bought) if one.product_id not in tipped]
        listed = joined(model, listed, [*tips, *new], n)
        if looking.is_idle:
            return listed
        words = self._models.words
        return in_session(model, listed, looking, words, n, shopping_days=len(days))

    def _arrivals(self, bought: Bought) -> list[Found]:
        """Give what nobody has bought yet and is most like what the person buys."""
        model, arrivals = self._models.taste, self._models.arrivals
        if model is None or arrivals is None or not self._settings.arrivals:
            return []
        past = history_of(bought.habits, bought.days, model.index)
        # Of these some may have been bought since the model was fitted.
        known = sum(product in bought.habits for product in arrivals.products)
        found = arrivals.of(past, self._settings.arrivals + known)
        words = self._models.words
        return [
            Found(
                one.product_id,
                "arrival",
                f"It is new here, and like {words.title(one.like) or one.like}.",
                chance=one.probability,
            )
            for one in found
            if one.product_id not in bought.habits
        ][: self._settings.arrivals]
