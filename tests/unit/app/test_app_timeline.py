"""The timeline: pages that fit together wherever the events lie."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customering.app import timeline
from customering.app.timeline import Place, read_cursor, read_timeline, write_cursor
from customering.kernel.errors import Invalid
from customering.kernel.ids import Identifier
from town import OpenShop, view

NAMES = (Identifier("user_id:ada"), Identifier("anonymous_id:a1"))


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    days=st.lists(st.integers(0, 3), min_size=1, max_size=12),
    copied=st.integers(0, 12),
    limit=st.integers(1, 5),
)
def test_pages_give_everything_once_newest_first(
    open_shop: OpenShop, days: list[int], copied: int, limit: int
) -> None:
    engine = open_shop(folder=f"{days}{copied}{limit}")
    sent = [
        {
            **view({"userId": "ada"} if n % 2 else {"anonymousId": "a1"}, day, "x"),
            "messageId": f"m{n}",
        }
        for n, day in enumerate(days)
    ]
    others = view({"userId": "eve"}, 1, "y")
    engine.ingest([*sent[:copied], others])
    engine.copy_to_history()
    engine.ingest(sent[copied:])
    seen: list[str] = []
    after: Place | None = None
    while True:
        page = read_timeline(engine, NAMES, after, limit)
        assert len(page.events) <= limit
        seen += [event.event_id for event in page.events]
        if page.last is None:
            break
        after = read_cursor(write_cursor(page.last))
    wanted = sorted(range(len(days)), key=lambda n: (days[n], n), reverse=True)
    late_first = [f"m{n}" for n in wanted]
    assert sorted(seen) == sorted(late_first)
    assert [days[int(one[1:])] for one in seen] == sorted(days, reverse=True)
    engine.__exit__(None, None, None)


def test_many_late_events_are_copied_and_read_all_the_same(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, "_LATE_EVENTS_MAX", 3)
    engine = open_shop()
    engine.ingest([view({"userId": "ada"}, day, "x") for day in range(3)])
    assert len(read_timeline(engine, NAMES, None, 50).events) == 3
    assert engine.history.offset == 0
    engine.ingest([view({"userId": "ada"}, 3, "x")])
    assert len(read_timeline(engine, NAMES, None, 50).events) == 4
    assert engine.history.offset == 4


@pytest.mark.parametrize("text", ["", "x", "W10", "WzEsIDJd", "é", "A" * 2_000, "WyJhIiwiYiJd"])
def test_a_cursor_of_ones_own_making_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="cursor"):
        read_cursor(text)
