"""Laws of permission: order is irrelevant, a prohibition wins, and both forms of the gate agree."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from customering.consent.agreements import ROSTER
from customering.consent.gate import CompiledPolicy, permit
from customering.consent.ledger import consent_of, merge, step, zero
from customering.consent.model import (
    ConsentRecord,
    ConsentSettings,
    Permit,
    Refusal,
    SetStatus,
    StatedDefault,
)
from customering.consent.purposes import shipped_purposes
from customering.events.model import PERMISSION_NAMES, Event
from customering.kernel.ids import identifier

BOOK = shipped_purposes()
POLICY = CompiledPolicy(BOOK, ConsentSettings())
PURPOSES = tuple(purpose.key for purpose in BOOK.purposes)
LIBERAL = CompiledPolicy(
    BOOK,
    ConsentSettings(
        defaults={
            **{key: StatedDefault(answer="allow", ground="stated") for key in PURPOSES},
            "ads": StatedDefault(answer="deny", ground="stated"),
        }
    ),
)
POLICIES = st.sampled_from([POLICY, LIBERAL])

SHARED = tuple(POLICY.voices.signalled)
VOICES = (
    "signal:gpc", "signal:gpp", "objection:marketing", "objection:personalize.offers",
    "objection:*", "objection:fax", "restriction:all", "agreement:SD-BASE", "agreement:SD-BASE-ATP",
    "agreement:PDC-AI", "agreement:PDC-INTENT", "agreement:NOT-OURS", "whisper:ear",
)  # fmt: skip

purpose_keys = st.sampled_from([*sorted(POLICY.keys), "marketing.fax", ""])
keys = st.one_of(purpose_keys, st.sampled_from(VOICES))
choices = st.tuples(st.integers(0, 5), st.sampled_from(["allow", "deny"]))
records = st.dictionaries(keys, choices, max_size=8)
broken_choices = st.one_of(
    choices,
    st.none(),
    st.integers(),
    st.text(max_size=3),
    st.just((1,)),
    st.sampled_from([(None, "allow"), ("1", "allow"), (1.5, "allow"), (1, "maybe")]),
)
broken_records = st.dictionaries(keys, broken_choices, max_size=8)
words = st.sampled_from([rule.status for rule in BOOK.rules] + ["smitten", ""])
statuses = st.one_of(
    st.none(),
    st.builds(SetStatus, status=words, until_ms=st.one_of(st.none(), st.integers(0, 10))),
)


@st.composite
def events(draw: st.DrawFn) -> Event:
    at_ms = draw(st.integers(0, 5))
    return Event(
        event_id="e",
        kind="track",
        name=draw(st.sampled_from([*PERMISSION_NAMES, "Order Completed"])),
        identifiers=(identifier("user_id", "ada"),),
        occurred_at=at_ms,
        recorded_at=at_ms + draw(st.integers(-2, 2)),
        properties={
            "purposes": draw(
                st.dictionaries(keys, st.sampled_from(["allow", "deny", "maybe"]), max_size=3)
            )
        },
    )


def folded(sequence: list[Event]) -> ConsentRecord:
    record = zero()
    for event in sequence:
        record = step(record, event)
    return record


@settings(max_examples=100, deadline=None)
@given(records, records, records)
def test_merge_is_a_join(a: ConsentRecord, b: ConsentRecord, c: ConsentRecord):
    assert merge(a, b) == merge(b, a)
    assert merge(a, merge(b, c)) == merge(merge(a, b), c)
    assert merge(a, a) == a
    assert merge(a, zero()) == a == merge(zero(), a)


@settings(max_examples=100, deadline=None)
@given(st.lists(events(), max_size=8), st.data())
def test_any_interleaving_gives_the_same_record(sequence: list[Event], data: st.DataObject):
    shuffled = data.draw(st.permutations(sequence))
    cut = data.draw(st.integers(0, len(sequence)))
    repeated = [*shuffled, *shuffled[:cut]]
    expected = folded(sequence)
    assert folded(repeated) == expected
    assert consent_of([folded(shuffled[:cut]), folded(shuffled[cut:])]) == expected


@settings(max_examples=120, deadline=None)
@given(records, POLICIES)
def test_the_mask_permits_what_the_gate_permits(record: ConsentRecord, policy: CompiledPolicy):
    mask = policy.mask(record)
    for purpose in (*PURPOSES, "marketing.fax", "marketing"):
        answer = permit(record, purpose, "", "", 0, policy=policy)
        assert policy.allows(mask, purpose) == isinstance(answer, Permit), purpose


def test_a_choice_that_outdoes_a_signal_outdoes_no_agreement():
    record: ConsentRecord = {
        "ads.audiences": (1, "allow"), "agreement:SD-BASE": (0, "deny"), "signal:gpc": (0, "deny"),
    }  # fmt: skip
    for said in (record, dict(reversed(record.items()))):
        assert not POLICY.allows(POLICY.mask(said), "ads.audiences")


@settings(max_examples=120, deadline=None)
@given(broken_records, POLICIES)
def test_the_mask_of_a_broken_record_is_that_of_the_gate(record: Any, policy: CompiledPolicy):
    mask = policy.mask(record)
    for purpose in PURPOSES:
        permitted = isinstance(permit(record, purpose, "", "", 0, policy=policy), Permit)
        if policy.allows(mask, purpose):
            assert permitted, purpose


@settings(max_examples=120, deadline=None)
@given(records, statuses, st.integers(0, 10), POLICIES)
def test_no_status_ever_raises_permission(
    record: ConsentRecord, status: SetStatus | None, now_ms: int, policy: CompiledPolicy
):
    mask = policy.mask(record)
    restricted = policy.restrict(mask, status, now_ms)
    assert restricted & ~mask == 0
    for purpose in PURPOSES:
        answer = permit(record, purpose, "", "", now_ms, policy=policy, status=status)
        assert policy.allows(restricted, purpose) == isinstance(answer, Permit), purpose


@settings(max_examples=100, deadline=None)
@given(records, st.text(max_size=12), statuses, POLICIES)
def test_an_unknown_purpose_is_always_refused(
    record: ConsentRecord, purpose: str, status: SetStatus | None, policy: CompiledPolicy
):
    if purpose not in PURPOSES:
        agreed: ConsentRecord = {**record, purpose: (9, "allow")}
        assert isinstance(permit(agreed, purpose, "", "", 0, policy=policy, status=status), Refusal)


@settings(max_examples=100, deadline=None)
@given(records, st.sampled_from(sorted(POLICY.keys)), POLICIES)
def test_a_refusal_is_inherited_downwards(
    record: ConsentRecord, above: str, policy: CompiledPolicy
):
    mask = policy.mask({**record, above: (9, "deny")})
    for purpose in PURPOSES:
        if (purpose + ".").startswith(above + ".") and not policy.is_essential(purpose):
            assert not policy.allows(mask, purpose)


@settings(max_examples=100, deadline=None)
@given(records, st.sampled_from(PURPOSES), POLICIES)
def test_an_agreement_permits_nothing_but_itself(
    record: ConsentRecord, purpose: str, policy: CompiledPolicy
):
    before = {key: choice for key, choice in record.items() if key != purpose}
    after: ConsentRecord = {**before, purpose: (9, "allow")}
    gained = policy.mask(after) & ~policy.mask(before)
    others = [key for key in PURPOSES if key != purpose and policy.allows(gained, key)]
    assert others == []


@settings(max_examples=100, deadline=None)
@given(broken_records, statuses)
def test_withdrawal_takes_effect_whatever_else_is_recorded(record: Any, status: SetStatus | None):
    withdrawn = {**record, "marketing.email": (9, "deny")}
    answer = permit(withdrawn, "marketing.email", "", "email", 0, policy=LIBERAL, status=status)
    assert isinstance(answer, Refusal)
    assert not LIBERAL.allows(LIBERAL.mask(withdrawn), "marketing.email")


@settings(max_examples=150, deadline=None)
@given(records, st.sampled_from(VOICES), st.integers(0, 9), POLICIES)
def test_no_voice_but_an_agreement_ever_raises_permission(
    record: ConsentRecord, voice: str, at_ms: int, policy: CompiledPolicy
):
    before = policy.mask({key: said for key, said in record.items() if key != voice})
    gained = policy.mask({**record, voice: (at_ms, "deny")}) & ~before
    name = voice.removeprefix("agreement:")
    effect = policy.voices.agreements.get(name) if name != voice else None
    assert gained & ~(effect.allows if effect else 0) == 0


@settings(max_examples=100, deadline=None)
@given(records, st.sampled_from(sorted(ROSTER)), POLICIES)
def test_what_an_agreement_forbids_nothing_permits(
    record: ConsentRecord, agreement: str, policy: CompiledPolicy
):
    mask = policy.mask({**record, f"agreement:{agreement}": (0, "deny")})
    assert mask & policy.voices.agreements[agreement].forbids == 0


@settings(max_examples=100, deadline=None)
@given(records, st.sampled_from([*sorted(POLICY.keys), "*"]), POLICIES)
def test_an_objection_stands_against_every_agreement(
    record: ConsentRecord, key: str, policy: CompiledPolicy
):
    mask = policy.mask({**record, f"objection:{key}": (0, "deny")})
    assert mask & policy.voices.objected[key] == 0
    for purpose in PURPOSES:
        is_covered = key == "*" or (purpose + ".").startswith(key + ".")
        if is_covered and not policy.is_essential(purpose):
            assert not policy.allows(mask, purpose)


@settings(max_examples=100, deadline=None)
@given(records, st.integers(0, 5), POLICIES)
def test_a_signal_yields_to_nothing_but_a_later_agreement(
    record: ConsentRecord, at_ms: int, policy: CompiledPolicy
):
    mask = policy.mask({**record, "signal:gpc": (at_ms, "deny")})
    for purpose in SHARED:
        if policy.allows(mask, purpose):
            chosen_at, answer = record[purpose]
            assert answer == "allow"
            assert chosen_at > at_ms


@settings(max_examples=100, deadline=None)
@given(records, POLICIES)
def test_a_restriction_leaves_only_the_law(record: ConsentRecord, policy: CompiledPolicy):
    mask = policy.mask({**record, "restriction:all": (0, "deny")})
    assert [key for key in PURPOSES if policy.allows(mask, key)] == ["essential.legal"]


@settings(max_examples=100, deadline=None)
@given(records, st.sampled_from(VOICES), POLICIES)
def test_a_voice_that_is_taken_back_is_as_if_never_heard(
    record: ConsentRecord, voice: str, policy: CompiledPolicy
):
    without = {key: said for key, said in record.items() if key != voice}
    assert policy.mask({**without, voice: (9, "allow")}) == policy.mask(without)


@settings(max_examples=100, deadline=None)
@given(records, records, st.sampled_from(VOICES), POLICIES)
def test_joining_identities_keeps_every_voice_that_was_not_taken_back_later(
    mine: ConsentRecord, theirs: ConsentRecord, voice: str, policy: CompiledPolicy
):
    said: ConsentRecord = {**mine, voice: (9, "deny")}
    joined = merge(said, theirs)
    assert joined[voice] == (9, "deny")
    assert merge(joined, {voice: (10, "allow")})[voice] == (10, "allow")
    # Separating them restores both: neither record was changed.
    assert policy.mask(said) == policy.mask({**mine, voice: (9, "deny")})
