"""Webhooks of other systems: ``webhooks.toml`` says how each is signed and what becomes an event.

The words are those of an import's mapping (`customering.events.mapping`), where a *column* is the
path of a value in the JSON body: ``customer.email``, ``line_items.0.price``.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from customering.events.mapping import Field
from customering.kernel.errors import InvalidDefinition
from customering.kernel.records import Record

FILE_NAME = "webhooks.toml"
_FIELDS = ("properties", "traits", "context", "products")
HINT = "compare it with docs/how-to/webhooks.md"

Scheme = Literal["standard", "shopify", "stripe"]


class WebhookEvent(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one kind of message becomes an event.

    Parameters
    ----------
    when
        What a message must hold to be taken: path, or ``header:`` and the name of a header, to the
        exact text. All must hold; of several events the first that fits is made.
    kind
        Kind of the event.
    event
        Name of the event.
    id
        Path of what tells it from every other event of this source and name, such as the number of
        an order; empty takes the id of the message.
    occurred_at
        When it happened; empty takes the present.
    identifiers
        Type of identifier and the path of its value; paths that are missing are left out.
    currency
        Path of the currency of all money, or the currency itself, such as ``EUR``.
    properties, traits, context
        Fields of the event; ``identify`` has traits, the others have properties.
    each
        Path of the list whose entries are the products.
    products
        Fields of one product, read in its entry.
    """

    when: dict[str, str] = msgspec.field(default_factory=dict)
    kind: Literal["track", "identify", "page", "screen"] = "track"
    event: str = ""
    id: str = ""
    occurred_at: Field = Field(value="")
    identifiers: Annotated[dict[str, str], Meta(min_length=1)]
    currency: str = ""
    properties: dict[str, Field] = msgspec.field(default_factory=dict)
    traits: dict[str, Field] = msgspec.field(default_factory=dict)
    context: dict[str, Field] = msgspec.field(default_factory=dict)
    each: str = ""
    products: dict[str, Field] = msgspec.field(default_factory=dict)


class WebhookSource(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One system that sends webhooks.

    Parameters
    ----------
    signature
        How its messages are signed.
    secret_variable, secret_file
        Where the secret stands, one of the two: a variable of the environment, or a file, relative
        to the home. Several secrets stand apart by blanks, while one is changed for another.
    event
        What becomes an event, and how.
    """

    signature: Scheme
    secret_variable: str = ""
    secret_file: str = ""
    event: Annotated[tuple[WebhookEvent, ...], Meta(min_length=1)]

    def secrets(self, folder: Path, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
        """Read the secrets; none when they are not there.

        Parameters
        ----------
        folder
            The home.
        """
        if self.secret_variable:
            return tuple(environment.get(self.secret_variable, "").split())
        path = folder / self.secret_file
        return tuple(path.read_text(encoding="utf-8").split()) if path.is_file() else ()


def read_sources(text: str) -> dict[str, WebhookSource]:
    """Read ``webhooks.toml``: a table a source.

    Raises
    ------
    InvalidDefinition
        When it is not TOML, misses or misspells a key, or contradicts itself; names the place.
    """
    try:
        document = tomllib.loads(text)
        sources = msgspec.convert(_written_out(document), dict[str, WebhookSource])
    except tomllib.TOMLDecodeError as error:
        raise InvalidDefinition(
            f"{FILE_NAME} is not TOML: {error}", hint="mend the line it names"
        ) from error
    except msgspec.ValidationError as error:
        raise InvalidDefinition(f"{FILE_NAME} cannot be understood: {error}", hint=HINT) from error
    for name, source in sources.items():
        _require(name.isidentifier(), name, "is no name of letters, digits and _")
        has_one = bool(source.secret_variable) != bool(source.secret_file)
        _require(has_one, name, "needs either secret_variable or secret_file")
        for number, event in enumerate(source.event):
            _check(f"{name}.event[{number}]", event)
    return sources


def _written_out(document: Any) -> Any:
    """Write out the fields that are given as the bare path of a value."""
    if not isinstance(document, dict):
        return document
    for source in document.values():
        for event in source.get("event", ()) if isinstance(source, dict) else ():
            if not isinstance(event, dict):
                continue
            if isinstance(event.get("occurred_at"), str):
                event["occurred_at"] = {"column": event["occurred_at"]}
            for section in _FIELDS:
                fields = event.get(section)
                if isinstance(fields, dict):
                    event[section] = {
                        name: {"column": field} if isinstance(field, str) else field
                        for name, field in fields.items()
                    }
    return document


def _check(place: str, event: WebhookEvent) -> None:
    is_identify = event.kind == "identify"
    _require(event.kind != "track" or bool(event.event), f"{place}.event", "is missing")
    _require(
        not (event.properties or event.products if is_identify else event.traits),
        place,
        "has properties where traits belong, or traits where properties belong",
    )
    _require(bool(event.each) == bool(event.products), place, "needs both each and products")
    for path, field in _fields_of(event):
        where = f"{place}.{path}"
        _require(
            bool(field.column) != (field.value is not None), where, "needs either column or value"
        )
        unused = field.columns or field.sum or field.format or field.unit == "us"
        _require(not unused, where, "uses a word that only imports of files know")
        _require(field.is_money == path.endswith("_minor"), where, _MONEY)
        _require(not field.is_money or bool(event.currency), where, "is money without a currency")


_MONEY = "is money if and only if its name ends in _minor and it has the unit major or minor"


def _fields_of(event: WebhookEvent) -> Iterator[tuple[str, Field]]:
    if event.occurred_at.value != "":
        yield "occurred_at", event.occurred_at
    for section in _FIELDS:
        for name, field in getattr(event, section).items():
            yield f"{section}.{name}", field


def _require(holds: bool, place: str, problem: str) -> None:
    if not holds:
        raise InvalidDefinition(f"{FILE_NAME}: {place} {problem}", hint=HINT, path=place)
