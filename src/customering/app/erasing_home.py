"""Erasure in a home nobody else uses: by the command line, and at the start after a crash."""

from collections.abc import Collection, Sequence

from customering.app.erasing import (
    Concerns,
    StoreReport,
    concerns,
    concerns_again,
    names_erased,
    remove_from_history,
    remove_from_log,
)
from customering.app.erasing_beside import (
    not_overwritten,
    remove_files,
    remove_from_control,
    remove_from_quarantine,
    scrub_all,
)
from customering.app.erasing_certificate import Certificate, certify
from customering.app.erasing_ground import STATE, ErasableHome, events_of, let_in, stores_of
from customering.app.erasing_match import Naming
from customering.app.erasing_part import names_meant
from customering.app.erasing_part_home import leave_model, remove_part, say_again
from customering.app.folding import copy_to_history
from customering.consent.rights import Again
from customering.consent.rights_scope import EVERYTHING, Scope, check_part
from customering.kernel.errors import Conflict, NoSuchPerson
from customering.kernel.ids import Identifier, stable_id
from customering.stores.erasing_journal import Erasure, Work
from customering.stores.erasing_sqlite import erase_people

_SCRUBS_MORE = 4


def request_id_of(home: ErasableHome, who: Identifier, scope: Scope) -> str:
    """Name a request; the same asked of the same person in the same second is the same request."""
    hashed = home.journal.hash_of(who).hex()
    return stable_id("req", hashed, *scope.told().values(), str(home.clock() // 1_000))


def begin(
    home: ErasableHome,
    who: Identifier,
    again: Again = "new",
    request_id: str = "",
    scope: Scope = EVERYTHING,
) -> Erasure:
    """Note durably that a person, or a part of them, is to be erased, and keep it out from now on.

    Raises
    ------
    NoSuchPerson
        When nothing is known under this identifier.
    Invalid, Refused
        When that part cannot be erased.
    Conflict
        When another process, such as a server, writes this home.
    """
    _ = home.log
    check_part(scope, again)
    names = home.folding.graph.identifiers_of(who)
    if len(names) == 1 and not home.folding.states_of(names):
        raise NoSuchPerson(
            "nothing is known under this identifier", hint="check the type and the spelling"
        )
    erasure = Erasure(
        request_id=request_id or request_id_of(home, who, scope),
        requested_at=home.clock(),
        until_ms=home.present,
        end_offset=home.log.end,
        again=again,
        scope=scope,
    )
    erasure = home.journal.begin(erasure, names_meant(scope, names))
    home.keep_journal_copy()
    let_in(home)
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
        _ = home.log
    except Conflict as error:
        raise Conflict(
            "somebody is being erased by the server that runs on this home",
            hint="run the command again in a minute",
        ) from error
    let_in(home)
    done = [complete(home, erasure, work) for erasure, work in pending]
    return [certificate for certificate in done if certificate is not None]


def complete(home: ErasableHome, erasure: Erasure, work: Work) -> Certificate | None:
    """Remove what is to be erased, and sign what was done; None when it waits for models."""
    names, concerned = _whom(home, erasure, work)
    effective_at = home.clock()
    if erasure.scope.model:
        leave_model(home, erasure, sorted(names))
        return None
    reports: list[StoreReport] = []
    if names:
        remove = _remove_people if erasure.is_of_people else remove_part
        reports = remove(home, erasure, names, concerned)
    busy = scrub_all(home.home.folder)
    for _ in range(_SCRUBS_MORE):  # somebody may just be reading
        busy = busy and scrub_all(home.home.folder, busy)
    reports += not_overwritten(home.home.folder)
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
    let_in(home)
    return certificate


def _remove_people(
    home: ErasableHome, erasure: Erasure, names: frozenset[Identifier], concerned: Concerns
) -> list[StoreReport]:
    """Remove identifiers with everything under them: of a whole person, or some of theirs."""
    naming = Naming(names, home.rules)
    if erasure.scope.is_of_names:
        say_again(home, erasure, names)
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
    return reports


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
    again = {anchor: events_of(home, anchor) for anchor in sorted(names)}
    begun = [anchor for anchor, events in again.items() if events]
    folding.take_again(event for anchor in begun for event in again[anchor])
    anchors: Sequence[Identifier] = [*begun, *touched_by(home, work)]
    folding.set_aside(anchors)
    for anchor in anchors:
        folding.refold(anchor, again.get(anchor) or events_of(home, anchor))
    folding.checkpoint()
