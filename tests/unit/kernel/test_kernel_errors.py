"""Every error has a code of its own, survives pickling, and stands in the reference."""

import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from customering.kernel import errors
from customering.kernel.errors import CustomeringError

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "errors.md"


def tree(kind: type[CustomeringError] = CustomeringError) -> Iterator[type[CustomeringError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from tree(below)


# The client's errors are what a server told: they have a tree of their own under the same root.
KINDS = sorted(
    (kind for kind in tree() if not kind.__module__.startswith("customering.client")),
    key=lambda kind: kind.__name__,
)


def test_codes_are_different() -> None:
    codes = [kind.code for kind in KINDS]
    assert len(set(codes)) == len(codes)
    assert len(codes) > 10


def test_the_whole_tree_stands_in_one_module() -> None:
    assert {kind.__module__ for kind in KINDS} == {errors.__name__}


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_pickling(kind: type[CustomeringError]) -> None:
    error = kind("it broke", hint="mend it", file="a.toml", line=3)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (again.message, again.hint, again.facts) == (error.message, error.hint, error.facts)
    assert str(again) == "it broke"
    assert (again.code, again.retryable) == (kind.code, kind.retryable)
    assert json.loads(json.dumps(again.facts)) == {"file": "a.toml", "line": 3}


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_says_what_it_means(kind: type[CustomeringError]) -> None:
    assert kind.__doc__
    assert kind.__name__ in str(errors.__doc__)


def test_only_what_may_pass_by_itself_is_retryable() -> None:
    assert {kind.__name__ for kind in KINDS if kind.retryable} == {
        "Conflict",
        "Overloaded",
        "Unavailable",
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_reference_names_every_error(kind: type[CustomeringError]) -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    assert f"| `{kind.code}` | `{kind.__name__}` |" in text
