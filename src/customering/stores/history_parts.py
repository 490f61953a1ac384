"""The parts of a history on disk: which files there are, and whether they are whole."""

import os
from collections.abc import Iterable
from hashlib import md5
from pathlib import Path
from zlib import crc32

import msgspec

from customering.kernel.errors import Corrupt
from customering.kernel.records import Record, from_json, to_json

_HINT = "delete the history folder; the next command writes it again from the log"
_CHUNK_BYTES = 1 << 20


class Part(Record, frozen=True):
    """One Parquet file of one bucket.

    Parameters
    ----------
    bucket, path, rows
        Whose events it holds, the file relative to the folder, and how many events.
    size_bytes, checksum
        Its length and CRC-32; 0 in a manifest written before they were noted.
    """

    bucket: int
    path: str
    rows: int
    size_bytes: int = 0
    checksum: int = 0


class Manifest(Record, frozen=True):
    """What the history consists of; the only file that says so.

    Parameters
    ----------
    buckets
        Number of hash buckets.
    offset
        Events of the log with an offset below this one are in the history.
    parts
        The files, in the order they were written.
    """

    buckets: int
    offset: int = 0
    parts: tuple[Part, ...] = ()


def bucket_of(anchor: str, buckets: int) -> int:
    """Give the bucket an anchor belongs to; the same in SQL: ``md5_number_lower(anchor) % n``."""
    digest = md5(anchor.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little") % buckets


def read_manifest(path: Path, buckets: int) -> Manifest:
    """Read the manifest; give that of an empty history where there is none.

    Raises
    ------
    Corrupt
        When it cannot be read.
    """
    if not path.exists():
        return Manifest(buckets=buckets)
    try:
        return from_json(path.read_bytes(), Manifest)
    except msgspec.DecodeError as error:
        raise Corrupt(f"the manifest {path} cannot be read: {error}", hint=_HINT) from error


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Replace the manifest in one step, durably, and remove the parts that nobody names."""
    scratch = path.with_suffix(".new")
    with scratch.open("wb") as file:
        file.write(to_json(manifest))
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
    named = {part.path for part in manifest.parts}
    for found in path.parent.glob("*/*.parquet"):
        if str(found.relative_to(path.parent)) not in named:
            found.unlink()


def sealed(folder: Path, part: Part) -> Part:
    """Make a part just written durable, and note its length and checksum."""
    path = folder / part.path
    with path.open("rb") as written:
        os.fsync(written.fileno())
    size_bytes = path.stat().st_size
    return msgspec.structs.replace(part, size_bytes=size_bytes, checksum=_checksum(path))


def check_present(folder: Path, parts: Iterable[Part]) -> None:
    """Refuse parts that are gone or of another length; takes microseconds a part.

    Raises
    ------
    Corrupt
        Naming the file.
    """
    for part in parts:
        try:
            size_bytes = (folder / part.path).stat().st_size
        except FileNotFoundError as error:
            raise damaged(folder, part, "is missing") from error
        if part.size_bytes not in (0, size_bytes):
            raise damaged(
                folder, part, f"has {size_bytes} bytes, and was written with {part.size_bytes}"
            )


def check_whole(folder: Path, parts: Iterable[Part]) -> None:
    """Refuse parts whose bytes changed; reads them all, some GB a second.

    Raises
    ------
    Corrupt
        Naming the file.
    """
    for part in parts:
        check_present(folder, [part])
        if part.size_bytes and _checksum(folder / part.path) != part.checksum:
            raise damaged(folder, part, "was changed after it was written")


def damaged(folder: Path, part: Part, how: str) -> Corrupt:
    """Give the error that says which file is damaged, and what to do."""
    path = str(folder / part.path)
    return Corrupt(f"the part {path} of the history {how}", hint=_HINT, path=path)


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            checksum = crc32(chunk, checksum)
    return checksum
