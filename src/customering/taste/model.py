"""Suggestions, the settings of the taste model, and the model as one artifact of bytes."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal
from zipfile import BadZipFile

import msgspec
import numpy as np
import scipy  # each of its parts is imported at its first use: they take long
from numpy.typing import NDArray

from customering.kernel.errors import Corrupt
from customering.kernel.records import Record, Settings, from_json, to_json
from customering.taste.context import Context
from customering.taste.discovery import Discovery
from customering.taste.features import DISCOVER_FEATURES, REPEAT_FEATURES
from customering.taste.groups import Groups
from customering.taste.items import ItemStatistics
from customering.taste.logistic import Additive

FORMAT = 1
"""Version of the bytes; a model of another format is trained again, not read."""

Kind = Literal["repeat", "discover", "popular", "alike", "friends", "arrival"]
"""How a product came into a list: bought before; spoken for by what was bought; bought by many; by
people who shop alike; by people the person knows; or new to everybody."""


class TasteSettings(Settings, frozen=True, kw_only=True):
    """How the taste model is trained and what it considers."""

    recent_days: Annotated[
        int,
        msgspec.Meta(description="Days that count as recent in an item's trend.", ge=1, le=365),
    ] = 28
    label_days: Annotated[
        int,
        msgspec.Meta(
            description="Days after a training cut in which the next basket is looked for.",
            ge=1,
            le=365,
        ),
    ] = 28
    label_cuts: Annotated[
        int,
        msgspec.Meta(
            description="Training cuts, one every label_days back from the end.", ge=1, le=12
        ),
    ] = 3
    training_rows_max: Annotated[
        int,
        msgspec.Meta(
            description="Training rows at most; beyond, every k-th person is taken.", ge=1_000
        ),
    ] = 1_500_000
    discovery_items_max: Annotated[
        int,
        msgspec.Meta(
            description="Most bought items that may be discovered; time grows with the cube.",
            ge=1,
            le=20_000,
        ),
    ] = 5_000
    discovery_ridge: Annotated[
        float,
        msgspec.Meta(
            description="Penalty of discovery; 0 chooses it by what was bought after a cut.", ge=0
        ),
    ] = 0.0
    neighbours_kept: Annotated[
        int, msgspec.Meta(description="Neighbours kept for each item.", ge=1, le=2_000)
    ] = 200
    supported_candidates: Annotated[
        int, msgspec.Meta(description="Best supported new items considered a person.", ge=0)
    ] = 150
    popular_candidates: Annotated[
        int, msgspec.Meta(description="Popular new items considered a person.", ge=1)
    ] = 60


class Facts(Record, frozen=True, kw_only=True):
    """What an explanation of a suggestion may say, in plain numbers.

    Parameters
    ----------
    times
        Days on which the person bought it; 0 for one never bought.
    every_days
        Mean days between purchases; None when bought less than twice.
    last_days_ago
        Days since the last purchase; None for one never bought.
    share_rebuy
        Share of its buyers who bought it on another day too, in [0, 1]; None for an item the
        model has not seen.
    buyers
        People who bought it in the training window.
    because_of
        Products the person bought that speak for this one, strongest first.
    alike_times
        How many times as often as others people who shop alike buy it; None where that is no
        reason.
    """

    times: int = 0
    every_days: float | None = None
    last_days_ago: int | None = None
    share_rebuy: float | None = None
    buyers: int = 0
    because_of: tuple[str, ...] = ()
    alike_times: float | None = None


class Suggestion(Record, frozen=True, kw_only=True):
    """One product a person may want next.

    Parameters
    ----------
    product_id
        The product.
    probability
        Estimated chance that it is in the person's next basket, given that there is one soon, in
        (0, 1); comparable over kinds.
    kind
        ``repeat`` was bought before, ``discover`` is spoken for by what was bought, ``alike`` is
        bought by people who shop alike, ``popular`` is none of these but many buy it.
    facts
        What to say about it.
    parts
        What each feature adds to the log odds, by feature name, and ``people_alike`` what people
        who shop alike add; they sum, with the model's intercept, to the log odds of `probability`.
    """

    product_id: str
    probability: float
    kind: Kind
    facts: Facts
    parts: dict[str, float] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class TasteModel:
    """Everything a decision needs to suggest products, trained once and then only read.

    Parameters
    ----------
    products
        Product of each item number.
    statistics
        What is known of each item.
    repeat, discover
        Log odds of being in the next basket, for items bought before and for others.
    discovery
        What can be discovered.
    settings
        The settings the model was trained with; the candidates at serving follow them too.
    first_day, through_day
        Window of the purchases, UTC day numbers, both included.
    metrics
        Named numbers about the training (rows, rates) and, when evaluated, its quality.
    context
        What is bought when and where; None where that was not told.
    groups
        People who shop alike; None where there are too few of them, or it found nothing.
    """

    products: tuple[str, ...]
    statistics: ItemStatistics
    repeat: Additive
    discover: Additive
    discovery: Discovery
    settings: TasteSettings
    first_day: int
    through_day: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    context: Context | None = None
    groups: Groups | None = None

    @cached_property
    def index(self) -> dict[str, int]:
        """Item number of each product."""
        return {product: number for number, product in enumerate(self.products)}

    def to_bytes(self) -> bytes:
        """Write the model as one compressed archive of arrays."""
        head = _Head(
            format=FORMAT,
            products=self.products,
            repeat_features=REPEAT_FEATURES,
            discover_features=DISCOVER_FEATURES,
            settings=self.settings,
            people=self.statistics.people,
            first_day=self.first_day,
            through_day=self.through_day,
            metrics=dict(self.metrics),
            context_products=self.context.products if self.context else (),
            context_cells=self.context.cells if self.context else (),
        )
        arrays: dict[str, Any] = {"head": np.frombuffer(to_json(head), dtype=np.uint8)}
        for name in _STATISTICS:
            arrays[f"statistics_{name}"] = getattr(self.statistics, name)
        for kind, part in (("repeat", self.repeat), ("discover", self.discover)):
            for name in _ADDITIVE:
                arrays[f"{kind}_{name}"] = np.asarray(getattr(part, name))
        for name in ("items", "column", "popular"):
            arrays[f"discovery_{name}"] = getattr(self.discovery, name)
        for name in _SPARSE:
            arrays[f"neighbours_{name}"] = getattr(self.discovery.neighbours, name)
        if self.context is not None:
            arrays |= {"context_share": self.context.share, "context_lift": self.context.lift}
        if self.groups is not None:
            for name in _GROUPS:
                arrays[f"groups_{name}"] = np.asarray(getattr(self.groups, name))
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "TasteModel":
        """Read a model that `to_bytes` wrote.

        Raises
        ------
        Corrupt
            When the bytes are not such a model, or one of another format or feature set.
        """
        hint = "Train the model again."
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                arrays = dict(archive)
            head = from_json(arrays["head"].tobytes(), _Head)
        except (ValueError, KeyError, EOFError, BadZipFile, msgspec.DecodeError) as error:
            raise Corrupt("the bytes are not a taste model", hint=hint) from error
        known = (FORMAT, REPEAT_FEATURES, DISCOVER_FEATURES)
        if (head.format, head.repeat_features, head.discover_features) != known:
            raise Corrupt("the taste model is of another version", hint=hint)
        columns = len(arrays["discovery_items"])
        neighbours = scipy.sparse.csr_array(
            tuple(arrays[f"neighbours_{name}"] for name in _SPARSE), shape=(columns, columns)
        )
        return cls(
            head.products,
            _statistics(arrays, head.people),
            _additive(arrays, "repeat"),
            _additive(arrays, "discover"),
            Discovery(
                arrays["discovery_items"],
                arrays["discovery_column"],
                neighbours,
                arrays["discovery_popular"],
            ),
            head.settings,
            head.first_day,
            head.through_day,
            head.metrics,
            _context(arrays, head),
            _groups(arrays),
        )


_STATISTICS = ("buyers", "recent_buyers", "again_share", "again_rate")
_ADDITIVE = ("mean", "scale", "knots", "weights", "intercept")
_SPARSE = ("data", "indices", "indptr")
_GROUPS = ("weight", "lines", "lately", "everybody", "strength")


class _Head(Record, frozen=True, kw_only=True):
    """All of a model that is not an array."""

    format: int
    products: tuple[str, ...]
    repeat_features: tuple[str, ...]
    discover_features: tuple[str, ...]
    settings: TasteSettings
    people: int
    first_day: int
    through_day: int
    metrics: dict[str, float]
    context_products: tuple[str, ...] = ()
    context_cells: tuple[str, ...] = ()


def _context(arrays: Mapping[str, NDArray[Any]], head: _Head) -> Context | None:
    """Read what is bought when and where; models of earlier versions do not tell."""
    if "context_lift" not in arrays:
        return None
    return Context(
        head.context_products, arrays["context_share"], head.context_cells, arrays["context_lift"]
    )


def _groups(arrays: Mapping[str, NDArray[Any]]) -> Groups | None:
    """Read the groups of people; models of earlier versions do not tell."""
    if "groups_lines" not in arrays:
        return None
    weight, lines, lately, everybody, strength = (arrays[f"groups_{name}"] for name in _GROUPS)
    return Groups(weight, lines, lately, everybody, float(strength))


def _statistics(arrays: Mapping[str, NDArray[Any]], people: int) -> ItemStatistics:
    buyers, recent_buyers, again_share, again_rate = (
        arrays[f"statistics_{name}"] for name in _STATISTICS
    )
    return ItemStatistics(buyers, recent_buyers, again_share, again_rate, people)


def _additive(arrays: Mapping[str, NDArray[Any]], kind: str) -> Additive:
    mean, scale, knots, weights, intercept = (arrays[f"{kind}_{name}"] for name in _ADDITIVE)
    return Additive(mean, scale, knots, weights, float(intercept))
