"""Links filed under both their ends, in little memory."""

from collections import ChainMap
from collections.abc import Collection, Iterator, MutableMapping
from typing import TypeAlias

from customering.identity.model import Link
from customering.kernel.ids import Identifier

_TUPLE_LENGTH_MAX = 8

# Most identifiers have one link: it is filed as itself. A few links are a tuple, many a dict by
# the other end. Tuples are replaced, never changed, so a fork can share them.
_Filed: TypeAlias = Link | tuple[Link, ...] | dict[Identifier, Link]


class Shelf:
    """A set of links, at most one for a pair of identifiers, found by either end."""

    def __init__(self) -> None:
        self._filed: MutableMapping[Identifier, _Filed] = {}
        self._is_fork = False

    def fork(self) -> "Shelf":
        """Give a shelf that starts equal to this one; what is done to it leaves this one alone.

        The fork reads through to this shelf: it is right only until this one changes.
        """
        twin = Shelf()
        twin._filed = ChainMap({}, self._filed)
        twin._is_fork = True
        return twin

    def __iter__(self) -> Iterator[Link]:
        for name in self._filed:
            for link in self.at(name):
                if link.left == name:
                    yield link

    def lacks(self, name: Identifier, other: Identifier) -> bool:
        """Tell whether neither of two identifiers has a link here."""
        return not (self._filed.get(name) or self._filed.get(other))

    def names(self) -> Iterator[Identifier]:
        """Give every identifier that has a link here."""
        return (name for name, filed in self._filed.items() if filed)

    def at(self, name: Identifier) -> Collection[Link]:
        """Give the links of an identifier."""
        filed = self._filed.get(name)
        if filed is None:
            return ()
        if isinstance(filed, Link):
            return (filed,)
        return filed if isinstance(filed, tuple) else filed.values()

    def find(self, name: Identifier, other: Identifier) -> Link | None:
        """Give the link of a pair."""
        filed = self._filed.get(name)
        if filed is None:
            return None
        if isinstance(filed, dict):
            return filed.get(other)
        for link in self.at(name):
            if other in (link.left, link.right):
                return link
        return None

    def put_first(self, link: Link) -> None:
        """File a link of two identifiers of which neither has one."""
        self._filed[link.left] = self._filed[link.right] = link

    def put(self, link: Link) -> None:
        """File a link, in the place of the one its pair had."""
        self._file(link.left, link.right, link)
        self._file(link.right, link.left, link)

    def drop(self, link: Link) -> None:
        """Take the link of a pair away."""
        self._unfile(link.left, link.right)
        self._unfile(link.right, link.left)

    def _file(self, name: Identifier, other: Identifier, link: Link) -> None:
        filed = self._filed.get(name)
        if not filed:
            self._filed[name] = link
        elif isinstance(filed, dict):
            self._own(name, filed)[other] = link
        else:
            rest = [held for held in self.at(name) if other not in (held.left, held.right)]
            if not rest:
                self._filed[name] = link
            elif len(rest) < _TUPLE_LENGTH_MAX:
                self._filed[name] = (*rest, link)
            else:
                self._filed[name] = {_other(held, name): held for held in (*rest, link)}

    def _unfile(self, name: Identifier, other: Identifier) -> None:
        filed = self._filed.get(name)
        if isinstance(filed, dict):
            filed = self._own(name, filed)
            filed.pop(other, None)
            is_empty = not filed
        else:
            rest = tuple(held for held in self.at(name) if other not in (held.left, held.right))
            self._filed[name] = rest
            is_empty = not rest
        # A fork keeps the empty entry: it hides the one it would otherwise read through to.
        if is_empty and not self._is_fork:
            del self._filed[name]

    def _own(self, name: Identifier, filed: dict[Identifier, Link]) -> dict[Identifier, Link]:
        """Give the dict of an identifier for writing: a fork copies it first."""
        if self._is_fork:
            filed = dict(filed)
            self._filed[name] = filed
        return filed


def _other(link: Link, name: Identifier) -> Identifier:
    return link.right if link.left == name else link.left
