"""Heavy work takes turns: one piece of it begins in each round of the event loop."""

import asyncio
from collections import deque

from customering.kernel.errors import Overloaded


class Turns:
    """Lets those who have a millisecond of work go one after the other, with a look around between.

    What came meanwhile and is answered at once, such as a decision, waits for one piece of such
    work, not for all that arrived together. Belongs to one event loop.

    Parameters
    ----------
    waiting_bytes_max
        How much those who wait may hold in memory together.
    """

    def __init__(self, waiting_bytes_max: int) -> None:
        self._waiting_bytes_max = waiting_bytes_max
        self._waiting_bytes = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_taken = False

    async def take(self, size_bytes: int) -> None:
        """Wait for a turn; at once where nobody had one in this round.

        Parameters
        ----------
        size_bytes
            What is held in memory meanwhile.

        Raises
        ------
        Overloaded
            When others who wait hold too much already.
        """
        loop = asyncio.get_running_loop()
        if not self._is_taken:
            self._is_taken = True
            loop.call_soon(self._give, loop)
            return
        if self._waiting and self._waiting_bytes + size_bytes > self._waiting_bytes_max:
            raise Overloaded(
                "too much waits to be read",
                hint="send again in a second; nothing of this call was taken",
                retry_after_s=1,
            )
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        self._waiting_bytes += size_bytes
        try:
            await turn
        finally:
            self._waiting_bytes -= size_bytes

    def _give(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give the next turn; each round of the loop calls this once, until nobody waits."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # who was cancelled meanwhile takes none
                turn.set_result(None)
                loop.call_soon(self._give, loop)
                return
        self._is_taken = False
