"""What a learner knows: two models over the same actions, that add, fade, and are kept bit for bit.

An outcome waits until there are enough to be worth a solve: at first each one is, later one in
eight more, at most so many that a solve costs little beside them; and all that wait are learned
before a new day begins. So what is known follows from the order of outcomes and days alone.

Groups, arms and columns are found by name. When there is no room, what was used longest ago leaves.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from customering.decision.features import BIAS, FeatureSpec
from customering.decision.learner_delta import Delta, NamedSums
from customering.decision.learner_model import LearnedModel, Told
from customering.decision.learner_moments import NO_GROUP, Places
from customering.decision.learner_names import Names
from customering.decision.learner_weights import Example, names_at, own_values
from customering.decision.learning_settings import LearningSettings
from customering.decision.prior import logit_of
from customering.decision.table import Table
from customering.kernel.errors import Corrupt
from customering.kernel.ids import stable_id

FORMAT = 2
NEW_ARM = 0
"""The place of actions that were never learned from: nothing is ever added to it."""

_PLACES_MAX = 200
_GROUPS_MAX = 200
_MORE_SHARE = 8
_WAITING_MOST = 256
_WORK_EACH = 4_000  # of the work of a solve so much is worth an outcome; more wait where it is more
_PLAIN: Mapping[str, float] = {BIAS: 1.0}
_EARLY, _EARLY_ROUNDS, _LATER_ROUNDS = 4_000, 3, 1


class TableRows(NamedTuple):
    """Where each candidate belongs: the place of its action, and of its group."""

    arms: Places
    groups: Places


class LearnerState:
    """The two models and what they are about.

    Parameters
    ----------
    settings
        How much there may be, and how fast it fades.
    """

    def __init__(self, settings: LearningSettings) -> None:
        self.fingerprint = fingerprint_of(settings)
        self.updates = 0
        self.counts: dict[str, float] = {}
        self.day: int | None = None
        self.layout = object()
        """Another object whenever an action or a group comes or goes."""
        self.personal = LearnedModel(settings.features_max)
        self.plain = LearnedModel(settings.features_max)
        self._half_life_days = settings.half_life_days
        self._groups: Names[str] = Names(min(_GROUPS_MAX, settings.actions_max), NO_GROUP + 1)
        self._arms: Names[tuple[str, str]] = Names(settings.actions_max, NEW_ARM + 1)
        self._waiting: list[tuple[int, int, float, float]] = []
        self._enough = 1

    @property
    def _models(self) -> tuple[LearnedModel, LearnedModel]:
        return self.personal, self.plain

    # Learning

    def take(self, example: Example, success: bool, *, is_turned: bool = False) -> None:
        """Take an outcome in; it is learned when enough are waiting.

        Parameters
        ----------
        is_turned
            Whether it was taken in as a failure before.
        """
        pair = example.group, example.action_id
        group, arm = self._groups.at.get(group_key(*pair), NO_GROUP), self._arms.at.get(pair)
        if arm is None:
            group, arm = self._make(*pair)
        offset = logit_of(example.prior)
        own = names_at(example.place, example.found_by)
        values = own_values(example.rank, offset)
        features = example.features
        if BIAS not in features:
            features = {**_PLAIN, **features}
        self.plain.take(own, values, _PLAIN, "", self.settle)
        self.personal.take(own, values, features, example.group, self.settle)
        self._waiting.append((group, arm, offset, -1.0 if is_turned else float(success)))
        self.updates += 1
        if len(self._waiting) >= self._enough:
            self.settle()

    def _enough_now(self) -> int:
        """Tell how many outcomes are worth the next solve."""
        groups, columns, _ = self.personal.moments.room
        most = max(_WAITING_MOST, groups * columns**3 // _WORK_EACH)
        return min(max(self.updates // _MORE_SHARE, 1), most)

    def count(self, place: str) -> None:
        """Note that an outcome of a place was taken in."""
        if place in self.counts or len(self.counts) < _PLACES_MAX:
            self.counts[place] = self.counts.get(place, 0.0) + 1.0

    def settle(self) -> None:
        """Learn what is waiting."""
        if not self._waiting:
            return
        groups, arms, offsets, successes = zip(*self._waiting, strict=True)
        self._waiting = []
        outcomes = np.array(successes)
        told = Told(
            np.array(groups, dtype=np.intp),
            np.array(arms, dtype=np.intp),
            np.array(offsets),
            np.maximum(outcomes, 0.0),
            outcomes < 0.0,
        )
        rounds = _EARLY_ROUNDS if self.updates < _EARLY else _LATER_ROUNDS
        for model in self._models:
            model.settle(told, rounds, self.updates)
        self._groups.note(set(groups), self.updates)
        self._arms.note(set(arms), self.updates)
        self._enough = self._enough_now()

    def begin_day(self, day: int) -> None:
        """Let everything fade towards the prior, by half in each half-life."""
        if self.day is None or day <= self.day:
            self.day = day if self.day is None else self.day
            return
        fade = 0.5 ** ((day - self.day) / self._half_life_days)
        for model in self._models:
            model.moments.fade(fade)
        if self._waiting:
            self.settle()
        else:
            for model in self._models:
                model.solve()
        self.counts = {place: count * fade for place, count in self.counts.items()}
        self.day = day

    # Room

    def _make(self, group: str, action_id: str) -> tuple[int, int]:
        """Give the places of an action and its group, which are made where there are none.

        What must leave is integrated out: what it taught of others stays. An action without a group
        is a group of its own as long as there is room for more.
        """
        key, arm = group_key(group, action_id), (group, action_id)
        is_full = len(self._groups.at) >= self._groups.most
        if key not in self._groups.at and (group or not is_full):
            if is_full:
                self._drop(self._groups.leaving(), [])
            self._groups.add(key, self.updates)
        if arm not in self._arms.at:
            if len(self._arms.at) >= self._arms.most:
                self._drop([], self._arms.leaving())
            self._arms.add(arm, self.updates)
        places = self._groups.at.get(key, NO_GROUP), self._arms.at[arm]
        for model in self._models:
            model.make_room(self._groups.end, self._arms.end)
            model.moments.group_of[places[1]] = places[0]
        self.layout = object()
        return places

    def _drop(self, groups: Sequence[str], arms: Sequence[tuple[str, str]]) -> None:
        """Let some groups with all their actions go, and some actions."""
        self.settle()
        gone = {*groups}
        for arm in [*arms, *(one for one in self._arms.at if group_key(*one) in gone)]:
            place = self._arms.remove(arm)
            for model in self._models:
                model.moments.drop_arm(place, model.prior)
        for group in groups:
            place = self._groups.remove(group)
            for model in self._models:
                model.moments.drop_group(place, model.prior)
        for model in self._models:
            model.solve()

    def rows_of(self, tables: Sequence[Table]) -> TableRows:
        """Give the places of all candidates of some tables; worked out once for each table."""
        found = [self._rows_of(table) for table in tables]
        if len(found) == 1:
            return found[0]
        nothing = [np.zeros(0, np.intp)]
        return TableRows(
            np.concatenate([one.arms for one in found] or nothing),
            np.concatenate([one.groups for one in found] or nothing),
        )

    def _rows_of(self, table: Table) -> TableRows:
        known = table.learned
        if known is not None and known[0] is self.layout:
            rows: TableRows = known[1]
            return rows
        arms, groups = self._arms.at, self._groups.at
        pairs = list(zip(table.columns.group, table.columns.action_id, strict=True))
        rows = TableRows(
            np.array([arms.get(pair, NEW_ARM) for pair in pairs], np.intp),
            np.array([groups.get(group_key(*pair), NO_GROUP) for pair in pairs], np.intp),
        )
        table.learned = (self.layout, rows)
        return rows

    @property
    def groups(self) -> Mapping[str, int]:
        """The place of each group that was learned from."""
        return self._groups.at

    # Merging

    def minus(self, base: "LearnerState") -> Delta:
        """Give what was learned beyond a base of which this is a later copy.

        What is waiting is learned first; nothing may have been waiting in the base.
        """
        self.settle()
        (personal, plain), (its_personal, its_plain) = self.named(), base.named()
        counts = {
            place: count - base.counts.get(place, 0.0)
            for place, count in self.counts.items()
            if count != base.counts.get(place, 0.0)
        }
        return Delta(
            personal.plus(its_personal, -1.0),
            plain.plus(its_plain, -1.0),
            counts,
            self.updates - base.updates,
        )

    def named(self) -> tuple[NamedSums, NamedSums]:
        """Give the sums of both models by names; nothing may be waiting."""
        assert not self._waiting, "settle what is copied or compared"
        groups, arms = self._groups, self._arms
        return self.personal.named(groups, arms), self.plain.named(groups, arms)

    def plus(self, delta: Delta) -> None:
        """Add what another one learned."""
        self.settle()
        for group, action_id in delta.personal.arms:
            self._make(group, action_id)
        groups = {"": NO_GROUP, **self._groups.at}
        for model, sums in zip(self._models, (delta.personal, delta.plain), strict=True):
            model.add(sums, groups, self._arms.at)
            model.solve()
        self.updates += delta.updates
        for place, count in delta.counts.items():
            self.counts[place] = self.counts.get(place, 0.0) + count

    # Keeping

    def kept_form(self) -> dict[str, Any]:
        """Give everything as plain data, from which `of_kept` makes the same to the last bit."""
        return {
            "format": FORMAT,
            "fingerprint": self.fingerprint,
            "updates": self.updates,
            "counts": self.counts,
            "day": self.day,
            "groups": self._groups.kept(),
            "arms": self._arms.kept(),
            "waiting": self._waiting,
            "enough": self._enough,
            "models": [model.kept_form() for model in self._models],
        }

    @classmethod
    def of_kept(cls, kept: Mapping[str, Any], settings: LearningSettings) -> "LearnerState":
        """Make a state from what `kept_form` gave.

        Raises
        ------
        Corrupt
            When it is not what was kept.
        """
        try:
            made = cls(settings)
            made.updates, made.day, made.counts = kept["updates"], kept["day"], kept["counts"]
            made._groups.restore(kept["groups"], str)
            made._arms.restore(kept["arms"], lambda pair: (pair[0], pair[1]))
            made._waiting = [(one[0], one[1], one[2], one[3]) for one in kept["waiting"]]
            made._enough = kept["enough"]
            made.personal, made.plain = (
                LearnedModel.of_kept(one, settings.features_max) for one in kept["models"]
            )
        except (LookupError, TypeError, ValueError) as error:
            raise Corrupt(
                f"what was learned from outcomes cannot be read: {error}",
                hint="it is made anew from the log",
            ) from error
        return made


def group_key(group: str, action_id: str) -> str:
    """Name the group of an action; without one it is its own, which is about nothing else.

    Examples
    --------
    >>> group_key("bread", "rolls"), group_key("", "rolls")
    ('bread', 'only rolls')
    """
    return group or f"only {action_id}"


def fingerprint_of(settings: LearningSettings) -> str:
    """Name everything that weights depend on beside the outcomes."""
    return stable_id(
        "learner",
        str(FORMAT),
        FeatureSpec(settings.features).version,
        msgspec.json.encode(
            (settings.half_life_days, settings.actions_max, settings.features_max)
        ).decode(),
    )
