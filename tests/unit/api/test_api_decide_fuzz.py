"""Whatever is sent to the decide and outcome doors is answered below 500; the log stays whole."""

from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shop_doors import Doors, running
from town import OpenShop

NAMES = st.sampled_from(
    ["placement", "identifiers", "context", "n", "mode", "channel", "decision_id", "outcome", "at"]
)
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["home", "user_id", "decide", "shown", "\x00", "\ud7ff", "null", "a" * 2_000]),
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(NAMES, st.text(max_size=8)), inner, max_size=4),
    ),
    max_leaves=12,
)
QUESTIONS = st.fixed_dictionaries(
    {"placement": st.one_of(st.just("home"), VALUES)},
    optional={
        "identifiers": st.dictionaries(
            st.one_of(st.sampled_from(["user_id", "email", "phone"]), st.text(max_size=8)),
            PLAIN,
            max_size=3,
        ),
        "context": st.dictionaries(st.text(max_size=8), VALUES, max_size=4),
        "n": st.one_of(st.just(2), PLAIN),
    },
)
REPORTS = st.fixed_dictionaries(
    {"outcome": st.one_of(st.just("bought"), PLAIN)},
    optional={
        "because": st.text(max_size=9),
        "revenue": PLAIN,
        "currency": st.one_of(st.just("EUR"), PLAIN),
        "at": st.one_of(st.just("2026-05-01"), PLAIN),
        "message_id": st.text(max_size=9),
        "action_id": PLAIN,
    },
)


@pytest.fixture
def shop(open_shop: OpenShop) -> Any:
    number = count()

    def run(act: Any) -> Any:
        engine = open_shop(folder=f"shop-{next(number)}")
        return running(engine, engine.home.folder, act)

    return run


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    bodies=st.lists(st.one_of(VALUES, QUESTIONS), min_size=20, max_size=40),
    reports=st.lists(REPORTS, min_size=10, max_size=20),
)
def test_whatever_is_sent_is_answered_below_500(
    shop: Any, bodies: list[Any], reports: list[Any]
) -> None:
    async def act(doors: Doors) -> None:
        for body in bodies:
            for path in ("/v1/decide", "/v1/decide/batch", "/v1/outcomes"):
                answer = await doors.post(path, body, key=doors.secret)
                assert answer.status in (200, 400, 404), (path, answer.body)
        asked = {"identifiers": {"user_id": "ada"}, "placement": "home", "context": {"z": "\x00"}}
        made = await doors.post("/v1/decide", asked, key=doors.secret)
        told = [{"decision_id": made.json["decision_id"], **report} for report in reports]
        answer = await doors.post("/v1/outcomes", told, key=doors.secret)
        assert answer.status == 200
        name = made.json["decision_id"]
        whole = await doors.get(f"/v1/decisions/{name}", key=doors.secret)
        assert whole.status == 200
        summary = await doors.get("/v1/outcomes/summary?days=366", key=doors.secret)
        assert summary.status == 200
        assert doors.live.engine.history.offset == doors.live.engine.log.end

    shop(act)
