"""What is done with many people's data at once is in the trail too: one row an act.

Acts ask the engine whose data they may use, or for everybody; that is where they are noted, so that
a new command needs to do nothing for it. The row is written when the home is closed, also after an
act that failed, and by a server within a minute.
"""

import logging
from collections.abc import Callable, Collection
from pathlib import Path
from threading import Lock

from customering.app.auditing_name import command
from customering.app.erasing_gate import JOURNAL
from customering.app.rights_acts import OPERATOR
from customering.consent.rights import Look
from customering.kernel.errors import CustomeringError
from customering.kernel.ids import Identifier
from customering.stores.erasing_journal import ErasureJournal
from customering.stores.rights import RightsStore

MEMBERS_MOST = 10_000
"""Of an act on no more profiles than this it is kept whose they were, as keyed hashes."""

_logger = logging.getLogger("customering.rights")


class BulkUse:
    """Gathers what one opening of a home does with many people's data; any thread may use it.

    Parameters
    ----------
    rights, journal
        Give where the trail is and what hashes identifiers; called when there is a row to write.
    clock
        The real present. Milliseconds since 1970.
    """

    def __init__(
        self,
        rights: Callable[[], RightsStore],
        journal: Callable[[], ErasureJournal],
        clock: Callable[[], int],
    ) -> None:
        self._rights = rights
        self._journal = journal
        self._clock = clock
        self._purposes: set[str] = set()
        self._profiles: int | None = None
        self._members: frozenset[Identifier] | None = None
        self._is_any = False
        self._lock = Lock()

    def note(
        self,
        purpose: str = "",
        *,
        profiles: int | None = None,
        members: Collection[Identifier] | None = None,
    ) -> None:
        """Note that data of many people is used.

        Parameters
        ----------
        purpose
            What they must permit; empty where nothing was asked.
        profiles
            How many, where that is known: identifiers that events are filed under.
        members
            Whose, where that is known; kept when they are few.
        """
        found = len(members) if members is not None else profiles
        is_few = members is not None and len(members) <= MEMBERS_MOST
        fresh = frozenset(members or ()) if is_few else None
        with self._lock:
            if purpose:
                self._purposes.add(purpose)
            if found is not None:
                self._profiles = max(found, self._profiles or 0)
            if not self._is_any:
                self._members = fresh
            elif fresh is None or self._members is None:
                self._members = None  # of one act it is not known, so it is not of all together
            else:
                self._members |= fresh
            self._is_any = True

    def write(self) -> None:
        """Write the row, if there is anything to tell.

        A trail that cannot be written is told and no error here: it must not keep a home from being
        closed.
        """
        with self._lock:
            if not self._is_any:
                return
            purposes, profiles, members = sorted(self._purposes), self._profiles, self._members
            self._is_any, self._purposes, self._profiles, self._members = False, set(), None, None
        try:
            hash_of = self._journal().hash_of
            subjects = None if members is None else sorted(hash_of(one).hex() for one in members)
            look = look_of_many(
                command.get(), at_ms=self._clock(), purposes=purposes, profiles=profiles
            )
            self._rights().note_many(look, subjects)
        except (CustomeringError, OSError) as error:
            _logger.warning("an act on many people is not in the trail: %s", error)


def look_of_many(name: str, *, at_ms: int, purposes: Collection[str], profiles: int | None) -> Look:
    """Give the row of an act on many people."""
    return Look(
        at_ms=at_ms,
        actor=OPERATOR if name != "serve" else "server",
        act="many",
        words=f"customering {name}",
        purposes=tuple(purposes),
        profiles=profiles,
    )


def note_whole_home(folder: Path, name: str, at_ms: int) -> None:
    """Note an act on a whole home that opens no part of it by itself, such as a backup."""
    rights = RightsStore(folder / JOURNAL)
    try:
        rights.note_many(look_of_many(name, at_ms=at_ms, purposes=(), profiles=None), None)
    finally:
        rights.close()
