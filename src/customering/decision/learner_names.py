"""Names with a place each in tables that have room for so many; what is not used leaves."""

from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Any, Generic, TypeVar

_LEAVING_SHARE = 8  # where there is no room, one in so many leaves at once

K = TypeVar("K", bound=Hashable)


class Names(Generic[K]):
    """Names and their places in a table with room for so many.

    Parameters
    ----------
    most
        How many there may be.
    first
        The first place there is.
    """

    def __init__(self, most: int, first: int = 0) -> None:
        self.most = most
        self.first = first
        self.at: dict[K, int] = {}
        self.used: dict[K, int] = {}
        self.free: list[int] = []

    def add(self, name: K, number: int = 0) -> int:
        """Give a new name its place, used now."""
        place = self.free.pop() if self.free else self.first + len(self.at)
        self.at[name] = place
        self.used[name] = number
        return place

    @property
    def end(self) -> int:
        """The place after the last one that was ever given away."""
        return self.first + len(self.at) + len(self.free)

    def note(self, places: Collection[int], number: int) -> None:
        """Note that those in some places were used now, which is a number that only grows."""
        for name, place in self.at.items():
            if place in places:
                self.used[name] = number

    def leaving(self, but: Collection[K] = ()) -> list[K]:
        """Give those that were used longest ago, some excepted."""
        some = [name for name in self.at if name not in but]
        some.sort(key=self.used.__getitem__)
        return some[: max(1, self.most // _LEAVING_SHARE)]

    def remove(self, name: K) -> int:
        """Let a name go; gives the place that it had."""
        place = self.at.pop(name)
        del self.used[name]
        self.free.append(place)
        return place

    def kept(self) -> list[Any]:
        """Give it as plain data."""
        return [list(self.at.items()), list(self.used.items()), self.free]

    def restore(self, kept: Sequence[Any], key: Callable[[Any], K]) -> None:
        """Take the place of what was kept."""
        self.at = {key(name): place for name, place in kept[0]}
        self.used = {key(name): number for name, number in kept[1]}
        self.free = list(kept[2])
