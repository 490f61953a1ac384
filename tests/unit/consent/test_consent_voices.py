"""Voices beside the choices: what each takes away, what it says, and what it can never do."""

import pytest

from customering.consent.gate import CompiledPolicy, permit
from customering.consent.ledger import step
from customering.consent.model import ConsentRecord, ConsentSettings, Permit, Purpose, Refusal
from customering.consent.purposes import PurposeBook, purposes_in_force, shipped_purposes
from customering.consent.voices import choices_of, standing, voice_key
from customering.events.model import AGREEMENT_UPDATED, Event
from customering.kernel.clock import MS_PER_DAY
from customering.kernel.errors import InvalidDefinition
from customering.kernel.ids import identifier

POLICY = CompiledPolicy(shipped_purposes(), ConsentSettings())
DAY = MS_PER_DAY
EVERYTHING_AGREED: ConsentRecord = {
    one.key: (DAY, "allow") for one in shipped_purposes().purposes if not one.is_essential
}


def ask(purpose: str, record: ConsentRecord) -> Permit | Refusal:
    return permit(record, purpose, "", "", 9 * DAY, policy=POLICY)


@pytest.mark.parametrize(
    ("voice", "purpose", "reason"),
    [
        ("signal:gpc", "ads.audiences", "signal"),
        ("signal:gpp", "share.partners", "signal"),
        ("signal:gpc", "marketing.email", "agreed"),
        ("signal:gpc", "analytics.product", "agreed"),
        ("objection:marketing", "marketing.email", "objection"),
        ("objection:marketing", "personalize.offers", "objection"),
        ("objection:marketing", "profile.value_scoring", "objection"),
        ("objection:marketing", "personalize.web", "agreed"),
        ("objection:marketing.email", "personalize.offers", "agreed"),
        ("objection:*", "cocreate", "objection"),
        ("objection:*", "essential.service", "contract"),
        ("restriction:all", "personalize.web", "restriction"),
        ("restriction:all", "essential.service", "restriction"),
        ("restriction:all", "essential.security", "restriction"),
        ("restriction:all", "essential.legal", "legal_obligation"),
        ("agreement:SD-BASE", "analytics.product", "prohibited"),
        ("agreement:SD-BASE", "personalize.web", "prohibited"),
        ("agreement:SD-BASE", "marketing.email", "prohibited"),
        ("agreement:SD-BASE", "train_ai", "agreed"),
        ("agreement:SD-BASE", "essential.service", "contract"),
        ("agreement:SD-BASE-A", "analytics.product", "agreed"),
        ("agreement:SD-BASE-A", "personalize.web", "prohibited"),
        ("agreement:NOT-OURS", "personalize.web", "unknown_voice"),
        ("agreement:NOT-OURS", "essential.service", "contract"),
    ],
)
def test_each_voice_takes_away_what_it_names(voice: str, purpose: str, reason: str):
    record: ConsentRecord = {**EVERYTHING_AGREED, voice: (2 * DAY, "deny")}
    answer = ask(purpose, record)
    assert answer.reason == reason
    assert POLICY.allows(POLICY.mask(record), purpose) == isinstance(answer, Permit)
    taken_back: ConsentRecord = {**EVERYTHING_AGREED, voice: (2 * DAY, "allow")}
    assert isinstance(ask(purpose, taken_back), Permit)


@pytest.mark.parametrize(
    ("agreement", "purpose"),
    [
        ("PDC-INTENT", "intent.answer"),
        ("PDC-AI", "train_ai"),
        ("PDC-GOOD", "research.public_good"),
        ("SD-BASE-A", "analytics.product"),
        ("SD-BASE-ATP", "personalize.web"),
    ],
)
def test_an_agreement_allows_what_it_is_about_until_the_person_refuses(
    agreement: str, purpose: str
):
    record: ConsentRecord = {voice_key("agreement", agreement): (DAY, "deny")}
    answer = ask(purpose, record)
    assert isinstance(answer, Permit)
    assert answer.reason == "agreement"
    assert agreement in answer.words
    refused = ask(purpose, {**record, purpose: (0, "deny")})
    assert isinstance(refused, Refusal)
    assert refused.reason == "denied"


def test_an_agreement_to_share_later_than_the_signal_outdoes_it():
    signal: ConsentRecord = {"signal:gpc": (2 * DAY, "deny")}
    later: ConsentRecord = {**signal, "ads.audiences": (3 * DAY, "allow")}
    assert isinstance(ask("ads.audiences", later), Permit)
    assert isinstance(ask("ads.audiences", {**later, "signal:gpc": (3 * DAY, "deny")}), Refusal)
    assert isinstance(ask("share.partners", later), Refusal)


def test_two_agreements_that_disagree_forbid():
    record: ConsentRecord = {
        "agreement:SD-BASE-ATP": (DAY, "deny"),
        "agreement:SD-BASE": (DAY, "deny"),
    }
    answer = ask("personalize.web", record)
    assert isinstance(answer, Refusal)
    assert answer.reason == "prohibited"


def test_choices_and_voices_are_told_apart():
    record: ConsentRecord = {
        "marketing": (1, "deny"),
        "signal:gpc": (2, "deny"),
        "agreement:SD-BASE": (3, "allow"),
    }
    assert choices_of(record) == {"marketing": (1, "deny")}
    assert standing(record, "signal") == {"gpc": 2}
    assert standing(record, "agreement") == {}


def test_every_event_of_permission_is_kept():
    event = Event(
        event_id="e",
        kind="track",
        name=AGREEMENT_UPDATED,
        identifiers=(identifier("user_id", "ada"),),
        occurred_at=5,
        recorded_at=9,
        properties={"purposes": {"agreement:SD-BASE": "deny"}, "record_id": "agr_1"},
    )
    assert step({}, event) == {"agreement:SD-BASE": (5, "deny")}


def test_a_purpose_that_serves_nothing_real_is_an_error():
    wrong = Purpose(key="a", title="A", text="A.", basis="consent", serves=("fishing",))
    with pytest.raises(InvalidDefinition, match="fishing"):
        CompiledPolicy(PurposeBook(purposes=(wrong,), rules=()), ConsentSettings())


def test_an_operators_own_purpose_is_covered_by_what_it_does():
    own = """
[[purpose]]
key = "loyalty.scores"
title = "Scores"
text = "We keep score."
basis = "consent"
is_profiling = true
"""
    policy = CompiledPolicy(purposes_in_force(own), ConsentSettings())
    record: ConsentRecord = {
        "loyalty.scores": (DAY, "allow"),
        "agreement:SD-BASE": (DAY, "deny"),
    }
    assert not policy.allows(policy.mask(record), "loyalty.scores")


def test_masks_that_might_differ_have_another_fingerprint():
    sharing = purposes_in_force(
        """
[[purpose]]
key = "research.voc"
title = "R"
text = "R."
basis = "consent"
is_third_party = true
"""
    )
    assert CompiledPolicy(sharing, ConsentSettings()).fingerprint != POLICY.fingerprint
    words_only = purposes_in_force(
        """
[[purpose]]
key = "research.voc"
title = "Other words"
text = "R."
basis = "consent"
"""
    )
    assert CompiledPolicy(words_only, ConsentSettings()).fingerprint == POLICY.fingerprint
