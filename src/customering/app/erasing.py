"""One person taken out of everything a home keeps, so that their bytes are gone.

The log is searched whole, because only it is the truth: events of the person give way to an empty
slot, so that every other event keeps its offset, and mentions in events of others are blotted out.
Then the history loses the same rows, and every other file what names the person. Each step may be
done again: after a crash all of it is, and finds only what is left to do.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from customering.app.erasing_gate import JOURNAL
from customering.app.erasing_match import Naming
from customering.events.model import Event
from customering.events.store import Block, Quarantined
from customering.identity.anchors import anchor_of
from customering.identity.rules import IdentityRules
from customering.kernel.ids import Identifier
from customering.kernel.records import Record, from_json
from customering.stores.blocks import lines_of
from customering.stores.erasing_history import erase_rows
from customering.stores.erasing_journal import Erasure, ErasureJournal, Work
from customering.stores.erasing_sqlite import erase_rows_naming, scrub
from customering.stores.history import History
from customering.stores.sqlite_log import SqliteLog
from customering.stores.tombstones import Tombstones

SLOT_NAME = "Erased"
"""Name of what stands in the log where an erased event stood; it belongs to nobody."""

_CONTROL, _LOG = "control.sqlite", "log.sqlite"
_OURS = ("outbox", "models", "exports", "uploads")
"""Folders of a home whose files the system wrote and can do without."""

_OWN_TREES = ("history",)
_CHUNK_BYTES = 1 << 20

Concerns = Callable[[Event, int], bool]
"""Says of an event and its offset whether the erasure is about it, if the person is named."""


class StoreReport(Record, frozen=True):
    """What an erasure did to one store.

    Parameters
    ----------
    store
        Which.
    rows_deleted
        Rows that are gone.
    rows_kept
        Rows that name the person and are kept, or rows of others that lost a mention.
    reason
        Why rows are kept; empty when none are.
    """

    store: str
    rows_deleted: int
    rows_kept: int = 0
    reason: str = ""


class Stores(NamedTuple):
    """Where a home keeps what people did.

    Parameters
    ----------
    folder
        The home.
    log, history
        The log, opened for writing, and its copy.
    rules
        The rules of identity.
    journal
        What was erased.
    """

    folder: Path
    log: SqliteLog
    history: History
    rules: IdentityRules
    journal: ErasureJournal


class Plan(NamedTuple):
    """What is to change in the log.

    Parameters
    ----------
    blocks
        First offset of a block to the lines that are to stand in it, by offset.
    leaving
        Offset to the anchor of every event that is in the history and must not stay as it is.
    mended
        Offset to the line of events of others that lose a mention.
    event_ids
        Of the events that go.
    """

    blocks: dict[int, dict[int, bytes]]
    leaving: dict[int, Identifier]
    mended: dict[int, bytes]
    event_ids: list[str]


def concerns(erasure: Erasure) -> Concerns:
    """Give the rule for the home that an erasure was asked of."""
    return lambda event, offset: offset < erasure.end_offset


def concerns_again(erasure: Erasure, tombstones: Tombstones) -> Concerns:
    """Give the rule for a home that was restored, whose offsets may be others."""
    return lambda event, offset: (
        event.occurred_at <= erasure.until_ms or tombstones.is_erased([event.event_id])[0]
    )


def slot_line(block: Block, offset: int) -> bytes:
    """Give what stands where an erased event stood: an event of nobody that tells nothing."""
    return lines_of(
        [
            Event(
                event_id=f"erased:{offset}",
                kind="track",
                name=SLOT_NAME,
                identifiers=(),
                occurred_at=block.recorded_from,
                recorded_at=block.recorded_from,
                source="customering",
            )
        ]
    )[0]


def look(
    log: SqliteLog,
    naming: Naming,
    rules: IdentityRules,
    concerned: Concerns,
    go_on: Callable[[], None] = lambda: None,
) -> Plan:
    """Find everything in the log that an erasure must change; reads the whole log."""
    plan = Plan({}, {}, {}, [])
    for block in log.read():
        go_on()
        if not naming.may_be_in(block.payload):
            continue
        events: list[Event] | None = None
        for place, line in enumerate(block.lines()):
            if not naming.may_be_in(line):
                continue
            events = events or block.events()
            event, offset = events[place], block.first + place
            if not concerned(event, offset):
                continue
            _judge(plan, naming, rules, block, offset, event)
    return plan


def _judge(
    plan: Plan, naming: Naming, rules: IdentityRules, block: Block, offset: int, event: Event
) -> None:
    """Note what is to become of one event."""
    kept = naming.judged(event)
    if kept is event:
        return
    if kept is None:
        line = slot_line(block, offset)
        plan.event_ids.append(event.event_id)
    else:
        line = plan.mended[offset] = lines_of([kept])[0]
    plan.blocks.setdefault(block.first, {})[offset] = line
    anchor = anchor_of(event.identifiers, rules)
    if anchor is not None:
        plan.leaving[offset] = anchor


def names_erased(log: SqliteLog, tombstones: Tombstones, erasure: Erasure) -> set[Identifier]:
    """Find, in a log that was restored, the identifiers that an erasure was about."""
    subjects = {bytes.fromhex(subject) for subject in erasure.subjects}
    seen: set[Identifier] = set()
    for block in log.read():
        seen.update(name for event in block.events() for name in event.identifiers)
    return {name for name in seen if tombstones.hash_of(name) in subjects}


def remove_from_log(
    stores: Stores,
    erasure: Erasure,
    naming: Naming,
    concerned: Concerns,
    go_on: Callable[[], None] = lambda: None,
) -> tuple[Work, StoreReport]:
    """Search the log and put empty slots and mended events where the person is named.

    Parameters
    ----------
    go_on
        Called now and then; ends the search by raising.

    Returns
    -------
    tuple
        All that changed in the log, by this try and earlier ones, and what is to be told of it.
    """
    plan = look(stores.log, naming, stores.rules, concerned, go_on)
    found = Work(names=tuple(sorted(naming.names)), leaving=plan.leaving, mended=tuple(plan.mended))
    # Before the log changes: after a crash it could not say any more what changed.
    work = stores.journal.note_work(erasure.request_id, found, plan.event_ids)
    for first, lines in plan.blocks.items():
        go_on()
        stores.log.replace(first, lines)
    return work, _others("log", len(work.leaving) - len(work.mended), len(work.mended))


def remove_from_history(stores: Stores, work: Work) -> StoreReport:
    """Take the same events out of the history, and mend the same."""
    rules = stores.rules
    rewritten = erase_rows(
        stores.history,
        work.leaving,
        dict(_lines_at(stores.log, work.mended)),
        lambda identifiers: anchor_of(identifiers, rules),
    )
    return _others("history", rewritten.rows, rewritten.mended)


def _others(store: str, deleted: int, mended: int) -> StoreReport:
    reason = "events of other people, without the mention" if mended else ""
    return StoreReport(store=store, rows_deleted=deleted, rows_kept=mended, reason=reason)


def _lines_at(log: SqliteLog, offsets: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """Read the lines at some offsets, in ascending order, each block once."""
    waiting = deque(offsets)
    while waiting:
        block = next(iter(log.read(after=waiting[0] - 1)))
        lines = block.lines()
        while waiting and waiting[0] < block.first + block.count:
            yield waiting[0], lines[waiting[0] - block.first]
            waiting.popleft()


def remove_from_quarantine(folder: Path, naming: Naming) -> StoreReport:
    """Delete what was refused and names the person."""

    def is_theirs(cell: object) -> bool:
        if not isinstance(cell, bytes) or not naming.may_be_in(cell):
            return False
        return naming.is_named_in(from_json(cell, Quarantined).raw)

    kept = ("blocks",)
    deleted = erase_rows_naming(folder / _LOG, is_theirs, kept=kept)
    return StoreReport(store="quarantine", rows_deleted=deleted.get("quarantine", 0))


def remove_from_control(folder: Path, naming: Naming) -> list[StoreReport]:
    """Delete sessions, remembered answers and whatever else in small tables names the person."""
    path = folder / _CONTROL
    if not path.exists():
        return []
    deleted = erase_rows_naming(path, naming.is_named_in, kept=("meta", "keys"))
    scrub(path)
    return [
        StoreReport(store=f"control.{table}", rows_deleted=rows)
        for table, rows in sorted(deleted.items())
    ]


def remove_files(folder: Path, naming: Naming) -> list[StoreReport]:
    """Delete files the system wrote that name the person; say which files of others do."""
    needles = {one.encode() for one in naming.telling}
    deleted, left = 0, []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if inside.parts[0] in _OWN_TREES or ".sqlite" in path.name or not path.is_file():
            continue
        if not _holds(path, needles):
            continue
        if inside.parts[0] in _OURS:
            path.unlink()
            deleted += 1
        else:
            left.append(inside.as_posix())
    reports = [StoreReport(store="files", rows_deleted=deleted)]
    reports += [
        StoreReport(store=f"file:{name}", rows_deleted=0, rows_kept=1, reason="written by you")
        for name in left
    ]
    return reports


def _holds(path: Path, needles: Iterable[bytes]) -> bool:
    """Tell whether a file holds one of some bytes, in bounded memory."""
    longest = max(map(len, needles))
    tail = b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            data = tail + chunk
            if any(needle in data for needle in needles):
                return True
            tail = data[-longest:]
    return False


def scrub_all(folder: Path) -> list[str]:
    """Overwrite what the SQLite files let go of; give the names of those still being read."""
    found = sorted(path for path in folder.glob("*.sqlite") if path.name != JOURNAL)
    return [path.name for path in found if not scrub(path)]
