"""Links by which people hand their data to somebody else: in the control database, by digest.

Only digests of what opens them are kept. Any thread may use it.
"""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    select,
    update,
)

from customering.kernel.ids import Identifier
from customering.stores.ground import PeopleDatabase

_metadata = MetaData()
_transfers = Table(
    "portal_transfers",
    _metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("transfer_id", String, nullable=False, unique=True),
    Column("person", String, nullable=False, index=True),
    Column("label", String, nullable=False),
    Column("subset", String, nullable=False),
    Column("request_id", String, nullable=False),
    Column("begun_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)


class TransferRow(NamedTuple):
    """One link.

    Parameters
    ----------
    digest
        SHA-256 of the token in it.
    transfer_id
        What names it in a list; opens nothing.
    person
        Whose data it hands over.
    label
        To whom, as the person calls them.
    subset
        How much: ``all`` or ``portable``.
    request_id
        The request of the person that it answers.
    begun_at, ends_at, used_at
        Since when, until when, and when it was used. Milliseconds since 1970.
    """

    digest: bytes
    transfer_id: str
    person: Identifier
    label: str
    subset: str
    request_id: str
    begun_at: int
    ends_at: int
    used_at: int | None = None


class PortalTransfers(PeopleDatabase):
    """The links of one home; see `PeopleDatabase`."""

    tables = (_transfers,)

    def add(self, transfer: TransferRow) -> None:
        """Keep a link."""
        with self._transaction() as connection:
            connection.execute(_transfers.insert().values(transfer._asdict()))

    def find(self, digest: bytes, now_ms: int) -> TransferRow | None:
        """Give the link of this digest, if it was not used and has not ended."""
        with self._transaction() as connection:
            asked = select(_transfers).where(_holds(digest, now_ms))
            row = connection.execute(asked).one_or_none()
        return None if row is None else TransferRow(*row)

    def use(self, digest: bytes, now_ms: int) -> bool:
        """Use a link up; True for the one caller who did."""
        with self._transaction() as connection:
            used = update(_transfers).where(_holds(digest, now_ms)).values(used_at=now_ms)
            return connection.execute(used).rowcount == 1

    def give_back(self, digest: bytes) -> None:
        """Let a link be used after all: nothing was handed over by it."""
        with self._transaction() as connection:
            mine = _transfers.c.digest == digest
            connection.execute(update(_transfers).where(mine).values(used_at=None))

    def of(self, people: Collection[Identifier]) -> list[TransferRow]:
        """Give the links under some identifiers, the newest first."""
        with self._transaction() as connection:
            rows = connection.execute(
                select(_transfers)
                .where(_transfers.c.person.in_(people))
                .order_by(_transfers.c.begun_at.desc(), _transfers.c.transfer_id)
            ).all()
        return [TransferRow(*row) for row in rows]

    def forget_older(self, ended_before: int) -> None:
        """Forget links that ended before an instant; the requests they answered stay."""
        with self._transaction() as connection:
            connection.execute(delete(_transfers).where(_transfers.c.ends_at < ended_before))


def _holds(digest: bytes, now_ms: int) -> ColumnElement[bool]:
    return (
        (_transfers.c.digest == digest)
        & _transfers.c.used_at.is_(None)
        & (_transfers.c.ends_at > now_ms)
    )
