import pytest

from customering.identity.graph import IdentityGraph
from customering.identity.model import IdentitySettings, link_between
from customering.identity.preview import Excess, Preview, preview_join, preview_separate
from customering.kernel.ids import Identifier

ADA, BO, CHIDI = (Identifier(f"user_id:{name}") for name in ("ada", "bo", "chidi"))
WEB, PHONE, MAIL = (Identifier(name) for name in ("anonymous_id:web", "device:d", "email:x@y.org"))


def graph(settings: IdentitySettings | None = None) -> IdentityGraph:
    found = IdentityGraph(settings=settings)
    found.observe((ADA, WEB), "e1", 1)
    found.observe((BO, PHONE), "e2", 2)
    found.observe((ADA, PHONE), "e3", 3)
    found.observe((MAIL, PHONE), "e4", 4)
    return found


def assert_it_comes_true(found: IdentityGraph, preview: Preview, ruling) -> None:
    """A preview is right when making the ruling gives the people it names."""
    links = list(found.links())
    for group in preview.before:
        assert found.identifiers_of(group[0]) == group
    assert found.take_pending()  # those of the fixture
    assert list(found.links()) == links
    found.add(ruling)
    for group in preview.after:
        assert found.identifiers_of(group[0]) == group


def test_joining_two_people_unites_all_they_have_and_tells_the_limit_it_exceeds():
    found = graph()
    preview = preview_join(found, BO, ADA)
    assert preview.is_one_person
    assert preview.before == ((ADA, WEB), (BO, MAIL, PHONE))
    assert preview.after == ((ADA, BO, MAIL, WEB, PHONE),)
    assert preview.excess == (Excess(kind="user_id", limit=1, count=2),)
    assert preview.refused == ()
    assert preview.words == (
        "They would be one person: user_id:ada, user_id:bo, email:x@y.org, anonymous_id:web, "
        "device:d.",
        "That is 2 identifiers of type user_id in one person, where 1 is the limit: only an "
        "operator may go beyond it.",
    )
    ruling = link_between(ADA, BO, evidence="r", occurred_at=9, kind="joined")
    assert_it_comes_true(found, preview, ruling)


def test_joining_one_identifier_may_take_it_from_somebody():
    found = graph()
    preview = preview_join(found, PHONE, ADA)
    assert preview.before == ((ADA, WEB), (BO, MAIL, PHONE))
    assert preview.after == ((ADA, MAIL, WEB, PHONE), (BO,))
    assert [no.link.evidence for no in preview.refused] == ["e2"]
    assert "user_id:bo would be left." in preview.words
    ruling = link_between(ADA, PHONE, evidence="r", occurred_at=9, kind="joined")
    assert_it_comes_true(found, preview, ruling)


def test_a_join_never_breaks_a_separation_of_others():
    found = graph()
    found.add(link_between(ADA, PHONE, evidence="r0", occurred_at=8, kind="separated"))
    preview = preview_join(found, WEB, PHONE)
    assert preview.is_one_person
    assert not any(ADA in group and PHONE in group for group in preview.after)
    assert [no.rule for no in preview.refused] == ["separated"]


def test_separating_lets_everything_else_go_with_its_evidence():
    found = graph()
    preview = preview_separate(found, BO, PHONE)
    assert not preview.is_one_person
    assert preview.after == ((ADA, MAIL, WEB, PHONE), (BO,))
    assert preview.words[0] == (
        "They would be two people: user_id:bo; and user_id:ada, email:x@y.org, anonymous_id:web, "
        "device:d."
    )
    ruling = link_between(BO, PHONE, evidence="r", occurred_at=9, kind="separated")
    assert_it_comes_true(found, preview, ruling)


def test_a_preview_beats_rulings_that_stand():
    found = graph()
    for at, kind in [(5, "joined"), (6, "separated")]:
        found.add(link_between(ADA, BO, evidence=f"r{at}", occurred_at=at, kind=kind))
    assert preview_join(found, ADA, BO).is_one_person
    assert not preview_separate(found, ADA, BO).is_one_person
    assert preview_separate(found, ADA, BO).words == ("Nobody would change.",)


def test_a_blocked_value_joins_nobody():
    preview = preview_join(graph(), ADA, Identifier("email:null"))
    assert not preview.is_one_person
    assert preview.words == (
        "email:null names nobody: its value is blocked.",
        "Nobody would change.",
    )


def test_a_join_that_would_not_hold_is_told_as_that():
    found = IdentityGraph()
    found.add(link_between(ADA, BO, evidence="r0", occurred_at=1, kind="separated"))
    found.add(link_between(BO, CHIDI, evidence="r1", occurred_at=2, kind="joined"))
    preview = preview_join(found, ADA, CHIDI)
    assert not preview.is_one_person
    assert preview.words[-1].startswith("The ruling would not hold: an operator keeps ")


def test_too_many_merges_are_told_too():
    preview = preview_join(graph(IdentitySettings(merges_max=2)), ADA, BO)
    assert preview.after == ((MAIL, PHONE), (ADA, BO, WEB))
    assert [(no.rule, no.link.evidence) for no in preview.refused] == [("merges", "e2")]
    more = graph(IdentitySettings(merges_max=1))
    more.add(link_between(ADA, BO, evidence="r", occurred_at=9, kind="joined"))
    assert preview_join(more, ADA, CHIDI).excess[-1] == Excess(kind="", limit=1, count=2)
    assert "2 merges in one person" in preview_join(more, ADA, CHIDI).words[-1]


def test_an_identifier_is_not_joined_with_itself():
    with pytest.raises(ValueError, match="two different ones"):
        preview_join(graph(), ADA, ADA)


def test_previews_near_a_till_leave_it_as_it_is():
    found = graph()
    for n in range(30):
        found.observe((Identifier(f"user_id:u{n}"), PHONE), f"t{n}", 100 + n)
    links = sorted(found.links(), key=found.rules.order)
    assert preview_join(found, PHONE, CHIDI).after == ((CHIDI, PHONE),)
    guest = Identifier("user_id:u7")
    assert preview_join(found, PHONE, guest).after == ((guest, PHONE),)
    assert preview_separate(found, PHONE, guest).words == ("Nobody would change.",)
    assert sorted(found.links(), key=found.rules.order) == links
    assert found.identifiers_of(PHONE) == (PHONE,)
