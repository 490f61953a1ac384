import pytest

from customering.events.model import IDENTIFIERS_JOINED, IDENTIFIERS_SEPARATED, Event
from customering.identity.anchors import anchor_of, links_of
from customering.identity.model import IdentitySettings, Link
from customering.identity.rules import IdentityRules
from customering.kernel.errors import InvalidEvent, InvalidSettings
from customering.kernel.ids import Identifier

RULES = IdentityRules()


def event(*identifiers: str, name: str = "Page Viewed") -> Event:
    return Event(
        event_id="e1",
        kind="track",
        name=name,
        identifiers=tuple(map(Identifier, identifiers)),
        occurred_at=1_000,
        recorded_at=2_000,
        source="web",
    )


@pytest.mark.parametrize(
    ("identifiers", "anchor"),
    [
        (["device:d1", "anonymous_id:a1"], "anonymous_id:a1"),
        (["anonymous_id:a1", "zip:1"], "zip:1"),
        (["zip:1", "fax:9", "phone:+49301"], "phone:+49301"),
        (["zip:1", "fax:9"], "fax:9"),
        (["email:ada@example.org", "loyalty_card:7", "phone:+49301"], "loyalty_card:7"),
        (["loyalty_card:7", "user_id:ada"], "user_id:ada"),
        (["email:bo@example.org", "email:ada@example.org"], "email:ada@example.org"),
        (["user_id:null", "device:d1"], "device:d1"),
        (["user_id:Guest", "device:00000000-0000-0000-0000-000000000000"], None),
        ([], None),
    ],
)
def test_the_anchor_is_the_most_trusted_identifier_that_names_somebody(identifiers, anchor):
    names = [Identifier(name) for name in identifiers]
    assert anchor_of(names, RULES) == anchor
    assert anchor_of(reversed(names), RULES) == anchor


@pytest.mark.parametrize(
    "value",
    ["null", "NULL", "0000", "anonymous", "-1", "undefined", "none", "NaN", "guest",
     "[object Object]", "0", "", "---"],
)  # fmt: skip
def test_values_that_name_nobody_are_blocked_whatever_their_type(value):
    for kind in ("user_id", "email", "device"):
        assert RULES.is_blocked(Identifier(f"{kind}:{value}"))


@pytest.mark.parametrize("value", ["1", "nullius", "100", "0a", "guest@example.org", "a:null"])
def test_values_that_only_look_like_blocked_ones_are_not(value):
    assert not RULES.is_blocked(Identifier(f"user_id:{value}"))


def test_an_event_links_its_anchor_with_each_other_identifier():
    links = links_of(event("device:d1", "user_id:null", "email:x@example.org", "zip:1"), RULES)
    assert [(link.left, link.right) for link in links] == [
        ("email:x@example.org", "zip:1"),
        ("device:d1", "email:x@example.org"),
    ]
    assert {(link.evidence, link.occurred_at, link.source, link.kind) for link in links} == {
        ("e1", 1_000, "web", "observed")
    }


def test_an_event_with_one_name_gives_no_link():
    assert links_of(event("user_id:ada"), RULES) == ()
    assert links_of(event("user_id:ada", "device:null"), RULES) == ()


@pytest.mark.parametrize(
    ("name", "kind"), [(IDENTIFIERS_JOINED, "joined"), (IDENTIFIERS_SEPARATED, "separated")]
)
def test_the_events_of_an_operator_give_a_ruling(name, kind):
    (link,) = links_of(event("user_id:bo", "user_id:ada", name=name), RULES)
    assert (link.left, link.right, link.kind) == ("user_id:ada", "user_id:bo", kind)
    assert links_of(event("user_id:bo", "user_id:null", name=name), RULES) == ()


@pytest.mark.parametrize("identifiers", [["user_id:ada"], ["user_id:ada", "zip:1", "zip:2"]])
def test_a_ruling_on_other_than_two_identifiers_is_refused(identifiers):
    with pytest.raises(InvalidEvent, match="not 2") as caught:
        links_of(event(*identifiers, name=IDENTIFIERS_JOINED), RULES)
    assert caught.value.hint
    assert "ada" not in caught.value.message


def test_a_link_has_two_ends_in_order():
    for left, right in [("b:1", "a:1"), ("a:1", "a:1")]:
        with pytest.raises(ValueError, match="in order"):
            Link(left=Identifier(left), right=Identifier(right), evidence="e", occurred_at=0)


def test_a_bad_pattern_and_a_type_ranked_twice_are_refused_with_a_hint():
    with pytest.raises(InvalidSettings, match="regular expression") as caught:
        IdentityRules(IdentitySettings(blocked_patterns=("(",)))
    assert caught.value.hint
    with pytest.raises(InvalidSettings, match="twice") as caught:
        IdentityRules(IdentitySettings(last=("email",)))
    assert caught.value.hint


def test_writing_one_limit_keeps_the_standard_ones():
    rules = IdentityRules(IdentitySettings(limits={"email": 2}))
    assert [rules.limit(kind) for kind in ("user_id", "loyalty_card", "email", "zip")] == [
        1, 5, 2, 5,
    ]  # fmt: skip
