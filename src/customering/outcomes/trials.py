"""Decisions as columns: what could have been done, with what chance, what was done and earned."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from customering.kernel.errors import Invalid

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
Bools = NDArray[np.bool_]

_SUM_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """Decisions whose chances are known, one row each; the candidates of all rows lie in one run.

    Rows may have different numbers of candidates. What belongs to candidates has the shape
    (candidates,), what belongs to decisions the shape (rows,).

    Parameters
    ----------
    begins
        Where the candidates of each row begin, and where the last one ends. Shape (rows + 1,).
    actions
        The number of each candidate's action; the same action has the same number in all rows.
    chances
        Chance, known exactly, that the log gave each candidate, in [0, 1]; each row sums to 1.
    chosen
        The place, in the run of candidates, of what was done in each row.
    rewards
        What each row earned, in any unit.
    people
        The number of each row's person. Rows of one person may resemble each other, so intervals
        are taken over people.
    """

    begins: Integers
    actions: Integers
    chances: Floats
    chosen: Integers
    rewards: Floats
    people: Integers

    def __len__(self) -> int:
        return len(self.rewards)

    @property
    def rows(self) -> Integers:
        """The row of each candidate."""
        return np.repeat(np.arange(len(self)), np.diff(self.begins))

    @property
    def number_of_people(self) -> int:
        """How many people have a row."""
        return len(np.unique(self.people))

    def sums(self, values: Floats) -> Floats:
        """Add up what the candidates of each row have. Shape (rows,)."""
        if not len(self):
            return np.zeros(0)
        result: Floats = np.add.reduceat(values, self.begins[:-1])
        return result

    def at_chosen(self, values: Floats) -> Floats:
        """Give what was done of all that the candidates have. Shape (rows,)."""
        return values[self.chosen]

    def only(self, kept: Bools) -> tuple["Trials", Bools]:
        """Keep some rows; gives them, and which candidates these have.

        Parameters
        ----------
        kept
            Which rows to keep. Shape (rows,).
        """
        counts = np.diff(self.begins)
        of_candidates = np.repeat(kept, counts)
        begins = np.concatenate([[0], np.cumsum(counts[kept])]).astype(np.intp)
        shift = self.begins[:-1][kept] - begins[:-1]
        return (
            Trials(
                begins=begins,
                actions=self.actions[of_candidates],
                chances=self.chances[of_candidates],
                chosen=self.chosen[kept] - shift,
                rewards=self.rewards[kept],
                people=self.people[kept],
            ),
            of_candidates,
        )


def trials_of(
    chances: Sequence[Floats] | Floats,
    chosen: Sequence[int] | Integers,
    rewards: Sequence[float] | Floats,
    *,
    actions: Sequence[Integers] | None = None,
    people: Sequence[int] | Integers | None = None,
) -> Trials:
    """Lay decisions out as columns.

    Parameters
    ----------
    chances
        For each row the chance of each of its candidates; a matrix when all have the same.
    chosen
        For each row which of its candidates was done, counted from 0.
    rewards
        What each row earned.
    actions
        For each row the numbers of its actions; without it, the place in the row is the number.
    people
        The number of each row's person; without it every row is somebody else.

    Raises
    ------
    Invalid
        When chances do not sum to 1 in a row, what was done had no chance, or lengths differ.
    """
    counts = np.array([len(row) for row in chances], dtype=np.intp)
    if actions is None:
        actions = [np.arange(count) for count in counts]
    begins = np.concatenate([[0], np.cumsum(counts)]).astype(np.intp)
    trials = Trials(
        begins=begins,
        actions=np.concatenate([np.zeros(0, np.intp), *actions]).astype(np.intp),
        chances=np.concatenate([np.zeros(0), *chances]),
        chosen=begins[:-1] + np.asarray(chosen, dtype=np.intp),
        rewards=np.asarray(rewards, dtype=np.float64),
        people=np.arange(len(counts)) if people is None else np.asarray(people, dtype=np.intp),
    )
    checked(trials)
    return trials


def checked(trials: Trials) -> None:
    """Make sure that decisions can be judged.

    Raises
    ------
    Invalid
        When chances do not sum to 1 in a row, what was done had no chance, or lengths differ.
    """
    rows, candidates = len(trials.begins) - 1, int(trials.begins[-1])
    lengths = {len(trials.rewards), len(trials.chosen), len(trials.people)}
    if lengths != {rows} or {len(trials.chances), len(trials.actions)} != {candidates}:
        raise Invalid(
            "The columns of the decisions differ in length.",
            hint="Give one reward, one choice and one person a row, one chance a candidate.",
        )
    if not rows:
        return
    if np.diff(trials.begins).min() < 1:
        raise Invalid("A decision has no candidate.", hint="Leave such rows out.")
    sums = trials.sums(trials.chances)
    wrong = np.flatnonzero(np.abs(sums - 1.0) > _SUM_TOLERANCE)
    if len(wrong):
        raise Invalid(
            f"The chances of row {wrong[0]} sum to {sums[wrong[0]]:.6f}.",
            hint="Keep the chance of every candidate; together they are 1.",
        )
    impossible = np.flatnonzero(trials.at_chosen(trials.chances) <= 0)
    if len(impossible):
        raise Invalid(
            f"What was done in row {impossible[0]} had no chance.",
            hint="Keep the chance with which the choice was made.",
        )
