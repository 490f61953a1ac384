"""SQL over people who permit a purpose: only they are seen, at once, and nothing else is."""

from typing import Any

import pytest

from customering.app.engine import Engine
from customering.app.views import PermittedViews
from customering.consent.model import STATUS_FACT
from customering.events.model import CONSENT_UPDATED, FACT_CORRECTED
from customering.kernel.errors import Invalid
from customering.kernel.ids import Identifier
from town import NOON, OpenShop, order, view

ADA, BOB, CYD = ({"userId": name} for name in ("ada", "bob", "cyd"))


@pytest.fixture
def shop(open_shop: OpenShop) -> Engine:
    engine = open_shop()
    engine.ingest([
        order(ADA, 0, "milk", "bread", cents=250),
        order(ADA | {"anonymousId": "a1"}, 3, "milk"),
        view({"anonymousId": "a1"}, 4, "cheese"),
        order(BOB, 1, "milk"),
        view(CYD, 2, "milk"),
    ])  # fmt: skip
    return engine


def people(views: PermittedViews, purpose: str = "personalize_web") -> list[str]:
    sql = f"SELECT person FROM people_for_{purpose} ORDER BY person"
    return [row["person"] for row in views.query(sql).to_pylist()]


def say(engine: Engine, who: str, **answers: str) -> None:
    told = {key.replace("__", "."): answer for key, answer in answers.items()}
    engine.note(CONSENT_UPDATED, [Identifier(f"user_id:{who}")], {"purposes": told})


def test_a_person_is_one_row_with_all_their_names(shop: Engine) -> None:
    with PermittedViews(shop) as views:
        rows = views.query("FROM people_for_personalize_web ORDER BY person").to_pylist()
        assert [(row["person"], row["events"]) for row in rows] == [
            ("user_id:ada", 3), ("user_id:bob", 1), ("user_id:cyd", 1),
        ]  # fmt: skip
        assert rows[0]["first_at"].timestamp() * 1_000 == NOON
        counts = views.query(
            "SELECT person, count(*) AS n FROM events_for_analytics_product GROUP BY 1 ORDER BY 1"
        )
        assert counts["n"].to_pylist() == [3, 1, 1]


def test_nobody_is_seen_who_was_never_asked(shop: Engine) -> None:
    with PermittedViews(shop) as views:
        assert people(views, "marketing_email") == []
        assert people(views, "essential_service") == ["user_id:ada", "user_id:bob", "user_id:cyd"]
        say(shop, "bob", marketing__email="allow")
        assert people(views, "marketing_email") == ["user_id:bob"]


def test_a_withdrawal_is_gone_from_every_view_at_once(shop: Engine) -> None:
    with PermittedViews(shop) as views:
        assert "user_id:ada" in people(views)
        say(shop, "ada", personalize="deny")
        assert people(views) == ["user_id:bob", "user_id:cyd"]
        for kind in ("events", "traits"):
            seen = views.query(f"SELECT DISTINCT person FROM {kind}_for_personalize_web")
            assert sorted(seen["person"].to_pylist()) == ["user_id:bob", "user_id:cyd"]
        joined = views.query(
            "WITH seen AS (SELECT person FROM events_for_personalize_web WHERE anchor LIKE '%a1')"
            " SELECT count(*) AS n FROM seen"
        )
        assert joined["n"].to_pylist() == [0]  # under no other name of theirs either
        assert "user_id:ada" in people(views, "analytics_product")
        say(shop, "ada", personalize="allow", personalize__web="allow")
        assert people(views) == ["user_id:ada", "user_id:bob", "user_id:cyd"]


def test_a_status_and_a_restriction_count_too(shop: Engine) -> None:
    with PermittedViews(shop) as views:
        fact = {STATUS_FACT: {"status": "left", "since_ms": 1}}
        shop.note(FACT_CORRECTED, [Identifier("user_id:bob")], {"facts": fact})
        assert people(views) == ["user_id:ada", "user_id:cyd"]
        assert "user_id:bob" in people(views, "essential_service")
        shop.note(
            "Restriction Updated",
            [Identifier("anonymous_id:a1")],
            {"purposes": {"restriction:all": "deny"}},
        )
        assert people(views) == ["user_id:cyd"]
        assert people(views, "essential_service") == ["user_id:bob", "user_id:cyd"]


