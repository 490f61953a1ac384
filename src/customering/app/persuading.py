"""Learning whom acting changes, from the people who are left out of it by chance.

What is learned is only applied where it passes its gate. Once it is, whom we leave alone for it can
no longer show what contact would have done; so from that day on only people are measured to whom it
is never applied, a share of both groups.
"""

from typing import NamedTuple

import msgspec
import numpy as np

from customering.app.arms import (
    Entered,
    contact_groups,
    first_fed_day,
    groups_of_actions,
    habits_before,
)
from customering.app.decided import open_decided
from customering.app.engine import Engine
from customering.app.erasing_gate import JOURNAL
from customering.app.glance import VALUE_PURPOSE
from customering.app.model_registry import ModelRegistry
from customering.app.model_version import ModelVersion
from customering.app.purchases import PurchaseData
from customering.decision.effects import ACTION, CONTACT
from customering.kernel.records import to_json
from customering.outcomes.habits import FEATURES
from customering.outcomes.persuasion import PersuasionModel, Scope, fit_scope, is_never_applied
from customering.outcomes.uplift import NO_HETEROGENEITY

DAYS = 28
"""Within how many days a purchase counts."""

MOST_DECISIONS = 100_000


class Persuading(NamedTuple):
    """What became of what was learned.

    Parameters
    ----------
    model
        What was learned; None where nobody was compared.
    version
        The same in the registry; None where there is none, or nothing is new.
    words
        What is applied, and why not more.
    """

    model: PersuasionModel | None
    version: ModelVersion | None
    words: str


def learn_persuasion(engine: Engine, *, seed: int = 1) -> Persuading:
    """Learn whom acting changes, and put it in use as far as it passes its gate.

    Only people are looked at who permit that their value is estimated, which is also asked when it
    is applied.

    Parameters
    ----------
    engine
        The home. It is for the thread that reads the history.
    seed
        Seed of all chance: the same log gives the same model.
    """
    registry = ModelRegistry(engine.models.folder, kept_most=engine.settings.models.kept_most)
    open_decided(engine, purpose=VALUE_PURPOSE)
    compared = _compared(engine)
    if not compared:
        registry.withdraw("persuasion")
        engine.models.forget()
        return Persuading(None, None, "Nobody was left alone by chance for long enough.")
    data = engine.purchases(VALUE_PURPOSE)
    last_day = int(data.order_day.max(initial=0))
    scopes = tuple(
        _learned(name, words, entered, data, seed) for (name, words), entered in compared.items()
    )
    model = PersuasionModel(
        scopes=scopes,
        fitted_at_ms=engine.present,
        first_day=min(one.day for some in compared.values() for one in some),
        through_day=last_day,
        days=DAYS,
    )
    return _placed(engine, registry, model, max(map(len, compared.values())))


def _compared(engine: Engine) -> dict[tuple[str, str], list[Entered]]:
    """Give the ways of acting that were tried by chance, with the people of both groups."""
    groups = contact_groups(engine)
    found = {(CONTACT, "getting in touch"): groups.pop("", [])}
    if len(groups) > 1:
        for channel, entered in groups.items():
            found[f"{CONTACT}:{channel}", f"getting in touch by {channel}"] = entered
    held_out = [one.action_id for one in engine.actions if one.holdout_share > 0.0]
    for action_id, entered in groups_of_actions(engine, held_out, most=MOST_DECISIONS).items():
        found[f"{ACTION}{action_id}", f"{action_id}"] = entered
    fed_day = first_fed_day(engine)
    last_day = engine.present // 86_400_000
    kept = {
        key: [one for one in entered if _counts(engine, one, fed_day, last_day)]
        for key, entered in found.items()
    }
    return {
        key: entered for key, entered in kept.items() if len({one.group for one in entered}) > 1
    }


def _counts(engine: Engine, one: Entered, fed_day: int | None, last_day: int) -> bool:
    """Tell whether somebody shows what acting does: long enough, and as chance had it."""
    if one.day + DAYS > last_day + 1:
        return False
    if fed_day is None or one.day + DAYS <= fed_day:
        return True
    settings = engine.settings
    share = settings.relationship.persuasion_measured_share
    return is_never_applied(settings.decision.seed, one.person_id, share)


def _learned(name: str, words: str, entered: list[Entered], data: PurchaseData, seed: int) -> Scope:
    treated = np.array([one.group == "personal" for one in entered])
    happened = bought_within(data, entered, DAYS)
    return fit_scope(name, words, habits_before(data, entered), treated, happened, seed=seed)


def bought_within(
    data: PurchaseData, entered: list[Entered], days: int
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Tell who bought within so many days since they came in, the day itself included."""
    number = {name: at for at, name in enumerate(data.people)}
    begins = np.full(len(data.people), np.iinfo(np.int64).max // 2)
    for one in entered:
        if one.person in number:
            begins[number[one.person]] = one.day
    since = data.order_day - begins[data.order_person]
    bought = set(data.order_person[(since >= 0) & (since < days)].tolist())
    return np.array([number.get(one.person) in bought for one in entered], dtype=np.bool_)


def _placed(
    engine: Engine, registry: ModelRegistry, model: PersuasionModel, people: int
) -> Persuading:
    """Keep what was learned; it is in use at once, for what passes no gate is not applied."""
    erasures = len(engine.journal.erasures()) if (engine.home.folder / JOURNAL).exists() else 0
    registry.forget("persuasion", erasures)
    champion = registry.champion("persuasion")
    words = in_words(model)
    version = ModelVersion(
        model_id="",
        kind="persuasion",
        name="two logistic models",
        made_at=model.fitted_at_ms,
        first_day=model.first_day,
        through_day=model.through_day,
        people=people,
        metrics=_metrics(model),
        features=FEATURES,
        settings={"days": model.days, "scopes": [scope.name for scope in model.scopes]},
        parent="" if champion is None else champion.model_id,
        verdict=words,
        erasures=erasures,
    )
    if champion is not None and champion.is_same_as(version):
        return Persuading(model, None, words)
    use = champion is None or not registry.is_by_hand("persuasion")
    if not use:
        words = f"It is kept: the model in use was chosen by hand. {words}"
        version = msgspec.structs.replace(version, verdict=words)
    version = registry.add(version, to_json(model), use=use)
    engine.models.forget()
    return Persuading(model, version, words)


def _metrics(model: PersuasionModel) -> dict[str, float]:
    found: dict[str, float] = {}
    for scope in model.scopes:
        judged = scope.judged
        found |= {
            f"{scope.name} people": judged.people,
            f"{scope.name} effect": judged.effect,
            f"{scope.name} qini": judged.pooled_qini,
            f"{scope.name} qini by chance": judged.null_mean + 2.0 * judged.null_sd,
        }
    return found


def in_words(model: PersuasionModel) -> str:
    """Say what is applied of what was learned, and why the rest is not."""
    told = []
    for scope in model.scopes:
        what = f"{scope.words[0].upper()}{scope.words[1:]}"
        if scope.is_fed:
            told.append(f"{what}: applied. {scope.judged.words}")
        elif scope.judged.verdict == "usable":
            told.append(f"{what}: {NO_HETEROGENEITY}: no two groups of people can be told apart.")
        else:
            told.append(f"{what}: not applied. {scope.judged.words}")
    return " ".join(told)
