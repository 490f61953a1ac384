"""The settings of fitted models: how a challenger is judged, and how many are kept."""

from typing import Annotated

import msgspec

from customering.kernel.records import Settings


class ModelsSettings(Settings, frozen=True):
    """How models of value and taste follow one another."""

    kept_most: Annotated[
        int,
        msgspec.Meta(
            description="Models kept of each kind, the one in use and its forerunner always.",
            ge=2,
            le=1_000,
        ),
    ] = 5
    compared_days: Annotated[
        int,
        msgspec.Meta(
            description="Days at the end, unseen by both, on which a new model is compared with "
            "the one in use.",
            ge=1,
            le=365,
        ),
    ] = 28
    surely_better: Annotated[
        bool,
        msgspec.Meta(
            description="Whether a new model must be better beyond doubt (its whole interval) and "
            "not only by the best estimate."
        ),
    ] = False
