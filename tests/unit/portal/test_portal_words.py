"""The pages speak every language shipped: the same texts, with the same places."""

import re
import tomllib
from importlib import resources
from typing import Any

import pytest

from customering.consent.purposes import shipped_purposes
from customering.portal.words import LANGUAGES, catalogues, language_of, places_of
from customering.profile.definitions import shipped_traits
from customering.relationship.words import CONTRACTS

_FOLDER = resources.files("customering.portal")
_CALL = re.compile(r"""\bt\(\s*["']([^"']+)["']\s*([,)~])""")
_FREE = ("purpose.", "fact.", "inner.", "unit.", "kind_of.")
"""Texts that a language may have beside: what the core says in English already."""


def texts(language: str) -> dict[str, str]:
    words = catalogues()[language]
    return {key: words._texts[key] for key in words.keys()}  # noqa: SIM118 - no mapping


def templates() -> dict[str, str]:
    folder = _FOLDER / "templates"
    return {file.name: file.read_text() for file in folder.iterdir() if file.name.endswith(".html")}


def test_every_language_has_the_same_texts() -> None:
    english, german = texts("en"), texts("de")
    assert {key for key in english if not key.startswith(_FREE)} == {
        key for key in german if not key.startswith(_FREE)
    }


def test_every_text_has_the_same_places() -> None:
    english, german = texts("en"), texts("de")
    for key in english.keys() & german.keys():
        assert places_of(english[key]) == places_of(german[key]), key


def test_german_says_all_that_the_core_says() -> None:
    german = texts("de")
    for purpose in shipped_purposes().purposes:
        assert f"purpose.{purpose.key}.title" in german
        assert f"purpose.{purpose.key}.text" in german
    missing = {trait.name for trait in shipped_traits()} - {
        key.removeprefix("fact.") for key in german if key.startswith("fact.")
    }
    assert len(missing) <= 3  # whoever adds a trait may leave its translation to somebody else


def test_every_status_has_a_title() -> None:
    for language in LANGUAGES:
        assert {f"status.{name}" for name in CONTRACTS} <= texts(language).keys()


@pytest.mark.parametrize("name", sorted(templates()))
def test_a_page_asks_for_texts_that_are_there(name: str) -> None:
    known = texts("en")
    for key, after in _CALL.findall(templates()[name]):
        if after == "~":
            assert any(one.startswith(key) for one in known), f"{key}..."
        else:
            assert key in known, key


def test_no_page_has_a_style_or_a_script_of_its_own() -> None:
    for name, text in templates().items():
        assert not re.search(r"\s(style|on\w+)=", text), name
        assert "http://" not in text, name
        assert "https://" not in text, name
        assert "| safe" not in text, name
        assert "Markup" not in text, name


@pytest.mark.parametrize(
    ("wanted", "accepted", "language"),
    [
        ("", "", "en"),
        ("", "de", "de"),
        ("", "de-AT,en;q=0.5", "de"),
        ("", "en;q=0.4, de;q=0.9", "de"),
        ("", "fr, es", "en"),
        ("", "de;q=0", "en"),
        ("", "de;q=nonsense, en;q=0.1", "en"),
        ("", ",,;;q=", "en"),
        ("de", "en", "de"),
        ("xx", "en", "en"),
    ],
)
def test_a_language_is_chosen(wanted: str, accepted: str, language: str) -> None:
    assert language_of(wanted, accepted) == language


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("You keep coming back, about every 21 days. Thank you.",
         "Sie kommen immer wieder, etwa alle 21 Tage. Danke."),
        ("Bought on 2 days since 2026-03-01.",
         "An 2 Tagen gekauft, seit 1. März 2026."),
        ("Last bought 6.5 days ago, on 2026-03-21.",
         "Zuletzt vor 6,5 Tagen gekauft, am 21. März 2026."),
        ("You told us that you look for a bag. It fits you best by what we know.",
         "Sie haben uns gesagt, dass Sie a bag suchen."
         " Es passt nach allem, was wir wissen, am besten zu Ihnen."),
    ],
)  # fmt: skip
def test_sentences_of_the_core_are_said_in_german(told: str, said: str) -> None:
    found = catalogues()["de"].say(told)
    assert (found.language, found.text) == ("de", said)
    assert catalogues()["en"].say(told) == (told, "en")


def test_a_sentence_without_a_pattern_stays_english_and_says_so() -> None:
    assert catalogues()["de"].say("Nobody wrote this.") == ("Nobody wrote this.", "en")


def test_amounts_days_and_numbers() -> None:
    english, german = catalogues()["en"], catalogues()["de"]
    assert english.money(123_456, "EUR") == "1,234.56 EUR"
    assert german.money(123_456, "EUR") == "1.234,56 EUR"
    assert german.number(1_234.5) == "1.234,5"
    assert english.number(3) == "3"
    assert english.moment(1_800_000_000_000) == "15 January 2027, 08:00 UTC"


def test_the_catalogues_are_plain_texts() -> None:
    for language in LANGUAGES:
        table: Any = tomllib.loads((_FOLDER / "words" / f"{language}.toml").read_text())
        assert isinstance(table, dict)
        for key, text in texts(language).items():
            assert "<" not in text, key
