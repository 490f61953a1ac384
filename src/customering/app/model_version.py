"""The nouns of fitted models: one version with its facts, and how it compared with another."""

from typing import Any, Literal

import msgspec

from customering.kernel.records import Record

Kind = Literal["value", "taste", "persuasion"]
Role = Literal["champion", "challenger", "former"]

CHAMPION_FILES: dict[Kind, str] = {
    "value": "value.json",
    "taste": "taste.bin",
    "persuasion": "persuasion.json",
}
"""Under which name the model in use lies."""


class Comparison(Record, frozen=True, kw_only=True):
    """A challenger against the champion, on days that neither had seen.

    Parameters
    ----------
    measure
        What is compared, in words; more is better.
    first_day, through_day
        The days, UTC day numbers, both included.
    people
        People compared on.
    champion, challenger
        Mean of the measure over people.
    gain, low, high
        Challenger less champion, and the 95 % interval of it.
    """

    measure: str
    first_day: int
    through_day: int
    people: int
    champion: float
    challenger: float
    gain: float
    low: float
    high: float


class ModelVersion(Record, frozen=True, kw_only=True):
    """One fitted model and everything about it but itself.

    Parameters
    ----------
    model_id
        Its id.
    kind
        What it is for.
    name
        What it is, such as ``MBG/CNBD-2``.
    made_at
        When it was fitted. Milliseconds since 1970.
    first_day, through_day
        Window of the purchases it was fitted to, UTC day numbers, both included.
    people
        People whose purchases it was fitted to.
    metrics
        Named numbers about the fit and its quality.
    features
        What it reads of a person.
    settings
        What it was fitted with: with the same, the same purchases give the same model.
    parent
        The champion when it was fitted; empty for the first.
    comparison
        How it did against that; None where there was nothing to compare.
    verdict
        What became of it and why, in words.
    erasures
        How many erasures there had been when it was fitted: one fitted before a later one may hold
        sums over somebody who is erased.
    sha256
        Of its bytes.
    """

    model_id: str
    kind: Kind
    name: str
    made_at: int
    first_day: int
    through_day: int
    people: int
    metrics: dict[str, float] = msgspec.field(default_factory=dict)
    features: tuple[str, ...] = ()
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    parent: str = ""
    comparison: Comparison | None = None
    verdict: str = ""
    erasures: int = 0
    sha256: str = ""

    def is_refit_of(self, other: "ModelVersion") -> bool:
        """Say whether both are made the same way, whatever the data."""
        return (self.features, self.settings) == (other.features, other.settings)

    def is_same_as(self, other: "ModelVersion") -> bool:
        """Say whether both are made the same way from the same data."""
        mine, its = (
            (one.name, one.first_day, one.through_day, one.people, one.metrics)
            for one in (self, other)
        )
        return self.is_refit_of(other) and mine == its
