"""Deciding for real people: candidates from taste and catalogue, the decision, and its record."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from customering.app.models import ModelShelf
from customering.app.people import Person
from customering.app.settings import CustomeringSettings
from customering.consent.model import SetStatus
from customering.decision.candidates import (
    ItemSuggestion,
    catalogue_candidates,
    item_candidates,
    suggestion_of,
)
from customering.decision.decide import decide
from customering.decision.explore import is_control
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

_SUGGESTIONS = 60
_DISCOVERIES = 20
_POPULAR = 20
CONTACTS_TRAIT = "recent_contacts"


def request_for(placement: str, channel: str, slots: int) -> DecisionRequest:
    """Give the request for a place.

    Parameters
    ----------
    placement
        The place, such as ``home``.
    channel
        The channel by which the person would be reached; empty where they already are.
    slots
        How many actions fit.
    """
    purpose = f"marketing.{channel}" if channel else "personalize.web"
    return DecisionRequest(placement=placement, purpose=purpose, channel=channel, slots=slots)


class Deciding:
    """Makes decisions for people.

    Parameters
    ----------
    models
        What people want and what the products are.
    policy
        What decides.
    actions
        What may be done beside showing products.
    settings
        Margin and currency.
    """

    def __init__(
        self,
        *,
        models: ModelShelf,
        policy: DecisionPolicy,
        actions: Sequence[Action],
        settings: CustomeringSettings,
    ) -> None:
        self._models = models
        self._policy = policy
        self._actions = actions
        self._settings = settings

    def decide(self, person: Person, request: DecisionRequest, now_ms: int) -> Decision:
        """Decide what to do for one person at one place."""
        return decide(
            request, self.candidates(person, now_ms), _facts(person), self._policy, now_ms
        )

    def is_control(self, person: Person) -> bool:
        """Tell whether a person is in the control group, which gets the same as everybody."""
        settings = self._policy.settings
        return is_control(settings.seed, person.person_id, settings.control_share)

    def candidates(self, person: Person, now_ms: int) -> list[Candidate]:
        """Give what might be done for a person: products to show, and what the catalogue has."""
        suggestions = self._suggestions(person, now_ms)
        in_force = [action for action in self._actions if _in_force(action, now_ms)]
        return [
            *item_candidates(
                suggestions,
                purpose="personalize.web",
                margin_share=self._settings.catalog.margin_share,
                usual_price_minor=self._usual_price_minor,
            ),
            *catalogue_candidates(in_force, suggestions),
        ]

    def _suggestions(self, person: Person, now_ms: int) -> list[ItemSuggestion]:
        """Give what the person may want, and what everybody is shown."""
        model = self._models.taste
        if model is None:
            return []
        common = dict(self._popular)
        wanted = suggest(
            model,
            person.values.get("habits", {}),
            person.values.get("shopping_days", []),
            day_of(now_ms),
            _SUGGESTIONS,
            discover=_DISCOVERIES,
        )
        made = []
        for suggestion in wanted:
            item = self._models.items.get(suggestion.product_id)
            made.append(
                suggestion_of(
                    suggestion,
                    self._titles,
                    category=item.category if item else "",
                    price_minor=item.price_minor or None if item else None,
                    common_probability=common.pop(suggestion.product_id, 0.0),
                )
            )
        for product, share in common.items():
            item = self._models.items[product]
            made.append(
                ItemSuggestion(
                    product_id=product,
                    title=self._titles[product],
                    category=item.category,
                    price_minor=item.price_minor or None,
                    probability=0.0,
                    common_probability=share,
                    kind="popular",
                )
            )
        return made

    @cached_property
    def _titles(self) -> dict[str, str]:
        return {product: item.words for product, item in self._models.items.items()}

    @cached_property
    def _popular(self) -> tuple[tuple[str, float], ...]:
        """Give the products most people buy, with the share of people: the same for everybody."""
        model = self._models.taste
        if model is None:
            return ()
        buyers = model.statistics.buyers[: len(model.products)]
        best = (-buyers).argsort(kind="stable")[:_POPULAR]
        return tuple(
            (model.products[at], float(buyers[at]) / max(model.statistics.people, 1))
            for at in best.tolist()
            if model.products[at] in self._models.items
        )

    @cached_property
    def _usual_price_minor(self) -> int:
        prices = sorted(i.price_minor for i in self._models.items.values() if i.price_minor)
        return prices[len(prices) // 2] if prices else 0


def _in_force(action: Action, now_ms: int) -> bool:
    """Tell whether an action is valid now; others are not worth a line in the record."""
    begun = action.valid_from is None or action.valid_from <= now_ms
    return begun and (action.valid_until is None or now_ms < action.valid_until)


def _facts(person: Person) -> PersonFacts:
    wish = person.declared_status
    return PersonFacts(
        person_id=person.person_id,
        traits=person.values,
        consent=person.consent,
        status=None if wish is None else SetStatus(status=wish.status, until_ms=wish.until_ms),
        contract=person.status.contract,
        contacts=tuple(_contacts(person.values.get(CONTACTS_TRAIT, []))),
        zone=str(person.values["declared"].get("zone", "")),
    )


def contact_text(at_ms: int, channel: str, action_id: str) -> str:
    """Write a contact as the trait of recent contacts keeps it."""
    return f"{at_ms} {channel} {action_id}"


def _contacts(texts: Sequence[str]) -> Iterator[Contact]:
    for text in texts:
        at_ms, channel, action_id = text.split(" ", 2)
        yield Contact(at_ms=int(at_ms), channel=channel, action_id=action_id)
