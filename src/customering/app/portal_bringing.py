"""What a person brings along from another shop: a ZIP of theirs, read strictly and within bounds.

Of all that may be in it two files are read, neither beyond its bound, whatever the ZIP says of
itself. What they told the other shop about themselves may become a fact here, if this shop takes
facts of that name, and only after the person has seen it.
"""

import io
import math
import zipfile
import zlib
from collections.abc import Collection
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from customering.kernel.errors import Invalid
from customering.kernel.records import from_json

ZIP_BYTES_MOST = 3_000_000
_FILE_BYTES_MOST = 2_000_000
_FILES_MOST = 1_000
_TEXT_MOST = 200
_WHOLE_MOST = 10**12
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_DAMAGED = (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, OSError, ValueError)
"""What the library lets out of a ZIP that is none, or of a kind that is not read here."""

Value = str | int | float | bool


class Brought(NamedTuple):
    """What is in a ZIP that can become facts here.

    Parameters
    ----------
    facts
        What they told the other shop, by name.
    passed_over
        How many other facts are in it: concluded or counted by the other shop, of names that are
        not taken here, or of kinds that cannot be shown.
    """

    facts: dict[str, Value]
    passed_over: int


class _File(msgspec.Struct, frozen=True):
    file: str
    sha256: str


class _Manifest(msgspec.Struct, frozen=True):
    files: list[_File]


class _Fact(msgspec.Struct, frozen=True):
    value: Any
    how_we_know: str


class _Profile(msgspec.Struct, frozen=True):
    facts: dict[str, _Fact]


def read_brought(data: bytes, taken: Collection[str]) -> Brought:
    """Read a ZIP as `customering.app.portable` writes it; slow, so for a thread.

    Parameters
    ----------
    data
        The ZIP, at most 3 MB.
    taken
        Names of the facts that this shop takes.

    Raises
    ------
    Invalid
        When it is no such ZIP, was changed, or is too large in any of its parts.
    """
    if len(data) > ZIP_BYTES_MOST:
        raise Invalid(f"the file has more than {ZIP_BYTES_MOST} bytes", hint="take less along")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            manifest = _read(archive, "manifest.json")
            profile = _read(archive, "profile.json")
    except _DAMAGED as error:
        raise _unreadable() from error
    return _facts(manifest, profile, taken)


def checked_facts(facts: dict[str, Any], taken: Collection[str]) -> dict[str, Value]:
    """Give the facts among some values that this shop takes and that can be shown."""
    return {name: value for name, value in facts.items() if name in taken and _can_be_shown(value)}


def _facts(manifest: bytes, profile: bytes, taken: Collection[str]) -> Brought:
    try:
        listed = from_json(manifest, _Manifest).files
        found = from_json(profile, _Profile).facts
    except (msgspec.DecodeError, RecursionError) as error:
        raise _unreadable() from error
    digests = [one.sha256 for one in listed if one.file == "profile.json"]
    if digests != [sha256(profile).hexdigest()]:
        raise Invalid("the file was changed since it was made", hint="fetch it anew")
    told = {name: fact.value for name, fact in found.items() if fact.how_we_know == "declared"}
    facts = checked_facts(told, taken)
    return Brought(facts, len(found) - len(facts))


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    """Read one file of a ZIP, and no byte beyond the bound."""
    entries = archive.infolist()
    named = [entry for entry in entries if entry.filename == name]
    if len(entries) > _FILES_MOST or len(named) != 1:
        raise _unreadable()
    entry = named[0]
    if entry.compress_type not in _METHODS or entry.flag_bits & _ENCRYPTED:
        raise _unreadable()
    with archive.open(entry) as file:
        content = file.read(_FILE_BYTES_MOST + 1)
    if len(content) > _FILE_BYTES_MOST:
        raise Invalid(f"{name} has more than {_FILE_BYTES_MOST} bytes", hint="take less along")
    return content


def _can_be_shown(value: Any) -> bool:
    if isinstance(value, bool):
        return True
    if isinstance(value, str):
        return 0 < len(value) <= _TEXT_MOST and value.isprintable()
    return isinstance(value, int | float) and math.isfinite(value) and abs(value) <= _WHOLE_MOST


def _unreadable() -> Invalid:
    return Invalid(
        "this is no file that a shop like this one hands out",
        hint="send the ZIP as you got it, not a part of it",
    )
