"""Decisions for everybody as a Parquet file: one row a chosen action."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from customering.decision.model import Decision
from customering.kernel.ids import Identifier

_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("decision_id", pa.string()),
    ("person_id", pa.string()),
    ("identifier", pa.string()),
    ("placement", pa.string()),
    ("channel", pa.string()),
    ("decided_at", pa.timestamp("ms", tz="UTC")),
    ("expires_at", pa.timestamp("ms", tz="UTC")),
    ("rank", pa.int32()),
    ("action_id", pa.string()),
    ("title", pa.string()),
    ("kind", pa.string()),
    ("propensity", pa.float64()),
    ("value_minor", pa.int64()),
    ("lever", pa.float64()),
    ("score", pa.float64()),
    ("probability", pa.float64()),
    ("choice", pa.string()),
    ("words", pa.string()),
    ("not_before", pa.timestamp("ms", tz="UTC")),
]
_SCHEMA = pa.schema(_COLUMNS)
_OF_DECISION = ("decision_id", "person_id", "placement", "channel", "choice")
_OF_CANDIDATE = (
    "rank", "action_id", "title", "kind", "propensity", "value_minor", "lever", "score",
    "probability", "words",
)  # fmt: skip


class DecisionFile:
    """A Parquet file of decisions, written round after round.

    Parameters
    ----------
    path
        The file; one that is there is replaced.
    """

    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(path, _SCHEMA, compression="zstd")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write rows, as `rows_of` gives them."""
        self._writer.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA))


def rows_of(name: Identifier, decision: Decision) -> list[dict[str, Any]]:
    """Give the rows of a decision, one a chosen action, with an identifier of its person."""
    shared = {field: getattr(decision, field) for field in _OF_DECISION}
    shared |= {
        "identifier": name,
        "decided_at": decision.decided_at,
        "expires_at": decision.expires_at,
        "not_before": decision.not_before or None,
    }
    return [
        shared | {field: getattr(candidate, field) for field in _OF_CANDIDATE}
        for candidate in decision.ranked
    ]
