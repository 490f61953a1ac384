"""What a public source claims: it may tell which browser is whose, and join no people."""

from hypothesis import given, settings
from hypothesis import strategies as st

from customering.events.model import Event
from customering.identity.claims import BELIEVED, CLAIMED, believed_only
from customering.identity.graph import IdentityGraph
from customering.kernel.ids import Identifier, kind_of

NAMES = st.sampled_from(
    [
        f"{kind}:{value}"
        for kind in ("user_id", "anonymous_id", "device", "email", "phone", "loyalty_card")
        for value in ("1", "2", "3")
    ]
).map(Identifier)

BROWSERS = ("anonymous_id", "device")
KNOWN = ("user_id", "email", "phone", "loyalty_card")


def event(number: int, *names: Identifier) -> Event:
    return Event(
        event_id=f"e{number}",
        kind="identify",
        identifiers=names,
        occurred_at=number,
        recorded_at=number,
    )


@settings(max_examples=200, deadline=None)
@given(st.lists(NAMES, min_size=1, max_size=6, unique=True))
def test_every_identifier_is_kept_and_only_believed_ones_tie(names: list[Identifier]) -> None:
    after = believed_only(event(1, *names))
    assert {*after.identifiers, *after.context.get(CLAIMED, [])} == set(names)
    assert after.identifiers
    if len(after.identifiers) > 1:
        kinds = [kind_of(name) for name in after.identifiers]
        assert set(kinds) <= set(BELIEVED)
        assert kinds.count("user_id") <= 1


@settings(max_examples=200, deadline=None)
@given(
    trusted=st.lists(st.lists(NAMES, min_size=1, max_size=3, unique=True), max_size=6),
    public=st.lists(st.lists(NAMES, min_size=1, max_size=6, unique=True), max_size=12),
)
def test_no_public_event_joins_what_is_known_of_two_people(
    trusted: list[list[Identifier]], public: list[list[Identifier]]
) -> None:
    """Whoever does not know the id in somebody's browser ties no known identifiers together."""
    graph, alone = IdentityGraph(), IdentityGraph()
    for number, names in enumerate(trusted):
        graph.observe_event(event(number, *names))
        alone.observe_event(event(number, *names))
    for number, names in enumerate(public):
        own = [Identifier(f"{name}-own") if kind_of(name) in BROWSERS else name for name in names]
        graph.observe_event(believed_only(event(100 + number, *own)))
    known = [Identifier(f"{kind}:{value}") for kind in KNOWN for value in "123"]
    for name in known:
        assert {other for other in graph.identifiers_of(name) if other in known} == {
            other for other in alone.identifiers_of(name) if other in known
        }


def test_a_public_page_cannot_attach_an_address_to_somebody() -> None:
    graph = IdentityGraph()
    graph.observe_event(event(1, Identifier("user_id:ada"), Identifier("email:ada@example.org")))
    attack = event(
        2,
        Identifier("user_id:mallory"),
        Identifier("anonymous_id:evil"),
        Identifier("email:ada@example.org"),
    )
    graph.observe_event(believed_only(attack))
    assert graph.identifiers_of(Identifier("email:ada@example.org")) == (
        "user_id:ada",
        "email:ada@example.org",
    )
    assert graph.identifiers_of(Identifier("user_id:mallory")) == (
        "user_id:mallory",
        "anonymous_id:evil",
    )


def test_what_is_believed_can_be_said() -> None:
    one = event(1, Identifier("user_id:ada"), Identifier("email:ada@example.org"))
    assert believed_only(one, ("user_id", "email")) is one
