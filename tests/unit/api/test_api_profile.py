"""Segment's Profile API: its paths, parameters, answers and errors."""

from pathlib import Path
from typing import Any

import pytest

from all_doors import AllDoors, Run, running_all
from shop_doors import SHOP
from town import OpenShop, order, view

ADA = {"userId": "ada"}
AT = "/v1/spaces/any/collections/users/profiles/user_id:ada"


@pytest.fixture
def shop(open_shop: OpenShop, tmp_path: Path) -> Run:
    def run(act: Any) -> Any:
        engine = open_shop()
        (engine.home.folder / "audiences.toml").write_text(
            '[[audience]]\nname = "buyers"\nwhere = "orders_total >= 1"\n'
        )
        return running_all(engine, tmp_path, act)

    return run


async def read(doors: AllDoors, path: str) -> Any:
    answer = await doors.get(f"{AT}/{path}", basic=doors.secret)
    assert answer.status == 200, answer.body
    assert len(answer.headers["request-id"]) >= 16
    return answer.json


def test_traits_are_walked_by_the_cursor(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(
            order(ADA, 0, "bread"),
            {"type": "identify", "userId": "ada", "traits": {"email": "ada@shop.example"}},
        )
        whole = await read(doors, "traits?limit=200")
        assert whole["cursor"] == {"url": "", "has_more": False, "next": "", "limit": 200}
        assert whole["traits"]["orders_total"] == 1
        assert whole["traits"]["buyers"] is True
        walked: dict[str, Any] = {}
        part = await read(doors, "traits")
        assert len(part["traits"]) == 10
        while True:
            assert not part["traits"].keys() & walked.keys()
            walked |= part["traits"]
            if not part["cursor"]["has_more"]:
                break
            url = part["cursor"]["url"]
            assert url.startswith(AT)
            part = (await doors.get(url, basic=doors.secret)).json
        assert walked == whole["traits"]

    shop(act)


def test_traits_are_chosen_by_name_and_class_and_told_with_their_source(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(
            order(ADA, 0, "bread"),
            {"type": "identify", "userId": "ada", "traits": {"email": "ada@shop.example"}},
        )
        chosen = await read(doors, "traits?include=orders_total,buyers,absent")
        assert chosen["traits"] == {"buyers": True, "orders_total": 1}
        audiences = await read(doors, "traits?class=audience&limit=200")
        assert audiences["traits"] == {"buyers": True}
        computed = await read(doors, "traits?class=computed_trait&limit=200")
        assert "orders_total" in computed["traits"]
        assert "buyers" not in computed["traits"]
        assert "email" not in computed["traits"]
        told = await read(doors, "traits?verbose=true&include=email,orders_total")
        assert told["traits"]["email"]["value"] == "ada@shop.example"
        assert told["traits"]["email"]["source_id"] == "server"
        assert told["traits"]["orders_total"].keys() == {"value", "source_id", "updated_at"}

    shop(act)


def test_external_ids_say_which_event_brought_them(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(
            order(ADA, 0, "bread"), view({"userId": "ada", "anonymousId": "a1"}, 1, "milk")
        )
        told = (await read(doors, "external_ids"))["data"]
        assert [(one["type"], one["id"]) for one in told] == [
            ("anonymous_id", "a1"),
            ("user_id", "ada"),
        ]
        assert told[0]["created_at"] == "2026-03-02T12:00:00.001Z"
        assert told[0]["collection"] == "users"
        one = await read(doors, "external_ids?limit=1")
        assert one["cursor"]["has_more"]
        rest = await read(doors, f"external_ids?limit=1&next={one['cursor']['next']}")
        assert [*one["data"], *rest["data"]] == told
        only = await read(doors, "external_ids?include=user_id")
        assert [one["id"] for one in only["data"]] == ["ada"]

    shop(act)


def test_events_come_newest_first_and_are_chosen_by_name(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(*(view(ADA, day, "milk") for day in range(12)), order(ADA, 20, "bread"))
        first = await read(doors, "events")
        assert [one["event"] for one in first["data"]][:2] == ["Order Completed", "Product Viewed"]
        assert first["data"][0]["external_ids"][0]["id"] == "ada"
        assert first["cursor"]["has_more"]
        rest = await read(doors, f"events?next={first['cursor']['next']}")
        assert len(first["data"]) + len(rest["data"]) == 13
        views = await read(doors, "events?include=Product%20Viewed&limit=200")
        assert len(views["data"]) == 12
        others = await read(doors, "events?exclude=Product%20Viewed&limit=200")
        assert [one["event"] for one in others["data"]] == ["Order Completed"]

    shop(act)


def test_metadata_and_links(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"), view(ADA, 1, "milk"))
        told = (await read(doors, "metadata"))["metadata"]
        assert told["first_message_id"] == "order-ada-0-bread"
        assert told["last_message_id"] == "view-ada-1-milk"
        assert told["created_at"] < told["updated_at"]
        assert (await read(doors, "links"))["data"] == []

    shop(act)


def test_errors_have_the_shape_of_segment(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"))
        path = AT.replace("ada", "nobody") + "/traits"
        absent = await doors.get(path, basic=doors.secret)
        assert absent.status == 404
        wanted = {"error": {"code": "not_found", "message": "Profile was not found."}}
        assert absent.json == wanted
        assert absent.headers["request-id"]
        for query in ("limit=0", "limit=201", "limit=x", "colour=red"):
            wrong = await doors.get(f"{AT}/traits?{query}", basic=doors.secret)
            assert (wrong.status, wrong.json["error"]["code"]) == (400, "bad_request")
        nobody = await doors.get(f"{AT}/traits")
        assert (nobody.status, nobody.json["error"]["code"]) == (401, "unauthorized")
        for key in (doors.write, doors.server, doors.secret_with("decide")):
            assert (await doors.get(f"{AT}/traits", basic=key)).status == 403
        other = await doors.get(f"{AT}/events", key=doors.token("user_id:eve"), origin=SHOP)
        assert other.status == 403
        accounts = AT.replace("users", "accounts")
        assert (await doors.get(f"{accounts}/traits", basic=doors.secret)).status == 404

    shop(act)
