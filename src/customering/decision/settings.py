"""The settings of decisions: chance, control group, limits on contact, variety."""

from typing import Annotated, Literal

import msgspec

from customering.kernel.records import Record, Settings

Minor = Annotated[int, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
TimeOfDay = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Cap(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A limit on contacts: so many in any so many days; without a channel it counts all of them."""

    channel: str = ""
    times: Minor
    days: Annotated[int, msgspec.Meta(ge=1)]


class ContextWeight(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a condition holds, what is named weighs so much more or less; what is not, is any."""

    when: Annotated[str, msgspec.Meta(min_length=1)]
    weight: Annotated[float, msgspec.Meta(ge=0)]
    groups: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()


class Influence(Settings, frozen=True, kw_only=True):
    """What an outcome of one action does to the others of its group."""

    factor: Annotated[
        float,
        msgspec.Meta(description="What their scores are multiplied with at first.", ge=0),
    ] = 1.0
    half_life_days: Annotated[
        float, msgspec.Meta(description="Days after which half of that is left.", gt=0)
    ] = 14.0


class ArbitrationSettings(Settings, frozen=True, kw_only=True):
    """Which factors of the score count; one that is switched off counts as 1 for everything."""

    use_propensity: Annotated[
        bool, msgspec.Meta(description="Whether the chance that the person accepts counts.")
    ] = True
    use_value: Annotated[
        bool, msgspec.Meta(description="Whether the margin when they do counts.")
    ] = True
    use_effect: Annotated[
        bool,
        msgspec.Meta(
            description="Whether acceptance counts only by the share that would not have come"
            " without us, where that was measured."
        ),
    ] = True
    use_context_weight: Annotated[
        bool, msgspec.Meta(description="Whether the weights of circumstances count.")
    ] = True
    use_lever: Annotated[
        bool, msgspec.Meta(description="Whether the operator's own weight of an action counts.")
    ] = True


class DecisionSettings(Settings, frozen=True, kw_only=True):
    """How decisions are made."""

    exploration: Annotated[
        Literal["inverse_gap", "thompson", "best"],
        msgspec.Meta(
            description="How chance has the first place beside the uniform share: the closer to the"
            " best the likelier (inverse_gap), as likely as it is to be the best by what was"
            " learned (thompson), or never (best)."
        ),
    ] = "inverse_gap"
    exploration_share: Annotated[
        float,
        msgspec.Meta(
            description="Share of decisions whose first place is drawn uniformly among all that"
            " come into question, in [0, 1].",
            ge=0,
            le=1,
        ),
    ] = 0.02
    exploration_places: Annotated[
        dict[str, Share],
        msgspec.Meta(description="The same share for single placements, by their name."),
    ] = msgspec.field(default_factory=dict)
    exploration_sharpness: Annotated[
        float,
        msgspec.Meta(
            description="How fast drawing by closeness to the best gives way to the best as"
            " outcomes are learned.",
            gt=0,
        ),
    ] = 3.0
    random_share: Annotated[
        float,
        msgspec.Meta(
            description="Share of people whose first place is always drawn uniformly, as a measure"
            " for everything else, in [0, 1].",
            ge=0,
            le=1,
        ),
    ] = 0.0
    control_share: Annotated[
        float,
        msgspec.Meta(
            description="Share of people in the control group, who get what everybody gets, "
            "in [0, 1].",
            ge=0,
            le=1,
        ),
    ] = 0.05
    seed: Annotated[
        int, msgspec.Meta(description="Seed of all chance; a new one deals all groups anew.")
    ] = 1
    attention_cost_minor: Annotated[
        dict[str, Minor],
        msgspec.Meta(
            description="What one contact costs in the person's attention, by channel, minor units;"
            " a channel that is not listed costs as much as the dearest."
        ),
    ] = msgspec.field(
        default_factory=lambda: {"email": 10, "push": 15, "sms": 30, "post": 80, "phone": 200}
    )
    caps: Annotated[
        tuple[Cap, ...],
        msgspec.Meta(
            description="Most contacts in any so many days, by channel; no channel counts all."
        ),
    ] = (Cap(channel="email", times=2, days=7), Cap(times=3, days=7))
    quiet_from: Annotated[
        TimeOfDay,
        msgspec.Meta(
            description="Time of day, in the person's zone, from which nobody is reached."
        ),
    ] = "21:00"
    quiet_until: Annotated[
        TimeOfDay,
        msgspec.Meta(
            description="Time of day at which quiet ends; equal to quiet_from means no quiet hours."
        ),
    ] = "08:00"
    zone: Annotated[
        str, msgspec.Meta(description="Time zone of people whose own is not known.", min_length=1)
    ] = "UTC"
    most_per_group: Annotated[
        int, msgspec.Meta(description="Most chosen actions of one group in one decision.", ge=1)
    ] = 3
    discovery_slots: Annotated[
        int,
        msgspec.Meta(
            description="Places kept for what is new to the person; never the first place.", ge=0
        ),
    ] = 1
    valid_minutes: Annotated[
        int, msgspec.Meta(description="Minutes for which a decision may be carried out.", ge=1)
    ] = 1440
    context_weights: Annotated[
        tuple[ContextWeight, ...],
        msgspec.Meta(
            description="Weights of actions in certain circumstances: a condition over traits and"
            " context, a weight, and the groups, kinds or actions it is about."
        ),
    ] = ()
    fallbacks: Annotated[
        dict[str, str],
        msgspec.Meta(
            description="By placement the action that is shown when nothing else is worth it."
        ),
    ] = msgspec.field(default_factory=dict)
    arbitration: ArbitrationSettings = ArbitrationSettings()
    after_dismissed: Influence = Influence()
    after_accepted: Influence = Influence()
