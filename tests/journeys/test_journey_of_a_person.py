"""One person from first visit to refusal, through the whole engine, told step by step."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from customering.app.deciding import request_for
from customering.app.engine import Engine
from customering.events.model import (
    CONSENT_UPDATED,
    DECISION_MADE,
    FACT_CORRECTED,
    IDENTIFIERS_JOINED,
    IDENTIFIERS_SEPARATED,
)
from customering.kernel.clock import MS_PER_DAY
from customering.kernel.errors import Conflict, Invalid, NoSuchPerson
from customering.kernel.ids import Identifier
from customering.stores.sqlite_log import SqliteLog
from town import (
    NOON,
    PERMITTED,
    OpenShop,
    assert_rebuild_changes_nothing,
    order,
    states_of,
    view,
)

ADA = {"userId": "ada"}
ADAS_PHONE = {"anonymousId": "phone-1"}
ADA_ON_PHONE = {"userId": "ada", "anonymousId": "phone-1"}
BO = {"userId": "bo"}

ada = Identifier("user_id:ada")
phone = Identifier("anonymous_id:phone-1")
bo = Identifier("user_id:bo")


def read(engine: Engine, name: Identifier) -> Any:
    return engine.people.read(name, now_ms=engine.present)


def test_anonymous_becomes_known_and_keeps_the_past(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.ingest([view(ADAS_PHONE, 1, "tea"), order(ADAS_PHONE, 2, "tea")])
    stranger = read(shop, phone)
    assert stranger.identifiers == (phone,)
    assert stranger.values["orders_total"] == 1
    shop.ingest([view(ADA_ON_PHONE, 3, "tea"), order(ADA, 30, "tea", "jam")])
    known = read(shop, phone)
    assert known.identifiers == (ada, phone)
    assert known.person_id == read(shop, ada).person_id != stranger.person_id
    assert known.values["orders_total"] == 2
    assert known.values["spend_total_minor"] == 3_000
    # The id of before still finds the person.
    assert shop.people.identifier(stranger.person_id) in known.identifiers
    assert_rebuild_changes_nothing(shop)


def test_a_refusal_takes_effect_at_once_and_a_permission_brings_all_back(
    open_shop: OpenShop,
) -> None:
    shop = open_shop()
    shop.ingest([order(ADA, 1, "tea"), view(ADA_ON_PHONE, 2, "tea"), order(ADAS_PHONE, 3, "jam")])
    whole = states_of(shop)
    assert read(shop, ada).values["orders_total"] == 2
    shop.note(CONSENT_UPDATED, [ada], {"purposes": {"profile.value_scoring": "deny"}})
    refused = read(shop, phone)  # asked by the other identifier of the same person
    assert "profile.value_scoring" in refused.refused
    assert "orders_total" not in refused.values
    assert refused.estimate is None
    assert refused.values["habits"] == {"tea": [20514], "jam": [20516]}
    slot = shop.traits.traits["orders_total"].slot
    assert all(state[slot] is None for state in states_of(shop).values())
    shop.ingest([order(ADA, 4, "tea")])
    assert_rebuild_changes_nothing(shop)
    shop.note(CONSENT_UPDATED, [phone], {"purposes": {"profile.value_scoring": "allow"}})
    back = read(shop, ada)
    assert back.refused == ("share.friends",)  # nobody ever permitted it
    assert back.values["orders_total"] == 3
    assert states_of(shop)[phone][slot] == whole[phone][slot]
    assert_rebuild_changes_nothing(shop)


def test_without_a_stated_default_nothing_is_computed(open_shop: OpenShop) -> None:
    shop = open_shop(permitted=())
    shop.ingest([order(ADA, 1, "tea")])
    person = read(shop, ada)
    assert set(person.values) <= {"declared", "recent_contacts"}
    assert "profile.value_scoring" in person.refused
    assert_rebuild_changes_nothing(shop)
    shop.note(CONSENT_UPDATED, [ada], {"purposes": {"profile.value_scoring": "allow"}})
    assert read(shop, ada).values["orders_total"] == 1
    assert_rebuild_changes_nothing(shop)


def test_merge_and_split_are_exact(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.ingest([order(ADA, 1, "tea"), order(BO, 2, "jam"), view(ADA_ON_PHONE, 3, "tea")])
    now = shop.present
    before = [shop.people.read(name, now_ms=now) for name in (ada, bo)]
    untouched = states_of(shop)
    shop.note(IDENTIFIERS_JOINED, (ada, bo), {})
    joined = read(shop, bo)
    assert set(joined.identifiers) == {ada, bo, phone}
    assert joined.values["orders_total"] == 2
    shop.note(IDENTIFIERS_SEPARATED, (ada, bo), {})
    after = [shop.people.read(name, now_ms=now) for name in (ada, bo)]
    for was, found in zip(before, after, strict=True):
        assert found.identifiers == was.identifiers
        assert found.values == was.values
    slots = {trait.slot for trait in shop.traits.traits.values()}
    seen = {shop.traits.traits[name].slot for name in ("first_seen_at", "last_seen_at")}
    for anchor, state in untouched.items():
        assert [state[i] for i in slots - seen] == [
            states_of(shop)[anchor][i] for i in slots - seen
        ]
    assert_rebuild_changes_nothing(shop)


def test_as_of_knows_only_what_had_happened(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.ingest([order(ADAS_PHONE, 1, "tea"), view(ADA_ON_PHONE, 5, "tea"), order(ADA, 10, "jam")])
    as_of = NOON + 3 * MS_PER_DAY
    earlier = shop.people.read(phone, now_ms=shop.present, as_of=as_of)
    assert earlier.identifiers == (phone,)
    assert earlier.values["orders_total"] == 1
    with pytest.raises(NoSuchPerson, match="at that time"):
        shop.people.read(ada, now_ms=shop.present, as_of=as_of)


def test_declared_outranks_observed_and_a_status_is_kept(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.ingest([order(ADA, 1, "tea"), {"type": "identify", "traits": {"size": "M"}, **ADA}])
    shop.note(FACT_CORRECTED, [ada], {"facts": {"size": "L", "orders_total": 9}})
    facts = shop.people.facts(read(shop, ada))
    assert (facts["size"].value, facts["size"].provenance) == ("L", "declared")
    assert (facts["orders_total"].value, facts["orders_total"].provenance) == (9, "declared")
    assert facts["spend_total_minor"].provenance == "observed"
    wish = {"status": "not_that_into_you", "since_ms": shop.present}
    shop.note(FACT_CORRECTED, [ada], {"facts": {"relationship_status": wish}})
    assert read(shop, ada).status.name == "not_that_into_you"
    decision = shop.decide(ada, request_for("mail", "email", 1))
    assert decision.chosen == ("leave_alone",)
    shop.note(FACT_CORRECTED, [bo], {"facts": {"relationship_status": "nonsense"}})
    assert read(shop, bo).status.set_by == "facts"


def some_shopping(people: int) -> list[dict[str, Any]]:
    """Everybody has two favourites, comes back in a rhythm of their own, and tries things."""
    chance = random.Random(7)
    shelf = [f"{kind}-{number}" for kind in ("tea", "jam", "oil", "soap") for number in range(8)]
    payloads = []
    for number in range(people):
        favourites = chance.sample(shelf, 2)
        for day in range(number % 7, 90, 7 + number % 5):
            tried = [chance.choice(shelf)] if chance.random() < 0.5 else []
            bought = [one for one in favourites if chance.random() < 0.7] + tried
            payloads.append(order({"userId": f"p{number}"}, day, *(bought or favourites)))
    return payloads


def test_learn_and_decide_with_reasons_kept_in_the_log(open_shop: OpenShop) -> None:
    shop = open_shop(present="2026-05-30")
    shop.ingest(some_shopping(60))
    learned = shop.learn()
    assert learned.value_skipped == learned.taste_skipped == ""
    one = next(
        Identifier(f"user_id:p{number}")
        for number in range(60)
        if not shop.deciding.is_control(read(shop, Identifier(f"user_id:p{number}")))
    )
    decision = shop.decide(one, request_for("home", "", 2))
    assert decision.chosen[0].startswith("item:")
    assert "You bought it" in " ".join(decision.reasons)
    assert sum(c.probability for c in decision.candidates) == pytest.approx(1)
    for candidate in decision.candidates:
        assert (candidate.rank is None) == (candidate.lost is not None)
    kept = shop.log.tail(1)[0]
    assert kept.name == DECISION_MADE
    assert kept.event_id == decision.decision_id
    end = shop.log.end
    assert shop.decide(one, request_for("home", "", 2)).chosen == decision.chosen
    assert shop.log.end == end + 1
    assert_rebuild_changes_nothing(shop)


def test_a_refusal_to_personalise_gets_what_everybody_gets(open_shop: OpenShop) -> None:
    shop = open_shop(present="2026-05-30")
    shop.ingest(some_shopping(60))
    shop.learn()
    shop.note(CONSENT_UPDATED, [Identifier("user_id:p1")], {"purposes": {"personalize": "deny"}})
    shop.note(CONSENT_UPDATED, [Identifier("user_id:p2")], {"purposes": {"personalize": "deny"}})
    one, two = (
        shop.decide(Identifier(f"user_id:p{number}"), request_for("home", "", 3))
        for number in (1, 2)
    )
    assert one.choice == two.choice == "common"
    assert one.chosen == two.chosen


def test_contacts_are_capped(open_shop: OpenShop) -> None:
    shop = open_shop(permitted=(*PERMITTED, "marketing.email"), present="2026-05-30T10:00")
    (shop.home.folder / "actions.toml").write_text(
        "".join(
            f'[[action]]\naction_id = "m{n}"\nkind = "send_message"\ntitle = "Hello {n}"\n'
            'purpose = "marketing.email"\nchannel = "email"\n'
            "value_minor = 5000\nbase_propensity = 0.5\ncooldown_days = 30\n"
            for n in range(5)
        )
    )
    shop.ingest([order(ADA, day, "tea") for day in (60, 70, 80, 88)])
    shop.__exit__(None, None, None)
    chosen = []
    for hour in range(4):
        day = open_shop(
            overrides=(
                f"clock.present=2026-05-30T1{hour}:00",
                "decision.control_share=0",
                "decision.exploration_share=0",
            )
        )
        chosen.append(day.decide(ada, request_for("mail", "email", 1)).chosen[0])
        day.__exit__(None, None, None)
    assert [action == "leave_alone" for action in chosen] == [False, False, True, True]
    assert chosen[0] != chosen[1]


def test_audiences_in_batch_are_those_of_each_person(open_shop: OpenShop) -> None:
    shop = open_shop(present="2026-05-30")
    shop.ingest([*some_shopping(30), order(ADA_ON_PHONE, 60, "tea")])
    shop.note(
        CONSENT_UPDATED, [Identifier("user_id:p3")], {"purposes": {"profile.value_scoring": "deny"}}
    )
    (shop.home.folder / "audiences.toml").write_text(
        '[[audience]]\nname = "often"\nwhere = "orders_90d >= 9"\n'
        '[[audience]]\nname = "jam"\nwhere = \'contains(top_categories, "j")\'\n'
        '[[audience]]\nname = "quiet"\nwhere = "missing(orders_total) or orders_30d == 0"\n'
    )
    found = shop.members()
    for person in shop.everybody():
        live = set(shop.people.audiences(person, shop.audiences))
        batch = {name for name, people in found.items() if person.identifiers[0] in people}
        assert batch == live, person.identifiers
    assert all(found.values())


def test_a_new_trait_is_filled_in_from_the_past(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.ingest([order(ADA, 1, "tea"), order(ADA, 2, "tea", "jam")])
    shop.__exit__(None, None, None)
    (shop.home.folder / "traits.toml").write_text(
        '[[trait]]\nname = "tea_total"\nevents = ["Order Completed"]\neach = "products"\n'
        'where = "product_id == \'tea\'"\naggregate = "count"\nunit = "pieces"\n'
        'purpose = "profile.value_scoring"\nwords = "how much tea you bought"\n'
    )
    again = open_shop()
    again.catch_up()
    assert read(again, ada).values["tea_total"] == 2


def test_one_writer_at_a_time(open_shop: OpenShop) -> None:
    shop = open_shop()
    shop.ingest([order(ADA, 1, "tea")])
    with pytest.raises(Conflict):
        SqliteLog(shop.home.log_path, shop.settings.events)


def test_a_name_that_is_none_says_how_to_write_it(open_shop: OpenShop) -> None:
    shop = open_shop()
    with pytest.raises(Invalid) as caught:
        shop.people.identifier("ada")
    assert "type:value" in caught.value.hint


def test_replay_from_quarantine(open_shop: OpenShop) -> None:
    shop = open_shop()
    bad = order(ADA, 1, "tea")
    bad["properties"]["revenue_minor"] = "much"
    taken = shop.ingest([bad, order(ADA, 2, "jam")])
    assert len(taken.quarantined) == 1
    assert read(shop, ada).values["orders_total"] == 1
    item = shop.quarantine.newest()[0].quarantined
    assert item.path == "properties.revenue_minor"
    shop.replay(
        item.quarantine_id, {**bad, "properties": {**bad["properties"], "revenue_minor": 5}}
    )
    assert read(shop, ada).values["orders_total"] == 2
    assert shop.quarantine.count() == 0


def test_export_asks_the_gate(open_shop: OpenShop, tmp_path: Path) -> None:
    from customering.app.exporting import export_ndjson, export_parquet

    shop = open_shop()
    shop.ingest([order(ADA, 1, "tea"), order(BO, 1, "tea"), view(ADA_ON_PHONE, 2, "tea")])
    shop.note(CONSENT_UPDATED, [ada], {"purposes": {"analytics.product": "deny"}})
    exports: list[Callable[..., Any]] = [export_ndjson, export_parquet]
    for number, export in enumerate(exports):
        done = export(shop, tmp_path / f"out{number}", "analytics.product", lambda done: None)
        assert (done.written, done.withheld) == (1, 3)
        whole = export(shop, tmp_path / f"out{number}", "essential.service", lambda done: None)
        assert (whole.written, whole.withheld) == (4, 0)
