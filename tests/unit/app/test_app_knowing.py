"""What people somebody knows like: only where both allow it, of several at least, and never who."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from msgspec import convert

from circle import ALLOWED, FRIENDS, NOW, QUIET, bought, circle, event, friends, stocked
from customering.app.deciding_all import decide_for_all
from customering.app.engine import Engine
from customering.app.folding import trait_mask
from customering.app.glance import Glance
from customering.app.knowing import Knowing
from customering.consent.gate import CompiledPolicy
from customering.consent.model import ConsentRecord, ConsentSettings
from customering.consent.purposes import shipped_purposes
from customering.decision.model import Considered, Decision, DecisionRequest
from customering.events.model import CONSENT_UPDATED, Event
from customering.identity.model import own_id
from customering.kernel.clock import MS_PER_DAY, format_instant, parse_instant
from customering.kernel.ids import Identifier
from customering.profile.definitions import shipped_traits
from customering.profile.fold import fold_events
from customering.profile.lazy import Reader
from customering.profile.traits import CONSENT, TraitSet
from customering.taste.list_settings import ListSettings
from town import PERMITTED, OpenShop, assert_rebuild_changes_nothing

REQUEST = DecisionRequest(placement="home", purpose="personalize.web", slots=9)


@pytest.fixture
def shop(open_shop: OpenShop) -> Iterator[Engine]:
    """A shop of eight products in which nothing is drawn by chance, and a lamp nobody bought."""
    with stocked(open_shop(permitted=ALLOWED, overrides=QUIET)) as engine:
        yield engine


def decided(engine: Engine, who: str = "ada") -> Decision:
    return engine.decide(Identifier(f"user_id:{who}"), REQUEST)


def lamp_of(decision: Decision) -> Considered | None:
    return next((one for one in decision.candidates if one.action_id == "item:lamp"), None)


def test_what_several_people_one_knows_bought_comes_with_its_reason(shop: Engine) -> None:
    shop.ingest(circle("ben", "cleo", "dora"))
    found = lamp_of(decided(shop))
    assert found is not None
    assert found.found_by == "friends"
    assert "At least 3 people you know bought or liked it lately." in found.words


@pytest.mark.parametrize(
    ("buyers", "days_ago", "why"),
    [
        (["ben", "cleo"], 5, "two are too few"),
        (FRIENDS, 5, "of all, each would be told"),
        (["ben", "cleo", "dora"], 0, "today is too soon"),
        (["ben", "cleo", "dora"], 100, "it is long ago"),
    ],
)
def test_what_would_tell_who_is_not_told(
    shop: Engine, buyers: list[str], days_ago: float, why: str
) -> None:
    shop.ingest(circle(*buyers, days_ago=days_ago))
    assert lamp_of(decided(shop)) is None, why


def test_one_side_alone_is_no_friendship(shop: Engine) -> None:
    shop.ingest(
        [
            *(event("ada", "Friend Added", 9, friend=f"user_id:{one}") for one in FRIENDS),
            *(bought(one, "lamp", 5) for one in FRIENDS[:3]),
        ]
    )
    assert lamp_of(decided(shop)) is None


def test_the_no_of_one_side_ends_it_at_once_and_a_new_yes_begins_it(shop: Engine) -> None:
    shop.ingest(circle("ben", "cleo", "dora"))
    shop.ingest([event("ben", "Friend Removed", 1, friend="user_id:ada")])
    assert lamp_of(decided(shop)) is None
    shop.ingest([event("ben", "Friend Added", 0.5, friend_user_id="ada")])
    assert lamp_of(decided(shop)) is not None


@pytest.mark.parametrize(
    ("who", "purpose"),
    [("ada", "personalize.friends"), ("ben", "share.friends"), ("ada", "personalize.web")],
)
def test_a_withdrawal_of_either_side_holds_at_once(shop: Engine, who: str, purpose: str) -> None:
    shop.ingest(circle("ben", "cleo", "dora"))
    before = lamp_of(decided(shop))
    assert before is not None
    shop.note(CONSENT_UPDATED, [Identifier(f"user_id:{who}")], {"purposes": {purpose: "deny"}})
    after = lamp_of(decided(shop))
    assert after is None or after.lost == "personal_only"


def test_what_was_shown_to_one_comes_to_them_alone(shop: Engine) -> None:
    shop.ingest(
        [
            *friends(("ada", "ben"), ("cleo", "ben")),
            {
                "type": "identify", "userId": "ada", "messageId": "i",
                "timestamp": format_instant(NOW - 60 * MS_PER_DAY),
                "traits": {"email": "ada@example.org"},
            },
            event("ben", "Product Shared", 1, product_id="lamp", recipient="Ada@Example.org"),
        ]
    )  # fmt: skip
    found = lamp_of(decided(shop))
    assert found is not None
    assert "Somebody you know showed it to you." in found.words
    assert lamp_of(decided(shop, "cleo")) is None


def test_an_invitation_is_a_friendship_when_it_is_taken(shop: Engine) -> None:
    sent = event("ben", "Referral Sent", 9, recipient="ada@example.org")
    taken = event("ada", "Referral Accepted", 8, friend_user_id="ben")
    known = {
        "type": "identify", "userId": "ada", "messageId": "i",
        "timestamp": format_instant(NOW - 60 * MS_PER_DAY),
        "traits": {"email": "ada@example.org"},
    }  # fmt: skip
    lamp = [{"product_id": "lamp"}]
    shown = event("ben", "Cart Shared", 1, products=lamp, recipient="user_id:ada")
    shop.ingest([known, sent, shown])
    assert lamp_of(decided(shop)) is None
    shop.ingest([taken])
    assert lamp_of(decided(shop)) is not None


def test_who_is_erased_counts_no_more(shop: Engine) -> None:
    shop.ingest(circle("ben", "cleo", "dora"))
    assert lamp_of(decided(shop)) is not None
    shop.begin_erasure(Identifier("user_id:ben"), "new")
    shop.finish_erasures()
    assert lamp_of(decided(shop)) is None
    for anchor, state in shop.state.scan():
        assert b"user_id:ben" not in state, anchor


def test_a_hidden_category_is_never_told(open_shop: OpenShop) -> None:
    overrides = (*QUIET, 'lists.friends_hidden_categories=["lamp"]')
    with stocked(open_shop(permitted=ALLOWED, overrides=overrides)) as engine:
        engine.ingest(circle("ben", "cleo", "dora"))
        assert lamp_of(decided(engine)) is None


def test_a_shop_may_do_without_the_purpose(open_shop: OpenShop) -> None:
    engine = open_shop(permitted=(*PERMITTED, "personalize.friends"), overrides=QUIET)
    (engine.home.folder / "purposes.toml").write_text('without = ["share.friends"]\n')
    with stocked(engine):
        engine.ingest(circle("ben", "cleo", "dora"))
        assert lamp_of(decided(engine)) is None
        assert "bought_for_friends" not in engine.traits.traits


def test_all_at_once_gets_what_one_gets(shop: Engine, tmp_path: Path) -> None:
    shop.ingest(circle("ben", "cleo", "dora"))
    one, out = decided(shop), tmp_path / "all.parquet"
    decide_for_all(shop, REQUEST, out, processes=1)
    rows = [row for row in pq.read_table(out).to_pylist() if row["identifier"] == "user_id:ada"]
    assert {row["action_id"]: row["words"] for row in rows} == {
        pick.action_id: pick.words for pick in one.picks
    }


def test_a_rebuild_changes_nothing_of_it(shop: Engine) -> None:
    shop.ingest(circle("ben", "cleo", "dora"))
    before = decided(shop)
    assert_rebuild_changes_nothing(shop)
    assert decided(shop).candidates == before.candidates


@settings(max_examples=12, deadline=None)
@given(
    sides=st.sets(st.sampled_from([(one, way) for one in FRIENDS for way in ("to", "from")])),
    silent=st.sets(st.sampled_from(FRIENDS)),
    buyers=st.sets(st.sampled_from(FRIENDS)),
    allows=st.booleans(),
)
def test_nothing_is_told_but_by_permission_of_all(
    sides: set[tuple[str, str]],
    silent: set[str],
    buyers: set[str],
    allows: bool,
) -> None:
    """The law: a tip is there exactly where enough, and not all, of those who may be seen agree."""
    glances = {who: seen(who, sides, silent, buyers, allows=allows) for who in ("ada", *FRIENDS)}

    def look_up(name: Identifier, now_ms: int) -> Glance:
        return glances[name.removeprefix("user_id:")]

    knowing = Knowing(look_up, POLICY, ListSettings())
    found = knowing.tips(glances["ada"], NOW, lambda product: "")
    shown = [one for one in FRIENDS if {(one, "to"), (one, "from")} <= sides and one not in silent]
    telling = [one for one in shown if one in buyers]
    expected = allows and 3 <= len(telling) < len(shown)
    assert [one.product_id for one in found] == (["lamp"] if expected else [])
    for one in found:
        assert not any(name in one.words.lower() for name in FRIENDS)


TRAITS = TraitSet(shipped_traits())
POLICY = CompiledPolicy(shipped_purposes(), ConsentSettings())


def seen(
    who: str, sides: set[tuple[str, str]], silent: set[str], buyers: set[str], *, allows: bool
) -> Glance:
    """Somebody of a circle, as they are looked at."""
    if who == "ada":
        answers = {"personalize.friends": "allow" if allows else "deny"}
        named = [one for one, way in sorted(sides) if way == "to"]
    else:
        named = ["ada"] if (who, "from") in sides else []
        answers = {"share.friends": "deny" if who in silent else "allow"}
    events = [event(who, "Friend Added", 50, friend=f"user_id:{one}") for one in named]
    if who in buyers:
        events.append(bought(who, "lamp", 5))
    name = Identifier(f"user_id:{who}")
    state = fold_events(TRAITS, [folded(one, name) for one in events])
    record = {purpose: [NOW - MS_PER_DAY, answer] for purpose, answer in answers.items()}
    state[CONSENT] = convert(record, ConsentRecord)
    mask = trait_mask(TRAITS, POLICY, state[CONSENT])
    values = Reader(TRAITS).values([state], NOW, mask)
    return Glance(
        own_id(name), (name,), NOW, state[CONSENT], values, values, lambda known, wish: None
    )


def folded(told: dict[str, Any], name: Identifier) -> Event:
    at = parse_instant(told["timestamp"])
    return Event(
        event_id=told["messageId"],
        kind="track",
        name=told["event"],
        identifiers=(name,),
        occurred_at=at,
        recorded_at=at,
        properties=told["properties"],
    )
