"""A contest of policies in a town: the same people, the same days, the same luck for each."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from customering.decision.model import LEAVE_ALONE
from customering.kernel.clock import MS_PER_DAY, MS_PER_HOUR
from customering.testing.assortment import Floats
from customering.testing.world import FIRST_INSTANT_MS, Circumstances, Response, Town, Visit

DAYS = 90


class Turn(NamedTuple):
    """What a policy may know when it decides.

    Parameters
    ----------
    person
        Number of the person.
    at_ms, day
        When.
    circumstances
        Where.
    facts
        Trait values of the person.
    ids
        The actions on offer.
    contacts
        Days of the messages the person had so far; empty for a place on a page.
    """

    person: int
    at_ms: int
    day: int
    circumstances: Circumstances
    facts: Mapping[str, Any]
    ids: Sequence[str]
    contacts: Sequence[int] = ()


class Choice(NamedTuple):
    """What a policy chose.

    Parameters
    ----------
    action_id
        One of those on offer, or leaving alone.
    chances
        The exact chance of each of those on offer; empty when the policy cannot tell.
    trace
        What the policy wants back with the outcome.
    """

    action_id: str
    chances: Floats = np.zeros(0)
    trace: Any = None


class Policy(Protocol):
    """Decides and learns; all chance comes from a seed of its own."""

    name: str

    def choose(self, turn: Turn) -> Choice:
        """Choose an action."""
        ...

    def learn(self, turn: Turn, choice: Choice, response: Response) -> None:
        """Take in what came of it; told in the order of the decisions, at the end of the day."""
        ...

    def end_day(self, day: int) -> None:
        """Do what is done once a day, after the outcomes of the day were told."""
        ...


class Row(NamedTuple):
    """One decision as it truly was.

    Parameters
    ----------
    day, person
        When and for whom.
    accepted
        Whether what was chosen was accepted.
    rate, uniform_rate
        Chance, by the truth, that it would be, and that a uniform draw would be.
    margin, uniform, best
        Expected margin of what was chosen, of a uniform draw, and of the best. Minor units.
    net
        Expected net margin of what was chosen, as in `world.Rates`. Minor units.
    contacted, unsubscribed
        Whether anything was done, and whether the person ended the channel.
    place, chances
        The chosen place among those on offer, and the exact chances; empty when not told.
    """

    day: int
    person: int
    accepted: bool
    rate: float
    uniform_rate: float
    margin: float
    uniform: float
    best: float
    net: float
    contacted: bool
    unsubscribed: bool
    place: int
    chances: Floats


class Result(NamedTuple):
    """How one policy fared: its decisions in order of time."""

    name: str
    rows: list[Row]

    def column(self, field: str, *, last_quarter: bool = False) -> Floats:
        """Give one field of all rows, or of the last quarter of them."""
        rows = self.rows[len(self.rows) * 3 // 4 :] if last_quarter else self.rows
        return np.array([getattr(row, field) for row in rows], dtype=np.float64)

    def captured(self, *, last_quarter: bool = False) -> float:
        """Give the share of the way from drawing uniformly to the best for each that was gone."""
        margin, uniform, best = (
            self.column(field, last_quarter=last_quarter).sum()
            for field in ("margin", "uniform", "best")
        )
        return float((margin - uniform) / (best - uniform))

    @property
    def regret_minor(self) -> float:
        """Margin missed a decision, on average, against knowing everything. Minor units."""
        return float((self.column("best") - self.column("margin")).mean())


class Standing(NamedTuple):
    """How good a policy is at one time, as a share of the way from uniform to the best for each.

    Parameters
    ----------
    drawn
        As it decides, with all it draws to learn more.
    best
        Did it always take what it has the highest chance for.
    """

    drawn: float
    best: float


def compete(
    town: Town, facts: Sequence[Mapping[str, Any]], policy: Policy, decisions: int
) -> Result:
    """Let a policy fill one place on a page for whoever comes by, for 90 days.

    Parameters
    ----------
    town
        The town.
    facts
        What is known of each person, from `customering.testing.facts.facts_of`.
    policy
        The policy; it must be new.
    decisions
        How many in all, spread evenly over the days.
    """
    rows = []
    for day in range(DAYS):
        told = []
        ids = town.on_offer(day)
        count = (day + 1) * decisions // DAYS - day * decisions // DAYS
        for visit in town.visits(day, count):
            person, here = visit.person, visit.circumstances
            turn = Turn(person, visit.at_ms, day, here, facts[person], ids)
            choice = policy.choose(turn)
            response = town.respond(person, choice.action_id, here, day)
            told.append((turn, choice, response))
            rows.append(_row(town, visit, turn, choice, response))
        for one in told:
            policy.learn(*one)
        policy.end_day(day)
    return Result(policy.name, rows)


def standing(
    town: Town, facts: Sequence[Mapping[str, Any]], policy: Policy, visits: int = 2_000
) -> Standing:
    """Tell how good a policy is as it stands after a contest: over the five days that follow it.

    It learns nothing meanwhile. Of a policy that tells its chances the expectation over its draws
    is taken, of another what it chooses.
    """
    sums = np.zeros(4)
    for day in range(DAYS, DAYS + 5):
        ids = town.on_offer(day)
        places = [town.place_of(one) for one in ids]
        for visit in town.visits(day, visits // 5):
            person, here = visit.person, visit.circumstances
            choice = policy.choose(Turn(person, visit.at_ms, day, here, facts[person], ids))
            margins = town.rates(person, here, day).margin_minor[places]
            chosen = float(margins[ids.index(choice.action_id)])
            told = len(choice.chances) > 0
            drawn = float(choice.chances @ margins) if told else chosen
            best = float(margins[int(choice.chances.argmax())]) if told else chosen
            sums += (drawn, best, margins.mean(), margins.max())
    drawn, best, uniform, oracle = sums.tolist()
    return Standing((drawn - uniform) / (oracle - uniform), (best - uniform) / (oracle - uniform))


def compete_by_mail(
    town: Town, facts: Sequence[Mapping[str, Any]], policy: Policy, decisions: int
) -> Result:
    """Ask a policy for 90 days whether to write to people, and what.

    Each of them is in the mailing list until they end the channel; who had many messages lately
    answers less and leaves sooner. Leaving alone earns and costs nothing.
    """
    rows = []
    gone: set[int] = set()
    contacts: dict[int, list[int]] = {}
    for day in range(DAYS):
        told = []
        ids = town.on_offer(day, "email")
        count = (day + 1) * decisions // DAYS - day * decisions // DAYS
        for visit in town.visits(day, count):
            person = visit.person
            if person in gone:
                continue
            here = visit.circumstances._replace(channel="email", page="home", hour=12)
            had = [one for one in contacts.get(person, []) if one > day - 30]
            noon = FIRST_INSTANT_MS + day * MS_PER_DAY + 12 * MS_PER_HOUR
            turn = Turn(person, noon, day, here, facts[person], ids, had)
            choice = policy.choose(turn)
            response = town.respond(person, choice.action_id, here, day, len(had))
            told.append((turn, choice, response))
            rows.append(_row(town, visit, turn, choice, response, len(had)))
            if choice.action_id != LEAVE_ALONE:
                contacts[person] = [*had, day]
            if response.unsubscribed:
                gone.add(person)
        for one in told:
            policy.learn(*one)
        policy.end_day(day)
    return Result(policy.name, rows)


def _row(
    town: Town, visit: Visit, turn: Turn, choice: Choice, response: Response, contacts: int = 0
) -> Row:
    rates = town.rates(visit.person, turn.circumstances, turn.day, contacts)
    places = [town.place_of(one) for one in turn.ids]
    margins, is_done = rates.margin_minor[places], choice.action_id != LEAVE_ALONE
    at = town.place_of(choice.action_id) if is_done else 0
    return Row(
        day=turn.day,
        person=visit.person,
        accepted=response.accepted,
        rate=float(rates.accepted[at]) * is_done,
        uniform_rate=float(rates.accepted[places].mean()),
        margin=float(rates.margin_minor[at]) * is_done,
        uniform=float(margins.mean()),
        best=float(margins.max()),
        net=float(rates.net_minor[at]) * is_done,
        contacted=is_done,
        unsubscribed=response.unsubscribed,
        place=turn.ids.index(choice.action_id) if is_done else len(turn.ids),
        chances=choice.chances,
    )
