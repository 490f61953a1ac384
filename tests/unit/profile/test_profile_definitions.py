"""Definitions: read from TOML, laid over the shipped ones, refused with trait and key."""

from pathlib import Path

import pytest

from customering.consent.purposes import shipped_purposes
from customering.kernel.errors import InvalidDefinition, InvalidExpression
from customering.profile.definitions import lay_over, read_audiences, read_traits, shipped_traits
from customering.profile.reference import trait_reference
from customering.profile.traits import TraitSet

VISITS = """
[[trait]]
name = "visits"
kind = "page"
aggregate = "count"
purpose = "analytics.product"
words = "how often you came"
"""
DOCS = Path(__file__).parents[3] / "docs"


def test_the_shipped_traits_compile_for_the_shipped_purposes() -> None:
    purposes = {purpose.key for purpose in shipped_purposes().purposes}
    traits = TraitSet(shipped_traits(), purposes)
    assert len(traits.traits) >= 30
    assert len(traits.slots) < len(traits.traits)


def test_the_reference_page_is_current() -> None:
    page = (DOCS / "reference" / "traits.md").read_text(encoding="utf-8")
    assert page == trait_reference(shipped_traits())


def test_own_traits_take_the_place_of_shipped_ones() -> None:
    shipped = read_traits(VISITS, file="a.toml")
    own = read_traits(
        VISITS.replace("how often", "when") + VISITS.replace("visits", "more"), file="b.toml"
    )
    merged = lay_over(shipped, own)
    assert [(trait.name, trait.words) for trait in merged] == [
        ("visits", "when you came"),
        ("more", "how often you came"),
    ]


@pytest.mark.parametrize(
    ("change", "to", "parts"),
    [
        ("aggregate", "agregate", ["trait visits in x.toml", "agregate"]),
        ('"page"', '"pages"', ["trait visits in x.toml", "$.kind"]),
        ('"visits"', '"Visits!"', ["trait Visits! in x.toml", "$.name"]),
        ('name = "visits"', "", ["trait number 1 in x.toml", "name"]),
        ('"count"', '"count"\nwindow_days = 0', ["trait visits", "$.window_days"]),
        ("[[trait]]", "[[traits]]", ["something other than [[trait]]"]),
        ("=", "", ["x.toml is not TOML"]),
        ("[[trait]]", "[trait]", ["something other than [[trait]]"]),
    ],
)
def test_what_cannot_be_read_is_refused(change: str, to: str, parts: list[str]) -> None:
    with pytest.raises(InvalidDefinition) as caught:
        read_traits(VISITS.replace(change, to), file="x.toml")
    assert all(part in caught.value.message for part in parts)
    assert caught.value.hint


def test_a_name_is_used_once() -> None:
    with pytest.raises(InvalidDefinition, match=r"visits stands twice in x\.toml"):
        read_traits(VISITS + VISITS, file="x.toml")


@pytest.mark.parametrize(
    ("line", "parts", "hint"),
    [
        ('field = "revenu_minor"', ["trait visits, field", "revenu_minor"], "revenue_minor"),
        ('field = "colour"', ["trait visits, field", "colour"], "properties.colour"),
        ('field = "product_id"', ["trait visits, field"], 'each = "products"'),
        ('weight = ["nam"]', ["trait visits, weight", "nam"], "name"),
        ('where = "store = 1"', ["trait visits, where: column 7"], ""),
        ('where = "store_i == 1"', ["trait visits, where: column 1"], "store_id"),
        ("parameters = { k = 3 }", ["trait visits, aggregate", "k"], ""),
    ],
)
def test_what_makes_no_sense_is_refused_by_trait_and_key(
    line: str, parts: list[str], hint: str
) -> None:
    definitions = read_traits(VISITS + line, file="x.toml")
    with pytest.raises(InvalidDefinition) as caught:
        TraitSet(definitions)
    assert all(part in caught.value.message for part in parts)
    assert hint in caught.value.hint
    assert isinstance(caught.value, InvalidExpression) is line.startswith("where")


def test_a_purpose_must_exist() -> None:
    definitions = read_traits(VISITS, file="x.toml")
    with pytest.raises(InvalidDefinition, match=r"trait visits, purpose: .* analytics\.product"):
        TraitSet(definitions, ["marketing"])


def test_the_name_declared_is_kept_free() -> None:
    definitions = read_traits(VISITS.replace('"visits"', '"declared"'), file="x.toml")
    with pytest.raises(InvalidDefinition, match="declared is taken"):
        TraitSet(definitions)


def test_audiences_are_read_alike() -> None:
    text = '[[audience]]\nname = "regulars"\nwhere = "orders_90d >= 3"\n'
    (regulars,) = read_audiences(text, file="x.toml")
    assert regulars.where == "orders_90d >= 3"
    with pytest.raises(InvalidDefinition, match=r"audience regulars in x\.toml"):
        read_audiences(text + "were = 1", file="x.toml")
