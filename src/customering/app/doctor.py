"""The doctor: looks at a home folder and says what is well, what is not, and what to do.

It changes nothing, and may look while a server runs.
"""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from customering.app.doctor_data import (
    check_history,
    check_log,
    check_models,
    check_profiles,
    check_quarantine,
)
from customering.app.engine import Engine
from customering.app.findings import Finding, Findings, finding
from customering.app.keys import KeyRing
from customering.app.webhook_sources import FILE_NAME, read_sources
from customering.kernel.clock import MS_PER_DAY
from customering.kernel.errors import Conflict, CustomeringError
from customering.stores.log_file import WriterLock

_KEY_DAYS_MIN = 14
_FREE_BYTES_FEW, _FREE_BYTES_MIN = 2_000_000_000, 200_000_000
_BYTES_A_GB = 1_000_000_000


def examine(engine: Engine, *, deep: bool = False) -> list[Finding]:
    """Look at everything of a home.

    Parameters
    ----------
    engine
        The home; nothing of it needs to be open.
    deep
        Read the whole log and every file of the history.
    """
    checks: dict[str, Callable[[Engine, bool], Findings]] = {
        "settings": _settings,
        "definitions": _definitions,
        "permissions": _permissions,
        "disk": _disk,
        "writer": _writer,
        "log": check_log,
        "profiles": check_profiles,
        "history": check_history,
        "quarantine": check_quarantine,
        "models": check_models,
        "keys": _keys,
        "webhooks": _webhooks,
    }
    found: list[Finding] = []
    for what, check in checks.items():
        try:
            found += check(engine, deep)
        except CustomeringError as error:
            found.append(finding(what, "problem", error.message, error.hint))
        except OSError as error:
            words = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            found.append(finding(what, "problem", words, "check the permissions of the folder"))
    return found


def _settings(engine: Engine, deep: bool) -> Findings:
    changed = len(engine.home.loaded.origins)
    yield finding("settings", "ok", f"readable; {changed} of them are not the default")
    pretended = engine.settings.clock.present
    if pretended:
        yield finding(
            "settings",
            "note",
            f"everything is judged as if it were {pretended}",
            "right for historic data; remove clock.present for a real shop",
        )


def _definitions(engine: Engine, deep: bool) -> Findings:
    counts = (len(engine.traits.traits), len(engine.audiences.audiences), len(engine.actions))
    _ = engine.plan
    traits, audiences, actions = counts
    yield finding("definitions", "ok", f"{traits} traits, {audiences} audiences, {actions} actions")


def _permissions(engine: Engine, deep: bool) -> Findings:
    folder = engine.home.folder
    if not os.access(folder, os.W_OK | os.X_OK):
        yield finding(
            "permissions", "problem", "this user cannot write here", "run it as the owner"
        )
        return
    unusable = [
        path.name
        for path in (*folder.glob("*.sqlite"), *folder.glob("*.toml"))
        if not os.access(path, os.R_OK | (os.W_OK if path.suffix == ".sqlite" else 0))
    ]
    if unusable:
        yield finding(
            "permissions",
            "problem",
            f"this user cannot use {', '.join(sorted(unusable))}",
            "run it as the owner, or give the files to this user",
        )
    elif os.name == "posix" and folder.stat().st_mode & stat.S_IRWXO:
        yield finding(
            "permissions",
            "note",
            "every user of this machine may look into the folder, which holds personal data",
            f"chmod 700 {folder}",
        )
    else:
        yield finding("permissions", "ok", "readable and writable, by its owner alone")


def _disk(engine: Engine, deep: bool) -> Findings:
    folder = engine.home.folder
    free = shutil.disk_usage(folder).free
    used = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    words = f"{free / _BYTES_A_GB:,.1f} GB free, the home has {used / _BYTES_A_GB:,.3f} GB"
    if free < _FREE_BYTES_MIN:
        yield finding("disk", "problem", words, "free some room: events are refused without it")
    elif free < max(_FREE_BYTES_FEW, used):
        yield finding("disk", "note", words, "a rebuild or a backup may need as much as is used")
    else:
        yield finding("disk", "ok", words)


def _writer(engine: Engine, deep: bool) -> Findings:
    lock = engine.home.log_path.with_name(f"{engine.home.log_path.name}-writer")
    if not lock.exists():
        yield finding("writer", "ok", "nobody writes this home now")
        return
    try:
        WriterLock(engine.home.log_path).release()
    except Conflict:
        yield finding("writer", "ok", f"it is being written by {_holder(lock)}")
    else:
        yield finding("writer", "ok", "nobody writes this home now")


def _holder(path: Path) -> str:
    """Name the process that has a file open, where the system tells."""
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.readlink() != path:
                continue
            number = link.parts[2]
            words = Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").split()
        except OSError:  # another user's, or gone meanwhile
            continue
        if int(number) != os.getpid():
            return f"process {number} ({b' '.join(words[:4]).decode(errors='replace')})"
    return "another process"


def _keys(engine: Engine, deep: bool) -> Findings:
    now_ms = engine.clock()
    keys = []
    if (engine.home.folder / "control.sqlite").exists():
        with KeyRing(engine.home.control_url, engine.clock) as ring:
            keys = [key for key in ring.list() if key.revoked_at is None]
    holding = [key for key in keys if key.holds(now_ms)]
    if not holding:
        yield finding(
            "keys",
            "note",
            "no key holds: a server would let nobody in",
            "`customering keys create write --source web --origin https://shop.example`",
        )
        return
    yield finding("keys", "ok", f"{len(holding)} hold")
    for key in holding:
        if key.expires_at is not None and key.expires_at - now_ms < _KEY_DAYS_MIN * MS_PER_DAY:
            days = (key.expires_at - now_ms) // MS_PER_DAY
            yield finding(
                "keys",
                "note",
                f"{key.key_id} ({key.name}) ends in {days} days",
                "make a new one and put it in its place",
            )


def _webhooks(engine: Engine, deep: bool) -> Findings:
    text = engine.home.text_of(FILE_NAME)
    if text is None:
        return
    sources = read_sources(text)
    silent = [name for name, one in sources.items() if not one.secrets(engine.home.folder)]
    if silent:
        yield finding(
            "webhooks",
            "note",
            f"without a secret, so refused: {', '.join(silent)}",
            "give the secret as docs/how-to/webhooks.md says, or remove the source",
        )
    else:
        yield finding("webhooks", "ok", f"{len(sources)} sources")


def as_rows(found: list[Finding]) -> list[tuple[Any, ...]]:
    """Give findings as rows of a table, problems first."""
    order = {"problem": 0, "note": 1, "ok": 2}
    return [
        (one.level, one.what, one.words, one.todo)
        for one in sorted(found, key=lambda one: order[one.level])
    ]
