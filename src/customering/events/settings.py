"""The ``[events]`` section of the settings: intake and the log."""

from typing import Annotated

from msgspec import Meta

from customering.kernel.records import Settings


class EventsSettings(Settings, frozen=True):
    """How events are read, refused and kept."""

    default_region: Annotated[
        str,
        Meta(
            description="Two-letter country (ISO 3166-1) of telephone numbers written without "
            "a country code, such as DE; empty: only numbers that start with + are understood.",
            pattern="^([A-Z]{2})?$",
        ),
    ] = ""
    default_currency: Annotated[
        str,
        Meta(
            description="Three-letter currency (ISO 4217) of amounts sent without a currency.",
            pattern="^[A-Z]{3}$",
        ),
    ] = "USD"
    event_bytes_max: Annotated[
        int,
        Meta(
            description="Largest event that is accepted, in bytes of JSON; larger ones are "
            "quarantined.",
            ge=1_024,
            le=16_777_216,
        ),
    ] = 262_144
    dedupe_hours: Annotated[
        int,
        Meta(
            description="Hours of recorded time during which an event id counts only once; senders "
            "repeat an unanswered call for up to 12 hours.",
            ge=24,
            le=8_760,
        ),
    ] = 24
    block_events_max: Annotated[
        int,
        Meta(description="Most events in one block of the log.", ge=1, le=100_000),
    ] = 1_000
    compression_level: Annotated[
        int,
        Meta(
            description="Zstandard level of the blocks: 1 is fastest, 19 is smallest.", ge=1, le=19
        ),
    ] = 3
