"""Every object of one home, built once, at its first use."""

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from customering.app.agreements import Agreements
from customering.app.auditing import BulkUse
from customering.app.catalog import Catalog
from customering.app.collecting import Collecting
from customering.app.deciding import Deciding
from customering.app.erasing_beside import overwrite_old
from customering.app.erasing_gate import JOURNAL, admission_of, open_journal
from customering.app.folding import (
    Folding,
)
from customering.app.glance import Glance
from customering.app.home import Home
from customering.app.learner import DecisionLearner
from customering.app.models import ModelShelf
from customering.app.people import People
from customering.app.product_catalog import ProductCatalog
from customering.app.receipts import Receipts
from customering.app.settings import CustomeringSettings
from customering.consent.collecting import CompiledCollecting
from customering.consent.gate import CompiledPolicy
from customering.consent.purposes import PurposeBook, purposes_in_force
from customering.decision.actions import read_actions
from customering.decision.model import Action
from customering.decision.policy import DecisionPolicy, compile_policy
from customering.events.commerce import tracking_plan
from customering.events.plan import TrackingPlan
from customering.events.plan_file import parse_plan
from customering.identity.model import own_id
from customering.identity.rules import IdentityRules
from customering.kernel.clock import parse_instant
from customering.kernel.errors import InvalidSettings, Unavailable
from customering.kernel.ids import Identifier
from customering.profile.audiences import AudienceIndex
from customering.profile.definitions import lay_over, read_audiences, read_traits, shipped_traits
from customering.profile.traits import TraitSet
from customering.stores.erasing_journal import ErasureJournal
from customering.stores.history import History
from customering.stores.rights import RightsStore
from customering.stores.sqlite_log import SqliteLog
from customering.stores.sqlite_quarantine import SqliteQuarantine
from customering.stores.state import State


