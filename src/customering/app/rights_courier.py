"""Tells processors and agents in the background of a running home, when it is their turn."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from customering.app.rights_telling import Telling
from customering.kernel.errors import CustomeringError

_LOOKS_SECONDS = 60.0
_FAILED_SECONDS = 30.0
_logger = logging.getLogger("customering.rights")


class Courier:
    """Goes out when something is to be told; called in the thread of the event loop.

    Parameters
    ----------
    telling
        Who is told what.
    clock
        The real present. Milliseconds since 1970.
    also
        What else is to be written down at least once a minute.
    """

    def __init__(
        self, telling: Telling, clock: Callable[[], int], also: Callable[[], None]
    ) -> None:
        self._telling = telling
        self._also = also
        self._clock = clock
        self._woken = asyncio.Event()
        self._is_stopping = False
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Have it look at once what is to be told; the first call starts it."""
        self._woken.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End it; a call under way is waited for, what is left is told after the next start."""
        self._is_stopping = True
        self._woken.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while not self._is_stopping:
            self._woken.clear()
            seconds = await self._went_out()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), seconds)

    async def _went_out(self) -> float:
        """Tell whoever is due, and give the seconds until the next one is."""
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(None, self._also)
            await loop.run_in_executor(None, self._telling.tell_due)
            next_at = await loop.run_in_executor(None, self._telling.store.next_at)
        except (CustomeringError, OSError) as error:
            _logger.warning("others cannot be told: %s", error)
            return _FAILED_SECONDS
        if next_at is None:
            return _LOOKS_SECONDS
        return min(max((next_at - self._clock()) / 1_000, 0.0), _LOOKS_SECONDS)
