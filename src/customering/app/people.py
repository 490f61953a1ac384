"""Reading one person: who they are, what is known, how we stand; now or as of an instant."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from customering.app.folding import copy_to_history, trait_mask
from customering.app.glance import STATUS_FACT as STATUS_FACT
from customering.app.glance import VALUE_PURPOSE, Glance, Glances, declared_status, set_status
from customering.app.models import ModelShelf
from customering.app.persuaded import CONTACT, Persuaded, as_facts
from customering.app.settings import CustomeringSettings
from customering.consent.gate import CompiledPolicy
from customering.consent.model import ConsentRecord
from customering.events.model import Event
from customering.events.store import EventLog
from customering.identity.closure import links_around
from customering.identity.graph import IdentityGraph
from customering.identity.rules import IdentityRules
from customering.kernel.errors import Invalid, NoSuchPerson
from customering.kernel.ids import Identifier, PersonId
from customering.kernel.records import Record
from customering.profile.audiences import AudienceIndex
from customering.profile.fold import finish, fold_events, merge_states, values
from customering.profile.model import State as ProfileState
from customering.profile.model import TraitValue
from customering.profile.traits import CONSENT, TraitSet
from customering.relationship.facts import facts_from, history_from
from customering.relationship.model import DeclaredStatus, Persuasion, Status, ValueEstimate
from customering.relationship.rhythm import rhythm_of
from customering.relationship.status import status_of
from customering.relationship.value import estimate
from customering.relationship.words import alive_in_words
from customering.stores.history import History
from customering.stores.state import State


class Person(Record, frozen=True):
    """One person as everything else reads them.

    Parameters
    ----------
    person_id, identifiers
        Who they are; the identifiers with the canonical one first.
    as_of
        The instant everything holds for. Milliseconds since 1970.
    state
        The merged state of their anchors.
    consent
        What they chose.
    mask
        The trait purposes they permit.
    refused
        The purposes of traits that they do not permit.
    usable
        The trait purposes for which they may be used now: what their status forbids is kept, and
        shown to them, but not used.
    values
        Bare trait values by name.
    declared_status
        The status they set themselves; None when they did not.
    estimate
        What the value model expects; None without a model, a purchase or the permission.
    status
        How we stand.
    persuasions
        What acting does to them, by the way of acting; empty where it is not known.
    """

    person_id: PersonId
    identifiers: tuple[Identifier, ...]
    as_of: int
    state: ProfileState
    consent: ConsentRecord
    mask: int
    refused: tuple[str, ...]
    usable: int
    values: dict[str, Any]
    declared_status: DeclaredStatus | None
    estimate: ValueEstimate | None
    status: Status
    persuasions: dict[str, Persuasion] = msgspec.field(default_factory=dict)


class People:
    """Reads people from the stores.

    Parameters
    ----------
    log, history, state
        The stores.
    traits, policy, settings
        What to compute, what is permitted, and the rules.
    models
        Fitted models; value is only estimated when there is one.
    """

    def __init__(
        self,
        *,
        log: EventLog,
        history: History,
        state: State,
        traits: TraitSet,
        policy: CompiledPolicy,
        settings: CustomeringSettings,
        models: ModelShelf,
    ) -> None:
        self._log = log
        self._history = history
        self._store = state
        self._traits = traits
        self._policy = policy
        self._settings = settings
        self._models = models
        self._glances = Glances(
            traits=traits,
            policy=policy,
            settings=settings.relationship,
            models=models,
            seed=settings.decision.seed,
        )
        self._persuaded = Persuaded(models, settings.relationship, settings.decision.seed)

    def identifier(self, text: str) -> Identifier:
        """Read how an operator names a person: ``type:value``, an e-mail address or a person id.

        Raises
        ------
        Invalid
            When the text is none of these.
        NoSuchPerson
            When no anchor has this person id.
        """
        if text.startswith("per_") and ":" not in text:
            return self._of_id(PersonId(text))
        if ":" in text and not text.startswith(":"):
            return Identifier(text)
        if "@" in text:
            return Identifier(f"email:{text.lower()}")
        raise Invalid(
            f"{text!r} does not name a person",
            hint="write type:value, such as loyalty_card:1029 or email:ada@example.org",
        )

    def _of_id(self, person: PersonId) -> Identifier:
        graph = IdentityGraph(self._store.links(), self._settings.identity)
        graph.register(self._store.anchors())
        found = graph.lookup(person)
        if found is None:
            raise NoSuchPerson(
                f"no person has the id {person}",
                hint="look the person up by an identifier, such as loyalty_card:1029",
            )
        return found

    def known(self, text: str) -> Identifier:
        """Read how an operator names a person of whom something is known.

        Raises
        ------
        NoSuchPerson
            When no event and no link carries the identifier.
        """
        name = self.identifier(text)
        if not self._store.get([name]) and not self._store.touching([name]):
            raise _unknown(name, "")
        return name

    def graph_of(
        self, name: Identifier, as_of: int | None = None, *, also: Identifier | None = None
    ) -> IdentityGraph:
        """Give the part of the identity graph that can matter for one or two identifiers."""
        rules = IdentityRules(self._settings.identity)
        names = [name] if also is None else [name, also]
        links = {
            link
            for one in names
            for link in links_around(one, self._store.touching, rules, as_of=as_of)
        }
        return IdentityGraph(links, self._settings.identity)

    def read(self, name: Identifier, *, now_ms: int, as_of: int | None = None) -> Person:
        """Read one person.

        Parameters
        ----------
        name
            One of their identifiers.
        now_ms
            The present.
        as_of
            An earlier instant: only what had occurred by then is known.

        Raises
        ------
        NoSuchPerson
            When nothing is known under this identifier.
        """
        names = self.graph_of(name, as_of).identifiers_of(name)
        if as_of is None:
            kept = self._store.get(names)
            state = merge_states(self._traits, [self._traits.decode(s) for s in kept.values()])
            known = bool(kept)
        else:
            copy_to_history(self._log, self._history, self.graph_of(name).rules)
            events = self._history.events_of(names, until_ms=as_of)
            state, known = fold_events(self._traits, events), bool(events)
        if not known and len(names) == 1:
            raise _unknown(name, "" if as_of is None else " at that time")
        graph = self.graph_of(name, as_of)
        instant = now_ms if as_of is None else as_of
        return self.judge(graph.person_of(name), names, state, instant)

    def judge(
        self,
        person_id: PersonId,
        names: Sequence[Identifier],
        state: ProfileState,
        now_ms: int,
    ) -> Person:
        """Say what a state means at an instant, as far as the person permits."""
        record = state[CONSENT] or {}
        mask = trait_mask(self._traits, self._policy, record)
        refused = tuple(
            purpose
            for purpose in self._traits.purposes
            if not self._traits.mask_of((purpose,)) & mask
        )
        known = values(self._traits, state, now_ms, allowed_mask=mask)
        wish = declared_status(known["declared"].get(STATUS_FACT))
        usable = mask
        may_judge = VALUE_PURPOSE not in refused
        if wish is not None:
            status = set_status(wish)
            usable = trait_mask(self._traits, self._policy, record, status, now_ms)
            forbidden = self._policy.forbidden_by_status(status, VALUE_PURPOSE, now_ms)
            may_judge = may_judge and forbidden is None
        expected = self._estimate(known, now_ms) if may_judge else None
        measured = self._persuaded.of(person_id, known, now_ms) if may_judge else {}
        return Person(
            person_id=person_id,
            identifiers=tuple(names),
            as_of=now_ms,
            state=state,
            consent=record,
            mask=mask,
            refused=refused,
            usable=usable,
            values=known,
            declared_status=wish,
            estimate=expected,
            persuasions=measured,
            status=self._status(
                known, expected, wish, now_ms, measured.get(CONTACT), may_judge=may_judge
            ),
        )

    def glance(
        self,
        person_id: PersonId,
        names: Sequence[Identifier],
        states: Sequence[ProfileState],
        now_ms: int,
        *,
        also: Sequence[ProfileState] = (),
    ) -> Glance:
        """Read what a decision needs of a person, and no more: what `judge` says, when asked for.

        Parameters
        ----------
        person_id, names
            Who they are.
        states
            The states of their anchors, in any number: none for somebody who is not known yet.
        now_ms
            The instant to decide at.
        also
            The states of further anchors of the same person, of which nothing is used but what
            binds us: their choices, the status they set, and what they said no to.
        """
        return self._glances.glance(person_id, names, states, now_ms, also=also)

    def _status(
        self,
        known: dict[str, Any],
        expected: ValueEstimate | None,
        wish: DeclaredStatus | None,
        now_ms: int,
        measured: Persuasion | None,
        *,
        may_judge: bool,
    ) -> Status:
        """Say how we stand; where we may not judge, only what the person set themselves."""
        facts = facts_from(known if may_judge else {}, expected, wish, now_ms, persuasion=measured)
        found = status_of(
            facts,
            self._settings.relationship,
            outlook_at=(lambda at: self._estimate(known, at)) if may_judge else None,
        )
        if may_judge or found.set_by == "person":
            return found
        return replace(
            found,
            operator_words="Not known: this person does not permit us to estimate how we stand.",
            person_words="We do not know, because you do not permit us to estimate how we stand.",
            facts=(),
            would_change=("The person may permit it.",),
        )

    def _estimate(self, known: dict[str, Any], now_ms: int) -> ValueEstimate | None:
        model = self._models.value
        history = history_from(known, now_ms)
        return None if model is None or history is None else estimate(model, history)

    def facts(self, person: Person) -> dict[str, TraitValue]:
        """Give every fact known of a person with its provenance; declared outranks observed."""
        found = finish(self._traits, person.state, person.as_of, person.mask)
        if person.estimate is not None:
            found |= _inferred(person.estimate, person.as_of, found, self._alive_words(person))
        return as_facts(person.persuasions, person.as_of, VALUE_PURPOSE) | found

    def _alive_words(self, person: Person) -> str:
        """Say how far the chance that somebody is still a customer is that of their status."""
        facts = facts_from(person.values, person.estimate, None, person.as_of, for_words=False)
        rhythm = rhythm_of(facts, self._settings.relationship)
        return alive_in_words(facts.p_alive or 0.0, rhythm, "your")

    def audiences(self, person: Person, index: AudienceIndex) -> tuple[str, ...]:
        """Give the audiences the person belongs to now."""
        return tuple(sorted(index.members(person.state, person.as_of, person.usable)))

    def timeline(self, person: Person, last: int) -> list[Event]:
        """Give the latest events of a person, newest first."""
        copy_to_history(self._log, self._history, self.graph_of(person.identifiers[0]).rules)
        events = self._history.events_of(person.identifiers, until_ms=person.as_of)
        return events[: -last - 1 : -1]


def _unknown(name: Identifier, when: str) -> NoSuchPerson:
    return NoSuchPerson(
        f"nothing is known of {name}{when}",
        hint="check the type and the spelling; `customering log tail` shows who was seen",
    )


_INFERRED = {
    "p_alive": "how likely it is that you still shop with us",
    "expected_purchases_30": "how often we expect you in the next 30 days",
    "expected_purchases_90": "how often we expect you in the next 90 days",
    "expected_value_90_minor": "how much we expect you to spend in the next 90 days",
}


def _inferred(
    expected: ValueEstimate, as_of: int, known: dict[str, TraitValue], alive_words: str
) -> dict[str, TraitValue]:
    """Give what the model concludes, where nobody said or showed it."""
    said = dict(_INFERRED)
    if alive_words:
        said["p_alive"] += f", {alive_words}"
    return {
        name: TraitValue(
            value=value, provenance="inferred", as_of=as_of, purpose=VALUE_PURPOSE, words=words
        )
        for name, words in said.items()
        if (value := getattr(expected, name)) is not None and name not in known
    }
