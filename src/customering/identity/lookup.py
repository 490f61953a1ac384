"""From the id of a person back to the identifier it was made from."""

from array import array
from base64 import b32decode
from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from customering.identity.model import own_id
from customering.kernel.ids import Identifier, PersonId

_RECENT_MIN = 10_000
_ID_BYTES = 10


class PersonIndex:
    """Identifiers found by their own person id, at 16 bytes an identifier.

    Notes
    -----
    The id of a person is the `own_id` of its canonical identifier. An id that was given out
    earlier, before a merge, a separation or a change of canonical identifier, is the own id of
    some identifier too, so it leads to that identifier and from there to whoever has it now.

    Codes (the first 64 bits of the ids) are kept sorted; additions wait in a dict until there are
    enough of them to be worth a sort. Equal codes of different ids are told apart by the whole id.
    """

    def __init__(self, names: Iterable[Identifier] = ()) -> None:
        self._codes: NDArray[np.uint64] = np.empty(0, dtype=np.uint64)
        self._names: NDArray[np.object_] = np.empty(0, dtype=object)
        self._recent: dict[int, list[Identifier]] = {}
        self._waiting = 0
        held = list(names)
        self._merge(array("Q", map(_code_of, held)), held)

    def add(self, name: Identifier) -> None:
        """Make an identifier known; one that is known already changes nothing."""
        code = _code_of(name)
        if name in self._candidates(code):
            return
        self._recent.setdefault(code, []).append(name)
        self._waiting += 1
        if self._waiting > max(_RECENT_MIN, len(self._codes) // 4):
            self._sort()

    def discard(self, name: Identifier) -> None:
        """Forget an identifier."""
        self._sort()
        start, stop = self._span(_code_of(name))
        for place in range(start, stop):
            if self._names[place] == name:
                self._codes = np.delete(self._codes, place)
                self._names = np.delete(self._names, place)
                return

    def find(self, person: PersonId) -> Identifier | None:
        """Give the identifier whose own id this is; None when it is not known."""
        code = _read_code(person)
        if code is None:
            return None
        return next((name for name in self._candidates(code) if own_id(name) == person), None)

    def _candidates(self, code: int) -> list[Identifier]:
        start, stop = self._span(code)
        return [*self._names[start:stop], *self._recent.get(code, ())]

    def _span(self, code: int) -> tuple[int, int]:
        wanted = np.uint64(code)
        start = int(np.searchsorted(self._codes, wanted, side="left"))
        return start, int(np.searchsorted(self._codes, wanted, side="right"))

    def _sort(self) -> None:
        """Move what waits into the sorted arrays."""
        codes = array("Q", (code for code, names in self._recent.items() for _ in names))
        self._merge(codes, [name for names in self._recent.values() for name in names])
        self._recent.clear()
        self._waiting = 0

    def _merge(self, codes: "array[int]", names: list[Identifier]) -> None:
        """Sort names into those held; one that is there already, or twice, is kept once."""
        fresh = np.empty(len(names), dtype=object)
        fresh[:] = names
        merged = np.concatenate([self._codes, np.frombuffer(codes, dtype=np.uint64)])
        order = np.argsort(merged, kind="stable")
        merged, held = merged[order], np.concatenate([self._names, fresh])[order]
        alike = np.flatnonzero(merged[1:] == merged[:-1])
        again = [place + 1 for place in alike if held[place] == held[place + 1]]
        self._codes, self._names = np.delete(merged, again), np.delete(held, again)


def _code_of(name: Identifier) -> int:
    """Give the first 64 bits of the own id of an identifier, without writing the id out."""
    return int.from_bytes(blake2b(name.encode(), digest_size=_ID_BYTES).digest()[:8], "big")


def _read_code(person: PersonId) -> int | None:
    """Read the first 64 bits of a person id; None when it is not one."""
    prefix, _, text = person.partition("_")
    if prefix != "per" or len(text) != 16:
        return None
    try:
        return int.from_bytes(b32decode(text.upper())[:8], "big")
    except ValueError:
        return None