def test_traits_are_those_of_the_purpose_and_the_values_people_have(shop: Engine) -> None:
    with PermittedViews(shop) as views:
        for purpose in ("personalize.web", "profile.value_scoring", "personalize.offers"):
            name = f"traits_for_{purpose.replace('.', '_')}"
            columns = [one for one, _ in views.columns(name)]
            mine = [n for n, t in shop.traits.traits.items() if t.definition.purpose == purpose]
            assert set(columns) - {"person", "declared"} == set(mine)
            row = views.query(f"FROM {name} WHERE person = 'user_id:ada'").to_pylist()[0]
            known = shop.people.read(Identifier("user_id:ada"), now_ms=shop.present).values
            whole = [trait for trait in mine if isinstance(row[trait], int)]
            assert {trait: row[trait] for trait in whole} == {t: known[t] for t in whole}


def test_what_a_person_hides_is_not_seen(shop: Engine) -> None:
    hidden = next(
        name
        for name, one in shop.traits.traits.items()
        if one.definition.purpose == "profile.value_scoring"
    )
    sql = f"SELECT {hidden} IS NULL AS h FROM traits_for_profile_value_scoring ORDER BY person"
    with PermittedViews(shop) as views:
        assert views.query(sql)["h"].to_pylist()[0] is False
        shop.note(
            FACT_CORRECTED, [Identifier("user_id:ada")], {"facts": {"hidden_facts": [hidden]}}
        )
        assert views.query(sql)["h"].to_pylist()[:2] == [True, False]


def test_every_purpose_is_listed_with_how_many_permit_it(shop: Engine) -> None:
    say(shop, "ada", personalize="deny")
    with PermittedViews(shop) as views:
        found = {one.key: one for one in views.purposes()}
        assert found.keys() == shop.consent.purposes.keys()
        assert found["personalize.web"].people == 2
        assert found["marketing.email"].people == 0
        for one in found.values():
            for name in one.views:
                assert views.query(f"SELECT count(*) AS n FROM {name}").num_rows == 1


FORBIDDEN: list[Any] = [
    "DROP VIEW people_for_personalize_web",
    "COPY people_for_personalize_web TO 'stolen.csv'",
    "CREATE TABLE mine AS FROM people_for_personalize_web",
    "SELECT 1; SELECT 2",
    "ATTACH 'state.sqlite'",
    "SET threads = 9",
    "PRAGMA database_list",
    "SELECT * FROM read_parquet('history/**/*.parquet')",
    "SELECT * FROM 'history/000/0-5.parquet'",
    'WITH "history/000/0-5.parquet" AS (SELECT 1) FROM "history/000/0-5.parquet"',
    "SELECT * FROM read_text('log.sqlite')",
    "SELECT * FROM glob('*')",
    "SELECT * FROM duckdb_tables()",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM temp.main.people_for_personalize_web",
    "SELECT * FROM sqlite_master",
    "SELECT (SELECT count(*) FROM names) FROM people_for_personalize_web",
    "SELECT * FROM people_for_personalize_web p, LATERAL (SELECT * FROM masks) m",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('masks')",
    "WITH people_for_marketing_email AS (FROM people_for_marketing_email) FROM"
    " people_for_marketing_email",
    "SELECT * FROM people_for_dreams",
    "SELECT nonsense FROM people_for_personalize_web",
    "not sql at all",
    "",
]


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_nothing_but_views_can_be_read_and_nothing_written(shop: Engine, sql: str) -> None:
    with PermittedViews(shop) as views, pytest.raises(Invalid):
        views.query(sql)


def test_a_table_below_the_views_cannot_be_shadowed_into_reach(shop: Engine) -> None:
    with PermittedViews(shop) as views, pytest.raises(Invalid, match="cannot be run"):
        views.query("WITH masks AS (SELECT * FROM masks) SELECT * FROM masks")
