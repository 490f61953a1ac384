"""What the doors for events share: whose key it is, whether they may, and taking events in."""

import re
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import msgspec
from prometheus_client import Counter

from customering.api.payloads import Fault, place_address, set_aside
from customering.app.key_model import Key
from customering.events.intake import Intake
from customering.kernel.errors import Overloaded
from customering.web.addresses import Proxies, address_of
from customering.web.answers import Scope
from customering.web.entrance import Entrance
from customering.web.gpc import Signals, says_gpc
from customering.web.keys import UNKNOWN_KEY, Denied, admit_request, credentials

_MEMBER = b'"writeKey"'
# A key in a body is found by its form: who sends no key that holds has nothing parsed.
_KEY_IN_BODY = re.compile(rb'"writeKey"\s*:\s*"((?:cw|cs|ck_live)_[0-9A-Za-z]{38})"')
_KEYS_TRIED_MAX = 100
_BYTES_PER_UNIT_BITS = 10
_PUBLIC = "write"


class Caller(msgspec.Struct, frozen=True):
    """Who sends events.

    Parameters
    ----------
    key
        The key that let them in.
    address
        Where they send from.
    has_gpc
        Whether the request carries a Global Privacy Control signal.
    """

    key: Key
    address: str
    has_gpc: bool = False


class Arrivals:
    """Lets senders of events in and hands their events to the home.

    Parameters
    ----------
    entrance
        What all doors share.
    """

    def __init__(self, entrance: Entrance) -> None:
        self.live = entrance.live
        self.settings = entrance.live.settings
        self._keys = entrance.keys
        self._wait = entrance.limiter.wait
        self._give_back = entrance.limiter.give_back
        self._figures = entrance.figures
        self._now = entrance.live.engine.clock
        self._proxies = Proxies(self.settings.trusted_proxies)
        self._signals = Signals(entrance.live)
        self._counted: dict[Counter, dict[str, Callable[[float], None]]] = {}

    # Who it is

    def caller(
        self, scope: Scope, headers: dict[bytes, bytes], body: bytes, units: int
    ) -> Caller | Denied:
        """Tell who sends, or why they are not let in.

        Parameters
        ----------
        headers
            Of the request, names in lower case.
        body
            Its body, unpacked.
        units
            What the request counts for the limits, from `units_of`.

        Raises
        ------
        Overloaded
            When they send more than one sender may.
        Unavailable
            When the keys cannot be read.
        """
        now_ms = self._now()
        address = address_of(scope, self._proxies)
        key = self._key(scope, headers, body, now_ms)
        denied = self._check(key, scope, headers, now_ms)
        if key is None or denied is not None:
            self._slow_down(None, address, units)
            return denied or UNKNOWN_KEY
        self._slow_down(key, address, units)
        self._keys.note_use(key.key_id, now_ms)
        return Caller(key, address, says_gpc(scope["headers"]))

    def count_events(self, caller: Caller, events: int, units: int) -> None:
        """Count the events of a request beyond the units that were counted for it already.

        Raises
        ------
        Overloaded
            When they send more than one sender may.
        """
        key, address = caller.key, caller.address
        if events > units and self._wait(key, address, events - units) is not None:
            # A refused request counts for nothing; how long to wait is asked for the whole of it.
            self._give_back(key, address, units)
            self._slow_down(key, address, events)

    def _key(
        self, scope: Scope, headers: dict[bytes, bytes], body: bytes, now_ms: int
    ) -> Key | None:
        """Find the key: in the headers, the query, or any ``writeKey`` of the body."""
        text = credentials(scope["headers"], scope["query_string"])
        key = None if text is None else self._keys.find(text, now_ms)
        if key is None and b"x-write-key" in headers:
            key = self._keys.find(headers[b"x-write-key"].decode("latin-1"), now_ms)
        if key is None:
            start = body.find(_MEMBER)
            if start >= 0:
                texts = dict.fromkeys(found[1] for found in _KEY_IN_BODY.finditer(body, start))
                tried = islice(texts, _KEYS_TRIED_MAX)
                found_keys = (self._keys.find(text.decode(), now_ms) for text in tried)
                key = next((found for found in found_keys if found is not None), None)
        return key

    def _check(
        self, key: Key | None, scope: Scope, headers: dict[bytes, bytes], now_ms: int
    ) -> Denied | None:
        public_url, proxies = self.settings.public_url, self._proxies
        return admit_request(
            key, scope, headers, "collect", now_ms, public_url=public_url, proxies=proxies
        )

    def _slow_down(self, key: Key | None, address: str, units: int) -> None:
        seconds = self._wait(key, address, units)
        if seconds is not None:
            raise Overloaded(
                "this sender sends more than one sender may",
                hint="send less, or raise serve.limits",
                retry_after_s=seconds,
                reason="rate_limited",
            )

    # Taking in

    async def take(
        self,
        caller: Caller,
        payloads: list[Any],
        size_bytes: int,
        *,
        places: Sequence[str] | None = None,
        faults: Sequence[Fault] = (),
    ) -> Intake:
        """Make payloads durable as events of a source, and keep what cannot be one.

        Parameters
        ----------
        payloads
            Let go of: the list is empty afterwards.
        size_bytes
            Of the request.
        places
            Where each payload stood, when that is not its index.
        faults
            What is set aside beside what intake refuses.

        Raises
        ------
        Overloaded, Unavailable
            When they cannot be kept now; sending again is safe.
        """
        key = caller.key
        believed = None
        if key.kind == _PUBLIC:
            believed = key.believed
            address = caller.address if self.settings.record_addresses else ""
            place_address(payloads, address)
            place_address([fault.raw for fault in faults], address)
        taken = self.live.read(payloads, source=key.source, believed=believed, places=places)
        payloads.clear()  # while they are still in the processor's cache: waiting comes next
        if faults:
            kept = set_aside(faults, source=key.source, received_at=self.live.present)
            taken = msgspec.structs.replace(taken, quarantined=[*taken.quarantined, *kept])
        if taken.accepted or taken.quarantined:
            has_gpc = caller.has_gpc and key.kind == _PUBLIC
            await self._signals.heed_events(taken.accepted, has_gpc=has_gpc)
            await self.live.take(taken, size_bytes)
            self._count(self._figures.events, key.source, len(taken.accepted))
            self._count(self._figures.quarantined, key.source, len(taken.quarantined))
        return taken

    def _count(self, counter: Counter, label: str, number: int) -> None:
        if number:
            counted = self._counted.setdefault(counter, {})
            count = counted.get(label)
            if count is None:
                count = counted[label] = counter.labels(label).inc
            count(number)

    def count_refusal(self, code: str) -> None:
        """Count a request that was refused."""
        self._count(self._figures.refused, code, 1)


def units_of(size_bytes: int) -> int:
    """Give what a request counts for the limits before it is read: one for each begun KiB.

    So what is costly to read is slowed down before it is read.
    """
    return 1 + (size_bytes >> _BYTES_PER_UNIT_BITS)
