"""A decision as it is made and kept: columns, from which each candidate is told when asked for."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import msgspec
import numpy as np

from customering.decision.contact import dismissed_days
from customering.decision.explore import UNIT, FirstPlace
from customering.decision.learner import Example, place_of
from customering.decision.losses import CODE_OF, IN_QUESTION, RULES, WORDS, Codes
from customering.decision.model import LEAVE_ALONE, Considered, Decision, Lost, Pick
from customering.decision.offer import Offer
from customering.decision.settings import ArbitrationSettings
from customering.decision.table import Asked, Columns, Floats
from customering.kernel.clock import day_of, format_day

PRODUCTS_MOST = 50
"""An action that is about more products than this is told to be about none in the record."""

_IN_QUESTION = frozenset({0, *(CODE_OF[rule] for rule in IN_QUESTION)})
_ALL_FACTORS = ArbitrationSettings()


class Quiet(msgspec.Struct, frozen=True, kw_only=True):
    """What became of leaving the person alone.

    Parameters
    ----------
    score
        What a contact costs in attention. Minor units.
    is_possible
        Whether it could have got the first place.
    lost, words
        As in `Considered`.
    """

    score: float
    is_possible: bool
    lost: Lost | None
    words: str


class Weighed(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that became of the candidates.

    Parameters
    ----------
    offer
        The candidates.
    is_common
        Whether they were weighed as for anybody.
    chances
        The chance of acceptance of each, as it was weighed.
    codes
        What became of each; 0 for the chosen.
    chosen
        Places of the chosen, best first.
    reasons
        Why each of these was chosen, as a person reads it.
    first
        The chances of the first place; the number of candidates stands for quiet.
    quiet
        What became of leaving the person alone.
    blocked_words
        Why nothing may be done at all; empty when something may.
    refusals
        The words of each permission that was refused.
    rested
        When what each candidate rests from was, by place. Milliseconds since 1970.
    weights, effects
        The weight of each in these circumstances, and the share of acceptance that would not have
        come without us; None for 1.
    factors
        Which parts of the score count.
    features
        What was looked at of the person and the circumstances; None where nothing may be learned.
    is_learned
        Whether the chances were corrected by what was learned from outcomes.
    is_personal
        Whether these corrections used the features.
    notes_products
        Whether the record is to say which products the chosen actions are about, so that purchases
        can be told to be theirs.
    """

    offer: Offer
    is_common: bool
    chances: Floats
    codes: Codes
    chosen: Sequence[int]
    reasons: Sequence[str]
    first: FirstPlace
    quiet: Quiet
    blocked_words: str
    refusals: Mapping[Asked, str]
    rested: Mapping[int, int]
    weights: Floats | None = None
    effects: Floats | None = None
    factors: ArbitrationSettings = _ALL_FACTORS
    features: Mapping[str, float] | None = None
    is_learned: bool = False
    is_personal: bool = False
    notes_products: bool = False

    def candidates(self) -> tuple[Considered, ...]:
        """Tell each candidate with the parts of its score and its fate, quiet as the last."""
        told: list[Considered] = []
        for table in self.offer.tables:
            begin = len(told)
            told += [self.considered(table.columns, row, begin + row) for row in range(len(table))]
        return (*told, self._quiet(len(told)))

    def at(self, place: int) -> Considered:
        """Tell one candidate, or quiet."""
        if place == len(self.offer):
            return self._quiet(place)
        table, row = self.offer.at(place)
        return self.considered(table.columns, row, place)

    def considered(self, columns: Columns, row: int, place: int) -> Considered:
        """Tell one candidate from its row."""
        code = int(self.codes[place])
        chance, value, lever = (
            float(self.chances[place]),
            columns.value_minor[row],
            columns.lever[row],
        )
        weight = 1.0 if self.weights is None else float(self.weights[place])
        effect = 1.0 if self.effects is None else float(self.effects[place])
        rank = self.chosen.index(place) + 1 if code == 0 else None
        return Considered(
            action_id=columns.action_id[row],
            title=columns.title[row],
            kind=columns.kind[row],
            found_by=columns.found_by[row],
            propensity=chance,
            value_minor=value,
            lever=lever,
            score=self._score(chance, value, lever, weight, effect),
            probability=self._probability(place, code),
            rank=rank,
            lost=RULES[code],
            words=self._words(columns, row, place) if rank is None else self.reasons[rank - 1],
            prior=float(self.offer.propensities[place]) if self.is_learned else None,
            context_weight=weight,
            effect=effect,
        )

    def probabilities(self) -> Floats:
        """Give the chance of each candidate to have the first place, as `considered` tells it."""
        first = self.first
        units = np.where(np.isin(self.codes, tuple(_IN_QUESTION)), first.other_units, 0.0)
        if first.listed is not None and first.units is not None:
            is_candidate = first.listed < len(units)
            units[first.listed[is_candidate]] = first.units[is_candidate]
        if first.best < len(units):
            units[first.best] = first.best_units
        return units * UNIT

    def _probability(self, place: int, code: int) -> float:
        return self.first.chance_of(place) if code in _IN_QUESTION else 0.0

    def _score(
        self, chance: float, value: float, lever: float, weight: float, effect: float
    ) -> float:
        factors = self.factors
        scale = float(value) if factors.use_value else 1.0
        if factors.use_lever:
            scale *= lever
        if factors.use_context_weight:
            scale *= weight
        if factors.use_effect:
            scale *= effect
        return chance * scale if factors.use_propensity else scale

    def examples(self, place: str) -> tuple[Example, ...]:
        """Give what may be learned from the chosen, best place first; often that is nothing.

        Parameters
        ----------
        place
            Where they are shown, as `place_of` names it.
        """
        if self.features is None:
            return ()
        made = []
        for rank, at in enumerate(self.chosen, start=1):
            table, row = self.offer.at(at)
            made.append(
                Example(
                    place=place,
                    group=table.columns.group[row],
                    action_id=table.columns.action_id[row],
                    found_by=table.columns.found_by[row],
                    prior=float(self.offer.propensities[at]),
                    rank=rank,
                    features=self.features,
                )
            )
        return tuple(made)

    def picks(self, contents: Mapping[str, dict[str, str]]) -> tuple[Pick, ...]:
        """Give the chosen as they are carried out, best place first.

        Parameters
        ----------
        contents
            Their texts by id; those without any are left out.
        """
        made = []
        for rank, (at, words) in enumerate(zip(self.chosen, self.reasons, strict=True), start=1):
            table, row = self.offer.at(at)
            columns = table.columns
            action_id = columns.action_id[row]
            made.append(
                Pick(
                    action_id=action_id,
                    kind=columns.kind[row],
                    title=columns.title[row],
                    content=contents.get(action_id, {}),
                    words=words,
                    rank=rank,
                    probability=self.first.chance_of(at),
                )
            )
        return tuple(made)

    def products(self) -> dict[str, tuple[str, ...]]:
        """Give the products that the chosen actions are about; what is about many has none here."""
        found = {}
        for at in self.chosen:
            table, row = self.offer.at(at)
            about = table.actions[row].products if table.actions else ()
            if 0 < len(about) <= PRODUCTS_MOST:
                found[table.columns.action_id[row]] = about
        return found

    def _words(self, columns: Columns, row: int, place: int) -> str:
        """Say why a candidate lost: a sentence of the rule, with what it asked of this one."""
        if self.blocked_words:
            return self.blocked_words
        rule = RULES[self.codes[place]]
        assert rule is not None, "a candidate that did not lose has reasons"
        words = WORDS.get(rule)
        match rule:
            case "not_yet":
                return WORDS[rule].format(starts=_date(columns.valid_from[row] or 0))
            case "over":
                return WORDS[rule].format(ended=_date((columns.valid_until[row] or 0) - 1))
            case "not_eligible":
                return WORDS[rule].format(eligibility=columns.eligibility[row])
            case "not_applicable":
                return WORDS[rule].format(applicability=columns.applicability[row])
            case "not_suitable":
                return WORDS[rule].format(suitability=columns.suitability[row])
            case "spacing":
                seen = _date(self.rested[place])
                return WORDS[rule].format(seen=seen, spacing_hours=columns.spacing_hours[row])
            case "variety":
                return WORDS[rule].format(group=columns.group[row])
            case "dismissed":
                seen, days = _date(self.rested[place]), columns.cooldown_days[row]
                return WORDS[rule].format(seen=seen, days=dismissed_days(days))
            case "cooldown":
                seen, days = _date(self.rested[place]), columns.cooldown_days[row]
                return WORDS[rule].format(seen=seen, cooldown_days=days)
            case _ if words is not None:
                return words
        return self.refusals[columns.purpose[row], columns.channel[row], columns.kind[row]]

    def _quiet(self, place: int) -> Considered:
        quiet = self.quiet
        return Considered(
            action_id=LEAVE_ALONE,
            title="Leave alone",
            kind="leave_alone",
            found_by="catalogue",
            propensity=0.0,
            value_minor=0,
            lever=1.0,
            score=quiet.score,
            probability=self.first.chance_of(place) if quiet.is_possible else 0.0,
            rank=None if quiet.lost else 1,
            lost=quiet.lost,
            words=quiet.words,
        )


class WeighedDecision(Decision):
    """A decision that tells its candidates when they are asked for."""

    def __init__(self, weighed: Weighed, **told: object) -> None:
        # Set at once: the class is frozen, and a decision is made thousands of times a second.
        told["weighed"] = weighed
        object.__setattr__(self, "__dict__", told)

    weighed: Weighed

    @cached_property
    def candidates(self) -> tuple[Considered, ...]:
        """Every candidate, in the order given, and leaving alone as the last."""
        return self.weighed.candidates()

    @property
    def examples(self) -> tuple[Example, ...]:
        """What may be learned from the chosen, best place first."""
        return self.weighed.examples(place_of(self.placement, self.channel))

    @property
    def picks(self) -> tuple[Pick, ...]:
        """The chosen actions as they are carried out, best place first; no part of their score."""
        weighed = self.weighed
        return weighed.picks(self.contents) if weighed.chosen else super().picks

    @property
    def ranked(self) -> tuple[Considered, ...]:
        """The chosen candidates, best place first; the others are not looked at."""
        weighed = self.weighed
        return tuple(weighed.at(place) for place in weighed.chosen or (len(weighed.codes),))


def _date(instant_ms: int) -> str:
    return format_day(day_of(instant_ms))
