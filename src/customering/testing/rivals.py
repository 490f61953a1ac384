"""Policies to compare with: by chance, by popularity, by rules, and by Thompson sampling."""

from collections import defaultdict, deque
from collections.abc import Mapping

import numpy as np

from customering.decision.model import LEAVE_ALONE, Action
from customering.testing.contest import Choice, Turn
from customering.testing.world import Response, Town

CAP_DAYS, CAP_TIMES = 7, 2
"""Those who write at all write at most so many messages in so many days, as the defaults say."""

_SHARE_DRAWN = 0.1
_FORGOTTEN_AFTER_DAYS = 30


class _Rival:
    """What all of them share: a seed, the values of the actions, and a cap on messages."""

    name = ""

    def __init__(self, town: Town) -> None:
        self._chance = np.random.default_rng([town.seed, 4, len(self.name)])
        self._actions: Mapping[str, Action] = {one.action_id: one for one in town.actions}

    def choose(self, turn: Turn) -> Choice:
        """Leave alone who had enough messages; otherwise choose."""
        lately = [day for day in turn.contacts if day > turn.day - CAP_DAYS]
        if len(lately) >= CAP_TIMES:
            return Choice(LEAVE_ALONE)
        return self._choose(turn)

    def _choose(self, turn: Turn) -> Choice:
        raise NotImplementedError

    def learn(self, turn: Turn, choice: Choice, response: Response) -> None:
        """Learn nothing."""

    def end_day(self, day: int) -> None:
        """Do nothing."""


class Random(_Rival):
    """Draws uniformly."""

    name = "random"

    def _choose(self, turn: Turn) -> Choice:
        count = len(turn.ids)
        return Choice(turn.ids[int(self._chance.integers(count))], np.full(count, 1.0 / count))


class Flood(Random):
    """Draws uniformly, and writes to everybody whenever it can."""

    name = "random without a cap"

    def choose(self, turn: Turn) -> Choice:
        """Choose whatever they had."""
        return self._choose(turn)


class Popularity(_Rival):
    """Takes what the largest share accepted in the last 30 days, and draws one time in ten."""

    name = "popularity"

    def __init__(self, town: Town) -> None:
        super().__init__(town)
        self._told: deque[tuple[int, str, bool]] = deque()
        self._counts: defaultdict[str, list[float]] = defaultdict(lambda: [1.0, 30.0])

    def _choose(self, turn: Turn) -> Choice:
        count = len(turn.ids)
        shares = [accepted / told for accepted, told in (self._counts[one] for one in turn.ids)]
        chances = np.full(count, _SHARE_DRAWN / count)
        chances[int(np.argmax(shares))] += 1.0 - _SHARE_DRAWN
        return Choice(turn.ids[int(self._chance.choice(count, p=chances))], chances)

    def learn(self, turn: Turn, choice: Choice, response: Response) -> None:
        """Count what was accepted."""
        self._told.append((turn.day, choice.action_id, response.accepted))
        self._count(choice.action_id, response.accepted, 1)

    def _count(self, action_id: str, accepted: bool, sign: int) -> None:
        counts = self._counts[action_id]
        counts[0] += sign * accepted
        counts[1] += sign

    def end_day(self, day: int) -> None:
        """Forget what is too long ago."""
        while self._told and self._told[0][0] <= day - _FORGOTTEN_AFTER_DAYS:
            _, action_id, accepted = self._told.popleft()
            self._count(action_id, accepted, -1)


class Rules(_Rival):
    """What a marketer would write: the dearest offer of the page, else of what they buy most."""

    name = "rules"

    def _choose(self, turn: Turn) -> Choice:
        top = turn.facts.get("top_departments") or [["", 0]]
        for wanted in (turn.circumstances.page, top[0][0]):
            fitting = [one for one in turn.ids if self._actions[one].group == wanted]
            if fitting:
                return self._dearest(turn, fitting)
        return self._dearest(turn, list(turn.ids))

    def _dearest(self, turn: Turn, ids: list[str]) -> Choice:
        best = max(ids, key=lambda one: self._actions[one].value_minor)
        return Choice(best, np.array([float(one == best) for one in turn.ids]))


class Thompson(_Rival):
    """Draws each action's chance from Beta(1 + accepted, 30 + not) and takes the most valuable.

    It knows nothing of the person. Its own chances are not known exactly.
    """

    name = "Beta-Thompson"

    def __init__(self, town: Town) -> None:
        super().__init__(town)
        self._counts: defaultdict[str, list[float]] = defaultdict(lambda: [1.0, 30.0])

    def _choose(self, turn: Turn) -> Choice:
        counts = np.array([self._counts[one] for one in turn.ids])
        values = [self._actions[one].value_minor for one in turn.ids]
        drawn = self._chance.beta(counts[:, 0], counts[:, 1]) * values
        return Choice(turn.ids[int(drawn.argmax())])

    def learn(self, turn: Turn, choice: Choice, response: Response) -> None:
        """Count."""
        if choice.action_id != LEAVE_ALONE:
            self._counts[choice.action_id][0 if response.accepted else 1] += 1.0
