"""Requests of people: which acts are possible when, and when the answer is due."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.consent.rights import (
    DENIALS,
    KINDS,
    RightsSettings,
    months_after,
    moved,
    opened,
    reminder,
)
from customering.kernel.clock import MS_PER_DAY, format_instant, parse_instant
from customering.kernel.errors import CustomeringError, Invalid, Refused

NOW = parse_instant("2026-01-31T10:00:00Z")
ACTS = ("begin", "verify", "fulfil", "deny", "extend", "revoke", "expire")


def request(kind: str = "access"):
    return opened("req_1", kind, now_ms=NOW, actor="person", words="please")


def test_a_request_is_answered_within_a_calendar_month_and_two_more_at_most() -> None:
    asked = request()
    assert format_instant(asked.expected_by) == "2026-02-28T10:00:00.000Z"
    later = moved(asked, "extend", now_ms=NOW + 1, actor="operator", words="there are many")
    assert format_instant(later.expected_by) == "2026-04-30T10:00:00.000Z"
    with pytest.raises(Refused):
        moved(later, "extend", now_ms=NOW + 2, actor="operator", words="once more")
    with pytest.raises(Invalid):
        moved(asked, "extend", now_ms=NOW + 1, actor="operator")


@pytest.mark.parametrize("kind", KINDS)
def test_every_right_goes_from_open_to_its_end_once(kind: str) -> None:
    done = moved(request(kind), "begin", now_ms=NOW + 1, actor="operator")
    assert done.status == "in_progress"
    assert not done.has_ended
    done = moved(done, "fulfil", now_ms=NOW + 2, actor="operator")
    assert (done.status, done.ended_at) == ("fulfilled", NOW + 2)
    assert [step.act for step in done.steps] == ["open", "begin", "fulfil"]
    for act in ACTS:
        with pytest.raises(Refused):
            moved(done, act, now_ms=NOW + 3, actor="operator", reason="no_match", words="x")


def test_a_denial_says_why() -> None:
    with pytest.raises(Invalid):
        moved(request(), "deny", now_ms=NOW, actor="operator")
    with pytest.raises(Invalid):
        moved(request(), "deny", now_ms=NOW, actor="operator", reason="because")
    with pytest.raises(Invalid):
        moved(request(), "deny", now_ms=NOW, actor="operator", reason="other")
    denied = moved(request(), "deny", now_ms=NOW, actor="operator", reason="no_match")
    assert (denied.status, denied.reason) == ("denied", "no_match")


def test_an_unknown_right_or_act_is_refused() -> None:
    with pytest.raises(Invalid):
        request("everything")
    with pytest.raises(Invalid):
        moved(request(), "burn", now_ms=NOW, actor="operator")  # type: ignore[arg-type]


def test_an_answer_is_called_due_in_time_and_overdue_after() -> None:
    asked, known = request(), RightsSettings()
    assert reminder(asked, known, NOW) is None
    soon = reminder(asked, known, asked.expected_by - 7 * MS_PER_DAY)
    assert soon is not None
    assert soon.days_left == 7
    late = reminder(asked, known, asked.expected_by + 1)
    assert late is not None
    assert late.days_left == -1
    done = moved(asked, "fulfil", now_ms=NOW, actor="operator")
    assert reminder(done, known, asked.expected_by + 1) is None


@given(st.lists(st.tuples(st.sampled_from(ACTS), st.sampled_from([*DENIALS, ""])), max_size=8))
@settings(max_examples=100, deadline=None)
def test_whatever_is_tried_a_request_never_leaves_its_end(acts: list[tuple[str, str]]) -> None:
    now, end = request(), None
    for number, (act, reason) in enumerate(acts):
        try:
            now = moved(now, act, now_ms=NOW + number, actor="x", reason=reason, words="w")
        except CustomeringError:
            continue
        assert end is None, "nothing happens after the end"
        end = now.ended_at
        assert (end is None) == (now.status in ("open", "in_progress"))
        assert now.expected_by <= months_after(now.received_at, 3)


@given(st.integers(0, 4_000_000_000_000), st.integers(0, 24))
@settings(max_examples=100, deadline=None)
def test_months_are_never_longer_than_the_calendar_says(instant: int, months: int) -> None:
    later = months_after(instant, months)
    assert months * 28 <= (later - instant) / MS_PER_DAY <= months * 31
    assert later % MS_PER_DAY == instant % MS_PER_DAY
