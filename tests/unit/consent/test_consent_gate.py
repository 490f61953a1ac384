"""The gate, question by question: each reason to refuse, and the few to permit."""

from typing import Any

import numpy as np
import pytest

from customering.consent.gate import CompiledPolicy, masks_of, permit
from customering.consent.model import (
    ConsentRecord,
    ConsentSettings,
    Permit,
    Purpose,
    Refusal,
    SetStatus,
    StatedDefault,
    StatusRule,
)
from customering.consent.purposes import PurposeBook, shipped_purposes
from customering.kernel.clock import MS_PER_DAY
from customering.kernel.errors import InvalidDefinition, InvalidSettings

BOOK = shipped_purposes()
POLICY = CompiledPolicy(BOOK, ConsentSettings())
NOW_MS = 100 * MS_PER_DAY
AGREED: ConsentRecord = {"marketing.email": (MS_PER_DAY, "allow")}


def stated(**answers: str) -> CompiledPolicy:
    defaults = {
        key.replace("__", "."): StatedDefault(answer=answer, ground="The operator says so.")
        for key, answer in answers.items()
    }
    return CompiledPolicy(BOOK, ConsentSettings(defaults=defaults))


def ask(
    record: Any = None,
    purpose: str = "marketing.email",
    category: str = "",
    channel: str = "",
    status: SetStatus | None = None,
    policy: CompiledPolicy = POLICY,
) -> Permit | Refusal:
    return permit(record, purpose, category, channel, NOW_MS, policy=policy, status=status)


def test_an_agreement_permits_and_says_since_when():
    answer = ask(AGREED, category="contact.email", channel="email")
    assert isinstance(answer, Permit)
    assert answer.reason == "agreed"
    assert answer.words == "You agreed to 'E-mail' on 1970-01-02."


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"record": None}, "never_asked"),
        ({"record": {}}, "never_asked"),
        ({"purpose": "marketing.fax"}, "unknown_purpose"),
        ({"purpose": "marketing"}, "unknown_purpose"),
        ({"purpose": ""}, "unknown_purpose"),
        ({"record": {"marketing.email": (2, "deny")}}, "denied"),
        ({"record": {**AGREED, "marketing": (0, "deny")}}, "denied"),
        ({"record": {"marketing": (1, "allow")}}, "never_asked"),
        ({"record": {"marketing.sms": (1, "allow")}}, "never_asked"),
        ({"category": "purchases"}, "category"),
        ({"channel": "sms"}, "channel"),
        ({"status": SetStatus(status="left")}, "status"),
        ({"status": SetStatus(status="smitten")}, "unknown_status"),
        ({"record": {"marketing.email": (1, "maybe")}}, "denied"),
        ({"record": {"marketing.email": 5}}, "fault"),
        ({"record": {"marketing.email": (1,)}}, "fault"),
        ({"record": {"marketing.email": None}}, "fault"),
        ({"record": {**AGREED, "marketing": "deny"}}, "fault"),
        ({"record": 7}, "fault"),
        ({"purpose": ["marketing.email"]}, "fault"),
        ({"status": "left"}, "fault"),
    ],
)
def test_every_doubt_refuses(change: dict[str, Any], reason: str):
    answer = ask(**{"record": AGREED, **change})
    assert isinstance(answer, Refusal)
    assert answer.reason == reason
    assert answer.words


def test_a_broken_policy_refuses():
    answer = permit(AGREED, "marketing.email", "", "", NOW_MS, policy=None)  # type: ignore[arg-type]
    assert isinstance(answer, Refusal)
    assert answer.reason == "fault"


def test_a_fault_does_not_tell_what_was_in_the_record():
    answer = ask({"marketing.email": "ada@example.org"})
    assert "ada" not in answer.words


def test_a_category_covers_what_is_below_it():
    assert isinstance(ask({}, "essential.service", "contact.email", "email"), Permit)
    assert isinstance(ask(AGREED, "marketing.email", "contact"), Refusal)


def test_a_purpose_without_channels_never_reaches_out():
    record: ConsentRecord = {"personalize.web": (1, "allow")}
    assert isinstance(ask(record, "personalize.web"), Permit)
    assert isinstance(ask(record, "personalize.web", channel="email"), Refusal)


@pytest.mark.parametrize("purpose", ["essential.service", "essential.legal"])
@pytest.mark.parametrize("status", [None, "on_a_break", "not_that_into_you", "left", "smitten"])
def test_what_is_essential_is_not_a_matter_of_choice_or_status(purpose: str, status: str | None):
    answer = ask(
        {purpose: (1, "deny")}, purpose, status=SetStatus(status=status) if status else None
    )
    assert isinstance(answer, Permit)


