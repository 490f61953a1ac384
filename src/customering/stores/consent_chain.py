"""The consent ledger in one SQL database, which only grows.

It is ground data: it is not made from the log, which may lose events of people who were erased. It
holds no name of a person, only pseudonyms; the secrets by which these are worked out lie elsewhere
(`customering.stores.home_secrets`), so that deleting one cuts the rows from their person for good
and leaves the chain as it is. Only the records of agreements name somebody, and can be deleted.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    and_,
    false,
    insert,
    or_,
    select,
)
from sqlalchemy.exc import IntegrityError

from customering.consent.chain import FIRST_HASH, Place, Row
from customering.kernel.errors import Conflict
from customering.stores.ground import GroundDatabase

_CHUNK = 500  # bound variables a statement: below every database's limit
_ROWS = 5_000  # rows a round when all are read

_ledger = MetaData()
_meta = Table(
    "meta",
    _ledger,
    Column("key", String, primary_key=True),
    Column("value", BigInteger, nullable=False),
)
_rows = Table(
    "rows",
    _ledger,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("event_ref", String, nullable=False, unique=True),
    Column("subject", String, nullable=False),
    Column("record", LargeBinary, nullable=False),
    Column("prev_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("kid", String, nullable=False),
)
Index("rows_by_subject", _rows.c.subject)
_nodes = Table(
    "nodes",
    _ledger,
    Column("height", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
_notices = Table(
    "notices",
    _ledger,
    Column("digest", String, primary_key=True),
    Column("text", LargeBinary, nullable=False),
)
_checkpoints = Table(
    "checkpoints",
    _ledger,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("document", LargeBinary, nullable=False),
)
_agreements = Table(
    "agreements",
    _ledger,
    Column("record_id", String, primary_key=True),
    Column("subject", String, nullable=False),
    Column("document", LargeBinary, nullable=False),
)
Index("agreements_by_subject", _agreements.c.subject)


class KeptAgreement(NamedTuple):
    """The record of one agreement, as both sides keep it.

    Parameters
    ----------
    record_id
        Its id.
    subject
        The pseudonym of the person.
    document
        The signed record, canonical bytes.
    """

    record_id: str
    subject: str
    document: bytes


class ConsentChain(GroundDatabase):
    """The consent ledger of one home.

    Parameters
    ----------
    url
        A SQLAlchemy URL, such as ``sqlite:////home/shop/consent.sqlite``.

    Raises
    ------
    Unavailable
        When the database cannot be opened.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, _ledger, "the consent ledger")

    # Rows

    def last(self) -> tuple[int, bytes]:
        """Give number and hash of the last row; 0 and `FIRST_HASH` without rows."""
        with self._transaction() as connection:
            found = connection.execute(
                select(_rows.c.seq, _rows.c.hash).order_by(_rows.c.seq.desc()).limit(1)
            ).first()
        return (0, FIRST_HASH) if found is None else (found.seq, found.hash)

    def append(self, rows: Sequence[Row], nodes: Mapping[Place, bytes], offset: int) -> None:
        """Add rows after the last one, with the nodes they complete, all or nothing.

        Parameters
        ----------
        rows
            They follow on each other.
        nodes
            Of the tree.
        offset
            Events of the log with an offset below this one are in the ledger then.

        Raises
        ------
        Conflict
            When another process added rows meanwhile; nothing was added.
        """
        with self._transaction() as connection:
            try:
                if rows:
                    connection.execute(insert(_rows), [row._asdict() for row in rows])
                    connection.execute(
                        insert(_nodes),
                        [
                            {"height": h, "number": n, "hash": node}
                            for (h, n), node in nodes.items()
                        ],
                    )
            except IntegrityError as error:
                raise Conflict(
                    "another process wrote the consent ledger meanwhile",
                    hint="nothing is lost: what is missing is added at the next start",
                ) from error
            self._advance(connection, offset)

    def _advance(self, connection: Connection, offset: int) -> None:
        new = self._insert(_meta).values(key="offset", value=offset)
        larger = new.excluded.value > _meta.c.value
        connection.execute(
            new.on_conflict_do_update(
                index_elements=["key"], set_={"value": new.excluded.value}, where=larger
            )
        )

    @property
    def offset(self) -> int:
        """Events of the log with an offset below this one were looked at."""
        with self._transaction() as connection:
            found = connection.execute(select(_meta.c.value).where(_meta.c.key == "offset"))
            return int(found.scalar() or 0)

    def known(self, event_refs: Collection[str]) -> set[str]:
        """Give those references of events that are in the ledger."""
        names, found = list(event_refs), set[str]()
        with self._transaction() as connection:
            for start in range(0, len(names), _CHUNK):
                some = names[start : start + _CHUNK]
                query = select(_rows.c.event_ref).where(_rows.c.event_ref.in_(some))
                found.update(connection.execute(query).scalars())
        return found

    def rows(self) -> Iterator[Row]:
        """Give every row in order, one round in memory at a time."""
        with self._transaction() as connection:
            query = connection.execution_options(yield_per=_ROWS)
            for row in query.execute(select(_rows).order_by(_rows.c.seq)):
                yield Row(*row)

    def of_subjects(self, subjects: Collection[str]) -> list[Row]:
        """Give the rows of some pseudonyms in order."""
        with self._transaction() as connection:
            found = connection.execute(
                select(_rows).where(_rows.c.subject.in_(list(subjects))).order_by(_rows.c.seq)
            )
            return [Row(*row) for row in found]

    # The tree

    def node(self, place: Place) -> bytes:
        """Give the node at one place.

        Raises
        ------
        KeyError
            When there is none.
        """
        with self._transaction() as connection:
            found = connection.execute(
                select(_nodes.c.hash).where(
                    _nodes.c.height == place[0], _nodes.c.number == place[1]
                )
            ).scalar()
        if found is None:
            raise KeyError(place)
        return bytes(found)

    def nodes_at(self, places: Collection[Place]) -> dict[Place, bytes]:
        """Give the nodes at some places; those that are not there are left out."""
        wanted = [
            and_(_nodes.c.height == height, _nodes.c.number == number) for height, number in places
        ]
        with self._transaction() as connection:
            rows = connection.execute(select(_nodes).where(or_(false(), *wanted)))
            return {(height, number): node for height, number, node in rows}

    def nodes(self) -> Iterator[tuple[Place, bytes]]:
        """Give every node with its place."""
        with self._transaction() as connection:
            query = connection.execution_options(yield_per=_ROWS)
            for height, number, node in query.execute(select(_nodes)):
                yield (height, number), node

    # Notices and checkpoints

    def keep_notice(self, digest: str, text: bytes) -> None:
        """Keep the words people were shown, under their SHA-256; once is enough."""
        with self._transaction() as connection:
            new = self._insert(_notices).values(digest=digest, text=text)
            connection.execute(new.on_conflict_do_nothing())

    def notices(self) -> dict[str, bytes]:
        """Give the words people were shown, by their SHA-256."""
        with self._transaction() as connection:
            return {row.digest: row.text for row in connection.execute(select(_notices))}

    def keep_checkpoint(self, day: int, document: bytes) -> None:
        """Keep the signed head of a day; the first one of a day stays."""
        with self._transaction() as connection:
            new = self._insert(_checkpoints).values(day=day, document=document)
            connection.execute(new.on_conflict_do_nothing())

    def checkpoints(self) -> list[bytes]:
        """Give the signed heads, the earliest first."""
        with self._transaction() as connection:
            query = select(_checkpoints.c.document).order_by(_checkpoints.c.day)
            return list(connection.execute(query).scalars())

    # Agreements

    def keep_agreement(self, kept: KeptAgreement) -> None:
        """Keep the record of an agreement; the first of an id stays."""
        with self._transaction() as connection:
            new = self._insert(_agreements).values(kept._asdict())
            connection.execute(new.on_conflict_do_nothing())

    def agreement(self, record_id: str) -> KeptAgreement | None:
        """Give the record of an agreement; None when there is none of this id."""
        with self._transaction() as connection:
            query = select(_agreements).where(_agreements.c.record_id == record_id)
            found = connection.execute(query).first()
        return None if found is None else KeptAgreement(*found)

    def agreements_of(self, subjects: Collection[str]) -> list[KeptAgreement]:
        """Give the records of some pseudonyms."""
        with self._transaction() as connection:
            query = select(_agreements).where(_agreements.c.subject.in_(list(subjects)))
            return [KeptAgreement(*row) for row in connection.execute(query)]

    def agreements(self) -> Iterator[KeptAgreement]:
        """Give the records of all agreements, one round in memory at a time."""
        with self._transaction() as connection:
            query = connection.execution_options(yield_per=_ROWS)
            for row in query.execute(select(_agreements)):
                yield KeptAgreement(*row)

    def drop_agreements(self, subjects: Collection[str]) -> int:
        """Delete the records of some pseudonyms: they name the person, the rows do not."""
        with self._transaction() as connection:
            deleted = connection.execute(
                _agreements.delete().where(_agreements.c.subject.in_(list(subjects)))
            )
            return deleted.rowcount
