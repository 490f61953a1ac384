"""The settings of lists: how products come to be suggested beside those that habits speak for."""

from typing import Annotated

import msgspec

from customering.kernel.records import Settings


class ListSettings(Settings, frozen=True, kw_only=True):
    """How products come into somebody's list that their own purchases do not speak for."""

    friends_least: Annotated[
        int,
        msgspec.Meta(
            description="People somebody knows who must have bought or liked a product, at least,"
            " before it is suggested for that; fewer would tell who it was.",
            ge=2,
            le=100,
        ),
    ] = 3
    friends_days: Annotated[
        int,
        msgspec.Meta(
            description="Days for which what people bought, liked or shared counts with those who"
            " know them.",
            ge=1,
            le=365,
        ),
    ] = 90
    friends_hidden_categories: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description="Categories of which nothing is suggested because people somebody knows"
            " bought it."
        ),
    ] = ()
    arrivals: Annotated[
        int,
        msgspec.Meta(
            description="Products of the catalogue that nobody has bought yet, in each list at"
            " most; 0 leaves them out.",
            ge=0,
            le=20,
        ),
    ] = 3
    arrival_lever: Annotated[
        float,
        msgspec.Meta(
            description="What the score of such a product is multiplied with, so that it is seen"
            " at all.",
            ge=0,
            le=100,
        ),
    ] = 2.0
