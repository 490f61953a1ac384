"""Erasure of a part in a home nobody else uses: a category, a time, or a model that is left."""

from collections.abc import Collection, Sequence

from customering.app.erasing import (
    Concerns,
    StoreReport,
    remove_from_history,
    remove_from_log,
)
from customering.app.erasing_ground import (
    STATE,
    ErasableHome,
    events_of,
    part_of,
    stores_of,
)
from customering.app.erasing_match import Naming
from customering.app.erasing_part import leaving, remove_part_beside, said_again
from customering.app.erasing_scope import Part
from customering.app.folding import copy_to_history
from customering.kernel.ids import Identifier
from customering.profile.fold import merge_states
from customering.stores.erasing_journal import Erasure, Work
from customering.stores.erasing_sqlite import erase_states


def say_again(home: ErasableHome, erasure: Erasure, names: Collection[Identifier]) -> None:
    """Say again, under what stays, what the person refused under what goes."""
    folding = home.folding
    whole = folding.graph.identifiers_of(min(names))
    left = [name for name in whole if name not in names]
    if left:
        home.log.append(
            said_again(
                erasure.request_id,
                left,
                at_ms=erasure.until_ms + 1,
                recorded_at=home.clock(),
                record=folding.record_of(left[0]),
                state=merge_states(home.traits, folding.states_of(whole)),
            )
        )
        if home.are_profiles_current:
            folding.catch_up()  # so that it holds before what it repeats is gone


def leave_model(home: ErasableHome, erasure: Erasure, names: Sequence[Identifier]) -> None:
    """Take somebody out of a model: not used from now on, and gone when it is fitted anew."""
    if names:
        whole = home.folding.graph.identifiers_of(names[0])
        event = leaving(
            erasure.request_id,
            erasure.scope.model,
            whole,
            home.home.loaded.settings,
            at_ms=erasure.until_ms,
            recorded_at=home.clock(),
        )
        home.log.append([event])
    home.journal.release(erasure.request_id)
    home.keep_journal_copy()


def remove_part(
    home: ErasableHome, erasure: Erasure, names: frozenset[Identifier], concerned: Concerns
) -> list[StoreReport]:
    """Remove a category or a time; who the person is stays."""
    # Where the links that are stored are not up to the log, every event that may link is kept.
    linking: Collection[str] | None = None
    if home.are_profiles_current:
        home.folding.catch_up()
        linking = {link.evidence for link in home.state.touching(names)}
    part = part_of(home, erasure.scope, names, linking)
    stores = stores_of(home)
    done, told = remove_from_log(stores, erasure, part, concerned)
    reports = [told, remove_from_history(stores, done)]
    if part.reaches_decisions:
        home.forget_learned(names)
    reports += remove_of_part(home, part)
    _fold_part_again(home, done)
    return reports


def remove_of_part(home: ErasableHome, part: Part) -> list[StoreReport]:
    """Remove what is kept of a part beside the log and what is computed from it."""
    reports = remove_part_beside(home.home, Naming(part.names, home.rules), part)
    if part.category in ("", "messages"):
        letters = home.registers["letters"](part.names)
        reports.append(StoreReport(store="letters", rows_deleted=letters))
    if part.category in ("", "declared"):
        subjects = [home.journal.hash_of(name).hex() for name in part.names]
        blotted = home.rights.blot(subjects, ("rectify",))
        reports.append(
            StoreReport(
                store="requests",
                rows_deleted=0,
                rows_kept=blotted,
                reason="that they were made; what was said in them is gone" if blotted else "",
            )
        )
    return reports


def _fold_part_again(home: ErasableHome, work: Work) -> None:
    """Fold anew the anchors that lost events, and let go of those under which none is left."""
    if not home.are_profiles_current:
        return
    folding = home.folding
    copy_to_history(home.log, home.history, home.rules, until=folding.offset)
    anchors = sorted(set(work.leaving.values()))
    folding.set_aside(anchors)
    empty = []
    for anchor in anchors:
        events = events_of(home, anchor)
        if events:
            folding.refold(anchor, events)
        else:
            empty.append(anchor)
    folding.vacate(empty)
    folding.checkpoint()
    erase_states(home.home.folder / STATE, empty)
    folding.forgotten(empty)
