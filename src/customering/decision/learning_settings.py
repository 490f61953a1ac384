"""The settings of learning: what counts as success, what is looked at, how fast it fades."""

from typing import Annotated, Literal

import msgspec

from customering.kernel.records import Record, Settings

Success = Literal["clicked", "accepted", "bought"]
Exposure = Literal["shown", "decided"]
UseOfContext = Literal["gate", "always", "never"]

USUAL_FEATURES = (
    "orders_total",
    "orders_90d",
    "average_order_minor",
    "coupons_redeemed_total",
    "messages_received_90d",
    "messages_answered_90d",
    "products_viewed_7d",
    "cart_adds_7d",
    "top_departments",
    "declared.age_group",
    "declared.household_size",
    "context.page",
)


class PlaceLearning(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is different at one placement or channel; None is as everywhere."""

    success: tuple[Success, ...] | None = None
    exposure: Exposure | None = None
    window_hours: Annotated[float, msgspec.Meta(gt=0, le=2160)] | None = None
    context: UseOfContext | None = None


_NOTHING_SAID = PlaceLearning()


class LearningSettings(Settings, frozen=True, kw_only=True):
    """How decisions learn from what came of earlier ones."""

    is_on: Annotated[
        bool, msgspec.Meta(description="Whether decisions use what was learned from outcomes.")
    ] = True
    purpose: Annotated[
        str, msgspec.Meta(description="The purpose people must permit to be learned from.")
    ] = "personalize.offers"
    success: Annotated[
        tuple[Success, ...],
        msgspec.Meta(description="The outcomes that count as success.", min_length=1),
    ] = ("clicked", "accepted", "bought")
    contact_success: Annotated[
        tuple[Success, ...],
        msgspec.Meta(
            description="The same where people are contacted: what is expected there is multiplied"
            " with a margin and compared with what a contact costs, and a click earns nothing.",
            min_length=1,
        ),
    ] = ("accepted", "bought")
    last_touch: Annotated[
        bool,
        msgspec.Meta(
            description="Whether a purchase that names no decision counts as bought for the action"
            " about that product that the person met last, while its outcome is waited for."
        ),
    ] = False
    exposure: Annotated[
        Exposure,
        msgspec.Meta(
            description="Which actions count as seen: those told as shown, or all that were"
            " decided. Say decided only where whatever is decided is seen."
        ),
    ] = "shown"
    window_hours: Annotated[
        float,
        msgspec.Meta(
            description="Hours after a decision in which success is waited for; what did not"
            " succeed by then has failed.",
            gt=0,
            le=2160,
        ),
    ] = 24.0
    late_hours: Annotated[
        float,
        msgspec.Meta(
            description="Hours after that in which a late success still corrects the failure.",
            ge=0,
            le=2160,
        ),
    ] = 72.0
    pending_max: Annotated[
        int,
        msgspec.Meta(
            description="Most decisions whose outcome is waited for, of some 2 kB each; more are"
            " not learned from.",
            ge=0,
            le=10_000_000,
        ),
    ] = 20_000
    half_life_days: Annotated[
        float,
        msgspec.Meta(description="Days after which what was learned counts half.", gt=0, le=36_500),
    ] = 90.0
    context: Annotated[
        UseOfContext,
        msgspec.Meta(
            description="Whether features of the person and the circumstances are used: when the"
            " gate found it not worse than the best single action (gate), always, or never."
        ),
    ] = "gate"
    features: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description="What is looked at of the person and the circumstances: names of traits,"
            " declared.NAME and context.NAME."
        ),
    ] = USUAL_FEATURES
    features_max: Annotated[
        int,
        msgspec.Meta(
            description="Most features with a weight; one a number and one a text value.",
            ge=64,
            le=4096,
        ),
    ] = 256
    actions_max: Annotated[
        int,
        msgspec.Meta(
            description="Most actions with weights of their own; the one that was not learned from"
            " for longest gives way.",
            ge=1,
            le=100_000,
        ),
    ] = 2_000
    places: Annotated[
        dict[str, PlaceLearning],
        msgspec.Meta(description="What is different at single placements, by their name."),
    ] = msgspec.field(default_factory=dict)

    channels: Annotated[
        dict[str, PlaceLearning],
        msgspec.Meta(description="What is different on single channels, by their name."),
    ] = msgspec.field(default_factory=dict)
    actions: Annotated[
        dict[str, tuple[Success, ...]],
        msgspec.Meta(description="The outcomes that count as success of single actions, by id."),
    ] = msgspec.field(default_factory=dict)

    def at(self, placement: str, channel: str = "") -> PlaceLearning:
        """Give what holds at one placement; every field has a value.

        What is said of the placement goes before what is said of the channel.

        Parameters
        ----------
        channel
            The channel by which the person is reached; empty where they already are.
        """
        own = self.places.get(placement, _NOTHING_SAID)
        way = self.channels.get(channel, _NOTHING_SAID)
        usual = self.contact_success if channel else self.success
        return PlaceLearning(
            success=own.success or way.success or usual,
            exposure=own.exposure or way.exposure or self.exposure,
            window_hours=own.window_hours or way.window_hours or self.window_hours,
            context=own.context or way.context or self.context,
        )

    def success_of(self, action_id: str, placement: str, channel: str = "") -> tuple[Success, ...]:
        """Give the outcomes that count as success of one action at one placement."""
        return self.actions.get(action_id) or self.at(placement, channel).success or self.success
