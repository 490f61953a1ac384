"""One home, opened: every object built once, and the live path from a payload to a profile."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import cached_property
from types import TracebackType
from typing import Any, Self

from customering.app.folding import Folding, Progress, copy_to_history, fingerprint_of
from customering.app.home import Home
from customering.app.models import ModelShelf
from customering.app.people import People
from customering.app.rebuilding import Rebuilt, rebuild
from customering.app.settings import CustomeringSettings
from customering.consent.gate import CompiledPolicy
from customering.consent.purposes import shipped_purposes
from customering.decision.policy import DecisionPolicy, compile_policy
from customering.events.commerce import tracking_plan
from customering.events.intake import Intake, intake
from customering.events.model import Event
from customering.events.plan import TrackingPlan
from customering.events.plan_file import parse_plan
from customering.events.store import Appended
from customering.identity.rules import IdentityRules
from customering.kernel.clock import parse_instant
from customering.kernel.errors import InvalidEvent, InvalidSettings
from customering.profile.definitions import lay_over, read_traits, shipped_traits
from customering.profile.traits import TraitSet
from customering.stores.history import History
from customering.stores.sqlite_log import SqliteLog
from customering.stores.sqlite_quarantine import SqliteQuarantine
from customering.stores.state import State


def _silent(events: int) -> None:
    """Tell nobody about progress."""


def real_clock() -> int:
    """Give the present, milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Engine:
    """Everything of one home; use it as a context manager so that every file is closed.

    Parameters
    ----------
    home
        The home to open. Nothing is opened before it is used.
    clock
        Gives the real present; handed in so that tests can hold it still.

    Examples
    --------
    ::

        with Engine(find(Path("shop"))) as engine:
            engine.ingest([{"type": "track", "event": "Order Completed", "userId": "ada"}])
    """

    def __init__(self, home: Home, *, clock: Callable[[], int] = real_clock) -> None:
        self.home = home
        self.clock = clock
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    @property
    def settings(self) -> CustomeringSettings:
        """The settings in force."""
        return self.home.loaded.settings

    @property
    def present(self) -> int:
        """The instant everything is judged at: the real one, or the one the settings pretend."""
        pretended = self.settings.clock.present
        if not pretended:
            return self.clock()
        try:
            return parse_instant(pretended)
        except ValueError as error:
            raise InvalidSettings(
                f"clock.present: {pretended!r} is not a date or an instant",
                hint='write it as "2018-01-01" or "2018-01-01T05:00:00Z"',
            ) from error

    # Definitions

    @cached_property
    def plan(self) -> TrackingPlan:
        """The shipped tracking plan with the operator's own laid over it."""
        text = self.home.text_of("plan.toml")
        return tracking_plan(None if text is None else parse_plan(text, file="plan.toml"))

    @cached_property
    def traits(self) -> TraitSet:
        """The shipped traits with the operator's own, compiled."""
        text = self.home.text_of("traits.toml")
        own = () if text is None else read_traits(text, file="traits.toml")
        return TraitSet(lay_over(shipped_traits(), own), self.consent.keys)

    @cached_property
    def consent(self) -> CompiledPolicy:
        """The gate: the purposes and what the settings state for people who have not chosen."""
        return CompiledPolicy(shipped_purposes(), self.settings.consent)

    @cached_property
    def rules(self) -> IdentityRules:
        """The rules of identity."""
        return IdentityRules(self.settings.identity)

    @cached_property
    def decision_policy(self) -> DecisionPolicy:
        """What decides."""
        return compile_policy(self.settings.decision, self.consent)

    # Stores

    @cached_property
    def log(self) -> SqliteLog:
        """The log, opened for writing; only one process can."""
        return self._open.enter_context(SqliteLog(self.home.log_path, self.settings.events))

    @cached_property
    def reading_log(self) -> SqliteLog:
        """The log, opened for reading."""
        if "log" in self.__dict__:
            return self.log
        return self._open.enter_context(
            SqliteLog(self.home.log_path, self.settings.events, read_only=True)
        )

    @cached_property
    def quarantine(self) -> SqliteQuarantine:
        """What was refused and why."""
        quarantine = SqliteQuarantine(self.home.log_path)
        self._open.callback(quarantine.close)
        return quarantine

    @cached_property
    def state(self) -> State:
        """Profiles, links and the offset they were folded up to."""
        state = State(self.home.state_url)
        self._open.callback(state.close)
        return state

    @cached_property
    def history(self) -> History:
        """The columnar copy of the log."""
        settings = self.settings.history
        history = History(
            self.home.history_folder,
            buckets=settings.buckets,
            threads=settings.threads,
            memory=settings.memory,
        )
        self._open.callback(history.close)
        return history

    @cached_property
    def models(self) -> ModelShelf:
        """Fitted models."""
        return ModelShelf(self.home.models_folder)

    @cached_property
    def folding(self) -> Folding:
        """The live path."""
        return Folding(
            log=self.reading_log,
            history=self.history,
            state=self.state,
            traits=self.traits,
            policy=self.consent,
            settings=self.settings,
        )

    @cached_property
    def people(self) -> People:
        """Reads of single people."""
        return People(
            log=self.reading_log,
            history=self.history,
            state=self.state,
            traits=self.traits,
            policy=self.consent,
            settings=self.settings,
            models=self.models,
        )

    # Acts

    def create(self) -> None:
        """Make the files of a new home."""
        _ = self.log, self.quarantine, self.state, self.history

    def ingest(self, payloads: Iterable[Any], source: str = "python") -> Intake:
        """Take in payloads in the shape of the Segment spec: durable, then folded.

        Returns
        -------
        Intake
            What was accepted (durable when this returns) and what was set aside.
        """
        taken = intake(
            payloads,
            plan=self.plan,
            settings=self.settings.events,
            source=source,
            received_at=self.clock(),
        )
        self.quarantine.add(taken.quarantined)
        self.append(taken.accepted)
        return taken

    def append(self, events: Sequence[Event]) -> Appended:
        """Append events of our own making, and fold them."""
        appended = self.log.append(events)
        self.catch_up()
        return appended

    def catch_up(self, progress: Progress = _silent) -> int:
        """Fold what the log has and the profiles lack; rebuild when the definitions changed.

        Returns
        -------
        int
            Events folded.
        """
        in_force = fingerprint_of(self.traits, self.consent, self.settings)
        if self.state.offset and self.state.fingerprint != in_force:
            self.rebuild(progress)
        return self.folding.catch_up(progress)

    def rebuild(self, progress: Progress = _silent) -> Rebuilt:
        """Compute all profiles anew from the history, in batch."""
        done = rebuild(
            log=self.reading_log,
            history=self.history,
            state=self.state,
            traits=self.traits,
            policy=self.consent,
            settings=self.settings,
            progress=progress,
        )
        self.__dict__.pop("folding", None)
        return done

    def copy_to_history(self, progress: Progress = _silent) -> int:
        """Bring the history up to the log."""
        return copy_to_history(self.reading_log, self.history, self.rules, progress=progress)

    def replay(self, quarantine_id: str, mended: Any = None) -> Event:
        """Take in what was refused: a mended payload, or the same one under a mended plan.

        Raises
        ------
        Absent
            When there is none of this id.
        InvalidEvent
            When it is refused again; it stays in quarantine.
        """
        held = self.quarantine.get(quarantine_id).quarantined
        taken = intake(
            [held.raw if mended is None else mended],
            plan=self.plan,
            settings=self.settings.events,
            source=held.source,
            received_at=self.clock(),
        )
        if taken.quarantined:
            again = taken.quarantined[0]
            raise InvalidEvent(
                f"it is refused again: {again.path or 'payload'}: {again.reason}",
                hint="mend that field, or the plan in plan.toml",
                path=again.path,
            )
        self.append(taken.accepted)
        self.quarantine.resolve(quarantine_id, "replayed", self.clock())
        return taken.accepted[0]
