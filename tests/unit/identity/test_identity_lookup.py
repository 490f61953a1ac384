import pytest

from customering.identity.lookup import PersonIndex
from customering.identity.model import own_id
from customering.kernel.ids import Identifier, PersonId

NAMES = [Identifier(f"user_id:{n}") for n in range(300)]


@pytest.fixture(params=[2, 1_000])
def index(request, monkeypatch) -> PersonIndex:
    """An index whose additions are sorted in often, or never."""
    monkeypatch.setattr("customering.identity.lookup._RECENT_MIN", request.param)
    index = PersonIndex(NAMES[:100])
    for name in (*NAMES[50:200], *NAMES[50:300]):
        index.add(name)
    return index


def test_every_identifier_is_found_by_its_own_id(index):
    assert [index.find(own_id(name)) for name in NAMES] == NAMES


def test_identifiers_are_held_once(index):
    index._sort()
    assert sorted(index._names) == sorted(NAMES)


@pytest.mark.parametrize(
    "text", ["per_aaaaaaaaaaaaaaaa", "per_", "per_1111111111111111", "ord_aaaaaaaaaaaaaaaa", ""]
)
def test_what_is_no_known_id_finds_nobody(index, text):
    assert index.find(PersonId(text)) is None


def test_an_id_that_agrees_only_in_the_part_that_is_sorted_finds_nobody(index):
    person = own_id(NAMES[0])
    assert index.find(PersonId(person[:-1] + ("a" if person[-1] != "a" else "b"))) is None


def test_a_forgotten_identifier_is_not_found_and_the_others_are(index):
    index.discard(NAMES[7])
    index.discard(Identifier("user_id:unknown"))
    assert index.find(own_id(NAMES[7])) is None
    assert all(index.find(own_id(name)) == name for name in NAMES if name != NAMES[7])


def test_an_empty_index_knows_nobody():
    assert PersonIndex().find(own_id(NAMES[0])) is None
