"""A seeded town of people whose true wishes are known, so that what a decision missed is known too.

The town knows for every person, action and circumstance how likely the person accepts, whether they
would have bought anyway, and what a message costs in patience. A learner sees none of that: only
the events of the day and what comes of the actions it chose.

Everything is a function of the seed. What comes of an action is drawn by names (person, action, day
and hour), so two policies that do the same to the same person meet the same luck.
"""

from collections.abc import Collection, Iterator
from typing import Final

import numpy as np

from customering.decision.model import LEAVE_ALONE, Action
from customering.kernel.chance import draw
from customering.kernel.clock import MS_PER_DAY, MS_PER_HOUR, MS_PER_SECOND, day_of, parse_instant
from customering.kernel.errors import Invalid
from customering.testing.assortment import PAGES, PARTS, Floats, supply_of
from customering.testing.model import Best as Best
from customering.testing.model import Circumstances as Circumstances
from customering.testing.model import Goal as Goal
from customering.testing.model import Rates as Rates
from customering.testing.model import Response as Response
from customering.testing.model import Visit as Visit
from customering.testing.residents import AGES, residents_of

FIRST_INSTANT_MS: Final = parse_instant("2026-01-05")
"""Day 0 of every town, a Monday; the days before it are its history."""

UNIFORM_RATE, BEST_SINGLE_RATE, ORACLE_RATE = 0.035, 0.07, 0.11
"""How often an offer on a page is accepted when it is drawn, when it is the best one for all, and
when it is the best one for each; every town is made to have these."""

_DRIFT_DAYS: Final = 60.0
_SERIES_ROUNDS: Final = 40
_QUIRK: Final = 0.1  # logits; what nobody could tell from anything that is seen


