"""Backup of a home while it is in use, and its restoration.

What is kept is what cannot be made again: the log, the keys, the definitions people wrote, imported
offers and fitted models. Profiles and history are made from the log when the copy is first used.
"""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from customering.app.home import Home
from customering.events.settings import EventsSettings
from customering.kernel.clock import format_instant
from customering.kernel.errors import Conflict, Corrupt, InvalidFile
from customering.kernel.records import Record, from_json, to_json
from customering.stores.copying import copy_database
from customering.stores.sqlite_log import SqliteLog

MANIFEST = "backup.json"
# The ledger after its secrets: the head that is kept beside it is then never ahead of it.
_DATABASES = ("control.sqlite", "consent.sqlite", "rights.sqlite", "log.sqlite")
_TREES = ("catalog", "mappings", "models")
_CHUNK_BYTES = 1 << 20


class Manifest(Record, frozen=True):
    """What a backup holds.

    Parameters
    ----------
    made_at
        When it was begun. ISO 8601.
    events
        Events in its log.
    digests
        Path of each file, with slashes, to the SHA-256 of its bytes.
    """

    made_at: str
    events: int
    digests: dict[str, str]


def back_up(home: Home, folder: Path, now_ms: int) -> Manifest:
    """Copy a home into an empty or new folder, whoever uses it meanwhile.

    Parameters
    ----------
    home
        The home; a server may be running on it.
    folder
        Where the copy goes.
    now_ms
        The present. Milliseconds since 1970.

    Returns
    -------
    Manifest
        What was copied; everything acknowledged before the call is in it.

    Raises
    ------
    Conflict
        When there is something in the folder already.
    Corrupt
        When the home is damaged; the copy is then not to be used and has no manifest.
    """
    _make_empty(folder)
    for name in _DATABASES:
        if (home.folder / name).exists():
            copy_database(home.folder / name, folder / name)
    for path in home.folder.glob("*.toml"):
        shutil.copy2(path, folder / path.name)
    for name in _TREES:
        if (home.folder / name).is_dir():
            shutil.copytree(home.folder / name, folder / name)
    manifest = Manifest(
        made_at=format_instant(now_ms),
        events=_verified(folder),
        digests={name: _digest(folder / name) for name in _files(folder)},
    )
    (folder / MANIFEST).write_bytes(msgspec.json.format(to_json(manifest), indent=2))
    return manifest


def restore(backup: Path, folder: Path) -> Manifest:
    """Make a home from a backup, in an empty or new folder.

    Raises
    ------
    InvalidFile
        When the folder is not a backup.
    Corrupt
        When a file of it is not what was written; nothing is made.
    Conflict
        When there is something in the target folder already.
    """
    manifest = read_manifest(backup)
    for name, digest in manifest.digests.items():
        path = backup / name
        if not path.is_file() or _digest(path) != digest:
            raise Corrupt(
                f"{name} of the backup is missing or not what was written",
                hint="use another backup",
                file=name,
            )
    _make_empty(folder)
    for name in manifest.digests:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(backup / name, folder / name)
    return manifest


def read_manifest(backup: Path) -> Manifest:
    """Read what a backup says it holds.

    Raises
    ------
    InvalidFile
        When it says nothing, or nothing that can be read.
    """
    try:
        return from_json((backup / MANIFEST).read_bytes(), Manifest)
    except (FileNotFoundError, msgspec.MsgspecError) as error:
        raise InvalidFile(
            f"{backup} is not a finished backup: it has no {MANIFEST} that can be read",
            hint="name the folder that `customering backup` made",
        ) from error


def _make_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict(f"there is something in {folder} already", hint="name a new folder")
    folder.mkdir(parents=True, exist_ok=True)


def _verified(folder: Path) -> int:
    """Check every block of the copied log, and give the number of its events."""
    if not (folder / "log.sqlite").exists():
        return 0
    with SqliteLog(folder / "log.sqlite", EventsSettings(), read_only=True) as log:
        return log.verify().events


def _files(folder: Path) -> Iterator[str]:
    """Give the files of a backup or home by their paths inside, in order."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != MANIFEST and not path.name.endswith(("-wal", "-shm")):
            yield path.relative_to(folder).as_posix()


def _digest(path: Path) -> str:
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            hasher.update(chunk)
    return hasher.hexdigest()
