"""What a device is asked to sign: random bits that hold for one browser, one use, and some minutes.

A challenge is 128 random bits and the instant it ends, under a seal of the home over these, the
browser and the use. So nothing is kept of those that are never answered, however many somebody
asks for; of an answered one its digest is kept until it would have ended, so it works once.
"""

import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import Literal

from customering.stores.portal_passkeys import PortalPasskeys

Use = Literal["add", "enter", "confirm"]
"""What a challenge is for: adding a passkey, signing in, or confirming who is signed in."""

_HOLDS_MS = 10 * 60_000
_NONCE_BYTES, _INSTANT_BYTES, _SEAL_BYTES = 16, 8, 16


class Challenges:
    """The challenges of one home; any thread may use it.

    Parameters
    ----------
    store
        Remembers which were used.
    clock
        Gives the real present, milliseconds since 1970.
    secret
        Seals them; 32 bytes of this home.
    chance
        Gives that many bytes nobody can guess.
    """

    def __init__(
        self,
        store: PortalPasskeys,
        clock: Callable[[], int],
        secret: bytes,
        chance: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._clock = clock
        self._secret = secret
        self._chance = chance

    def make(self, use: Use, bound_to: str) -> bytes:
        """Make a challenge, which holds ten minutes.

        Parameters
        ----------
        bound_to
            Secrets of the browser that may answer it.
        """
        ends_at = self._clock() + _HOLDS_MS
        stated = self._chance(_NONCE_BYTES) + ends_at.to_bytes(_INSTANT_BYTES, "big")
        return stated + self._seal(stated, use, bound_to)

    def use(self, challenge: bytes, use: Use, bound_to: str) -> bool:
        """Use a challenge up; True once, and only for the browser and the use it was made for."""
        stated, seal = challenge[:-_SEAL_BYTES], challenge[-_SEAL_BYTES:]
        if not hmac.compare_digest(self._seal(stated, use, bound_to), seal):
            return False
        ends_at, now_ms = int.from_bytes(stated[_NONCE_BYTES:], "big"), self._clock()
        if ends_at <= now_ms:
            return False
        digest = sha256(challenge).digest()
        return self._store.use_challenge(digest, ends_at=ends_at, now_ms=now_ms)

    def _seal(self, stated: bytes, use: Use, bound_to: str) -> bytes:
        browser = sha256(bound_to.encode()).hexdigest()
        told = f"challenge {use} {browser} {stated.hex()}"
        return hmac.digest(self._secret, told.encode(), "sha256")[:_SEAL_BYTES]
