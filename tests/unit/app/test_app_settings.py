"""The settings file: generated, read back, misspelt, and overruled."""

import json
import re
import tomllib
from collections.abc import Iterator

import msgspec
import pytest

from customering.app.settings import CustomeringSettings, load, show, template, toml_value
from customering.kernel.errors import InvalidSettings

DEFAULTS = CustomeringSettings()
SHOWN = show(load(None))


def uncommented(text: str) -> Iterator[str]:
    """Take the # away in front of every key; explanations stay."""
    for line in text.splitlines():
        yield line[1:] if re.match(r"#\w+ = ", line) else line


def test_the_template_as_it_is_changes_nothing() -> None:
    loaded = load(template())
    assert loaded.settings == DEFAULTS
    assert {one.origin for one in show(loaded)} == {"default"}


def test_the_template_uncommented_gives_the_defaults() -> None:
    text = "\n".join(uncommented(template()))
    loaded = load(text)
    assert loaded.settings == DEFAULTS
    assert {one.origin for one in show(loaded)} == {"customering.toml"}
    values = tomllib.loads(text)
    for one in SHOWN:
        inside = values
        for name in one.key.split("."):
            inside = inside[name]
        assert inside == json.loads(json.dumps(one.value)), one.key


@pytest.mark.parametrize("one", SHOWN, ids=lambda one: one.key)
def test_every_setting_has_a_meaning(one: object) -> None:
    meaning = one.meaning  # type: ignore[attr-defined]
    assert len(meaning) > 15
    assert meaning[0].isupper() or meaning[0].isdigit()
    assert meaning.endswith(".")


def test_the_template_explains_every_setting() -> None:
    text = re.sub(r"\n# ", " ", template())
    for one in SHOWN:
        assert one.meaning in text, one.key


@pytest.mark.parametrize(
    ("text", "key", "near"),
    [
        ("[decisions]\n", "'decisions'", "'decision'"),
        ("[decision]\ncontrol_shar = 0.1\n", "'decision.control_shar'", "'decision.control_share'"),
        ("[fold]\nxyz = 1\n", "'fold.xyz'", "checkpoint_events"),
        ("fold.checkpoint_event = 1\n", "'fold.checkpoint_event'", "'fold.checkpoint_events'"),
    ],
)
def test_a_misspelt_key_is_named_with_the_nearest(text: str, key: str, near: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(text, file="shop/customering.toml")
    assert key in caught.value.message
    assert "shop/customering.toml" in caught.value.message
    assert near in caught.value.hint


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("fold.checkpoint_events = 0", "fold.checkpoint_events", ">= 1"),
        ('fold.checkpoint_events = "many"', "fold.checkpoint_events", "int"),
        ("fold = 3", "fold", "object"),
        ("fold.checkpoint_events.most = 3", "fold.checkpoint_events", "int"),
        ("decision.control_share = 1.5", "decision.control_share", "<= 1"),
        ('history.memory = "a lot"', "history.memory", "regex"),
        ('events.default_currency = "euro"', "events.default_currency", "regex"),
        ('consent.defaults.x = {answer = "yes"}', "consent.defaults", "yes"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_key(text: str, key: str, reason: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(text, file="here.toml")
    assert caught.value.message.startswith("here.toml: ")
    assert key in caught.value.message
    assert reason in caught.value.message
    assert "config show" in caught.value.hint


def test_text_that_is_no_toml() -> None:
    with pytest.raises(InvalidSettings, match=r"here\.toml is not TOML"):
        load("[fold", file="here.toml")


def test_the_flag_beats_the_variable_beats_the_file_beats_the_default() -> None:
    text = "[fold]\ncheckpoint_events = 1\n[history]\nthreads = 3\n"
    environment = {
        "CUSTOMERING__FOLD__CHECKPOINT_EVENTS": "2",
        "CUSTOMERING__HISTORY__BUCKETS": "7",
        "CUSTOMERING_HOME": "elsewhere",
        "OTHER__FOLD__CHECKPOINT_EVENTS": "9",
    }
    loaded = load(text, environment=environment, overrides=["fold.checkpoint_events=4"])
    assert loaded.settings.fold.checkpoint_events == 4
    assert loaded.settings.history.buckets == 7
    assert loaded.settings.history.threads == 3
    origins = {one.key: one.origin for one in show(loaded)}
    assert origins["fold.checkpoint_events"] == "flag --set"
    assert origins["history.buckets"] == "variable CUSTOMERING__HISTORY__BUCKETS"
    assert origins["history.threads"] == "customering.toml"
    assert origins["history.memory"] == "default"
    assert load(text, environment=environment).settings.fold.checkpoint_events == 2


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("clock.present=2018-01-01", "2018-01-01"),
        ('clock.present="2018-01-01"', "2018-01-01"),
        ("clock.present=2018-01-01T10:00", "2018-01-01T10:00"),
        ("clock.present=2018-01-01T10:00:00Z", "2018-01-01T10:00:00+00:00"),
        (" clock.present =", ""),
    ],
)
def test_instants_need_no_quotes(override: str, value: str) -> None:
    assert load(None, overrides=[override]).settings.clock.present == value


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["fold"], "--set 'fold' has no value"),
        (["fold=1", "fold.checkpoint_events=2"], "goes through fold"),
        (["=2"], "unknown key ''"),
        (["fold.=2"], "unknown key 'fold.'"),
    ],
)
def test_flags_that_cannot_be_read(overrides: list[str], told: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(None, overrides=overrides)
    assert told in caught.value.message
    assert caught.value.hint


def test_a_variable_that_is_misspelt_is_named() -> None:
    with pytest.raises(InvalidSettings, match="CUSTOMERING__FOLD__CHECKPOINTS"):
        load(None, environment={"CUSTOMERING__FOLD__CHECKPOINTS": "3"})


@pytest.mark.parametrize(
    "value",
    [
        True, 3, -2.5, 1e300, "", 'a "b" \\ c\n\u00e9\u2028', [], [1, 2], {},
        ["a", {"b.c": [True]}],
        {"user_id": 1, "a b": {"c-d": 2}, "": 0, "é": 1},
    ],
)  # fmt: skip
def test_plain_values_survive_being_written_as_toml(value: object) -> None:
    assert tomllib.loads(f"value = {toml_value(value)}") == {"value": value}


def test_every_default_is_what_its_own_rule_allows() -> None:
    again = msgspec.convert(msgspec.to_builtins(DEFAULTS), CustomeringSettings)
    assert again == DEFAULTS
