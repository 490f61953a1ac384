"""The people of the town: what they like, how they live, what they can bear; all hidden."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from customering.testing.assortment import DEPARTMENTS, Floats

AGES: Final = ("young", "middle", "old")
_SURE_SHARE: Final = 0.2
_PUT_OFF_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Residents:
    """Everybody of a town, one entry a person in each field.

    Parameters
    ----------
    shares
        Of what they buy the share from each department; shape (people, departments).
    liking
        The same as a taste: 0 where they like a department as much as any other.
    deal
        How much they are drawn by a bargain, standard deviation 1.
    age
        Age group, as a place in `AGES`; people of one age have tastes in common.
    household, household_size
        Which household they belong to and how many live in it; its members share half of a taste.
    gap_days
        Days between their purchases on average.
    hour
        The hour of the day at which they come by most.
    mood_period_days, mood_phase
        The slow swing of their mood.
    tolerance
        Messages in 30 days that they take before it is too much.
    sureness
        Of what they accept the share they would have bought anyway, in [0, 1].
    put_off
        Whether a message keeps them from buying what they would have bought.
    worth_minor
        Margin they bring in a year without any message; lost when they turn away. Minor units.
    """

    shares: Floats
    liking: Floats
    deal: Floats
    age: NDArray[np.int64]
    household: NDArray[np.int64]
    household_size: NDArray[np.int64]
    gap_days: Floats
    hour: NDArray[np.int64]
    mood_period_days: Floats
    mood_phase: Floats
    tolerance: NDArray[np.int64]
    sureness: Floats
    put_off: NDArray[np.bool_]
    worth_minor: Floats

    def mood(self, person: int, day: float) -> float:
        """Give the mood of a person on a day, in [-0.4, 0.4]; it shifts all they do."""
        turn = day / self.mood_period_days[person] + self.mood_phase[person]
        return 0.4 * float(np.sin(2.0 * np.pi * turn))


def residents_of(chance: np.random.Generator, people: int) -> Residents:
    """Draw everybody.

    Parameters
    ----------
    chance
        Where everything is drawn from.
    people
        How many.
    """
    sizes = chance.choice([1, 2, 3, 4], people, p=[0.4, 0.35, 0.15, 0.1])
    household = np.repeat(np.arange(people), sizes)[:people]
    age = chance.choice(len(AGES), people, p=[0.3, 0.4, 0.3])
    tastes = (
        0.6 * chance.normal(size=(people, len(DEPARTMENTS)))
        + 0.6 * chance.normal(size=(people, len(DEPARTMENTS)))[household]
        + 0.5 * chance.normal(size=(len(AGES), len(DEPARTMENTS)))[age]
    )
    shares = np.exp(1.2 * tastes)
    shares /= shares.sum(axis=1, keepdims=True)
    sure = chance.random(people) < _SURE_SHARE
    return Residents(
        shares=shares,
        liking=3.0 * (shares - 1.0 / len(DEPARTMENTS)),
        deal=chance.normal(size=people),
        age=age,
        household=household,
        household_size=np.bincount(household, minlength=people)[household],
        gap_days=np.clip(np.exp(chance.normal(1.9, 0.5, people)), 2.0, 45.0),
        hour=np.clip(np.round(chance.normal(14.0, 4.0, people)), 6, 22).astype(np.int64),
        mood_period_days=chance.uniform(20.0, 60.0, people),
        mood_phase=chance.random(people),
        tolerance=chance.integers(3, 13, people),
        sureness=np.where(sure, 0.85, chance.uniform(0.05, 0.4, people)),
        put_off=~sure & (chance.random(people) < _PUT_OFF_SHARE / (1.0 - _SURE_SHARE)),
        worth_minor=np.exp(chance.normal(7.5, 0.6, people)),
    )
