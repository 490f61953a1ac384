"""What is told of decisions becomes what is learned: when, of whom, and only once."""

from typing import Any

import pytest

from customering.decision.learner import place_of
from customering.decision.learning_settings import LearningSettings, PlaceLearning
from customering.decision.record import products_in
from customering.events.model import CONSENT_UPDATED, DECISION_MADE, Event
from customering.kernel.clock import MS_PER_HOUR
from customering.kernel.errors import Corrupt
from customering.kernel.ids import Identifier
from customering.outcomes.feedback import Feedback
from customering.outcomes.model import EVENT_OF, Outcome

ADA, BOB, BROWSER = (
    Identifier("user_id:ada"),
    Identifier("user_id:bob"),
    Identifier("anonymous_id:b"),
)
HOME = place_of("home", "")


class Story:
    """Events in the order of the log, hour by hour."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def event(self, name: str, hour: float, who: Identifier, **properties: Any) -> Event:
        made = Event(
            event_id=f"e{len(self.events)}",
            kind="track",
            name=name,
            identifiers=(who,),
            occurred_at=round(hour * MS_PER_HOUR),
            recorded_at=0,
            properties=properties,
        )
        self.events.append(made)
        return made

    def decided(
        self, hour: float, *actions: str, who: Identifier = ADA, placement: str = "home"
    ) -> str:
        learning = {
            "format": 1,
            "features": {"weekend": 1.0},
            "seen": [[action, "bread", "catalogue", 0.1] for action in actions],
        }
        return self.event(
            DECISION_MADE, hour, who, placement=placement, channel="", learning=learning
        ).event_id

    def told(
        self,
        outcome: Outcome,
        hour: float,
        decision: str,
        action: str = "",
        who: Identifier = ADA,
    ) -> None:
        self.event(EVENT_OF[outcome], hour, who, decision_id=decision, action_id=action)

    def succeed_once(self) -> None:
        """Let one success be told at the placement, so that silence there means failure."""
        first = self.decided(-100, "first")
        self.told("shown", -100, first, "first")
        self.told("clicked", -100, first, "first")

    def fold(self, settings: LearningSettings | None = None, **options: Any) -> Feedback:
        feedback = Feedback(settings or LearningSettings(), **options)
        feedback.fold(self.events)
        return feedback


@pytest.fixture
def story() -> Story:
    made = Story()
    made.succeed_once()
    return made


def learned(feedback: Feedback) -> tuple[int, int]:
    """Successes and failures beside the first success."""
    return feedback.counts.successes - 1, feedback.counts.failures


def test_nothing_is_learned_before_the_window_closes(story: Story):
    decision = story.decided(0, "bread")
    story.told("shown", 0, decision, "bread")
    story.told("clicked", 1, decision, "bread")
    story.decided(23, "wine")
    assert learned(story.fold()) == (0, 0)
    story.decided(24, "wine")
    assert learned(story.fold()) == (1, 0)


def test_what_was_seen_without_success_has_failed_and_what_nobody_saw_says_nothing(story: Story):
    decision = story.decided(0, "bread", "wine", "cheese")
    story.told("shown", 0, decision, "bread")
    story.told("shown", 0, decision, "wine")
    story.told("clicked", 1, decision, "wine")
    story.decided(30)
    feedback = story.fold()
    assert learned(feedback) == (1, 1)
    assert feedback.counts.unseen == 1


def test_shown_without_an_action_means_all_of_them(story: Story):
    decision = story.decided(0, "bread", "wine")
    story.told("shown", 0, decision)
    story.decided(30)
    assert learned(story.fold()) == (0, 2)


def test_where_all_that_is_decided_is_seen_nothing_need_be_told(story: Story):
    settings = LearningSettings(places={"home": PlaceLearning(exposure="decided")})
    story.decided(0, "bread", "wine")
    story.decided(30)
    assert learned(story.fold(settings)) == (0, 2)


def test_a_placement_may_count_other_outcomes_and_wait_longer(story: Story):
    settings = LearningSettings(
        places={"home": PlaceLearning(success=("bought",), window_hours=100.0)}
    )
    decision = story.decided(0, "bread")
    story.told("shown", 0, decision, "bread")
    story.told("clicked", 1, decision, "bread")
    story.decided(99)
    assert story.fold(settings).learner.version == ""
    story.told("bought", 99, decision, "bread")
    story.decided(100)
    assert story.fold(settings).counts.successes == 1


def test_without_any_success_told_silence_is_no_failure():
    story = Story()
    for hour in (0, 1, 2):
        story.told("shown", hour, story.decided(hour, "bread"), "bread")
    story.decided(90)
    feedback = story.fold()
    assert feedback.learner.version == ""
    assert feedback.counts.unanswered == 3


def bread(feedback: Feedback) -> tuple[float, float]:
    """Give how much was told of bread, and where it pulls."""
    feedback.learner.settle()
    _, mass, pull = feedback.learner.state.named()[1].arms["bread", "bread"]
    return mass, pull


def test_a_late_success_turns_the_failure_round_once(story: Story):
    decision = story.decided(0, "bread")
    story.told("shown", 0, decision, "bread")
    story.decided(30)
    before = bread(story.fold())
    story.told("clicked", 31, decision, "bread")
    story.told("clicked", 32, decision, "bread")
    corrected = story.fold()
    assert corrected.counts.corrected == 1
    after = bread(corrected)
    assert after[0] == pytest.approx(before[0])  # how much it tells was counted already
    assert after[1] > 0.0 > before[1]
    story.decided(200)
    story.told("clicked", 201, story.events[3].event_id, "bread")
    assert story.fold().counts.corrected == 1


def test_a_success_told_twice_counts_once_and_one_of_another_action_not_at_all(story: Story):
    decision = story.decided(0, "bread")
    story.told("shown", 0, decision, "bread")
    story.told("clicked", 1, decision, "wine")
    story.told("clicked", 1, decision, "bread")
    story.told("accepted", 2, decision, "bread")
    story.decided(30)
    assert learned(story.fold()) == (1, 0)


def test_what_somebody_else_tells_of_a_decision_is_not_believed(story: Story):
    decision = story.decided(0, "bread")
    story.told("shown", 0, decision, "bread")
    story.told("clicked", 1, decision, "bread", who=BOB)
    story.told("clicked", 1, decision, "bread", who=BROWSER)
    story.decided(30)
    assert learned(story.fold()) == (0, 1)
    people = {ADA: (ADA, BROWSER), BROWSER: (ADA, BROWSER)}
    known = story.fold(kin=lambda name: people.get(name, (name,)))
    assert learned(known) == (1, 0)


@pytest.mark.parametrize("key", ["personalize.offers", "personalize"])
def test_who_refuses_is_not_learned_from_any_more(story: Story, key: str):
    for who in (ADA, BOB):
        story.told("shown", 0, story.decided(0, "bread", who=who), "bread", who=who)
    story.event(CONSENT_UPDATED, 1, ADA, purposes={key: "deny", "marketing.email": "allow"})
    story.decided(30, who=BOB)
    feedback = story.fold()
    assert learned(feedback) == (0, 1)
    assert feedback.counts.refused == 1


def test_what_is_not_permitted_today_is_left_out_of_a_rebuild(story: Story):
    for who in (ADA, BOB):
        story.told("shown", 0, story.decided(0, "bread", who=who), "bread", who=who)
    story.decided(30, who=BOB)
    assert story.fold(permits=lambda name: name != ADA).counts.failures == 0


def test_a_record_that_says_nothing_of_learning_teaches_nothing(story: Story):
    decision = story.event(DECISION_MADE, 0, ADA, placement="home", channel="").event_id
    story.told("shown", 0, decision, "bread")
    story.decided(30)
    assert learned(story.fold()) == (0, 0)


def test_when_too_many_are_waited_for_the_newest_are_passed_over(story: Story):
    settings = LearningSettings(pending_max=3, late_hours=0.0)
    for number in range(5):
        story.told("shown", 0, story.decided(number / 10, f"a{number}"), f"a{number}")
    story.decided(30)
    feedback = story.fold(settings)
    assert feedback.counts.passed_over == 2
    assert learned(feedback) == (0, 3)


def test_a_clock_that_is_set_from_outside_closes_nothing(story: Story):
    decision = story.decided(0, "bread")
    story.told("shown", 9_999, decision, "bread")
    story.told("clicked", 9_999, decision, "bread")
    assert learned(story.fold()) == (0, 0)


def test_any_cut_and_any_restart_give_the_same_to_the_last_bit(story: Story):
    for number in range(40):
        who = (ADA, BOB)[number % 2]
        decision = story.decided(number * 5, f"a{number % 4}", "x", who=who)
        story.told("shown", number * 5, decision, who=who)
        if number % 3 == 0:
            story.told("clicked", number * 5 + 1, decision, f"a{number % 4}", who=who)
        if number % 7 == 0 and number:
            story.told("clicked", number * 5 + 1, f"e{len(story.events) - 25}", "x", who=who)
    whole = story.fold().to_bytes(0)
    for cut in (1, 17, 50, len(story.events) - 3):
        first = Feedback(LearningSettings())
        first.fold(story.events[:cut])
        second = Feedback(LearningSettings())
        assert second.restore(first.to_bytes(cut)) == cut
        for event in story.events[cut:]:
            second.fold([event])
        assert second.to_bytes(0) == whole


def test_what_was_kept_under_other_settings_or_is_torn_is_not_taken(story: Story):
    kept = story.fold().to_bytes(7)
    other = Feedback(LearningSettings(window_hours=5.0))
    assert other.restore(kept) is None
    assert other.learner.version == ""
    with pytest.raises(Corrupt):
        Feedback(LearningSettings()).restore(kept[:50])


def test_who_is_erased_is_waited_for_no_longer(story: Story):
    story.told("shown", 0, story.decided(0, "bread"), "bread")
    feedback = story.fold()
    feedback.forget([ADA])
    assert feedback.waiting == 0
    assert ADA.encode() not in feedback.to_bytes(0)


# Purchases that name no decision

TOUCHED = LearningSettings(last_touch=True)


def buy(story: Story, hour: float, *products: str, who: Identifier = ADA) -> None:
    lines = [{"product_id": one, "amount_minor": 300} for one in products]
    story.event("Order Completed", hour, who, order_id=f"o{hour}", products=lines)


def test_a_purchase_teaches_what_was_met_last_only_when_it_is_set(story: Story) -> None:
    first = story.decided(0, "item:bread")
    second = story.decided(1, "item:bread", "item:wine")
    story.told("shown", 1, second, "item:bread")
    story.told("shown", 2, first)
    buy(story, 3, "bread", "cake")
    story.decided(60, "later")
    off = story.fold()
    assert off.counts.touched == 0
    on = story.fold(TOUCHED)
    assert (on.counts.touched, on.counts.successes) == (1, off.counts.successes + 1)
    assert on.counts.failures == off.counts.failures - 1
    bread = [one for one in on._pending.values() if "item:bread" in one.succeeded]
    assert [one.decided_at for one in bread] == [0], "the first decision was seen last"


@pytest.mark.parametrize("why", ["unseen", "dismissed", "before", "another", "clicks", "other"])
def test_what_was_not_bought_because_of_it_is_not_its_success(story: Story, why: str) -> None:
    decision = story.decided(10, "item:bread")
    if why != "unseen":
        story.told("shown", 10, decision, "item:bread")
    if why == "dismissed":
        story.told("dismissed", 11, decision, "item:bread")
    buy(
        story,
        9 if why == "before" else 12,
        "wine" if why == "other" else "bread",
        who=BOB if why == "another" else ADA,
    )
    settings = LearningSettings(
        last_touch=True, success=("clicked",) if why == "clicks" else ("bought",)
    )
    assert story.fold(settings).counts.touched == 0


def test_whatever_is_decided_is_met_where_that_is_set(story: Story) -> None:
    story.decided(0, "item:bread")
    buy(story, 3, "bread")
    seen = LearningSettings(last_touch=True, exposure="decided")
    assert story.fold(seen).counts.touched == 1


def test_what_an_action_was_about_is_in_its_record(story: Story) -> None:
    learning = {
        "format": 1,
        "features": {},
        "seen": [["week", "bread", "catalogue", 0.1], ["item:tea", "tea", "repeat", 0.1]],
        "about": {"week": ["bread", "rolls"]},
    }
    made = story.event(DECISION_MADE, 0, ADA, placement="home", channel="", learning=learning)
    assert products_in(made) == {"week": ("bread", "rolls"), "item:tea": ("tea",)}
    story.told("clicked", 1, made.event_id, "week")
    buy(story, 2, "rolls")
    feedback = story.fold(LearningSettings(last_touch=True, success=("bought",)))
    assert feedback.counts.touched == 1


@pytest.mark.parametrize("cut", range(1, 9))
def test_last_touch_is_the_same_however_the_log_is_cut(story: Story, cut: int) -> None:
    first = story.decided(0, "item:bread")
    story.told("shown", 1, first)
    buy(story, 3, "bread")
    second = story.decided(30, "item:bread")
    story.told("clicked", 31, second)
    buy(story, 40, "bread")
    story.decided(200, "item:wine")
    whole = story.fold(TOUCHED)
    begun = Feedback(TOUCHED)
    begun.fold(story.events[:cut])
    resumed = Feedback(TOUCHED)
    assert resumed.restore(begun.to_bytes(cut)) == cut
    resumed.fold(story.events[cut:])
    assert resumed.to_bytes(9) == whole.to_bytes(9)


# What counts as success


def test_success_is_set_for_a_channel_a_place_and_an_action() -> None:
    settings = LearningSettings(
        channels={"push": PlaceLearning(success=("clicked",))},
        places={"weekly": PlaceLearning(success=("bought",))},
        actions={"survey": ("clicked", "accepted")},
    )
    assert settings.success_of("wine", "home") == ("clicked", "accepted", "bought")
    assert settings.success_of("wine", "mail", "email") == ("accepted", "bought")
    assert settings.success_of("wine", "mail", "push") == ("clicked",)
    assert settings.success_of("wine", "weekly", "push") == ("bought",)
    assert settings.success_of("survey", "weekly", "email") == ("clicked", "accepted")


def test_a_click_in_a_letter_is_no_success_unless_it_is_set(story: Story) -> None:
    def letter(hour: float) -> str:
        learning = {"format": 1, "features": {}, "seen": [["wine", "", "catalogue", 0.1]]}
        return story.event(
            DECISION_MADE, hour, ADA, placement="mail", channel="email", learning=learning
        ).event_id

    accepted, clicked = letter(0), letter(1)
    for decision in (accepted, clicked):
        story.told("shown", 2, decision)
        story.told("clicked", 2, decision)
    story.told("accepted", 3, accepted)
    story.decided(80, "later")
    usual = story.fold().counts
    assert (usual.successes, usual.failures) == (2, 1)
    clicks = story.fold(LearningSettings(actions={"wine": ("clicked",)})).counts
    assert (clicks.successes, clicks.failures) == (3, 0)
