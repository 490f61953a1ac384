"""Decisions and what came of them, laid out so that other policies can be judged by them.

Only the first place of a decision is drawn with a known chance, so only it is judged: what came of
the action in the first place. Decisions in which nothing was to be chosen are left out: any policy
would have done the same.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from customering.decision.model import LEAVE_ALONE, Considered, Decision, FoundBy
from customering.kernel.records import Record
from customering.outcomes.model import Attributed, Outcome
from customering.outcomes.rewards import predict_rewards, predict_success
from customering.outcomes.trials import Bools, Floats, Trials

SUCCESSES: tuple[Outcome, ...] = ("accepted", "bought")
"""What counts as success unless something else is asked for."""

_WAYS: tuple[str, ...] = get_args(FoundBy)


class Success(Record, frozen=True, kw_only=True):
    """What counts as success, and what it is worth.

    Parameters
    ----------
    outcomes
        The outcomes that are a success.
    margin_share
        Margin as a share of what was paid for a product that was shown, in [0, 1]. Other actions,
        and products of which no price was told, are worth what they say, unless brought back.
    """

    outcomes: tuple[Outcome, ...] = SUCCESSES
    margin_share: float = 0.25


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """What was decided, what it was weighed by, and what came of it.

    Parameters
    ----------
    trials
        The decisions; the rewards are margins, minor units.
    happened
        Which rows were a success. Shape (rows,).
    names
        The action of each number.
    placements
        The placement of each row.
    propensity, value_minor, lever, context_weight, effect, score
        By what each candidate was weighed. Shape (candidates,).
    found_by
        How each came up, as its place among the ways. Shape (candidates,).
    is_quiet
        Which candidates leave the person alone.
    left_out
        Why decisions are not among the rows, and how many.
    """

    trials: Trials
    happened: Bools
    names: tuple[str, ...]
    placements: tuple[str, ...]
    propensity: Floats
    value_minor: Floats
    lever: Floats
    context_weight: Floats
    effect: Floats
    score: Floats
    found_by: NDArray[np.intp]
    is_quiet: Bools
    left_out: dict[str, int]

    @property
    def successes(self) -> Trials:
        """The same decisions with 1 for success and 0 for none as rewards."""
        known = self.trials
        return Trials(
            known.begins,
            known.actions,
            known.chances,
            known.chosen,
            self.happened.astype(np.float64),
            known.people,
        )

    def features(self) -> NDArray[np.float32]:
        """Give what is known of each candidate before it is done. Shape (candidates, features)."""
        chance = np.clip(self.propensity, 1e-6, 1 - 1e-6)
        places = sorted(set(self.placements))
        place = np.array([places.index(one) for one in self.placements], dtype=np.intp)
        columns = [
            np.log(chance / (1 - chance)),
            np.log1p(np.maximum(self.value_minor, 0.0)),
            *(self.found_by == way for way in range(1, len(_WAYS))),
            *((place == one)[self.trials.rows] for one in range(1, len(places))),
        ]
        return np.column_stack(columns).astype(np.float32)

    def predictions(self, seed: int = 1) -> tuple[Floats, Floats]:
        """Predict the chance of success and the margin of each candidate; quiet earns nothing."""
        chance = predict_success(self.trials, self.happened, self.features(), seed=seed)
        chance[self.is_quiet] = 0.0
        worth = np.maximum(self.value_minor, 0.0)
        return chance, predict_rewards(self.trials, chance, worth, seed=seed)


class EvidenceBuilder:
    """Collects decisions one by one and lays them out.

    Parameters
    ----------
    success
        What counts as success, and what it is worth.
    """

    def __init__(self, success: Success) -> None:
        self._success = success
        self._numbers: dict[str, int] = {}
        self._people: dict[str, int] = {}
        self._counts: list[int] = []
        self._columns: list[tuple[float, ...]] = []
        self._chosen: list[int] = []
        self._rewards: list[float] = []
        self._happened: list[bool] = []
        self._person: list[int] = []
        self._placements: list[str] = []
        self._left_out: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._counts)

    def leave_out(self, why: str, count: int = 1) -> None:
        """Note that decisions are not looked at."""
        if count:
            self._left_out[why] += count

    def add(self, decision: Decision, person: str, outcomes: Iterable[Attributed]) -> None:
        """Add a decision, and what is known to have come of it.

        Parameters
        ----------
        person
            Names the person, whatever identifiers they had then.
        outcomes
            What was attributed to this decision.
        """
        if decision.choice in ("control", "common") or _arm(decision) == "control":
            self.leave_out("nothing was chosen for this person")
            return
        possible = [one for one in decision.candidates if one.probability > 0]
        if len(possible) < 2:
            self.leave_out("nothing was to be chosen")
            return
        first = decision.chosen[0]
        place = next((at for at, one in enumerate(possible) if one.action_id == first), None)
        if place is None:
            self.leave_out("what was done had no chance in the record")
            return
        happened, margin = self._worth(possible[place], outcomes)
        self._chosen.append(len(self._columns) + place)
        self._columns += [self._column(one) for one in possible]
        self._counts.append(len(possible))
        self._happened.append(happened)
        self._rewards.append(margin)
        self._person.append(self._people.setdefault(person, len(self._people)))
        self._placements.append(decision.placement)

    def _column(self, one: Considered) -> tuple[float, ...]:
        return (
            self._numbers.setdefault(one.action_id, len(self._numbers)),
            one.probability,
            one.propensity,
            one.value_minor,
            one.lever,
            one.context_weight,
            one.effect,
            one.score,
            _WAYS.index(one.found_by),
            one.action_id == LEAVE_ALONE,
        )

    def _worth(self, first: Considered, outcomes: Iterable[Attributed]) -> tuple[bool, float]:
        """Tell whether the first place was a success, and the margin it brought."""
        of_first = [one for one in outcomes if one.action_id == first.action_id]
        happened = any(one.outcome in self._success.outcomes for one in of_first)
        if not happened or first.action_id == LEAVE_ALONE:
            return False, 0.0
        paid = [_paid(one) for one in of_first if one.revenue_minor is not None]
        if paid and first.kind == "show_item":
            return True, sum(paid) * self._success.margin_share
        gave_back = any(one.outcome == "returned" for one in of_first)
        return True, 0.0 if gave_back else float(first.value_minor)

    def build(self) -> Evidence:
        """Lay out everything that was added."""
        table = np.array(self._columns, dtype=np.float64).reshape(-1, 10)
        begins = np.concatenate([[0], np.cumsum(self._counts)]).astype(np.intp)
        chances = table[:, 1]
        if len(self._counts):
            # Records of old versions keep chances rounded: what is missing is shared out.
            sums = np.add.reduceat(chances, begins[:-1])
            chances = chances / np.repeat(sums, self._counts)
        return Evidence(
            trials=Trials(
                begins=begins,
                actions=table[:, 0].astype(np.intp),
                chances=chances,
                chosen=np.array(self._chosen, dtype=np.intp),
                rewards=np.array(self._rewards, dtype=np.float64),
                people=np.array(self._person, dtype=np.intp),
            ),
            happened=np.array(self._happened, dtype=np.bool_),
            names=tuple(self._numbers),
            placements=tuple(self._placements),
            propensity=table[:, 2],
            value_minor=table[:, 3],
            lever=table[:, 4],
            context_weight=table[:, 5],
            effect=table[:, 6],
            score=table[:, 7],
            found_by=table[:, 8].astype(np.intp),
            is_quiet=table[:, 9] > 0,
            left_out=dict(self._left_out),
        )


def evidence_of(
    made: Sequence[tuple[Decision, str, Sequence[Attributed]]], success: Success
) -> Evidence:
    """Lay out decisions with their person and what came of each."""
    builder = EvidenceBuilder(success)
    for decision, person, outcomes in made:
        builder.add(decision, person, outcomes)
    return builder.build()


def _arm(decision: Decision) -> str:
    """Give the arm a decision says its person is in; decisions of old versions do not say it."""
    return str(getattr(decision, "arm", ""))


def _paid(one: Attributed) -> float:
    """Give what an outcome brought; what was given back counts against it."""
    return float(one.revenue_minor or 0) * {"bought": 1, "returned": -1}.get(one.outcome, 0)
