from customering.identity.explain import explain
from customering.identity.graph import IdentityGraph
from customering.identity.model import IdentitySettings, link_between, own_id
from customering.kernel.ids import Identifier

ADA, BO = Identifier("user_id:ada"), Identifier("user_id:bo")
WEB, PHONE, MAIL = (
    Identifier(name) for name in ("anonymous_id:web", "device:phone", "email:ada@example.org")
)
NOON = 1_496_318_400_000


def graph() -> IdentityGraph:
    found = IdentityGraph()
    found.observe((MAIL, PHONE), "e1", NOON, "app")
    found.observe((PHONE, WEB), "e2", NOON + 1_000, "web")
    found.observe((ADA, MAIL), "e3", NOON + 2_000, "shop")
    found.observe((BO, PHONE), "e4", NOON + 3_000, "app")
    return found


def test_the_path_leads_from_the_identifier_to_the_canonical_one():
    found = explain(graph(), WEB)
    assert found.person == own_id(ADA)
    assert found.identifiers == (ADA, MAIL, WEB, PHONE)
    assert [link.evidence for link in found.path] == ["e2", "e1", "e3"]
    assert [link.evidence for link in found.tree] == ["e1", "e2", "e3"]
    assert [(no.link.evidence, no.rule) for no in found.refused] == [("e4", "limit")]


def test_it_is_said_in_words():
    assert explain(graph(), WEB).words == (
        "anonymous_id:web is one person with 3 other identifiers, led by user_id:ada.",
        "anonymous_id:web and device:phone came together on 2017-06-01T12:00:01.000Z "
        "(event e2 from web).",
        "device:phone and email:ada@example.org came together on 2017-06-01T12:00:00.000Z "
        "(event e1 from app).",
        "email:ada@example.org and user_id:ada came together on 2017-06-01T12:00:02.000Z "
        "(event e3 from shop).",
        "device:phone and user_id:bo came together on 2017-06-01T12:00:03.000Z "
        "(event e4 from app), but one person would then have 2 identifiers of type user_id, "
        "and the limit is 1.",
    )


def test_the_canonical_identifier_is_explained_by_the_whole_tree():
    found = explain(graph(), ADA)
    assert found.path == ()
    assert found.words[0].endswith("it is the most trusted of them.")
    assert len(found.words) == 1 + 3 + 1


def test_a_lone_identifier_and_each_reason_of_refusal():
    found = graph()
    found.add(link_between(WEB, PHONE, evidence="r1", occurred_at=NOON + 9_000, kind="separated"))
    alone = explain(found, WEB)
    assert alone.identifiers == (WEB,)
    assert alone.words[0] == "anonymous_id:web is a person by itself."
    assert alone.words[1].endswith("but an operator keeps anonymous_id:web and device:phone apart.")
    for n in range(3):
        found.observe((Identifier(f"user_id:u{n}"), PHONE), f"s{n}", NOON)
    shared = explain(found, PHONE, refused_max=2)
    assert shared.words[1] == "device:phone is used by too many people to tell whom it names."
    assert shared.words[2].endswith("but too many people use device:phone to tell whom this names.")
    assert shared.words[-1] == "4 more links were refused."
    assert (len(shared.refused), shared.refused_count) == (2, 6)


def test_too_many_merges_and_an_operators_join_in_words():
    small = IdentityGraph(settings=IdentitySettings(merges_max=1))
    small.observe((ADA, WEB), "e1", NOON)
    small.observe((ADA, PHONE), "e2", NOON)
    small.add(link_between(ADA, BO, evidence="r1", occurred_at=NOON, kind="joined"))
    words = explain(small, BO).words
    assert words[1] == (
        "An operator joined user_id:ada and user_id:bo on 2017-06-01T12:00:00.000Z (event r1)."
    )
    assert words[-1].endswith("but one person would then be made by 2 merges, and the limit is 1.")
