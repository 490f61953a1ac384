"""What programs may do for a person: grants in the control database, beside the sessions.

Only digests of what lets a program in are kept. Any thread may use it.
"""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    func,
    select,
    update,
)

from customering.kernel.ids import Identifier
from customering.stores.ground import PeopleDatabase

_metadata = MetaData()
_grants = Table(
    "portal_grants",
    _metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("grant_id", String, nullable=False, unique=True),
    Column("person", String, nullable=False, index=True),
    Column("label", String, nullable=False),
    Column("scopes", String, nullable=False),
    Column("begun_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)


class GrantRow(NamedTuple):
    """One program that may act for a person.

    Parameters
    ----------
    digest
        SHA-256 of what it shows to be let in.
    grant_id
        What names it in a list; lets nobody in.
    person
        For whom it acts.
    label
        What the person calls it.
    scopes
        What it may do, parted by spaces.
    begun_at, ends_at, seen_at
        Since when, until when, and when it last came (0 for never). Milliseconds since 1970.
    """

    digest: bytes
    grant_id: str
    person: Identifier
    label: str
    scopes: str
    begun_at: int
    ends_at: int
    seen_at: int = 0


class PortalGrants(PeopleDatabase):
    """The grants of one home; see `PeopleDatabase`."""

    tables = (_grants,)

    def add(self, grant: GrantRow) -> None:
        """Keep a grant."""
        with self._transaction() as connection:
            connection.execute(_grants.insert().values(grant._asdict()))

    def find(self, digest: bytes, now_ms: int) -> GrantRow | None:
        """Give the grant of this digest; None when there is none, or it has ended."""
        holds = (_grants.c.digest == digest) & (_grants.c.ends_at > now_ms)
        with self._transaction() as connection:
            row = connection.execute(select(_grants).where(holds)).one_or_none()
        return None if row is None else GrantRow(*row)

    def of(self, people: Collection[Identifier], now_ms: int) -> list[GrantRow]:
        """Give the grants under some identifiers that hold, the newest first."""
        mine = _grants.c.person.in_(people) & (_grants.c.ends_at > now_ms)
        with self._transaction() as connection:
            asked = select(_grants).where(mine).order_by(_grants.c.begun_at.desc())
            return [GrantRow(*row) for row in connection.execute(asked)]

    def count(self, people: Collection[Identifier], now_ms: int) -> int:
        """Count the grants under some identifiers that hold."""
        mine = _grants.c.person.in_(people) & (_grants.c.ends_at > now_ms)
        with self._transaction() as connection:
            return int(connection.execute(select(func.count()).where(mine)).scalar_one())

    def note_seen(self, digest: bytes, now_ms: int) -> None:
        """Note that a program came."""
        with self._transaction() as connection:
            connection.execute(
                update(_grants).where(_grants.c.digest == digest).values(seen_at=now_ms)
            )

    def end(self, people: Collection[Identifier], grant_id: str) -> int:
        """End one grant of a person, and give how many that were."""
        mine = _grants.c.person.in_(people) & (_grants.c.grant_id == grant_id)
        with self._transaction() as connection:
            return connection.execute(delete(_grants).where(mine)).rowcount
