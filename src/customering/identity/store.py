"""What must be remembered of identity: the links, and nothing else."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from customering.identity.model import Link
from customering.kernel.ids import Identifier


class LinkStore(Protocol):
    """An append-only set of links. Who is one person is never stored: it is computed from them."""

    def add(self, links: Iterable[Link]) -> None:
        """Keep links; one that is already there changes nothing."""
        ...

    def all(self) -> Iterator[Link]:
        """Give every link once, in any order."""
        ...

    def touching(self, identifiers: Iterable[Identifier]) -> tuple[Link, ...]:
        """Give every link that has one of these identifiers at either end, in any order."""
        ...

    def forget(self, identifiers: Iterable[Identifier]) -> int:
        """Erase every link that touches one of these identifiers, and give their number."""
        ...
