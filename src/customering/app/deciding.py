"""Deciding for real people: candidates from taste and catalogue, the decision, and its record.

What depends on no person is worked out once for a catalogue and a set of models. What one person
may want depends on what they bought and on the day, so it is remembered until either changes: the
second page of a visit costs a tenth of the first.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import replace

from customering.app.decision_facts import CONTACTS_TRAIT as CONTACTS_TRAIT
from customering.app.decision_facts import NOTHING_BOUGHT, Bought, facts_of
from customering.app.decision_facts import contact_text as contact_text
from customering.app.glance import Glance
from customering.app.knowing import Knowing, LookUp
from customering.app.listing import Lists, where_from
from customering.app.looking import looking_of
from customering.app.models import ModelShelf
from customering.app.people import Person
from customering.app.purchases import Item
from customering.app.reaching import BEST_CHANNEL, Reaching
from customering.app.settings import CustomeringSettings
from customering.app.wanting import lifted, outranked_by, wanted_by
from customering.decision.decide import decide
from customering.decision.explore import is_control
from customering.decision.interest import Interests, Wish
from customering.decision.learner import Learner
from customering.decision.model import Action, Decision, DecisionRequest, FoundBy
from customering.decision.offer import Offer
from customering.decision.policy import DecisionPolicy
from customering.decision.table import Columns, Same, Table, table_of, table_of_products
from customering.kernel.clock import day_of
from customering.taste.intents import (
    INTENT_PREFIX,
    MORE_LIKE_THIS_FACT,
    NOTHING_WANTED,
    Wanted,
)
from customering.taste.model import TasteModel
from customering.taste.rank import Shortlist, explain_one
from customering.taste.session import Looking, SessionList
from customering.taste.sources import Found

_SUGGESTIONS = 60
_DISCOVERIES = 20
_POPULAR = 20
_PURPOSE = "personalize.web"
_NEVER = 1 << 62
_OFFERS_REMEMBERED = 4_096  # some 17 kB each
_KEPT_OF_ALL = 64_000  # places in all arrangements that are kept of one view: 0.6 MB
_KEPT_HERE = 2  # arrangements for newcomers, of whom nearly the same holds
_EVERYBODY = " "  # begins no id of a person
_NOWHERE: Mapping[str, Any] = {}


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


class _Product(NamedTuple):
    """One product as it is shown."""

    action_id: str
    title: str
    category: str
    value_minor: int


class _InForce(NamedTuple):
    """The actions of the catalogue that are valid between two instants.

    Parameters
    ----------
    begins, ends
        The first instant, and the one after the last. Milliseconds since 1970.
    table, interests
        The actions, and what they are about.
    offer
        What everybody is offered of whom nothing is known that they may want.
    """

    begins: int
    ends: int
    table: Table
    interests: Interests
    offer: Offer


class _Remembered(NamedTuple):
    """What one person may want, and what it was worked out from.

    Parameters
    ----------
    bought
        A hash of all that was bought, and the length of its text: two texts of equal length agree
        by chance once in 2**64.
    day
        UTC day number of asking.
    table
        The catalogue in force.
    visit
        What is done in this visit, and where, and what people they know speak for.
    offer
        What is weighed; its facts are given with each decision.
    listed
        What taste suggests.
    wishes
        The same, as actions are about it.
    """

    bought: tuple[int, int]
    day: int
    table: Table
    visit: tuple[object, ...]
    offer: Offer
    listed: Shortlist
    wishes: list[Wish]


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
    learner
        Gives what was learned from outcomes so far; None for nothing.
    look_up
        Gives the people somebody knows; None where nobody else can be seen.
    """

    def __init__(
        self,
        *,
        models: ModelShelf,
        policy: DecisionPolicy,
        actions: Sequence[Action],
        settings: CustomeringSettings,
        learner: Callable[[], Learner | None] = lambda: None,
        look_up: LookUp | None = None,
    ) -> None:
        self._models = models
        self._lists = Lists(models, settings.lists)
        self._knowing = Knowing(look_up, policy.consent, settings.lists)
        self._reaching = Reaching(models, policy.consent, actions)
        self._learner = learner
        self._policy = policy
        self._actions = actions
        self._categories = {one.action_id: one.categories for one in actions if one.categories}
        self._reminders = [one for one in actions if one.reminds_of]
        self._settings = settings
        self._in_force: _InForce | None = None
        self._seen_models: tuple[TasteModel | None, dict[str, Item]] = (None, {})
        self._products: dict[str, _Product] = {}
        self._popular: tuple[tuple[str, float], ...] = ()
        self._usual_price_minor = 0
        self._offers: OrderedDict[str, _Remembered] = OrderedDict()

    def decide(self, person: Glance, request: DecisionRequest, now_ms: int) -> Decision:
        """Decide what to do for one person at one place.

        Parameters
        ----------
        person
            The person.
        request
            The place to fill.
        now_ms
            The present, milliseconds since 1970.
        """
        if request.channel == BEST_CHANNEL:
            request = self._reaching.request(person, request, now_ms)
        offer = self.offer(person, now_ms, request.context)
        facts = facts_of(person)
        if request.channel:
            facts = replace(facts, answering=self._models.answering)
        outranked = self._outranked(person, now_ms)
        if outranked:
            facts = replace(facts, outranked=outranked)
        return decide(request, offer, facts, self._policy, now_ms, learner=self._learner())

    def _outranked(self, person: Glance, now_ms: int) -> frozenset[str]:
        """Give the reminders that yield to what somebody says they look for; none at no cost."""
        said = person.values.declared if self._reminders else {}
        if not any(name.startswith(INTENT_PREFIX) for name in said):
            return frozenset()
        return outranked_by(said, self._reminders, person.values, self._models.items, now_ms)

    def forget(self, person_ids: Collection[str]) -> None:
        """Let go of what is remembered of people who are erased."""
        for person_id in person_ids:
            self._offers.pop(person_id, None)

    def is_control(self, person: Person) -> bool:
        """Tell whether a person is in the control group, which gets the same as everybody."""
        settings = self._policy.settings
        return is_control(settings.seed, person.person_id, settings.control_share)

    def offer(self, person: Glance, now_ms: int, context: Mapping[str, Any] = _NOWHERE) -> Offer:
        """Give what might be done for a person: products to show, and what the catalogue has.

        Parameters
        ----------
        person, now_ms
            The person, and the present in milliseconds since 1970.
        context
            The circumstances, as whoever asks knows them.
        """
        self._look_at_models()
        in_force = self._catalogue(now_ms)
        # Without a model nobody is offered anything of their own.
        offer = in_force.offer
        if self._models.taste is not None:
            offer = self._own_offer(person, now_ms, context, in_force)
        looked_for = self._looked_for(person, now_ms)
        return lifted(offer, looked_for, self._categories) if looked_for else offer

    def _own_offer(
        self, person: Glance, now_ms: int, context: Mapping[str, Any], in_force: _InForce
    ) -> Offer:
        """Give what a person may want, as it is remembered or worked out now."""
        bought, day = Bought(person.values), day_of(now_ms)
        looking = looking_of(person.values, now_ms)
        is_known = bought.hash != NOTHING_BOUGHT
        cells = () if is_known else where_from(context, now_ms)
        # Everybody who has bought nothing, and looks at nothing, is offered the same there.
        tips = self._knowing.tips(person, now_ms, self._category_of)
        name = (
            person.person_id if is_known or tips or not looking.is_idle else f"{_EVERYBODY}{cells}"
        )
        found, visit = self._offers.get(name), (looking.key, cells, tips)
        if found is None or found[:4] != (bought.hash, day, in_force.table, visit):
            found = self._remember(name, bought, day, in_force, looking, cells, tips)
        else:
            self._offers.move_to_end(name)
        return found.offer.with_facts(self._explainer(found, in_force, bought))

    def _looked_for(self, person: Glance, now_ms: int) -> Wanted:
        """Give what somebody says they look for; nothing for nearly everybody, at no cost."""
        said = person.values.declared
        if not said or (
            MORE_LIKE_THIS_FACT not in said
            and not any(name.startswith(INTENT_PREFIX) for name in said)
        ):
            return NOTHING_WANTED
        policy = self._policy.consent
        return wanted_by(said, person.consent, person.status_set, policy, now_ms)

    def _remember(
        self,
        name: str,
        bought: Bought,
        day: int,
        in_force: _InForce,
        looking: Looking,
        cells: tuple[str, ...],
        tips: tuple[Found, ...],
    ) -> _Remembered:
        listed = self._lists.of(
            bought, looking, cells, day, _SUGGESTIONS, discover=_DISCOVERIES, tips=tips
        )
        known = self._products
        products = [known.get(product) or self._product(product) for product in listed.products]
        wishes = [
            Wish(product_id, product.title, product.category, chance, kind == "repeat")
            for product_id, product, chance, kind in zip(
                listed.products, products, listed.probability, listed.kinds, strict=True
            )
        ]
        tables, chances = [in_force.table], [in_force.interests.propensities(wishes)]
        if products or self._popular:
            mine, own = self._shown(listed, products)
            tables, chances = [mine, *tables], [own, *chances]
        keeps = _KEPT_HERE if name.startswith(_EVERYBODY) else 0
        offer = Offer(tables, np.concatenate(chances), lambda place: {}, keeps=keeps)
        visit = (looking.key, cells, tips)
        made = _Remembered(bought.hash, day, in_force.table, visit, offer, listed, wishes)
        self._offers[name] = made
        self._offers.move_to_end(name)
        if len(self._offers) > _OFFERS_REMEMBERED:
            self._offers.popitem(last=False)
        return made

    def _shown(
        self, listed: Shortlist, products: list[_Product]
    ) -> tuple[Table, "np.ndarray[Any, np.dtype[np.float64]]"]:
        """Give the table of what the person may want and what everybody is shown."""
        common = dict(self._popular)
        base = [common.pop(product, 0.0) for product in listed.products]
        shown = [*products, *(self._product(product) for product in common)]
        count = len(shown)
        everybodys: list[FoundBy] = ["popular"] * len(common)
        columns = Columns(
            action_id=[product.action_id for product in shown],
            title=[product.title for product in shown],
            kind=Same("show_item", count),
            purpose=Same(_PURPOSE, count),
            channel=Same("", count),
            group=[product.category for product in shown],
            found_by=[*listed.kinds, *everybodys],
            value_minor=[product.value_minor for product in shown],
            lever=self._levers(listed, count),
            base_propensity=[*base, *common.values()],
            eligibility=Same("", count),
            valid_from=Same(None, count),
            valid_until=Same(None, count),
            cooldown_days=Same(0, count),
        )
        own = [*listed.probability, *([0.0] * len(common))]
        return table_of_products(columns, _PURPOSE), np.array(own, dtype=np.float64)

    def _levers(self, listed: Shortlist, count: int) -> Sequence[float]:
        """Give the weight of each: what nobody has bought yet gets more, to be seen at all."""
        if "arrival" not in listed.kinds:
            return Same(1.0, count)
        new = self._settings.lists.arrival_lever
        levers = [new if kind == "arrival" else 1.0 for kind in listed.kinds]
        return [*levers, *([1.0] * (count - len(levers)))]

    def _category_of(self, product_id: str) -> str:
        item = self._models.items.get(product_id)
        return "" if item is None else item.category

    def _explainer(
        self, found: _Remembered, in_force: _InForce, bought: Bought
    ) -> Callable[[int], Mapping[str, Any]]:
        """Give what explains a candidate, from what was bought as it is now."""
        listed, model = found.listed, self._models.taste

        def facts(place: int) -> Mapping[str, Any]:
            first = len(found.offer) - len(in_force.table)
            if place >= first:
                return in_force.interests.facts(place - first, found.wishes)
            if model is None or place >= len(listed.products):
                return {}
            return self._taste_facts(model, listed, place, bought, found.day)

        return facts

    def _taste_facts(
        self, model: TasteModel, listed: Shortlist, place: int, bought: Bought, day: int
    ) -> Mapping[str, Any]:
        """Give the facts of a product by the names that `explain` knows."""
        known = explain_one(model, listed, place, bought.days_of(listed.products[place]), day)
        items = self._models.items
        facts = {
            "now": listed.now.get(place) if isinstance(listed, SessionList) else None,
            "others": listed.words.get(listed.products[place]),
            "alike_times": known.alike_times,
            "times_bought": known.times or None,
            "gap_days": known.every_days,
            "days_since_last": known.last_days_ago,
            "repeat_rate": known.share_rebuy,
            "bought_with": [items[one].words for one in known.because_of if one in items],
        }
        return {name: fact for name, fact in facts.items() if fact not in (None, [])}

    def _catalogue(self, now_ms: int) -> _InForce:
        """Give the actions that are valid now; others are not worth a line in the record."""
        known = self._in_force
        if known is None or not known.begins <= now_ms < known.ends:
            actions = [action for action in self._actions if _in_force(action, now_ms)]
            turns = [action.valid_from or 0 for action in self._actions]
            turns += [action.valid_until or _NEVER for action in self._actions]
            table, interests = table_of(actions), Interests(actions)
            chances, keeps = interests.propensities(()), _KEPT_OF_ALL // (len(actions) + 500)
            known = self._in_force = _InForce(
                max((turn for turn in turns if turn <= now_ms), default=0),
                min((turn for turn in turns if turn > now_ms), default=_NEVER),
                table,
                interests,
                Offer((table,), chances, lambda place: {}, keeps=keeps + 1),
            )
        return known

    def _look_at_models(self) -> None:
        """Begin anew when the models were fitted anew."""
        seen = (self._models.taste, self._models.items)
        if seen[0] is self._seen_models[0] and seen[1] is self._seen_models[1]:
            return
        self._seen_models = seen
        self._offers.clear()
        self._products.clear()
        model, items = seen
        prices = sorted(item.price_minor for item in items.values() if item.price_minor)
        self._usual_price_minor = prices[len(prices) // 2] if prices else 0
        self._popular = () if model is None else tuple(_most_bought(model, items))

    def _product(self, product_id: str) -> _Product:
        """Give a product as it is shown; one we know nothing of is called by its id."""
        known = self._products.get(product_id)
        if known is None:
            item = self._models.items.get(product_id)
            price = (item.price_minor if item else 0) or self._usual_price_minor
            known = self._products[product_id] = _Product(
                action_id=f"item:{product_id}",
                title=item.words if item else product_id,
                category=item.category if item else "",
                value_minor=round(self._settings.catalog.margin_share * price),
            )
        return known


def _most_bought(model: TasteModel, items: Mapping[str, Item]) -> Iterator[tuple[str, float]]:
    """Give the products most people buy, with the share of people: the same for everybody."""
    buyers = model.statistics.buyers[: len(model.products)]
    best = (-buyers).argsort(kind="stable")[:_POPULAR]
    for at in best.tolist():
        if model.products[at] in items:
            yield model.products[at], float(buyers[at]) / max(model.statistics.people, 1)


def _in_force(action: Action, now_ms: int) -> bool:
    begun = action.valid_from is None or action.valid_from <= now_ms
    return begun and (action.valid_until is None or now_ms < action.valid_until)
