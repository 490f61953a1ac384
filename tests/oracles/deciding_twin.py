"""The straightforward way to a decision for a real person: read all of them, name all candidates.

It is what `app.people.People.judge` and `app.deciding.Deciding` did before they learned to read and
to name only what is needed, kept as the oracle.
"""

from collections.abc import Sequence
from typing import Any

import decision_twin

from candidates_twin import (
    ItemSuggestion,
    catalogue_candidates,
    item_candidates,
    suggestion_of,
)
from customering.app.decision_facts import CONTACTS_TRAIT
from customering.app.models import ModelShelf
from customering.app.people import Person
from customering.app.settings import CustomeringSettings
from customering.consent.model import SetStatus
from customering.decision.model import (
    Action,
    Candidate,
    Contact,
    Decision,
    DecisionRequest,
    PersonFacts,
)
from customering.decision.policy import DecisionPolicy
from customering.kernel.clock import day_of
from customering.taste.rank import suggest


def decide(
    person: Person,
    request: DecisionRequest,
    now_ms: int,
    *,
    models: ModelShelf,
    policy: DecisionPolicy,
    actions: Sequence[Action],
    settings: CustomeringSettings,
) -> Decision:
    offered = candidates(person, now_ms, models=models, actions=actions, settings=settings)
    return decision_twin.decide(request, offered, facts_of(person), policy, now_ms)


def candidates(
    person: Person,
    now_ms: int,
    *,
    models: ModelShelf,
    actions: Sequence[Action],
    settings: CustomeringSettings,
) -> list[Candidate]:
    suggestions = _suggestions(person, now_ms, models)
    prices = sorted(item.price_minor for item in models.items.values() if item.price_minor)
    in_force = [
        action
        for action in actions
        if (action.valid_from is None or action.valid_from <= now_ms)
        and (action.valid_until is None or now_ms < action.valid_until)
    ]
    return [
        *item_candidates(
            suggestions,
            purpose="personalize.web",
            margin_share=settings.catalog.margin_share,
            usual_price_minor=prices[len(prices) // 2] if prices else 0,
        ),
        *catalogue_candidates(in_force, suggestions),
    ]


def _suggestions(person: Person, now_ms: int, models: ModelShelf) -> list[ItemSuggestion]:
    model, items = models.taste, models.items
    if model is None:
        return []
    titles = {product: item.words for product, item in items.items()}
    common = dict(_popular(models))
    wanted = suggest(
        model,
        person.values.get("habits", {}),
        person.values.get("shopping_days", []),
        day_of(now_ms),
        60,
        discover=20,
    )
    made = []
    for suggestion in wanted:
        item = items.get(suggestion.product_id)
        made.append(
            suggestion_of(
                suggestion,
                titles,
                category=item.category if item else "",
                price_minor=item.price_minor or None if item else None,
                common_probability=common.pop(suggestion.product_id, 0.0),
            )
        )
    for product, share in common.items():
        made.append(
            ItemSuggestion(
                product_id=product,
                title=titles[product],
                category=items[product].category,
                price_minor=items[product].price_minor or None,
                probability=0.0,
                common_probability=share,
                kind="popular",
            )
        )
    return made


def _popular(models: ModelShelf) -> list[tuple[str, float]]:
    model = models.taste
    assert model is not None
    buyers = model.statistics.buyers[: len(model.products)]
    best = (-buyers).argsort(kind="stable")[:20]
    return [
        (model.products[at], float(buyers[at]) / max(model.statistics.people, 1))
        for at in best.tolist()
        if model.products[at] in models.items
    ]


def facts_of(person: Person) -> PersonFacts:
    wish = person.declared_status
    texts: list[Any] = person.values.get(CONTACTS_TRAIT, [])
    contacts = []
    for text in texts:
        at_ms, channel, action_id = text.split(" ", 2)
        contacts.append(Contact(at_ms=int(at_ms), channel=channel, action_id=action_id))
    return PersonFacts(
        person_id=person.person_id,
        traits=person.values,
        consent=person.consent,
        status=None if wish is None else SetStatus(status=wish.status, until_ms=wish.until_ms),
        contract=person.status.contract,
        contacts=tuple(contacts),
        dismissed={
            action_id: max(days)
            for action_id, days in person.values.get("dismissed_actions", {}).items()
        },
        zone=str(person.values["declared"].get("zone", "")),
    )
