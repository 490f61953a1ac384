"""Who is signed in to the person's page: sign-ins, sessions and devices in the control database.

Nothing that lets anybody in is kept, only digests of it: of links, of sessions, of devices. Any
thread may use it.
"""

from collections.abc import Callable, Collection
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
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
_sign_ins = Table(
    "portal_sign_ins",
    _metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("person", String, nullable=False),
    Column("how", String, nullable=False),
    Column("device", LargeBinary),
    Column("code", LargeBinary),
    Column("code_attempts", Integer, nullable=False, default=0),
    Column("begun_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)
_sessions = Table(
    "portal_sessions",
    _metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("session_id", String, nullable=False, unique=True),
    Column("person", String, nullable=False),
    Column("device", LargeBinary, nullable=False),
    Column("how", String, nullable=False),
    Column("label", String, nullable=False),
    Column("begun_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("fresh_at", BigInteger, nullable=False),
)
_devices = Table(
    "portal_devices",
    _metadata,
    Column("device", LargeBinary, primary_key=True),
    Column("person", String, primary_key=True),
    Column("first_at", BigInteger, nullable=False),
)
_secrets = Table(
    "portal_secrets",
    _metadata,
    Column("name", String, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)


class SignIn(NamedTuple):
    """A sign-in that was begun.

    Parameters
    ----------
    digest
        SHA-256 of the token in its link.
    person
        Whom it lets in.
    how
        ``email``, ``care`` or ``shop``.
    device
        Digest of the browser that asked for it; None when any may use it.
    code
        Digest of the code that may be typed instead, keyed by the browser that asked.
    code_attempts
        Wrong codes so far.
    begun_at, ends_at, used_at
        Milliseconds since 1970.
    """

    digest: bytes
    person: Identifier
    how: str
    device: bytes | None
    code: bytes | None
    code_attempts: int
    begun_at: int
    ends_at: int
    used_at: int | None = None


class Session(NamedTuple):
    """Somebody who is signed in.

    Parameters
    ----------
    digest
        SHA-256 of the token in the cookie.
    session_id
        What names it in a list; lets nobody in.
    person
        Who it is.
    device
        Digest of the browser.
    how
        How they signed in.
    label
        The browser in words, such as ``Firefox, Android``.
    begun_at, seen_at, fresh_at
        When it was begun, last used (to the minute), and when the person last proved who they are.
    """

    digest: bytes
    session_id: str
    person: Identifier
    device: bytes
    how: str
    label: str
    begun_at: int
    seen_at: int
    fresh_at: int


class PortalSessions(PeopleDatabase):
    """The sessions of one home; see `PeopleDatabase`."""

    tables = (_sign_ins, _sessions, _devices)

    def secret(self, name: str, chance: Callable[[int], bytes]) -> bytes:
        """Give a secret of this home, which is made when it is first asked for."""
        with self._transaction() as connection:
            new = self._insert(_secrets).values(name=name, value=chance(32))
            connection.execute(new.on_conflict_do_nothing(index_elements=["name"]))
            found = connection.execute(select(_secrets.c.value).where(_secrets.c.name == name))
            return bytes(found.scalar_one())

    # Sign-ins

    def add_sign_in(self, sign_in: SignIn, *, forget_before: int) -> bool:
        """Keep a sign-in, and forget those that ended long ago; False when its token was seen.

        Parameters
        ----------
        forget_before
            Those that ended before this instant go. Milliseconds since 1970.
        """
        with self._transaction() as connection:
            connection.execute(delete(_sign_ins).where(_sign_ins.c.ends_at < forget_before))
            new = self._insert(_sign_ins).values(sign_in._asdict())
            added = connection.execute(new.on_conflict_do_nothing(index_elements=["digest"]))
            return added.rowcount == 1

    def sign_in(self, digest: bytes) -> SignIn | None:
        """Give a sign-in by the digest of its token."""
        with self._transaction() as connection:
            row = connection.execute(
                select(_sign_ins).where(_sign_ins.c.digest == digest)
            ).one_or_none()
        return None if row is None else SignIn(*row)

    def sign_ins_of_device(self, device: bytes, now_ms: int) -> list[SignIn]:
        """Give the sign-ins that a browser asked for and that still hold, the newest first."""
        with self._transaction() as connection:
            rows = connection.execute(
                select(_sign_ins)
                .where(
                    _sign_ins.c.device == device,
                    _sign_ins.c.used_at.is_(None),
                    _sign_ins.c.ends_at > now_ms,
                )
                .order_by(_sign_ins.c.begun_at.desc())
            ).all()
        return [SignIn(*row) for row in rows]

    def use_sign_in(self, digest: bytes, now_ms: int) -> bool:
        """Use a sign-in up; True for the one caller who did."""
        with self._transaction() as connection:
            used = connection.execute(
                update(_sign_ins)
                .where(
                    _sign_ins.c.digest == digest,
                    _sign_ins.c.used_at.is_(None),
                    _sign_ins.c.ends_at > now_ms,
                )
                .values(used_at=now_ms)
            )
            return used.rowcount == 1

    def count_wrong_code(self, device: bytes, most: int) -> None:
        """Note a wrong code of a browser; its sign-ins end when there were too many."""
        with self._transaction() as connection:
            connection.execute(
                update(_sign_ins)
                .where(_sign_ins.c.device == device)
                .values(code_attempts=_sign_ins.c.code_attempts + 1)
            )
            connection.execute(
                update(_sign_ins)
                .where(_sign_ins.c.device == device, _sign_ins.c.code_attempts >= most)
                .values(ends_at=0)
            )

    # Sessions

    def add_session(self, session: Session) -> bool:
        """Keep a session; True when the browser was not known for this person before, others were.

        The first browser of a person is new to nobody.
        """
        with self._transaction() as connection:
            connection.execute(self._insert(_sessions).values(session._asdict()))
            mine = _devices.c.person == session.person
            count = select(func.count()).select_from(_devices).where(mine)
            others = connection.execute(count).scalar_one()
            new = self._insert(_devices).values(
                device=session.device, person=session.person, first_at=session.begun_at
            )
            added = connection.execute(new.on_conflict_do_nothing())
            return added.rowcount == 1 and others > 0

    def session(self, digest: bytes) -> Session | None:
        """Give a session by the digest of its token."""
        with self._transaction() as connection:
            row = connection.execute(
                select(_sessions).where(_sessions.c.digest == digest)
            ).one_or_none()
        return None if row is None else Session(*row)

    def sessions_of(self, people: Collection[Identifier]) -> list[Session]:
        """Give the sessions under some identifiers, the one used last first."""
        with self._transaction() as connection:
            rows = connection.execute(
                select(_sessions)
                .where(_sessions.c.person.in_(people))
                .order_by(_sessions.c.seen_at.desc(), _sessions.c.begun_at.desc())
            ).all()
        return [Session(*row) for row in rows]

    def note_seen(self, digest: bytes, now_ms: int) -> None:
        """Note that a session was used."""
        with self._transaction() as connection:
            connection.execute(
                update(_sessions).where(_sessions.c.digest == digest).values(seen_at=now_ms)
            )

    def end_session(self, digest: bytes) -> None:
        """End one session."""
        with self._transaction() as connection:
            connection.execute(delete(_sessions).where(_sessions.c.digest == digest))

    def end_sessions(self, people: Collection[Identifier], *, session_id: str | None = None) -> int:
        """End the sessions under some identifiers, all or one of them; gives how many."""
        asked = delete(_sessions).where(_sessions.c.person.in_(people))
        if session_id is not None:
            asked = asked.where(_sessions.c.session_id == session_id)
        with self._transaction() as connection:
            return int(connection.execute(asked).rowcount)

    def end_older(self, *, seen_before: int, begun_before: int) -> None:
        """Forget sessions that were not used, or are older, than these instants."""
        with self._transaction() as connection:
            connection.execute(
                delete(_sessions).where(
                    (_sessions.c.seen_at < seen_before) | (_sessions.c.begun_at < begun_before)
                )
            )
