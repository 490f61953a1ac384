"""Rows of the trail from a running home: those that come at once share one commit."""

import asyncio
from functools import partial

from customering.consent.rights import Look
from customering.stores.rights import RightsStore


class Trail:
    """Writes the trail; called in the thread of the event loop.

    Parameters
    ----------
    store
        Where the trail is.
    """

    def __init__(self, store: RightsStore) -> None:
        self._store = store
        self._looks: list[tuple[str, Look]] = []
        self._noting: asyncio.Task[None] | None = None

    async def note(self, subject: str, look: Look) -> None:
        """Add a row; it is durable when this returns.

        Parameters
        ----------
        subject
            The keyed hash of an identifier, hexadecimal.
        """
        self._looks.append((subject, look))
        if self._noting is None or self._noting.done():
            self._noting = asyncio.create_task(self._write())
        await asyncio.shield(self._noting)
        if self._looks:  # came while those before were written
            await self._write()

    async def _write(self) -> None:
        looks, self._looks = self._looks, []
        if looks:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, partial(self._store.note, looks))
