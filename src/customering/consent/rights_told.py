"""Telling processors what a person asked for, by OpenDSR 2.0: what is sent, what answers mean.

The businesses that process data for us answer with a signature of their own, which is checked
before anything of an answer is read. A request is sent until it is taken in, and followed until it
ends.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, field
from msgspec.structs import replace

from customering.kernel.clock import MS_PER_DAY, MS_PER_HOUR, format_instant
from customering.kernel.errors import Invalid
from customering.kernel.ids import Identifier, kind_of, value_of
from customering.kernel.records import Record, Settings

API_VERSION = "2.0"
DOMAIN_HEADERS = ("x-opendsr-processor-domain", "x-opengdpr-processor-domain")
SIGNATURE_HEADERS = ("x-opendsr-signature", "x-opengdpr-signature")

Asked = Literal["erasure", "access"]
"""What processors are asked for; also the names of the protocol."""

ToldStatus = Literal[
    "waiting", "pending", "in_progress", "completed", "cancelled", "nothing", "given_up"
]
"""How far a recipient is: not reached yet, the four words of the protocol, knows none of the
identifiers, or not reached in spite of everything."""

_ENDED = frozenset({"completed", "cancelled", "nothing", "given_up"})
_MS_PER_SECOND, _MS_PER_MINUTE = 1_000, 60_000
RETRIES_MS = (
    5 * _MS_PER_SECOND, 5 * _MS_PER_MINUTE, 30 * _MS_PER_MINUTE, 2 * MS_PER_HOUR,
    5 * MS_PER_HOUR, 10 * MS_PER_HOUR, 14 * MS_PER_HOUR, 20 * MS_PER_HOUR, 24 * MS_PER_HOUR,
)  # fmt: skip
"""How long is waited after each try that failed, as Standard Webhooks 1.0.0 proposes; then it is
given up. Milliseconds."""

_POLL_MS = 6 * MS_PER_HOUR
_FOLLOWED_MS = 45 * MS_PER_DAY
_TYPES = {"email": "email", "user_id": "controller_customer_id", "phone": "phone_number"}


class ProcessorSettings(Settings, frozen=True):
    """A business that processes data for you and is told when people are erased."""

    name: Annotated[str, Meta(description="What you and people call it.", max_length=200)] = ""
    url: Annotated[
        str,
        Meta(
            description="Where its OpenDSR endpoints begin, such as https://example.com/opendsr/v2.",
            max_length=500,
        ),
    ] = ""
    domain: Annotated[
        str,
        Meta(description="The domain in its certificate, which its answers name.", max_length=253),
    ] = ""
    certificate: Annotated[
        str,
        Meta(
            description="Its certificate or public key as PEM; what it answers must be signed by"
            " it.",
            max_length=20_000,
        ),
    ] = ""
    identities: Annotated[
        dict[str, Literal["raw", "sha256"]],
        Meta(
            description="The types of identifiers it knows people by, and whether they are sent as"
            " they are or as their SHA-256."
        ),
    ] = field(default_factory=lambda: {"email": "sha256"})
    requests: Annotated[
        tuple[Asked, ...], Meta(description="What it is asked for when a person asks for it.")
    ] = ("erasure",)
    receives: Annotated[
        str,
        Meta(description="What it is given of people, in words that they read.", max_length=500),
    ] = ""
    token_variable: Annotated[
        str,
        Meta(
            description="The environment variable with the token it knows you by; empty: none.",
            max_length=100,
        ),
    ] = ""
    is_local: Annotated[
        bool,
        Meta(description="Whether it is in your own network, where no TLS is demanded."),
    ] = False


class Told(Record, frozen=True, kw_only=True):
    """One recipient and one request: what it was told and how far it is.

    Parameters
    ----------
    request_id
        The request of the person.
    recipient, name
        The processor by its key in the settings, and what it is called.
    asked
        What it is asked for.
    subject_request_id
        The id of this for the recipient, a UUID.
    status
        How far it is.
    began_at
        When it was first to be told. Milliseconds since 1970.
    told_at, ended_at
        When it took it in, and when it ended; None while it has not. Milliseconds since 1970.
    next_at
        When it is tried or asked next; None when it has ended. Milliseconds since 1970.
    tries
        Tries that failed since the last that did not.
    results_url
        Where it says that results are.
    words
        Why the last try failed; without personal data.
    """

    request_id: str
    recipient: str
    name: str
    asked: Asked
    subject_request_id: str
    status: ToldStatus = "waiting"
    began_at: int
    told_at: int | None = None
    ended_at: int | None = None
    next_at: int | None
    tries: int = 0
    results_url: str = ""
    words: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more is done about it."""
        return self.status in _ENDED

    def line(self) -> dict[str, str]:
        """Give what a certificate says of it."""
        return {
            "recipient": self.name or self.recipient,
            "status": self.status,
            "told_at": "" if self.told_at is None else format_instant(self.told_at),
            "ended_at": "" if self.ended_at is None else format_instant(self.ended_at),
        }


