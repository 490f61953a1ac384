"""Passkeys of people: public keys in the control database, beside the sessions.

Nothing here lets anybody in: what signs never leaves the device of the person. Any thread may use
it.
"""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
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
_passkeys = Table(
    "portal_passkeys",
    _metadata,
    Column("credential", LargeBinary, primary_key=True),
    Column("passkey_id", String, nullable=False, unique=True),
    Column("person", String, nullable=False, index=True),
    Column("handle", LargeBinary, nullable=False),
    Column("site", String, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("label", String, nullable=False),
    Column("is_synced", Boolean, nullable=False),
    Column("begun_at", BigInteger, nullable=False),
    Column("used_at", BigInteger, nullable=False),
)
_used = Table(
    "portal_used_challenges",
    _metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("ends_at", BigInteger, nullable=False, index=True),
)


class PasskeyRow(NamedTuple):
    """One passkey of a person.

    Parameters
    ----------
    credential
        The id under which the device knows it.
    passkey_id
        What names it in a list; lets nobody in.
    person
        Whom it lets in.
    handle
        What the device knows the person by: random bytes, the same for all passkeys of theirs.
    site
        The host name it was made for, which is the only one it works on.
    public_key
        What its signatures are checked with, as COSE (RFC 9052).
    sign_count
        How often it signed, as it says itself; 0 for those that do not count.
    label
        What the person calls it.
    is_synced
        Whether it is kept in an account of the person, and so on more than one device.
    begun_at, used_at
        Since when, and when it was last used (0 for never). Milliseconds since 1970.
    """

    credential: bytes
    passkey_id: str
    person: Identifier
    handle: bytes
    site: str
    public_key: bytes
    sign_count: int
    label: str
    is_synced: bool
    begun_at: int
    used_at: int = 0


class PortalPasskeys(PeopleDatabase):
    """The passkeys of one home; see `PeopleDatabase`."""

    tables = (_passkeys,)

    def add(self, passkey: PasskeyRow) -> bool:
        """Keep a passkey; False when its credential is known already, whoever it belongs to."""
        with self._transaction() as connection:
            new = self._insert(_passkeys).values(passkey._asdict())
            added = connection.execute(new.on_conflict_do_nothing(index_elements=["credential"]))
            return added.rowcount == 1

    def find(self, credential: bytes) -> PasskeyRow | None:
        """Give the passkey of a credential."""
        with self._transaction() as connection:
            asked = select(_passkeys).where(_passkeys.c.credential == credential)
            row = connection.execute(asked).one_or_none()
        return None if row is None else PasskeyRow(*row)

    def of(self, people: Collection[Identifier]) -> list[PasskeyRow]:
        """Give the passkeys under some identifiers, the newest first."""
        with self._transaction() as connection:
            rows = connection.execute(
                select(_passkeys)
                .where(_passkeys.c.person.in_(people))
                .order_by(_passkeys.c.begun_at.desc(), _passkeys.c.passkey_id)
            ).all()
        return [PasskeyRow(*row) for row in rows]

    def note_used(self, credential: bytes, *, before: int, after: int, now_ms: int) -> bool:
        """Note a signature; True for the one caller who did, where two come at once.

        Parameters
        ----------
        before, after
            How often it had signed as we know it, and as it says now.
        """
        with self._transaction() as connection:
            noted = connection.execute(
                update(_passkeys)
                .where(_passkeys.c.credential == credential, _passkeys.c.sign_count == before)
                .values(sign_count=after, used_at=now_ms)
            )
            return noted.rowcount == 1

    def rename(self, people: Collection[Identifier], passkey_id: str, label: str) -> int:
        """Give a passkey of a person another name, and tell how many that were."""
        mine = _passkeys.c.person.in_(people) & (_passkeys.c.passkey_id == passkey_id)
        with self._transaction() as connection:
            return connection.execute(update(_passkeys).where(mine).values(label=label)).rowcount

    def remove(self, people: Collection[Identifier], passkey_id: str) -> int:
        """Remove one passkey of a person, and give how many that were."""
        mine = _passkeys.c.person.in_(people) & (_passkeys.c.passkey_id == passkey_id)
        with self._transaction() as connection:
            return connection.execute(delete(_passkeys).where(mine)).rowcount

    def use_challenge(self, digest: bytes, *, ends_at: int, now_ms: int) -> bool:
        """Use a challenge up; True for the first caller, ever.

        Parameters
        ----------
        ends_at
            When it does not hold any more in any case, and may be forgotten.
        """
        with self._transaction() as connection:
            connection.execute(delete(_used).where(_used.c.ends_at < now_ms))
            new = self._insert(_used).values(digest=digest, ends_at=ends_at)
            added = connection.execute(new.on_conflict_do_nothing(index_elements=["digest"]))
            return added.rowcount == 1
