"""What the pages say, in the languages shipped: message catalogues, and the sentences of the core.

A catalogue is a TOML file of short texts with ``{places}``. Sentences that the core makes (why a
status holds, why something was shown) come in English; a catalogue may hold patterns for them. One
without a pattern stays English, and is marked as such for screen readers.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from string import Formatter
from typing import Any, NamedTuple

from customering.kernel.clock import MS_PER_DAY, day_of, format_day
from customering.kernel.money import format_money

LANGUAGES = ("en", "de")
"""The languages shipped, the one for everybody else first."""

_PLACE = re.compile(r"\{(\w+)\}")
_INNER = r"(?:(?![.!?] [A-Z]).)+?"  # not beyond the end of a sentence
_MS_PER_MINUTE = 60_000


class Said(NamedTuple):
    """A sentence of the core.

    Parameters
    ----------
    text
        The sentence.
    language
        The language it is in.
    """

    text: str
    language: str


class Words:
    """The texts of one language.

    Parameters
    ----------
    language
        One of `LANGUAGES`.
    texts
        By key, such as ``nav.facts``.
    sentences
        Patterns of the core's sentences in English, to the same in this language.
    """

    def __init__(
        self, language: str, texts: Mapping[str, str], sentences: Mapping[str, str]
    ) -> None:
        self.language = language
        self._texts = texts
        self._sentences = [(_pattern(told), said) for told, said in sentences.items()]

    def __call__(self, key: str, **values: object) -> str:
        """Give a text with its places filled; it is plain text, not HTML."""
        return self._texts[key].format(**values)

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def keys(self) -> Iterator[str]:
        """Give the keys of all texts."""
        yield from self._texts

    def either(self, key: str, otherwise: str) -> Said:
        """Give a text, or one of the core where the catalogue has none."""
        if key in self._texts:
            return Said(self._texts[key], self.language)
        return self.say(otherwise)

    def say(self, text: str) -> Said:
        """Give sentences of the core in this language, as far as it has patterns for them."""
        if self.language == "en" or not text:
            return Said(text, "en")
        whole = self._one(text)
        if whole is not None:
            return Said(whole, self.language)
        parts = [self._one(part) for part in re.split(r"(?<=[.!?]) (?=[A-Z])", text)]
        if all(part is not None for part in parts):
            return Said(" ".join(part for part in parts if part), self.language)
        return Said(text, "en")

    def _one(self, sentence: str) -> str | None:
        for pattern, said in self._sentences:
            found = pattern.fullmatch(sentence)
            if found is not None:
                values = {name: self._inner(value) for name, value in found.groupdict().items()}
                return said.format(**values)
        return None

    def _inner(self, value: str) -> str:
        """Bring what fills a place into the language: dates, decimal signs, small words."""
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            return self.iso_day(value)
        inner = self._texts.get(f"inner.{value}")
        if inner is not None:
            return inner
        for told, said in (("days", "inner.days"), ("day", "inner.day")):
            number, _, unit = value.rpartition(" ")
            if unit == told and said in self._texts:
                return self._texts[said].format(n=number.replace(".", ","))
        return value.replace(".", ",") if re.fullmatch(r"\d+\.\d+", value) else value

    # Numbers and instants

    def day(self, instant_ms: int) -> str:
        """Give the UTC day of an instant, such as ``22 November 2026``."""
        return self.iso_day(format_day(day_of(instant_ms)))

    def iso_day(self, text: str) -> str:
        """Give a day that is written ``2026-11-22``."""
        year, month, day = text.split("-")
        return self("form.day", year=year, month=self(f"month.{int(month)}"), day=int(day))

    def moment(self, instant_ms: int) -> str:
        """Give the UTC day and minute of an instant."""
        minute = instant_ms % MS_PER_DAY // _MS_PER_MINUTE
        clock = f"{minute // 60:02d}:{minute % 60:02d}"
        return self("form.moment", day=self.day(instant_ms), clock=clock)

    def number(self, value: float) -> str:
        """Give a number with at most two digits behind the decimal sign."""
        text = f"{value:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"
        if self.language == "de":
            return text.translate(str.maketrans(",.", ".,"))
        return text

    def money(self, minor: float, currency: str) -> str:
        """Give an amount in minor units with its currency."""
        text = format_money(round(minor), currency)
        return text.translate(str.maketrans(",.", ".,")) if self.language == "de" else text


@cache
def catalogues() -> dict[str, Words]:
    """Give the words of every language shipped."""
    return {language: _read(language) for language in LANGUAGES}


def language_of(wanted: str, accepted: str) -> str:
    """Choose a language: the one a person chose, else the one their browser likes best.

    Parameters
    ----------
    wanted
        What they chose; anything that is no language of ours counts as nothing.
    accepted
        The header ``Accept-Language``.

    Examples
    --------
    >>> language_of("", "fr;q=0.9, de-AT;q=0.8, en;q=0.7")
    'de'
    """
    if wanted in LANGUAGES:
        return wanted
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted[:500].split(",")):
        tag, _, weight = part.strip().partition(";q=")
        language = tag.strip().lower().partition("-")[0]
        if language in LANGUAGES:
            ranked.append((-_weight(weight), place, language))
    return min(ranked)[2] if ranked and min(ranked)[0] < 0 else LANGUAGES[0]


def places_of(text: str) -> set[str]:
    """Give the names of the places of a text."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def _weight(text: str) -> float:
    try:
        return min(max(float(text or 1), 0.0), 1.0)
    except ValueError:
        return 0.0


def _read(language: str) -> Words:
    folder = resources.files("customering.portal") / "words"
    tables = tomllib.loads((folder / f"{language}.toml").read_text(encoding="utf-8"))
    sentences = tables.pop("sentences", {})
    return Words(language, dict(_flat(tables, "")), sentences)


def _flat(tables: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in tables.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _pattern(sentence: str) -> re.Pattern[str]:
    """Give what recognises a sentence; its places hold anything but the end of a sentence."""
    parts = _PLACE.split(sentence)
    texts = [
        f"(?P<{part}>{_INNER})" if place % 2 else re.escape(part)
        for place, part in enumerate(parts)
    ]
    return re.compile("".join(texts))
