import random
from itertools import pairwise

import pytest

from customering.events.model import IDENTIFIERS_SEPARATED, Event
from customering.identity.graph import IdentityGraph
from customering.identity.model import IdentitySettings, Link, link_between, own_id
from customering.identity.resolve import resolve
from customering.kernel.errors import NoSuchPerson
from customering.kernel.ids import Identifier, PersonId

ADA, BO, TILL = (Identifier(name) for name in ("user_id:ada", "user_id:bo", "device:till"))
WEB = Identifier("anonymous_id:web")


def people_of(graph: IdentityGraph) -> tuple[tuple[Identifier, ...], ...]:
    return tuple(sorted(graph.people()))


def test_an_identifier_without_links_is_a_person_by_itself_and_is_not_stored():
    graph = IdentityGraph()
    assert graph.observe((ADA,), "e1", 1) == ADA
    assert graph.identifiers_of(ADA) == (ADA,)
    assert graph.person_of(ADA) == own_id(ADA)
    assert list(graph.partition.known()) == []
    assert graph.take_pending() == ()


def test_an_event_that_names_nobody_has_no_anchor():
    graph = IdentityGraph()
    assert graph.observe((Identifier("user_id:null"),), "e1", 1) is None
    nobody = (Identifier("user_id:null"), Identifier("device:0000"))
    assert graph.observe(nobody, "e2", 1) is None
    assert graph.observe(nobody, "e3", 2) is None


def test_links_that_are_news_wait_to_be_kept_once():
    graph = IdentityGraph()
    assert graph.observe((WEB, ADA), "e2", 2, "web") == ADA
    assert graph.changed == {WEB, ADA}
    (first,) = graph.take_pending()
    assert (first.evidence, first.source) == ("e2", "web")
    graph.observe((WEB, ADA), "e3", 3)
    graph.observe((ADA, WEB), "e3", 3)
    assert graph.take_pending() == ()
    assert graph.changed == frozenset()


def test_a_late_event_lowers_the_evidence_even_of_a_remembered_tuple():
    graph = IdentityGraph()
    for event_id, at in [("e5", 5), ("e6", 6), ("e3", 3), ("e4", 4)]:
        graph.observe((WEB, ADA), event_id, at)
    assert [link.evidence for link in graph.take_pending()] == ["e5", "e3"]
    assert [link.evidence for link in graph.links()] == ["e3"]
    # Earlier evidence of another person now takes the browser away.
    assert graph.observe((BO, WEB), "e1", 1) == BO
    assert graph.identifiers_of(WEB) == (BO, WEB)
    # And evidence that is earlier still brings it back.
    graph.observe((WEB, ADA), "e0", 0)
    assert graph.identifiers_of(WEB) == (ADA, WEB)
    assert graph.changed == {ADA, BO, WEB}


def test_an_identifier_taken_from_somebody_is_reported_although_no_link_names_them():
    graph = IdentityGraph()
    for n in range(3):
        graph.observe((Identifier(f"user_id:u{n}"), TILL), f"e{n}", n)
    graph.take_pending()
    graph.observe((Identifier("user_id:u3"), TILL), "e3", 3)
    assert graph.changed == {TILL, "user_id:u0"}


def test_an_operators_event_rules_and_is_filed_like_any_other():
    graph = IdentityGraph([link_between(ADA, WEB, evidence="e1", occurred_at=1)])
    ruling = Event(
        event_id="e2",
        kind="track",
        name=IDENTIFIERS_SEPARATED,
        identifiers=(WEB, ADA),
        occurred_at=2,
        recorded_at=2,
        source="console",
    )
    assert graph.observe_event(ruling) == ADA
    assert graph.identifiers_of(WEB) == (WEB,)
    assert [link.kind for link in graph.take_pending()] == ["separated"]
    assert graph.observe_event(ruling) == ADA
    assert graph.take_pending() == ()


