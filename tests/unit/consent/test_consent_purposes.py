"""The book of purposes that is shipped, and what makes a book unreadable."""

import pytest

from customering.consent.purposes import read_purposes, shipped_purposes
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
    assert restricting == {"on_a_break", "not_that_into_you", "left"}
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
