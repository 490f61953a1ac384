"""A part of what is known of a person, found in their events: what goes, is emptied, and stays.

An event of the category that is erased gives way to an empty slot, as in a whole erasure. Three
kinds stay, emptied of everything else: one that shows that two identifiers are one person (or the
person would fall apart), a decision by which we got in touch (or we would forget how often we
did), and what a person told of how they want to be treated (or a no would turn into a yes). What
they permit is no category and is never erased by a part.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

from msgspec.structs import replace

from customering.app.erasing_match import MARK, lines_holding, needles_of
from customering.consent.model import STATUS_FACT
from customering.consent.rights_scope import Scope
from customering.events.model import DECISION_MADE, FACT_CORRECTED, PERMISSION_NAMES, Event
from customering.identity.anchors import RULINGS, anchor_of
from customering.identity.rules import IdentityRules
from customering.kernel.ids import Identifier
from customering.profile.declared import HIDDEN_FACT
from customering.profile.model import State as ProfileState
from customering.profile.traits import DECLARED, TraitSet
from customering.relationship.contact_wishes import CONTACT_WISHES_FACT

SLOT_NAME = "Erased"
"""Name of what stands in the log where an erased event stood."""

KEPT_FACTS = frozenset({STATUS_FACT, CONTACT_WISHES_FACT, HIDDEN_FACT})
"""What a person told of how they want to be treated; to forget it would permit more than before."""

_NAMES: dict[str, tuple[str, ...]] = {
    "visits": (
        "Products Searched", "Search Performed", "Product List Viewed", "Product List Filtered",
        "Product Clicked", "Product Viewed", "Promotion Viewed", "Promotion Clicked",
        "Product Added", "Product Removed", "Cart Viewed", "Checkout Started",
        "Checkout Step Viewed", "Checkout Step Completed", "Payment Info Entered",
        "Product Added to Wishlist", "Product Removed from Wishlist",
        "Wishlist Product Added to Cart", "Action Shown", "Action Clicked",
    ),
    "purchases": (
        "Order Completed", "Order Updated", "Order Refunded", "Order Cancelled",
        "Store Purchase Completed", "Store Purchase Returned", "Coupon Entered", "Coupon Applied",
        "Coupon Denied", "Coupon Removed", "Coupon Redeemed", "Action Accepted", "Action Bought",
        "Action Returned",
    ),
    "messages": (
        "Campaign Received", "Email Delivered", "Email Opened", "Email Clicked", "Message Sent",
        "Call Started", "Call Ended", "Ticket Opened", "Ticket Closed", "Survey Answered",
        "Appointment Booked", "Product Reviewed", "Product Shared", "Cart Shared",
        "Social Mention",
    ),
    "declared": (
        "Friendship Added", "Friend Added", "Friend Removed", "Referral Sent", "Referral Accepted",
    ),
    "location": ("Location Visited", "Device Reading"),
}  # fmt: skip
SHIPPED: dict[str, str] = {name: category for category, names in _NAMES.items() for name in names}
"""Category of every event that we ship a name for."""

_FIELDS: dict[str, frozenset[str]] = {
    "location": frozenset(
        {"location", "latitude", "longitude", "lat", "lon", "lng", "geo", "geohash", "ip",
         "coordinates", "gps", "store_id", "location_id"}
    ),
    "contact.post": frozenset(
        {"address", "addresses", "shipping_address", "billing_address", "delivery_address",
         "street", "street1", "street2", "house_number", "postal_code", "postcode", "post_code",
         "zip", "zip_code", "city", "town"}
    ),
}  # fmt: skip
"""Categories that are also fields of events of other categories, and the names of these fields."""

_DECIDED_FROM = frozenset({"visits", "purchases", "declared", ""})
_NEVER = frozenset({*PERMISSION_NAMES, *RULINGS, "Action Dismissed"})
_WORD_END = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS = re.compile(r"[^a-z0-9]+")


def category_of(event: Event, own: Mapping[str, str]) -> str:
    """Give the category an event is in; ``other`` when no category names it.

    Parameters
    ----------
    own
        Names of your own events to their category.
    """
    if event.kind in ("page", "screen"):
        return "visits"
    if event.kind == "identify" or event.name == FACT_CORRECTED:
        return "declared"
    return own.get(event.name) or SHIPPED.get(event.name, "other")


class Part:
    """Finds a part of what one person left behind.

    Parameters
    ----------
    names
        Everything that names the person; at least one.
    rules
        The rules of identity, which say whose an event is.
    scope
        What is erased: a category, a time, or both.
    own
        Names of your own events to their category.
    linking
        Ids of the events that show which identifiers are one person; None when that is not known:
        every event with several identifiers may.
    """

    def __init__(
        self,
        names: Collection[Identifier],
        rules: IdentityRules,
        scope: Scope,
        own: Mapping[str, str],
        linking: Collection[str] | None = (),
    ) -> None:
        self.names = frozenset(names)
        self._rules = rules
        self._scope = scope
        self._own = own
        self._linking = None if linking is None else frozenset(linking)
        self._fields = _FIELDS.get(scope.category, frozenset())
        self._needles = needles_of(self.names)

    def lines_in(self, data: bytes) -> set[int]:
        """Give quickly which lines of JSON may be events of theirs."""
        return lines_holding(data, self._needles)

    def judged(self, event: Event) -> Event | None:
        """Give what of an event stays: the same event, an emptied one, or None for nothing."""
        if event.name in _NEVER or not self._scope.includes(event.occurred_at):
            return event
        if anchor_of(event.identifiers, self._rules) not in self.names:
            return event
        kept = self._kept(event)
        return husk_of(event) if kept is None and self._is_linking(event) else kept

    def _is_linking(self, event: Event) -> bool:
        if self._linking is None:
            return len(event.identifiers) > 1
        return event.event_id in self._linking

    def may_cover(self, raw: Any) -> bool:
        """Tell whether a payload that was refused, whatever its time, may be of the part."""
        if self._fields or not self._scope.category or not isinstance(raw, dict):
            return True
        kind, name = raw.get("type"), raw.get("event")
        if kind in ("page", "screen"):
            return self._scope.category == "visits"
        if kind == "identify":
            return self._scope.category == "declared"
        return not isinstance(name, str) or self._category(name) == self._scope.category

    def _category(self, name: str) -> str:
        return self._own.get(name) or SHIPPED.get(name, "other")

    def _kept(self, event: Event) -> Event | None:
        category = self._scope.category
        if event.name == SLOT_NAME:
            return event
        if event.name == DECISION_MADE:
            return self._decision(event)
        if category not in ("", category_of(event, self._own)):
            return self._without_fields(event)
        return _wishes(event) if category_of(event, self._own) == "declared" else None

    def _decision(self, event: Event) -> Event | None:
        """Give what stays of a decision: that it was one, if we got in touch by it."""
        if self._scope.category not in _DECIDED_FROM:
            return self._without_fields(event)
        return emptied_decision(event)

    def _without_fields(self, event: Event) -> Event:
        if not self._fields:
            return event
        properties = without(event.properties, self._fields)
        context = without(event.context, self._fields)
        if (properties, context) == (event.properties, event.context):
            return event
        return replace(event, properties=properties, context=context)

    @property
    def category(self) -> str:
        """The category; empty for all of them."""
        return self._scope.category

    @property
    def reaches_decisions(self) -> bool:
        """Whether decisions repeat what is erased."""
        return self._scope.category in _DECIDED_FROM

    def feeds(self, names: Collection[str], kind: str) -> bool:
        """Tell whether a sum over events of these names or this kind may hold what is erased."""
        category = self._scope.category
        if self._fields or not (names or kind):
            return True
        if not category:
            return not set(names) <= _NEVER | {DECISION_MADE}
        if kind in ("page", "screen") and category == "visits":
            return True
        return any(self._category(one) == category for one in names)

    def blanked(self, traits: TraitSet, state: ProfileState) -> ProfileState:
        """Give a state without any sum that may hold what is erased; it is made anew later."""
        kept = list(state)
        for slot in traits.slots:
            if self.feeds(slot.source.events, slot.source.kind):
                kept[slot.index] = None
        told = kept[DECLARED]
        if told and self._scope.category in ("", "declared"):
            kept[DECLARED] = {name: said for name, said in told.items() if name in KEPT_FACTS}
        elif told and self._fields:
            kept[DECLARED] = without(told, self._fields)
        return kept


def husk_of(event: Event) -> Event:
    """Give an event that only says that its identifiers are one person's."""
    return Event(
        event_id=event.event_id,
        kind="track",
        name=SLOT_NAME,
        identifiers=event.identifiers,
        occurred_at=event.occurred_at,
        recorded_at=event.recorded_at,
        source=event.source,
    )


