"""Grants: a person's program is let in by what it shows, for what was granted, until it ends."""

from pathlib import Path

import pytest

from customering.app.grants import Grants
from customering.kernel.clock import MS_PER_DAY
from customering.kernel.errors import Invalid
from customering.kernel.ids import Identifier

ADA = (Identifier("user_id:ada"), Identifier("email:ada@example.org"))
EVE = (Identifier("user_id:eve"),)


class Clock:
    now = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def grants(tmp_path: Path, clock: Clock) -> Grants:
    return Grants(f"sqlite:///{tmp_path / 'control.sqlite'}", clock)


def test_a_program_is_let_in_for_what_was_granted(grants: Grants) -> None:
    made, text = grants.create(ADA, "  my   assistant ", ["want"], days=30)
    found = grants.find(text)
    assert found is not None
    assert (found.person, found.label, found.scopes) == (ADA[0], "my assistant", {"read", "want"})
    assert grants.find(text[:-1] + ("y" if text[-1] == "x" else "x")) is None
    assert grants.find(made.grant_id) is None
    assert grants.find("") is None


def test_what_lets_in_is_not_kept(grants: Grants, tmp_path: Path) -> None:
    _, text = grants.create(ADA, "my assistant", ["read"], days=1)
    grants.close()
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"my assistant" in kept
    assert text.encode() not in kept
    assert text[3:67].encode() not in kept
    assert bytes.fromhex(text[3:67]) not in kept


def test_it_ends_by_itself_and_by_the_persons_word(grants: Grants, clock: Clock) -> None:
    short, first = grants.create(ADA, "a", ["read"], days=1)
    _, second = grants.create(ADA, "b", ["read"], days=2)
    assert not grants.end(EVE, short.grant_id), "it is not theirs to end"
    assert [grant.label for grant in grants.of((ADA[1], ADA[0]))] != []
    clock.now += MS_PER_DAY
    assert grants.find(first) is None
    (left,) = grants.of(ADA)
    assert left.label == "b"
    assert grants.end(ADA, left.grant_id)
    assert grants.find(second) is None


def test_when_it_last_came_is_noted(grants: Grants, clock: Clock) -> None:
    _, text = grants.create(ADA, "a", ["read"], days=1)
    assert grants.of(ADA)[0].seen_at == 0
    grants.find(text)
    assert grants.of(ADA)[0].seen_at == clock.now


def test_forgetting_leaves_others(grants: Grants) -> None:
    _, text = grants.create(ADA, "a", ["read"], days=1)
    _, other = grants.create(EVE, "a", ["read"], days=1)
    assert grants.forget(ADA) == 1
    assert grants.find(text) is None
    assert grants.find(other) is not None


@pytest.mark.parametrize(
    ("label", "scopes", "days"),
    [
        ("", ["read"], 1),
        ("x" * 61, ["read"], 1),
        ("a\x00b", ["read"], 1),
        ("a", [], 1),
        ("a", ["erase"], 1),
        ("a", ["read"], 0),
        ("a", ["read"], 366),
    ],
)
def test_what_makes_no_sense_is_refused(
    grants: Grants, label: str, scopes: list[str], days: int
) -> None:
    with pytest.raises(Invalid):
        grants.create(ADA, label, scopes, days=days)
    assert grants.of(ADA) == []


def test_there_is_an_end_to_how_many(grants: Grants) -> None:
    for number in range(20):
        grants.create(ADA, f"program {number}", ["read"], days=1)
    with pytest.raises(Invalid, match="20 already"):
        grants.create(ADA, "one more", ["read"], days=1)
