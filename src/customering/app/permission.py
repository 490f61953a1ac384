"""Who permits a purpose, for acts on everybody at once: learning, counting, exporting, views."""

from collections.abc import Iterable, Mapping

from customering.consent.gate import CompiledPolicy
from customering.consent.ledger import consent_of
from customering.consent.model import ConsentRecord, SetStatus
from customering.identity.graph import IdentityGraph
from customering.kernel.errors import Refused
from customering.kernel.ids import Identifier
from customering.kernel.records import Record, from_json
from customering.stores.state import Kept


class Permission(Record, frozen=True):
    """The answer to one purpose for every anchor.

    Parameters
    ----------
    by_default
        The answer for people who have not chosen.
    exceptions
        The anchors of people for whom the answer is the other one.
    """

    by_default: bool
    exceptions: frozenset[Identifier]

    def __call__(self, anchor: Identifier) -> bool:
        """Tell whether the events under an anchor may be used."""
        return self.by_default != (anchor in self.exceptions)


class PeopleMasks(Record, frozen=True):
    """What everybody permits, as masks of the gate.

    Parameters
    ----------
    by_default
        The mask of people who said nothing.
    own
        The masks of people who said something, by each of their names.
    """

    by_default: int
    own: dict[Identifier, int]


def masks_for(
    *,
    policy: CompiledPolicy,
    graph: IdentityGraph,
    choices: Iterable[tuple[Identifier, Kept]],
    statuses: Mapping[Identifier, SetStatus],
    now_ms: int,
) -> PeopleMasks:
    """Ask the gate all purposes for everybody.

    Parameters
    ----------
    policy
        The gate.
    graph
        Who is one person: a choice holds for all anchors of its person.
    choices
        What is kept for the anchors that carry a choice.
    statuses
        The status that was set under an anchor, where one was: it holds for its person too.
    now_ms
        The present, by which a status may have ended. Milliseconds since 1970.
    """
    records = {
        anchor: from_json(kept.consent, ConsentRecord)
        for anchor, kept in choices
        if kept.consent is not None
    }
    own: dict[Identifier, int] = {}
    for chooser in {**records, **statuses}:
        if chooser in own:
            continue
        names = graph.identifiers_of(chooser)
        mask = policy.mask(consent_of(records[name] for name in names if name in records))
        for name in names:
            mask = policy.restrict(mask, statuses.get(name), now_ms)
        own.update(dict.fromkeys(names, mask))
    return PeopleMasks(by_default=policy.mask(None), own=own)


def permission_for(
    purpose: str,
    *,
    policy: CompiledPolicy,
    graph: IdentityGraph,
    choices: Iterable[tuple[Identifier, Kept]],
    statuses: Mapping[Identifier, SetStatus],
    now_ms: int,
) -> Permission:
    """Ask the gate one purpose for everybody; as `masks_for` does.

    Raises
    ------
    Refused
        When the purpose does not exist.
    """
    if purpose not in policy.keys:
        raise Refused(
            f"there is no purpose {purpose}", hint=f"purposes: {', '.join(sorted(policy.keys))}"
        )
    masks = masks_for(policy=policy, graph=graph, choices=choices, statuses=statuses, now_ms=now_ms)
    by_default = policy.allows(masks.by_default, purpose)
    return Permission(
        by_default=by_default,
        exceptions=frozenset(
            name for name, mask in masks.own.items() if policy.allows(mask, purpose) != by_default
        ),
    )
