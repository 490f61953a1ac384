"""One person taken out of everything a home keeps, so that their bytes are gone.

The log is searched whole, because only it is the truth: events of the person give way to an empty
slot, so that every other event keeps its offset, and mentions in events of others are blotted out.
Then the history loses the same rows, and every other file what names the person. Each step may be
done again: after a crash all of it is, and finds only what is left to do.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from customering.app.erasing_scope import SLOT_NAME, Part
from customering.events.model import Event
from customering.events.store import Block
from customering.identity.anchors import anchor_of
from customering.identity.rules import IdentityRules
from customering.kernel.ids import Identifier
from customering.kernel.records import Record
from customering.stores.blocks import lines_of
from customering.stores.erasing_history import erase_rows
from customering.stores.erasing_journal import Erasure, ErasureJournal, Work
from customering.stores.history import History
from customering.stores.sqlite_log import SqliteLog
from customering.stores.tombstones import Tombstones


class Judge(Protocol):
    """Says what of an event stays: of a whole person (`Naming`), or of a part of them (`Part`)."""

    names: frozenset[Identifier]

    def lines_in(self, data: bytes) -> set[int]:
        """Give quickly which lines of JSON may hold something to be judged."""
        ...

    def judged(self, event: Event) -> Event | None:
        """Give what of an event stays: the same event, a mended one, or None for nothing."""
        ...


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
    naming: Judge,
    rules: IdentityRules,
    concerned: Concerns,
    go_on: Callable[[], None] = lambda: None,
) -> Plan:
    """Find everything in the log that an erasure must change; reads the whole log."""
    plan = Plan({}, {}, {}, [])
    for block in log.read():
        go_on()
        places = naming.lines_in(block.payload)
        lines = block.lines() if places else []
        for place in sorted(places):
            event, offset = _decode(lines[place]), block.first + place
            if concerned(event, offset):
                _judge(plan, naming, rules, block, offset, event)
    return plan


_decode = msgspec.json.Decoder(Event).decode


def _judge(
    plan: Plan, naming: Judge, rules: IdentityRules, block: Block, offset: int, event: Event
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
    naming: Judge,
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
    kept = _KEPT_OF_PART if isinstance(naming, Part) else _KEPT_OF_OTHERS
    return work, _told("log", len(work.leaving) - len(work.mended), len(work.mended), kept)


def remove_from_history(stores: Stores, work: Work) -> StoreReport:
    """Take the same events out of the history, and mend the same."""
    rules = stores.rules
    rewritten = erase_rows(
        stores.history,
        work.leaving,
        dict(_lines_at(stores.log, work.mended)),
        lambda identifiers: anchor_of(identifiers, rules),
    )
    is_part = not set(work.names).isdisjoint(work.leaving[one] for one in work.mended)
    kept = _KEPT_OF_PART if is_part else _KEPT_OF_OTHERS
    return _told("history", rewritten.rows, rewritten.mended, kept)


_KEPT_OF_OTHERS = "events of other people, without the mention"
_KEPT_OF_PART = "emptied of what was erased: they show who is one person, that we got in touch, or"
_KEPT_OF_PART += " something else that was not to be erased"


def _told(store: str, deleted: int, mended: int, kept: str) -> StoreReport:
    reason = kept if mended else ""
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
