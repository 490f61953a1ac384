"""What the person may like, and the catalogue, as candidates: the slow twin of offers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from customering.decision.model import Action, Candidate
from customering.kernel.records import Record
from customering.taste.model import Suggestion


class ItemSuggestion(Record, frozen=True, kw_only=True):
    """One product that a person may want, as found by what they bought or by what many buy.

    Parameters
    ----------
    product_id, title, category
        The product.
    price_minor
        Its price now; None when not known. Minor units.
    probability
        Chance that this person buys it when they see it, in [0, 1].
    common_probability
        The same for anybody, for people who get what everybody gets; 0 keeps it from them, so give
        it only for products of a list that is the same for everybody.
    kind
        How it was found.
    facts
        What the chance rests on, by the names that `explain` knows.
    """

    product_id: str
    title: str
    category: str = ""
    price_minor: int | None = None
    probability: float
    common_probability: float = 0.0
    kind: Literal["repeat", "discover", "popular", "alike"]
    facts: dict[str, Any] = msgspec.field(default_factory=dict)


def suggestion_of(
    suggestion: Suggestion,
    titles: Mapping[str, str],
    *,
    category: str = "",
    price_minor: int | None = None,
    common_probability: float = 0.0,
) -> ItemSuggestion:
    """Give a suggestion of taste with what the catalogue knows of the product.

    Parameters
    ----------
    suggestion
        What taste suggests.
    titles
        Title by product id; a product without one is called by its id, and never named as a reason.
    category, price_minor, common_probability
        As in `ItemSuggestion`.
    """
    told = suggestion.facts
    facts = {
        "times_bought": told.times or None,
        "gap_days": told.every_days,
        "days_since_last": told.last_days_ago,
        "repeat_rate": told.share_rebuy,
        "alike_times": told.alike_times,
        "bought_with": [titles[product] for product in told.because_of if product in titles],
    }
    return ItemSuggestion(
        product_id=suggestion.product_id,
        title=titles.get(suggestion.product_id, suggestion.product_id),
        category=category,
        price_minor=price_minor,
        probability=suggestion.probability,
        common_probability=common_probability,
        kind=suggestion.kind,
        facts={name: fact for name, fact in facts.items() if fact not in (None, [])},
    )


def item_candidates(
    suggestions: Iterable[ItemSuggestion],
    *,
    purpose: str,
    margin_share: float,
    usual_price_minor: int,
) -> list[Candidate]:
    """Make a candidate of each product: to show it.

    Parameters
    ----------
    suggestions
        The products.
    purpose
        The purpose under which they are chosen, such as ``personalize.web``.
    margin_share
        Share of the price that is margin, in [0, 1].
    usual_price_minor
        Price taken for products whose own is not known. Minor units.
    """
    return [
        Candidate(
            action=Action(
                action_id=f"item:{suggestion.product_id}",
                kind="show_item",
                title=suggestion.title,
                purpose=purpose,
                group=suggestion.category,
                products=(suggestion.product_id,),
                base_propensity=suggestion.common_probability,
            ),
            propensity=suggestion.probability,
            value_minor=round(
                margin_share
                * (usual_price_minor if suggestion.price_minor is None else suggestion.price_minor)
            ),
            found_by=suggestion.kind,
            facts=suggestion.facts,
        )
        for suggestion in suggestions
    ]


def catalogue_candidates(
    actions: Iterable[Action],
    suggestions: Sequence[ItemSuggestion],
    *,
    interest_weight: float = 0.5,
) -> list[Candidate]:
    """Make a candidate of each action of the catalogue, from what it is about.

    Parameters
    ----------
    actions
        Offers, messages, questions and consultations.
    suggestions
        What the person may buy.
    interest_weight
        How much of a wish to buy carries over to the action, in [0, 1].

    Notes
    -----
    The propensity is ``1 - (1 - b) (1 - w q)``: the action is accepted either as by anybody, with
    chance b (its `base_propensity`), or out of a wish to buy what it is about, with chance w q.
    Here ``q = 1 - prod(1 - p)`` over the suggestions p that it is about, so q is the chance that
    the person buys at least one of them if purchases are independent. It lies in [b, 1], grows with
    every p, and is exactly b for an action about nothing. It is an assumption until outcomes have
    been learned from, and not the effect of the action: people also accept what they would have
    bought.
    """
    by_product = {suggestion.product_id: suggestion for suggestion in suggestions}
    by_category: dict[str, list[ItemSuggestion]] = {}
    for suggestion in suggestions:
        by_category.setdefault(suggestion.category, []).append(suggestion)
    candidates = []
    for action in actions:
        about = {
            product: by_product[product] for product in action.products if product in by_product
        }
        for category in action.categories:
            about |= {found.product_id: found for found in by_category.get(category, ())}
        wish = interest_weight * _any_of(found.probability for found in about.values())
        candidates.append(
            Candidate(
                action=action,
                propensity=(
                    1.0 - (1.0 - action.base_propensity) * (1.0 - wish)
                    if wish
                    else action.base_propensity
                ),
                value_minor=action.value_minor,
                facts=_facts(about.values()),
            )
        )
    return candidates


def _any_of(chances: Iterable[float]) -> float:
    """Give the chance that at least one of several independent things happens."""
    none_of = 1.0
    for chance in chances:
        none_of *= 1.0 - chance
    return 1.0 - none_of


def _facts(about: Iterable[ItemSuggestion]) -> dict[str, Any]:
    """Give the facts of an action: what it is about and the person buys, most likely first."""
    bought = sorted(
        (found for found in about if found.kind == "repeat"),
        key=lambda found: (-found.probability, found.product_id),
    )
    return {"about_bought": [found.title for found in bought]} if bought else {}
