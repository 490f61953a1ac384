"""The settings of decisions: chance, control group, limits on contact, variety."""

from typing import Annotated

import msgspec

from customering.kernel.records import Record, Settings

Minor = Annotated[int, msgspec.Meta(ge=0)]
TimeOfDay = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Cap(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A limit on contacts: so many in any so many days; without a channel it counts all of them."""

    channel: str = ""
    times: Minor
    days: Annotated[int, msgspec.Meta(ge=1)]


class DecisionSettings(Settings, frozen=True, kw_only=True):
    """How decisions are made."""

    exploration_share: Annotated[
        float,
        msgspec.Meta(
            description="Share of decisions whose first place is drawn at random, in [0, 1].",
            ge=0,
            le=1,
        ),
    ] = 0.02
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
