"""Erasure beside the log: refused payloads, small tables, files, and what databases let go of."""

import logging
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from customering.app.erasing import StoreReport
from customering.app.erasing_gate import JOURNAL
from customering.app.erasing_match import Naming
from customering.app.erasing_scope import Part
from customering.events.store import Quarantined
from customering.kernel.errors import Conflict, Unavailable
from customering.kernel.records import from_json
from customering.stores.erasing_sqlite import (
    erase_rows_naming,
    is_marked,
    overwrite_once,
    scrub,
)

_CONTROL, _LOG = "control.sqlite", "log.sqlite"
_OLD = (_LOG, "state.sqlite", _CONTROL)
"""Databases that there were before erasure."""

_OURS = ("outbox", "models", "exports", "uploads")
"""Folders of a home whose files the system wrote and can do without."""

_logger = logging.getLogger("customering.erasing")
_OWN_TREES = ("history",)
_CHUNK_BYTES = 1 << 20

_AGAIN = ("exports", "uploads")
"""Those of them that can be written anew at any time."""


def remove_from_quarantine(folder: Path, naming: Naming, part: Part | None = None) -> StoreReport:
    """Delete what was refused and names the person; of a part, what may be in it."""

    def is_theirs(cell: object) -> bool:
        if not isinstance(cell, bytes) or not naming.lines_in(cell):
            return False
        raw: Any = from_json(cell, Quarantined).raw
        return naming.is_named_in(raw) and (part is None or part.may_cover(raw))

    kept = ("blocks",)
    deleted = erase_rows_naming(folder / _LOG, is_theirs, kept=kept)
    return StoreReport(store="quarantine", rows_deleted=deleted.get("quarantine", 0))


def remove_from_control(
    folder: Path, naming: Naming, only: Collection[str] = ()
) -> list[StoreReport]:
    """Delete sessions, remembered answers and whatever else in small tables names the person.

    Parameters
    ----------
    only
        The tables that are looked at; all of them when it is empty.
    """
    path = folder / _CONTROL
    if not path.exists():
        return []
    deleted = erase_rows_naming(path, naming.is_named_in, kept=("meta", "keys"), only=only)
    return [
        StoreReport(store=f"control.{table}", rows_deleted=rows)
        for table, rows in sorted(deleted.items())
    ]


def remove_exports(folder: Path, naming: Naming) -> StoreReport:
    """Delete files that can be written anew and name the person."""
    needles, deleted = {one.encode() for one in naming.telling}, 0
    for path in [one for name in _AGAIN for one in (folder / name).rglob("*") if one.is_file()]:
        if _holds(path, needles):
            path.unlink()
            deleted += 1
    return StoreReport(store="files", rows_deleted=deleted)


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


def overwrite_old(folder: Path) -> list[str]:
    """Write anew, once, the databases that a version before erasure made.

    Returns
    -------
    list of str
        Those for which it could not be done now; it is tried again at the next opening.
    """
    left = []
    for name in _OLD:
        try:
            if overwrite_once(folder / name):
                _logger.info("%s was written anew: an older version made it", name)
        except (Conflict, Unavailable) as error:
            _logger.warning("%s is not written anew yet: %s", name, error.message)
            left.append(name)
    return left


def not_overwritten(folder: Path) -> list[StoreReport]:
    """Say of which databases the free space may still hold what was deleted."""
    return [
        StoreReport(
            store=f"file:{name}",
            rows_deleted=0,
            rows_kept=0,
            reason="free space may hold copies of rows; it could not be written anew, which is"
            " tried again at the next start or erasure",
        )
        for name in _OLD
        if (folder / name).exists() and not is_marked(folder / name)
    ]


def scrub_all(folder: Path, names: Collection[str] = ()) -> list[str]:
    """Overwrite what the SQLite files let go of.

    Parameters
    ----------
    names
        The files that are looked at; all of them when it is empty.

    Returns
    -------
    list of str
        Those with which it could not be done now, as somebody reads or writes them or there is no
        room.
    """
    left = []
    for path in sorted(folder.glob("*.sqlite")):
        if path.name == JOURNAL or (names and path.name not in names):
            continue
        try:
            is_done = scrub(path, rows_stay=path.name == _LOG)
        except (Conflict, Unavailable) as error:
            _logger.warning("%s is not written anew yet: %s", path.name, error.message)
            is_done = False
        if not is_done:
            left.append(path.name)
    return left
