"""The book of purposes that is shipped, and what makes a book unreadable."""

import pytest

from customering.consent.purposes import purposes_in_force, read_purposes, shipped_purposes
from customering.kernel.errors import InvalidDefinition, InvalidFile

PURPOSE = """
[[purpose]]
key = "marketing.email"
title = "E-mail"
text = "We write."
basis = "consent"
"""


def test_the_shipped_book_has_the_purposes_of_the_design():
    keys = {purpose.key for purpose in shipped_purposes().purposes}
    assert {
        "essential.service", "essential.security", "essential.legal", "analytics.product",
        "personalize.web", "personalize.offers", "profile.value_scoring", "marketing.email",
        "marketing.sms", "marketing.push", "marketing.post", "ads.audiences", "share.partners",
        "research.voc", "train_ai", "intent.answer", "cocreate",
    } <= keys  # fmt: skip


def test_only_what_service_and_law_need_is_essential():
    essential = {purpose.key for purpose in shipped_purposes().purposes if purpose.is_essential}
    assert essential == {"essential.service", "essential.security", "essential.legal"}


def test_every_restricting_status_says_why():
    rules = shipped_purposes().rules
    restricting = {rule.status for rule in rules if rule.forbids}
    assert restricting == {"on_a_break", "just_a_transaction", "not_that_into_you", "left"}
    assert all(rule.words for rule in rules if rule.forbids)


def test_every_purpose_can_be_read_by_a_person():
    for purpose in shipped_purposes().purposes:
        assert purpose.title
        assert purpose.text.endswith(".")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (PURPOSE + 'colour = "red"\n', "colour"),
        (PURPOSE.replace('"consent"', '"because"'), "basis"),
        (PURPOSE.replace("marketing.email", "Marketing E-mail"), "key"),
        (PURPOSE + PURPOSE, "marketing.email"),
        ("[setting]\na = 1\n", "setting"),
        ('[[status]]\nstatus = "left"\n[[status]]\nstatus = "left"\n', "left"),
    ],
)
def test_a_wrong_book_names_its_place(text: str, named: str):
    with pytest.raises(InvalidDefinition) as caught:
        read_purposes(text, file="purposes.toml")
    assert named in caught.value.message
    assert "purposes.toml" in caught.value.message
    assert caught.value.hint


def test_text_that_is_not_toml_is_an_invalid_file():
    with pytest.raises(InvalidFile, match=r"purposes\.toml is not TOML"):
        read_purposes("[[purpose", file="purposes.toml")


def test_every_shipped_purpose_says_all_that_a_person_may_ask():
    book = shipped_purposes()
    for purpose in book.purposes:
        assert purpose.dpv_iri.startswith("https://w3id.org/dpv#")
        assert purpose.fides_data_use
        assert purpose.retention
        assert purpose.categories
        assert purpose.value.when_withdrawn.endswith(".")
    by_key = {purpose.key: purpose for purpose in book.purposes}
    assert by_key["ads.audiences"].is_third_party
    assert by_key["ads.audiences"].recipients
    assert by_key["train_ai"].is_ai_training


def test_an_operators_book_is_laid_over_the_shipped_one():
    own = 'without = ["marketing.whatsapp"]\n' + PURPOSE + PURPOSE.replace("marketing", "club")
    book = purposes_in_force(own + '[[status]]\nstatus = "left"\nforbids = ["marketing"]\n')
    keys = [purpose.key for purpose in book.purposes]
    shipped = [purpose.key for purpose in shipped_purposes().purposes]
    shipped.remove("marketing.whatsapp")
    assert keys == [*shipped, "club.email"]
    assert next(one for one in book.purposes if one.key == "marketing.email").text == "We write."
    assert next(rule for rule in book.rules if rule.status == "left").forbids == ("marketing",)
    assert purposes_in_force(None) == shipped_purposes()


@pytest.mark.parametrize("gone", ['["essential.service"]', '["marketing.fax"]', '"train"'])
def test_what_is_needed_or_unknown_cannot_be_taken_away(gone: str):
    with pytest.raises(InvalidDefinition, match=r"purposes\.toml takes"):
        purposes_in_force(f"without = {gone}\n")