def real_clock() -> int:
    """Give the present, milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Parts:
    """The parts of one home; use it as a context manager so that every file is closed.

    Parameters
    ----------
    home
        The home to open. Nothing is opened before it is used.
    clock
        Gives the real present; handed in so that tests can hold it still.
    """

    def __init__(self, home: Home, *, clock: Callable[[], int] = real_clock) -> None:
        self.home = home
        self.clock = clock
        self._open = ExitStack()
        # The clock that is in use then is asked, not the one of today.
        self.uses = BulkUse(lambda: self.rights, lambda: self.journal, lambda: self.clock())  # noqa: PLW0108
        """What was done with many people's data; it goes into the trail."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.uses.write()
        self._open.close()

    @property
    def settings(self) -> CustomeringSettings:
        """The settings in force."""
        return self.home.loaded.settings

    @property
    def present(self) -> int:
        """The instant everything is judged at: the real one, or the one the settings pretend.

        A pretended clock moves on by a millisecond with every event of the log, so that what is
        ruled, chosen or decided later is later there too.
        """
        if not self.settings.clock.present:
            return self.clock()
        return self.pretended_start + self.reading_log.end

    @cached_property
    def pretended_start(self) -> int:
        """The instant the settings pretend. Milliseconds since 1970."""
        pretended = self.settings.clock.present
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
        # A purpose that was taken away takes the shipped traits with it that are kept for it alone.
        shipped = tuple(one for one in shipped_traits() if one.purpose in self.consent.keys)
        return TraitSet(lay_over(shipped, own), sorted(self.consent.keys))

    @cached_property
    def consent(self) -> CompiledPolicy:
        """The gate: the purposes and what the settings state for people who have not chosen."""
        return CompiledPolicy(self.purposes, self.settings.consent)

    @cached_property
    def purposes(self) -> PurposeBook:
        """The shipped purposes with the operator's own laid over them."""
        return purposes_in_force(self.home.text_of("purposes.toml"))

    @cached_property
    def rules(self) -> IdentityRules:
        """The rules of identity."""
        return IdentityRules(self.settings.identity)

    @cached_property
    def decision_policy(self) -> DecisionPolicy:
        """What decides."""
        return compile_policy(self.settings.decision, self.consent, self.settings.learning)

    # Stores

    @cached_property
    def log(self) -> SqliteLog:
        """The log, opened for writing; only one process can."""
        self._look_at_journal_copy()
        log = self._open.enter_context(SqliteLog(self.home.log_path, self.settings.events))
        if self._was_anybody_erased:
            own = self.settings.rights.categories
            log.admission = admission_of(self.journal.tombstones(), self.rules, own)
        overwrite_old(self.home.folder)
        return log

    @cached_property
    def reading_log(self) -> SqliteLog:
        """The log, opened for reading; a home without one gets an empty one."""
        if "log" in self.__dict__ or not self.home.log_path.exists():
            return self.log
        return self._open.enter_context(
            SqliteLog(self.home.log_path, self.settings.events, read_only=True)
        )

    @cached_property
    def journal(self) -> ErasureJournal:
        """What was erased, so that it stays erased."""
        journal = open_journal(self.home.folder)
        self._open.callback(journal.close)
        return journal

    @cached_property
    def rights(self) -> RightsStore:
        """What people asked for, and who looked at whom."""
        rights = RightsStore(self.home.folder / JOURNAL)
        self._open.callback(rights.close)
        return rights

    @property
    def _was_anybody_erased(self) -> bool:
        return (self.home.folder / JOURNAL).exists()

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
    def receipts(self) -> Receipts:
        """The consent ledger."""
        receipts = Receipts.open(self.home, rules=self.rules, book=self.purposes, clock=self.clock)
        self._open.callback(receipts.close)
        return receipts

    @cached_property
    def agreements(self) -> Agreements:
        """The agreements that people proffered."""
        return Agreements(self.receipts, self.consent, self.settings.consent)

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
        return ModelShelf(self.home.models_folder, self.home.catalog_folder)

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
    def collecting(self) -> Collecting:
        """What may be recorded of whom; asked before anything is appended."""
        return Collecting(
            CompiledCollecting(self.purposes, self.settings.consent, self.consent),
            folding=lambda: self.folding,
            state=self.state,
            now_ms=lambda: self.present,
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

    @cached_property
    def actions(self) -> tuple[Action, ...]:
        """What may be done beside showing products: written in actions.toml, and imported."""
        text = self.home.text_of("actions.toml") or ""
        written = read_actions(
            text, file="actions.toml", policy=self.consent, traits=self._names_of_traits
        )
        return (*written, *self.catalog.read())

    @property
    def _names_of_traits(self) -> set[str]:
        return {*self.traits.traits, "declared"}

    @cached_property
    def catalog(self) -> Catalog:
        """Imported actions."""
        return Catalog(self.home.catalog_folder)

    @cached_property
    def product_catalog(self) -> ProductCatalog:
        """Products the operator told of."""
        return ProductCatalog(self.home.catalog_folder)

    @cached_property
    def deciding(self) -> Deciding:
        """Decisions for real people."""
        return Deciding(
            models=self.models,
            policy=self.decision_policy,
            actions=self.actions,
            settings=self.settings,
            learner=lambda: self.learner.learner,
            look_up=self._look_up,
        )

    def _look_up(self, name: Identifier, now_ms: int) -> Glance:
        """Glance at whoever an identifier names, such as somebody's friend."""
        names = self.folding.graph.identifiers_of(name)
        states = self.folding.states_of(names)
        return self.people.glance(own_id(names[0]), names, states, now_ms)

    @cached_property
    def learner(self) -> DecisionLearner:
        """What decisions learned from outcomes; as far as it was brought up to the log."""
        return DecisionLearner(
            self.home.models_folder,
            self.settings.learning,
            # The fold is made anew by a rebuild: ask for it each time.
            lambda name: self.folding.graph.identifiers_of(name),  # noqa: PLW0108
        )

    @cached_property
    def audiences(self) -> AudienceIndex:
        """The saved questions of audiences.toml."""
        text = self.home.text_of("audiences.toml") or ""
        return AudienceIndex(read_audiences(text, file="audiences.toml"), self.traits)

    @property
    def person_of(self) -> dict[str, str]:
        """Anchor to a name of its person, for people with several identifiers."""
        return {name: names[0] for names in self.folding.graph.people() for name in names}

    def keep_journal_copy(self) -> None:
        """Copy the journal of erasures to where the settings say, if they do.

        Raises
        ------
        Unavailable
            When it cannot be written.
        """
        if self.settings.rights.journal_copy:
            self.journal.copy_to(Path(self.settings.rights.journal_copy))

    def _look_at_journal_copy(self) -> None:
        """Take over erasures that only the copy knows: then this home was restored.

        Raises
        ------
        Unavailable
            When its folder is not there: nobody could say who is to be erased again.
        """
        folder = Path(self.settings.rights.journal_copy)
        if not self.settings.rights.journal_copy:
            return
        if not folder.is_dir():
            raise Unavailable(
                f"the folder of the copy of the journal of erasures is not there: {folder}",
                hint="mount it, or change rights.journal_copy in customering.toml",
            )
        if (folder / JOURNAL).exists():
            with closing(open_journal(folder)) as other:
                self.journal.take_from(other)
