"""A glance at a person: what a decision needs of them, worked out when it is asked for."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from msgspec.structs import replace

from customering.app.folding import trait_mask
from customering.app.models import ModelShelf
from customering.app.persuaded import CONTACT, Persuaded
from customering.consent.gate import CompiledPolicy, permit
from customering.consent.model import STATUS_FACT as STATUS_FACT
from customering.consent.model import ConsentRecord, Permit, SetStatus
from customering.kernel.ids import Identifier, PersonId
from customering.profile.lazy import LazyValues, Reader
from customering.profile.model import State as ProfileState
from customering.profile.traits import TraitSet
from customering.relationship.facts import facts_from, history_from
from customering.relationship.model import (
    ContactContract,
    DeclaredStatus,
    Persuasion,
    SettableStatus,
)
from customering.relationship.settings import StatusSettings
from customering.relationship.status import judge
from customering.relationship.value import outlook
from customering.relationship.words import CONTRACTS

VALUE_PURPOSE = "profile.value_scoring"
"""The purpose under which value and status are estimated."""

_SETTABLE = frozenset(get_args(SettableStatus))

DISMISSED_TRAIT = "dismissed_actions"
"""The trait of what a person said no to: by action the latest days on which they did."""


class Glance:
    """One person as a decision sees them: everything is worked out when it is asked for.

    It holds for one instant and for states as they are; use it at once and let it go.

    Parameters
    ----------
    person_id, identifiers, as_of, consent
        As in `Person`.
    values
        Trait values by name, as far as the person permits.
    binding
        The same of all anchors from which a wish of the person binds us, which may be more.
    contract
        Gives the contact that is fine in the person's status.
    persuasions
        Gives what acting does to the person.
    """

    __slots__ = ("_binding", "_contract", "_persuasions", "as_of", "consent", "declared_status",
                 "identifiers", "person_id", "values")  # fmt: skip

    def __init__(
        self,
        person_id: PersonId,
        identifiers: tuple[Identifier, ...],
        as_of: int,
        consent: ConsentRecord,
        values: LazyValues,
        binding: LazyValues,
        contract: Callable[[LazyValues, DeclaredStatus | None], ContactContract],
        persuasions: Callable[[LazyValues], Mapping[str, Persuasion]] = lambda values: {},
    ) -> None:
        self.person_id = person_id
        self.identifiers = identifiers
        self.as_of = as_of
        self.consent = consent
        self.values = values
        self.declared_status = declared_status(binding.declared.get(STATUS_FACT))
        self._binding = binding
        self._contract = contract
        self._persuasions = persuasions

    @property
    def status_set(self) -> SetStatus | None:
        """The status the person set, as the gate takes it."""
        return None if self.declared_status is None else set_status(self.declared_status)

    def permits(self, purpose: str, channel: str, policy: CompiledPolicy) -> bool:
        """Ask the gate about one purpose, at the instant of the glance."""
        answer = permit(
            self.consent, purpose, "", channel, self.as_of, policy=policy, status=self.status_set
        )
        return isinstance(answer, Permit)

    @property
    def contract(self) -> ContactContract:
        """The contact that is fine in the person's status."""
        return self._contract(self.values, self.declared_status)

    @property
    def persuasions(self) -> Mapping[str, Persuasion]:
        """What acting does to the person, by the way of acting; empty where it is not known."""
        return self._persuasions(self.values)

    @property
    def dismissed(self) -> dict[str, int]:
        """What the person said no to: by action the last UTC day number on which they did."""
        days: Mapping[str, Sequence[int]] = self._binding.observed(DISMISSED_TRAIT) or {}
        return {action_id: some[-1] for action_id, some in days.items() if some}


class Glances:
    """Takes glances at people.

    Parameters
    ----------
    traits, policy, settings
        What to compute, what is permitted, and when a status is which.
    models
        Fitted models.
    seed
        Seed of all chance of decisions.
    """

    def __init__(
        self,
        *,
        traits: TraitSet,
        policy: CompiledPolicy,
        settings: StatusSettings,
        models: ModelShelf,
        seed: int = 1,
    ) -> None:
        self._traits = traits
        self._policy = policy
        self._settings = settings
        self._models = models
        self._persuaded = Persuaded(models, settings, seed)
        self._reader = Reader(traits)
        self._unchosen = trait_mask(traits, policy, None)
        self._judging = traits.mask_of((VALUE_PURPOSE,))

    def glance(
        self,
        person_id: PersonId,
        names: Sequence[Identifier],
        states: Sequence[ProfileState],
        now_ms: int,
        *,
        also: Sequence[ProfileState] = (),
    ) -> Glance:
        """Take a glance at one person; see `People.glance`."""
        every = [*states, *also] if also else states
        record = self._reader.consent(every)
        mask = trait_mask(self._traits, self._policy, record) if record else self._unchosen
        may_judge = not self._judging or bool(mask & self._judging)

        found: list[Mapping[str, Persuasion]] = []  # asked twice a decision, worked out once

        def persuasions(known: LazyValues) -> Mapping[str, Persuasion]:
            if not found:
                found.append(self._persuaded.of(person_id, known, now_ms) if may_judge else {})
            return found[0]

        def contract(known: LazyValues, wish: DeclaredStatus | None) -> ContactContract:
            measured = persuasions(known).get(CONTACT)
            return self._contract(known if may_judge else {}, wish, now_ms, measured)

        values = self._reader.values(states, now_ms, mask)
        binding = self._reader.values(every, now_ms, mask) if also else values
        wish = declared_status(binding.declared.get(STATUS_FACT))
        if wish is not None:
            mask = trait_mask(self._traits, self._policy, record, set_status(wish), now_ms)
            may_judge = not self._judging or bool(mask & self._judging)
            values = self._reader.values(states, now_ms, mask)
        return Glance(
            person_id, tuple(names), now_ms, record, values, binding, contract, persuasions
        )

    def _contract(
        self,
        known: Mapping[str, Any],
        wish: DeclaredStatus | None,
        now_ms: int,
        measured: Persuasion | None,
    ) -> ContactContract:
        """Say which contact is fine; the model is only asked about people who are late.

        Nobody else's status depends on what it expects, beside the gap that is usual among all.
        """
        model, settings = self._models.value, self._settings
        facts = facts_from(known, None, wish, now_ms, for_words=False, persuasion=measured)
        history = None if model is None else history_from(known, now_ms)
        if model is None or history is None:
            return CONTRACTS[judge(facts, settings).name]
        facts = replace(facts, usual_gap_days=model.usual_gap_days)
        found = judge(facts, settings)
        if found.rhythm is not None and found.rhythm.lateness > 1:
            expected = outlook(model, history)
            facts = replace(
                facts,
                p_alive=expected.p_alive,
                expected_purchases_90=expected.expected_purchases_90,
            )
            found = judge(facts, settings)
        return CONTRACTS[found.name]


def set_status(wish: DeclaredStatus) -> SetStatus:
    """Give a status that a person set as the gate takes it."""
    return SetStatus(status=wish.status, until_ms=wish.until_ms)


def declared_status(fact: Any) -> DeclaredStatus | None:
    """Read the status a person set from their declared fact; None when it is not one."""
    if not isinstance(fact, dict) or fact.get("status") not in _SETTABLE:
        return None
    return DeclaredStatus(
        status=fact["status"], since_ms=int(fact.get("since_ms", 0)), until_ms=fact.get("until_ms")
    )
