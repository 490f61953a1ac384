"""What is weighed for one person: tables of candidates, with that person's propensities.

The catalogue is one table for everybody; the products of a person are another.
"""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from customering.decision.explain import reasons_of
from customering.decision.explore import hash_of
from customering.decision.model import LEAVE_ALONE, Candidate
from customering.decision.prior import logits_of
from customering.decision.settings import ArbitrationSettings
from customering.decision.table import Bools, Floats, Table, order_of, table_of
from customering.kernel.errors import Invalid

T = TypeVar("T")
_ALL_FACTORS = ArbitrationSettings()
_PLACES_MOST = 4  # which are texts from outside: at so many is kept what was learned


class View(NamedTuple):
    """An offer as it is weighed, for the person or as for anybody.

    Parameters
    ----------
    chances
        Chance of acceptance of each, in [0, 1].
    scores
        Chance times value times lever times the weight of the circumstances. Minor units.
    scales
        What the chance of each is multiplied with. Minor units.
    weights
        The weight of the circumstances of each; None for 1.
    effects
        The share of acceptance that would not have come without us, of each; None for 1.
    arranged
        What was arranged by these scores, by all it depends on; None where they are those of one
        person, so that it is not worth keeping.
    """

    chances: Floats
    scores: Floats
    scales: Floats
    weights: Floats | None
    effects: Floats | None = None
    arranged: dict[Hashable, Any] | None = None


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
    keeps
        How many arrangements are kept with each view, for others who are offered the same; 0 where
        it is what one person is offered.
    """

    def __init__(
        self,
        tables: Sequence[Table],
        propensities: Floats,
        facts: Callable[[int], Mapping[str, Any]],
        *,
        keeps: int = 0,
    ) -> None:
        self.tables = tuple(tables)
        self.propensities = propensities
        self.facts = facts
        self.keeps = keeps
        self._seen: dict[object, Any] = {}

    def __len__(self) -> int:
        return len(self.propensities)

    def with_facts(self, facts: Callable[[int], Mapping[str, Any]]) -> "Offer":
        """Give the same offer with other facts; what was worked out for one is not done again."""
        other = Offer.__new__(Offer)
        other.__dict__.update(self.__dict__)
        other.facts = facts
        return other

    def at(self, place: int) -> tuple[Table, int]:
        """Give the table of a candidate and its row in it."""
        for table in self.tables:
            if place < table.count:
                return table, place
            place -= table.count
        raise IndexError(place)

    def place_of(self, action_id: str) -> int | None:
        """Give the place of an id; None when it is not among the candidates."""
        begin = 0
        for table in self.tables:
            row = table.places.get(action_id)
            if row is not None:
                return begin + row
            begin += table.count
        return None

    def group_of(self, place: int) -> str:
        """Give the group of a candidate; empty when it has none."""
        table, row = self.at(place)
        return table.columns.group[row]

    def ranked(self, scores: Floats, remains: Bools) -> NDArray[np.intp]:
        """Give the places of those that remain, from the highest score down.

        Ties are in the order of action ids, so that the order of the candidates is moot.
        """
        by_id = self._by_id
        places = by_id[remains[by_id]]
        return places[(-scores[places]).argsort(kind="stable")]

    @property
    def _by_id(self) -> NDArray[np.intp]:
        """The places of all candidates in the order of their ids."""
        if len(self.tables) == 1:
            return self.tables[0].by_id
        return self._once("by_id", self._order_ids)

    def _order_ids(self) -> NDArray[np.intp]:
        if len(self.tables) == 2:
            few, many = self.tables
            if len(few) and len(many):
                low, high = few.sorted_ids[0], few.sorted_ids[-1]
                gap = bisect_left(many.sorted_ids, low)
                if gap == bisect_left(many.sorted_ids, high):  # as products are beside offers
                    after = many.by_id + len(few)
                    return np.concatenate([after[:gap], few.by_id, after[gap:]])
        return order_of([name for table in self.tables for name in table.columns.action_id])

    @property
    def excluding(self) -> Mapping[int, frozenset[int]]:
        """Give by place the candidates that must not be chosen together with one; both ways."""
        return self._once("excluding", self._exclude)

    def _exclude(self) -> Mapping[int, frozenset[int]]:
        """Find what each excludes, in whichever table."""
        if not any(table.rules.excludes for table in self.tables):
            return {}
        found: dict[int, set[int]] = {}
        begin = 0
        for table in self.tables:
            for row, names in table.rules.excludes.items():
                for other in (self.place_of(name) for name in names):
                    if other is not None:
                        found.setdefault(begin + row, set()).add(other)
                        found.setdefault(other, set()).add(begin + row)
            begin += len(table)
        return {place: frozenset(others - {place}) for place, others in found.items()}

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
    def has_discoveries(self) -> bool:
        """Whether any candidate is new to the person."""
        return any(table.has_discoveries for table in self.tables)

    @property
    def written_chances(self) -> msgspec.Raw:
        """The propensities as the log keeps them: where most are usual, those that are not."""
        return self._once("written_chances", self._write_chances)

    def _once(self, name: object, work: Callable[[], T]) -> T:
        """Work something out once for this offer and those with other facts."""
        if name not in self._seen:
            self._seen[name] = work()
        found: T = self._seen[name]
        return found

    def _write_chances(self) -> msgspec.Raw:
        base = self.base
        own = np.flatnonzero(self.propensities != base)
        if len(own) * 2 < len(self):
            sparse = {"at": own.tolist(), "of": self.propensities[own].tolist()}
            return msgspec.Raw(msgspec.json.encode(sparse))
        return msgspec.Raw(msgspec.json.encode(self.propensities.tolist()))

    @property
    def logits(self) -> Floats:
        """The logits of the propensities, kept off 0 and 1."""
        return self._once("logits", lambda: logits_of(self.propensities))

    def view(
        self,
        factors: ArbitrationSettings = _ALL_FACTORS,
        weights: Floats | None = None,
        effects: Floats | None = None,
        *,
        is_common: bool,
    ) -> View:
        """Give chances and scores without learning; worked out once without weights.

        Parameters
        ----------
        factors
            Which factors count.
        weights, effects
            The weight of the circumstances of each, and the share of acceptance that would not have
            come without us; None for 1.
        is_common
            Whether the chances are those of anybody, so that scores are the same for everybody.

        Raises
        ------
        Invalid
            When a propensity is not a number in [0, 1].
        """
        chances = self.base if is_common else self.propensities
        if weights is not None or effects is not None:
            return self.look(self._checked(chances), factors, weights, effects)
        name = "common" if is_common else "own", factors
        found = self._seen.get(name)
        if found is None:
            found = self._seen[name] = self._kept(self.look(self._checked(chances), factors, None))
        view: View = found
        return view

    def taught(
        self, chances: Callable[[], Floats], factors: ArbitrationSettings, place: str, stamp: object
    ) -> View:
        """Give the scores by what was learned of all; worked out anew with every other stamp.

        Parameters
        ----------
        chances
            Gives the chance of each, in [0, 1], by what was learned.
        place
            Where they would be shown.
        stamp
            What stands for all that was learned.
        """
        known = self._seen.get("taught")
        if known is None or known[0] is not stamp:
            known = self._seen["taught"] = (stamp, {})
        views: dict[object, View] = known[1]
        view = views.get((place, factors))
        if view is None:
            if len(views) >= _PLACES_MOST:
                views.clear()
            view = views[place, factors] = self._kept(self.look(chances(), factors, None))
        return view

    def _kept(self, view: View) -> View:
        """Have what is arranged by scores kept with them, where others are offered the same."""
        return view._replace(arranged={}) if self.keeps else view

    def look(
        self,
        chances: Floats,
        factors: ArbitrationSettings,
        weights: Floats | None,
        effects: Floats | None = None,
    ) -> View:
        """Score the candidates by some chances, each in [0, 1].

        References
        ----------
        The arbitration of Pega Customer Decision Hub, "Priority = Propensity x Context weight x
        Value x Levers".
        """
        scales = self._once(("scales", factors), lambda: self._scales(factors))
        if weights is not None and factors.use_context_weight:
            scales = scales * weights
        if effects is not None and factors.use_effect:
            scales = scales * effects
        scores = chances * scales if factors.use_propensity else scales
        return View(chances, scores, scales, weights, effects)

    def _checked(self, chances: Floats) -> Floats:
        """Refuse chances that are none."""
        within = (chances >= 0.0) & (chances <= 1.0)
        if not within.all():
            table, row = self.at(int(np.argmin(within)))
            wrong = table.columns.action_id[row]
            raise Invalid(
                f"The propensity of {wrong!r} is not a number in [0, 1].",
                hint="Give the chance that the person accepts.",
                action=wrong,
            )
        return chances

    @property
    def base(self) -> Floats:
        """The chance of each that anybody accepts."""
        return self._once(
            "base", lambda: _joined([table.base for table in self.tables], np.float64)
        )

    @property
    def hashes(self) -> NDArray[np.uint64]:
        """A number of 64 bits for each id, and one for leaving the person alone as the last."""
        return self._once("hashes", self._hashed)

    def _hashed(self) -> NDArray[np.uint64]:
        alone = np.array([hash_of(LEAVE_ALONE)], dtype=np.uint64)
        return np.concatenate([*(table.hashes for table in self.tables), alone])

    def _scales(self, factors: ArbitrationSettings) -> Floats:
        return _joined([table.scales(factors) for table in self.tables], np.float64)


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
