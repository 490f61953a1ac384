"""The OpenAPI document: sound, complete, and its examples are what the doors take and give."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis

from all_doors import AllDoors, Run, running_all
from customering.api import examples
from customering.api.openapi import document
from town import OpenShop, order

NOT_LISTED = {
    # Short names and other names of what is listed.
    "/v1/i", "/v1/t", "/v1/p", "/v1/s", "/v1/g", "/v1/a", "/v1/b", "/v1/import", "/v1/m",
    "/beacon/v1/batch", "/v1/merge", "/pixel/v1/track", "/pixel/v1/page", "/sourceConfig",
    "/projects/", "/v1/projects/", "/analytics.js/v1/", "/analytics-next/bundles/",
    *(f"/v1/pixel/{kind}" for kind in ("identify", "page", "screen", "group", "alias")),
    # The document and its page themselves.
    "/openapi.json", "/docs",
}  # fmt: skip


@pytest.fixture
def shop(open_shop: OpenShop, tmp_path: Path) -> Run:
    def run(act: Any) -> Any:
        return running_all(open_shop(), tmp_path, act)

    return run


def contents() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method, one in methods.items():
            bodies = {"body": one.get("requestBody", {}), **one["responses"]}
            for where, body in bodies.items():
                for media, content in body.get("content", {}).items():
                    yield f"{method} {path} {where} {media}", content


def test_the_document_is_sound() -> None:
    schemathesis.openapi.from_dict(document()).validate()


def test_each_example_fits_its_schema() -> None:
    count = 0
    for where, content in contents():
        if "example" in content:
            schema = {**content["schema"], "components": document()["components"]}
            errors = [
                e.message
                for e in jsonschema_rs.validator_for(schema).iter_errors(content["example"])
            ]
            assert not errors, where
            count += 1
    assert count > 60


def test_every_operation_has_a_real_example_for_what_is_sent_and_answered() -> None:
    without = [
        where
        for where, content in contents()
        if "example" not in content and "text/html" not in where
    ]
    assert all("image/gif" in where or "text/javascript" in where for where in without), without


def test_every_field_of_every_record_is_explained() -> None:
    for name, schema in document()["components"]["schemas"].items():
        assert "----" not in schema.get("description", ""), name
    person = document()["components"]["schemas"]["PersonAnswer"]["properties"]
    assert all(field["description"] for field in person.values())


def test_every_door_is_listed_and_nothing_else(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        litestar = {
            route.path.replace(":str", "")
            for route in doors.app._others[1].routes  # type: ignore[attr-defined]
        }
        listed = set(document()["paths"])
        raw = set(doors.hot())
        assert litestar - listed - NOT_LISTED == set()
        assert raw - listed - NOT_LISTED == set()
        beginnings = [path for path in raw if path.endswith("/")]
        for path in listed - litestar - raw - {"/v1/live"}:
            assert any(path.startswith(one) for one in beginnings), path

    shop(act)


def test_the_examples_of_requests_are_accepted(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order({"userId": "ada"}, 0, "bread"))
        for kind in ("track", "identify", "page", "screen", "group", "alias", "batch"):
            sent = getattr(examples, kind.upper())
            answer = await doors.post(f"/v1/{kind}", sent, basic=doors.server)
            assert answer.status == 200, (kind, answer.body)
        assert doors.engine.quarantine.count() == 0
        at = "/v1/people/user_id:ada"
        for door, sent in (("consent", examples.CONSENT), ("status", examples.STATUS)):
            answer = await doors.post(f"{at}/{door}", sent, key=doors.secret)
            assert answer.status == 200, answer.body
        assert (await doors.post("/v1/decide", examples.DECIDE, key=doors.secret)).status == 200

    shop(act)


def test_real_answers_fit_the_document(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order({"userId": "ada"}, 0, "bread"))
        whole = document()
        made = (await doors.post("/v1/decide", examples.DECIDE, key=doors.secret)).json
        profile = "/v1/spaces/{space}/collections/users/profiles/{who}/"
        for path in (
            "/v1/people/{who}",
            "/v1/people/{who}/timeline",
            "/v1/decisions/{decision_id}",
            "/v1/outcomes/summary",
            *(profile + part for part in ("traits", "external_ids", "events", "metadata", "links")),
            "/v1/health",
            "/v1/ready",
        ):
            place = path.replace("{who}", "user_id:ada").replace("{space}", "shop")
            place = place.replace("{decision_id}", made["decision_id"])
            answer = await doors.get(place, key=doors.secret)
            assert answer.status == 200, (path, answer.body)
            content = whole["paths"][path]["get"]["responses"]["200"]["content"]
            schema = {**content["application/json"]["schema"], "components": whole["components"]}
            jsonschema_rs.validator_for(schema).validate(answer.json)

    shop(act)
