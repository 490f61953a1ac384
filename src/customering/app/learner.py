"""What decisions learned from outcomes, in one home: kept in step with the log, across restarts.

It is derived from the log like the profiles, and kept beside the models as one file with the offset
it stands at. A start reads the file and folds what the log has beyond it; without the file, or with
one that was made under other settings, it folds the whole log.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from customering.decision.learner import Learner
from customering.decision.learning_settings import LearningSettings
from customering.events.model import DECISION_MADE, Event
from customering.events.store import EventLog
from customering.kernel.errors import Corrupt
from customering.kernel.ids import Identifier
from customering.outcomes.feedback import HEARD, Feedback, Kin

FILE = "decisions.bin"
"""The file in the folder of models; it names people whose outcomes are waited for."""

GATE_FILE = "gate.json"
_STORED_AFTER = 2_000  # events: less is folded again in no time
_NEEDLES = tuple(json.dumps(name).encode() for name in sorted(HEARD))
_NAME = b'"name":'  # inside of a text each quotation mark has a backslash before it

Stamp = tuple[int, int, int]


class GateVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether features of the person may be used at a placement, and why.

    Parameters
    ----------
    passes
        Whether.
    words
        Why.
    effective_rows
        How many independent decisions the verdict is worth.
    """

    passes: bool
    words: str
    effective_rows: float


class DecisionLearner:
    """Learns from the outcomes of decisions as they come into the log.

    Parameters
    ----------
    folder
        The folder of models.
    settings
        How decisions learn.
    kin
        Who is one person.
    """

    def __init__(self, folder: Path, settings: LearningSettings, kin: Kin) -> None:
        self._path = folder / FILE
        self._gate_path = folder / GATE_FILE
        self._settings = settings
        self._kin = kin
        self._open_places: frozenset[str] = frozenset()
        self._take(Feedback(settings, kin=kin), 0)
        self._stamp: Stamp | None = None
        self._is_read = False

    def _take(self, feedback: Feedback, offset: int) -> None:
        feedback.learner.open_places = self._open_places
        self.feedback = feedback
        self.offset = offset
        self._stored = offset

    @property
    def learner(self) -> Learner:
        """What was learned so far."""
        return self.feedback.learner

    def catch_up(self, log: EventLog) -> int:
        """Fold what the log has beyond what was folded, and give the number of events.

        What took long is stored, so that the next process need not do it again.
        """
        if not self._is_read:
            self._read()
        begun = self.offset
        self.offset = _fold(self.feedback, log, self.offset)
        if self.is_stale:
            self.write(self.picture())
        return self.offset - begun

    def fold(self, events: Sequence[Event], first: int) -> None:
        """Fold events that follow on what was folded.

        Parameters
        ----------
        first
            Offset of the first one.
        """
        assert first == self.offset, f"events from {first} do not follow on {self.offset}"
        self.feedback.fold(events)
        self.offset = first + len(events)

    def rebuild(self, log: EventLog, permits: Callable[[Identifier], bool]) -> None:
        """Learn anew from the whole log, from people who permit it today, and store it."""
        feedback = Feedback(self._settings, kin=self._kin, permits=permits)
        self._take(feedback, _fold(feedback, log, 0))
        feedback.permit_everybody()
        self._is_read = True
        self.write(self.picture())

    def learned_until(self, log: EventLog, until_ms: int) -> Learner:
        """Learn anew from the decisions before an instant, apart from what is in use.

        Parameters
        ----------
        until_ms
            The first decision from this instant on ends it. Milliseconds since 1970.
        """
        feedback = Feedback(self._settings, kin=self._kin)
        for block in log.read(after=-1):
            for event in _heard(block.lines()):
                if event.name == DECISION_MADE and event.occurred_at >= until_ms:
                    return feedback.learner
                feedback.fold((event,))
        return feedback.learner

    def forget(self, names: Iterable[Identifier]) -> None:
        """Wait no longer for what comes of the decisions for some identifiers, and store that."""
        if not self._is_read:
            self._read()
        self.feedback.forget(names)
        self.write(self.picture())

    # Keeping

    def picture(self) -> bytes:
        """Give everything as of now, to be written."""
        self._stored = self.offset
        return self.feedback.to_bytes(self.offset)

    @property
    def is_stale(self) -> bool:
        """Whether so much was folded since the last picture that another one is worth it."""
        return self.offset - self._stored >= _STORED_AFTER

    @property
    def was_replaced(self) -> bool:
        """Whether another process learned anew since the file was read or written here."""
        return self._is_read and self._look() != self._stamp

    def write(self, picture: bytes) -> None:
        """Store a picture in one step; may be called from another thread."""
        self._path.parent.mkdir(exist_ok=True)
        scratch = self._path.with_suffix(".new")
        scratch.write_bytes(picture)
        scratch.replace(self._path)
        self._stamp = self._look()

    def adopt(self, log: EventLog) -> None:
        """Take what another process learned, and fold what the log has beyond it."""
        self._take(Feedback(self._settings, kin=self._kin), 0)
        self._is_read = False
        self.catch_up(log)

    def _read(self) -> None:
        self._is_read = True
        self._stamp = self._look()
        self.read_gate()
        if not self._path.exists():
            return
        try:
            offset = self.feedback.restore(self._path.read_bytes())
        except Corrupt:
            # It is made anew from the log, which is what the file saves us.
            offset = None
        if offset is None:
            self._take(Feedback(self._settings, kin=self._kin), 0)
        else:
            self.offset = self._stored = offset

    def _look(self) -> Stamp | None:
        if not self._path.exists():
            return None
        found = self._path.stat()
        return found.st_ino, found.st_mtime_ns, found.st_size

    # The gate

    def store_gate(self, verdicts: Mapping[str, GateVerdict]) -> None:
        """Store the verdicts on the personal model, and use them from now on."""
        self._gate_path.parent.mkdir(exist_ok=True)
        scratch = self._gate_path.with_suffix(".new")
        scratch.write_bytes(msgspec.json.encode(verdicts))
        scratch.replace(self._gate_path)
        self.read_gate()

    def read_gate(self) -> None:
        """Take the verdicts on the personal model, by placement, as they were stored last."""
        if not self._gate_path.exists():
            return
        try:
            verdicts = msgspec.json.decode(
                self._gate_path.read_bytes(), type=dict[str, GateVerdict]
            )
        except msgspec.DecodeError as error:
            raise Corrupt(
                f"{self._gate_path} cannot be read: {error}",
                hint="run `customering learn`: it writes the verdicts anew",
            ) from error
        self._open_places = frozenset(
            placement for placement, verdict in verdicts.items() if verdict.passes
        )
        self.learner.open_places = self._open_places


def _fold(feedback: Feedback, log: EventLog, offset: int) -> int:
    """Fold a log from an offset on, and give where it ends; only what is heard is decoded."""
    for block in log.read(after=offset - 1):
        feedback.fold(_heard(block.lines()))
        offset = block.first + block.count
    return offset


def _heard(lines: Iterable[bytes]) -> Iterable[Event]:
    for line in lines:
        # The name stands before anything that could be long.
        if line.startswith(_NEEDLES, line.find(_NAME) + len(_NAME)):
            yield _decode(line)


_decode = msgspec.json.Decoder(Event).decode
