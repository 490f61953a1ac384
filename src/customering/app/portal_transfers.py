"""Handing one's data to somebody else directly: a link that works once, for a set time.

The link carries 256 random bits, of which SHA-256 is kept. What is handed over is made when it is
asked for, so nothing lies about in between, and it is as fresh as it can be.

References
----------
General Data Protection Regulation, article 20(2): from one controller to another.
"""

import hmac
import secrets
from collections.abc import Callable, Collection
from hashlib import sha256
from typing import Any, Literal, NamedTuple, cast

from customering.kernel.clock import MS_PER_DAY, MS_PER_HOUR, format_instant
from customering.kernel.errors import Invalid
from customering.kernel.ids import Identifier, stable_id
from customering.stores.portal_transfers import PortalTransfers, TransferRow

Subset = Literal["all", "portable"]

HOURS_USUAL = 72
HOURS_MOST = 168
LABEL_MOST = 80
_WAITING_MOST = 5
_TOKEN_BYTES = 32
_KEPT_DAYS = 90


class Transfer(NamedTuple):
    """One link, without what opens it.

    Parameters
    ----------
    transfer_id
        What names it in a list.
    person
        Whose data it hands over.
    label
        To whom, as the person calls them.
    subset
        How much.
    request_id
        The request of the person that it answers.
    begun_at, ends_at, used_at
        Since when, until when, and when it was used (None while it was not). Milliseconds.
    """

    transfer_id: str
    person: Identifier
    label: str
    subset: Subset
    request_id: str
    begun_at: int
    ends_at: int
    used_at: int | None


class Transfers:
    """The links of one home; any thread may use it.

    Parameters
    ----------
    url
        The control database.
    clock
        Gives the real present, milliseconds since 1970.
    chance
        Gives that many bytes nobody can guess.
    """

    def __init__(
        self,
        url: str,
        clock: Callable[[], int],
        *,
        chance: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._store = PortalTransfers(url)
        self._clock = clock
        self._chance = chance

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    def check(self, names: Collection[Identifier], label: str, hours: int) -> str:
        """Check that a person may make a link, and give the name of its receiver as it is kept.

        Raises
        ------
        Invalid
            When the name cannot be shown, the time is too long, or five links wait already.
        """
        label = " ".join(label.split())
        if not label or len(label) > LABEL_MOST or not label.isprintable():
            raise Invalid(
                "the receiver has no name that can be shown", hint="such as: Other & Sons"
            )
        if not 1 <= hours <= HOURS_MOST:
            raise Invalid("that is too long, or no time at all", hint=f"1 to {HOURS_MOST} hours")
        waiting = [one for one in self.of(names) if self.is_waiting(one)]
        if len(waiting) >= _WAITING_MOST:
            raise Invalid(f"{_WAITING_MOST} links wait already", hint="take one back")
        return label

    def make(
        self, person: Identifier, label: str, subset: Subset, *, hours: int, request_id: str
    ) -> tuple[Transfer, str]:
        """Make a link; gives it, and the token that opens it, which is told this once."""
        now_ms = self._clock()
        token = self._chance(_TOKEN_BYTES).hex()
        row = TransferRow(
            digest=_digest(token),
            transfer_id=stable_id("transfer", token),
            person=person,
            label=label,
            subset=subset,
            request_id=request_id,
            begun_at=now_ms,
            ends_at=now_ms + hours * MS_PER_HOUR,
        )
        self._store.forget_older(now_ms - _KEPT_DAYS * MS_PER_DAY)
        self._store.add(row)
        return _transfer(row), token

    def find(self, token: str) -> Transfer | None:
        """Give the link of a token; None when it does not hold (any more). Nothing is used up."""
        row = self._row(token)
        return None if row is None else _transfer(row)

    def use(self, token: str) -> Transfer | None:
        """Use a link up; None when it does not hold, or somebody else was quicker."""
        row = self._row(token)
        if row is None or not self._store.use(row.digest, self._clock()):
            return None
        return _transfer(row)

    def give_back(self, token: str) -> None:
        """Let a link be used after all, because nothing could be handed over."""
        self._store.give_back(_digest(token))

    def of(self, names: Collection[Identifier]) -> list[Transfer]:
        """Give the links of a person, also those that ended, the newest first."""
        return [_transfer(row) for row in self._store.of(names)]

    def is_waiting(self, transfer: Transfer) -> bool:
        """Tell whether a link can still be used."""
        return transfer.used_at is None and transfer.ends_at > self._clock()

    def forget(self, names: Collection[Identifier]) -> int:
        """Remove every link of a person, and give how many there were."""
        return self._store.forget(names)

    def _row(self, token: str) -> TransferRow | None:
        """Find a link by its digest: how long that takes tells nothing of a token."""
        digest = _digest(token[:200])
        row = self._store.find(digest, self._clock())
        return row if row is not None and hmac.compare_digest(row.digest, digest) else None


def told_of(transfer: Transfer) -> dict[str, Any]:
    """Give what a person is told of a link when they take their data along."""
    return {
        "label": transfer.label,
        "person": transfer.person,
        "subset": transfer.subset,
        "request_id": transfer.request_id,
        "begun_at": format_instant(transfer.begun_at),
        "ends_at": format_instant(transfer.ends_at),
        "used_at": None if transfer.used_at is None else format_instant(transfer.used_at),
    }


def _transfer(row: TransferRow) -> Transfer:
    return Transfer(
        transfer_id=row.transfer_id,
        person=row.person,
        label=row.label,
        subset=cast("Subset", row.subset),
        request_id=row.request_id,
        begun_at=row.begun_at,
        ends_at=row.ends_at,
        used_at=row.used_at,
    )


def _digest(token: str) -> bytes:
    """Give what is kept of a token: with 256 random bits a plain hash cannot be turned back."""
    return sha256(token.encode()).digest()
