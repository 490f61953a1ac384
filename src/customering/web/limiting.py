"""Rate limits: how long one sender has to wait, by key and by address.

The strategy is the sliding window counter of the library ``limits``: what came in the running
window, and of the window before as much as still reaches into the last seconds. The counters are
our own. Those that the library keeps in memory grow with every name, and a thread looks at each of
them a hundred times a second; these are bounded and cost nothing while nobody asks.
"""

import time
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network
from math import ceil

from limits import RateLimitItemPerSecond
from limits.storage.base import SlidingWindowCounterSupport, Storage
from limits.strategies import SlidingWindowCounterRateLimiter

from customering.app.key_model import Key
from customering.app.limit_settings import LimitSettings

_SUBSCRIBER_BITS = 64  # of an IPv6 address: what one household or machine is given
_SECRET_KINDS = frozenset({"server", "secret"})


class SlidingCounters(Storage, SlidingWindowCounterSupport):
    """Counters of one limit, in the memory of one thread.

    Parameters
    ----------
    window_seconds
        Length of the window; the same in every call.
    names_max
        Most names counted apart in one window. When more come, the window ends early: everybody is
        then counted a little less, nobody is forgotten at once.
    clock
        Gives seconds that never go back.
    """

    STORAGE_SCHEME = None

    def __init__(self, window_seconds: int, names_max: int, clock: Callable[[], float]) -> None:
        super().__init__()
        self._seconds = window_seconds
        self._names_max = names_max
        self._clock = clock
        self._number = 0
        self._counts: dict[str, int] = {}
        self._before: dict[str, int] = {}

    def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        """Count an amount if it stays within the limit, and tell whether it did."""
        count = self._counts.get(key, 0) + amount
        now = self._clock() / self._seconds
        number = int(now)
        if number != self._number:
            self._turn(number)
            count = self._counts.get(key, 0) + amount
        if count > limit:
            return False
        before = self._before.get(key)
        if before is not None and count + before * (number + 1 - now) > limit:
            return False
        self._counts[key] = count
        if len(self._counts) > self._names_max:
            self._before, self._counts = self._counts, {}
        return True

    def seconds_until(self, name: str, limit: int, amount: int) -> int:
        """Give after how many whole seconds an amount will be within the limit, at least 1."""
        now = self._clock() / self._seconds
        number = int(now)
        if number != self._number:
            self._turn(number)
        count, before = self._counts.get(name, 0), self._before.get(name, 0)
        room = limit - amount
        if count <= room:
            at = number + 1 - (room - count) / before if before else now
        else:  # what came in this window has to leave the next one
            at = number + 2 - room / count
        # A little more, so that it is within the limit there in floating point too.
        return max(1, ceil((at - now) * self._seconds + 1e-6))

    def give_back(self, name: str, amount: int) -> None:
        """Count an amount no longer, because what it was counted for was refused."""
        count = self._counts.get(name, 0) - amount
        if count > 0:
            self._counts[name] = count
        else:
            self._counts.pop(name, None)

    def _turn(self, number: int) -> None:
        """Begin another window."""
        self._before = self._counts if number == self._number + 1 else {}
        self._counts = {}
        self._number = number

    @property
    def names(self) -> int:
        """How many names are counted."""
        return len(self._counts) + len(self._before)

    # What the library's contract of a storage asks for beside

    @property
    def base_exceptions(self) -> type[Exception]:
        """The errors of this storage: it has none of its own."""
        return LookupError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count an amount whatever the limit."""
        self.acquire_sliding_window_entry(key, self.get(key) + amount, expiry, amount)
        return self.get(key)

    def get(self, key: str) -> int:
        """Give what was counted in the running window."""
        return self._counts.get(key, 0)

    def get_expiry(self, key: str) -> float:
        """Give when the running window ends, by our clock."""
        return float((self._number + 1) * self._seconds)

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Give the count and the remaining seconds of the window before, and of the running one."""
        left = max(0.0, self.get_expiry(key) - self._clock())
        return self._before.get(key, 0), left, self._counts.get(key, 0), left + self._seconds

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget what was counted for a name."""
        self.clear(key)

    def clear(self, key: str) -> None:
        """Forget what was counted for a name."""
        self._counts.pop(key, None)
        self._before.pop(key, None)

    def reset(self) -> int:
        """Forget everything and give of how many names."""
        names = self.names
        self._counts, self._before = {}, {}
        return names

    def check(self) -> bool:
        """Tell that it works."""
        return True


class _Limit:
    """One limit: so much within the window for each name."""

    def __init__(
        self, per_second: int, seconds: int, names_max: int, clock: Callable[[], float]
    ) -> None:
        self._most = per_second * seconds
        self._item = _ByName(self._most, seconds)
        self._counters = SlidingCounters(seconds, names_max, clock)
        self._hit = SlidingWindowCounterRateLimiter(self._counters).hit

    def wait(self, name: str, amount: int) -> int | None:
        """Count an amount; None when it is within the limit, else whole seconds to wait."""
        if amount > self._most:  # never within the limit, so it counts as all of it
            amount = self._most
        if self._hit(self._item, name, cost=amount):
            return None
        return self._counters.seconds_until(name, self._most, amount)

    def give_back(self, name: str, amount: int) -> None:
        """Count an amount no longer."""
        self._counters.give_back(name, min(amount, self._most))


class _ByName(RateLimitItemPerSecond):
    """A limit whose counters are its own: names need not say which limit they are for."""

    def key_for(self, *identifiers: bytes | str | int | float) -> str:
        return identifiers[0]  # type: ignore[return-value]  # only texts are given


class Limiter:
    """The limits of one process, for one thread.

    Parameters
    ----------
    settings
        The limits.
    clock
        Gives seconds that never go back.
    """

    def __init__(
        self, settings: LimitSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        def limit(per_second: int) -> _Limit | None:
            if not per_second:
                return None
            return _Limit(per_second, settings.burst_seconds, settings.names_max, clock)

        self._requests_per_key = limit(settings.requests_per_key)
        self._events_per_key = limit(settings.events_per_key)
        self._per_address = limit(settings.per_address)

    def wait(self, key: Key | None, address: str, events: int = 0) -> int | None:
        """Count a request; None when it may go on, else the whole seconds to wait, at least 1.

        Parameters
        ----------
        key
            The key it carries; None when it carries none that holds.
        address
            Where it comes from, as `address_of` gives it.
        events
            How many events it brings; 0 for other requests.

        Notes
        -----
        The address is asked first: who is refused there does not use up what all others with the
        same public key may ask for.
        """
        per_address = self._per_address
        if per_address is not None and (key is None or key.kind not in _SECRET_KINDS):
            name = _subscriber(address) if ":" in address else address
            if not name.startswith("127."):
                seconds = per_address.wait(name, events or 1)
                if seconds is not None:
                    return seconds
        if key is None:
            return None
        limit = self._events_per_key if events else self._requests_per_key
        return None if limit is None else limit.wait(key.key_id, events or 1)

    def give_back(self, key: Key, address: str, events: int) -> None:
        """Count events no longer that came with a request that was refused after all."""
        per_address = self._per_address
        if per_address is not None and key.kind not in _SECRET_KINDS:
            name = _subscriber(address) if ":" in address else address
            if not name.startswith("127."):
                per_address.give_back(name, events)
        if self._events_per_key is not None:
            self._events_per_key.give_back(key.key_id, events)


@lru_cache(maxsize=10_000)
def _subscriber(address: str) -> str:
    """Give the network of an IPv6 address that belongs to one subscriber, or the IPv4 in it."""
    try:
        found = IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    if found.is_loopback:
        return "127.0.0.1"
    return str(IPv6Network((found, _SUBSCRIBER_BITS), strict=False))
