"""The nouns of channels: a letter to one address, and how letters leave this machine."""

from typing import Annotated, Literal

from msgspec import Meta, field

from customering.kernel.records import Record, Settings


class Letter(Record, frozen=True):
    """One e-mail to one address.

    Parameters
    ----------
    to
        The address, ``name@domain`` and nothing else.
    subject, text
        What is read; the text is plain.
    html
        The same for mail programs that show pages; empty for none.
    headers
        Further headers by name, such as ``List-Unsubscribe``.
    """

    to: str
    subject: str
    text: str
    html: str = ""
    headers: dict[str, str] = field(default_factory=dict)


class MailSettings(Settings, frozen=True):
    """How e-mail is sent; without a host, letters are laid into the folder outbox of the home."""

    host: Annotated[
        str, Meta(description="The mail server that takes our letters; empty: none are sent.")
    ] = ""
    port: Annotated[
        int, Meta(description="The port at which that server takes letters.", ge=1, le=65_535)
    ] = 587
    security: Annotated[
        Literal["starttls", "tls", "none"],
        Meta(
            description="How the way to it is protected: starttls (port 587), tls (port 465), or"
            " none, which is for a server on this machine."
        ),
    ] = "starttls"
    user: Annotated[str, Meta(description="Whom we sign in as; empty: we do not.")] = ""
    password: Annotated[
        str,
        Meta(
            description="The password of that user; better given as the variable"
            " CUSTOMERING__MAIL__PASSWORD than written here."
        ),
    ] = ""
    sender: Annotated[
        str,
        Meta(
            description="The address our letters come from, such as hello@shop.example.",
            pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+$",
            max_length=254,
        ),
    ] = "customering@localhost.localdomain"
    timeout_seconds: Annotated[
        float, Meta(description="Seconds within which the server must have taken a letter.", gt=0)
    ] = 20.0
