"""Decisions as a whole: one person, one place, one reason each."""

from typing import Any

import pytest
from msgspec.structs import replace

from customering.consent.model import SetStatus
from customering.decision.explore import is_control
from customering.decision.model import Contact, Decision, DecisionRequest
from customering.decision.record import decision_of, event_of
from customering.kernel.clock import MS_PER_DAY, MS_PER_HOUR, format_day
from customering.kernel.ids import Identifier
from customering.relationship.model import ContactContract


def lost_of(decision: Decision) -> dict[str, str | None]:
    return {one.action_id: one.lost for one in decision.candidates}


def offer(shop: Any, action_id: str = "offer", **fields: Any) -> Any:
    usual = {"kind": "make_offer", "purpose": "personalize.offers", "found_by": "catalogue"}
    return shop.candidate(action_id, **{**usual, **fields})


def test_the_home_page_shows_the_best_and_says_why(shop: Any):
    decision = shop.decide(
        shop.candidate("wine", 0.1),
        shop.candidate("bread", 0.6, facts={"times_bought": 9}),
        request=replace(shop.home, slots=1),
    )
    assert decision.chosen == ("bread",)
    assert decision.choice == "best"
    assert decision.propensity == 1.0
    assert decision.reasons == ("You bought it 9 times.",)
    assert lost_of(decision) == {"wine": "outscored", "bread": None, "leave_alone": "outscored"}


def test_every_part_of_the_score_is_kept(shop: Any):
    decision = shop.decide(shop.candidate("bread", 0.25, 80, lever=1.5))
    bread = decision.candidates[0]
    assert (bread.propensity, bread.value_minor, bread.lever) == (0.25, 80, 1.5)
    assert bread.score == pytest.approx(30.0)
    assert bread.rank == 1


def test_a_message_is_sent_when_it_is_worth_the_attention(shop: Any):
    worth, not_worth = offer(shop, value_minor=21), offer(shop, value_minor=20)
    assert shop.decide(worth, request=shop.mail).chosen == ("offer",)
    quiet = shop.decide(not_worth, request=shop.mail)
    assert quiet.chosen == ("leave_alone",)
    assert lost_of(quiet) == {"offer": "quiet_better", "leave_alone": None}
    assert quiet.candidates[-1].score == 10.0
    assert quiet.reasons == (
        "Nothing we could do now is worth your attention, so we leave you alone.",
    )


def test_a_channel_nobody_priced_costs_as_much_as_the_dearest(shop: Any):
    request = DecisionRequest(placement="mail", purpose="marketing.email", channel="email")
    decision = shop.decide(offer(shop), request=request, attention_cost_minor={"sms": 30})
    assert decision.candidates[-1].score == 30.0


@pytest.mark.parametrize(
    ("person", "code"),
    [
        ({"consent": {}}, "consent"),
        ({"consent": {"personalize.offers": (1, "allow")}}, "consent"),
        ({"status": SetStatus(status="on_a_break")}, "status"),
        ({"status": SetStatus(status="not_that_into_you")}, "status"),
        ({"status": SetStatus(status="left")}, "status"),
        ({"status": SetStatus(status="smitten")}, "status"),
        ({"zone": "Asia/Tokyo"}, "quiet_hours"),
    ],
)
def test_a_person_who_may_not_be_contacted_is_left_alone(
    shop: Any, person: dict[str, Any], code: str
):
    decision = shop.decide(offer(shop), request=shop.mail, person=shop.ada(**person))
    assert decision.chosen == ("leave_alone",)
    assert lost_of(decision) == {"offer": code, "leave_alone": None}
    assert decision.reasons == (decision.candidates[0].words,)


def test_a_cap_leaves_the_person_alone(shop: Any):
    contacts = tuple(
        Contact(at_ms=shop.now_ms - day * MS_PER_DAY, channel="email", action_id="letter")
        for day in (1, 2)
    )
    capped = shop.decide(offer(shop), request=shop.mail, person=shop.ada(contacts=contacts))
    assert lost_of(capped)["offer"] == "cap"
    shown = shop.decide(offer(shop), person=shop.ada(contacts=contacts))
    assert shown.chosen == ("offer",)


def test_an_action_rests_after_contact(shop: Any):
    contacts = (Contact(at_ms=shop.now_ms - MS_PER_HOUR, channel="", action_id="offer"),)
    decision = shop.decide(
        offer(shop, cooldown_days=1), offer(shop, "other"), person=shop.ada(contacts=contacts)
    )
    assert lost_of(decision)["offer"] == "cooldown"
    assert decision.chosen == ("other",)


