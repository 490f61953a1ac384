"""The secrets of one home beside its API keys: what it signs with, and what pseudonyms rest on.

They lie in the control database, which is backed up and never leaves the house.
"""

from collections.abc import Collection, Mapping

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    select,
    update,
)

from customering.consent.chain import Head
from customering.stores.ground import GroundDatabase

_CHUNK = 500  # bound variables a statement: below every database's limit

_keys = MetaData()
_home_keys = Table(
    "home_keys",
    _keys,
    Column("kid", String, primary_key=True),
    Column("seed", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
_secrets = Table(
    "home_secrets",
    _keys,
    Column("name", String, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
_subjects = Table(
    "consent_subjects",
    _keys,
    Column("name_ref", LargeBinary, primary_key=True),
    Column("secret", LargeBinary, nullable=False),
)
_heads = Table(
    "consent_heads",
    _keys,
    Column("name", String, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("root", LargeBinary, nullable=False),
)
_HEAD = "ledger"


class HomeSecrets(GroundDatabase):
    """The secrets of one home.

    Parameters
    ----------
    url
        A SQLAlchemy URL, such as ``sqlite:////home/shop/control.sqlite``.

    Raises
    ------
    Unavailable
        When the database cannot be opened.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, _keys, "the control database")

    def seeds(self) -> list[tuple[str, bytes]]:
        """Give id and private seed of every signing key, the latest last."""
        with self._transaction() as connection:
            query = select(_home_keys.c.kid, _home_keys.c.seed).order_by(_home_keys.c.created_at)
            return [(row.kid, row.seed) for row in connection.execute(query)]

    def add_seed(self, kid: str, seed: bytes, at_ms: int) -> None:
        """Keep a signing key; it is used from now on, the earlier ones still verify."""
        with self._transaction() as connection:
            new = self._insert(_home_keys).values(kid=kid, seed=seed, created_at=at_ms)
            connection.execute(new.on_conflict_do_nothing())

    def secret(self, name: str, new: bytes) -> bytes:
        """Give the secret of a name; the one handed in when there was none."""
        with self._transaction() as connection:
            made = self._insert(_secrets).values(name=name, value=new)
            connection.execute(made.on_conflict_do_nothing())
            query = select(_secrets.c.value).where(_secrets.c.name == name)
            return bytes(connection.execute(query).scalar_one())

    def subjects(
        self, refs: Collection[bytes], new: Mapping[bytes, bytes] | None = None
    ) -> dict[bytes, bytes]:
        """Give the secrets behind the pseudonyms of some names.

        Parameters
        ----------
        refs
            Keyed hashes of names.
        new
            Secrets for those that have none yet; None makes none.
        """
        found: dict[bytes, bytes] = {}
        names = list(refs)
        with self._transaction() as connection:
            if new:
                made = self._insert(_subjects).on_conflict_do_nothing()
                connection.execute(
                    made, [{"name_ref": ref, "secret": secret} for ref, secret in new.items()]
                )
            for start in range(0, len(names), _CHUNK):
                some = names[start : start + _CHUNK]
                query = select(_subjects).where(_subjects.c.name_ref.in_(some))
                found.update((row.name_ref, row.secret) for row in connection.execute(query))
        return found

    def drop_subjects(self, refs: Collection[bytes]) -> int:
        """Delete the secrets of some names: their rows are nobody's from then on."""
        with self._transaction() as connection:
            deleted = connection.execute(
                _subjects.delete().where(_subjects.c.name_ref.in_(list(refs)))
            )
            return deleted.rowcount

    def keep_head(self, head: Head) -> None:
        """Keep how far the ledger is, beside it; a smaller one than the kept changes nothing."""
        with self._transaction() as connection:
            new = self._insert(_heads).values(name=_HEAD, **head._asdict())
            connection.execute(new.on_conflict_do_nothing())
            connection.execute(
                update(_heads)
                .where(_heads.c.name == _HEAD, _heads.c.size < head.size)
                .values(**head._asdict())
            )

    def head(self) -> Head | None:
        """Give how far the ledger was when it was last written; None before."""
        with self._transaction() as connection:
            query = select(_heads.c.size, _heads.c.hash, _heads.c.root)
            found = connection.execute(query.where(_heads.c.name == _HEAD)).first()
        return None if found is None else Head(*found)
