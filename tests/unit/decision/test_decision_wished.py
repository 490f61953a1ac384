"""How often and when a person wants to hear from us is kept to, by their own clock."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from customering.decision.model import Contact
from customering.decision.wished import wished_loss
from customering.kernel.clock import parse_instant
from customering.relationship.contact_wishes import ContactWishes, read_contact_wishes

NOW = parse_instant("2026-06-01T10:30:00Z")
DAY = 86_400_000
VIENNA = ZoneInfo("Europe/Vienna")  # two hours ahead in summer


def contacts(*days_ago: int, channel: str = "email") -> list[Contact]:
    return [
        Contact(at_ms=NOW - days * DAY, channel=channel, action_id=f"a{days}") for days in days_ago
    ]


def test_who_wishes_nothing_is_not_limited() -> None:
    assert wished_loss(None, contacts(0, 1, 2), VIENNA, NOW) is None
    assert wished_loss(ContactWishes(), contacts(0, 1, 2), VIENNA, NOW) is None


@pytest.mark.parametrize(
    ("days_ago", "is_too_often"), [((3,), False), ((3, 29), True), ((3, 30), False)]
)
def test_so_often_in_so_many_days(days_ago: tuple[int, ...], is_too_often: bool) -> None:
    loss = wished_loss(ContactWishes(times=2, days=30), contacts(*days_ago), VIENNA, NOW)
    assert (loss is not None) is is_too_often
    if loss is not None:
        assert loss == ("cap", "You asked us to get in touch at most 2 times in 30 days.")


def test_what_was_only_shown_does_not_count_and_never_is_never() -> None:
    wishes = ContactWishes(times=1, days=7)
    assert wished_loss(wishes, contacts(1, channel=""), VIENNA, NOW) is None
    assert wished_loss(ContactWishes(times=0, days=7), [], VIENNA, NOW) is not None


@pytest.mark.parametrize(
    ("begins", "ends", "is_welcome"),
    [("12:00", "13:00", True), ("12:31", "13:00", False), ("09:00", "12:30", False),
     ("22:00", "13:00", True), ("22:00", "07:00", False)],
)  # fmt: skip
def test_hours_are_those_of_the_person(begins: str, ends: str, is_welcome: bool) -> None:
    loss = wished_loss(ContactWishes(begins=begins, ends=ends), [], VIENNA, NOW)  # 12:30 there
    assert (loss is None) is is_welcome
    if loss is not None:
        assert loss.code == "quiet_hours"
        assert begins in loss.words


@pytest.mark.parametrize(
    "fact",
    [None, "often", [], {"times": -1, "days": 7}, {"times": 2}, {"times": 2, "days": 0},
     {"begins": "08:00"}, {"begins": "25:00", "ends": "26:00"}, {"begins": "8", "ends": "9"},
     {"begins": "08:00", "ends": "08:00"}],
)  # fmt: skip
def test_what_cannot_be_read_limits_nothing(fact: Any) -> None:
    assert read_contact_wishes(fact) is None