def identities_for(
    processor: ProcessorSettings, names: Sequence[Identifier]
) -> list[dict[str, str]]:
    """Give the identities of a person that a processor knows; of each no more than it needs.

    Examples
    --------
    >>> identities_for(ProcessorSettings(identities={"email": "raw"}), ["email:a@example.org"])
    [{'identity_type': 'email', 'identity_value': 'a@example.org', 'identity_format': 'raw'}]
    """
    found = []
    for name in names:
        kind, value = kind_of(name), value_of(name)
        form = processor.identities.get(kind)
        if form is None:
            continue
        sent = value if form == "raw" else sha256(value.encode()).hexdigest()
        found.append(
            {
                "identity_type": _TYPES.get(kind, kind),
                "identity_value": sent,
                "identity_format": form,
            }
        )
    return found


def request_body(
    told: Told, identities: Sequence[Mapping[str, str]], *, regulation: str, callback_url: str
) -> bytes:
    """Write what is sent to a processor."""
    body: dict[str, Any] = {
        "regulation": regulation,
        "subject_request_id": told.subject_request_id,
        "subject_request_type": told.asked,
        "submitted_time": format_instant(told.began_at),
        "subject_identities": list(identities),
        "api_version": API_VERSION,
    }
    if callback_url:
        body["status_callback_urls"] = [callback_url]
    return msgspec.json.encode(body)


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What a processor says about a request; fields as the protocol names them."""

    subject_request_id: str
    request_status: Literal["pending", "in_progress", "completed", "cancelled"] = "pending"
    status_callback_url: str = ""
    results_url: str = ""


def read_answer(body: bytes) -> Answered:
    """Read an answer whose signature was checked.

    Raises
    ------
    Invalid
        When it is not what the protocol says.
    """
    try:
        return msgspec.json.decode(body, type=Answered)
    except msgspec.MsgspecError as error:
        raise Invalid("the answer is not what OpenDSR says", hint="see OpenDSR 2.0") from error


def answered(told: Told, answer: Answered, now_ms: int) -> Told:
    """Take what a recipient says; what has ended stays as it is.

    Raises
    ------
    Invalid
        When it is about another request.
    """
    if answer.subject_request_id != told.subject_request_id:
        raise Invalid("the answer is about another request", hint="see OpenDSR 2.0")
    if told.has_ended:
        return told
    has_ended = answer.request_status in _ENDED
    return replace(
        told,
        status=answer.request_status,
        told_at=now_ms if told.told_at is None else told.told_at,
        ended_at=now_ms if has_ended else None,
        next_at=None if has_ended else now_ms + _POLL_MS,
        tries=0,
        results_url=answer.results_url[:2_000],
        words="",
    )


def failed(told: Told, words: str, now_ms: int) -> Told:
    """Note a try that failed, and when the next one is; give up after the last."""
    if told.has_ended:
        return told
    is_old = now_ms - told.began_at > _FOLLOWED_MS
    if is_old or (told.told_at is None and told.tries >= len(RETRIES_MS)):
        return replace(told, status="given_up", ended_at=now_ms, next_at=None, words=words)
    wait_ms = RETRIES_MS[min(told.tries, len(RETRIES_MS) - 1)]
    return replace(told, tries=told.tries + 1, next_at=now_ms + wait_ms, words=words)
