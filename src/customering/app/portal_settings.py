"""The ``[portal]`` section of the settings: the person's own page."""

from typing import Annotated

from msgspec import Meta

from customering.kernel.records import Settings


class PortalSettings(Settings, frozen=True):
    """The page on which a person sees, corrects, allows, refuses, takes along and erases."""

    shop_name: Annotated[
        str, Meta(description="What people call you.", min_length=1, max_length=80)
    ] = "Our shop"
    colour: Annotated[
        str,
        Meta(
            description="Your colour, such as #0b5d56; a dark one, on which white can be read.",
            pattern=r"^#[0-9A-Fa-f]{6}$",
        ),
    ] = "#0b5d56"
    logo_url: Annotated[
        str,
        Meta(
            description="A picture for the head of the page, on an https address of yours;"
            " empty: the name alone.",
            pattern=r"^(https://[^/\s\"';,]+/[^\s\"'<>;,]*)?$",
        ),
    ] = ""
    support_contact: Annotated[
        str,
        Meta(
            description="Where people reach a human: an e-mail address or a telephone number.",
            max_length=120,
        ),
    ] = ""
    shop_url: Annotated[
        str,
        Meta(
            description="Where the shop is, for the way back; empty: no way back is shown.",
            pattern=r"^(https?://[^\s\"'<>]+)?$",
        ),
    ] = ""
    sign_in_minutes: Annotated[
        int, Meta(description="Minutes for which a link to sign in holds.", ge=2, le=10)
    ] = 10
    idle_minutes: Annotated[
        int, Meta(description="Minutes without a click after which a session ends.", ge=5, le=1_440)
    ] = 60
    session_hours: Annotated[
        int, Meta(description="Hours after which a session ends in any case.", ge=1, le=168)
    ] = 12
    fresh_minutes: Annotated[
        int,
        Meta(
            description="Minutes after a sign-in within which a person may take along or erase"
            " without another one.",
            ge=1,
            le=5,
        ),
    ] = 5
    mails_per_address: Annotated[
        int, Meta(description="Most links to sign in for one address in ten minutes.", ge=1, le=50)
    ] = 5
    mails_per_source: Annotated[
        int,
        Meta(
            description="Most links to sign in that one network address may ask for in an hour.",
            ge=1,
            le=10_000,
        ),
    ] = 20
    bring_facts: Annotated[
        tuple[str, ...],
        Meta(
            description="Facts that people may bring along from another shop; none that they"
            " should not be able to claim of themselves, such as being an employee.",
        ),
    ] = (
        "firstName", "lastName", "name", "birthday", "city", "country", "diet", "household_size",
        "age_group", "zone",
    )  # fmt: skip
