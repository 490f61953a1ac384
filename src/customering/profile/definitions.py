"""Reads traits and audiences as people write them in TOML, and gives the traits that ship."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

import msgspec

from customering.kernel.errors import InvalidDefinition
from customering.profile.model import AudienceDefinition, TraitDefinition

D = TypeVar("D", TraitDefinition, AudienceDefinition)


@cache
def shipped_traits() -> tuple[TraitDefinition, ...]:
    """Give the traits that stand beside this module, ``traits.toml``, as part of the code."""
    text = files("customering.profile").joinpath("traits.toml").read_text(encoding="utf-8")
    return read_traits(text, file="traits.toml")


def read_traits(text: str, *, file: str) -> tuple[TraitDefinition, ...]:
    """Read traits from TOML with a ``[[trait]]`` table each.

    Raises
    ------
    InvalidDefinition
        When the text is not TOML, a key is misspelt or of the wrong type, or a name is used twice.
        The message names the trait and the key.
    """
    return _read(text, "trait", TraitDefinition, file)


def read_audiences(text: str, *, file: str) -> tuple[AudienceDefinition, ...]:
    """Read audiences from TOML with an ``[[audience]]`` table each.

    Raises
    ------
    InvalidDefinition
        As `read_traits` does.
    """
    return _read(text, "audience", AudienceDefinition, file)


def lay_over(
    shipped: tuple[TraitDefinition, ...], own: tuple[TraitDefinition, ...]
) -> tuple[TraitDefinition, ...]:
    """Give the shipped traits with the operator's own: one of the same name takes its place."""
    merged = {trait.name: trait for trait in shipped}
    merged.update((trait.name, trait) for trait in own)
    return tuple(merged.values())


def _read(text: str, word: str, kind: type[D], file: str) -> tuple[D, ...]:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidDefinition(
            f"{file} is not TOML: {error}", hint="Correct that line.", file=file
        ) from error
    entries = tables.pop(word, [])
    if tables or not isinstance(entries, list):
        raise InvalidDefinition(
            f"{file} holds something other than [[{word}]] tables",
            hint=f"Begin every {word} with [[{word}]].",
            file=file,
        )
    definitions: list[D] = []
    for place, entry in enumerate(entries, 1):
        name = _name_of(entry, place)
        definition = _convert(entry, kind, f"{word} {name} in {file}")
        if any(definition.name == earlier.name for earlier in definitions):
            raise InvalidDefinition(
                f"{word} {name} stands twice in {file}", hint="Give one another name.", file=file
            )
        definitions.append(definition)
    return tuple(definitions)


def _name_of(entry: Any, place: int) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    return name if isinstance(name, str) else f"number {place}"


def _convert(entry: Any, kind: type[D], what: str) -> D:
    try:
        return msgspec.convert(entry, kind)
    except msgspec.ValidationError as error:
        keys = ", ".join(field.encode_name for field in msgspec.structs.fields(kind))
        raise InvalidDefinition(f"{what}: {error}", hint=f"The keys are {keys}.") from error