def test_an_earlier_ruling_that_arrives_late_is_kept_but_does_not_hold():
    graph = IdentityGraph()
    separated = link_between(ADA, BO, evidence="e5", occurred_at=5, kind="separated")
    joined = link_between(ADA, BO, evidence="e4", occurred_at=4, kind="joined")
    assert not graph.add(separated)
    assert not graph.add(joined)
    assert graph.take_pending() == (separated, joined)
    assert resolve(graph.links(), as_of=4).groups == ((ADA, BO),)


def test_past_person_ids_lead_to_whoever_has_the_identifier_now():
    graph = IdentityGraph()
    before = graph.person_of(WEB)
    graph.observe((WEB, ADA), "e1", 1)
    assert graph.person_of(WEB) == own_id(ADA) != before
    assert graph.lookup(before) == WEB
    assert graph.identifiers_of(before) == graph.identifiers_of(own_id(ADA)) == (ADA, WEB)
    assert graph.lookup(own_id(BO)) is None
    graph.register([BO])
    assert graph.lookup(own_id(BO)) == BO
    graph.observe((BO, Identifier("zip:1")), "e2", 2)
    assert graph.lookup(own_id(Identifier("zip:1"))) == "zip:1"
    with pytest.raises(NoSuchPerson, match="per_aaaaaaaaaaaaaaaa") as caught:
        graph.identifiers_of(PersonId("per_aaaaaaaaaaaaaaaa"))
    assert caught.value.hint


def test_what_is_forgotten_leaves_no_text_behind():
    graph = IdentityGraph()
    graph.observe((ADA, WEB, TILL), "e1", 1)
    graph.observe((BO, TILL), "e2", 2)
    graph.add(link_between(ADA, BO, evidence="e3", occurred_at=3, kind="separated"))
    graph.lookup(own_id(ADA))
    assert graph.forget([ADA]) == {WEB, TILL, BO}
    assert people_of(graph) == ((BO, TILL),)
    assert ADA not in set(graph.partition.known())
    assert graph.lookup(own_id(ADA)) is None
    assert all(ADA not in (link.left, link.right) for link in graph.take_pending())
    # Nothing remembered keeps a later event from being taken in.
    graph.observe((ADA, WEB, TILL), "e4", 4)
    assert graph.identifiers_of(WEB) == (ADA, WEB)


def test_a_till_is_shared_no_longer_when_one_of_its_people_is_forgotten():
    graph = IdentityGraph(
        [
            link_between(Identifier(f"user_id:u{n}"), TILL, evidence=f"e{n}", occurred_at=n)
            for n in range(4)
        ]
    )
    assert graph.is_shared(TILL)
    assert graph.forget([Identifier("user_id:u2")]) == {TILL, "user_id:u0"}
    assert not graph.is_shared(TILL)
    assert people_of(graph) == (("user_id:u0", TILL),)


def test_a_ruling_on_a_link_of_a_till_settles_that_link_and_frees_the_till():
    graph = IdentityGraph(
        [
            link_between(Identifier(f"user_id:u{n}"), TILL, evidence=f"e{n}", occurred_at=n)
            for n in range(4)
        ]
    )
    ruling = {"evidence": "r", "occurred_at": 9}
    graph.add(link_between(Identifier("user_id:u0"), TILL, kind="separated", **ruling))
    assert people_of(graph) == (("user_id:u1", TILL),)


def test_the_memory_of_tuples_is_bounded(monkeypatch):
    monkeypatch.setattr("customering.identity.graph._CACHED_TUPLES", 4)
    graph = IdentityGraph()
    for at in range(40):
        graph.observe((Identifier(f"user_id:u{at % 10}"), Identifier(f"zip:z{at % 10}")), "e", at)
        assert len(graph._recent) <= 4
        assert len(graph._older) <= 4
    assert len(list(graph.people())) == 10


