"""What a person lets programs of theirs do: grants with limits, an end, and a name in the list.

A person's own software, such as an assistant, comes to the same doors as the person, with a grant
instead of a session. It may do what its scopes say and nothing else: it can never erase, export,
sign anybody in, or make further grants.
"""

import secrets
from collections.abc import Callable, Collection, Sequence
from hashlib import sha256
from typing import Any, Literal, NamedTuple, get_args

from customering.app.key_text import checksum
from customering.kernel.clock import MS_PER_DAY, format_instant
from customering.kernel.errors import Invalid
from customering.kernel.ids import Identifier, stable_id
from customering.stores.portal_grants import GrantRow, PortalGrants

GrantScope = Literal["read", "permit", "want", "answer"]
"""See everything; change what is allowed and how we stand; state wishes; answer what was shown."""

GRANT_SCOPES: tuple[GrantScope, ...] = get_args(GrantScope)
DAYS_MOST = 365
_GRANTS_MOST = 20
_LABEL_MOST = 60
_PREFIX = "cg_"
_TOKEN_BYTES = 32
_SEEN_EVERY_MS = 60_000


class Grant(NamedTuple):
    """One program that may act for a person.

    Parameters
    ----------
    grant_id
        What names it in a list; lets nobody in.
    person
        For whom it acts.
    label
        What the person calls it.
    scopes
        What it may do.
    begun_at, ends_at, seen_at
        Since when, until when, and when it last came (0 for never). Milliseconds since 1970.
    """

    grant_id: str
    person: Identifier
    label: str
    scopes: frozenset[GrantScope]
    begun_at: int
    ends_at: int
    seen_at: int


class Grants:
    """The grants of one home; any thread may use it.

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
        self._store = PortalGrants(url)
        self._clock = clock
        self._chance = chance

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    def create(
        self, names: Sequence[Identifier], label: str, scopes: Collection[str], *, days: int
    ) -> tuple[Grant, str]:
        """Let a program act for a person; gives the grant, and what the program has to show.

        That is shown once: only its digest is kept.

        Parameters
        ----------
        names
            What names the person, the most trusted first.
        label
            What they call the program, at most 60 characters.
        scopes
            What it may do; reading is part of all of them.
        days
            After so many days it ends, 1 to 365.

        Raises
        ------
        Invalid
            When there is no such scope, no name, too many days, or the person has 20 already.
        """
        label = " ".join(label.split())
        if not label or len(label) > _LABEL_MOST or not label.isprintable():
            raise Invalid("the program has no name that can be shown", hint="such as: my assistant")
        unknown = sorted(set(scopes) - set(GRANT_SCOPES))
        if unknown or not scopes:
            raise Invalid("what it may do is missing", hint=f"some of {', '.join(GRANT_SCOPES)}")
        if not 1 <= days <= DAYS_MOST:
            raise Invalid("that is too long, or no time at all", hint=f"1 to {DAYS_MOST} days")
        now_ms = self._clock()
        if self._store.count(names, now_ms) >= _GRANTS_MOST:
            raise Invalid(f"there are {_GRANTS_MOST} already", hint="end one that is not used")
        digits = self._chance(_TOKEN_BYTES).hex()
        text = _PREFIX + digits + checksum(_PREFIX + digits)
        row = GrantRow(
            digest=_digest(text),
            grant_id=stable_id("grant", text),
            person=names[0],
            label=label,
            scopes=" ".join(scope for scope in GRANT_SCOPES if scope in {*scopes, "read"}),
            begun_at=now_ms,
            ends_at=now_ms + days * MS_PER_DAY,
        )
        self._store.add(row)
        return _grant(row), text

    def find(self, text: str) -> Grant | None:
        """Give the grant that a program shows; None when it does not hold."""
        if not text.startswith(_PREFIX) or checksum(text[:-6]) != text[-6:]:
            return None
        now_ms, digest = self._clock(), _digest(text)
        row = self._store.find(digest, now_ms)
        if row is None:
            return None
        if now_ms - row.seen_at >= _SEEN_EVERY_MS:
            self._store.note_seen(digest, now_ms)
        return _grant(row)

    def of(self, names: Collection[Identifier]) -> list[Grant]:
        """Give what programs may act for a person now, the newest first."""
        return [_grant(row) for row in self._store.of(names, self._clock())]

    def end(self, names: Collection[Identifier], grant_id: str) -> bool:
        """End a grant of a person; False when they have none of this id."""
        return self._store.end(names, grant_id) > 0

    def forget(self, names: Collection[Identifier]) -> int:
        """Remove every trace of a person here, and give how many rows that were."""
        return self._store.forget(names)


def told_of(grant: Grant) -> dict[str, Any]:
    """Give what a person is told of a grant when they take their data along."""
    return {
        "label": grant.label,
        "person": grant.person,
        "scopes": sorted(grant.scopes),
        "begun_at": format_instant(grant.begun_at),
        "ends_at": format_instant(grant.ends_at),
        "seen_at": format_instant(grant.seen_at) if grant.seen_at else None,
    }


def _grant(row: GrantRow) -> Grant:
    held = set(row.scopes.split())
    return Grant(
        grant_id=row.grant_id,
        person=row.person,
        label=row.label,
        scopes=frozenset(scope for scope in GRANT_SCOPES if scope in held),
        begun_at=row.begun_at,
        ends_at=row.ends_at,
        seen_at=row.seen_at,
    )


def _digest(text: str) -> bytes:
    """Give what is kept of a grant: with 256 random bits a plain hash cannot be turned back."""
    return sha256(text.encode()).digest()
