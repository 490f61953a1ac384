"""The decide doors: who gets an answer, what it says, and what it never reveals."""

from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shop_doors import SHOP, Doors, running
from town import OpenShop, order, view

ACTIONS = """
[[action]]
action_id = "club"
kind = "show_item"
title = "Join the club"
purpose = "personalize.web"
base_propensity = 0.1
value_minor = 100
content = { subject = "A club for you" }

[[action]]
action_id = "for_buyers"
kind = "show_item"
title = "Thank you for buying"
purpose = "personalize.web"
eligibility = "orders_total >= 1"
base_propensity = 0.5
value_minor = 1000
"""
CERTAIN = ("decision.exploration_share=0", "decision.control_share=0")
ADA = {"userId": "ada"}


@pytest.fixture
def shop(open_shop: OpenShop) -> Any:
    """Run an act on the doors of a shop with two actions and no chance."""

    homes = count()

    def run(act: Any) -> Any:
        engine = open_shop(overrides=CERTAIN, folder=f"shop-{next(homes)}")
        (engine.home.folder / "actions.toml").write_text(ACTIONS)
        return running(engine, engine.home.folder, act)

    return run


def ask(who: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"identifiers": who, "placement": "home", **more}


def test_a_secret_key_gets_actions_with_content_and_reasons(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        await doors.take(order(ADA, 0, "bread"))
        answer = await doors.post("/v1/decide", ask({"user_id": "ada"}), key=doors.secret)
        assert answer.status == 200
        told = answer.json
        assert told["placement"] == "home"
        assert told["decision_id"].startswith("dec_")
        assert told["person_id"] == doors.live.person("user_id:ada").person_id  # type: ignore[arg-type]
        assert told["expires_at"].endswith("Z")
        assert 0 < told["propensity"] <= 1
        [first] = told["actions"]
        assert first["action_id"] == "for_buyers"
        assert first["rank"] == 1
        assert first["reasons"]

    shop(act)


def test_the_most_trusted_name_says_who_it_is_and_names_are_normalised(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        await doors.take(order(ADA, 0, "bread"))
        await doors.take(
            {"type": "identify", "userId": "ada", "traits": {"email": "ada@example.org"}}
        )
        by_mail = ask({"email": " ADA@Example.org "}, mode="preview")
        by_both = ask({"anonymous_id": "elsewhere", "user_id": "ada"}, mode="preview")
        one = await doors.post("/v1/decide", by_mail, key=doors.secret)
        other = await doors.post("/v1/decide", by_both, key=doors.secret)
        assert one.json == other.json
        assert [action["action_id"] for action in one.json["actions"]] == ["for_buyers"]

    shop(act)


def test_an_unknown_person_gets_an_answer(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        answer = await doors.post("/v1/decide", ask({"user_id": "new"}), key=doors.secret)
        assert answer.status == 200
        assert [action["action_id"] for action in answer.json["actions"]] == ["club"]
        assert answer.json["actions"][0]["content"] == {"subject": "A club for you"}

    shop(act)


def test_a_preview_keeps_nothing(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        await doors.take(order(ADA, 0, "bread"))
        before = doors.live.engine.folding.offset
        body = ask({"user_id": "ada"}, mode="preview")
        answer = await doors.post("/v1/decide", body, key=doors.secret)
        assert answer.status == 200
        assert "decision_id" not in answer.json
        await doors.take(view(ADA, 1, "bread"))
        assert doors.live.engine.folding.offset == before + 1

    shop(act)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"identifiers": {"user_id": "ada"}}, "placement"),
        (ask({"user_id": "ada"}, extra=1), "extra"),
        (ask({"user_id": "ada"}, n=0), "$.n"),
        (ask({"user_id": "ada"}, n=51), "$.n"),
        (ask({"user_id": "ada"}, mode="later"), "$.mode"),
        (ask({"user_id": {"a": 1}}), "$.identifiers"),
        (ask({"email": "no address"}), "$.identifiers.email"),
        (ask({}), "$.identifiers"),
        (ask({"user_id": "null"}), "$.identifiers"),
        (ask({"user_id": "ada"}) | {"placement": "a b"}, "$.placement"),
        ([1], "object"),
        (b"{", "JSON"),
        (b"\xff", "JSON"),
        (b"[" * 100_000, ""),
        (ask({"user_id": "ada"}, channel="pigeon"), "pigeon"),
        (ask({"user_id": "ada"}, n="1"), "$.n"),
        (b'{"placement":"home","context":{"a":' + b"[" * 80 + b"]" * 80 + b"}}", "deep"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(shop: Any, body: Any, place: str) -> None:
    async def act(doors: Doors) -> None:
        answer = await doors.post("/v1/decide", body, key=doors.secret)
        assert answer.status == 400
        assert answer.headers["content-type"] == "application/problem+json"
        assert place in answer.json["detail"]
        assert answer.json["hint"]

    shop(act)


def test_a_batch_answers_each_by_itself_in_order(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        await doors.take(order(ADA, 0, "bread"))
        body = {
            "requests": [
                ask({"user_id": "new"}),
                {"placement": 5},
                ask({"user_id": "ada"}),
                ask({"email": "no address"}),
            ]
        }
        answer = await doors.post("/v1/decide/batch", body, key=doors.secret)
        assert answer.status == 200
        first, second, third, fourth = answer.json["results"]
        assert first["decision"]["actions"][0]["action_id"] == "club"
        assert second["problem"]["status"] == 400
        assert third["decision"]["actions"][0]["action_id"] == "for_buyers"
        assert "$.identifiers.email" in fourth["problem"]["detail"]
        for requests in (0, 101):
            body = {"requests": [ask({"user_id": "new"})] * requests}
            assert (await doors.post("/v1/decide/batch", body, key=doors.secret)).status == 400

    shop(act)


# Who may


def test_without_a_key_that_may_nothing_is_revealed(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        await doors.take(order(ADA, 0, "bread"))
        narrow = doors.keys.create_secret(name="people", scopes=["people"])[1]
        elsewhere = doors.token("user_id:ada", at_ms=doors.now_ms - 3_600_000)
        good = doors.token("user_id:ada")
        forged = good[:-8] + ("A" * 8 if good[-8:] != "A" * 8 else "B" * 8)
        for key, status in (
            ("", 401),
            ("nonsense", 401),
            (doors.secret[:-1] + ("x" if doors.secret[-1] != "x" else "y"), 401),
            (narrow, 403),
            (doors.server, 403),
            (elsewhere, 401),
            (forged, 401),
            ("a.b.c", 401),
        ):
            for who in ("ada", "nobody"):
                answer = await doors.post("/v1/decide", ask({"user_id": who}), key=key)
                assert answer.status == status, key
                assert set(answer.json) == {"type", "title", "status", "detail", "code", "hint"}
                assert b"ada" not in answer.body
            assert "www-authenticate" in answer.headers or status == 403

    shop(act)


def test_pages_of_elsewhere_are_turned_away(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        body = ask({"anonymous_id": "w"})
        for key in (doors.write, doors.token("anonymous_id:w"), doors.secret):
            answer = await doors.post("/v1/decide", body, key=key, origin="https://evil.example")
            assert answer.status == 403
            assert answer.json["code"] == "forbidden_origin"
        answer = await doors.post("/v1/decide", body, key=doors.secret, origin=SHOP)
        assert answer.status == 403
        for key in (doors.write, doors.token("anonymous_id:w")):
            answer = await doors.post("/v1/decide", body, key=key, origin=SHOP)
            assert answer.status == 200
            assert answer.headers["access-control-allow-origin"] == SHOP
            assert answer.headers["cache-control"] == "no-store"

    shop(act)


def test_a_token_speaks_for_its_person_only(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        await doors.take(order(ADA, 0, "bread"))
        token = doors.token("user_id:ada")
        bare = await doors.post("/v1/decide", {"placement": "home"}, key=token)
        assert [action["action_id"] for action in bare.json["actions"]] == ["for_buyers"]
        same = await doors.post("/v1/decide", ask({"user_id": "ada"}), key=token)
        assert same.status == 200
        for who in ({"user_id": "bo"}, {"user_id": "ada", "email": "bo@example.org"}):
            other = await doors.post("/v1/decide", ask(who), key=token)
            assert other.status == 403
        body = {"requests": [{"placement": "home"}, ask({"user_id": "bo"})]}
        batch = await doors.post("/v1/decide/batch", body, key=token)
        assert "decision" in batch.json["results"][0]
        assert batch.json["results"][1]["problem"]["status"] == 403

    shop(act)


def test_a_write_key_sees_a_browser_and_nothing_of_the_person_behind_it(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        # The browser is Ada's: she signed in there, and what she buys is filed under her.
        await doors.take(order({"userId": "ada", "anonymousId": "w"}, 0, "bread"))
        known = await doors.post(
            "/v1/decide", ask({"anonymous_id": "w"}, mode="preview"), key=doors.secret
        )
        assert [action["action_id"] for action in known.json["actions"]] == ["for_buyers"]
        for mode in ("decide", "preview"):
            body = ask({"anonymous_id": "w"}, mode=mode)
            alone = await doors.post("/v1/decide", body, key=doors.write, origin=SHOP)
            assert alone.status == 200
            assert [action["action_id"] for action in alone.json["actions"]] == ["club"]
            assert "person_id" not in alone.json
            assert known.json["person_id"] not in alone.body.decode()
        for who in (
            {"user_id": "ada"},
            {"email": "ada@example.org"},
            {"device": "d"},
            {},
            {"anonymous_id": "w", "user_id": "ada"},
        ):
            answer = await doors.post("/v1/decide", ask(who), key=doors.write, origin=SHOP)
            assert answer.status == 403
            assert "actions" not in answer.json
        in_query = f"/v1/decide?writeKey={doors.write}"
        answer = await doors.post(in_query, ask({"anonymous_id": "w"}), origin=SHOP)
        assert answer.status == 200

    shop(act)


def test_browsers_may_ask_before_they_send(shop: Any) -> None:
    async def act(doors: Doors) -> None:
        before = await doors.call("OPTIONS", "/v1/decide", origin=SHOP)
        assert before.status == 204
        assert "authorization" in before.headers["access-control-allow-headers"]
        other = await doors.get("/v1/decide", key=doors.secret)
        assert other.status == 405
        assert other.headers["allow"] == "POST, OPTIONS"

    shop(act)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    calls=st.lists(
        st.tuples(st.sampled_from(["ada", "bo", "cy"]), st.booleans()), min_size=1, max_size=12
    )
)
def test_what_was_acknowledged_before_is_in_the_decision(
    shop: Any, calls: list[tuple[str, bool]]
) -> None:
    async def act(doors: Doors) -> None:
        bought: set[str] = set()
        for number, (who, is_order) in enumerate(calls):
            if is_order:
                await doors.take(order({"userId": who}, number, "bread"))
                bought.add(who)
            answer = await doors.post("/v1/decide", ask({"user_id": who}), key=doors.secret)
            chosen = [action["action_id"] for action in answer.json["actions"]]
            assert chosen == (["for_buyers"] if who in bought else ["club"])

    shop(act)
