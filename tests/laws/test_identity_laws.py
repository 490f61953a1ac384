"""Identity is a function of the set of links, whatever order they come in and however often."""

from collections import Counter

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from customering.events.model import IDENTIFIERS_JOINED, IDENTIFIERS_SEPARATED, Event
from customering.identity.anchors import anchor_of, links_of
from customering.identity.closure import links_around
from customering.identity.graph import IdentityGraph
from customering.identity.model import IdentitySettings, Link, link_between, own_id
from customering.identity.preview import preview_join, preview_separate
from customering.identity.resolve import Resolution, resolve
from customering.identity.rules import IdentityRules
from customering.kernel.ids import Identifier, kind_of

NAMES = [
    Identifier(f"{kind}:{value}")
    for kind, count in [
        ("user_id", 6),
        ("email", 4),
        ("zip", 2),
        ("anonymous_id", 4),
        ("device", 3),
    ]
    for value in "abcdef"[:count]
]
BLOCKED = [Identifier("user_id:null"), Identifier("device:0000"), Identifier("email:Guest")]

names = st.sampled_from(NAMES)
# A few identifiers are everywhere, as a till or an info@ address is.
busy = st.sampled_from([*NAMES, *[Identifier("device:a"), Identifier("email:a")] * 5])
rules = st.builds(
    IdentitySettings,
    limits=st.fixed_dictionaries({}, optional={"email": st.integers(1, 3)}),
    other_limit=st.integers(1, 4),
    merges_max=st.integers(1, 8),
    shared_above=st.integers(1, 3),
)


@st.composite
def links(draw: st.DrawFn, kinds: tuple[str, ...] = ("observed", "joined", "separated")) -> Link:
    one, other = draw(st.tuples(names, busy).filter(lambda pair: pair[0] != pair[1]))
    return link_between(
        one,
        other,
        evidence=f"e{draw(st.integers(0, 4))}",
        occurred_at=draw(st.integers(0, 12)),
        source=draw(st.sampled_from(["web", "app"])),
        # Rulings are rare: most of the time the first kind.
        kind=draw(st.sampled_from((kinds[0],) * 12 + kinds[1:])),
    )


observed = links(kinds=("observed",))
some_links = st.lists(links(), max_size=10) | st.lists(links(), min_size=20, max_size=45)


@st.composite
def events(draw: st.DrawFn) -> list[Event]:
    made = []
    for number in range(draw(st.integers(0, 25))):
        name = draw(
            st.sampled_from(["Page Viewed"] * 10 + [IDENTIFIERS_JOINED, IDENTIFIERS_SEPARATED])
        )
        size = {"min_size": 1, "max_size": 4} if name == "Page Viewed" else {
            "min_size": 2, "max_size": 2,
        }  # fmt: skip
        identifiers = draw(st.lists(st.sampled_from(NAMES + BLOCKED), unique=True, **size))
        made.append(
            Event(
                event_id=f"e{number}",
                kind="track",
                name=name,
                identifiers=tuple(identifiers),
                occurred_at=draw(st.integers(0, 12)),
                recorded_at=0,
            )
        )
    return made


def what(graph: IdentityGraph) -> dict[str, object]:
    """Everything a graph says, in the form of a resolution."""
    order = graph.rules.order
    people = tuple(sorted(graph.people()))
    return {
        "groups": people,
        "accepted": {link for group in people for link in graph.tree_of(group[0])},
        "refused": sorted(graph.refused(), key=lambda no: order(no.link)),
        "shared": {name for name in NAMES if graph.is_shared(name)},
    }


def as_said(found: Resolution) -> dict[str, object]:
    return {
        "groups": found.groups,
        "accepted": set(found.accepted),
        "refused": list(found.refused),
        "shared": set(found.shared),
    }


def partition(found: Resolution) -> set[frozenset[Identifier]]:
    return {frozenset(group) for group in found.groups}


def together(found: Resolution, one: Identifier, other: Identifier) -> bool:
    return any(one in group and other in group for group in found.groups)


