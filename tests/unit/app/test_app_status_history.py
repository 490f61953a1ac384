"""Statuses at month ends are those of what was known then; refusals are respected."""

import pytest

from customering.app.glance import VALUE_PURPOSE
from customering.app.status_history import StatusEvaluation, evaluate_status
from customering.kernel.clock import MS_PER_DAY
from customering.kernel.errors import Invalid
from customering.kernel.ids import Identifier
from town import NOON, OpenShop, order, view


def evaluated(engine) -> StatusEvaluation:
    permission = engine.permission(VALUE_PURPOSE)
    engine.copy_to_history()
    return evaluate_status(
        history=engine.history,
        traits=engine.traits,
        person_of=engine.person_of,
        permission=permission,
        settings=engine.settings.relationship,
    )


def ada(day: int) -> dict:
    return order({"userId": "ada"}, day, "tea")


def bo(day: int) -> dict:
    return order({"userId": "bo"}, day, "jam")


def said(shop, name: str, user: str, day: int, **properties) -> None:
    """Note what a person told us some days after the first of March."""
    occurred_at = NOON + day * MS_PER_DAY
    event = shop.own_event(
        name, [Identifier(f"user_id:{user}")], properties, event_id=name, occurred_at=occurred_at
    )
    shop.append([event])


def test_each_month_end_knows_only_what_had_happened(open_shop: OpenShop):
    with open_shop(present="2026-12-01") as shop:
        # Ada comes every week until the end; Bo comes for two months and then stays away.
        shop.ingest([ada(day) for day in range(0, 240, 7)])
        shop.ingest([bo(day) for day in range(0, 60, 7)])
        done = evaluated(shop)
    assert [one.day for one in done.standings] == [
        "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30", "2026-07-31", "2026-08-31",
        "2026-09-30",
    ]  # fmt: skip
    assert all(one.people == 2 for one in done.standings)
    assert done.standings[0].statuses == {"growing": 2}
    assert done.standings[3].statuses == {"loyal": 1, "at_risk": 1}
    assert done.standings[-1].statuses == {"loyal": 1, "lost": 1}
    assert {(one.before, one.after) for one in done.passages} >= {("at_risk", "lost")}
    shares: dict[str, float] = {}
    for one in done.passages:
        shares[one.before] = shares.get(one.before, 0.0) + one.share
    assert all(total == pytest.approx(1.0) for total in shares.values())


def test_what_followed_is_counted_where_all_its_days_are_known(open_shop: OpenShop):
    with open_shop(present="2026-12-01") as shop:
        shop.ingest([ada(day) for day in range(0, 240, 7)])
        shop.ingest([bo(day) for day in range(0, 60, 7)])
        done = evaluated(shop)
    assert done.following_days == 90
    assert done.dates_followed == 4
    by = {one.status: one for one in done.followings}
    assert by["loyal"].bought_share == 1.0
    assert by["at_risk"].purchase_days == 0.0
    assert done.explained is not None
    assert done.explained_by_both is not None
    assert done.explained_by_both >= done.explained - 1e-9


def test_what_a_person_set_counts_from_then_on(open_shop: OpenShop):
    with open_shop(present="2026-12-01") as shop:
        shop.ingest([ada(day) for day in range(0, 120, 7)])
        fact = {"relationship_status": {"status": "on_a_break", "since_ms": 0}}
        said(shop, "Fact Corrected", "ada", 70, facts=fact)
        done = evaluated(shop)
    names = [next(iter(one.statuses)) for one in done.standings]
    assert names[:2] == ["growing", "growing"]
    assert names[-1] == "on_a_break"


def test_nobody_is_judged_who_does_not_permit_it(open_shop: OpenShop):
    with open_shop(present="2026-12-01") as shop:
        shop.ingest([ada(day) for day in range(0, 120, 7)] + [bo(day) for day in range(0, 120, 7)])
        said(shop, "Consent Updated", "bo", 1, purposes={VALUE_PURPOSE: "deny"})
        done = evaluated(shop)
    assert {one.people for one in done.standings} == {1}


def test_without_purchases_there_is_nothing_to_tell(open_shop: OpenShop):
    with open_shop() as shop:
        shop.ingest([view({"userId": "ada"}, 1, "x")])
        with pytest.raises(Invalid, match="nobody has bought"):
            evaluated(shop)
