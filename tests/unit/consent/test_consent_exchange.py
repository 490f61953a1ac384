"""What came back for a purpose: counted within its days, for this purpose alone."""

from customering.consent.exchange import Given, came_back
from customering.kernel.clock import MS_PER_DAY

NOW = 200 * MS_PER_DAY
OFFERS = "personalize.offers"


def test_only_what_was_done_for_the_purpose_in_its_days_counts() -> None:
    given = [
        Given(OFFERS, NOW - 1 * MS_PER_DAY, True, 2_000),
        Given(OFFERS, NOW - 89 * MS_PER_DAY, True, 2_120),
        Given(OFFERS, NOW - 2 * MS_PER_DAY, False, 0),
        Given(OFFERS, NOW - 90 * MS_PER_DAY, True, 9_999),
        Given(OFFERS, NOW + 1, True, 9_999),
        Given("marketing.email", NOW, True, 9_999),
    ]
    back = came_back(given, OFFERS, NOW, currency="EUR")
    assert (back.offers, back.used, back.saved_minor) == (3, 2, 4_120)
    assert back.words == "In the last 90 days: 3 for you, 2 of them used, 41.20 EUR saved."


def test_what_was_not_used_saves_nothing() -> None:
    back = came_back([Given(OFFERS, NOW, False, 500)], OFFERS, NOW, currency="EUR")
    assert (back.offers, back.used, back.saved_minor) == (1, 0, 0)
    assert back.words == "In the last 90 days: 1 for you, 0 of them used."


def test_nothing_is_said_to_have_come_back_when_nothing_did() -> None:
    assert came_back([], OFFERS, NOW, currency="EUR").words == (
        "In the last 90 days nothing came back for it."
    )