@settings(max_examples=50, deadline=None)
@given(rules, some_links, st.randoms(use_true_random=False))
def test_the_order_of_links_and_their_repetition_are_irrelevant(how, taken, chance):
    expected = resolve(taken, how)
    again = taken + taken[: len(taken) // 2]
    chance.shuffle(again)
    assert resolve(again, how) == expected
    graph = IdentityGraph(settings=how)
    for link in again:
        graph.add(link)
    assert what(graph) == as_said(expected)
    assert resolve(graph.links(), how) == expected


@settings(max_examples=50, deadline=None)
@given(rules, events(), st.randoms(use_true_random=False), st.integers(0, 25))
def test_events_in_any_order_and_any_batches_give_the_same_people(how, log, chance, cut):
    compiled = IdentityRules(how)
    expected = resolve([link for event in log for link in links_of(event, compiled)], how)
    shuffled = log + log[:5]
    chance.shuffle(shuffled)
    graph = IdentityGraph(settings=how)
    kept: list[Link] = []
    for number, event in enumerate(shuffled):
        if number == cut:
            # Another process goes on from what was kept.
            kept += graph.take_pending()
            graph = IdentityGraph(kept, how)
        assert graph.observe_event(event) == anchor_of(event.identifiers, compiled)
    assert what(graph) == as_said(expected)
    kept += graph.take_pending()
    assert resolve(kept, how) == expected


@settings(max_examples=50, deadline=None)
@given(rules, some_links, st.integers(0, 12))
def test_what_is_kept_is_enough_for_identity_as_it_was(how, taken, instant):
    graph = IdentityGraph(taken, how)
    past = [link for link in taken if link.occurred_at <= instant]
    assert resolve(graph.links(), how, as_of=instant) == resolve(past, how)


@settings(max_examples=50, deadline=None)
@given(rules, some_links)
def test_limits_are_never_exceeded_but_by_operators(how, taken):
    found = resolve(taken, how)
    compiled = IdentityRules(how)
    joined = resolve([link for link in taken if link.kind != "observed"], how)
    for group in found.groups:
        by_operator = [core for core in joined.groups if set(core) <= set(group)]
        for kind, count in Counter(map(kind_of, group)).items():
            excess = max((Counter(map(kind_of, core))[kind] for core in by_operator), default=0)
            assert count <= max(compiled.limit(kind), excess)
        largest = max(map(len, by_operator), default=0)
        assert len(group) - 1 <= max(how.merges_max, largest - 1)


@settings(max_examples=50, deadline=None)
@given(rules, some_links)
def test_two_known_people_are_one_only_by_an_operators_word(how, taken):
    found = resolve(taken, how)
    joined = resolve([link for link in taken if link.kind != "observed"], how)
    known = [name for name in NAMES if kind_of(name) == "user_id"]
    for one in known:
        for other in known:
            if one < other and together(found, one, other):
                assert together(joined, one, other)


@settings(max_examples=50, deadline=None)
@given(rules, some_links)
def test_what_an_operator_keeps_apart_is_apart(how, taken):
    found = resolve(taken, how)
    last: dict[tuple[Identifier, Identifier], Link] = {}
    for link in taken:
        pair = (link.left, link.right)
        known = last.get(pair)
        order = (link.occurred_at, link.evidence, link.kind == "separated", link.source)
        if link.kind != "observed" and (
            known is None
            or order > (known.occurred_at, known.evidence, known.kind == "separated", known.source)
        ):
            last[pair] = link
    for (left, right), link in last.items():
        assert link.kind == "joined" or not together(found, left, right)


@settings(max_examples=50, deadline=None)
@given(rules, some_links, names, names)
def test_joining_and_then_separating_leaves_no_trace_of_the_join(how, taken, one, other):
    assume(one != other)
    join = link_between(one, other, evidence="j", occurred_at=90, kind="joined")
    part = link_between(one, other, evidence="s", occurred_at=91, kind="separated")
    both = resolve([*taken, join, part], how)
    assert both == resolve([*taken, part], how)
    never = resolve(taken, how)
    pair = (min(one, other), max(one, other))
    if not together(never, one, other) and pair not in {(x.left, x.right) for x in taken}:
        assert partition(both) == partition(never)


@settings(max_examples=50, deadline=None)
@given(rules, st.lists(observed, max_size=25), observed)
def test_separating_the_only_connection_is_as_if_the_link_were_not_there(how, taken, link):
    pair = (link.left, link.right)
    rest = [other for other in taken if (other.left, other.right) != pair]
    reached, edge = set(), {link.left}
    while edge:
        reached |= edge
        ends = [{other.left, other.right} for other in rest]
        edge = set().union(*(end for end in ends if end & edge)) - reached
    assume(link.right not in reached)
    part = link_between(*pair, evidence="s", occurred_at=99, kind="separated")
    assert partition(resolve([*rest, link, part], how)) == partition(resolve(rest, how))


@settings(max_examples=50, deadline=None)
@given(rules, st.lists(observed, max_size=25), st.sampled_from(BLOCKED), names)
def test_values_that_name_nobody_never_link(how, taken, blocked, name):
    more = [
        link_between(name, blocked, evidence="b", occurred_at=0),
        link_between(name, blocked, evidence="b", occurred_at=1, kind="joined"),
    ]
    assert resolve([*more, *taken], how) == resolve(taken, how)
    graph = IdentityGraph([*more, *taken], how)
    assert graph.identifiers_of(blocked) == (blocked,)


@settings(max_examples=50, deadline=None)
@given(rules, some_links, names, names, st.booleans())
def test_a_preview_is_what_then_happens_and_changes_nothing(how, taken, one, other, is_join):
    assume(one != other)
    graph = IdentityGraph(taken, how)
    before = what(graph)
    preview = (preview_join if is_join else preview_separate)(graph, one, other)
    assert what(graph) == before
    kind = "joined" if is_join else "separated"
    changed = graph.add(link_between(one, other, evidence="r", occurred_at=99, kind=kind))
    assert {name for group in preview.after for name in group} >= changed
    assert {graph.identifiers_of(group[0]) for group in preview.after} == set(preview.after)
    assert preview.is_one_person == (other in graph.identifiers_of(one))


@settings(max_examples=50, deadline=None)
@given(rules, some_links, names, st.integers(0, 12))
def test_the_links_around_an_identifier_say_what_all_links_say_of_it(how, taken, name, instant):
    def touching(wanted: object) -> list[Link]:
        return [link for link in taken if {link.left, link.right} & set(wanted)]

    compiled = IdentityRules(how)
    near = links_around(name, touching, compiled, as_of=instant)
    past = [link for link in taken if link.occurred_at <= instant]
    everything = IdentityGraph(past, how)
    some = IdentityGraph(near, how)
    assert some.identifiers_of(name) == everything.identifiers_of(name)
    assert some.tree_of(name) == everything.tree_of(name)
    assert {no.link for no in some.refusals_of(name)} == {
        no.link for no in everything.refusals_of(name)
    }


class Life(RuleBasedStateMachine):
    """A graph through all that can happen to it, beside the plain set of links."""

    @initialize(how=rules)
    def begin(self, how: IdentitySettings) -> None:
        self.how = how
        self.graph = IdentityGraph(settings=how)
        self.taken: list[Link] = []
        self.kept: list[Link] = []
        self.ids: set[Identifier] = set()

    def people(self) -> dict[Identifier, frozenset[Identifier]]:
        return {name: frozenset(self.graph.identifiers_of(name)) for name in NAMES}

    @rule(link=links())
    def add(self, link: Link) -> None:
        before = self.people()
        changed = self.graph.add(link)
        self.taken.append(link)
        after = self.people()
        assert changed == {name for name in NAMES if before[name] != after[name]}

    @rule(
        seen=st.lists(st.sampled_from(NAMES + BLOCKED), min_size=1, max_size=4, unique=True),
        number=st.integers(0, 4),
        at=st.integers(0, 12),
    )
    def observe(self, seen: list[Identifier], number: int, at: int) -> None:
        event = Event(
            event_id=f"e{number}", kind="page", identifiers=tuple(seen), occurred_at=at,
            recorded_at=0,
        )  # fmt: skip
        anchor = self.graph.observe(event.identifiers, event.event_id, at)
        assert anchor == anchor_of(seen, self.graph.rules)
        self.taken += links_of(event, self.graph.rules)

    @precondition(lambda self: self.taken)
    @rule(which=st.integers(0, 10_000), at=st.integers(0, 12))
    def show_again(self, which: int, at: int) -> None:
        """Lower (or not) the evidence of a pair that is known."""
        known = self.taken[which % len(self.taken)]
        self.add(link_between(known.left, known.right, evidence="e2", occurred_at=at))

    @rule(name=names)
    def remember_an_id(self, name: Identifier) -> None:
        person = self.graph.person_of(name)
        held = self.graph.lookup(person)
        self.graph.register([name])
        assert held is None or own_id(held) == person
        self.ids.add(name)

    @rule(gone=st.lists(names, min_size=1, max_size=2, unique=True))
    def forget(self, gone: list[Identifier]) -> None:
        before = self.people()
        self.kept += self.graph.take_pending()
        changed = self.graph.forget(gone)
        for held in (self.taken, self.kept):
            held[:] = [link for link in held if not {link.left, link.right} & set(gone)]
        after = self.people()
        expected = {name for name in NAMES if before[name] != after[name]} - set(gone)
        assert changed == expected
        self.ids -= set(gone)

    @rule()
    def start_again(self) -> None:
        self.kept += self.graph.take_pending()
        self.graph = IdentityGraph(self.kept, self.how)
        self.ids.clear()

    @invariant()
    def it_says_what_the_set_of_links_says(self) -> None:
        assert what(self.graph) == as_said(resolve(self.taken, self.how))

    @invariant()
    def every_past_id_still_leads_to_its_identifier(self) -> None:
        assert all(self.graph.lookup(own_id(name)) == name for name in self.ids)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=30, stateful_step_count=35, deadline=None)


def test_the_links_drawn_here_reach_every_rule():
    """The laws above would say little if their links never met a rule."""
    met: Counter[str] = Counter()

    @settings(max_examples=80, deadline=None, database=None, derandomize=True)
    @given(rules, some_links)
    def look(how: IdentitySettings, taken: list[Link]) -> None:
        found = resolve(taken, how)
        met.update({no.rule for no in found.refused})
        met["merged"] += any(len(group) > 3 for group in found.groups)

    look()
    for what_happened in ("separated", "shared", "limit", "merges", "merged"):
        assert met[what_happened] >= 5, met


@pytest.mark.parametrize("name", NAMES)
def test_every_name_used_here_names_somebody(name):
    assert not IdentityRules().is_blocked(name)