def _wishes(event: Event) -> Event | None:
    """Give what stays of what a person told: how they want to be treated."""
    facts: Any = event.properties
    if event.name == FACT_CORRECTED:
        facts = facts.get("facts")
    if not isinstance(facts, dict):
        return None
    kept = {name: value for name, value in facts.items() if name in KEPT_FACTS}
    if not kept:
        return None
    properties = {"facts": kept} if event.name == FACT_CORRECTED else kept
    if (properties, {}) == (event.properties, event.context):
        return event
    return replace(event, properties=properties, context={})


def emptied_decision(event: Event) -> Event | None:
    """Give a decision that only says when and how we got in touch; None when we did not."""
    told = event.properties
    contact = told.get("contact")
    if not isinstance(contact, str) or contact.count(" ") < 2:
        return None
    at_ms, channel, _ = contact.split(" ", 2)
    kept = ("decision_id", "person_id", "placement", "purpose", "channel", "decided_at",
            "expires_at", "propensity", "choice", "policy_version", "seed")  # fmt: skip
    properties: dict[str, Any] = {name: told[name] for name in kept if name in told}
    properties |= {
        "chosen": [MARK],
        "reasons": [],
        "candidates": {"format": 1, "rows": []},
        "contact": f"{at_ms} {channel} {MARK}",
    }
    if (properties, {}) == (told, event.context):
        return event
    return replace(event, properties=properties, context={})


def without(value: Any, fields: Collection[str]) -> Any:
    """Give plain data without some fields, however deep and however their names are written.

    Examples
    --------
    >>> without({"shipTo": "Main St 1", "n": [{"Zip": 1, "m": 2}]}, {"ship_to", "zip"})
    {'n': [{'m': 2}]}
    """
    if isinstance(value, dict):
        return {
            name: without(held, fields)
            for name, held in value.items()
            if not (isinstance(name, str) and _plain(name) in fields)
        }
    if isinstance(value, list):
        return [without(held, fields) for held in value]
    return value


def _plain(name: str) -> str:
    return _SEPARATORS.sub("_", _WORD_END.sub("_", name).lower())
