"""What a person says about themselves: it holds at once, once, and is the event the CLI writes."""

from pathlib import Path
from typing import Any

import pytest

from all_doors import AllDoors, Run, running_all
from customering.app.wishes import choice, standing
from customering.kernel.errors import Invalid
from customering.kernel.ids import Identifier
from shop_doors import SHOP
from town import OpenShop, order

ADA = {"userId": "ada"}
AT = "/v1/people/user_id:ada"
NO_OFFERS = {"purposes": {"personalize.offers": "deny"}}


@pytest.fixture
def shop(open_shop: OpenShop, tmp_path: Path) -> Run:
    def run(act: Any) -> Any:
        return running_all(open_shop(), tmp_path, act)

    return run


def test_a_refusal_holds_in_the_very_next_answer(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"))
        denied = {"purposes": {"profile.value_scoring": "deny"}}
        answer = await doors.post(f"{AT}/consent", denied, key=doors.secret)
        assert answer.status == 200
        assert answer.json["chosen"]["profile.value_scoring"]["answer"] == "deny"
        assert "profile.value_scoring" in answer.json["refused_purposes"]
        told = (await doors.get(AT, key=doors.secret)).json
        assert "orders_total" not in told["traits"]

    shop(act)


def test_a_status_holds_until_it_is_taken_back(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"))
        asked = {"status": "on_a_break", "until": "2026-09-01"}
        answer = await doors.post(f"{AT}/status", asked, key=doors.secret)
        assert (answer.status, answer.json["status"]["name"]) == (200, "on_a_break")
        assert answer.json["status"]["set_by"] == "person"
        answer = await doors.post(f"{AT}/status", {"status": "none"}, key=doors.secret)
        assert answer.json["status"]["set_by"] == "facts"

    shop(act)


SENSELESS = [
    ("consent", {"purposes": {"selling": "allow"}}, "selling"),
    ("consent", {"purposes": {"personalize.web": "maybe"}}, "$.purposes"),
    ("consent", {"purposes": {}}, "$.purposes"),
    ("consent", {"purpose": {}}, "$"),
    ("consent", {**NO_OFFERS, "more": 1}, "`more`"),
    ("consent", b"{", "JSON"),
    ("consent", b"[" * 10_000, "$"),
    ("consent", b"", "JSON"),
    ("status", {"status": "vip"}, "$.status"),
    ("status", {"status": "on_a_break", "until": "soon"}, "$.until"),
    ("status", {"status": "on_a_break", "until": "2001-01-01"}, "ended"),
    ("status", {"status": "on_a_break", "until": "9" * 40}, "$.until"),
]


def test_what_makes_no_sense_is_refused_with_its_place(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"))
        end = doors.engine.folding.offset
        for door, body, place in SENSELESS:
            answer = await doors.post(f"{AT}/{door}", body, key=doors.secret)
            assert answer.status == 400, body
            assert place in answer.json["detail"]
        assert doors.engine.folding.offset == end

    shop(act)


def test_the_same_request_under_the_same_key_is_done_once(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"))
        told = {"key": doors.secret, "headers": {"idempotency-key": "k1"}}
        first = await doors.post(f"{AT}/consent", NO_OFFERS, **told)
        end = doors.engine.folding.offset
        again = await doors.post(f"{AT}/consent", NO_OFFERS, **told)
        assert (again.status, again.body) == (200, first.body)
        assert doors.engine.folding.offset == end
        other = await doors.post(
            f"{AT}/consent", {"purposes": {"personalize.offers": "allow"}}, **told
        )
        assert (other.status, other.json["code"]) == (409, "conflict")
        elsewhere = await doors.post(f"{AT}/status", {"status": "none"}, **told)
        assert elsewhere.status == 409
        # Another caller may use the same word for something else.
        told["key"] = doors.secret_with("people")
        assert (await doors.post(f"{AT}/status", {"status": "none"}, **told)).status == 200

    shop(act)


def test_a_crash_between_the_event_and_the_answer_doubles_nothing(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"))
        told = {"key": doors.secret, "headers": {"idempotency-key": "k1"}}
        control = doors.keys.control
        doors.keys.control = _Forgetful(control)  # type: ignore[assignment]
        await doors.post(f"{AT}/consent", NO_OFFERS, **told)
        end = doors.engine.folding.offset
        doors.keys.control = control
        again = await doors.post(f"{AT}/consent", NO_OFFERS, **told)
        assert again.status == 200
        assert doors.engine.folding.offset == end

    shop(act)


class _Forgetful:
    """A control database that keeps no answer."""

    def __init__(self, control: Any) -> None:
        self._control = control

    def remember(self, *row: Any) -> Any:
        return _Kept(row[3], row[4])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._control, name)


class _Kept:
    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body = status, body


def test_without_a_key_every_request_is_a_new_one(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"))
        end = doors.engine.folding.offset
        for _ in range(3):
            await doors.post(f"{AT}/consent", NO_OFFERS, key=doors.secret)
        assert doors.engine.folding.offset == end + 3

    shop(act)


def test_a_refused_request_may_be_mended_under_its_key(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        told = {"key": doors.secret, "headers": {"idempotency-key": "k1"}}
        assert (await doors.post(f"{AT}/consent", NO_OFFERS, **told)).status == 404
        await doors.take(order(ADA, 0, "bread"))
        assert (await doors.post(f"{AT}/consent", NO_OFFERS, **told)).status == 200
        told["headers"] = {"idempotency-key": "k" * 256}
        assert (await doors.post(f"{AT}/consent", NO_OFFERS, **told)).status == 400

    shop(act)


def test_only_the_person_and_who_may_write_people_say_it(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order(ADA, 0, "bread"), order({"userId": "eve"}, 0, "milk"))
        end = doors.engine.folding.offset
        body = {"purposes": {"personalize.web": "allow"}}
        for door, sent in (("consent", body), ("status", {"status": "none"})):
            assert (await doors.post(f"{AT}/{door}", sent)).status == 401
            for key in (doors.write, doors.server, doors.secret_with("decide")):
                assert (await doors.post(f"{AT}/{door}", sent, key=key)).status == 403
            other = doors.token("user_id:eve")
            assert (await doors.post(f"{AT}/{door}", sent, key=other, origin=SHOP)).status == 403
        assert doors.engine.folding.offset == end
        own = doors.token("user_id:ada")
        assert (await doors.post(f"{AT}/consent", NO_OFFERS, key=own, origin=SHOP)).status == 200

    shop(act)


def test_the_door_and_the_command_line_write_the_same_event(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    ada = Identifier("user_id:ada")
    engine = open_shop(folder="by-hand")
    engine.ingest([order(ADA, 0, "bread")])
    found = engine.people.read(ada, now_ms=engine.present)
    by_hand = [
        engine.note(*choice(found, NO_OFFERS["purposes"], engine.consent)),
        engine.note(*standing(found, "on_a_break", engine.present)),
    ]

    async def act(doors: AllDoors) -> Any:
        await doors.take(order(ADA, 0, "bread"))
        await doors.post(f"{AT}/consent", NO_OFFERS, key=doors.secret)
        await doors.post(f"{AT}/status", {"status": "on_a_break"}, key=doors.secret)
        return doors.engine.log.tail(2)

    by_door = running_all(open_shop(folder="by-door"), tmp_path, act)
    for one, other in zip(by_hand, by_door, strict=True):
        assert one.event_id != other.event_id
        for field in ("kind", "name", "identifiers", "properties", "occurred_at", "source"):
            assert getattr(one, field) == getattr(other, field)


def test_a_status_that_would_have_ended_is_refused(open_shop: OpenShop) -> None:
    engine = open_shop()
    engine.ingest([order(ADA, 0, "bread")])
    found = engine.people.read(Identifier("user_id:ada"), now_ms=engine.present)
    with pytest.raises(Invalid, match="ended"):
        standing(found, "on_a_break", 1_000, 1_000)
