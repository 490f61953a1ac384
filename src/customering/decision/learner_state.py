"""The weights of a learner: bounded tables of Gaussians that add, fade, and are kept bit for bit.

A weight belongs to a *row* (everybody, a place, a group or an action) and to a *column* (a
feature). Kept are the natural parameters of its Gaussian beyond the prior: the added precision, and
precision times mean. These add when workers are merged and shrink towards 0, the prior, as time
passes. Rows and columns are found by name; when there is no room, what was used longest ago leaves.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from customering.decision.features import FeatureSpec
from customering.decision.learner_weights import Delta, Level, precision_of
from customering.decision.learning_settings import LearningSettings
from customering.decision.table import Floats, Ints, Table
from customering.kernel.errors import Corrupt
from customering.kernel.ids import stable_id

FORMAT = 1
Places = NDArray[np.intp]


ALL, NEW_PLACE, NEW_GROUP, NEW_ACTION, NO_GROUP = range(5)
"""The first rows: everybody, what has no row yet, and the group of what has none."""

_FIXED = 5
_NOTHING = 0  # the column of features that have none
_ROWS_AT_FIRST, _COLUMNS_AT_FIRST = 64, 32
_PLACES_MAX = 200


class TableRows(NamedTuple):
    """The rows of each candidate: of its action, and of its group."""

    actions: Places
    groups: Places


class LearnerState:
    """The weights and what they belong to.

    Parameters
    ----------
    settings
        How many there may be, and how fast they fade.
    """

    def __init__(self, settings: LearningSettings) -> None:
        self.fingerprint = fingerprint_of(settings)
        self.updates = 0
        self.counts: dict[str, float] = {}
        self.day: int | None = None
        self.layout = object()
        """Another object whenever a row comes or goes."""
        self._half_life_days = settings.half_life_days
        self._most = (0, _PLACES_MAX, settings.actions_max, settings.actions_max)
        self._columns_max = settings.features_max
        self._rows: tuple[dict[str, int], ...] = ({}, {}, {}, {})
        self._keys: dict[int, str] = {}
        self._columns: dict[str, int] = {}
        self._rows_seen = _FIXED
        self._row_used: Ints = np.zeros(_ROWS_AT_FIRST, dtype=np.int64)
        self._column_used: Ints = np.zeros(_COLUMNS_AT_FIRST, dtype=np.int64)
        self._row_levels: Places = np.zeros(_ROWS_AT_FIRST, dtype=np.intp)
        self._row_levels[:_FIXED] = (0, 1, 2, 3, 2)
        shape = (_COLUMNS_AT_FIRST, _ROWS_AT_FIRST)
        self._added, self._products, self._means = np.zeros(shape), np.zeros(shape), np.zeros(shape)

    # Room

    @property
    def width(self) -> int:
        """Rows there is room for; the weight of column c and row r is at ``c * width + r``."""
        return self._means.shape[1]

    def _reserve(self, columns: int, rows: int) -> None:
        """Make room, at least as much as there is."""
        before = (self._added, self._products, self._means)
        self._added, self._products, self._means = (_grown(one, columns, rows) for one in before)
        self._row_used = _longer(self._row_used, rows)
        self._row_levels = _longer(self._row_levels, rows)
        self._column_used = _longer(self._column_used, columns)

    def row(self, level: Level, key: str) -> int:
        """Give the row of a key, which is made when there is none."""
        rows = self._rows[level]
        row = rows.get(key)
        if row is None:
            row = self._new_row(level, key)
        self._row_used[row] = self.updates
        return row

    def _new_row(self, level: Level, key: str) -> int:
        rows = self._rows[level]
        if len(rows) < self._most[level]:
            row = self._rows_seen
            self._rows_seen += 1
            if row >= self.width:
                self._reserve(len(self._added), 2 * self.width)
        else:
            its = np.flatnonzero(self._row_levels[_FIXED : self._rows_seen] == level) + _FIXED
            row = int(its[np.argmin(self._row_used[its])])
            del rows[self._keys[row]]
            for weights in (self._added, self._products, self._means):
                weights[:, row] = 0.0
        rows[key] = row
        self._keys[row] = key
        self._row_levels[row] = level
        self.layout = object()
        return row

    def columns(self, names: Sequence[str]) -> Places:
        """Give the columns of features, which are made where there are none."""
        known = self._columns
        found = [known.get(name, _NOTHING) for name in names]
        if _NOTHING in found:
            self._column_used[[at for at in found if at]] = self.updates + 1
            found = [at or self._new_column(name) for at, name in zip(found, names, strict=True)]
        columns = np.array(found, dtype=np.intp)
        self._column_used[columns] = self.updates + 1
        return columns

    def _new_column(self, name: str) -> int:
        if name in self._columns:
            return self._columns[name]
        if len(self._columns) < self._columns_max:
            column = len(self._columns) + 1
            if column >= len(self._added):
                self._reserve(2 * len(self._added), self.width)
        else:
            used = self._column_used
            oldest = min(self._columns, key=lambda one: (used[self._columns[one]], one))
            column = self._columns.pop(oldest)
            for weights in (self._added, self._products, self._means):
                weights[column] = 0.0
        self._columns[name] = column
        self._column_used[column] = self.updates + 1
        return column

    # Weights

    def read(self, at: Places, precisions: Floats) -> tuple[Floats, Floats]:
        """Give the precisions and means of some weights, whose prior precisions are given."""
        return self._added.ravel()[at] + precisions, self._means.ravel()[at]

    def write(self, at: Places, precisions: Floats, means: Floats, prior: Floats) -> None:
        """Put precisions and means in the place of what some weights were.

        What is kept is the added precision and the product, and the mean is what these two say, so
        that a state that was stored is the same to the last bit.
        """
        added, products = precisions - prior, precisions * means
        self._added.ravel()[at] = added
        self._products.ravel()[at] = products
        self._means.ravel()[at] = products / (added + prior)

    def count(self, place: str) -> None:
        """Note that an outcome of a place was learned."""
        self.updates += 1
        if place in self.counts or len(self.counts) < _PLACES_MAX:
            self.counts[place] = self.counts.get(place, 0.0) + 1.0

    def sums(self, known: Mapping[str, float]) -> Floats:
        """Give for each row the sum of its weights times some features."""
        columns = self._columns
        at = [columns[name] for name in known if name in columns]
        if len(at) == 1 and len(known) == 1:
            alone: Floats = self._means[at[0]] * next(iter(known.values()))
            return alone
        values = np.array([known[name] for name in known if name in columns])
        found: Floats = values @ self._means[at] if at else np.zeros(self.width)
        return found

    def variances(self, known: Mapping[str, float]) -> Floats:
        """Give for each row the variance of that sum."""
        total = np.zeros(self.width)
        for name, value in known.items():
            prior = self._prior_of(name)
            total += value * value / (self._added[self._columns.get(name, _NOTHING)] + prior)
        total[NO_GROUP] = 0.0
        return total

    def _prior_of(self, feature: str) -> Floats:
        by_level = np.array([precision_of(level, feature) for level in Level])
        return by_level[self._row_levels]

    def weight(self, row: int, feature: str) -> float:
        """Give the mean of one weight."""
        return float(self._means[self._columns.get(feature, _NOTHING), row])

    def placed(self, place: str) -> int:
        """Give the row of a place."""
        return self._rows[Level.PLACE].get(place, NEW_PLACE)

    def rows_of(self, tables: Sequence[Table]) -> TableRows:
        """Give the rows of all candidates of some tables; worked out once for each table."""
        found = [self._rows_of(table) for table in tables]
        if len(found) == 1:
            return found[0]
        return TableRows(
            np.concatenate([one.actions for one in found] or [np.zeros(0, np.intp)]),
            np.concatenate([one.groups for one in found] or [np.zeros(0, np.intp)]),
        )

    def _rows_of(self, table: Table) -> TableRows:
        known = table.learned
        if known is not None and known[0] is self.layout:
            rows: TableRows = known[1]
            return rows
        actions, groups = self._rows[Level.ACTION], self._rows[Level.GROUP]
        named = {"": NO_GROUP}
        rows = TableRows(
            np.array([actions.get(one, NEW_ACTION) for one in table.columns.action_id], np.intp),
            np.array(
                [named.get(one) or groups.get(one, NEW_GROUP) for one in table.columns.group],
                np.intp,
            ),
        )
        table.learned = (self.layout, rows)
        return rows

    # Time

    def begin_day(self, day: int) -> None:
        """Let everything fade towards the prior, by half in each half-life."""
        if self.day is None or day <= self.day:
            self.day = day if self.day is None else self.day
            return
        fade = 0.5 ** ((day - self.day) / self._half_life_days)
        self._added *= fade
        self._products *= fade
        self._take_means()
        self.counts = {place: count * fade for place, count in self.counts.items()}
        self.day = day

    def _take_means(self) -> None:
        """Work the means out from what is kept."""
        for name, column in self._columns.items():
            self._means[column] = self._products[column] / (
                self._added[column] + self._prior_of(name)
            )

    # Merging

    def _named(self) -> tuple[dict[int, tuple[int, str]], dict[int, str]]:
        keys = {0: (int(Level.ALL), "")}
        for level, rows in enumerate(self._rows):
            keys |= {row: (level, key) for key, row in rows.items()}
        return keys, {column: name for name, column in self._columns.items()}

    def minus(self, base: "LearnerState") -> Delta:
        """Give what was learned beyond a base of which this is a later copy."""
        keys, names = self._named()
        weights: dict[tuple[int, str, str], tuple[float, float]] = {}
        for column, row in np.argwhere((self._added != 0.0) | (self._products != 0.0)).tolist():
            (level, key), name = keys[row], names[column]
            before = base.kept(level, key, name)
            here = float(self._added[column, row]), float(self._products[column, row])
            if here != before:
                weights[level, key, name] = (here[0] - before[0], here[1] - before[1])
        counts = {
            place: count - base.counts.get(place, 0.0)
            for place, count in self.counts.items()
            if count != base.counts.get(place, 0.0)
        }
        return Delta(weights=weights, counts=counts, updates=self.updates - base.updates)

    def kept(self, level: int, key: str, feature: str) -> tuple[float, float]:
        """Give the added precision and the product of one weight; zeros where there is none."""
        row = 0 if level == Level.ALL else self._rows[level].get(key)
        column = self._columns.get(feature)
        if row is None or column is None:
            return 0.0, 0.0
        return float(self._added[column, row]), float(self._products[column, row])

    def plus(self, delta: Delta) -> None:
        """Add what another one learned."""
        self.updates += delta.updates
        for (level, key, feature), (precision, product) in delta.weights.items():
            row = 0 if level == Level.ALL else self.row(Level(level), key)
            column = int(self.columns((feature,))[0])
            self._added[column, row] += precision
            self._products[column, row] += product
            self._means[column, row] = self._products[column, row] / (
                self._added[column, row] + precision_of(Level(level), feature)
            )
        for place, count in delta.counts.items():
            self.counts[place] = self.counts.get(place, 0.0) + count

    # Keeping

    def kept_form(self) -> dict[str, Any]:
        """Give everything as plain data, from which `of_kept` makes the same to the last bit."""
        used = np.flatnonzero((self._added != 0.0) | (self._products != 0.0)).astype(np.int64)
        return {
            "format": FORMAT,
            "fingerprint": self.fingerprint,
            "updates": self.updates,
            "counts": self.counts,
            "day": self.day,
            "shape": self._added.shape,
            "rows": self._rows,
            "rows_seen": self._rows_seen,
            "columns": self._columns,
            "row_used": self._row_used.tobytes(),
            "column_used": self._column_used.tobytes(),
            "at": used.tobytes(),
            "added": self._added.ravel()[used].tobytes(),
            "products": self._products.ravel()[used].tobytes(),
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
            made._reserve(*kept["shape"])
            made.updates, made.day, made.counts = kept["updates"], kept["day"], kept["counts"]
            made._rows = tuple(dict(rows) for rows in kept["rows"])
            made._rows_seen, made._columns = kept["rows_seen"], dict(kept["columns"])
            made._row_used = np.frombuffer(kept["row_used"], np.int64).copy()
            made._column_used = np.frombuffer(kept["column_used"], np.int64).copy()
            for level, rows in enumerate(made._rows):
                made._row_levels[list(rows.values())] = level
                made._keys |= {row: key for key, row in rows.items()}
            at = np.frombuffer(kept["at"], np.int64)
            made._added.ravel()[at] = np.frombuffer(kept["added"])
            made._products.ravel()[at] = np.frombuffer(kept["products"])
            made._take_means()
        except (LookupError, TypeError, ValueError) as error:
            raise Corrupt(
                f"what was learned from outcomes cannot be read: {error}",
                hint="it is made anew from the log",
            ) from error
        return made


def _grown(weights: Floats, columns: int, rows: int) -> Floats:
    """Give a larger table with the same weights in it."""
    grown = np.zeros((columns, rows))
    grown[: weights.shape[0], : weights.shape[1]] = weights
    return grown


def _longer(numbers: Ints, length: int) -> Ints:
    """Give a longer array that begins with the same numbers and ends with zeros."""
    longer = np.zeros(length, dtype=numbers.dtype)
    longer[: len(numbers)] = numbers
    return longer


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
