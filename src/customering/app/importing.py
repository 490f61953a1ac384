"""The import: files become events in the log, once, however often and wherever it is cut off."""

import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Self

import msgspec

from customering.events.assemble import Mapped
from customering.events.intake import Intake, intake, quarantined
from customering.events.mapping import Mapping
from customering.events.model import Event
from customering.events.plan import TrackingPlan
from customering.events.settings import EventsSettings
from customering.events.store import Appended, EventLog, Quarantine, Quarantined
from customering.kernel.records import Record

Sources = Iterable[tuple[Path, Mapping]]


class Step(NamedTuple):
    """Some rows of an import, read and checked.

    Parameters
    ----------
    rows
        Rows read.
    events
        Events they make.
    duplicates
        Events left out because the log has them.
    taken
        What is to be appended, and what is to be set aside.
    """

    rows: int
    events: int
    duplicates: int
    taken: Intake


class ImportReport(Record, frozen=True, kw_only=True):
    """What an import has done so far.

    Parameters
    ----------
    rows
        Rows read; those that ``where`` leaves out are not among them.
    events
        Events the rows make: the sum of the next four.
    appended
        Events appended to the log.
    duplicates
        Events left out because the log has them, however old, or a row before made them.
    quarantined
        Events set aside with a reason, whether or not an earlier import set them aside already.
    not_kept
        Events that people do not let us record.
    seconds
        Time since the start.
    """

    rows: int = 0
    events: int = 0
    appended: int = 0
    duplicates: int = 0
    quarantined: int = 0
    not_kept: int = 0
    seconds: float = 0.0

    def after(
        self, step: Step, appended: int, repeated: int, seconds: float, not_kept: int = 0
    ) -> Self:
        """Give the report once a step was appended.

        Parameters
        ----------
        appended, repeated
            Events of the step that were new to the log, and that were there after all.
        seconds
            Time since the start.
        not_kept
            Events of the step that people do not let us record.
        """
        return msgspec.structs.replace(
            self,
            rows=self.rows + step.rows,
            events=self.events + step.events,
            appended=self.appended + appended,
            duplicates=self.duplicates + step.duplicates + repeated,
            quarantined=self.quarantined + len(step.taken.quarantined),
            not_kept=self.not_kept + not_kept,
            seconds=seconds,
        )


class Preview(Record, frozen=True, kw_only=True):
    """What the first events of an import would be.

    Parameters
    ----------
    events
        The events, as they would be appended.
    quarantined
        What would be set aside among them.
    """

    events: list[Event]
    quarantined: list[Quarantined]


def import_files(
    sources: Sources,
    *,
    log: EventLog,
    quarantine: Quarantine,
    plan: TrackingPlan,
    settings: EventsSettings,
    now_ms: Callable[[], int],
    sift: Callable[[Intake], Intake] = lambda taken: taken,
    on_block: Callable[[Appended, ImportReport], None] | None = None,
) -> ImportReport:
    """Append the events of files to the log, in blocks, and set aside what cannot be used.

    Parameters
    ----------
    sources
        Files, each with its mapping.
    now_ms
        Gives the present, milliseconds since 1970: the `recorded_at` of the events.
    sift
        Leaves out what people do not let us record.
    on_block
        Called after each block is durable, with what was appended (perhaps nothing) and the report
        so far: the place to fold and to show progress.

    Raises
    ------
    Absent, InvalidFile, InvalidDefinition
        When a file or its mapping cannot be used; what was appended before stays.
    Unavailable
        When the log cannot be written now.

    Notes
    -----
    The id of an event is a function of the mapping's name and the row's identity, and ids in the
    log are left out. So an import that was cut off at any moment, or repeated, ends in the same
    log: it reads the files again from the start and appends what is missing.
    """
    started = time.monotonic()
    report = ImportReport()
    steps = import_steps(sources, log=log, plan=plan, settings=settings, now_ms=now_ms)
    with closing(steps):
        for step in steps:
            quarantine.add(step.taken.quarantined)
            kept = sift(step.taken).accepted
            appended = log.append(kept)
            seconds = time.monotonic() - started
            not_kept = len(step.taken.accepted) - len(kept)
            report = report.after(step, appended.appended, appended.duplicates, seconds, not_kept)
            if on_block is not None:
                on_block(appended, report)
    return report


def import_steps(
    sources: Sources,
    *,
    log: EventLog,
    plan: TrackingPlan,
    settings: EventsSettings,
    now_ms: Callable[[], int],
) -> Generator[Step, None, None]:
    """Read files and give what is to be appended, a block at a time; nothing is written here.

    Whoever appends it must do so before the next step is taken: what is in the log then is left
    out of the steps to come. Close it when it is not read to its end.

    Raises
    ------
    Absent, InvalidFile, InvalidDefinition
        As of `import_files`.
    """
    for path, mapping in sources:
        with closing(_reading(path, mapping)) as reading:
            while block := list(islice(reading, settings.block_events_max)):
                fresh = _not_in(log, block)
                yield Step(
                    rows=sum(mapped.rows for mapped in block),
                    events=len(block),
                    duplicates=len(block) - len(fresh),
                    taken=_take(fresh, path, mapping, plan, settings, now_ms()),
                )


def preview_files(
    sources: Sources,
    *,
    plan: TrackingPlan,
    settings: EventsSettings,
    now_ms: int,
    events_max: int = 10,
) -> Preview:
    """Give the first events of an import without a log to write to.

    Raises
    ------
    Absent, InvalidFile, InvalidDefinition
        When a file or its mapping cannot be used.
    """
    events: list[Event] = []
    refused: list[Quarantined] = []
    for path, mapping in sources:
        with closing(_reading(path, mapping)) as reading:
            first = list(islice(reading, events_max - len(events) - len(refused)))
        taken = _take(first, path, mapping, plan, settings, now_ms)
        events += taken.accepted
        refused += taken.quarantined
    return Preview(events=events, quarantined=refused)


def _reading(path: Path, mapping: Mapping) -> Generator[Mapped, None, None]:
    """Read a file; its reader is imported with the first one, and DuckDB and Arrow with that."""
    from customering.stores.mapped import read_mapped

    return read_mapped(path, mapping)


def _not_in(log: EventLog, block: list[Mapped]) -> list[Mapped]:
    """Leave out events that the log has; what cannot be made is kept, to be set aside."""
    ids = [mapped.payload["messageId"] for mapped in block if mapped.payload is not None]
    known = log.contains_ids(ids)
    return [
        mapped
        for mapped in block
        if mapped.payload is None or mapped.payload["messageId"] not in known
    ]


def _take(
    block: list[Mapped],
    path: Path,
    mapping: Mapping,
    plan: TrackingPlan,
    settings: EventsSettings,
    received_at: int,
) -> Intake:
    """Pass payloads through intake, and set aside the rows of which none was made."""
    made = [(mapped.payload, mapped) for mapped in block if mapped.payload is not None]
    taken = intake(
        [payload for payload, _ in made],
        plan=plan,
        settings=settings,
        source=mapping.source,
        received_at=received_at,
        places=[f"{path.name}:{mapped.number}" for _, mapped in made],
    )
    broken = [
        quarantined(
            mapped.raw,
            reason=mapped.reason,
            source=mapping.source,
            place=f"{path.name}:{mapped.number}",
            received_at=received_at,
        )
        for mapped in block
        if mapped.payload is None
    ]
    return Intake(accepted=taken.accepted, quarantined=broken + taken.quarantined)
