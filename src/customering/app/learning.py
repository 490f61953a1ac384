"""Learning from everybody who permits it: value, taste, and what the products are.

What is learned is a challenger: it takes the place of the model in use only as `challenging` says.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import msgspec
import numpy as np

from customering.app.answering import read_answering
from customering.app.challenging import Verdict, compare_taste, compare_value, judge_challenger
from customering.app.contexts import read_context
from customering.app.model_registry import ModelRegistry
from customering.app.model_settings import ModelsSettings
from customering.app.model_version import CHAMPION_FILES, Comparison, Kind, ModelVersion
from customering.app.models import ModelShelf
from customering.app.permission import Permission
from customering.app.purchases import PurchaseData, read_items, read_purchases
from customering.kernel.errors import Corrupt, Invalid
from customering.kernel.records import Record, to_json
from customering.relationship.buying import name_of
from customering.relationship.evaluate import HoldOutReport, fit_and_hold_out
from customering.relationship.model import Purchases as Orders
from customering.relationship.model import ValueModel
from customering.relationship.value import read_value_model
from customering.stores.history import History
from customering.taste.features import DISCOVER_FEATURES, REPEAT_FEATURES
from customering.taste.history import Purchases as Lines
from customering.taste.history import gather
from customering.taste.model import TasteModel, TasteSettings
from customering.taste.train import train

HELD_OUT_DAYS = 28
_DEFAULTS = ModelsSettings()
_REPEATERS_LEAST = 20  # four parameters are not to be had from fewer people
VALUE_PURPOSE = "profile.value_scoring"
TASTE_PURPOSE = "personalize.offers"


class Learned(Record, frozen=True):
    """What was learned.

    Parameters
    ----------
    value
        The check of the value model on held-out days; None when too few people came back.
    value_skipped, taste_skipped
        Why a model could not be fitted; empty when it was.
    taste
        Measures of the training of the taste model by name.
    products
        Products known.
    models
        The models that were fitted, with what became of each; without those that are not kept.
    verdicts
        By kind what became of the model that was fitted, in words.
    """

    value: HoldOutReport | None
    value_skipped: str
    taste: dict[str, float]
    taste_skipped: str
    products: int
    models: tuple[ModelVersion, ...] = ()
    verdicts: dict[str, str] = msgspec.field(default_factory=dict)


def learn(
    *,
    history: History,
    shelf: ModelShelf,
    person_of: Mapping[str, str],
    may_score: Permission,
    may_suggest: Permission,
    now_ms: int,
    currency: str,
    settings: ModelsSettings = _DEFAULTS,
    erasures: int = 0,
) -> Learned:
    """Fit all models, and put those in use that are better than the ones there are.

    Parameters
    ----------
    history
        What happened.
    shelf
        Where models are kept.
    person_of
        Anchor to the name of its person, for people with several identifiers.
    may_score, may_suggest
        Whose purchases may be used to estimate value, and to suggest products.
    now_ms
        The present; noted in the models.
    currency
        Of the amounts.
    settings
        How a new model is compared with the one in use, and how many are kept.
    erasures
        How many erasures there have been: models of before the latest are replaced, not compared.
    """
    registry = ModelRegistry(shelf.folder, kept_most=settings.kept_most)
    scored = read_purchases(history, person_of, may_score)
    value, value_skipped = _learn_value(scored, now_ms=now_ms, currency=currency)
    made: dict[Kind, tuple[ModelVersion, Verdict] | None] = {
        "value": (
            None if value is None else _place_value(registry, value, scored, settings, erasures)
        )
    }
    suggested = read_purchases(history, person_of, may_suggest)
    taste, taste_skipped = _learn_taste(suggested)
    if taste is not None:
        taste = replace(taste, context=read_context(history, person_of, may_suggest))
    made["taste"] = (
        None
        if taste is None
        else _place_taste(registry, taste, suggested, settings, now_ms, erasures)
    )
    for kind, placed in made.items():
        if placed is None:
            registry.withdraw(kind)
    items = read_items(history)
    shelf.put_answering(read_answering(history, person_of, may_suggest))
    shelf.put_items(items)
    return Learned(
        value=value,
        value_skipped=value_skipped,
        taste={} if taste is None else dict(taste.metrics),
        taste_skipped=taste_skipped,
        products=len(items),
        models=tuple(one[0] for one in made.values() if one is not None and one[1].is_kept),
        verdicts={kind: one[1].words for kind, one in made.items() if one is not None},
    )


def _place_value(
    registry: ModelRegistry,
    report: HoldOutReport,
    data: PurchaseData,
    settings: ModelsSettings,
    erasures: int,
) -> tuple[ModelVersion, Verdict]:
    """Keep a value model, in use or not."""
    model = report.model
    _adopt(registry, "value")
    registry.forget("value", erasures)
    champion = registry.champion("value")

    def compare(cut: int) -> Comparison | None:
        assert champion is not None, "there is nothing to compare the first one with"
        return compare_value(
            orders_of(data),
            read_value_model(registry.read(champion)),
            cut=cut,
            through_day=model.observed_until_day,
        )

    version = msgspec.structs.replace(_version_of_value(model), erasures=erasures)
    return _place(registry, version, to_json(model), champion, settings, compare)


def _place_taste(
    registry: ModelRegistry,
    model: TasteModel,
    data: PurchaseData,
    settings: ModelsSettings,
    now_ms: int,
    erasures: int,
) -> tuple[ModelVersion, Verdict]:
    """Keep a taste model, in use or not."""
    _adopt(registry, "taste")
    registry.forget("taste", erasures)
    champion = registry.champion("taste")

    def compare(cut: int) -> Comparison | None:
        assert champion is not None, "there is nothing to compare the first one with"
        return compare_taste(
            lines_of(data),
            data.products,
            TasteModel.from_bytes(registry.read(champion)),
            cut=cut,
            through_day=model.through_day,
            now=model,
        )

    version = msgspec.structs.replace(_version_of_taste(model, now_ms), erasures=erasures)
    return _place(registry, version, model.to_bytes(), champion, settings, compare)


def _place(
    registry: ModelRegistry,
    version: ModelVersion,
    data: bytes,
    champion: ModelVersion | None,
    settings: ModelsSettings,
    compare: Callable[[int], Comparison | None],
) -> tuple[ModelVersion, Verdict]:
    verdict = judge_challenger(
        version,
        champion,
        by_hand=registry.is_by_hand(version.kind),
        settings=settings,
        compare=compare,
    )
    version = msgspec.structs.replace(
        version,
        parent="" if champion is None else champion.model_id,
        comparison=verdict.comparison,
        verdict=verdict.words,
    )
    if verdict.is_kept:
        version = registry.add(version, data, use=verdict.is_used)
    return version, verdict


def _version_of_value(model: ValueModel) -> ModelVersion:
    checked = model.held_out
    metrics = {"log_likelihood": model.log_likelihood, "scale": model.scale}
    if checked is not None:
        metrics |= {
            name: value
            for name in ("bias", "mean_absolute_error", "wmape", "correlation")
            if (value := getattr(checked, name)) is not None
        }
    return ModelVersion(
        model_id="",
        kind="value",
        name=name_of(model.buying),
        made_at=model.fitted_at_ms,
        first_day=model.observed_from_day,
        through_day=model.observed_until_day,
        people=model.people,
        metrics=metrics,
        features=("frequency", "recency_days", "age_days", "mean_order_value_minor"),
        settings={"among": sorted(one.name for one in model.contenders)},
    )


def _version_of_taste(model: TasteModel, made_at: int) -> ModelVersion:
    return ModelVersion(
        model_id="",
        kind="taste",
        name="EASE and logistic ranking",
        made_at=made_at,
        first_day=model.first_day,
        through_day=model.through_day,
        people=model.statistics.people,
        metrics=dict(model.metrics),
        features=(*REPEAT_FEATURES, *DISCOVER_FEATURES),
        settings=msgspec.to_builtins(model.settings),
    )


def _adopt(registry: ModelRegistry, kind: Kind) -> None:
    """Enter a model in use that is of before there was a registry, if it can be read."""
    path = registry.folder / CHAMPION_FILES[kind]
    if registry.champion(kind) is not None or not path.exists():
        return
    data = path.read_bytes()
    try:
        version = (
            _version_of_value(read_value_model(data))
            if kind == "value"
            else _version_of_taste(TasteModel.from_bytes(data), 0)
        )
    except (Invalid, Corrupt):
        return
    words = "It was in use before versions were kept."
    registry.add(msgspec.structs.replace(version, verdict=words), data, use=True)


def _learn_value(
    data: PurchaseData, *, now_ms: int, currency: str
) -> tuple[HoldOutReport | None, str]:
    if not len(data.order_day):
        return None, "nobody has bought anything, or nobody permits it"
    days = np.unique(np.stack([data.order_person, data.order_day]), axis=1)[0]
    repeaters = int((np.bincount(days) > 1).sum())
    if repeaters < _REPEATERS_LEAST:
        return None, f"{repeaters} people have come back, and {_REPEATERS_LEAST} are needed"
    try:
        report = fit_and_hold_out(
            orders_of(data),
            until_day=int(data.order_day.max()),
            held_out_days=HELD_OUT_DAYS,
            fitted_at_ms=now_ms,
            currency=currency,
        )
    except Invalid as error:
        return None, error.message
    return report, ""


def _learn_taste(data: PurchaseData) -> tuple[TasteModel | None, str]:
    if not len(data.line_day):
        return None, "nobody has bought a product, or nobody permits it"
    lines, through = lines_of(data), int(data.line_day.max())
    skipped = ""
    # A young shop has no four weeks to look back on: what it has must do.
    for label_days in (28, 14, 7, 3, 1):
        settings = TasteSettings(label_days=label_days)
        try:
            return train(lines, data.products, through_day=through, settings=settings), ""
        except Invalid as error:
            skipped = error.message
    return None, skipped


def orders_of(data: PurchaseData) -> Orders:
    """Give the orders as the value model reads them."""
    return Orders(person=data.order_person, day=data.order_day, amount_minor=data.order_minor)


def lines_of(data: PurchaseData) -> Lines:
    """Give the product lines as the taste model reads them."""
    return gather(
        data.line_person,
        data.line_product,
        data.line_day,
        people=len(data.people),
        items=len(data.products),
    )
