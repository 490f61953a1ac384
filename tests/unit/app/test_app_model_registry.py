"""Versions of models: one in use, the others kept, and back again; damage is told."""

from pathlib import Path

import pytest

from customering.app.model_registry import ModelRegistry
from customering.app.model_version import ModelVersion
from customering.kernel.errors import Absent, Conflict, Corrupt


def version(made_at: int, kind: str = "value", **more) -> ModelVersion:
    facts = {"name": "BG/NBD", "first_day": 1, "through_day": made_at, "people": 9}
    return ModelVersion(model_id="", kind=kind, made_at=made_at, **{**facts, **more})


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    return ModelRegistry(tmp_path / "models", kept_most=3)


def in_use(registry: ModelRegistry, name: str = "value.json") -> bytes:
    return (registry.folder / name).read_bytes()


def test_a_version_is_kept_with_its_bytes_and_used_when_told(registry):
    first = registry.add(version(1), b"one", use=True)
    second = registry.add(version(2), b"two", use=False)
    assert first.model_id != second.model_id
    assert registry.champion("value") == first
    assert in_use(registry) == b"one"
    assert [registry.role(one) for one in registry.versions()] == ["challenger", "champion"]
    assert registry.read(second) == b"two"
    assert registry.champion("taste") is None


def test_promoting_and_rolling_back_change_the_file_that_is_read(registry):
    first = registry.add(version(1), b"one", use=True)
    second = registry.add(version(2), b"two", use=False)
    assert registry.promote(second.model_id) == second
    assert in_use(registry) == b"two"
    assert registry.is_by_hand("value")
    assert registry.role(first) == "former"
    assert registry.rollback("value") == first
    assert in_use(registry) == b"one"
    assert registry.champion("value") == first
    with pytest.raises(Conflict):
        registry.rollback("value")


def test_a_model_that_proved_better_is_not_chosen_by_hand_any_more(registry):
    first = registry.add(version(1), b"one", use=True)
    registry.promote(first.model_id)
    assert registry.is_by_hand("value")
    registry.add(version(2), b"two", use=True)
    assert not registry.is_by_hand("value")


def test_kinds_do_not_mix(registry):
    registry.add(version(1), b"one", use=True)
    registry.add(version(1, "taste"), b"taste", use=True)
    assert in_use(registry, "taste.bin") == b"taste"
    assert len(registry.versions("taste")) == 1
    registry.withdraw("taste")
    assert registry.versions("taste") == ()
    assert not (registry.folder / "taste.bin").exists()
    assert in_use(registry) == b"one"


def test_what_was_fitted_before_an_erasure_goes_when_there_is_another(registry):
    registry.add(version(1), b"one", use=True)
    registry.promote(registry.versions()[0].model_id)
    registry.forget("value", 0)
    assert len(registry.versions()) == 1
    registry.forget("value", 1)
    assert registry.versions() == ()
    assert registry.champion("value") is None
    assert not registry.is_by_hand("value")
    assert in_use(registry) == b"one"
    after = registry.add(version(2, erasures=1), b"two", use=True)
    registry.forget("value", 1)
    assert registry.champion("value") == after


def test_only_so_many_are_kept_but_always_the_one_in_use_and_the_one_before(registry):
    first = registry.add(version(1), b"one", use=True)
    second = registry.add(version(2), b"two", use=True)
    later = [registry.add(version(at), bytes([at]), use=False) for at in range(3, 9)]
    assert {one.model_id for one in registry.versions()} == {
        first.model_id,
        second.model_id,
        later[-1].model_id,
    }
    files = {path.stem for path in (registry.folder / "versions").iterdir()}
    assert files == {one.model_id for one in registry.versions()}
    assert registry.rollback("value") == first


def test_what_does_not_exist_cannot_be_promoted(registry):
    with pytest.raises(Absent) as error:
        registry.promote("mdl_none")
    assert "models list" in error.value.hint


def test_a_damaged_version_is_refused_and_the_one_in_use_stays(registry):
    registry.add(version(1), b"one", use=True)
    second = registry.add(version(2), b"two", use=False)
    (registry.folder / "versions" / f"{second.model_id}.json").write_bytes(b"x")
    with pytest.raises(Corrupt):
        registry.promote(second.model_id)
    assert in_use(registry) == b"one"


def test_a_damaged_registry_is_told_with_the_way_out(registry):
    registry.add(version(1), b"one", use=True)
    (registry.folder / "registry.json").write_bytes(b"{")
    with pytest.raises(Corrupt) as error:
        registry.versions()
    assert "learn" in error.value.hint


def test_versions_made_the_same_way_are_told_from_others():
    one = version(1, settings={"among": ["BG/NBD"]}, metrics={"scale": 1.0})
    assert one.is_same_as(version(9, settings=one.settings, metrics=one.metrics, through_day=1))
    assert one.is_refit_of(version(9, settings=one.settings))
    assert not one.is_same_as(version(9, settings=one.settings, metrics=one.metrics))
    assert not one.is_refit_of(version(1, settings={"among": ["BG/NBD", "Pareto/NBD"]}))
