"""The ``[serve]`` section of the settings: the live server."""

from typing import Annotated

from msgspec import Meta

from customering.app.limit_settings import LimitSettings
from customering.kernel.records import Settings


class ServeSettings(Settings, frozen=True):
    """The live server: where it listens and how much it takes on."""

    host: Annotated[
        str, Meta(description="Address to listen on; 0.0.0.0 is every one of this machine.")
    ] = "127.0.0.1"
    port: Annotated[int, Meta(description="Port to listen on.", ge=0, le=65_535)] = 8_000
    public_url: Annotated[
        str,
        Meta(
            description="How browsers reach this server, such as https://data.example.org; empty:"
            " by the host they asked for.",
            pattern=r"^(https?://[^/\s]+)?$",
        ),
    ] = ""
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(
            description="Addresses or networks of proxies whose X-Forwarded-For and"
            " X-Forwarded-Proto are believed."
        ),
    ] = ()
    queued_events_max: Annotated[
        int,
        Meta(
            description="Most events that wait to be written; beyond that senders are asked to"
            " come again later (429).",
            ge=100,
            le=10_000_000,
        ),
    ] = 20_000
    queued_bytes_max: Annotated[
        int,
        Meta(description="Most bytes of events that wait to be written.", ge=1_000_000),
    ] = 64_000_000
    group_events_max: Annotated[
        int,
        Meta(
            description="Most events made durable together; larger is more per second, smaller"
            " keeps decisions quicker in between.",
            ge=1,
            le=100_000,
        ),
    ] = 500
    checkpoint_seconds: Annotated[
        float,
        Meta(
            description="Seconds between two checkpoints of the profiles; after a crash so much is"
            " folded again.",
            ge=0.1,
            le=3_600,
        ),
    ] = 60.0
    event_bytes_max: Annotated[
        int, Meta(description="Largest single event that is accepted, in bytes.", ge=1_024)
    ] = 32_768
    batch_bytes_max: Annotated[
        int,
        Meta(description="Largest batch that is accepted, in bytes after unpacking.", ge=1_024),
    ] = 512_000
    batch_events_max: Annotated[
        int, Meta(description="Most events in one batch that are accepted.", ge=1)
    ] = 2_500
    arriving_bytes_max: Annotated[
        int,
        Meta(
            description="Most bytes of all bodies that have arrived in part; beyond that senders"
            " are asked to come again later (429).",
            ge=1_000_000,
        ),
    ] = 64_000_000
    record_addresses: Annotated[
        bool,
        Meta(
            description="Whether events from pages and apps (write keys) keep the address they came"
            " from, as context.ip. What a server sends there is kept as it is."
        ),
    ] = False
    upload_bytes_max: Annotated[
        int, Meta(description="Largest file that may be uploaded, in bytes.", ge=1_024)
    ] = 100_000_000
    body_seconds_max: Annotated[
        float,
        Meta(description="Seconds within which the whole body of a request must arrive.", gt=0),
    ] = 30.0
    limits: LimitSettings = LimitSettings()
