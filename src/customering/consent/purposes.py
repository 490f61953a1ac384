"""Reads purposes, what they collect and the rules of statuses from TOML; gives those that ship.

An operator's own file is laid over the shipped one: what has the same key takes its place, what is
new comes after it, and ``without`` takes purposes away.
"""

import tomllib
from collections.abc import Collection, Mapping
from importlib.resources import files
from typing import TypeVar

import msgspec

from customering.consent.model import Collected, Purpose, StatusRule
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
    collected
        The kinds of facts that are recorded for some purposes only; names are unique.
    """

    purposes: tuple[Purpose, ...]
    rules: tuple[StatusRule, ...]
    collected: tuple[Collected, ...] = ()


def purposes_in_force(own: str | None, *, file: str = "purposes.toml") -> PurposeBook:
    """Give the shipped purposes with an operator's own laid over them.

    Parameters
    ----------
    own
        The text of the operator's file; None without one.
    file
        Its name, for messages.

    Raises
    ------
    InvalidFile, InvalidDefinition
        As `read_purposes`; also when a purpose taken away is not there, or is essential.
    """
    shipped = shipped_purposes()
    if own is None:
        return shipped
    written = read_purposes(own, file=file)
    return PurposeBook(
        purposes=_laid_over(
            {one.key: one for one in shipped.purposes},
            {one.key: one for one in written.purposes},
            _without(own, shipped, file),
        ),
        rules=_laid_over(
            {one.status: one for one in shipped.rules}, {one.status: one for one in written.rules}
        ),
        collected=_laid_over(
            {one.category: one for one in shipped.collected},
            {one.category: one for one in written.collected},
        ),
    )


def shipped_purposes() -> PurposeBook:
    """Give the purposes of ``purposes.toml``, which is part of the program as its code is."""
    text = files("customering.consent").joinpath("purposes.toml").read_text("utf-8")
    return read_purposes(text, file="purposes.toml")


def read_purposes(text: str, *, file: str) -> PurposeBook:
    """Read a book from TOML with ``[[purpose]]``, ``[[collected]]`` and ``[[status]]`` tables.

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
    unknown = sorted(tables.keys() - {"purpose", "collected", "status", "without"})
    if unknown:
        raise InvalidDefinition(
            f"{file} has a table {unknown[0]!r}.",
            hint="Write [[purpose]], [[collected]] and [[status]] tables, and without = [...] above"
            " them.",
            file=file,
            key=unknown[0],
        )
    purposes = _read(tables.get("purpose", []), Purpose, file, "purpose")
    rules = _read(tables.get("status", []), StatusRule, file, "status")
    collected = _read(tables.get("collected", []), Collected, file, "collected")
    _refuse_repeats([purpose.key for purpose in purposes], file, "purpose")
    _refuse_repeats([rule.status for rule in rules], file, "status")
    _refuse_repeats([one.category for one in collected], file, "collected kind")
    return PurposeBook(purposes=purposes, rules=rules, collected=collected)


def _laid_over(
    below: Mapping[str, D], above: Mapping[str, D], without: Collection[str] = ()
) -> tuple[D, ...]:
    """Give what is below and above, what is above first where both have a name."""
    joined = {**below, **above}
    return tuple(one for name, one in joined.items() if name not in without)


def _without(own: str, shipped: PurposeBook, file: str) -> tuple[str, ...]:
    """Read which shipped purposes are taken away; what service or law need cannot be."""
    names = tomllib.loads(own).get("without", [])
    known = {one.key for one in shipped.purposes if not one.is_essential}
    for name in names if isinstance(names, list) else [names]:
        if name not in known:
            raise InvalidDefinition(
                f"{file} takes {name!r} away, which is no shipped purpose that may go.",
                hint=f"Use some of: {', '.join(sorted(known))}.",
                file=file,
                key="without",
            )
    return tuple(names)


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