def kiosk(people: int, shuffle_seed: int | None = None) -> list[Link]:
    """One device used by many people, each with a browser of their own."""
    links = []
    for n in range(people):
        person, web = Identifier(f"user_id:{n + 1}"), Identifier(f"anonymous_id:a{n}")
        links.append(link_between(person, TILL, evidence=f"t{n}", occurred_at=10 * n))
        links.append(link_between(person, web, evidence=f"w{n}", occurred_at=10 * n + 1))
    if shuffle_seed is not None:
        random.Random(shuffle_seed).shuffle(links)
    return links


@pytest.mark.parametrize("order", ["in time", "backwards", "shuffled"])
def test_a_till_used_by_thousands_costs_a_bounded_number_of_steps_a_link(order):
    links = kiosk(4_000, 7 if order == "shuffled" else None)
    if order == "backwards":
        links.reverse()
    graph = IdentityGraph()
    costs = []
    for link in links:
        before = graph.partition.steps
        graph.add(link)
        costs.append(graph.partition.steps - before)
    assert max(costs) <= 40
    assert graph.is_shared(TILL)
    assert graph.identifiers_of(TILL) == (TILL,)
    assert sum(1 for _ in graph.people()) == 4_000
    assert all(len(group) == 2 for group in graph.people())


def test_a_robot_with_thousands_of_browsers_costs_a_bounded_number_of_steps_a_link():
    graph = IdentityGraph()
    worst = 0
    for n in range(4_000):
        before = graph.partition.steps
        graph.observe((ADA, Identifier(f"anonymous_id:a{n}")), f"e{n}", n)
        worst = max(worst, graph.partition.steps - before)
    assert worst <= 40
    assert len(graph.identifiers_of(ADA)) == 6
    assert len(graph.refusals_of(ADA)) == 3_995


def test_people_chained_by_refused_links_are_not_all_looked_at_again():
    # Each phone is used by two people, so everybody hangs together; nobody is merged.
    graph = IdentityGraph()
    names = [Identifier(f"user_id:{n}") for n in range(1, 1_001)]
    for n, (one, other) in enumerate(pairwise(names)):
        phone = Identifier(f"phone:+{n + 1}")
        graph.observe((one, phone), f"a{n}", 1_000 + 10 * n)
        graph.observe((other, phone), f"b{n}", 1_001 + 10 * n)
    before = graph.partition.steps
    graph.observe((names[500], Identifier("phone:+500")), "late", 1)
    phones = ("phone:+500", "phone:+501")
    assert graph.identifiers_of(Identifier("phone:+500")) == (names[500], *phones)
    assert graph.partition.steps - before <= 100


def test_loading_gives_the_same_graph_and_nothing_to_keep():
    links = kiosk(20, 3)
    graph = IdentityGraph(links, IdentitySettings(shared_above=50))
    assert people_of(graph) == resolve(links, IdentitySettings(shared_above=50)).groups
    assert graph.take_pending() == ()
    assert graph.changed == frozenset()


def test_each_name_is_in_memory_once_however_often_it_comes():
    graph = IdentityGraph()

    def fresh(*names: Identifier) -> tuple[Identifier, ...]:
        return tuple(Identifier("".join(name)) for name in names)

    graph.observe(fresh(WEB, ADA), "e1", 5)
    graph.observe(fresh(WEB, ADA), "e2", 1)
    graph.observe(fresh(ADA, WEB), "e3", 9)
    graph.observe(fresh(BO, ADA), "e4", 9)
    held = {id(graph.partition.held(name)) for name in (WEB, ADA)}
    told = {id(end) for link in graph.links() for end in (link.left, link.right)}
    assert held <= told
    remembered = [name for names in graph._recent for name in names]
    assert {id(name) for name in remembered if name in (WEB, ADA)} == held


def test_two_of_one_type_are_two_people_from_their_first_link_on():
    graph = IdentityGraph([link_between(ADA, BO, evidence="e1", occurred_at=1)])
    assert people_of(graph) == ()
    assert [refusal.rule for refusal in graph.refused()] == ["limit"]
