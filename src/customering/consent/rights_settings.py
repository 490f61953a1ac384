"""Settings of people's rights: clocks, agents, processors, and where erasures are remembered."""

from typing import Annotated, Literal

from msgspec import Meta, field

from customering.consent.rights_told import ProcessorSettings
from customering.kernel.records import Settings

EventCategory = Literal["visits", "purchases", "messages", "declared", "location", "other"]
"""Categories of data that events are in."""


class AgentSettings(Settings, frozen=True):
    """An agent that may ask on behalf of people, by the Data Rights Protocol."""

    name: Annotated[str, Meta(description="What you call it.", max_length=200)] = ""
    verify_key: Annotated[
        str,
        Meta(description="Its Ed25519 public key: 32 bytes in base64.", max_length=64),
    ] = ""
    is_local: Annotated[
        bool,
        Meta(
            description="Whether it may be told of changes at an address in your own network; for"
            " tests of your own."
        ),
    ] = False


class RightsSettings(Settings, frozen=True):
    """How what people ask of us is answered, and where it is remembered that they were erased."""

    remind_days: Annotated[
        tuple[int, ...],
        Meta(description="Days before an answer is due at which it is called due soon."),
    ] = (14, 7, 1)
    journal_copy: Annotated[
        str,
        Meta(
            description="A folder outside the home, best on another disk, in which a copy of the"
            " journal of erasures is kept: a restored home erases again what it says. Empty: none."
        ),
    ] = ""
    business_id: Annotated[
        str,
        Meta(
            description="What agents of the Data Rights Protocol call you; empty: none are served.",
            max_length=200,
        ),
    ] = ""
    agents: Annotated[
        dict[str, AgentSettings],
        Meta(description="The agents that may ask on behalf of people, by their ids."),
    ] = field(default_factory=dict)
    processors: Annotated[
        dict[str, ProcessorSettings],
        Meta(
            description="The businesses that process data for you and are told, by OpenDSR, when"
            " people are erased, by names of your own."
        ),
    ] = field(default_factory=dict)
    regulation: Annotated[
        Literal["gdpr", "ccpa"],
        Meta(description="The law that requests to processors name."),
    ] = "gdpr"
    categories: Annotated[
        dict[str, EventCategory],
        Meta(
            description="Categories of your own events, by their names: what is erased with"
            " `customering erase --category`. Those not named are `other`."
        ),
    ] = field(default_factory=dict)
