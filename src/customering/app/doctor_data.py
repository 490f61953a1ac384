"""The doctor looks at what a home keeps: log, profiles, history, quarantine, models."""

import duckdb
import msgspec
import pyarrow as pa

from customering.app.engine import Engine
from customering.app.findings import Findings, finding
from customering.app.folding import fingerprint_of
from customering.kernel.clock import MS_PER_DAY, MS_PER_SECOND
from customering.kernel.records import from_json
from customering.stores.history_parts import Manifest

_TAIL_EVENTS = 1_000
_LAG_EVENTS_MAX = 100_000
_MODEL_DAYS_MAX = 30
_MODELS = ("value.json", "taste.bin")


def check_log(engine: Engine, deep: bool) -> Findings:
    """Look at the log: its end, or with care all of it."""
    if not engine.home.log_path.exists():
        yield finding(
            "log", "note", "there are no events yet", "`customering import` or `customering serve`"
        )
        return
    log = engine.reading_log
    if deep:
        sound = log.verify()
        yield finding("log", "ok", f"{sound.events:,} events in {sound.blocks:,} blocks, all sound")
        return
    log.tail(_TAIL_EVENTS)
    yield finding("log", "ok", f"{log.end:,} events; the last are sound (--deep reads all)")


def check_profiles(engine: Engine, deep: bool) -> Findings:
    """Compare the stored profiles with the log and with what is in force."""
    if not engine.home.log_path.exists():
        return
    end = engine.reading_log.end
    if not (engine.home.folder / "state.sqlite").exists():
        yield finding("profiles", "note", "there are none yet", "the next command computes them")
        return
    offset = engine.state.offset
    in_force = fingerprint_of(engine.traits, engine.consent, engine.settings)
    if offset > end:
        yield finding(
            "profiles",
            "problem",
            f"they know of {offset:,} events, but the log has {end:,}: it was cut or replaced",
            "restore the log from a backup; or accept the loss with `customering rebuild`",
        )
    elif offset and engine.state.fingerprint != in_force:
        yield finding(
            "profiles",
            "note",
            "traits, identity or consent defaults changed since they were computed",
            "the next command computes them anew; `customering rebuild` does it now",
        )
    elif end - offset > _LAG_EVENTS_MAX:
        yield finding(
            "profiles",
            "note",
            f"{end - offset:,} events are not in the stored profiles yet",
            "the next start takes a while to fold them",
        )
    else:
        yield finding("profiles", "ok", f"stored up to {offset:,} of {end:,} events")


_ANEW = "stop the server and delete the folder history: it is written anew from the log"


def check_history(engine: Engine, deep: bool) -> Findings:
    """Look for files of the history that are missing or damaged."""
    folder = engine.home.history_folder
    path = folder / "manifest.json"
    if not path.exists():
        yield finding("history", "note", "nothing was copied yet", "`customering learn` does it")
        return
    try:
        manifest = from_json(path.read_bytes(), Manifest)
    except msgspec.DecodeError:
        yield finding("history", "problem", "its manifest cannot be read", _ANEW)
        return
    end = engine.reading_log.end if engine.home.log_path.exists() else 0
    missing = [part.path for part in manifest.parts if not (folder / part.path).is_file()]
    if manifest.offset > end:
        words = f"it has {manifest.offset:,} events, but the log has {end:,}"
        yield finding("history", "problem", words, _ANEW)
    elif missing:
        words = f"{len(missing)} of its {len(manifest.parts)} files are missing"
        yield finding("history", "problem", words, _ANEW)
    elif deep and (damaged := _damaged(engine, manifest)):
        words = f"{len(damaged)} of its {len(manifest.parts)} files are damaged: {damaged[0]}"
        yield finding("history", "problem", words, _ANEW)
    else:
        words = f"copied up to {manifest.offset:,} of {end:,} events"
        yield finding("history", "ok", words)


def _damaged(engine: Engine, manifest: Manifest) -> list[str]:
    """Give the files of the history that do not hold as many rows as they should."""
    damaged = []
    for part in manifest.parts:
        # Every column of every row is read: a file that is cut or changed cannot be read whole.
        sql = f"SELECT * FROM {engine.history.relation([part])}"
        try:
            rows = sum(batch.num_rows for batch in engine.history.batches(sql))
        except (duckdb.Error, pa.ArrowException, OSError):
            rows = -1
        if rows != part.rows:
            damaged.append(part.path)
    return damaged


def check_quarantine(engine: Engine, deep: bool) -> Findings:
    """Count what was set aside."""
    if not engine.home.log_path.exists():
        return
    count = engine.quarantine.count()
    if count:
        yield finding(
            "quarantine",
            "note",
            f"{count:,} payloads were set aside",
            "`customering quarantine list` says why; mend and replay them, or discard them",
        )
    else:
        yield finding("quarantine", "ok", "nothing is set aside")


def check_models(engine: Engine, deep: bool) -> Findings:
    """Look at which models there are, and how old."""
    paths = [engine.home.models_folder / name for name in _MODELS]
    there = [path for path in paths if path.exists()]
    if not there:
        yield finding(
            "models",
            "note",
            "none is fitted: value is not estimated, and taste knows nobody",
            "`customering learn`, once there are purchases",
        )
        return
    oldest_ms = min(path.stat().st_mtime for path in there) * MS_PER_SECOND
    days = max(0, int((engine.clock() - oldest_ms) // MS_PER_DAY))
    words = f"{', '.join(path.name for path in there)}, fitted {days} days ago"
    if days > _MODEL_DAYS_MAX:
        yield finding("models", "note", words, "`customering learn` fits them anew")
    else:
        yield finding("models", "ok", words)
