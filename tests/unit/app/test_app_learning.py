"""Learning: the first model is used, a newer one of the same making too, and any other by proof."""

from collections.abc import Iterator

import pytest

from customering.app.engine import Engine
from customering.app.model_registry import ModelRegistry
from customering.relationship.value import read_value_model
from town import OpenShop, order


def weeks(until: int) -> Iterator[dict]:
    """Thirty people who come every week or so for a few of twelve things."""
    for who in range(30):
        for visit, day in enumerate(range(who % 7, until, 6 + who % 3)):
            things = {f"t{who % 12}", f"t{(who + visit // 4 % 6) % 12}"}
            yield order({"userId": f"p{who}"}, day, *sorted(things))


@pytest.fixture
def shop(open_shop: OpenShop) -> Iterator[Engine]:
    with open_shop(present="2026-12-01") as engine:
        engine.ingest(weeks(150))
        yield engine


def registry_of(engine: Engine) -> ModelRegistry:
    return ModelRegistry(engine.home.models_folder)


def test_the_first_models_are_used_and_learning_again_changes_nothing(shop):
    first = shop.learn()
    assert set(first.verdicts) == {"value", "taste"}
    assert all("first of its kind" in words for words in first.verdicts.values())
    registry = registry_of(shop)
    value, taste = registry.champion("value"), registry.champion("taste")
    assert value is not None
    assert taste is not None
    assert {one.model_id for one in first.models} == {value.model_id, taste.model_id}
    assert (value.people, value.parent) == (30, "")
    assert value.name == shop.models.value.contenders[0].name
    assert taste.through_day == shop.models.taste.through_day
    assert shop.models.taste.context is not None
    again = shop.learn()
    assert again.models == ()
    assert all("Nothing is new" in words for words in again.verdicts.values())
    assert len(registry.versions()) == 2


def test_newer_days_bring_the_model_up_to_date(shop):
    shop.learn()
    before = registry_of(shop).champion("value")
    shop.ingest(weeks(157))
    learned = shop.learn()
    assert "7 newer days" in learned.verdicts["value"]
    after = registry_of(shop).champion("value")
    assert before is not None
    assert after is not None
    assert (after.parent, after.through_day) == (before.model_id, before.through_day + 7)
    assert read_value_model(registry_of(shop).read(after)) == shop.models.value


def test_many_newer_days_are_a_comparison(shop):
    shop.learn()
    shop.ingest(weeks(200))
    learned = shop.learn()
    for one in learned.models:
        assert one.comparison is not None
        assert (one.comparison.people, one.comparison.through_day) == (30, one.through_day)
        assert one.comparison.low <= one.comparison.gain <= one.comparison.high
        used = registry_of(shop).role(one) == "champion"
        assert used == (one.comparison.gain > 0)
        assert ("in use:" in one.verdict) == used


def test_what_was_chosen_by_hand_stays(shop):
    shop.learn()
    registry = registry_of(shop)
    champion = registry.champion("value")
    assert champion is not None
    registry.promote(champion.model_id)
    shop.ingest(weeks(157))
    learned = shop.learn()
    assert "chosen by hand" in learned.verdicts["value"]
    assert registry.champion("value") == champion
    assert shop.models.value.observed_until_day == champion.through_day


def test_a_model_of_before_there_was_a_registry_is_taken_in(shop):
    shop.learn()
    (shop.home.models_folder / "registry.json").unlink()
    shop.ingest(weeks(157))
    shop.learn()
    versions = registry_of(shop).versions("value")
    assert [registry_of(shop).role(one) for one in versions] == ["champion", "former"]
    assert "before versions were kept" in versions[1].verdict


def test_models_go_when_nobody_permits_them_any_more(open_shop: OpenShop):
    with open_shop(present="2026-12-01") as shop:
        shop.ingest(weeks(100))
        shop.learn()
        assert shop.models.value is not None
    settings = shop.home.folder / "customering.toml"
    text = settings.read_text()
    settings.write_text(text[: text.index('[consent.defaults."profile.value_scoring"]')])
    with open_shop(present="2026-12-01") as refused:
        learned = refused.learn()
        assert learned.value is None
        assert refused.models.value is None
        assert registry_of(refused).versions("value") == ()
        assert len(registry_of(refused).versions("taste")) == 1
