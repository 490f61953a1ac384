"""The one record system: frozen msgspec structs and their JSON form."""

from typing import Any, TypeVar

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of the nouns: immutable, keyword-only; JSON leaves out fields equal to their default."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the sections of ``customering.toml``: a misspelt key is an error with its path."""


R = TypeVar("R")


def to_json(record: Any) -> bytes:
    """Encode a record, or plain data, as compact JSON."""
    return msgspec.json.encode(record)


def from_json(data: bytes | str, kind: type[R]) -> R:
    """Decode JSON into a record.

    Raises
    ------
    msgspec.ValidationError
        When the JSON does not fit; its text names the path, such as ``at `$.kind```.
    """
    return msgspec.json.decode(data, type=kind)
