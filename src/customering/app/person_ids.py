"""From the id of a person to an identifier of theirs, in a home that is running."""

import asyncio
from collections.abc import Collection, Sequence

from customering.app.live import Live
from customering.events.model import Event
from customering.identity.lookup import PersonIndex
from customering.kernel.ids import Identifier, PersonId
from customering.stores.state import State


class PersonIds:
    """Finds people by id; the index is made when somebody first asks, and kept up from then on.

    Parameters
    ----------
    live
        The running home.

    Notes
    -----
    Called in the thread of the event loop. The index takes 16 bytes an identifier and some 2 us to
    make, in the thread that may be slow; until then nothing is spent on it.
    """

    def __init__(self, live: Live) -> None:
        self._live = live
        self._index: PersonIndex | None = None
        self._seen: set[Identifier] = set()
        self._making = asyncio.Lock()
        live.when_forgetting(self._forget)

    async def find(self, person: PersonId) -> Identifier | None:
        """Give an identifier of a person, whatever was acknowledged included; None if unknown."""
        async with self._making:
            if self._index is None:
                self._live.watch(self._note)
                await self._live.keeping.checkpoint()
                self._index = await self._live.in_thread(_index_of, self._live.engine.state)
        for name in self._seen:
            self._index.add(name)
        self._seen.clear()
        return self._index.find(person)

    def _forget(self, names: Collection[Identifier]) -> None:
        self._seen.difference_update(names)
        if self._index is not None:
            for name in names:
                self._index.discard(name)

    def _note(self, events: Sequence[Event]) -> None:
        self._seen.update(name for event in events for name in event.identifiers)


def _index_of(state: State) -> PersonIndex:
    """Index every identifier that is stored, linked or not."""
    names = set(state.anchors())
    for link in state.links():
        names.update((link.left, link.right))
    return PersonIndex(names)
