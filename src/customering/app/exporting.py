"""Taking the log along: the events of everybody who permits the purpose, as NDJSON or Parquet."""

from pathlib import Path

import msgspec
import pyarrow as pa

from customering.app.engine import Engine
from customering.app.folding import Progress
from customering.identity.anchors import anchor_of
from customering.kernel.ids import Identifier
from customering.kernel.records import Record


class Exported(Record, frozen=True):
    """What an export did.

    Parameters
    ----------
    written
        Events written.
    withheld
        Events of people who do not permit the purpose, and events that belong to nobody.
    """

    written: int
    withheld: int


class _Names(msgspec.Struct):
    identifiers: tuple[Identifier, ...]


def export_ndjson(engine: Engine, out: Path, purpose: str, progress: Progress) -> Exported:
    """Write events as JSON, one a line, in the order of the log.

    Raises
    ------
    Refused
        When the purpose does not exist.
    """
    permits = engine.permission(purpose)
    rules = engine.rules
    decode = msgspec.json.Decoder(_Names).decode
    written = withheld = 0
    with out.open("wb") as file:
        for block in engine.reading_log.read():
            lines = block.lines()
            anchors = [anchor_of(decode(line).identifiers, rules) for line in lines]
            kept = [
                line
                for line, anchor in zip(lines, anchors, strict=True)
                if anchor is not None and permits(anchor)
            ]
            file.writelines(line + b"\n" for line in kept)
            written += len(kept)
            withheld += len(lines) - len(kept)
            progress(written + withheld)
    return Exported(written=written, withheld=withheld)


def export_parquet(engine: Engine, out: Path, purpose: str, progress: Progress) -> Exported:
    """Write events as one Parquet file with the columns of the history, by anchor and time.

    Raises
    ------
    Refused
        When the purpose does not exist.
    """
    permits = engine.permission(purpose)
    out.open("wb").close()  # says at once, and clearly, when it cannot be written
    engine.copy_to_history(progress)
    anchors = engine.history.arrow(f"SELECT DISTINCT anchor FROM {engine.history.relation()}")
    names = [Identifier(str(name)) for name in anchors["anchor"].to_pylist()]
    kept = anchors.filter(pa.array([permits(name) for name in names], pa.bool_()))
    written = engine.history.export(out, kept)
    return Exported(written=written, withheld=engine.history.rows - written)
