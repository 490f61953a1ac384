"""Taking the log along: the events of everybody who permits the purpose, as NDJSON or Parquet."""

from pathlib import Path

import msgspec
import pyarrow as pa

from customering.app.engine import Engine
from customering.app.folding import Progress
from customering.consent.ledger import consent_of
from customering.consent.model import ConsentRecord
from customering.identity.anchors import anchor_of
from customering.kernel.errors import Refused
from customering.kernel.ids import Identifier
from customering.kernel.records import Record, from_json


class Exported(Record, frozen=True):
    """What an export did.

    Parameters
    ----------
    written
        Events written.
    withheld
        Events of people who do not permit the purpose.
    """

    written: int
    withheld: int


class _Names(msgspec.Struct):
    identifiers: tuple[Identifier, ...]


class _Permission:
    """Answers for each anchor whether the events of its person may be taken for a purpose."""

    def __init__(self, engine: Engine, purpose: str) -> None:
        policy = engine.consent
        if purpose not in policy.keys:
            raise Refused(
                f"there is no purpose {purpose}", hint=f"purposes: {', '.join(sorted(policy.keys))}"
            )
        self._by_default = policy.allows(policy.mask(None), purpose)
        self._rules = engine.rules
        engine.catch_up()
        graph = engine.folding.graph
        records = {
            anchor: from_json(kept.consent, ConsentRecord)
            for anchor, kept in engine.state.choices()
            if kept.consent is not None
        }
        self._chosen: dict[Identifier, bool] = {}
        for chooser in records:
            names = graph.identifiers_of(chooser)
            record = consent_of(records[name] for name in names if name in records)
            answer = policy.allows(policy.mask(record), purpose)
            self._chosen.update(dict.fromkeys(names, answer))

    def __call__(self, names: tuple[Identifier, ...]) -> bool:
        """Tell whether an event with these identifiers may be taken; nobody's event never is."""
        anchor = anchor_of(names, self._rules)
        return anchor is not None and self._chosen.get(anchor, self._by_default)


def export_ndjson(engine: Engine, out: Path, purpose: str, progress: Progress) -> Exported:
    """Write events as JSON, one a line, in the order of the log.

    Raises
    ------
    Refused
        When the purpose does not exist.
    """
    permits = _Permission(engine, purpose)
    decode = msgspec.json.Decoder(_Names).decode
    written = withheld = 0
    with out.open("wb") as file:
        for block in engine.reading_log.read():
            lines = block.lines()
            kept = [line for line in lines if permits(decode(line).identifiers)]
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
    permits = _Permission(engine, purpose)
    engine.copy_to_history(progress)
    anchors = engine.history.arrow(f"SELECT DISTINCT anchor FROM {engine.history.relation()}")
    names = [Identifier(str(name)) for name in anchors["anchor"].to_pylist()]
    kept = anchors.filter(pa.array([permits((name,)) for name in names], pa.bool_()))
    written = engine.history.export(out, kept)
    return Exported(written=written, withheld=engine.history.rows - written)
