"""One home, opened: what is done with it, from a payload to a profile and a decision."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from customering.app.consenting import statuses_set
from customering.app.deciding import contact_text
from customering.app.erasing_certificate import Certificate, Signer
from customering.app.erasing_gate import JOURNAL, open_journal
from customering.app.erasing_home import begin, finish_pending
from customering.app.erasing_registers import Forget, registers_of
from customering.app.erasing_waiting import models_fitted
from customering.app.folding import (
    Progress,
    copy_to_history,
    default_mask,
    fingerprint_of,
)
from customering.app.learning import TASTE_PURPOSE, VALUE_PURPOSE, Learned, learn
from customering.app.parts import Parts
from customering.app.parts import real_clock as real_clock
from customering.app.people import Person
from customering.app.permission import PeopleMasks, Permission, masks_for, permission_for
from customering.app.purchases import PurchaseData, read_purchases, with_people
from customering.app.reaching import BEST_CHANNEL
from customering.app.rebuilding import Rebuilt, rebuild
from customering.consent.rights import Again
from customering.consent.rights_scope import EVERYTHING, Scope
from customering.decision.model import LEAVE_ALONE, Decision, DecisionRequest
from customering.decision.record import event_of
from customering.events.intake import Intake, intake
from customering.events.model import PERMISSION_NAMES, Event
from customering.events.store import Appended
from customering.kernel.errors import Absent, Invalid, InvalidEvent
from customering.kernel.ids import Identifier, stable_id
from customering.profile.audiences import members_sql
from customering.profile.fold import merge_states
from customering.stores.erasing_journal import Erasure

_READ_AT_ONCE = 500  # people, with everything that is known of them


def _silent(events: int) -> None:
    """Tell nobody about progress."""


class Engine(Parts):
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

    def learn(self) -> Learned:
        """Bring everything up to date and fit all models."""
        may_score = self.permission(VALUE_PURPOSE)
        may_suggest = self.permission(TASTE_PURPOSE)
        self.copy_to_history()
        may_teach = self.permission(self.settings.learning.purpose)
        self.learner.rebuild(self.reading_log, may_teach)
        erasures = len(self.journal.erasures()) if self._was_anybody_erased else 0
        learned = learn(
            history=self.history,
            shelf=self.models,
            person_of=self.person_of,
            may_score=may_score,
            may_suggest=may_suggest,
            now_ms=self.present,
            currency=self.settings.events.default_currency,
            settings=self.settings.models,
            erasures=erasures,
        )
        if erasures:
            models_fitted(self, erasures)
        return learned

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
        glance = self.people.glance(person.person_id, person.identifiers, [person.state], now_ms)
        decision = self.deciding.decide(glance, request, now_ms)
        self.append([self.record(decision, person.identifiers[0], self.clock())])
        return decision

    def check_channel(self, request: DecisionRequest) -> None:
        """Refuse a misspelt channel, which would leave everybody alone without a word."""
        if request.channel != BEST_CHANNEL and request.purpose not in self.consent.keys:
            known = sorted(
                k.removeprefix("marketing.") for k in self.consent.keys if "marketing." in k
            )
            raise Invalid(
                f"there is no channel {request.channel!r}: no purpose {request.purpose} exists",
                hint=f"channels: {', '.join(known)}",
            )

    def record(self, decision: Decision, name: Identifier, recorded_at: int) -> Event:
        """Give the event that keeps a decision; a contact is noted for the caps to count."""
        event = event_of(decision, (name,), recorded_at)
        chosen = decision.chosen[0]
        if decision.channel and chosen != LEAVE_ALONE:
            contact = contact_text(decision.decided_at, decision.channel, chosen)
            event.properties["contact"] = contact
        return event

    def everybody(self) -> Iterator[Person]:
        """Give every person, one after the other, as of the present."""
        self.catch_up()
        graph, now_ms = self.folding.graph, self.present
        waiting = iter(self.names_of_everybody())
        while some := list(islice(waiting, _READ_AT_ONCE)):
            kept = self.state.get([name for names in some for name in names])
            for names in some:
                states = [self.traits.decode(kept[name]) for name in names if name in kept]
                merged = merge_states(self.traits, states)
                yield self.people.judge(graph.person_of(names[0]), names, merged, now_ms)

    def names_of_everybody(self) -> list[tuple[Identifier, ...]]:
        """Give the identifiers of every person of whom anything is known, the canonical one first.

        Profiles must be current; see `catch_up`.
        """
        done: set[Identifier] = set()
        people = []
        for anchor in self.state.anchors():
            if anchor not in done:
                names = self.folding.graph.identifiers_of(anchor)
                people.append(names)
                if len(names) > 1:
                    done.update(names)
        self.uses.note(profiles=len(people))
        return people

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
                person.identifiers[0]: index.members(person.state, person.as_of, person.usable)
                for person in self.everybody()
            }
        self.uses.note(profiles=len(inside))
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
        spoken = {anchor for anchor, _ in self.state.choices()}
        for anchor in spoken | statuses_set(self.history, self.folding.graph).keys():
            person = self.people.read(anchor, now_ms=self.present)
            members = self.audiences.members(person.state, person.as_of, person.usable)
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
        found = permission_for(
            purpose,
            policy=self.consent,
            graph=self.folding.graph,
            choices=self.state.choices(),
            statuses=statuses_set(self.history, self.folding.graph),
            now_ms=self.present,
        )
        if found.by_default:
            reached = max(self.history.anchors - len(found.exceptions), 0)
            self.uses.note(purpose, profiles=reached)
        else:
            self.uses.note(purpose, members=found.exceptions)
        return found

    def masks(self) -> PeopleMasks:
        """Ask the gate all purposes for everybody, as of everything in the log."""
        self.catch_up()
        self.copy_to_history()
        self.uses.note(profiles=self.history.anchors)
        return masks_for(
            policy=self.consent,
            graph=self.folding.graph,
            choices=self.state.choices(),
            statuses=statuses_set(self.history, self.folding.graph),
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
            What was accepted (durable when this returns) and what was set aside; what a person
            does not let us record is in neither.
        """
        self.catch_up()
        taken = self.collecting.sift(
            intake(
                payloads,
                plan=self.plan,
                settings=self.settings.events,
                source=source,
                received_at=self.clock(),
            )
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
        self,
        name: Identifier,
        again: Again = "new",
        *,
        request_id: str = "",
        scope: Scope = EVERYTHING,
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
        scope
            What is erased.

        Raises
        ------
        NoSuchPerson
            When nothing is known under this identifier.
        Invalid, Refused
            When that part cannot be erased.
        Conflict
            When a server runs on this home: it is to be asked then.
        """
        self.catch_up()
        return begin(self, name, again, request_id, scope)

    def finish_erasures(self) -> list[Certificate]:
        """Complete every erasure that was begun: bytes included.

        Raises
        ------
        Conflict
            When a server is at it.
        """
        return finish_pending(self)

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
        self.catch_up()
        self.append(self.collecting.sift(taken).accepted)
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
