from collections.abc import Iterable

from customering.identity.closure import links_around
from customering.identity.graph import IdentityGraph
from customering.identity.model import Link, link_between
from customering.identity.rules import IdentityRules
from customering.kernel.ids import Identifier

RULES = IdentityRules()
TILL = Identifier("device:till")


class Kept:
    """A store of links that remembers whom it was asked about."""

    def __init__(self, links: Iterable[Link]) -> None:
        self.links = list(links)
        self.asked: list[Identifier] = []

    def touching(self, names: Iterable[Identifier]) -> list[Link]:
        names = list(names)
        self.asked += names
        return [link for link in self.links if link.left in names or link.right in names]


def till(people: int) -> Kept:
    kept = Kept([])
    for n in range(people):
        person = Identifier(f"user_id:u{n}")
        web = Identifier(f"anonymous_id:a{n}")
        kept.links.append(link_between(person, TILL, evidence=f"t{n}", occurred_at=2 * n))
        kept.links.append(link_between(person, web, evidence=f"w{n}", occurred_at=2 * n + 1))
    return kept


def test_the_walk_does_not_go_on_from_a_shared_till():
    kept = till(50)
    person = Identifier("user_id:u7")
    links = links_around(person, kept.touching, RULES)
    assert len(links) == 51
    assert set(kept.asked) == {person, "anonymous_id:a7", TILL}
    assert IdentityGraph(links).identifiers_of(person) == (person, "anonymous_id:a7")


def test_it_does_as_long_as_the_till_is_not_shared():
    links = links_around(Identifier("user_id:u7"), till(50).touching, RULES, as_of=5)
    assert links == []
    links = links_around(Identifier("user_id:u1"), till(50).touching, RULES, as_of=5)
    assert len(links) == 6
    names = IdentityGraph(links).identifiers_of(TILL)
    assert names == ("user_id:u0", "anonymous_id:a0", TILL)


def test_an_operators_join_leads_on_even_from_a_till():
    kept = till(50)
    shop, town, desk = Identifier("zip:1"), Identifier("zip:2"), Identifier("fax:3")
    for n, (one, other) in enumerate([(TILL, shop), (TILL, town)]):
        kept.links.append(
            link_between(one, other, evidence=f"r{n}", occurred_at=900 + n, kind="joined")
        )
    kept.links.append(link_between(town, desk, evidence="e", occurred_at=950))
    graph = IdentityGraph(links_around(shop, kept.touching, RULES))
    assert graph.identifiers_of(shop) == (desk, shop, town, TILL)


def test_values_blocked_since_lead_nowhere():
    kept = Kept([link_between(TILL, Identifier("email:null"), evidence="e", occurred_at=1)])
    assert links_around(TILL, kept.touching, RULES) == []
