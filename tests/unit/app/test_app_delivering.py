"""What was decided a while ago is asked about again at the moment of sending."""

from dataclasses import replace
from typing import Any

import pytest

from customering.app.delivering import ask_again
from customering.consent.gate import CompiledPolicy
from customering.consent.model import ConsentSettings
from customering.consent.purposes import shipped_purposes
from customering.decision.model import Action, Decision
from customering.relationship.model import DeclaredStatus

NOW = 1_780_000_000_000
POLICY = CompiledPolicy(shipped_purposes(), ConsentSettings())
NEWS = Action(action_id="news", kind="send_message", title="News", purpose="marketing.email")
OFFER = Action(action_id="offer", kind="make_offer", title="Offer", purpose="personalize.offers")
BARE = Action(action_id="bare", kind="make_offer", title="Bare")
ACTIONS = {one.action_id: one for one in (NEWS, OFFER, BARE)}
ALLOWED: dict[str, Any] = dict.fromkeys(
    ("marketing.email", "personalize.offers", "personalize.web"), (1, "allow")
)
MAIL = Decision(
    decision_id="dec_a", person_id="per_a", placement="mail", purpose="marketing.email",
    channel="email", decided_at=NOW - 10, expires_at=NOW + 10, candidates=(), chosen=("news",),
    propensity=1.0, choice="best", policy_version="v", seed=1, reasons=(),
)  # fmt: skip
PAGE = replace(MAIL, placement="home", purpose="personalize.web", channel="", chosen=("offer",))


class Somebody:
    """Stands for a person of whom only their words matter."""

    def __init__(self, consent: Any, status: str | None = None) -> None:
        self.consent = consent
        self.declared_status = None if status is None else DeclaredStatus(status=status, since_ms=1)  # type: ignore[arg-type]


def asked(made: Decision, person: Any, now_ms: int = NOW) -> list[tuple[str, bool, str]]:
    said = ask_again(made, person, ACTIONS, POLICY, now_ms)
    return [(one.action_id, one.is_permitted, one.reason) for one in said]


def without(key: str) -> dict[str, Any]:
    return {**ALLOWED, key: (2, "deny")}


@pytest.mark.parametrize(
    ("made", "person", "expected"),
    [
        (MAIL, Somebody(ALLOWED), (True, "agreed")),
        (MAIL, Somebody(without("marketing.email")), (False, "denied")),
        (MAIL, Somebody({}), (False, "never_asked")),
        (MAIL, Somebody({**ALLOWED, "objection:marketing": (2, "deny")}), (False, "objection")),
        (MAIL, Somebody({**ALLOWED, "restriction:all": (2, "deny")}), (False, "restriction")),
        (MAIL, Somebody(ALLOWED, "on_a_break"), (False, "status")),
        (MAIL, Somebody({"marketing.email": None}), (False, "fault")),
        (replace(MAIL, channel="sms"), Somebody(ALLOWED), (False, "channel")),
        (replace(MAIL, chosen=("gone",)), Somebody(ALLOWED), (False, "unknown_action")),
        (replace(MAIL, chosen=("bare",)), Somebody(ALLOWED), (False, "unknown_purpose")),
        (replace(MAIL, expires_at=NOW), Somebody(ALLOWED), (False, "expired")),
        (replace(MAIL, not_before=NOW + 1), Somebody(ALLOWED), (False, "not_yet")),
        (PAGE, Somebody(ALLOWED), (True, "agreed")),
        # The place was filled for this very person, so its purpose is asked too.
        (PAGE, Somebody(without("personalize.web")), (False, "denied")),
        (PAGE, Somebody(without("personalize.offers")), (False, "denied")),
        (replace(PAGE, chosen=("item:7",)), Somebody(ALLOWED), (True, "agreed")),
        # What everybody is shown profiles nobody; who is not that into us is not courted by it.
        (replace(PAGE, choice="common"), Somebody({}), (True, "default")),
        (replace(PAGE, choice="common"), Somebody({}, "not_that_into_you"), (False, "status")),
    ],
)
def test_the_gate_is_asked_as_of_now(made: Decision, person: Any, expected: Any) -> None:
    assert asked(made, person) == [(made.chosen[0], *expected)]


def test_who_is_left_alone_is_sent_nothing() -> None:
    assert asked(replace(MAIL, chosen=("leave_alone",)), Somebody(ALLOWED)) == []
