"""Erasure in a home nobody else uses: by the command line, and at the start after a crash."""

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from customering.app.erasing import (
    Concerns,
    StoreReport,
    Stores,
    concerns,
    concerns_again,
    names_erased,
    remove_files,
    remove_from_control,
    remove_from_history,
    remove_from_log,
    remove_from_quarantine,
    scrub_all,
)
from customering.app.erasing_certificate import Certificate, Signer, certify
from customering.app.erasing_gate import admission_of
from customering.app.erasing_match import Naming
from customering.app.erasing_registers import Forget
from customering.app.folding import Folding, copy_to_history
from customering.app.home import Home
from customering.consent.rights import Again
from customering.events.model import Event
from customering.identity.rules import IdentityRules
from customering.kernel.errors import Conflict, NoSuchPerson
from customering.kernel.ids import Identifier, stable_id
from customering.stores.erasing_journal import Erasure, ErasureJournal, Work
from customering.stores.erasing_sqlite import erase_people
from customering.stores.history import History
from customering.stores.sqlite_log import SqliteLog

STATE = "state.sqlite"
"""The file in a home that keeps profiles."""


class ErasableHome(Protocol):
    """What an erasure needs of an open home; `customering.app.engine.Engine` is one."""

    @property
    def home(self) -> Home:
        """Where its files are."""
        ...

    @property
    def log(self) -> SqliteLog:
        """The log, opened for writing."""
        ...

    @property
    def history(self) -> History:
        """The copy of the log."""
        ...

    @property
    def rules(self) -> IdentityRules:
        """The rules of identity."""
        ...

    @property
    def journal(self) -> ErasureJournal:
        """What was erased."""
        ...

    @property
    def folding(self) -> Folding:
        """The profiles."""
        ...

    @property
    def clock(self) -> Callable[[], int]:
        """The real present. Milliseconds since 1970."""
        ...

    @property
    def present(self) -> int:
        """The instant everything is judged at. Milliseconds since 1970."""
        ...

    @property
    def are_profiles_current(self) -> bool:
        """Whether the stored profiles were folded by the definitions in force."""
        ...

    @property
    def registers(self) -> dict[str, Forget]:
        """What else keeps something of people, by its name in the certificate."""
        ...

    @property
    def signer(self) -> Signer | None:
        """What signs certificates; None in a home without a key."""
        ...

    def keep_journal_copy(self) -> None:
        """Copy the journal to where the settings say, if they do."""
        ...

    def let_go_of_profiles(self) -> None:
        """Let go of the profiles in memory; they are read anew when next used."""
        ...

    def forget_learned(self, names: Collection[Identifier]) -> None:
        """Let go of decisions whose outcomes are waited for, in memory and on disk."""
        ...


def stores_of(home: ErasableHome) -> Stores:
    """Give where a home keeps what people did."""
    return Stores(home.home.folder, home.log, home.history, home.rules, home.journal)


