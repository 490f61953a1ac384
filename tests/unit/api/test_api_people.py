"""The people doors: what a person looks like from outside, and to whom."""

from pathlib import Path
from typing import Any

import pytest

from all_doors import AllDoors, Run, running_all
from customering.kernel.ids import Identifier
from shop_doors import SHOP
from town import OpenShop, order, view

ADA = {"userId": "ada"}
ADA_AT = "/v1/people/user_id:ada"


@pytest.fixture
def shop(open_shop: OpenShop, tmp_path: Path) -> Run:
    def run(act: Any) -> Any:
        engine = open_shop()
        (engine.home.folder / "audiences.toml").write_text(
            '[[audience]]\nname = "buyers"\nwhere = "orders_total >= 1"\n'
        )
        return running_all(engine, tmp_path, act)

    return run


def test_a_person_is_read_with_provenance_purpose_and_words(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(
            order(ADA, 0, "bread", "milk"),
            {"type": "identify", "userId": "ada", "traits": {"email": "Ada@Shop.example"}},
        )
        answer = await doors.get(ADA_AT, key=doors.secret)
        assert answer.status == 200
        told = answer.json
        assert told["person_id"].startswith("per_")
        assert told["identifiers"] == ["user_id:ada", "email:ada@shop.example"]
        orders = told["traits"]["orders_total"]
        assert (orders["value"], orders["provenance"]) == (1, "observed")
        assert orders["purpose"] == "profile.value_scoring"
        assert orders["words"]
        assert told["traits"]["email"]["provenance"] == "declared"
        assert told["audiences"] == ["buyers"]
        assert told["refused_purposes"] == ["share.friends"]
        assert told["status"]["words"]
        assert told["status"]["operator_words"]

    shop(act)


def test_an_acknowledged_event_is_in_the_very_next_read(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        for number in range(1, 6):
            sent = {**order(ADA, number, "bread"), "messageId": f"m{number}"}
            taken = await doors.post("/v1/track", sent, basic=doors.server)
            assert taken.status == 200
            told = (await doors.get(ADA_AT, key=doors.secret)).json
            assert told["traits"]["orders_total"]["value"] == number
            happened = (await doors.get(f"{ADA_AT}/timeline", key=doors.secret)).json
            assert len(happened["events"]) == number

    shop(act)


def test_a_person_is_found_by_id_and_by_any_spelling_of_an_identifier(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"), order({"userId": "a/b c"}, 0, "milk"))
        whole = (await doors.get(ADA_AT, key=doors.secret)).json
        by_id = await doors.get(f"/v1/people/{whole['person_id']}", key=doors.secret)
        assert by_id.json["identifiers"] == ["user_id:ada"]
        # The index was made; who comes after is in it too, though not in the stored state.
        await doors.take(order({"userId": "eve"}, 0, "bread"))
        eve = doors.live.person(Identifier("user_id:eve")).person_id
        found = await doors.get(f"/v1/people/{eve}", key=doors.secret)
        assert found.json["identifiers"] == ["user_id:eve"]
        odd = await doors.get("/v1/people/USER-ID:a%2Fb%20c", key=doors.secret)
        assert odd.json["identifiers"] == ["user_id:a/b c"]
        nobody = await doors.get("/v1/people/per_aaaaaaaaaaaaaaaa", key=doors.secret)
        assert (nobody.status, nobody.json["code"]) == (404, "no_such_person")

    shop(act)


def test_who_is_not_named_is_a_clear_refusal(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        for who in ("ada", ":ada", "user_id:", "per_", "email:nonsense", "%00:%00"):
            answer = await doors.get(f"/v1/people/{who}", key=doors.secret)
            assert answer.status in (400, 404), who
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json.keys() == {"type", "title", "status", "detail", "code", "hint"}

    shop(act)


def test_what_is_not_permitted_is_not_there_but_named(open_shop: OpenShop, tmp_path: Path) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"))
        told = (await doors.get(ADA_AT, key=doors.secret)).json
        assert "orders_total" not in told["traits"]
        assert "profile.value_scoring" in told["refused_purposes"]

    running_all(open_shop(permitted=("analytics.product",)), tmp_path, act)


def test_an_etag_holds_until_something_happens(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"))
        first = await doors.get(ADA_AT, key=doors.secret)
        tag = first.headers["etag"]
        assert tag.startswith('W/"')
        again = await doors.get(ADA_AT, key=doors.secret, headers={"if-none-match": f'"x", {tag}'})
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
        await doors.take(view(ADA, 1, "milk"))
        after = await doors.get(ADA_AT, key=doors.secret, headers={"if-none-match": tag})
        assert after.status == 200
        assert after.headers["etag"] != tag

    shop(act)


def test_a_timeline_is_walked_by_cursor_while_events_arrive(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        # Several at the same instant, so that the cursor has to tell them apart.
        await doors.take(*(view(ADA, day // 3, f"p{day}") for day in range(12)))
        seen: list[str] = []
        cursor = ""
        while True:
            path = f"{ADA_AT}/timeline?limit=5" + (f"&cursor={cursor}" if cursor else "")
            part = (await doors.get(path, key=doors.secret)).json
            seen += [event["event_id"] for event in part["events"]]
            await doors.take(view(ADA, 20 + len(seen), "new"))
            if part["next"] is None:
                break
            cursor = part["next"]
        assert seen == [f"view-ada-{day // 3}-p{day}" for day in reversed(range(12))]

    shop(act)


def test_a_timeline_tells_of_a_decision_what_was_done_and_not_all_that_lost(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"))
        asked = {"identifiers": {"user_id": "ada"}, "placement": "home"}
        decided = await doors.post("/v1/decide", asked, key=doors.secret)
        assert decided.status == 200
        await doors.take(view(ADA, 1, "milk"))
        told = (await doors.get(f"{ADA_AT}/timeline", key=doors.secret)).json["events"]
        (made,) = [event for event in told if event["name"] == "Decision Made"]
        assert made["properties"]["decision_id"] == decided.json["decision_id"]
        assert made["properties"]["reasons"]
        assert "candidates" not in made["properties"]

    shop(act)


def test_a_query_that_makes_no_sense_is_refused_by_name(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"))
        numbers = ("limit=0", "limit=501", "limit=x", "limit=-1", "limit=")
        for query in (*numbers, "cursor=x", "cursor=W10", "other=1"):
            answer = await doors.get(f"{ADA_AT}/timeline?{query}", key=doors.secret)
            assert answer.status == 400, query
            assert f"`?{query.partition('=')[0]}`" in answer.json["detail"]

    shop(act)


def test_only_those_who_may_read_people_do(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"), order({"userId": "eve"}, 0, "milk"))
        for path in (ADA_AT, f"{ADA_AT}/timeline", "/v1/people/user_id:nobody"):
            assert (await doors.get(path)).status == 401
            assert (await doors.get(path, key="ck_live_nonsense")).status == 401
            for key in (doors.write, doors.server, doors.secret_with("decide", "collect")):
                assert (await doors.get(path, key=key)).status == 403
            from_page = await doors.get(path, key=doors.secret, origin=SHOP)
            assert from_page.status == 403, "a secret key has no business in a page"
        # ... but in one of this server's own: the operator who tries the API out has typed it in.
        host = {"host": "shop.example:8100"}
        own = "http://shop.example:8100"
        tried = await doors.get(ADA_AT, key=doors.secret, origin=own, headers=host)
        assert tried.status == 200
        other = await doors.get(ADA_AT, key=doors.secret, origin=own + "0", headers=host)
        assert other.status == 403

    shop(act)


def test_a_subject_token_reads_its_own_person_and_nobody_else(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        both = {"userId": "ada", "anonymousId": "a1"}
        await doors.take(order(both, 0, "bread"), order({"userId": "eve"}, 0, "milk"))
        token = doors.token("user_id:ada")
        own = await doors.get("/v1/people/anonymous_id:a1", key=token, origin=SHOP)
        assert own.status == 200
        assert own.headers["access-control-allow-origin"] == SHOP
        assert "operator_words" not in own.json["status"]
        eve = doors.live.person(Identifier("user_id:eve")).person_id
        refusals = [
            await doors.get(f"/v1/people/{who}{part}", key=token, origin=SHOP)
            for who in ("user_id:eve", "user_id:nobody", eve, "per_aaaaaaaaaaaaaaaa")
            for part in ("", "/timeline")
        ]
        assert {answer.status for answer in refusals} == {403}
        assert len({answer.body for answer in refusals}) == 1, "who is known is not told"

    shop(act)


def test_every_answer_carries_the_headers_of_safety(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"))
        for path in (ADA_AT, f"{ADA_AT}/timeline", "/nowhere", "/v1/people/x", "/docs"):
            answer = await doors.get(path, key=doors.secret)
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            kept = answer.headers["cache-control"]
            assert kept in ("no-store", "private, no-cache")

    shop(act)


def test_a_browser_is_told_before_it_asks(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        asked = {"access-control-request-method": "GET"}
        answer = await doors.call("OPTIONS", ADA_AT, origin=SHOP, headers=asked)
        assert answer.status == 204
        assert "authorization" in answer.headers["access-control-allow-headers"]

    shop(act)


def test_what_is_not_there_is_told_in_the_one_shape(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        absent = await doors.get("/v1/nowhere")
        assert (absent.status, absent.json["code"]) == (404, "not_found")
        wrong = await doors.call("PUT", ADA_AT, key=doors.secret)
        assert (wrong.status, wrong.json["code"]) == (405, "method_not_allowed")
        assert "GET" in wrong.headers["allow"]

    shop(act)
