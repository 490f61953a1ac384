from typing import NamedTuple

import pytest

from customering.taste.words import Words, words_in


class Product(NamedTuple):
    title: str = ""
    category: str = ""
    department: str = ""
    brand: str = ""


SHELF = {
    "oat": Product("Oat drink", "milk", "dairy", "Oaty"),
    "cow": Product("Whole milk", "milk", "dairy", "Farm"),
    "soap": Product("Soap bars", "hygiene", "home", "Clean"),
    "oats": Product("Oats", "cereals", "breakfast", "Oaty"),
    "bare": Product(),
}


def test_words_are_folded_and_lose_their_plural():
    assert words_in("Oat DRINKS, glass & 1 x") == ("oat", "drink", "glass")


def test_a_search_finds_what_has_its_words_the_better_the_more():
    words = Words(SHELF)
    found, share = words.matching("oat drinks")
    by = {words.products[place]: value for place, value in zip(found, share, strict=True)}
    assert set(by) == {"oat", "oats"}
    assert by["oat"] == pytest.approx(1.0)
    assert 0 < by["oats"] < by["oat"]


def test_rare_words_tell_more_than_common_ones():
    words = Words(SHELF)
    assert words.weight("soap") > words.weight("oat") > 0
    assert words.weight("unheard") == 0


def test_products_are_alike_by_category_brand_and_title():
    words = Words(SHELF)
    found, share = words.like("oat")
    by = {words.products[place]: value for place, value in zip(found, share, strict=True)}
    assert set(by) == {"cow", "oats"}
    assert all(0 < value < 1 for value in by.values())


@pytest.mark.parametrize("what", ["bare", "unknown"])
def test_without_words_nothing_is_alike(what):
    found, share = Words(SHELF).like(what)
    assert len(found) == len(share) == 0


@pytest.mark.parametrize("text", ["", "!", "nothing of the kind"])
def test_a_search_that_nothing_answers_finds_nothing(text):
    found, share = Words(SHELF).matching(text)
    assert len(found) == len(share) == 0


def test_a_product_is_called_by_its_title_or_else_its_category():
    words = Words({**SHELF, "named": Product(category="milk")})
    assert [words.title(one) for one in ("cow", "named", "bare", "unknown")] == [
        "Whole milk", "milk", "", "",
    ]  # fmt: skip
