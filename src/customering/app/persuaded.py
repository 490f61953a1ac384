"""What acting does to one person, by the model in use: a fact for status and decisions."""

from collections.abc import Mapping
from typing import Any

from customering.app.models import ModelShelf
from customering.decision.effects import ACTION
from customering.decision.effects import CONTACT as CONTACT
from customering.kernel.clock import day_of
from customering.kernel.ids import PersonId
from customering.outcomes.habits import features_of
from customering.outcomes.persuasion import is_never_applied
from customering.profile.declared import hidden
from customering.profile.model import TraitValue
from customering.relationship.facts import facts_from
from customering.relationship.model import Persuasion
from customering.relationship.settings import StatusSettings

FACT = "persuasion"
_WORDS = "what hearing from us changes, by what was measured of people like you"


class Persuaded:
    """Tells what acting does to people.

    Parameters
    ----------
    models
        Fitted models.
    settings
        To how many people it is never applied.
    seed
        Seed of all chance of decisions.
    """

    def __init__(self, models: ModelShelf, settings: StatusSettings, seed: int) -> None:
        self._models = models
        self._share = settings.persuasion_measured_share
        self._seed = seed

    def of(
        self, person_id: PersonId, known: Mapping[str, Any], now_ms: int
    ) -> dict[str, Persuasion]:
        """Say what acting does to somebody, by the way of acting; only what passed its gate.

        Parameters
        ----------
        known
            Trait values by name; empty where they may not be judged by, and then nothing is said.
        now_ms
            The present. Milliseconds since 1970.
        """
        model = self._models.persuasion
        if model is None or not model.is_fed or not known:
            return {}
        if is_never_applied(self._seed, person_id, self._share):
            return {}
        if FACT in hidden(known.get("declared") or {}):  # as they wish, it is not used
            return {}
        facts = facts_from(known, None, None, now_ms, for_words=False)
        today, spent = day_of(now_ms), known.get("spend_total_minor")
        last, first = (
            None if at is None else float(today - day_of(at))
            for at in (facts.last_order_at, facts.first_order_at)
        )
        return model.about(
            features_of(
                facts.order_days,
                facts.orders_90d or 0,
                last,
                first,
                spent / facts.order_days if spent and facts.order_days else None,
            )
        )


def effects_of(persuasions: Mapping[str, Persuasion]) -> dict[str, float]:
    """Give by how much acceptance counts, by the way of acting."""
    return {name: one.share for name, one in persuasions.items()}


def as_facts(
    persuasions: Mapping[str, Persuasion], as_of: int, purpose: str
) -> dict[str, TraitValue]:
    """Give what is known of it as facts: of getting in touch, and of single actions.

    Parameters
    ----------
    as_of
        The instant it holds for. Milliseconds since 1970.
    purpose
        The purpose under which it is concluded.
    """
    found: dict[str, Any] = {}
    if CONTACT in persuasions:
        found[FACT] = persuasions[CONTACT].kind
    others = {
        name.removeprefix(ACTION): one.kind
        for name, one in persuasions.items()
        if name.startswith(ACTION)
    }
    if others:
        found[f"{FACT}_by_action"] = others
    return {
        name: TraitValue(
            value=value, provenance="inferred", as_of=as_of, purpose=purpose, words=_WORDS
        )
        for name, value in found.items()
    }
