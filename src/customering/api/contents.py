"""What to show for each action: the texts of the catalogue, or the product."""

from typing import Any

import msgspec

from customering.app.engine import Engine
from customering.decision.model import Action
from customering.kernel.records import to_json

_CONTENTS_MOST = 50_000
_ITEM = "item:"


def catalogue(engine: Engine) -> dict[str, Action]:
    """Give the actions of a home by their ids."""
    return {action.action_id: action for action in engine.actions}


class Contents:
    """What to show for each action, written as JSON once.

    Parameters
    ----------
    engine
        The home, which has the catalogue and the products.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._actions = catalogue(engine)
        self._written: dict[str, msgspec.Raw] = {}

    def of(self, action_id: str) -> msgspec.Raw:
        """Give the content of an action; empty for one that is in no catalogue any more."""
        content = self._written.get(action_id)
        if content is None:
            content = msgspec.Raw(to_json(self._read(action_id)))
            if len(self._written) < _CONTENTS_MOST:
                self._written[action_id] = content
        return content

    def _read(self, action_id: str) -> dict[str, Any]:
        if action_id.startswith(_ITEM):
            product_id = action_id.removeprefix(_ITEM)
            item = self._engine.models.items.get(product_id)
            if item is None:
                return {"product_id": product_id}
            told = {
                "product_id": product_id,
                "title": item.words,
                "category": item.category,
                "department": item.department,
                "brand": item.brand,
                "price_minor": item.price_minor,
                "currency": self._engine.settings.events.default_currency,
            }
            return {name: value for name, value in told.items() if value}
        action = self._actions.get(action_id)
        if action is None:
            return {}
        about = {"products": action.products, "categories": action.categories}
        return {**action.content, **{name: value for name, value in about.items() if value}}
