"""The event: one thing one person did, said or received, as it stands in the log."""

from typing import Any, Literal

import msgspec

from customering.kernel.ids import Identifier

Kind = Literal["track", "identify", "page", "screen", "group", "alias"]


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened, exactly as it is kept in the log.

    Parameters
    ----------
    event_id
        The sender's message id; counted once however often it arrives.
    kind
        One of the six kinds of the Segment spec.
    name
        What happened, such as ``Order Completed``; empty for kinds without a name.
    identifiers
        Everything that names the person, normalised, without repeats. Never empty.
    occurred_at
        When it happened in the world, corrected for the sender's clock. Milliseconds since 1970.
    recorded_at
        When we accepted it. Milliseconds since 1970.
    properties
        What is told about it (for ``identify``: the traits the person declared). Money in fields
        that end in ``_minor``: integer minor units.
    context
        The circumstances: device, page, campaign, consent, the sender's own times.
    source
        Which system sent it, such as ``web`` or ``import:orders``.
    """

    event_id: str
    kind: Kind
    name: str = ""
    identifiers: tuple[Identifier, ...]
    occurred_at: int
    recorded_at: int
    properties: dict[str, Any] = {}
    context: dict[str, Any] = {}
    source: str = ""


# Names of events that the system itself appends; nobody outside may send them.
IDENTIFIERS_JOINED = "Identifiers Joined"
IDENTIFIERS_SEPARATED = "Identifiers Separated"
CONSENT_UPDATED = "Consent Updated"
FACT_CORRECTED = "Fact Corrected"
DECISION_MADE = "Decision Made"
SIGNAL_UPDATED = "Signal Updated"
OBJECTION_UPDATED = "Objection Updated"
RESTRICTION_UPDATED = "Restriction Updated"
AGREEMENT_UPDATED = "Agreement Updated"

PERMISSION_NAMES = (
    CONSENT_UPDATED,
    SIGNAL_UPDATED,
    OBJECTION_UPDATED,
    RESTRICTION_UPDATED,
    AGREEMENT_UPDATED,
)
"""Events that change what a person permits; each says it key by key in ``purposes``."""

RESERVED_NAMES = frozenset(
    {
        IDENTIFIERS_JOINED,
        IDENTIFIERS_SEPARATED,
        CONSENT_UPDATED,
        FACT_CORRECTED,
        DECISION_MADE,
        *PERMISSION_NAMES,
    }
)

PRODUCT_FIELDS = (
    "product_id", "name", "category", "department", "brand",
    "quantity", "amount_minor", "price_minor", "discount_minor",
)  # fmt: skip
"""Fields of a product line with a typed column in the history; others stay in ``properties``."""


def products_of(properties: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the product lines of an event.

    A list in ``products`` holds them; otherwise the properties themselves are the one line when
    they name a ``product_id`` (as the Segment spec has it for Product Viewed and Product Added).
    """
    products = properties.get("products")
    if isinstance(products, list):
        return [product for product in products if isinstance(product, dict)]
    return [properties] if "product_id" in properties else []
