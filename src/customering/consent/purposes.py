"""Reads purposes and the rules of statuses from TOML, and gives those shipped with the product."""

import tomllib
from importlib.resources import files
from typing import TypeVar

import msgspec

from customering.consent.model import Purpose, StatusRule
from customering.kernel.errors import InvalidDefinition, InvalidFile
from customering.kernel.records import Record

D = TypeVar("D", bound=Record)


class PurposeBook(Record, frozen=True, kw_only=True):
    """The purposes and the rules of statuses that hold in one deployment.

    Parameters
    ----------
    purposes
        In the order people are shown them; keys are unique.
    rules
        One for each status there is.
    """

    purposes: tuple[Purpose, ...]
    rules: tuple[StatusRule, ...]


def shipped_purposes() -> PurposeBook:
    """Give the purposes of ``purposes.toml``, which is part of the program as its code is."""
    text = files("customering.consent").joinpath("purposes.toml").read_text("utf-8")
    return read_purposes(text, file="purposes.toml")


def read_purposes(text: str, *, file: str) -> PurposeBook:
    """Read a book of purposes from TOML with ``[[purpose]]`` and ``[[status]]`` tables.

    Parameters
    ----------
    text
        The text of the file.
    file
        Its name, for messages.

    Raises
    ------
    InvalidFile
        When the text is not TOML.
    InvalidDefinition
        When a table does not fit, with the file and the key path, or a key is defined twice.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidFile(
            f"{file} is not TOML: {error}.", hint="Correct the line that is named.", file=file
        ) from error
    unknown = sorted(tables.keys() - {"purpose", "status"})
    if unknown:
        raise InvalidDefinition(
            f"{file} has a table {unknown[0]!r}.",
            hint="Write [[purpose]] and [[status]] tables only.",
            file=file,
            key=unknown[0],
        )
    purposes = _read(tables.get("purpose", []), Purpose, file, "purpose")
    rules = _read(tables.get("status", []), StatusRule, file, "status")
    _refuse_repeats([purpose.key for purpose in purposes], file, "purpose")
    _refuse_repeats([rule.status for rule in rules], file, "status")
    return PurposeBook(purposes=purposes, rules=rules)


def _read(tables: object, kind: type[D], file: str, table: str) -> tuple[D, ...]:
    """Convert the tables of one name into records."""
    try:
        return tuple(msgspec.convert(tables, type=list[kind]))  # type: ignore[valid-type]
    except msgspec.ValidationError as error:
        raise InvalidDefinition(
            f"A [[{table}]] of {file} does not fit: {error}.",
            hint="Correct the key at the path that is named; numbering starts at 0.",
            file=file,
            table=table,
        ) from error


def _refuse_repeats(names: list[str], file: str, table: str) -> None:
    """Raise when a name is defined twice."""
    for name in names:
        if names.count(name) > 1:
            raise InvalidDefinition(
                f"{file} defines the {table} {name!r} twice.",
                hint="Keep one of the two.",
                file=file,
                key=name,
            )
