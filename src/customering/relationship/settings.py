"""The thresholds of rhythm and status: the section of the settings file about relationships."""

from typing import Annotated

import msgspec

from customering.kernel.records import Settings


class StatusSettings(Settings, frozen=True, kw_only=True):
    """What is usual for a person, and the thresholds between the statuses."""

    usual_gap_days: Annotated[
        float,
        msgspec.Meta(
            description="Days between two purchase days that are usual among all people; used "
            "only until a value model has measured them.",
            gt=0,
            le=3650,
        ),
    ] = 30.0
    prior_gaps: Annotated[
        float,
        msgspec.Meta(
            description="How many of a person's own gaps between purchases the usual gap of all "
            "people weighs.",
            ge=0.1,
            le=100,
        ),
    ] = 2.0
    patience_spreads: Annotated[
        float,
        msgspec.Meta(
            description="How many standard deviations beyond the mean gap are still usual.",
            ge=0,
            le=10,
        ),
    ] = 2.0
    patience_days_min: Annotated[
        float,
        msgspec.Meta(description="A silence up to this many days is always usual.", ge=1, le=3650),
    ] = 14.0
    patience_days_max: Annotated[
        float,
        msgspec.Meta(description="A silence of more than this many days never is.", ge=1, le=3650),
    ] = 365.0
    at_risk_patience: Annotated[
        float,
        msgspec.Meta(
            description="A silence of more than this many times the longest usual one is at risk.",
            ge=1,
        ),
    ] = 2.0
    lost_patience: Annotated[
        float,
        msgspec.Meta(
            description="A silence of more than this many times the longest usual one is lost.",
            ge=1,
        ),
    ] = 4.0
    lost_days_min: Annotated[
        float,
        msgspec.Meta(description="A silence of up to this many days is never lost.", ge=0, le=3650),
    ] = 90.0
    lost_days_max: Annotated[
        float,
        msgspec.Meta(
            description="A silence of more than this many days is lost, whatever a model expects.",
            ge=30,
            le=3650,
        ),
    ] = 730.0
    at_risk_p_alive: Annotated[
        float,
        msgspec.Meta(
            description="A person who is late is at risk when the model's probability that they "
            "still are a customer is below this.",
            ge=0,
            le=1,
        ),
    ] = 0.2
    at_risk_expected_90: Annotated[
        float,
        msgspec.Meta(
            description="A person who is late is at risk when the model expects fewer purchase "
            "days than this in the next 90.",
            ge=0,
        ),
    ] = 0.25
    lost_expected_90: Annotated[
        float,
        msgspec.Meta(
            description="A person who is late is lost when the model expects fewer purchase days "
            "than this in the next 90.",
            ge=0,
        ),
    ] = 0.1
    kept_expected_90: Annotated[
        float,
        msgspec.Meta(
            description="A person is not lost, however late, while the model expects at least "
            "this many purchase days in the next 90.",
            ge=0,
        ),
    ] = 1.0
    new_orders_max: Annotated[
        int, msgspec.Meta(description="Up to this many purchase days a person is new.", ge=1)
    ] = 2
    loyal_orders_min: Annotated[
        int, msgspec.Meta(description="A loyal person has at least this many purchase days.", ge=2)
    ] = 5
    loyal_days_min: Annotated[
        float,
        msgspec.Meta(
            description="A loyal person has at least this many days from first to last purchase.",
            ge=0,
        ),
    ] = 90.0
    change_spreads: Annotated[
        float,
        msgspec.Meta(
            description="By how many standard deviations two windows of 90 days have to differ.",
            ge=0,
        ),
    ] = 1.64
    change_ratio: Annotated[
        float,
        msgspec.Meta(
            description="How many times as many purchase days one of two windows of 90 days has "
            "to have, at least.",
            ge=1,
        ),
    ] = 1.3
    ignored_messages_min: Annotated[
        int,
        msgspec.Meta(
            description="So many messages in 90 days, none answered and nothing bought, suggest "
            "that a person is not that into us.",
            ge=1,
        ),
    ] = 8
    dismissed_min: Annotated[
        int,
        msgspec.Meta(
            description="So many suggestions said no to in 90 days, no message answered and "
            "nothing bought, suggest that a person is not that into us.",
            ge=1,
        ),
    ] = 3
    unsubscribed_days: Annotated[
        int,
        msgspec.Meta(
            description="For so many days after they unsubscribed, and until they buy again, a "
            "person counts as not that into us.",
            ge=0,
            le=3650,
        ),
    ] = 365
    persuasion_least: Annotated[
        float,
        msgspec.Meta(
            description="Where contact surely does less than this for people like them, and they "
            "do not buy, a person counts as not that into us.",
            ge=0,
            le=1,
        ),
    ] = 0.0
    persuasion_measured_share: Annotated[
        float,
        msgspec.Meta(
            description="Share of people to whom what contact does to people like them is never"
            " applied, so that it can be measured again, in [0, 1].",
            ge=0,
            le=1,
        ),
    ] = 0.1
    unhappy_sentiment: Annotated[
        float,
        msgspec.Meta(
            description="Who bought and speaks of us no better than this, from -1 to 1, is at "
            "risk.",
            ge=-1,
            le=1,
        ),
    ] = -0.5
