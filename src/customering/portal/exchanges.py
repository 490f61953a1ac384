"""What comes back for what a person allows: estimated, counted, and held against the control group.

The counts are the person's own, read whenever the page is opened. What usually comes back, and what
choosing is owed of it, is read from many people; so that is read once a day, beside the pages.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Literal

import msgspec

from customering.app.engine import Engine
from customering.app.exchange_rates import NO_RATES, Holdout, Rates, exchange_rates
from customering.app.exchanging import given_to
from customering.app.live import Live
from customering.app.people import Person
from customering.app.timeline import life_of
from customering.consent.exchange import WINDOW_DAYS, Given, came_back
from customering.consent.model import Purpose
from customering.kernel.clock import day_of

_PATIENCE_SECONDS = 0.5
_CHOOSING = "personalize."
_logger = logging.getLogger("customering.portal")


class ExchangeView(msgspec.Struct, frozen=True, kw_only=True):
    """What comes back to a person for one purpose.

    Parameters
    ----------
    returns
        The kind of it.
    when_withdrawn
        What changes when they take the permission back.
    estimate
        Where the estimate comes from: ``stated`` by the business, ``usual`` of others who permit
        it, or ``none``.
    low_minor, high_minor, method, window
        As stated: between which a year of it is worth, how that is known, and of which time.
    people, usual_offers, usual_used, usual_saved_minor
        As usual: averages of so many people over the days.
    currency
        ISO 4217.
    days
        Days that were counted.
    offers, used, saved_minor
        What was done for this person, what of it they used, and what they paid less. Minor units.
    owed_share
        Of what is used, the part that would not have been without the choosing, by the control
        group; None where that cannot be told.
    """

    returns: str
    when_withdrawn: str
    estimate: Literal["stated", "usual", "none"]
    low_minor: int
    high_minor: int
    method: str
    window: str
    people: int
    usual_offers: float
    usual_used: float
    usual_saved_minor: float
    currency: str
    days: int
    offers: int
    used: int
    saved_minor: int
    owed_share: float | None


class HoldoutView(msgspec.Struct, frozen=True, kw_only=True):
    """What people use of what was chosen for them, and of what everybody is given.

    Parameters
    ----------
    people, people_alike
        For whom we chose, and who by lot got what everybody gets.
    share, share_alike
        What was used of what was shown, in [0, 1].
    low, high
        Between which the first is above the second, 95 %.
    """

    people: int
    people_alike: int
    share: float
    share_alike: float
    low: float
    high: float


class Exchanges:
    """Knows what usually comes back; in the thread of the event loop.

    Parameters
    ----------
    live
        The home.
    """

    def __init__(self, live: Live) -> None:
        self._live = live
        self._rates: Rates = NO_RATES
        self._day: int | None = None
        self._reading: asyncio.Task[Rates] | None = None
        live.before_stopping(self.settle)

    async def rates(self) -> Rates:
        """Give what was read last; read anew once a day, and waited for half a second at most."""
        today = day_of(self._live.present)
        if self._day != today and self._reading is None:
            self._day = today
            work = self._live.in_thread(exchange_rates, self._live.engine, self._live.present)
            self._reading = asyncio.ensure_future(work)
            self._reading.add_done_callback(self._note)
        if self._reading is not None:
            await asyncio.wait({self._reading}, timeout=_PATIENCE_SECONDS)
        return self._rates

    async def settle(self) -> None:
        """Wait for what is being read."""
        if self._reading is not None:
            await asyncio.wait({self._reading})

    def _note(self, done: asyncio.Task[Rates]) -> None:
        self._reading = None
        if done.cancelled():
            return
        error = done.exception()
        if error is not None:
            _logger.error("what usually comes back could not be read", exc_info=error)
        else:
            self._rates = done.result()


def given_to_person(engine: Engine, person: Person) -> list[Given]:
    """Read what was done for a person; for the thread that reads the history."""
    events = life_of(engine, person.identifiers)
    return given_to(events, {action.action_id: action for action in engine.actions})


def exchange_of(
    purpose: Purpose, given: Sequence[Given], rates: Rates, now_ms: int, currency: str
) -> ExchangeView:
    """Give what came back to a person for a purpose, and what usually does."""
    value = purpose.value
    back = came_back(given, purpose.key, now_ms, currency=currency)
    usual = rates.usual.get(purpose.key)
    is_stated = bool(value.method and value.high_minor)
    estimate: Literal["stated", "usual", "none"] = "none" if usual is None else "usual"
    chooses = purpose.key.startswith(_CHOOSING) and rates.holdout is not None
    return ExchangeView(
        returns=value.returns,
        when_withdrawn=value.when_withdrawn,
        estimate="stated" if is_stated else estimate,
        low_minor=value.low_minor,
        high_minor=value.high_minor,
        method=value.method,
        window=value.window,
        people=0 if usual is None else usual.people,
        usual_offers=0.0 if usual is None else round(usual.offers, 1),
        usual_used=0.0 if usual is None else round(usual.used, 1),
        usual_saved_minor=0.0 if usual is None else round(usual.saved_minor),
        currency=value.currency if is_stated else currency,
        days=WINDOW_DAYS,
        offers=back.offers,
        used=back.used,
        saved_minor=back.saved_minor,
        owed_share=rates.holdout.owed if chooses and rates.holdout is not None else None,
    )


def holdout_view(holdout: Holdout | None) -> HoldoutView | None:
    """Give the comparison as it is shown."""
    return None if holdout is None else HoldoutView(**holdout._asdict())
