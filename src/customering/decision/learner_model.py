"""One model of a learner: columns by name, what is waiting to be learned, and the weights."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from customering.decision.learner_delta import NamedSums
from customering.decision.learner_moments import (
    NO_GROUP,
    Batch,
    Moments,
    Places,
    Posterior,
    Prior,
)
from customering.decision.learner_names import Names
from customering.decision.learner_weights import (
    ARM_VARIANCE,
    MATCHES_MOST,
    OWN_MOST,
    Variances,
    match_of,
    variances_of,
)
from customering.decision.table import Floats

_GROUPS_AT_FIRST, _COLUMNS_AT_FIRST, _ARMS_AT_FIRST = 8, 16, 32
_COLUMNS_MORE = 16
_ALONE = Variances(1.0, None)  # of a column that nothing has


class Told(NamedTuple):
    """What is waiting to be learned beside its columns; one entry each, as in `Batch`."""

    groups: Places
    arms: Places
    offsets: Floats
    successes: Floats
    is_turned: NDArray[np.bool_]


class LearnedModel:
    """One model.

    Parameters
    ----------
    columns_max
        How many columns there may be.

    Attributes
    ----------
    weights
        By column and group the weights that hold there; those of `NO_GROUP` are the common ones.
        A new object with each solve, and never written into.
    """

    def __init__(self, columns_max: int) -> None:
        self.columns: Names[str] = Names(columns_max)
        self.moments = Moments(_GROUPS_AT_FIRST, _COLUMNS_AT_FIRST, _ARMS_AT_FIRST)
        self.prior: Prior
        self.posterior: Posterior
        self.weights: Floats
        self._features_most = columns_max - OWN_MOST - MATCHES_MOST
        self._places: list[int] = []
        self._values: list[float] = []
        self._lengths: list[int] = []
        self._own: dict[tuple[str, ...], list[int]]
        self._matching: dict[str, list[tuple[str, int]]]
        self._see_columns()

    # Learning

    def take(
        self,
        own: tuple[str, ...],
        values: Sequence[float],
        features: Mapping[str, float],
        group: str,
        settle: Callable[[], None],
    ) -> None:
        """Let an outcome wait.

        Parameters
        ----------
        own, values
            Columns that are no features, and what is in them.
        features
            Features and their values; what of them is about the group is found here.
        group
            The group of the action; empty for none.
        settle
            Learns what is waiting; called when a column must leave.
        """
        if len(features) > self._features_most:
            features = dict(list(features.items())[: self._features_most])
        get = self.columns.at.get
        places = [get(name, -1) for name in features]
        its_own, matching = self._own.get(own), self._matching.get(group)
        if its_own is None or matching is None or -1 in places:
            self._make_columns([*own, *features], group, settle)
            its_own = self._own[own] = [self.columns.at[name] for name in own]
            matching = self._matching[group] = self._matches(group)
            places = [self.columns.at[name] for name in features]
        before = len(self._places)
        self._places += its_own
        self._places += places
        self._values += values
        self._values += features.values()
        for feature, place in matching:
            value = features.get(feature)
            if value:
                self._places.append(place)
                self._values.append(value)
        self._lengths.append(len(self._places) - before)

    def _make_columns(self, wanted: Sequence[str], group: str, settle: Callable[[], None]) -> None:
        """Make the columns that are wanted and those of what matches the group."""
        matching = [match_of(name, group) for name in (*wanted, *self.columns.at)]
        known = dict.fromkeys([*wanted, *(name for name in matching if name is not None)])
        names = self.columns
        new = [name for name in known if name not in names.at]
        if not new:
            return
        while len(names.at) + len(new) > names.most:
            settle()
            for name in names.leaving(known):
                self.moments.drop_column(names.remove(name))
        for name in new:
            names.add(name)
        groups, columns, arms = self.moments.room
        if names.end > columns:
            more = -(-names.end // _COLUMNS_MORE) * _COLUMNS_MORE
            self.moments = self.moments.grown(groups, more, arms)
        self._see_columns()

    def _see_columns(self) -> None:
        """Work out what follows from which columns there are."""
        self._own, self._matching = {}, {}
        self.prior = self._prior()
        self.solve()

    def _matches(self, group: str) -> list[tuple[str, int]]:
        """Give the features that say how much there is of a group, with the columns of matches."""
        at = self.columns.at
        found = []
        for feature in at:
            name = match_of(feature, group)
            if name is not None and name in at:
                found.append((feature, at[name]))
        return found[:MATCHES_MOST]

    def make_room(self, groups: int, arms: int) -> None:
        """Make room for at least so many groups and arms."""
        room = self.moments.room
        if groups > room[0] or arms > room[2]:
            more = [have if need <= have else max(need, 2 * have)
                    for need, have in ((groups, room[0]), (arms, room[2]))]  # fmt: skip
            self.moments = self.moments.grown(more[0], room[1], more[1])
            self.solve()

    def settle(self, told: Told, rounds: int, number: int) -> None:
        """Learn what is waiting.

        The weights that are found say anew how much each outcome tells, so that is asked again, as
        many rounds as wanted.

        Parameters
        ----------
        number
            Notes that the columns were used now.
        """
        values = self._taken(len(told.groups), number)
        batch = Batch(values, *told)
        found = self.moments
        for _ in range(rounds):
            found = self.moments.with_batch(batch, self.posterior)
            self.posterior = found.solve(self.prior)
        self.moments = found
        self._take_weights()

    def _taken(self, count: int, number: int) -> Floats:
        """Give the columns of the first that wait, which wait no longer, and note their use.

        One more may be there: an outcome that made a column of the other model leave.
        """
        length, columns = sum(self._lengths[:count]), self.moments.room[1]
        rows = np.repeat(np.arange(count), self._lengths[:count])
        at = rows * columns + np.array(self._places[:length])
        # What is there twice is added up.
        values = np.bincount(at, self._values[:length], count * columns)
        self.columns.note(set(self._places[:length]), number)
        self._places, self._values = self._places[length:], self._values[length:]
        self._lengths = self._lengths[count:]
        return np.asarray(values.reshape(count, columns), dtype=np.float64)

    def solve(self) -> None:
        """Find the weights by what is kept."""
        self.posterior = self.moments.solve(self.prior)
        self._take_weights()

    def _take_weights(self) -> None:
        self.weights = np.ascontiguousarray((self.posterior.common + self.posterior.groups).T)

    def _prior(self) -> Prior:
        names = {place: name for name, place in self.columns.at.items()}
        every = [
            variances_of(names[place]) if place in names else _ALONE
            for place in range(self.moments.room[1])
        ]
        own = [place for place, one in enumerate(every) if one.group is not None]
        return Prior(
            common=np.array([1.0 / one.common for one in every]),
            own=np.array(own, dtype=np.intp),
            group=np.array([1.0 / one.group for one in every if one.group is not None]),
            arm=1.0 / ARM_VARIANCE,
        )

    # Asking

    def sums(self, known: Mapping[str, float]) -> Floats:
        """Give for each group the sum of its weights times some values."""
        columns = self.columns.at
        at = [columns[name] for name in known if name in columns]
        values = np.array([value for name, value in known.items() if name in columns])
        found: Floats = values @ self.weights[at] if at else np.zeros(self.weights.shape[1])
        return found

    def weight(self, name: str) -> float:
        """Give a weight all have in common; 0 where there is none."""
        column = self.columns.at.get(name)
        return 0.0 if column is None else float(self.weights[column, NO_GROUP])

    def variances(self, known: Mapping[str, float]) -> Floats:
        """Give for each group the variance of its sum, given what is common to all of them."""
        columns = self.columns.at
        values = np.zeros(len(self.weights))
        for name, value in known.items():
            if name in columns:
                values[columns[name]] = value
        values = values[self.prior.own]
        found = np.zeros(self.weights.shape[1])
        inner = self.posterior.inner
        found[1:] = (
            np.linalg.solve(inner, np.tile(values[:, None], (len(inner), 1, 1)))[:, :, 0] @ values
        )
        return found

    # Merging and keeping

    def named(self, groups: Names[str], arms: Names[tuple[str, str]]) -> NamedSums:
        """Give what is kept by names."""
        columns = tuple(sorted(self.columns.at))
        at = np.array([self.columns.at[name] for name in columns], dtype=np.intp)
        sums = self.moments
        places = {"": NO_GROUP, **groups.at}
        return NamedSums(
            columns,
            {
                key: (sums.gram[place][np.ix_(at, at)], sums.pull[place][at])
                for key, place in places.items()
            },
            {
                arm: (sums.rows[place][at], float(sums.mass[place]), float(sums.arm_pull[place]))
                for arm, place in arms.at.items()
            },
        )

    def add(self, other: NamedSums, groups: Mapping[str, int], arms: Mapping[Any, int]) -> None:
        """Add what others learned; there is a place for every group and arm."""
        self._make_columns(other.columns, "", lambda: None)
        at = np.array([self.columns.at[name] for name in other.columns], dtype=np.intp)
        sums = self.moments
        for key, (gram, pull) in other.groups.items():
            sums.gram[groups[key]][np.ix_(at, at)] += gram
            sums.pull[groups[key]][at] += pull
        for arm, (row, mass, arm_pull) in other.arms.items():
            place = arms[arm]
            sums.rows[place][at] += row
            sums.mass[place] += mass
            sums.arm_pull[place] += arm_pull

    def kept_form(self) -> dict[str, Any]:
        """Give everything as plain data."""
        return {
            "columns": self.columns.kept(),
            "room": self.moments.room,
            "sums": [one.tobytes() for one in self.moments.sums],
            "group_of": self.moments.group_of.astype(np.int64).tobytes(),
            "waiting": [self._places, self._values, self._lengths],
        }

    @classmethod
    def of_kept(cls, kept: Mapping[str, Any], columns_max: int) -> "LearnedModel":
        """Make a model from what `kept_form` gave."""
        made = cls(columns_max)
        made.columns.restore(kept["columns"], str)
        made.moments = Moments(*kept["room"])
        for one, data in zip(made.moments.sums, kept["sums"], strict=True):
            one[...] = np.frombuffer(data).reshape(one.shape)
        made.moments.group_of[:] = np.frombuffer(kept["group_of"], np.int64)
        made._places, made._values, made._lengths = (list(one) for one in kept["waiting"])
        made._see_columns()
        return made
