"""One home, opened: every object built once, and the live path from a payload to a profile."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import cached_property
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from customering.app.agreements import Agreements
from customering.app.catalog import Catalog
from customering.app.consenting import statuses_set
from customering.app.deciding import Deciding, contact_text
from customering.app.decision_file import DecisionFile
from customering.app.erasing_certificate import Certificate, Signer
from customering.app.erasing_gate import JOURNAL, admission_of, open_journal
from customering.app.erasing_home import begin, finish_pending
from customering.app.erasing_registers import Forget, registers_of
from customering.app.folding import (
    Folding,
    Progress,
    copy_to_history,
    default_mask,
    fingerprint_of,
)
from customering.app.home import Home
from customering.app.learner import DecisionLearner
from customering.app.learning import TASTE_PURPOSE, VALUE_PURPOSE, Learned, learn
from customering.app.models import ModelShelf
from customering.app.people import People, Person
from customering.app.permission import Permission, permission_for
from customering.app.purchases import PurchaseData, read_purchases, with_people
from customering.app.rebuilding import Rebuilt, rebuild
from customering.app.receipts import Receipts
from customering.app.settings import CustomeringSettings
from customering.consent.gate import CompiledPolicy
from customering.consent.purposes import PurposeBook, purposes_in_force
from customering.consent.rights import Again
from customering.decision.actions import read_actions
from customering.decision.model import LEAVE_ALONE, Action, Decision, DecisionRequest
from customering.decision.policy import DecisionPolicy, compile_policy
from customering.decision.record import event_of
from customering.events.commerce import tracking_plan
from customering.events.intake import Intake, intake
from customering.events.model import PERMISSION_NAMES, Event
from customering.events.plan import TrackingPlan
from customering.events.plan_file import parse_plan
from customering.events.store import Appended
from customering.identity.rules import IdentityRules
from customering.kernel.clock import parse_instant
from customering.kernel.errors import Absent, Invalid, InvalidEvent, InvalidSettings, Unavailable
from customering.kernel.ids import Identifier, stable_id
from customering.profile.audiences import AudienceIndex, members_sql
from customering.profile.definitions import lay_over, read_audiences, read_traits, shipped_traits
from customering.profile.fold import merge_states
from customering.profile.traits import TraitSet
from customering.stores.erasing_journal import Erasure, ErasureJournal
from customering.stores.history import History
from customering.stores.rights import RightsStore
from customering.stores.sqlite_log import SqliteLog
from customering.stores.sqlite_quarantine import SqliteQuarantine
from customering.stores.state import State

_DECISIONS_A_ROUND = 500


def _silent(events: int) -> None:
    """Tell nobody about progress."""


def batched(people: Iterator[Person], size: int) -> Iterator[list[Person]]:
    """Give people in rounds, one round in memory at a time."""
    while some := list(islice(people, size)):
        yield some


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
        return TraitSet(lay_over(shipped_traits(), own), sorted(self.consent.keys))

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
            log.admission = admission_of(self.journal.tombstones(), self.rules)
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
    def deciding(self) -> Deciding:
        """Decisions for real people."""
        return Deciding(
            models=self.models,
            policy=self.decision_policy,
            actions=self.actions,
            settings=self.settings,
            learner=lambda: self.learner.learner,
        )

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

    # Acts

    def learn(self) -> Learned:
        """Bring everything up to date and fit all models."""
        may_score = self.permission(VALUE_PURPOSE)
        may_suggest = self.permission(TASTE_PURPOSE)
        self.copy_to_history()
        may_teach = self.permission(self.settings.learning.purpose)
        self.learner.rebuild(self.reading_log, may_teach)
        return learn(
            history=self.history,
            shelf=self.models,
            person_of=self.person_of,
            may_score=may_score,
            may_suggest=may_suggest,
            now_ms=self.present,
            currency=self.settings.events.default_currency,
            settings=self.settings.models,
            erasures=len(self.journal.erasures()) if self._was_anybody_erased else 0,
        )

    def purchases(self, purpose: str) -> PurchaseData:
        """Read the purchases of everybody who permits a purpose."""
        permission = self.permission(purpose)
        self.copy_to_history()
        return read_purchases(self.history, self.person_of, permission)

    def decide(self, name: Identifier, request: DecisionRequest) -> Decision:
        """Decide for one person, and append the decision to the log.

        Raises
        ------
        Invalid
            When people cannot be reached by this channel at all.
        NoSuchPerson
            When nothing is known under this identifier.
        """
        self.check_channel(request)
        self.catch_up()
        self.learner.catch_up(self.reading_log)
        now_ms = self.present
        person = self.people.read(name, now_ms=now_ms)
        decision = self._decide(person, request, now_ms)
        self.append([self.record(decision, person.identifiers[0])])
        return decision

    def decide_all(
        self, request: DecisionRequest, out: Path, progress: Progress = _silent
    ) -> tuple[int, int]:
        """Decide for everybody, append all decisions to the log, and write them to a Parquet file.

        Returns
        -------
        tuple of int
            People decided for, and actions chosen.

        Raises
        ------
        Invalid
            When people cannot be reached by this channel at all.
        """
        self.check_channel(request)
        people = chosen = 0
        self.catch_up()
        self.learner.catch_up(self.reading_log)
        now_ms = self.present
        with DecisionFile(out) as file:
            for some in batched(self.everybody(), _DECISIONS_A_ROUND):
                made = [(person, self._decide(person, request, now_ms)) for person in some]
                self.log.append(
                    [self.record(decision, person.identifiers[0]) for person, decision in made]
                )
                chosen += file.write(
                    [(person.identifiers[0], decision) for person, decision in made]
                )
                people += len(made)
                progress(people)
        self.catch_up()
        return people, chosen

    def _decide(self, person: Person, request: DecisionRequest, now_ms: int) -> Decision:
        glance = self.people.glance(person.person_id, person.identifiers, [person.state], now_ms)
        return self.deciding.decide(glance, request, now_ms)

    def check_channel(self, request: DecisionRequest) -> None:
        """Refuse a misspelt channel, which would leave everybody alone without a word."""
        if request.purpose not in self.consent.keys:
            known = sorted(
                k.removeprefix("marketing.") for k in self.consent.keys if "marketing." in k
            )
            raise Invalid(
                f"there is no channel {request.channel!r}: no purpose {request.purpose} exists",
                hint=f"channels: {', '.join(known)}",
            )

    def record(self, decision: Decision, name: Identifier) -> Event:
        """Give the event that keeps a decision; a contact is noted for the caps to count."""
        event = event_of(decision, (name,), self.clock())
        chosen = decision.chosen[0]
        if decision.channel and chosen != LEAVE_ALONE:
            contact = contact_text(decision.decided_at, decision.channel, chosen)
            event.properties["contact"] = contact
        return event

    def everybody(self) -> Iterator[Person]:
        """Give every person, one after the other, as of the present."""
        self.catch_up()
        graph, now_ms = self.folding.graph, self.present
        done: set[Identifier] = set()
        for anchor, kept in self.state.scan():
            if anchor in done:
                continue
            names = graph.identifiers_of(anchor)
            states = {anchor: kept}
            if len(names) > 1:
                states = self.state.get(names)
                done.update(names)
            merged = merge_states(self.traits, [self.traits.decode(s) for s in states.values()])
            yield self.people.judge(graph.person_of(anchor), names, merged, now_ms)

    def members(self) -> dict[str, list[str]]:
        """Give the people of every audience, by their canonical identifier, in order."""
        self.catch_up()
        stated = default_mask(self.traits, self.consent)
        if stated == self.traits.mask_of(self.traits.purposes):
            inside = self._members_by_query()
        else:
            # What most people do not permit must not be read: ask one by one, under their masks.
            index = self.audiences
            inside = {
                person.identifiers[0]: index.members(person.state, person.as_of, person.mask)
                for person in self.everybody()
            }
        found: dict[str, list[str]] = {name: [] for name in self.audiences.audiences}
        for name in sorted(inside):
            for audience in inside[name]:
                found[audience].append(name)
        return found

    def _members_by_query(self) -> dict[str, Collection[str]]:
        """Ask everybody in one query, and those who chose otherwise one by one."""
        self.copy_to_history()
        everyone = Permission(by_default=True, exceptions=frozenset())
        relation = with_people(self.history, self.person_of, everyone)
        self.history.execute(
            f"CREATE OR REPLACE TEMP VIEW people_history AS SELECT * FROM {relation}"
        )
        query = members_sql(self.audiences, self.traits, "people_history", self.present)
        inside: dict[str, Collection[str]] = {
            row.pop("person"): {audience for audience, is_in in row.items() if is_in}
            for row in self.history.arrow(query.sql("duckdb")).to_pylist()
        }
        for anchor, _ in self.state.choices():
            person = self.people.read(anchor, now_ms=self.present)
            members = self.audiences.members(person.state, person.as_of, person.mask)
            inside[person.identifiers[0]] = members
        return inside

    def permission(self, purpose: str) -> Permission:
        """Ask the gate one purpose for everybody, as of everything in the log.

        Raises
        ------
        Refused
            When the purpose does not exist.
        """
        self.catch_up()
        self.copy_to_history()
        return permission_for(
            purpose,
            policy=self.consent,
            graph=self.folding.graph,
            choices=self.state.choices(),
            statuses=statuses_set(self.history),
            now_ms=self.present,
        )

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
        if any(event.name in PERMISSION_NAMES for event in events):
            self.receipts.try_note(events)
        return appended

    def catch_up(self, progress: Progress = _silent) -> int:
        """Fold what the log has and the profiles lack; rebuild when the definitions changed.

        Returns
        -------
        int
            Events folded.
        """
        if self._was_anybody_erased:
            finish_pending(self)
        if not self.are_profiles_current:
            self.rebuild(progress)
        return self.folding.catch_up(progress)

    @property
    def are_profiles_current(self) -> bool:
        """Whether the stored profiles were folded by the definitions in force."""
        in_force = fingerprint_of(self.traits, self.consent, self.settings)
        return not self.state.offset or self.state.fingerprint == in_force

    def begin_erasure(
        self, name: Identifier, again: Again = "new", *, request_id: str = ""
    ) -> Erasure:
        """Note durably that a person is to be erased; `finish_erasures` is to follow.

        Parameters
        ----------
        name
            One of their identifiers.
        again
            What later events of the same identifiers are.
        request_id
            The request this answers; it gets an id of its own when it is empty.

        Raises
        ------
        NoSuchPerson
            When nothing is known under this identifier.
        Conflict
            When a server runs on this home: it is to be asked then.
        """
        self.catch_up()
        return begin(self, name, again, request_id)

    def finish_erasures(self) -> list[Certificate]:
        """Complete every erasure that was begun: bytes included.

        Raises
        ------
        Conflict
            When a server is at it.
        """
        return finish_pending(self)

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

    def take_erasures_from(self, folder: Path) -> int:
        """Take over what was erased in the home that this one was restored from, and erase it here.

        Returns
        -------
        int
            Erasures that were new here.

        Raises
        ------
        Absent
            When there is no journal of erasures in the folder.
        Conflict
            When it is the journal of another home, or a server runs on this one.
        """
        if not (folder / JOURNAL).exists():
            raise Absent(
                f"there is no {JOURNAL} in {folder}",
                hint="name the folder of the home that the backup was made of, or a copy of its"
                f" {JOURNAL}",
            )
        _ = self.log
        with closing(open_journal(folder)) as other:
            fresh = self.journal.take_from(other)
        finish_pending(self)
        return len(fresh)

    @property
    def registers(self) -> dict[str, Forget]:
        """What else keeps something of people, by its name in the certificate of an erasure."""
        hash_of = self.journal.hash_of
        return {
            "consent ledger": self.receipts.forget,
            "requests": lambda names: self.rights.blot([hash_of(name).hex() for name in names]),
            **registers_of(self.home),
        }

    def forget_learned(self, names: Collection[Identifier]) -> None:
        """Let go of decisions of some people whose outcomes are waited for, stored ones too."""
        self.learner.catch_up(self.reading_log)
        self.learner.feedback.forget(names)
        self.learner.write(self.learner.picture())

    @property
    def signer(self) -> Signer | None:
        """What signs certificates."""
        return self.receipts.key.sign

    def let_go_of_profiles(self) -> None:
        """Let go of the profiles in memory; they are read anew when next used."""
        self.__dict__.pop("folding", None)

    def rebuild(self, progress: Progress = _silent) -> Rebuilt:
        """Compute all profiles anew from the history, in batch.

        Raises
        ------
        Conflict
            When another process, such as a server, writes this home: its profiles would no longer
            be those that are stored.
        """
        _ = self.log
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
            is_of_file = isinstance(again.raw, list)
            raise InvalidEvent(
                f"it is refused again: {again.reason}",
                hint="it comes from a file: mend its rows there and import the file again"
                if is_of_file
                else "mend that field, or the plan in plan.toml",
                path=again.path,
            )
        self.append(taken.accepted)
        self.quarantine.resolve(quarantine_id, "replayed", self.clock())
        return taken.accepted[0]

    def note(
        self, name: str, identifiers: Sequence[Identifier], properties: dict[str, Any]
    ) -> Event:
        """Append one of the system's own events, as of the present, and fold it.

        Parameters
        ----------
        name
            Its name, one of the constants of `customering.events.model`.
        identifiers
            Whom it is about.
        properties
            What it says.
        """
        event = self.own_event(
            name,
            identifiers,
            properties,
            event_id=stable_id("evt", name, *identifiers, str(self.log.end), str(self.clock())),
            occurred_at=self.present,
        )
        self.append([event])
        return event

    def own_event(
        self,
        name: str,
        identifiers: Sequence[Identifier],
        properties: dict[str, Any],
        *,
        event_id: str,
        occurred_at: int,
    ) -> Event:
        """Make one of the system's own events; it is not appended.

        Parameters
        ----------
        name, identifiers, properties
            As of `note`.
        event_id
            Tells it from every other event; one that is appended again under its id counts once.
        occurred_at
            The present. Milliseconds since 1970.
        """
        return Event(
            event_id=event_id,
            kind="track",
            name=name,
            identifiers=tuple(identifiers),
            occurred_at=occurred_at,
            recorded_at=self.clock(),
            properties=properties,
            source="customering",
        )
