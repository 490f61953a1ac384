"""What is weighed for one person: tables of candidates, with that person's propensities.

The catalogue is one table for everybody; the products of a person are another.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from customering.decision.explain import reasons_of
from customering.decision.model import Candidate
from customering.decision.table import Bools, Floats, Table, table_of
from customering.kernel.errors import Invalid

T = TypeVar("T")


class View(NamedTuple):
    """An offer as it is weighed, for the person or as for anybody.

    Parameters
    ----------
    chances
        Chance of acceptance of each, in [0, 1].
    scores
        Chance times value times lever. Minor units.
    order
        Places from the highest score down; ties by action id, so that input order is moot.
    """

    chances: Floats
    scores: Floats
    order: NDArray[np.intp]


class Offer:
    """What is weighed for one person.

    Parameters
    ----------
    tables
        The candidates, one table after the other; ids are unique among tables.
    propensities
        Chance that this person accepts each, in [0, 1].
    facts
        Gives what the expectation of one candidate rests on, by the names that `explain` knows;
        asked of the chosen only.
    """

    def __init__(
        self,
        tables: Sequence[Table],
        propensities: Floats,
        facts: Callable[[int], Mapping[str, Any]],
    ) -> None:
        self.tables = tuple(tables)
        self.propensities = propensities
        self.facts = facts
        self._seen: dict[str, Any] = {}

    def __len__(self) -> int:
        return len(self.propensities)

    def with_facts(self, facts: Callable[[int], Mapping[str, Any]]) -> "Offer":
        """Give the same offer with other facts; what was worked out for one is not done again."""
        other = copy(self)
        other.facts = facts
        return other

    def at(self, place: int) -> tuple[Table, int]:
        """Give the table of a candidate and its row in it."""
        for table in self.tables:
            if place < table.count:
                return table, place
            place -= table.count
        raise IndexError(place)

    @property
    def ids(self) -> list[str]:
        """The id of each candidate."""
        return [name for table in self.tables for name in table.columns.action_id]

    @property
    def groups(self) -> list[str]:
        """The group of each candidate."""
        return [group for table in self.tables for group in table.columns.group]

    def reasons(self, place: int) -> str:
        """Say what speaks for a candidate, as the person reads it."""
        return self._once(f"reasons {place}", lambda: reasons_of(self.facts(place)))

    @property
    def discoveries(self) -> Bools:
        """Which candidates are new to the person."""
        return self._once(
            "discoveries",
            lambda: _joined([table.discoveries for table in self.tables], np.bool_),
        )

    @property
    def written_chances(self) -> msgspec.Raw:
        """The propensities as the log keeps them: where most are usual, those that are not."""
        return self._once("written_chances", self._write_chances)

    def _once(self, name: str, work: Callable[[], T]) -> T:
        """Work something out once for this offer and those with other facts."""
        if name not in self._seen:
            self._seen[name] = work()
        found: T = self._seen[name]
        return found

    def _write_chances(self) -> msgspec.Raw:
        base = _joined([table.base for table in self.tables], np.float64)
        own = np.flatnonzero(self.propensities != base)
        if len(own) * 2 < len(self):
            sparse = {"at": own.tolist(), "of": self.propensities[own].tolist()}
            return msgspec.Raw(msgspec.json.encode(sparse))
        return msgspec.Raw(msgspec.json.encode(self.propensities.tolist()))

    def view(self, *, is_common: bool) -> View:
        """Give chances, scores and order, worked out once.

        Parameters
        ----------
        is_common
            Whether the chances are those of anybody, so that the order is the same for everybody.

        Raises
        ------
        Invalid
            When a propensity is not a number in [0, 1].

        References
        ----------
        The arbitration of Pega Customer Decision Hub, "Priority = Propensity x Context weight x
        Value x Levers", without the context weight, which our propensity holds already.
        """
        return self._once("common" if is_common else "own", lambda: self._look(is_common=is_common))

    def _look(self, *, is_common: bool) -> View:
        tables = self.tables
        chances = (
            _joined([table.base for table in tables], np.float64)
            if is_common
            else self.propensities
        )
        within = (chances >= 0.0) & (chances <= 1.0)
        if not within.all():
            table, row = self.at(int(np.argmin(within)))
            wrong = table.columns.action_id[row]
            raise Invalid(
                f"The propensity of {wrong!r} is not a number in [0, 1].",
                hint="Give the chance that the person accepts.",
                action=wrong,
            )
        values = _joined([table.values for table in tables], np.float64)
        levers = _joined([table.levers for table in tables], np.float64)
        scores = chances * values * levers
        return View(chances, scores, self._order(scores))

    def _order(self, scores: Floats) -> NDArray[np.intp]:
        order = np.argsort(-scores, kind="stable")
        ordered = scores[order]
        ties = np.flatnonzero(ordered[1:] == ordered[:-1])
        if len(ties):
            ids = self.ids
            begin = end = -1
            for tie in [*ties.tolist(), len(ordered) + 1]:
                if tie > end:
                    if begin >= 0:
                        run = order[begin : end + 1].tolist()
                        order[begin : end + 1] = sorted(run, key=ids.__getitem__)
                    begin = tie
                end = tie + 1
        return order


def offer_of(candidates: Sequence[Candidate]) -> Offer:
    """Arrange candidates of any kind, and in any order, as one table."""
    table = table_of(
        [candidate.action for candidate in candidates],
        values_minor=[candidate.value_minor for candidate in candidates],
        found_by=[candidate.found_by for candidate in candidates],
    )
    propensities = np.array([candidate.propensity for candidate in candidates], dtype=np.float64)
    return Offer((table,), propensities, lambda place: candidates[place].facts)


def _joined(parts: Sequence[NDArray[Any]], kind: type) -> NDArray[Any]:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=kind)
