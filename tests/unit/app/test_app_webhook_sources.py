"""webhooks.toml: what is misspelt is named with its place, and paths read what they should."""

from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from customering.app.webhook_payloads import payload_of
from customering.app.webhook_sources import read_sources
from customering.kernel.errors import InvalidDefinition, InvalidEvent

HEAD = '[till]\nsignature = "standard"\nsecret_variable = "TILL"\n[[till.event]]\n'
NAMED = 'event = "Seen"\nidentifiers = { user_id = "who" }\n'


def payload(more: str, body: Any) -> Any:
    sources = read_sources(HEAD + NAMED + more)
    return payload_of("till", sources["till"], body, {}, "msg_1", 0)


def test_the_shipped_examples_can_be_read() -> None:
    shipped = resources.files("customering.app") / "templates" / "webhooks.toml"
    assert read_sources(shipped.read_text(encoding="utf-8")).keys() == {"shopify", "stripe"}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[till", "TOML"),
        ("till = 1", "$"),
        ('[till]\nsignature = "none"\n', "signature"),
        ('[till]\nsignature = "standard"\nsecret = "x"\nevent = []\n', "secret"),
        (HEAD.replace("secret_variable", "secret_file = 'x'\nsecret_variable") + NAMED, "till"),
        (HEAD.replace('secret_variable = "TILL"\n', "") + NAMED, "till"),
        (HEAD + 'identifiers = { user_id = "who" }\n', "till.event[0].event"),
        (HEAD + 'event = "Seen"\n', "identifiers"),
        (HEAD + NAMED + 'each = "lines"\n', "each"),
        (HEAD + NAMED + 'traits = { a = "b" }\n', "till.event[0]"),
        (HEAD + NAMED + "properties = { a = {} }\n", "properties.a"),
        (HEAD + NAMED + 'properties = { a = { column = "b", sum = "c" } }\n', "properties.a"),
        (HEAD + NAMED + 'properties = { a_minor = "b" }\n', "properties.a_minor"),
        (
            HEAD + NAMED + 'properties = { a_minor = { column = "b", unit = "major" } }\n',
            "currency",
        ),
        (HEAD + NAMED + 'propertys = { a = "b" }\n', "propertys"),
    ],
)
def test_what_is_wrong_is_named(text: str, place: str) -> None:
    with pytest.raises(InvalidDefinition) as caught:
        read_sources(text)
    assert place in caught.value.message


def test_a_path_goes_into_objects_and_lists_and_misses_softly() -> None:
    body = {"who": 7, "a": [{"b": "x"}], "c": {"d": None}}
    told = payload('properties = { x = "a.0.b", y = "a.1.b", z = "c.d.e", w = "a.b" }\n', body)
    assert told["properties"] == {"x": "x"}
    assert told["identifiers"] == {"user_id": 7}


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ('{ column = "v", type = "integer" }', "12", 12),
        ('{ column = "v", type = "integer" }', 820982911946154508, 820982911946154508),
        ('{ column = "v", type = "integer" }', "820982911946154508", 820982911946154508),
        ('{ column = "v", type = "integer" }', 3.0, 3),
        ('{ column = "v", type = "number" }', "1.5", 1.5),
        ('{ column = "v", type = "boolean" }', "True", True),
        ('{ column = "v", type = "string" }', 17, "17"),
        ('{ column = "v", type = "instant" }', "2026-03-01", "2026-03-01T00:00:00.000Z"),
        ('{ column = "v", unit = "s" }', 1_772_366_400, "2026-03-01T12:00:00.000Z"),
        ('{ column = "v", default = "none" }', None, "none"),
        ('{ value = "fixed" }', None, "fixed"),
        ('"v"', {"deep": 1}, {"deep": 1}),
    ],
)
def test_a_field_takes_its_type(field: str, value: Any, expected: Any) -> None:
    told = payload(f"properties = {{ f = {field} }}\n", {"who": "ada", "v": value})
    assert told["properties"] == {"f": expected}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ('{ column = "v", type = "integer" }', "1.5"),
        ('{ column = "v", type = "integer" }', "1e400"),
        ('{ column = "v", type = "integer" }', True),
        ('{ column = "v", type = "number" }', "x"),
        ('{ column = "v", type = "number" }', "nan"),
        ('{ column = "v", type = "boolean" }', "perhaps"),
        ('{ column = "v", type = "instant" }', "soon"),
        ('{ column = "v", unit = "s" }', 1e300),
        ('{ column = "v", required = true }', None),
    ],
)
def test_a_field_that_is_not_its_type_is_named_without_its_value(field: str, value: Any) -> None:
    with pytest.raises(InvalidEvent) as caught:
        payload(f"properties = {{ f = {field} }}\n", {"who": "ada", "v": value})
    assert caught.value.facts["path"] == "v"
    assert str(value) not in caught.value.message


def test_secrets_are_read_from_where_they_are_named(tmp_path: Path) -> None:
    source = read_sources(HEAD + NAMED)["till"]
    assert source.secrets(tmp_path, {"TILL": "old new"}) == ("old", "new")
    assert source.secrets(tmp_path, {}) == ()
    text = HEAD.replace('secret_variable = "TILL"', 'secret_file = "till.secret"')
    in_file = read_sources(text + NAMED)["till"]
    assert in_file.secrets(tmp_path, {}) == ()
    (tmp_path / "till.secret").write_text("hush\n")
    assert in_file.secrets(tmp_path, {}) == ("hush",)
