"""Caps, quiet hours, cooldowns and what a status finds fine."""

import pytest

from customering.decision.contact import (
    QuietHours,
    caps_of,
    contact_loss,
    contract_loss,
    last_contacts,
)
from customering.decision.model import Cap, Contact, DecisionSettings
from customering.kernel.clock import MS_PER_DAY, MS_PER_HOUR, parse_instant
from customering.kernel.errors import InvalidSettings
from customering.relationship.model import ContactContract

NOON_MS = parse_instant("2017-06-01T12:00:00Z")
NEVER_QUIET = QuietHours(DecisionSettings(quiet_from="00:00", quiet_until="00:00"))


def contacts(*ago_days: float, channel: str = "email", action_id: str = "letter"):
    return [
        Contact(at_ms=NOON_MS - int(days * MS_PER_DAY), channel=channel, action_id=action_id)
        for days in ago_days
    ]


@pytest.mark.parametrize(
    ("earlier", "cap", "is_capped"),
    [
        (contacts(1, 2), Cap(channel="email", times=2, days=7), True),
        (contacts(1), Cap(channel="email", times=2, days=7), False),
        (contacts(1, 7), Cap(channel="email", times=2, days=7), False),
        (contacts(1, 7 - 1 / MS_PER_DAY), Cap(channel="email", times=2, days=7), True),
        (contacts(1, 2, channel="sms"), Cap(channel="email", times=2, days=7), False),
        (contacts(1, 2, channel="sms"), Cap(times=2, days=7), True),
        (contacts(1, 2, channel=""), Cap(times=2, days=7), False),
        (contacts(1, 2, channel="sms"), Cap(channel="sms", times=2, days=7), False),
        (contacts(-1), Cap(times=1, days=7), True),
        ([], Cap(channel="email", times=0, days=7), True),
    ],
)
def test_a_cap_counts_contacts_of_its_channel_and_span(earlier, cap, is_capped):
    loss = contact_loss("email", earlier, "", [cap], NEVER_QUIET, NOON_MS)
    assert (loss is not None and loss.code == "cap") == is_capped


def test_a_cap_says_its_limit():
    loss = contact_loss(
        "email", contacts(1), "", [Cap(channel="email", times=1, days=7)], NEVER_QUIET, NOON_MS
    )
    assert loss is not None
    assert loss.words == "We get in touch by email at most once in 7 days."


@pytest.mark.parametrize(
    ("utc", "zone", "is_quiet"),
    [
        ("2017-06-01T12:00:00Z", "", False),
        ("2017-06-01T21:00:00Z", "", True),
        ("2017-06-01T20:59:59Z", "", False),
        ("2017-06-01T08:00:00Z", "", False),
        ("2017-06-01T07:59:59Z", "", True),
        ("2017-06-01T12:00:00Z", "Asia/Tokyo", True),  # 21:00 there
        ("2017-06-01T19:30:00Z", "Europe/Vienna", True),  # 21:30 in summer
        ("2017-12-01T19:30:00Z", "Europe/Vienna", False),  # 20:30 in winter
        ("2017-06-01T12:00:00Z", "No/Where", False),
        ("2017-06-01T22:00:00Z", "No/Where", True),
        ("2017-06-01T22:00:00Z", "../../etc/passwd", True),
        ("2017-06-01T22:00:00Z", "Europe", True),
    ],
)
def test_quiet_hours_go_by_the_clock_of_the_person(utc: str, zone: str, is_quiet: bool):
    hours = QuietHours(DecisionSettings())
    assert hours.cover(parse_instant(utc), zone) == is_quiet


def test_quiet_hours_within_one_day():
    hours = QuietHours(DecisionSettings(quiet_from="12:00", quiet_until="14:00"))
    assert hours.cover(NOON_MS, "")
    assert not hours.cover(NOON_MS + 2 * MS_PER_HOUR, "")


def test_no_quiet_hours():
    assert not any(NEVER_QUIET.cover(NOON_MS + hour * MS_PER_HOUR, "") for hour in range(24))


def test_a_default_zone_that_does_not_exist_is_refused():
    with pytest.raises(InvalidSettings, match="Mars/Olympus"):
        QuietHours(DecisionSettings(zone="Mars/Olympus"))


@pytest.mark.parametrize(
    ("since_ms", "code"), [(3 * MS_PER_DAY, None), (3 * MS_PER_DAY - 1, "cooldown")]
)
def test_an_action_rests_for_its_cooldown(shop, since_ms, code):
    seen = Contact(at_ms=NOON_MS - since_ms, channel="", action_id="bread")
    decision = shop.decide(shop.candidate(cooldown_days=3), person=shop.ada(contacts=(seen,)))
    bread = decision.candidates[0]
    assert bread.lost == code
    assert (bread.words == "You had it on 2017-05-29; it rests for 3 days.") == (code is not None)


def test_the_last_contact_with_each_action_counts():
    earlier = [*contacts(5, 1, 3), *contacts(2, action_id="call")]
    assert last_contacts(earlier) == {
        "letter": NOON_MS - MS_PER_DAY,
        "call": NOON_MS - 2 * MS_PER_DAY,
    }


def test_what_a_status_finds_fine():
    contract = ContactContract(
        kinds=("show", "answer"), unasked_messages_per_30_days=1, words="Shown, not sent."
    )
    assert contract_loss("show_item", contract, is_contact=False) is None
    sent = contract_loss("show_item", contract, is_contact=True)
    assert sent == ("status", "Shown, not sent.")
    assert contract_loss("give_answer", contract, is_contact=True) is None
    assert contract_loss("make_offer", contract, is_contact=False) is not None
    assert contract_loss("make_offer", None, is_contact=True) is None
    cap = Cap(channel="email", times=2, days=7)
    assert caps_of([cap], contract) == [cap, Cap(times=1, days=30)]
    assert caps_of([cap], None) == [cap]
