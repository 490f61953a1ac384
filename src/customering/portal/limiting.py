"""How often something may be tried: by a name, such as an address, within a span of time."""

import time
from collections.abc import Callable

from customering.kernel.errors import Overloaded
from customering.web.limiting import SlidingCounters

_NAMES_MAX = 50_000


class Attempts:
    """Counts what is tried under each name.

    Parameters
    ----------
    most
        How often within the span.
    seconds
        The span.
    clock
        Gives seconds that never go back.
    """

    def __init__(
        self, most: int, seconds: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._counters = SlidingCounters(seconds, _NAMES_MAX, clock)

    def allows(self, name: str) -> bool:
        """Count an attempt, and tell whether it is within the limit."""
        return self._counters.acquire_sliding_window_entry(name, self._most, self._seconds)

    def check(self, name: str) -> None:
        """Count an attempt.

        Raises
        ------
        Overloaded
            When it is beyond the limit.
        """
        if not self.allows(name):
            seconds = self._counters.seconds_until(name, self._most, 1)
            raise Overloaded("this was tried too often", hint="wait a while", retry_after_s=seconds)
