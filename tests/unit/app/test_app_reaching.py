"""A message goes by the channel and at the hour its person answers most, with the reason."""

from collections.abc import Iterator
from typing import Any

import pytest

from customering.app.deciding import request_for
from customering.app.engine import Engine
from customering.decision.model import Decision
from customering.decision.record import decision_of, event_of
from customering.events.model import CONSENT_UPDATED, FACT_CORRECTED
from customering.kernel.clock import MS_PER_DAY, MS_PER_HOUR, format_instant, parse_instant
from customering.kernel.ids import Identifier
from town import PERMITTED, OpenShop

NOW = parse_instant("2026-06-01T10:20:00Z")
ADA = Identifier("user_id:ada")
ALLOWED = (*PERMITTED, "marketing.email", "marketing.push")
QUIET = ("decision.exploration_share=0", "decision.control_share=0", "decision.random_share=0")
LETTER = """
[[action]]
action_id = "letter_{channel}"
kind = "ask_question"
title = "A letter"
purpose = "marketing.{channel}"
channel = "{channel}"
value_minor = 900
base_propensity = 0.5
"""


@pytest.fixture
def shop(open_shop: OpenShop) -> Iterator[Engine]:
    engine = open_shop(permitted=ALLOWED, present="2026-06-01T10:20:00Z", overrides=QUIET)
    text = "".join(LETTER.format(channel=one) for one in ("email", "push"))
    (engine.home.folder / "actions.toml").write_text(text)
    with engine:
        yield engine


def answers(name: str, hour: int, *days_ago: int, who: str = "ada") -> list[dict[str, Any]]:
    return [
        {
            "type": "track",
            "event": name,
            "userId": who,
            "timestamp": format_instant(
                NOW - NOW % MS_PER_DAY - ago * MS_PER_DAY + hour * MS_PER_HOUR
            ),
            "messageId": f"{name}-{who}-{hour}-{ago}",
            "properties": {"message_id": f"m{ago}"},
        }
        for ago in days_ago
    ]


def decided(engine: Engine, channel: str = "email") -> Decision:
    return engine.decide(ADA, request_for("mail", channel, 1))


def test_a_message_waits_for_the_hour_of_its_person(shop: Engine) -> None:
    shop.ingest(answers("Email Opened", 18, 2, 4, 6, 9, 11))
    made = decided(shop)
    assert made.chosen == ("letter_email",)
    assert made.not_before == parse_instant("2026-06-01T18:00:00Z")
    assert made.not_before < made.expires_at
    assert "You answer most around 18:00." in made.reasons
    assert decision_of(event_of(made, (ADA,), NOW)) == made


def test_in_the_hour_itself_nothing_waits(shop: Engine) -> None:
    shop.ingest(answers("Email Opened", 10, 2, 4, 6, 9, 11))
    made = decided(shop)
    assert made.not_before == 0
    assert "You answer most around 10:00." in made.reasons


def test_who_hardly_answered_is_written_to_at_once(shop: Engine) -> None:
    shop.ingest(answers("Email Opened", 18, 2))
    made = decided(shop)
    assert made.not_before == 0
    assert "We do not know yet at which hour you answer most." in made.reasons


def test_quiet_hours_and_wishes_stand_above_the_hour(shop: Engine) -> None:
    shop.ingest([*answers("Email Opened", 23, 2, 4, 6, 9, 11), *answers("Email Opened", 17, 3, 5)])
    assert decided(shop).not_before == parse_instant("2026-06-01T17:00:00Z")
    wishes = {"begins": "08:00", "ends": "16:00"}
    shop.note(FACT_CORRECTED, [ADA], {"facts": {"contact_wishes": wishes}})
    assert decided(shop).not_before < parse_instant("2026-06-02T16:00:00Z")
    assert decided(shop).not_before // MS_PER_HOUR % 24 not in (16, 17, 23)


def test_the_clock_of_the_person_is_told(shop: Engine) -> None:
    shop.ingest(answers("Email Opened", 14, 2, 4, 6, 9, 11))
    shop.note(FACT_CORRECTED, [ADA], {"facts": {"zone": "Europe/Vienna"}})
    made = decided(shop)
    assert made.not_before == parse_instant("2026-06-01T14:00:00Z")
    assert "You answer most around 16:00." in made.reasons


def test_a_place_on_a_page_waits_for_nothing(shop: Engine) -> None:
    shop.ingest(answers("Email Opened", 18, 2, 4, 6, 9, 11))
    assert decided(shop, "").not_before == 0


def test_left_to_us_it_goes_by_the_channel_that_is_answered(shop: Engine) -> None:
    shop.ingest(
        [*answers("Push Notification Tapped", 9, 1, 2, 3, 5), *answers("Email Delivered", 9, 1, 2)]
    )
    made = decided(shop, "best")
    assert (made.channel, made.purpose) == ("push", "marketing.push")
    assert made.chosen == ("letter_push",)
    assert "You answer most by push." in made.reasons


def test_a_channel_that_is_refused_is_never_the_best(shop: Engine) -> None:
    shop.ingest(answers("Push Notification Tapped", 9, 1, 2, 3, 5))
    shop.note(CONSENT_UPDATED, [ADA], {"purposes": {"marketing.push": "deny"}})
    made = decided(shop, "best")
    assert made.channel == "email"
    assert "You may be reached by email only." in made.reasons
    shop.note(CONSENT_UPDATED, [ADA], {"purposes": {"marketing.email": "deny"}})
    assert decided(shop, "best").chosen == ("leave_alone",)


def test_everybody_is_learned_from_the_history(shop: Engine) -> None:
    for number in range(12):
        shop.ingest(answers("Email Opened", 7, 2, 4, 6, who=f"p{number}"))
        shop.ingest(answers("Email Delivered", 7, 2, 4, 6, 8, who=f"p{number}"))
    shop.learn()
    everybody = shop.models.answering
    assert everybody.people == 12
    assert everybody.rates == {"email": 0.75}
    assert max(range(24), key=lambda hour: everybody.hours[hour]) == 7
    assert sum(everybody.hours) == pytest.approx(1.0)