def request_id_of(home: ErasableHome, who: Identifier) -> str:
    """Name a request; the same second asked about the same person is the same request."""
    hashed = home.journal.hash_of(who).hex()
    return stable_id("req", hashed, str(home.clock() // 1_000))


def begin(
    home: ErasableHome, who: Identifier, again: Again = "new", request_id: str = ""
) -> Erasure:
    """Note durably that a person is to be erased, and keep them out from now on.

    Raises
    ------
    NoSuchPerson
        When nothing is known under this identifier.
    Conflict
        When another process, such as a server, writes this home.
    """
    log = home.log
    names = home.folding.graph.identifiers_of(who)
    if len(names) == 1 and not home.folding.states_of(names):
        raise NoSuchPerson(
            "nothing is known under this identifier", hint="check the type and the spelling"
        )
    erasure = Erasure(
        request_id=request_id or request_id_of(home, who),
        requested_at=home.clock(),
        until_ms=home.present,
        end_offset=log.end,
        again=again,
    )
    erasure = home.journal.begin(erasure, names)
    home.keep_journal_copy()
    log.admission = admission_of(home.journal.tombstones(), home.rules)
    return erasure


def finish_pending(home: ErasableHome) -> list[Certificate]:
    """Complete every erasure that was begun, in whatever process, and give what was done.

    Raises
    ------
    Conflict
        When a server is at it.
    """
    pending = home.journal.pending()
    if not pending:
        return []
    try:
        log = home.log
    except Conflict as error:
        raise Conflict(
            "somebody is being erased by the server that runs on this home",
            hint="run the command again in a minute",
        ) from error
    log.admission = admission_of(home.journal.tombstones(), home.rules)
    return [complete(home, erasure, work) for erasure, work in pending]


def complete(home: ErasableHome, erasure: Erasure, work: Work) -> Certificate:
    """Remove everything of a person, and sign what was done."""
    names, concerned = _whom(home, erasure, work)
    reports: list[StoreReport] = []
    effective_at = home.clock()
    if names:
        naming = Naming(names, home.rules)
        home.let_go_of_profiles()
        states, links = erase_people(home.home.folder / STATE, names)
        stores = stores_of(home)
        done, told = remove_from_log(stores, erasure, naming, concerned)
        reports = [told, remove_from_history(stores, done)]
        reports += [
            StoreReport(store="states", rows_deleted=states),
            StoreReport(store="links", rows_deleted=links),
        ]
        home.forget_learned(names)
        reports += remove_beside(home, naming)
        _fold_again(home, names, done)
    busy = scrub_all(home.home.folder)
    certificate = certify(
        erasure,
        reports,
        effective_at=effective_at,
        completed_at=home.clock(),
        still_read=busy,
        signer=home.signer,
    )
    home.journal.finish(erasure.request_id, certificate.text)
    home.keep_journal_copy()
    # From now on the ids of the erased events are known too.
    home.log.admission = admission_of(home.journal.tombstones(), home.rules)
    return certificate


def _whom(
    home: ErasableHome, erasure: Erasure, work: Work
) -> tuple[frozenset[Identifier], Concerns]:
    """Give whom an erasure is about, and which of their events."""
    if not work.is_replay:
        return frozenset(work.names), concerns(erasure)
    tombstones = home.journal.tombstones()
    found = work.names or names_erased(home.log, tombstones, erasure)
    return frozenset(found), concerns_again(erasure, tombstones)


def remove_beside(home: ErasableHome, naming: Naming) -> list[StoreReport]:
    """Remove what is kept of a person beside the log and what is computed from it."""
    folder = home.home.folder
    reports = [remove_from_quarantine(folder, naming)]
    reports += [
        StoreReport(store=name, rows_deleted=forget(naming.names))
        for name, forget in home.registers.items()
    ]
    return [*reports, *remove_from_control(folder, naming), *remove_files(folder, naming)]


def touched_by(home: ErasableHome, work: Work) -> list[Identifier]:
    """Give the people, not erased, events of whom were mended."""
    anchors = {work.leaving[offset] for offset in work.mended if offset in work.leaving}
    return sorted(anchors.difference(work.names))


def _fold_again(home: ErasableHome, names: Collection[Identifier], work: Work) -> None:
    """Fold anew whoever has other events than before; a rebuild that is due anyhow does it too."""
    if not home.are_profiles_current:
        return
    folding = home.folding
    copy_to_history(home.log, home.history, home.rules, until=folding.offset)
    again = {anchor: _events(home, anchor) for anchor in sorted(names)}
    begun = [anchor for anchor, events in again.items() if events]
    folding.take_again(event for anchor in begun for event in again[anchor])
    anchors: Sequence[Identifier] = [*begun, *touched_by(home, work)]
    folding.set_aside(anchors)
    for anchor in anchors:
        folding.refold(anchor, again.get(anchor) or _events(home, anchor))
    folding.checkpoint()


def _events(home: ErasableHome, anchor: Identifier) -> list[Event]:
    return home.history.events_of([anchor], before_offset=home.folding.offset)
