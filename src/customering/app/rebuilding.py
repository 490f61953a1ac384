"""The batch path: the history is brought up to the log, and all states are computed by SQL.

States are computed slice by slice of the history and handed on as they come, so that memory does
not grow with the number of people.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from customering.app.folding import (
    Progress,
    copy_to_history,
    default_mask,
    fingerprint_of,
    restrict,
    trait_mask,
)
from customering.app.settings import CustomeringSettings
from customering.consent.gate import CompiledPolicy
from customering.consent.ledger import consent_of
from customering.consent.model import ConsentRecord
from customering.events.store import EventLog
from customering.identity.anchors import RULINGS
from customering.identity.graph import IdentityGraph
from customering.identity.rules import IdentityRules
from customering.kernel.ids import Identifier
from customering.kernel.records import Record, from_json
from customering.profile.batch import consents_sql, states_sql
from customering.profile.traits import TraitSet
from customering.stores.history import History
from customering.stores.state import Kept, State

_SLICE_ROWS = 5_000_000  # bounds memory: some 400 bytes an event


class Rebuilt(Record, frozen=True):
    """What a rebuild did.

    Parameters
    ----------
    copied
        Events newly copied to the history.
    events
        Events in the history.
    profiles
        States computed.
    links
        Links between identifiers.
    """

    copied: int
    events: int
    profiles: int
    links: int


def rebuild(
    *,
    log: EventLog,
    history: History,
    state: State,
    traits: TraitSet,
    policy: CompiledPolicy,
    settings: CustomeringSettings,
    progress: Progress = lambda events: None,
) -> Rebuilt:
    """Compute every state and every link anew and swap them in, all or nothing.

    Parameters
    ----------
    log, history, state
        Where events come from, their columnar copy, and where results are kept.
    traits, policy, settings
        What to compute, what is permitted, and the rules.
    progress
        Told the number of events copied to the history.
    """
    rules = IdentityRules(settings.identity)
    copied = copy_to_history(log, history, rules, progress=progress)
    history.verify()
    graph = IdentityGraph(settings=settings.identity)
    observe_history(history, graph)
    records = _records(history)
    mask_of = _masks(graph, records, traits, policy)
    links = graph.take_pending()
    profiles = state.replace(
        states=_states(history, traits, records, mask_of, default_mask(traits, policy)),
        links=links,
        offset=history.offset,
        fingerprint=fingerprint_of(traits, policy, settings),
    )
    return Rebuilt(copied=copied, events=history.rows, profiles=profiles, links=len(links))


def observe_history(history: History, graph: IdentityGraph) -> None:
    """Take into a graph what all events of the history say about identity.

    Of the events that carry the same identifiers only the earliest has something to say.
    """
    names = ", ".join(f"'{name}'" for name in RULINGS)
    rows = history.arrow(
        f"""
        SELECT identifiers, min((occurred_at, event_id, source)) AS first
        FROM {history.relation()}
        WHERE json_array_length(identifiers) > 1 AND name NOT IN ({names})
        GROUP BY identifiers ORDER BY first
        """
    )
    decode = msgspec.json.Decoder(tuple[Identifier, ...]).decode
    for row in rows.to_pylist():
        occurred_at, event_id, source = row["first"].values()
        graph.observe(decode(row["identifiers"]), event_id, occurred_at, source)
    for event in history.events_named(tuple(RULINGS)):
        graph.observe_event(event)


def _records(history: History) -> dict[Identifier, ConsentRecord]:
    """Read what people chose."""
    rows = history.arrow(consents_sql(history.relation()).sql("duckdb"))
    return {
        Identifier(row["owner"]): from_json(row["state"], ConsentRecord) for row in rows.to_pylist()
    }


def _masks(
    graph: IdentityGraph,
    records: dict[Identifier, ConsentRecord],
    traits: TraitSet,
    policy: CompiledPolicy,
) -> Callable[[str], int | None]:
    """Give the function from an anchor to its mask, None where it is that of everybody."""
    stated = default_mask(traits, policy)
    masks: dict[Identifier, int] = {}
    for chooser in records:
        names = graph.identifiers_of(chooser)
        chosen = consent_of(records[name] for name in names if name in records)
        mask = trait_mask(traits, policy, chosen)
        if mask != stated:
            masks.update(dict.fromkeys(names, mask))
    return lambda anchor: masks.get(Identifier(anchor))


def _states(
    history: History,
    traits: TraitSet,
    records: dict[Identifier, ConsentRecord],
    mask_of: Callable[[str], int | None],
    stated: int,
) -> Iterator[tuple[str, Kept]]:
    """Give every state with what is not permitted left out."""
    everything = traits.mask_of(traits.purposes)
    encode = msgspec.json.encode
    for batch in _built(history, traits):
        for anchor, text in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            own = mask_of(anchor)
            mask = stated if own is None else own
            state: Any = text.encode()
            if mask != everything:
                values = traits.decode(state)
                restrict(traits, values, mask)
                state = traits.encode(values)
            record = records.get(Identifier(anchor))
            yield anchor, Kept(state, None if record is None else encode(record), own)


def _built(history: History, traits: TraitSet) -> Iterator[Any]:
    """Give Arrow batches of anchor and state, in order of the anchor in each slice."""
    for relation in history.slices(_SLICE_ROWS):
        history.execute(f"CREATE OR REPLACE TEMP VIEW slice AS FROM {relation}")
        yield from history.batches(states_sql(traits, "slice").order_by("anchor").sql("duckdb"))
