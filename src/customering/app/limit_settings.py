"""The ``[serve.limits]`` section of the settings: how much one sender may ask for."""

from typing import Annotated

from msgspec import Meta

from customering.kernel.records import Settings


class LimitSettings(Settings, frozen=True):
    """How much one sender may ask for before it is asked to come again later (429); 0 is no limit.

    The full queue (serve.queued_events_max) holds off what is too much for the machine; these
    limits see to it that one sender does not use it up for all others.
    """

    requests_per_key: Annotated[
        int,
        Meta(
            description="Requests a second with one key, those that bring events apart.",
            ge=0,
            le=10_000_000,
        ),
    ] = 50_000
    events_per_key: Annotated[
        int, Meta(description="Events a second with one key.", ge=0, le=100_000_000)
    ] = 500_000
    per_address: Annotated[
        int,
        Meta(
            description="Requests or events a second from one address with a key that is no secret,"
            " or with none. Many people may share an address; a proxy is one, unless it is named in"
            " serve.trusted_proxies. Addresses of this machine itself are not limited.",
            ge=0,
            le=10_000_000,
        ),
    ] = 2_000
    burst_seconds: Annotated[
        int,
        Meta(
            description="Seconds over which is counted: so many seconds' worth may come at once.",
            ge=1,
            le=60,
        ),
    ] = 5
    names_max: Annotated[
        int,
        Meta(
            description="Most keys or addresses counted apart within that time; each takes some"
            " 150 bytes.",
            ge=1_000,
            le=10_000_000,
        ),
    ] = 50_000
