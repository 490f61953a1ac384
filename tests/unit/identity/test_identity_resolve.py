import pytest

from customering.identity.model import IdentitySettings, Link, link_between
from customering.identity.resolve import resolve
from customering.kernel.ids import Identifier

ADA, BO, CHIDI = "user_id:ada", "user_id:bo", "user_id:chidi"


def link(one: str, other: str, at: int, kind: str = "observed") -> Link:
    return link_between(
        Identifier(one), Identifier(other), evidence=f"e{at}", occurred_at=at, kind=kind
    )


def test_no_links_give_nobody():
    assert resolve([]).groups == ()


def test_identifiers_are_chained_into_one_person_led_by_the_most_trusted():
    found = resolve([link("device:d", "anonymous_id:a", 1), link("anonymous_id:a", ADA, 2)])
    assert found.groups == ((ADA, "anonymous_id:a", "device:d"),)
    assert found.refused == ()


def test_a_shared_device_goes_to_the_first_person_and_merges_nobody():
    found = resolve([link(BO, "device:d", 2), link(ADA, "device:d", 1)])
    assert found.groups == ((ADA, "device:d"),)
    (refusal,) = found.refused
    assert (refusal.rule, refusal.about, refusal.limit, refusal.count) == (
        "limit", ("user_id",), 1, 2,
    )  # fmt: skip


def test_a_device_used_by_many_people_belongs_to_none_of_them():
    links = [link(f"user_id:u{n}", "device:till", n) for n in range(4)]
    assert resolve(links[:3]).groups == (("user_id:u0", "device:till"),)
    found = resolve([*links, link("device:till", "anonymous_id:a", 9)])
    assert found.groups == ()
    assert found.shared == {"device:till"}
    assert {refusal.rule for refusal in found.refused} == {"shared"}
    assert len(found.refused) == 5


def test_many_addresses_on_one_card_are_a_shared_card_but_a_user_id_is_never_shared():
    card = [link("loyalty_card:1", f"email:{n}@example.org", n) for n in range(6)]
    assert resolve(card).shared == {"loyalty_card:1"}
    login = [link(ADA, f"email:{n}@example.org", n) for n in range(9)]
    found = resolve(login)
    assert found.shared == frozenset()
    assert len(found.groups[0]) == 1 + 5
    assert [no.link.occurred_at for no in found.refused] == [5, 6, 7, 8]


def test_the_earliest_evidence_decides_whatever_arrived_first():
    late = [link(BO, "email:x@example.org", 5), link(ADA, "email:x@example.org", 7)]
    assert resolve(late).groups == ((BO, "email:x@example.org"),)
    found = resolve([*late, link(ADA, "email:x@example.org", 3)])
    assert found.groups == ((ADA, "email:x@example.org"),)


def test_an_operator_may_exceed_a_limit_and_what_follows_is_measured_by_the_excess():
    found = resolve([link(ADA, BO, 9, "joined"), link(ADA, "device:d", 1), link(BO, "zip:1", 2)])
    assert found.groups == ((ADA, BO, "zip:1", "device:d"),)
    more = resolve([*found.accepted, link(CHIDI, "device:d", 1), link(CHIDI, "zip:2", 0)])
    assert more.groups == ((ADA, BO, "zip:1", "device:d"), (CHIDI, "zip:2"))


def test_a_separation_stands_against_every_link_and_against_joins_of_others():
    links = [
        link(ADA, "device:d", 1),
        link("anonymous_id:a", "device:d", 2),
        link(ADA, "anonymous_id:a", 3, "separated"),
    ]
    found = resolve(links)
    assert found.groups == ((ADA, "device:d"),)
    assert [(no.rule, no.about) for no in found.refused] == [("separated", ("anonymous_id:a", ADA))]
    joined = resolve([*links, link("anonymous_id:a", "device:d", 9, "joined")])
    assert joined.groups == (("anonymous_id:a", "device:d"),)


@pytest.mark.parametrize(("first", "then", "people"), [("joined", "separated", 0),
                                                       ("separated", "joined", 1)])  # fmt: skip
def test_the_latest_ruling_on_a_pair_holds(first, then, people):
    links = [link(ADA, BO, 1, first), link(ADA, BO, 2, then)]
    assert len(resolve(links).groups) == people
    assert resolve(links[::-1]) == resolve(links)


def test_a_person_is_made_by_a_bounded_number_of_merges():
    settings = IdentitySettings(merges_max=2, other_limit=9)
    links = [link(ADA, f"anonymous_id:a{n}", n) for n in range(4)]
    found = resolve(links, settings)
    assert found.groups == ((ADA, "anonymous_id:a0", "anonymous_id:a1"),)
    assert [(no.rule, no.limit, no.count) for no in found.refused] == [("merges", 2, 3)] * 2


def test_of_one_event_the_more_trusted_identifier_is_taken_first():
    settings = IdentitySettings(merges_max=1)
    links = [link(ADA, "anonymous_id:a", 1), link(ADA, "email:z@example.org", 1)]
    assert resolve(links, settings).groups == ((ADA, "email:z@example.org"),)


def test_links_of_values_blocked_since_are_left_out():
    assert resolve([link(ADA, "email:null", 1)]).groups == ()


def test_identity_as_it_was():
    links = [link(ADA, "device:d", 5), link(BO, "device:d", 3), link(ADA, BO, 8, "joined")]
    assert resolve(links, as_of=2).groups == ()
    assert resolve(links, as_of=3).groups == ((BO, "device:d"),)
    assert resolve(links, as_of=7).groups == ((BO, "device:d"),)
    assert resolve(links, as_of=8).groups == ((BO, ADA, "device:d"),)


def test_of_two_joined_people_the_one_known_first_lends_the_id():
    links = [link(BO, "zip:1", 1), link(ADA, "zip:2", 2), link(ADA, BO, 3, "joined")]
    assert resolve(links).groups[0][0] == BO
