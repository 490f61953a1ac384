"""Which event ids were seen: 16 bytes an id, exact, forgetting what is older than a window."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_OPEN_IDS_MAX = 65_536  # some 8 MB as a Python set
# Each generation is searched at each append: few of them is fast, many forget more exactly.
_GENERATIONS = 6

_Words = NDArray[np.uint64]


class IdSet:
    """A growing set of 16-byte digests in sorted arrays.

    Notes
    -----
    Each added array becomes a run; runs of like size are merged, so n ids lie in at most log2(n)
    runs and each id is moved log2(n) times. A run is sorted by the first 8 bytes; the last 8 are
    compared where the first agree. (Two different ids that agree in the first 8 bytes within one
    run, a chance of 3e-6 among ten million ids, could hide one of the two: an event would then be
    kept twice rather than lost.)
    """

    def __init__(self) -> None:
        self._runs: list[_Words] = []

    def __len__(self) -> int:
        return sum(run.shape[1] for run in self._runs)

    def add(self, digests: bytes) -> None:
        """Add digests that lie one after the other."""
        if not digests:
            return
        words = np.frombuffer(digests, dtype=np.uint64).reshape(-1, 2).T
        run = _sorted(words)
        while self._runs and self._runs[-1].shape[1] <= 2 * run.shape[1]:
            run = _sorted(np.concatenate((self._runs.pop(), run), axis=1))
        self._runs.append(run)

    def compact(self) -> None:
        """Merge all runs into one, for a set that will not grow any more."""
        if len(self._runs) > 1:
            self._runs = [_sorted(np.concatenate(self._runs, axis=1))]

    def discard(self, digests: set[bytes]) -> None:
        """Forget digests; those that are not there change nothing."""
        if not digests:
            return
        wanted = np.sort(as_words(list(digests))[0])
        for number, run in enumerate(self._runs):
            at = np.minimum(np.searchsorted(wanted, run[0]), len(wanted) - 1)
            near = np.flatnonzero(wanted[at] == run[0])
            gone = [place for place in near.tolist() if run[:, place].tobytes() in digests]
            if gone:
                self._runs[number] = np.ascontiguousarray(np.delete(run, gone, axis=1))
        self._runs = [run for run in self._runs if run.shape[1]]

    def contains(self, words: _Words) -> NDArray[np.bool_]:
        """Tell of each digest whether it is in the set; fastest when they are sorted.

        Parameters
        ----------
        words
            Shape (2, n): the digests' first and last 8 bytes.
        """
        found = np.zeros(words.shape[1], dtype=bool)
        for first, last in self._runs:
            at = np.searchsorted(first, words[0])
            np.minimum(at, len(first) - 1, out=at)
            hits = first[at] == words[0]
            if hits.any():
                found |= hits & (last[at] == words[1])
        return found


def as_words(digests: Sequence[bytes]) -> _Words:
    """Give digests as an array of shape (2, n)."""
    return np.frombuffer(b"".join(digests), dtype=np.uint64).reshape(-1, 2).T


def _sorted(words: _Words) -> _Words:
    """Sort digests by their first 8 bytes; merging two sorted runs takes linear time."""
    return np.ascontiguousarray(words[:, np.argsort(words[0], kind="stable")])


class RecentIds:
    """The ids of the events recorded within a window, so that a repeated one is recognised.

    Parameters
    ----------
    window_ms
        How long an id is remembered at least, in recorded time. Milliseconds, > 0.

    Notes
    -----
    Ids are kept in generations of a sixth of the window and forgotten a generation at a time, so an
    id may be remembered up to a sixth longer. The newest are in a set; when it is full, or when its
    generation ends, they move to sorted arrays: 16 bytes an id, 160 MB for ten million.
    """

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms
        self._generation_ms = -(-window_ms // _GENERATIONS)
        self._generations: dict[int, IdSet] = {}
        self._open: set[bytes] = set()
        self._open_generation = 0

    def __len__(self) -> int:
        return len(self._open) + sum(map(len, self._generations.values()))

    def contains(self, digests: Sequence[bytes]) -> list[bool]:
        """Tell of each digest whether it is remembered."""
        known = [digest in self._open for digest in digests]
        if not self._generations or not digests:
            return known
        words = as_words(digests)
        order = np.argsort(words[0])
        words = np.ascontiguousarray(words[:, order])
        found = np.zeros(len(digests), dtype=bool)
        for generation in self._generations.values():
            found |= generation.contains(words)
        if found.any():
            for index in order[found].tolist():
                known[index] = True
        return known

    def advance(self, now_ms: int) -> None:
        """Let recorded time pass: forget what has left the window."""
        generation = now_ms // self._generation_ms
        if generation > self._open_generation:
            self._close()
            self._forget(now_ms)
            self._open_generation = generation

    def add(self, digests: Sequence[bytes]) -> None:
        """Remember digests of events recorded now."""
        self._open.update(digests)
        if len(self._open) > _OPEN_IDS_MAX:
            self._seal()

    def discard(self, digests: set[bytes]) -> None:
        """Forget digests of events that are erased."""
        self._open -= digests
        for generation in self._generations.values():
            generation.discard(digests)

    def load(self, ids: bytes, recorded_at: int) -> None:
        """Remember the digests of a block as they are stored, when a log is opened."""
        generation = recorded_at // self._generation_ms
        self._open_generation = max(self._open_generation, generation)
        self._generations.setdefault(generation, IdSet()).add(ids)

    def _seal(self) -> None:
        """Move the open set to the sorted arrays of its generation."""
        self._generations.setdefault(self._open_generation, IdSet()).add(b"".join(self._open))
        self._open = set()

    def _close(self) -> None:
        """End the open generation."""
        if self._open:
            self._seal()
        if self._open_generation in self._generations:
            self._generations[self._open_generation].compact()

    def _forget(self, now_ms: int) -> None:
        """Drop the generations that ended before the window began."""
        oldest = (now_ms - self._window_ms) // self._generation_ms
        self._generations = {
            generation: ids for generation, ids in self._generations.items() if generation >= oldest
        }
