"""Something is here again: an event for each who waits for it, which the journey answers."""

from customering.app.engine import Engine
from customering.app.people import Person
from customering.kernel.clock import MS_PER_DAY

BACK_IN_STOCK = "Product Back in Stock"
"""The event that tells somebody's profile; a shop may send it itself, one for each who waits."""

_ONCE_IN_DAYS = 30
_WISHES = ("wished_products", "unwished_products")


def restock(engine: Engine, product_id: str) -> int:
    """Note that a product is here again for everybody who wished for it, and give how many.

    Whoever has bought it, took it off the list again, or was noted in the last 30 days, is left
    out, and whoever does not permit that wishes are used is not seen.

    Parameters
    ----------
    engine
        The home, which is written.
    product_id
        The product.
    """
    waiting = []
    since = engine.present - _ONCE_IN_DAYS * MS_PER_DAY
    for person in engine.everybody():
        known = person.values
        if not _is_wished(engine, person, product_id):
            continue
        was_told = known.get("back_in_stock_at", 0) > since and product_id in known.get(
            "back_in_stock_products", ()
        )
        if not was_told and product_id not in known.get("habits", {}):
            waiting.append(person.identifiers[0])
    for name in waiting:
        engine.note(BACK_IN_STOCK, (name,), {"product_id": product_id})
    return len(waiting)


def _is_wished(engine: Engine, person: Person, product_id: str) -> bool:
    """Tell whether a product was put onto the wish list, and not taken off it since."""
    if product_id not in person.values.get("wished_products", ()):
        return False
    put, taken = (
        max(
            (at_ms for at_ms, product in person.state[slot] or () if product == product_id),
            default=-1,
        )
        for slot in (engine.traits.traits[name].slot for name in _WISHES)
    )
    return put > taken