def test_what_a_person_said_no_to_rests_for_thirty_days_or_its_cooldown(shop: Any):
    today = shop.now_ms // MS_PER_DAY
    dismissed = {"offer": today - 30, "rare": today - 31, "gone": today}
    offers = (offer(shop), offer(shop, "rare", cooldown_days=31), offer(shop, "other"))
    decision = shop.decide(*offers, person=shop.ada(dismissed=dismissed))
    assert decision.chosen == ("other",)
    assert lost_of(decision)["offer"] == lost_of(decision)["rare"] == "dismissed"
    said = [one.words for one in decision.candidates]
    assert said[0] == f"You said no to it on {format_day(today - 30)}; it rests for 30 days."
    assert said[1] == f"You said no to it on {format_day(today - 31)}; it rests for 31 days."
    assert decision_of(event_of(decision, (Identifier("user_id:ada"),), shop.now_ms)) == decision
    rested = {"offer": today - 31, "rare": today - 32}
    rested_now = lost_of(shop.decide(*offers, person=shop.ada(dismissed=rested)))
    assert "dismissed" not in rested_now.values()


def test_that_a_person_said_no_is_told_before_that_they_had_it(shop: Any):
    contacts = (Contact(at_ms=shop.now_ms, channel="", action_id="offer"),)
    ada = shop.ada(contacts=contacts, dismissed={"offer": shop.now_ms // MS_PER_DAY})
    assert lost_of(shop.decide(offer(shop, cooldown_days=9), person=ada))["offer"] == "dismissed"


def test_the_purpose_of_each_action_is_asked(shop: Any):
    person = shop.ada(consent={"personalize.web": (1, "allow")})
    decision = shop.decide(offer(shop), shop.candidate("bread"), person=person)
    assert lost_of(decision)["offer"] == "consent"
    assert decision.chosen == ("bread",)


def test_an_item_sent_by_mail_needs_both_purposes(shop: Any):
    item = shop.candidate("bread", purpose="personalize.web")
    only_mail = shop.ada(consent={"marketing.email": (1, "allow")})
    assert lost_of(shop.decide(item, request=shop.mail, person=only_mail))["bread"] == "consent"
    assert shop.decide(item, request=shop.mail).chosen == ("bread",)


def test_without_permission_the_page_is_what_everybody_gets(shop: Any):
    candidates = [
        shop.candidate("own", 0.9, base_propensity=0.0),
        shop.candidate("liked", 0.1, base_propensity=0.2, facts={"times_bought": 5}),
        shop.candidate("popular", 0.0, base_propensity=0.3),
        shop.candidate("regulars", 0.9, base_propensity=0.9, eligibility="orders > 3"),
    ]
    person = shop.ada(consent={}, traits={"orders": 9})
    decision = shop.decide(*candidates, person=person, exploration_share=1.0)
    assert decision.choice == "common"
    assert decision.chosen == ("popular", "liked")
    assert decision.propensity == 1.0
    assert lost_of(decision)["own"] == "personal_only"
    assert lost_of(decision)["regulars"] == "not_eligible"
    assert "You have not agreed" in decision.reasons[0]
    assert decision.candidates[1].words == "Everybody is shown this."


def test_a_person_who_is_not_into_us_is_not_courted_even_with_what_everybody_gets(shop: Any):
    person = shop.ada(consent={}, status=SetStatus(status="not_that_into_you"))
    decision = shop.decide(offer(shop), shop.candidate("bread"), person=person)
    assert lost_of(decision)["offer"] == "status"
    assert decision.chosen == ("bread",)


def test_the_control_group_gets_what_everybody_gets_and_no_mail(shop: Any):
    page = shop.decide(
        shop.candidate("liked", 0.9, base_propensity=0.01),
        shop.candidate("popular", 0.1, base_propensity=0.3),
        control_share=1.0,
        exploration_share=1.0,
    )
    assert page.choice == "control"
    assert page.chosen == ("popular", "liked")
    assert page.propensity == 1.0
    assert "group" in page.reasons[0]
    mail = shop.decide(offer(shop), request=shop.mail, control_share=1.0)
    assert (mail.choice, mail.chosen, mail.propensity) == ("control", ("leave_alone",), 1.0)
    assert lost_of(mail)["offer"] == "control"


def test_a_person_stays_in_or_out_of_the_control_group():
    people = [f"per_{number}" for number in range(4000)]
    inside = [person for person in people if is_control(1, person, 0.05)]
    assert 140 < len(inside) < 260
    assert all(is_control(1, person, 0.10) for person in inside)
    assert inside != [person for person in people if is_control(2, person, 0.05)]


def test_a_service_message_knows_no_control_group_no_caps_and_no_chance(shop: Any):
    request = DecisionRequest(placement="service", purpose="essential.service", channel="email")
    answer = shop.candidate(
        "answer", 0.0, 0, kind="give_answer", purpose="essential.service", channel="email"
    )
    contacts = tuple(
        Contact(at_ms=shop.now_ms - 1, channel="email", action_id="x") for _ in range(9)
    )
    person = shop.ada(
        consent={}, contacts=contacts, status=SetStatus(status="left"), zone="Asia/Tokyo"
    )
    decision = shop.decide(
        answer,
        offer(shop),
        request=request,
        person=person,
        control_share=1.0,
        exploration_share=1.0,
    )
    assert decision.chosen == ("answer",)
    assert decision.choice == "best"
    assert lost_of(decision)["offer"] == "status"
    fond = shop.decide(answer, offer(shop), request=request, person=shop.ada())
    assert lost_of(fond)["offer"] == "not_essential"


def test_a_status_says_which_kinds_are_fine_and_how_many(shop: Any):
    contract = ContactContract(
        kinds=("show", "message"), unasked_messages_per_30_days=1, words="Few and plain."
    )
    person = shop.ada(contract=contract)
    decision = shop.decide(offer(shop), shop.candidate("bread"), person=person)
    assert lost_of(decision)["offer"] == "status"
    assert decision.chosen == ("bread",)
    contacted = replace(
        person,
        contacts=(Contact(at_ms=shop.now_ms - 20 * MS_PER_DAY, channel="email", action_id="x"),),
    )
    mail = shop.decide(shop.candidate("bread"), request=shop.mail, person=contacted)
    assert lost_of(mail)["bread"] == "cap"


def test_what_is_offered_twice_is_considered_once(shop: Any):
    decision = shop.decide(shop.candidate("bread", 0.2), shop.candidate("bread", 0.9))
    assert [one.lost for one in decision.candidates] == [None, "duplicate", "outscored"]


def test_leaving_alone_cannot_be_smuggled_in(shop: Any):
    decision = shop.decide(shop.candidate("leave_alone"), shop.candidate("x", kind="leave_alone"))
    assert [one.lost for one in decision.candidates] == ["duplicate", "duplicate", None]


def test_without_candidates_the_person_is_left_alone(shop: Any):
    decision = shop.decide()
    assert decision.chosen == ("leave_alone",)
    assert decision.propensity == 1.0
    assert decision.reasons == ("Nothing comes into question for you now, so we leave you alone.",)


def test_a_drawn_first_place_is_told_with_its_chance(shop: Any):
    candidates = [shop.candidate(name, (n + 1) / 10) for n, name in enumerate("abcd")]
    request, person = replace(shop.home, slots=2), shop.ada(person_id="per_2")
    decision = shop.decide(*candidates, request=request, person=person, exploration_share=1.0)
    assert decision.choice == "drawn"
    assert decision.propensity == pytest.approx(0.25)
    assert "drawn by chance among 4" in decision.reasons[-1]
    drawn = decision.chosen[0]
    pushed_out = {"d", "c"} - set(decision.chosen)
    assert {lost_of(decision)[name] for name in pushed_out} <= {"exploration"}
    assert drawn in "abcd"


def test_chance_may_choose_quiet_instead_of_a_message(shop: Any):
    candidates = [offer(shop, name, value_minor=1000) for name in "abc"]
    choices = set()
    for number in range(60):
        person = shop.ada(person_id=f"per_{number}")
        decision = shop.decide(*candidates, request=shop.mail, person=person, exploration_share=1.0)
        assert decision.propensity == pytest.approx(0.25)
        choices.add(decision.chosen)
        if decision.chosen == ("leave_alone",):
            assert lost_of(decision)["a"] == "exploration"
            assert lost_of(decision)["b"] == "outscored"
    assert choices == {("a",), ("b",), ("c",), ("leave_alone",)}


def test_chance_is_the_same_all_day_and_survives_a_new_candidate(shop: Any):
    candidates = [shop.candidate(name) for name in "abcdefgh"]
    morning = shop.decide(*candidates, exploration_share=1.0)
    evening = shop.decide(*candidates, now_ms=shop.now_ms + 11 * MS_PER_HOUR, exploration_share=1.0)
    assert evening.chosen == morning.chosen
    loser = next(name for name in "abcdefgh" if name != morning.chosen[0])
    fewer = [one for one in candidates if one.action.action_id != loser]
    assert shop.decide(*fewer, exploration_share=1.0).chosen[0] == morning.chosen[0]
    days = {
        shop.decide(
            *candidates, now_ms=shop.now_ms + day * MS_PER_DAY, exploration_share=1.0
        ).chosen[0]
        for day in range(20)
    }
    assert len(days) > 3


def test_a_decision_ends_with_what_it_chose(shop: Any):
    soon = shop.now_ms + MS_PER_HOUR
    assert shop.decide(shop.candidate(valid_until=soon)).expires_at == soon
    assert shop.decide(shop.candidate()).expires_at == shop.now_ms + MS_PER_DAY


def test_another_policy_is_another_version_and_another_decision(shop: Any):
    first = shop.decide(shop.candidate())
    second = shop.decide(shop.candidate(), most_per_group=2)
    assert first.policy_version != second.policy_version
    assert first.decision_id != second.decision_id