class Town:
    """A town.

    Parameters
    ----------
    seed
        Everything follows from it.
    people
        How many live there.
    actions
        How many offers the shop has; six messages come on top.
    drifts
        Whether the appeal of the actions changes as time passes, each with a period of 60 days.
    warmth
        How many times as often as usual people accept, from 0.2 to 6; with much of it a few hundred
        decisions teach what otherwise takes thousands.

    Raises
    ------
    Invalid
        When nobody lives there or the warmth is out of its range.

    Attributes
    ----------
    actions
        What may be done, as decisions take it: offers that fit any channel, then messages.
    residents, supply
        What is hidden.

    Examples
    --------
    >>> town = Town(1, people=50)
    >>> visit = next(town.visits(day=0, count=1))
    >>> best = town.best(visit.person, visit.circumstances, day=0)
    >>> best.value > 0.0
    True
    """

    def __init__(
        self,
        seed: int = 1,
        people: int = 500,
        actions: int = 30,
        *,
        drifts: bool = False,
        warmth: float = 1.0,
    ) -> None:
        if not 0.2 <= warmth <= 6.0 or people < 1:
            raise Invalid(
                f"a town of {people} people and a warmth of {warmth} cannot be",
                hint="let somebody live there, and keep the warmth between 0.2 and 6",
            )
        chance = np.random.default_rng([seed, 0])
        self.seed = seed
        self.drifts = drifts
        self.residents = residents_of(chance, people)
        self.supply = supply_of(chance, actions, len(AGES), FIRST_INSTANT_MS)
        self.actions: tuple[Action, ...] = self.supply.actions
        self._places = {one.action_id: place for place, one in enumerate(self.actions)}
        self._offers = np.array([not channel for channel in self.supply.channels])
        self._turns = chance.random(len(self.actions))
        quirks = chance.normal(0.0, _QUIRK, (people, len(self.actions)))
        tastes = self._tastes() + quirks
        intercept, appeal, strength = self._scales(tastes, warmth)
        self._own = intercept + appeal * self.supply.appeal + strength * tastes
        self._by_part = strength * self.supply.by_part
        self._by_page = strength * self.supply.by_page
        self._asked: tuple[tuple[int, Circumstances, int, int], Rates] | None = None

    @property
    def people(self) -> int:
        """How many live here."""
        return len(self.residents.deal)

    def _tastes(self) -> Floats:
        """Give what each person thinks of each action before scaling, in logits."""
        residents, supply = self.residents, self.supply
        bargain = 2.0 * residents.deal[:, None] * (supply.discount - 0.15)
        return residents.liking[:, supply.department] + bargain + supply.by_age[residents.age]

    def _scales(self, tastes: Floats, warmth: float) -> tuple[float, float, float]:
        """Find intercept, scale of appeal and of taste that give the town its three rates.

        A fixed-point iteration over the offers: each rate is moved by the scale that moves it most.
        """
        offers, everybody = self._offers, np.arange(self.people)
        part, page = everybody % len(PARTS), everybody // len(PARTS) % len(PAGES)
        there = self.supply.by_part[part] + self.supply.by_page[page]
        here, appeal_of = (tastes + there)[:, offers], self.supply.appeal[offers]
        intercept, appeal, strength = -4.0, 0.4, 0.6
        for _ in range(_SERIES_ROUNDS):
            rates = _chance_of(intercept + appeal * appeal_of + strength * here)
            mean, single, each = rates.mean(), rates.mean(axis=0).max(), rates.max(axis=1).mean()
            intercept += np.log(warmth * UNIFORM_RATE / mean)
            appeal *= np.clip(
                np.log(BEST_SINGLE_RATE / UNIFORM_RATE) / np.log(single / mean), 0.5, 2.0
            )
            strength *= np.clip(np.log(ORACLE_RATE / UNIFORM_RATE) / np.log(each / mean), 0.5, 2.0)
        return float(intercept), float(appeal), float(strength)

    def visits(self, day: int, count: int) -> Iterator[Visit]:
        """Give who comes by on a day, in order of time; the same however often it is asked.

        Parameters
        ----------
        day
            Day of the town.
        count
            How many visits.
        """
        chance = np.random.default_rng([self.seed, 1, day + 1_000])
        who = chance.choice(self.people, count, replace=count > self.people)
        hours = np.clip(np.round(self.residents.hour[who] + chance.normal(0, 4.0, count)), 6, 22)
        pages = chance.choice(len(PAGES), count, p=[0.4, *[0.08] * (len(PAGES) - 2), 0.12])
        weekday = day % 7 + 1
        begins = FIRST_INSTANT_MS + day * MS_PER_DAY
        within = chance.integers(0, MS_PER_HOUR, count)
        visits = [
            Visit(
                person,
                begins + hour * MS_PER_HOUR + millisecond,
                Circumstances(hour, weekday, PAGES[page]),
            )
            for person, hour, page, millisecond in zip(
                who.tolist(),
                hours.astype(int).tolist(),
                pages.tolist(),
                within.tolist(),
                strict=True,
            )
        ]
        yield from sorted(visits, key=lambda visit: (visit.at_ms, visit.person))

    def rates(
        self, person: int, circumstances: Circumstances, day: int, contacts: int = 0
    ) -> Rates:
        """Give what would come of each action.

        Parameters
        ----------
        person
            Number of the person, from 0.
        circumstances
            Where and when they are met.
        day
            Day of the town.
        contacts
            Messages they had in the last 30 days.
        """
        asked = person, circumstances, day, contacts
        if self._asked is None or self._asked[0] != asked:  # each occasion is asked of twice
            self._asked = asked, self._rates(*asked)
        return self._asked[1]

    def _rates(self, person: int, circumstances: Circumstances, day: int, contacts: int) -> Rates:
        residents, supply = self.residents, self.supply
        is_contact = circumstances.channel != ""
        over = max(0, contacts - int(residents.tolerance[person])) if is_contact else 0
        logits = (
            self._own[person]
            + self._by_part[PARTS.index(circumstances.part)]
            + self._by_page[PAGES.index(circumstances.page)]
            + (residents.mood(person, day) - 0.25 * over)
        )
        if self.drifts:
            logits = logits + 0.6 * np.sin(2.0 * np.pi * (day / _DRIFT_DAYS + self._turns))
        accepted = _chance_of(logits)
        anyway = accepted * residents.sureness[person]
        if is_contact and residents.put_off[person]:
            accepted, anyway = 0.3 * accepted, 0.6 * accepted
        leaving = 0.002 * float(np.exp(0.4 * over)) if is_contact else 0.0
        unsubscribed = np.full(len(accepted), min(leaving, 1.0))
        gained = (accepted - anyway) * supply.values_minor - accepted * supply.costs_minor
        return Rates(
            accepted,
            anyway,
            unsubscribed,
            accepted * supply.values_minor,
            gained - unsubscribed * residents.worth_minor[person],
        )

    def best(
        self,
        person: int,
        circumstances: Circumstances,
        day: int,
        *,
        goal: Goal = "margin",
        among: Collection[str] | None = None,
        contacts: int = 0,
    ) -> Best:
        """Give the best action there is, knowing everything.

        Parameters
        ----------
        person, circumstances, day, contacts
            As of `rates`.
        goal
            What is to be had most of; by ``net`` leaving the person alone may be best.
        among
            Ids of the actions that come into question; None for those on offer that day.

        Returns
        -------
        Best
            Its id and its value; leaving alone when nothing is worth more than 0.
        """
        rates = self.rates(person, circumstances, day, contacts)
        values = self.value_of(rates, goal)
        ids = self.on_offer(day, circumstances.channel) if among is None else among
        found = max(((values[self._places[one]], one) for one in ids), default=(0.0, LEAVE_ALONE))
        return Best(found[1], float(found[0])) if found[0] > 0.0 else Best(LEAVE_ALONE, 0.0)

    @staticmethod
    def value_of(rates: Rates, goal: Goal) -> Floats:
        """Give of some rates what is to be had most of, one entry an action."""
        return {"accepted": rates.accepted, "margin": rates.margin_minor, "net": rates.net_minor}[
            goal
        ]

    def place_of(self, action_id: str) -> int:
        """Give the place of an action in the order of the town."""
        return self._places[action_id]

    def on_offer(self, day: int, channel: str = "") -> list[str]:
        """Give the ids of the actions that have begun, are not over, and fit the channel."""
        now_ms = FIRST_INSTANT_MS + day * MS_PER_DAY
        return [
            action.action_id
            for action in self.actions
            if action.channel in ("", channel)
            and (action.valid_from or 0) <= now_ms
            and (action.valid_until is None or now_ms < action.valid_until)
        ]

    def respond(
        self,
        person: int,
        action_id: str,
        circumstances: Circumstances,
        day: int,
        contacts: int = 0,
    ) -> Response:
        """Let an action be done, and give what comes of it.

        Parameters
        ----------
        person, circumstances, day, contacts
            As of `rates`.
        action_id
            What is done; leaving alone brings nothing.
        """
        if action_id == LEAVE_ALONE:
            return Response(False, False, False, False, False, 0, 0, False)
        place = self._places[action_id]
        rates = self.rates(person, circumstances, day, contacts)
        names = (str(person), action_id, str(day), str(circumstances.hour))
        buying, seeing, leaving, later = (
            draw(self.seed, what, *names) for what in ("buys", "sees", "leaves", "later")
        )
        is_contact = circumstances.channel != ""
        accepted = buying < rates.accepted[place]
        clicked = bool(accepted or buying < 3.0 * rates.accepted[place])
        shown = clicked or not is_contact or seeing < 0.5
        disliking = 1.0 - rates.accepted[place] / rates.accepted.max()
        wait_ms = -np.log(1.0 - later) * (18 * MS_PER_HOUR if accepted else 240 * MS_PER_SECOND)
        return Response(
            shown=shown,
            clicked=clicked,
            accepted=bool(accepted),
            dismissed=bool(shown and not clicked and seeing < 0.02 * disliking),
            unsubscribed=bool(leaving < rates.unsubscribed[place]),
            delay_ms=int(min(wait_ms, 3 * MS_PER_DAY)),
            margin_minor=int(self.supply.values_minor[place]) if accepted else 0,
            would_have_bought=bool(buying < rates.anyway[place]),
        )


def town_day(at_ms: int) -> int:
    """Give the day of the town in which an instant falls; before its beginning it is negative."""
    return day_of(at_ms) - day_of(FIRST_INSTANT_MS)


def _chance_of(logits: Floats) -> Floats:
    """Give chances of logits."""
    found: Floats = 1.0 / (1.0 + np.exp(-logits))
    return found