@pytest.mark.parametrize("status", ["on_a_break", "not_that_into_you", "left"])
def test_a_restricting_status_forbids_every_contact_that_is_not_essential(status: str):
    for purpose in BOOK.purposes:
        if purpose.channels and not purpose.is_essential:
            answer = ask({purpose.key: (1, "allow")}, purpose.key, status=SetStatus(status=status))
            assert isinstance(answer, Refusal), purpose.key


def test_a_break_ends_when_it_was_said_to_end():
    until_now = SetStatus(status="on_a_break", until_ms=NOW_MS)
    until_later = SetStatus(status="on_a_break", until_ms=NOW_MS + 1)
    assert isinstance(ask(AGREED, status=until_now), Permit)
    refusal = ask(AGREED, status=until_later)
    assert isinstance(refusal, Refusal)
    assert "1970-04-11" in refusal.words


def test_a_break_leaves_the_shop_as_it_was_arranged():
    record: ConsentRecord = {"personalize.web": (1, "allow")}
    assert isinstance(ask(record, "personalize.web", status=SetStatus(status="on_a_break")), Permit)


def test_a_stated_default_holds_until_the_person_chooses():
    policy = stated(personalize__web="allow")
    answer = ask(None, "personalize.web", policy=policy)
    assert isinstance(answer, Permit)
    assert answer.reason == "default"
    assert "The operator says so." in answer.words
    refused = ask({"personalize": (1, "deny")}, "personalize.web", policy=policy)
    assert isinstance(refused, Refusal)


def test_a_default_refusal_goes_downwards_and_an_own_choice_outranks_it():
    policy = stated(personalize="deny", personalize__web="allow")
    assert isinstance(ask(None, "personalize.web", policy=policy), Refusal)
    assert isinstance(
        ask({"personalize.web": (1, "allow")}, "personalize.web", policy=policy), Permit
    )


@pytest.mark.parametrize("answers", [{"marketing__fax": "allow"}, {"marketing": "allow"}])
def test_a_default_must_name_a_purpose(answers: dict[str, str]):
    with pytest.raises(InvalidSettings) as caught:
        stated(**answers)
    assert caught.value.facts["path"].startswith("consent.defaults.marketing")


def test_a_rule_must_name_a_purpose():
    rule = StatusRule(status="left", forbids=("marketting",))
    book = PurposeBook(purposes=BOOK.purposes, rules=(rule,))
    with pytest.raises(InvalidDefinition, match="marketting"):
        CompiledPolicy(book, ConsentSettings())


def test_a_mask_holds_64_purposes():
    purposes = tuple(
        Purpose(key=f"p.{chr(97 + n // 26)}{chr(97 + n % 26)}", title="", text="", basis="consent")
        for n in range(65)
    )
    CompiledPolicy(PurposeBook(purposes=purposes[:64], rules=()), ConsentSettings())
    with pytest.raises(InvalidDefinition, match="65 purposes"):
        CompiledPolicy(PurposeBook(purposes=purposes, rules=()), ConsentSettings())


def test_the_last_of_64_purposes_fits_a_column():
    purposes = tuple(
        Purpose(key=f"p.{chr(97 + n // 26)}{chr(97 + n % 26)}", title="", text="", basis="consent")
        for n in range(64)
    )
    policy = CompiledPolicy(PurposeBook(purposes=purposes, rules=()), ConsentSettings())
    last = purposes[-1].key
    masks = masks_of([{last: (1, "allow")}, None], policy)
    assert policy.allows_each(masks, last).tolist() == [True, False]


def test_a_column_of_masks_answers_as_each_mask_does():
    records: list[ConsentRecord | None] = [None, AGREED, {"marketing": (1, "deny")}, {}]
    masks = masks_of(records, POLICY)
    assert masks.dtype == np.uint64
    for purpose in (*POLICY.purposes, "marketing.fax"):
        expected = [POLICY.allows(POLICY.mask(record), purpose) for record in records]
        assert POLICY.allows_each(masks, purpose).tolist() == expected


def test_keys_are_the_purposes_and_what_stands_above_them():
    assert {"marketing", "marketing.email", "train_ai"} <= POLICY.keys
    assert "marketing.fax" not in POLICY.keys


def test_another_default_is_another_version():
    assert POLICY.version == CompiledPolicy(BOOK, ConsentSettings()).version
    assert POLICY.version != stated(personalize__web="allow").version


def test_an_unknown_purpose_is_neither_essential_nor_profiling():
    assert POLICY.is_profiling("personalize.web")
    assert not POLICY.is_profiling("marketing.email")
    assert not POLICY.is_profiling("marketing.fax")
    assert not POLICY.is_essential("marketing.fax")
